/**
 * Cases of training: `fit`.
 *
 * @module
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  callbacks,
  type Model,
  ops,
  type optimizers,
  saving,
  Tensor,
  UnsupportedError,
  utils,
  type Variable,
} from "../../src/index.ts";
import { toCamelCase } from "../../src/util/naming.ts";
import { mapTree } from "../../src/util/pytree.ts";
import { type Case, type CaseRunner, type Mode, withAlternatives } from "./run-case.ts";
import {
  type CaseArray,
  decode,
  difference,
  type Json,
  type Tolerance,
  toTensor,
} from "./values.ts";

interface CaseWeight {
  readonly path: string;
  readonly value: { readonly $array: CaseArray };
}

interface Data {
  readonly x: unknown;
  readonly y?: unknown;
  readonly sample_weight?: unknown;
  readonly validation?: {
    readonly x: unknown;
    readonly y?: unknown;
    readonly sample_weight?: unknown;
  };
}

interface Call {
  readonly method: string;
  readonly rows?: readonly [number, number];
  readonly kwargs?: Readonly<Record<string, unknown>>;
  readonly result?: Json;
}

interface CallbackCase {
  readonly class_name: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** Records the loss at the end of each batch. */
class BatchLosses extends callbacks.Callback {
  readonly losses: number[] = [];
  override onTrainBatchEnd(_batch: number, logs: callbacks.Logs = {}): void {
    this.losses.push(logs["loss"] as number);
  }
}

function compile(model: Model, test: Case, mode: Mode): void {
  const config = test["compile"] as Record<string, unknown>;
  const excluded = test["exclude_from_weight_decay"] as Record<string, unknown> | undefined;
  if (excluded === undefined) {
    model.compileFromConfig({ ...config, run_eagerly: mode === "eager" });
    return;
  }
  // Before the optimizer is built, which compiling from a config does.
  const optimizer = saving.deserializeKerasObject(config["optimizer"]) as optimizers.Optimizer;
  optimizer.excludeFromWeightDecay(camel(excluded));
  model.compile({ ...camel(config), optimizer, runEagerly: mode === "eager" });
  model.optimizer?.build(model.trainableVariables);
}

function camel(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [toCamelCase(key), value]),
  );
}

function makeCallback(
  { class_name: name, config }: CallbackCase,
  folder: string,
): callbacks.Callback {
  const Class = (
    callbacks as unknown as Record<string, new (...args: unknown[]) => callbacks.Callback>
  )[name];
  if (Class === undefined)
    throw new UnsupportedError(`callbacks.${name} is not exported`, { op: name });
  const options = camel(config);
  if (name === "LearningRateScheduler") {
    const { table, factor, ...rest } = options as { table?: number[]; factor?: number };
    const schedule = (epoch: number, rate: number): number =>
      table === undefined ? rate * (factor as number) : (table[epoch] as number);
    return new Class(schedule, rest);
  }
  if (name === "ModelCheckpoint") {
    const { filepath, ...rest } = options;
    return new Class(join(folder, filepath as string), rest);
  }
  if (name === "CSVLogger") {
    const { filename, ...rest } = options;
    return new Class(join(folder, filename as string), rest);
  }
  return new Class(options);
}

function setWeights(variables: readonly Variable[], given: readonly CaseWeight[]): void {
  if (variables.length !== given.length) {
    throw new Error(`the model has ${variables.length} weights, the case ${given.length}`);
  }
  for (const [i, { value }] of given.entries())
    (variables[i] as Variable).assign(toTensor(value.$array));
}

function weightsOf(given: unknown): Json {
  return (given as CaseWeight[]).map(({ value }) => value) as unknown as Json;
}

/** `fit`: training from given weights, and everything it leaves behind. */
export const runFit: CaseRunner = async (test, mode) => {
  const exact = test["exact_random"] === true;
  if (exact) utils.setRandomSeed(test["set_random_seed"] as number);
  const model = saving.deserializeKerasObject(test["model"]) as Model;
  const tol = test.tol;
  if (exact) {
    const reason = await difference(
      model.weights.map((v) => v.value),
      weightsOf(test["weights_initial_expected"]),
      tol,
      "weights_initial",
    );
    if (reason !== null) return reason;
  } else setWeights(model.weights, test["weights"] as CaseWeight[]);
  compile(model, test, mode);
  const data = decode(test["data"] as Json) as Data;
  const folder = mkdtempSync(join(tmpdir(), "keratin-fit-"));
  try {
    return test["calls"] === undefined
      ? await runWhole(test, model, data, folder, tol)
      : await runCalls(test, model, data, mode, tol);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

async function runWhole(
  test: Case,
  model: Model,
  data: Data,
  folder: string,
  tol: Tolerance | undefined,
): Promise<string | null> {
  const given = camel(test["fit_kwargs"] as Record<string, unknown>);
  const losses = new BatchLosses();
  const list = ((test["callbacks"] as CallbackCase[] | undefined) ?? []).map((c) =>
    makeCallback(c, folder),
  );
  const validation = data.validation;
  const history = await model.fit(data.x, data.y, {
    ...given,
    sampleWeight: data.sample_weight,
    verbose: 0,
    callbacks: [...list, losses],
    ...(validation === undefined || validation === null
      ? {}
      : { validationData: [validation.x, validation.y, validation.sample_weight ?? null] }),
  });
  const evaluated = await model.evaluate(data.x, data.y, {
    sampleWeight: data.sample_weight,
    batchSize: given["batchSize"] as number,
    verbose: 0,
    returnDict: true,
  });
  const predicted = await model.predict(data.x, {
    batchSize: given["batchSize"] as number,
    verbose: 0,
  });
  const written = readdirSync(folder).sort();
  return withAlternatives(test, async (expected) => {
    const checks: [string, unknown, Json | undefined][] = [
      ["history", history.history, expected["history"] as Json],
      ["epoch", history.epoch, expected["epoch"] as Json],
      ["batch_losses", losses.losses, expected["batch_losses"] as Json],
      ["weights_after", model.weights.map((v) => v.value), weightsAfter(expected)],
      ["evaluate", evaluated, expected["evaluate"] as Json],
      ["predict", predicted, expected["predict"] as Json],
    ];
    for (const [name, actual, wanted] of checks) {
      if (wanted === undefined) continue;
      const reason = await difference(actual, wanted, tol, name);
      if (reason !== null) return reason;
    }
    const left = await differenceOfState(model, expected, tol);
    if (left !== null) return left;
    if (expected["files"] !== undefined) {
      const wanted = [...(expected["files"] as string[])].sort();
      if (wanted.join() !== written.join())
        return `files: ${written.join()}, expected ${wanted.join()}`;
    }
    if (expected["csv"] !== undefined) {
      const reason = differenceOfCsv(folder, expected["csv"], tol);
      if (reason !== null) return reason;
    }
    return expected["file_weights"] === undefined
      ? null
      : differenceOfFiles(folder, model, expected["file_weights"] as Record<string, Json>, tol);
  });
}

function weightsAfter(expected: Case): Json | undefined {
  const given = expected["weights_after"] as (CaseWeight | { $array: CaseArray })[] | undefined;
  return given?.map((w) => ("value" in w ? w.value : w)) as Json | undefined;
}

async function differenceOfState(
  model: Model,
  expected: Case,
  tol: Tolerance | undefined,
): Promise<string | null> {
  const { optimizer } = model;
  if (optimizer === null) return null;
  if (expected["iterations"] !== undefined) {
    const iterations = Number(await optimizer.iterations.item());
    if (iterations !== expected["iterations"])
      return `iterations: ${iterations}, expected ${expected["iterations"]}`;
  }
  if (expected["learning_rate_after"] !== undefined) {
    const rate = Number(await optimizer.learningRate.item());
    const reason = await difference(
      rate,
      expected["learning_rate_after"] as Json,
      tol,
      "learning_rate",
    );
    if (reason !== null) return reason;
  }
  if (expected["dynamic_scale_after"] !== undefined) {
    const { dynamicScale } = optimizer as unknown as { dynamicScale: Variable };
    const scale = Number(await dynamicScale.value.item());
    if (scale !== expected["dynamic_scale_after"]) return `dynamic scale ${scale}`;
  }
  return null;
}

function differenceOfCsv(folder: string, csv: unknown, tol: Tolerance | undefined): string | null {
  const files = typeof csv === "string" ? { "": csv } : (csv as Record<string, string>);
  for (const [name, text] of Object.entries(files)) {
    const file =
      name === "" ? (readdirSync(folder).find((f) => /\.(csv|log|tsv|txt)$/.test(f)) ?? "") : name;
    const actual = readFileSync(join(folder, file), "utf8");
    const [a, b] = [actual.split("\r\n"), text.split("\r\n")];
    if (a.length !== b.length) return `csv: ${a.length} lines, expected ${b.length}`;
    for (const [i, line] of b.entries()) {
      const wanted = line.split(/[,;\t]/);
      const got = (a[i] as string).split(/[,;\t]/);
      for (const [j, field] of wanted.entries()) {
        const number = Number(field);
        const isClose =
          field !== "" &&
          Number.isFinite(number) &&
          Math.abs(Number(got[j]) - number) <=
            (tol?.atol ?? 1e-5) + (tol?.rtol ?? 1e-5) * Math.abs(number);
        if (!isClose && got[j] !== field) return `csv line ${i}: ${got[j]}, expected ${field}`;
      }
    }
  }
  return null;
}

async function differenceOfFiles(
  folder: string,
  model: Model,
  files: Readonly<Record<string, Json>>,
  tol: Tolerance | undefined,
): Promise<string | null> {
  for (const [name, wanted] of Object.entries(files)) {
    const path = join(folder, name);
    let loaded: Model = model;
    if (name.endsWith(".weights.h5")) await model.loadWeights(path);
    else loaded = (await saving.loadModel(path)) as Model;
    const weights = (wanted as unknown as (CaseWeight | { $array: CaseArray })[]).map((w) =>
      "value" in w ? w.value : w,
    );
    const reason = await difference(
      loaded.weights.map((v) => v.value),
      weights as unknown as Json,
      tol,
      name,
    );
    if (reason !== null) return reason;
  }
  return null;
}

function rowsOf(tree: unknown, rows: readonly [number, number] | undefined): unknown {
  if (rows === undefined) return tree;
  const [from, to] = rows;
  return mapTree(tree, (leaf) => {
    if (!(leaf instanceof Tensor)) return leaf;
    const parts = ops.split(leaf, [from, to], { axis: 0 });
    return parts[1];
  });
}

async function runCalls(
  test: Case,
  model: Model,
  data: Data,
  mode: Mode,
  tol: Tolerance | undefined,
): Promise<string | null> {
  for (const [i, { method, rows, kwargs, result }] of (test["calls"] as Call[]).entries()) {
    const { use_sample_weight: useWeight, ...rest } = kwargs ?? {};
    const options = camel(rest) as Record<string, unknown>;
    if (useWeight === true) options["sampleWeight"] = rowsOf(data.sample_weight, rows);
    const x = rowsOf(data.x, rows);
    const y = rowsOf(data.y, rows);
    let actual: unknown;
    switch (method) {
      case "fit":
        actual = (await model.fit(x, y, { shuffle: false, ...options, verbose: 0 })).history;
        break;
      case "train_on_batch":
        actual = await model.trainOnBatch(x, y, options);
        break;
      case "test_on_batch":
        actual = await model.testOnBatch(x, y, options);
        break;
      case "predict_on_batch":
        actual = await model.predictOnBatch(x);
        break;
      case "evaluate":
        actual = await model.evaluate(x, y, { ...options, verbose: 0, returnDict: true });
        break;
      case "predict":
        actual = await model.predict(x, { ...options, verbose: 0 });
        break;
      case "reset_metrics":
        model.resetMetrics();
        break;
      case "set_learning_rate":
        if (model.optimizer !== null) {
          model.optimizer.learningRate = (options["learningRate"] ??
            options["value"] ??
            options["rate"]) as number;
        }
        break;
      case "set_trainable":
        model.getLayer((options["layer"] ?? options["name"]) as string).trainable = (options[
          "trainable"
        ] ?? options["value"]) as boolean;
        break;
      case "compile_again":
        compile(model, test, mode);
        break;
      default:
        throw new Error(`unknown method ${method}`);
    }
    if (result === undefined || result === null || actual === undefined) continue;
    const reason = await difference(actual, result, tol, `call ${i} (${method})`);
    if (reason !== null) return reason;
  }
  const reason = await difference(
    model.weights.map((v) => v.value),
    weightsAfter(test) as Json,
    tol,
    "weights_after",
  );
  return reason ?? differenceOfState(model, test, tol);
}
