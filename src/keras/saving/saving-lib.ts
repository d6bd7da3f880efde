/**
 * Models in files: `.keras`, `.weights.h5` and the older `.h5`.
 *
 * @module
 */
import { platform } from "../../platform/platform.ts";
import { withVariableBudget } from "../../tensor/variable.ts";
import {
  ArgumentError,
  describe,
  formatShape,
  KeratinError,
  SerializationError,
} from "../../util/errors.ts";
import { isPlainObject } from "../../util/pytree.ts";
import type { Layer } from "../layers/layer.ts";
import type { Model } from "../models/model.ts";
import type { Config } from "../object.ts";
import { Archive, packArchive } from "./archive.ts";
import { Hdf5File } from "./hdf5.ts";
import { emptyTree, writeHdf5 } from "./hdf5-writer.ts";
import { configToJson } from "./json.ts";
import { legacyFile, loadLegacyOptimizer, loadLegacyWeights } from "./legacy-h5.ts";
import { deserializeKerasObject, serializeKerasObject } from "./serialization.ts";
import { ShardedFile } from "./shards.ts";
import { loadState, saveState } from "./state.ts";

/** The release of Keras whose files are written. */
const kerasVersion = "3.16.0";

/** A file: its path, or its bytes. */
export type FileLike = string | Uint8Array | ArrayBuffer;

/** Options of `saveModel`. */
export interface SaveOptions {
  /** Whether a file of this name is replaced. */
  overwrite?: boolean | undefined;
}

/** Options of `loadModel`. */
export interface LoadOptions {
  /** Classes and functions that the file may name, beside Keras's and registered ones. */
  customObjects?: Readonly<Record<string, unknown>> | null | undefined;
  /** Whether the model is compiled as it was. */
  compile?: boolean | undefined;
}

/** Options of `loadWeights`. */
export interface LoadWeightsOptions {
  /** Whether layers whose weights do not fit are left as they are, with a warning. */
  skipMismatch?: boolean | undefined;
}

async function checkTarget(path: unknown, overwrite: boolean): Promise<string> {
  if (typeof path !== "string") {
    throw new ArgumentError(`Expected the path of a file, got ${describe(path)}.`);
  }
  if (!overwrite && (await platform().exists(path))) {
    throw new SerializationError(`${path} exists. Give overwrite: true to replace it.`, { path });
  }
  if (await platform().isDirectory(path)) {
    throw new SerializationError(`${path} is a folder. Give the name of a file.`, { path });
  }
  return path;
}

/**
 * The bytes of a `.keras` file.
 *
 * @example
 * const model = new Sequential([Input({ shape: [2] }), new layers.Dense(1)]);
 * const copy = await saving.loadModel(await saving.packModel(model));
 * copy.name === model.name; // true
 */
export async function packModel(model: Model): Promise<Uint8Array> {
  const weights = emptyTree();
  await saveState(model, weights);
  const encode = (value: unknown): Uint8Array => new TextEncoder().encode(configToJson(value));
  return packArchive({
    "metadata.json": encode({ keras_version: kerasVersion, date_saved: dateText(new Date()) }),
    "config.json": encode(serializeKerasObject(model)),
    "model.weights.h5": writeHdf5(weights),
  });
}

function dateText(date: Date): string {
  const [day, time] = date.toISOString().split("T") as [string, string];
  return `${day}@${time.slice(0, 8)}`;
}

/**
 * Saves a model: architecture, weights and the state of its optimizer.
 *
 * @param path Ends in `.keras`, or in `.h5` for Keras's older format (without
 *   the state of random numbers).
 * @throws {SerializationError} If it cannot be written; an old file of the name is then as it was.
 */
export async function saveModel(
  model: Model,
  path: string,
  options: SaveOptions = {},
): Promise<void> {
  const target = await checkTarget(path, options.overwrite ?? true);
  if (target.endsWith(".keras")) {
    await platform().writeFile(target, await packModel(model));
    return;
  }
  if (target.endsWith(".h5") || target.endsWith(".hdf5")) {
    const { class_name, config } = serializeKerasObject(model) as {
      class_name: string;
      config: Config;
    };
    const training = trainingConfig(model);
    const data = await legacyFile(model, { class_name, config }, training, model.optimizer);
    await platform().writeFile(target, data);
    return;
  }
  throw new ArgumentError(
    `save: the name of the file must end in ".keras" (or ".h5"), got ${JSON.stringify(path)}.`,
  );
}

function trainingConfig(model: Model): Config | null {
  const config = model.getCompileConfig();
  if (config === null) return null;
  const { optimizer, ...rest } = config;
  const {
    class_name,
    config: inner,
    module,
    registered_name,
  } = optimizer as Record<string, unknown>;
  return { ...rest, optimizer_config: { module, class_name, config: inner, registered_name } };
}

async function readFile(file: FileLike): Promise<{ data: Uint8Array; path: string }> {
  if (file instanceof Uint8Array) return { data: file, path: "the file" };
  if (file instanceof ArrayBuffer) return { data: new Uint8Array(file), path: "the file" };
  if (typeof file !== "string") {
    throw new ArgumentError(`Expected a path or the bytes of a file, got ${describe(file)}.`);
  }
  return { data: await platform().readFile(file), path: file };
}

function isZip(data: Uint8Array): boolean {
  return data[0] === 0x50 && data[1] === 0x4b;
}

function isHdf5(data: Uint8Array): boolean {
  return data[0] === 0x89 && data[1] === 0x48 && data[2] === 0x44 && data[3] === 0x46;
}

/**
 * The model of a file that `save` or Keras wrote.
 *
 * A file never runs code, and names only classes that are Keras's, registered
 * or given here.
 *
 * @throws {SerializationError} If the file is missing, damaged, or names what is not known.
 */
export async function loadModel(file: FileLike, options: LoadOptions = {}): Promise<Model> {
  if (typeof file === "string" && (await platform().isDirectory(file))) {
    return guarded(file, () => loadFolder(file, options));
  }
  const { data, path } = await readFile(file);
  return guarded(path, async () => {
    if (isHdf5(data)) return loadLegacy(data, path, options);
    if (isZip(data)) return loadArchive(data, path, options);
    throw new SerializationError(
      `${path} is no file of a model: ` +
        (data.length === 0 ? "it is empty." : "it is neither a .keras archive nor HDF5."),
      { path },
    );
  });
}

/** Whatever goes wrong is an error of ours. */
async function guarded<T>(path: string, fn: () => Promise<T>): Promise<T> {
  try {
    return await fn();
  } catch (error) {
    if (error instanceof KeratinError) throw error;
    throw new SerializationError(
      `${path} cannot be loaded: ${error instanceof Error ? error.message : String(error)}`,
      { path, cause: error },
    );
  }
}

function parseConfig(data: Uint8Array | string, path: string): Record<string, unknown> {
  const text = typeof data === "string" ? data : new TextDecoder().decode(data);
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (error) {
    throw new SerializationError(`${path}: its config is no JSON.`, { path, cause: error });
  }
  if (!isPlainObject(config))
    throw new SerializationError(`${path}: its config is no object.`, { path });
  return config;
}

/** A model may take so many times the bytes of its file, and a little more: slots of optimizers. */
const maxGrowth = 8;
const smallModel = 1 << 24;

/** Runs `fn`; what it makes is refused when it is out of all proportion to the file. */
function inProportion<T>(path: string, fileBytes: number, fn: () => T): T {
  const exceeded = (shape: readonly number[]): Error =>
    new SerializationError(
      `${path} describes weights of shape ${formatShape(shape)}, which its ${fileBytes} bytes ` +
        "cannot hold.",
      { path, shapes: [shape] },
    );
  return withVariableBudget(smallModel + maxGrowth * fileBytes, exceeded, fn);
}

/** The model that a config describes, with weights that are not set yet. */
function makeModel(
  config: Record<string, unknown>,
  path: string,
  fileBytes: number,
  options: LoadOptions,
): Model {
  return inProportion(path, fileBytes, () => makeUnchecked(config, path, options));
}

function makeUnchecked(config: Record<string, unknown>, path: string, options: LoadOptions): Model {
  const { compile_config: compileConfig, ...rest } = config;
  const model = deserializeKerasObject(rest, { customObjects: options.customObjects }) as Model;
  if (typeof (model as Partial<Model> | null)?.compileFromConfig !== "function") {
    throw new SerializationError(`${path} does not hold a model.`, { path });
  }
  if ((options.compile ?? true) && isPlainObject(compileConfig))
    model.compileFromConfig(compileConfig);
  return model;
}

async function loadArchive(data: Uint8Array, path: string, options: LoadOptions): Promise<Model> {
  const archive = new Archive(data, path);
  if (!archive.has("config.json")) {
    throw new SerializationError(`${path} holds no config.json: it is no file of a model.`, {
      path,
    });
  }
  if (!archive.has("model.weights.h5")) {
    throw new SerializationError(`${path} holds no model.weights.h5.`, { path });
  }
  const weights = archive.read("model.weights.h5");
  const config = parseConfig(archive.read("config.json"), path);
  const model = makeModel(config, path, weights.length, options);
  await loadWeightsFrom(model, weights, path, false);
  return model;
}

async function loadFolder(path: string, options: LoadOptions): Promise<Model> {
  const config = await platform().readFile(`${path}/config.json`);
  const weights = await platform().readFile(`${path}/model.weights.h5`);
  const model = makeModel(parseConfig(config, path), path, weights.length, options);
  await loadWeightsFrom(model, weights, path, false);
  return model;
}

async function loadLegacy(data: Uint8Array, path: string, options: LoadOptions): Promise<Model> {
  const file = await Hdf5File.open(data, path);
  try {
    const text = file.attribute("", "model_config");
    if (typeof text !== "string") {
      throw new SerializationError(
        `${path} holds weights only: make the model and use loadWeights.`,
        {
          path,
        },
      );
    }
    const config = parseConfig(text, path);
    const model = makeModel(config, path, data.length, options);
    loadLegacyWeights(model, file, file.list("model_weights") === null ? "" : "model_weights");
    const training = file.attribute("", "training_config");
    if ((options.compile ?? true) && typeof training === "string") {
      const { optimizer_config: optimizer, ...rest } = parseConfig(training, path);
      model.compileFromConfig({ ...rest, optimizer });
      if (model.optimizer !== null) loadLegacyOptimizer(model.optimizer, file);
    }
    return model;
  } finally {
    file.close();
  }
}

async function loadWeightsFrom(
  model: Layer,
  data: Uint8Array,
  path: string,
  skipMismatch: boolean,
): Promise<void> {
  const file = await Hdf5File.open(data, path);
  try {
    const hasLayers = file.list("model_weights") !== null;
    const isLegacy = hasLayers || file.attribute("", "layer_names") !== null;
    allOrNothing(model, () => {
      if (isLegacy) loadLegacyWeights(model as Model, file, hasLayers ? "model_weights" : "");
      else loadState(model, file, { skipMismatch });
    });
  } finally {
    file.close();
  }
}

/** Takes back what `load` did to the variables of a model if it throws. */
function allOrNothing(model: Layer, load: () => void): void {
  const variables = [...new Set([...model.variables, ...optimizerVariables(model)])];
  const before = variables.map((variable) => variable.rawValue);
  try {
    load();
  } catch (error) {
    for (const [i, variable] of variables.entries()) variable.assign(before[i] as never);
    throw error;
  } finally {
    for (const value of before) value.dispose();
  }
}

function optimizerVariables(model: Layer): readonly Layer["weights"][number][] {
  return (model as Partial<Model>).optimizer?.variables ?? [];
}

/**
 * Saves the weights of a model, for `loadWeights`.
 *
 * @param path Ends in `.weights.h5`.
 * @throws {SerializationError} If it cannot be written; an old file of the name is then as it was.
 */
export async function saveWeights(
  model: Layer,
  path: string,
  options: SaveOptions = {},
): Promise<void> {
  const target = await checkTarget(path, options.overwrite ?? true);
  if (!target.endsWith(".weights.h5")) {
    throw new ArgumentError(
      `saveWeights: the name of the file must end in ".weights.h5", got ${JSON.stringify(path)}.`,
    );
  }
  const root = emptyTree();
  await saveState(model, root);
  await platform().writeFile(target, writeHdf5(root));
}

/**
 * Sets the weights of a model from a file: `.weights.h5`, `.keras`, `.h5`, or the
 * `.weights.json` that lists the files of sharded weights, by its path.
 *
 * @throws {SerializationError} If the file is missing, damaged or of another
 *   model; then no weight has changed.
 */
export async function loadWeights(
  model: Layer,
  file: FileLike,
  options: LoadWeightsOptions = {},
): Promise<void> {
  const { data, path } = await readFile(file);
  await guarded(path, async () => {
    if (path.endsWith(".json")) {
      const shards = await ShardedFile.open(data, path);
      try {
        allOrNothing(model, () =>
          loadState(model, shards, { skipMismatch: options.skipMismatch ?? false }),
        );
      } finally {
        shards.close();
      }
      return;
    }
    const weights = isZip(data) ? new Archive(data, path).read("model.weights.h5") : data;
    await loadWeightsFrom(model, weights, path, options.skipMismatch ?? false);
  });
}
