/**
 * Keras's older format: a whole model in one HDF5 file.
 *
 * @module
 */
import type { Tensor } from "../../tensor/tensor.ts";
import type { Variable } from "../../tensor/variable.ts";
import { SerializationError } from "../../util/errors.ts";
import type { Layer } from "../layers/layer.ts";
import { assignAll } from "../layers/own-weights.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";
import type { Hdf5File } from "./hdf5.ts";
import { emptyTree, groupAt, type Hdf5Tree, writeHdf5 } from "./hdf5-writer.ts";
import { configToJson } from "./json.ts";
import { bytesOf, tensorOf } from "./state.ts";

/** The list of an attribute, which may be split in `name0`, `name1`, … */
function names(file: Hdf5File, group: string, attribute: string): string[] {
  const whole = file.attribute(group, attribute);
  if (Array.isArray(whole)) return whole as string[];
  const all: string[] = [];
  for (let i = 0; ; i++) {
    const part = file.attribute(group, `${attribute}${i}`);
    if (!Array.isArray(part)) return all;
    all.push(...(part as string[]));
  }
}

/** The order in which the format lists a layer's weights. */
function weightsOf(layer: Layer): Variable[] {
  return [...layer.trainableWeights, ...layer.nonTrainableWeights];
}

interface ModelLike extends Layer {
  readonly layers: readonly Layer[];
}

/**
 * Sets a model's weights from a group, layer by layer in the model's order.
 *
 * @throws {SerializationError} If the layers are not those of the file.
 */
export function loadLegacyWeights(model: ModelLike, file: Hdf5File, group: string): void {
  const layers = model.layers.filter((layer) => weightsOf(layer).length > 0);
  const prefix = group === "" ? "" : `${group}/`;
  const saved = names(file, group, "layer_names").filter(
    (name) => names(file, `${prefix}${name}`, "weight_names").length > 0,
  );
  if (saved.length !== layers.length) {
    throw new SerializationError(
      `${file.path} holds weights of ${saved.length} layers, the model "${model.name}" has ` +
        `${layers.length} with weights.`,
      { path: file.path },
    );
  }
  for (const [i, layer] of layers.entries()) {
    const at = `${prefix}${saved[i] as string}`;
    const variables = weightsOf(layer);
    const paths = names(file, at, "weight_names");
    if (paths.length !== variables.length) {
      throw new SerializationError(
        `${file.path} holds ${paths.length} weights for the layer "${layer.name}", which has ` +
          `${variables.length}.`,
        { path: file.path },
      );
    }
    const values: Tensor[] = [];
    try {
      for (const path of paths) values.push(tensorOf(file.read(`${at}/${path}`)));
      assignAll(variables, values);
    } finally {
      for (const value of values) value.dispose();
    }
  }
}

/** Puts a model's weights into a group. */
async function saveLegacyWeights(model: ModelLike, group: Hdf5Tree): Promise<void> {
  const layers = model.layers;
  group.attributes["layer_names"] = layers.map(({ name }) => name);
  group.attributes["backend"] = "keratin";
  group.attributes["keras_version"] = "3.16.0";
  for (const layer of layers) {
    const part = groupAt(group, layer.name);
    const variables = weightsOf(layer);
    part.attributes["weight_names"] = variables.map(({ path }) => path);
    for (const variable of variables) {
      const names = variable.path.split("/");
      const name = names.pop() as string;
      groupAt(part, names.join("/")).datasets[name] = await bytesOf(variable);
    }
  }
  groupAt(group, "top_level_model_weights").attributes["weight_names"] = [];
}

const optimizerGroup = "optimizer_weights";

/** Puts an optimizer's state into a file: the order of its variables is that of the names. */
async function saveOptimizer(optimizer: Optimizer, root: Hdf5Tree): Promise<void> {
  const group = groupAt(root, optimizerGroup);
  const { variables } = optimizer;
  group.attributes["weight_names"] = variables.map(({ path }) => path);
  for (const variable of variables) {
    const names = variable.path.split("/");
    const name = names.pop() as string;
    groupAt(group, names.join("/")).datasets[name] = await bytesOf(variable);
  }
}

/**
 * Sets the state of a model's optimizer, which has been built.
 *
 * @throws {SerializationError} If the file holds the state of another one.
 */
export function loadLegacyOptimizer(optimizer: Optimizer, file: Hdf5File): void {
  if (file.list(optimizerGroup) === null) return;
  const paths = names(file, optimizerGroup, "weight_names");
  const { variables } = optimizer;
  if (paths.length !== variables.length) {
    throw new SerializationError(
      `${file.path} holds ${paths.length} variables of an optimizer, "${optimizer.name}" has ` +
        `${variables.length}.`,
      { path: file.path },
    );
  }
  const values: Tensor[] = [];
  try {
    for (const path of paths) values.push(tensorOf(file.read(`${optimizerGroup}/${path}`)));
    assignAll(variables, values);
  } finally {
    for (const value of values) value.dispose();
  }
}

/** The file of a model: its config, its weights, and the state of its optimizer. */
export async function legacyFile(
  model: ModelLike,
  config: unknown,
  trainingConfig: unknown,
  optimizer: Optimizer | null,
): Promise<Uint8Array> {
  const root = emptyTree();
  root.attributes["backend"] = "keratin";
  root.attributes["keras_version"] = "3.16.0";
  root.attributes["model_config"] = configToJson(config);
  if (trainingConfig !== null) root.attributes["training_config"] = configToJson(trainingConfig);
  await saveLegacyWeights(model, groupAt(root, "model_weights"));
  if (optimizer !== null) await saveOptimizer(optimizer, root);
  return writeHdf5(root);
}
