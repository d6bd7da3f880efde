/**
 * The state of models as groups of an HDF5 file, as `.weights.h5` has them.
 *
 * @module
 */
import { SeedGenerator } from "../../nn/seed-generator.ts";
import { currentBackend } from "../../runtime/device.ts";
import { fromStored } from "../../tensor/create.ts";
import { Tensor } from "../../tensor/tensor.ts";
import type { Variable } from "../../tensor/variable.ts";
import { type DType, itemSize, storedArray } from "../../util/dtypes.ts";
import { KeratinError, SerializationError } from "../../util/errors.ts";
import { toSnakeCase } from "../../util/naming.ts";
import { isPlainObject } from "../../util/pytree.ts";
import { sizeOf } from "../../util/shapes.ts";
import { Layer } from "../layers/layer.ts";
import { parts } from "../layers/tracking.ts";
import { Metric } from "../metrics/metric.ts";
import { Optimizer } from "../optimizers/optimizer.ts";
import type { Hdf5Data, Hdf5File } from "./hdf5.ts";
import { groupAt, type Hdf5Tree } from "./hdf5-writer.ts";

/** What has variables of its own in a file. */
type Saveable = Layer | Optimizer | Metric | SeedGenerator;

function isSaveable(value: unknown): value is Saveable {
  return (
    value instanceof Layer ||
    value instanceof Optimizer ||
    value instanceof Metric ||
    value instanceof SeedGenerator
  );
}

/** Models of layers list them first, whatever other properties they have. */
interface ModelLike extends Layer {
  readonly layers: readonly Layer[];
  readonly optimizer: Optimizer | null;
  readonly keepsLayers: boolean;
}

/** The parts of an object, by the names that they have in Keras's files. */
function* partsOf(owner: Saveable): Generator<[name: string, part: unknown]> {
  if (owner instanceof Layer) {
    const model = owner as Partial<ModelLike>;
    if (model.keepsLayers) yield ["layers", model.layers];
    const named = parts(owner).map(([name, part]): [string, unknown] => [toSnakeCase(name), part]);
    if (model.optimizer instanceof Optimizer) named.push(["optimizer", model.optimizer]);
    yield* named.sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

/** Every saveable object from a model on, with its path in the file; each once. */
export function saveables(root: Saveable): [path: string, object: Saveable][] {
  const found: [string, Saveable][] = [];
  const seen = new Set<unknown>();
  const visit = (object: Saveable, path: string): void => {
    if (seen.has(object)) return;
    seen.add(object);
    found.push([path, object]);
    for (const [name, part] of partsOf(object)) {
      const inner = path === "" ? name : `${path}/${name}`;
      if (isSaveable(part)) visit(part, inner);
      else if (
        Array.isArray(part) ||
        isPlainObject(part) ||
        part instanceof Set ||
        part instanceof Map
      ) {
        visitContainer(part, inner);
      }
    }
  };
  // Objects in a list are named by their class, not by their (automatic) name.
  const visitContainer = (container: unknown, path: string): void => {
    const counts = new Map<string, number>();
    const items =
      container instanceof Set || container instanceof Map
        ? [...container.values()]
        : Object.values(container as object);
    for (const item of items) {
      if (!isSaveable(item)) continue;
      const name = toSnakeCase(item.constructor.name);
      const count = counts.get(name);
      counts.set(name, (count ?? -1) + 1);
      visit(item, `${path}/${count === undefined ? name : `${name}_${count + 1}`}`);
    }
  };
  visit(root, "");
  return found;
}

/** A tensor's bytes, as they are stored. */
export async function bytesOf(value: Variable | Tensor): Promise<Hdf5Data> {
  const tensor = value instanceof Tensor ? value : value.rawValue;
  const { storage, shape, dtype } = tensor;
  const length = sizeOf(shape) * itemSize(dtype);
  const buffer = await storage.backend.read(storage, length);
  if (tensor !== value) tensor.dispose();
  return { dtype, shape, bytes: new Uint8Array(buffer) };
}

/** Puts the state of a model into a tree. */
export async function saveState(model: Layer, root: Hdf5Tree): Promise<void> {
  for (const [path, object] of saveables(model)) {
    const group = groupAt(root, path === "" ? "vars" : `${path}/vars`);
    group.attributes["name"] = object.name;
    const store: Record<string, Variable | Tensor> = {};
    object.saveOwnVariables(store);
    for (const [name, value] of Object.entries(store)) group.datasets[name] = await bytesOf(value);
  }
}

const narrower: Readonly<Partial<Record<DType, DType>>> = {
  int64: "int32",
  uint64: "uint32",
  float64: "float32",
};

/** A dataset as a tensor; where the device lacks the dtype, in the next smaller one. */
export function tensorOf({ dtype, shape, bytes }: Hdf5Data): Tensor {
  const aligned = bytes.slice().buffer;
  const stored = storedArray(dtype, aligned);
  if (currentBackend().dtypes.has(dtype)) return fromStored(stored, [...shape], dtype);
  const small = narrower[dtype];
  if (small === undefined) return fromStored(stored, [...shape], dtype);
  const values = storedArray(small, new ArrayBuffer(stored.length * itemSize(small)));
  for (let i = 0; i < stored.length; i++) values[i] = Number(stored[i]);
  return fromStored(values, [...shape], small);
}

/** Takes the state of a model from a file. */
export function loadState(
  model: Layer,
  file: Pick<Hdf5File, "path" | "list" | "read">,
  options: { skipMismatch: boolean },
): void {
  for (const [path, object] of saveables(model)) {
    const group = path === "" ? "vars" : `${path}/vars`;
    const listed = file.list(group);
    if (listed !== null && listed.groups.length > 0) {
      throw new SerializationError(
        `${file.path}: "${group}/${listed.groups[0]}" should be a dataset, it is a group.`,
        { path: file.path },
      );
    }
    // What an object does not save it does not miss.
    if (listed === null && (object instanceof Metric || object instanceof Optimizer)) continue;
    const store: Record<string, Tensor> = {};
    for (const name of listed?.datasets ?? [])
      store[name] = tensorOf(file.read(`${group}/${name}`));
    try {
      if (object instanceof SeedGenerator && listed === null) continue;
      object.loadOwnVariables(store);
    } catch (error) {
      if (!(error instanceof KeratinError)) throw error;
      if (!options.skipMismatch) {
        throw new SerializationError(`${file.path}: ${error.message}`, {
          path: file.path,
          cause: error,
        });
      }
      console.warn(`Skipping "${object.name}": ${error.message}`);
    } finally {
      for (const tensor of Object.values(store)) tensor.dispose();
    }
  }
}
