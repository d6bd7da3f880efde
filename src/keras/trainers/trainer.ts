/**
 * Training, evaluation and prediction.
 *
 * @module
 */
import { valueAndGrad } from "../../autograd/grad.ts";
import { type Jitted, jit } from "../../jit/jit.ts";
import { add } from "../../ops/arithmetic.ts";
import { cast } from "../../ops/creation.ts";
import { concatenate } from "../../ops/joining.ts";
import { sum } from "../../ops/reduction.ts";
import type { Submission } from "../../runtime/backend.ts";
import { state } from "../../tensor/context.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { tidy } from "../../tensor/tidy.ts";
import { ArgumentError, describe, StateError } from "../../util/errors.ts";
import { toCamelCase } from "../../util/naming.ts";
import { flatten, isPlainObject, mapTree } from "../../util/pytree.ts";
import type { Callback, Logs } from "../callbacks/callback.ts";
import { CallbackList, type Mode } from "../callbacks/callback-list.ts";
import type { History } from "../callbacks/history.ts";
import { KerasTensor } from "../keras-tensor.ts";
import { Layer, type LayerOptions } from "../layers/layer.ts";
import { leaves } from "../layers/tracking.ts";
import { Mean } from "../metrics/index.ts";
import { Metric } from "../metrics/metric.ts";
import type { Config } from "../object.ts";
import * as optimizers from "../optimizers/index.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";
import { deserializeKerasObject, serializeKerasObject } from "../saving/serialization.ts";
import { inferSymbolic } from "../symbolic.ts";
import { CompileLoss, type LossLike } from "./compile-loss.ts";
import { CompileMetrics, type MetricsLike } from "./compile-metrics.ts";
import {
  type Batch,
  classWeights,
  type DataLike,
  EpochIterator,
  makeSource,
  splitValidation,
  toTensors,
} from "./data.ts";

/** Options of `compile`. */
export interface CompileOptions {
  /** Default: `"rmsprop"`. */
  optimizer?: optimizers.OptimizerLike | undefined;
  loss?: LossLike;
  lossWeights?: unknown;
  metrics?: MetricsLike;
  weightedMetrics?: MetricsLike;
  /** Whether steps run op by op: slower, and open to a debugger. */
  runEagerly?: boolean | undefined;
  /** How many batches one program takes. */
  stepsPerExecution?: number | undefined;
  /** Accepted for Keras's sake: steps are always compiled unless `runEagerly`. */
  jitCompile?: boolean | "auto" | undefined;
  /** Whether a `mixed_float16` model scales its loss. */
  autoScaleLoss?: boolean | undefined;
}

/** 0: silent, 1 or "auto": a progress bar, 2: one line for each epoch. */
export type Verbose = 0 | 1 | 2 | "auto";

/** Options of `fit`. */
export interface FitOptions {
  /** Default: 32, for arrays. */
  batchSize?: number | null | undefined;
  epochs?: number | undefined;
  verbose?: Verbose | undefined;
  callbacks?: Callback | readonly Callback[] | CallbackList | null | undefined;
  /** The fraction of the data, from its end, to validate with. */
  validationSplit?: number | undefined;
  /** `[x, y]` or `[x, y, sampleWeight]`, or a source of batches. */
  validationData?: unknown;
  /** Whether the order of samples (`"batch"`: of batches) changes each epoch. */
  shuffle?: boolean | "batch" | undefined;
  classWeight?: Readonly<Record<string, number>> | null | undefined;
  sampleWeight?: unknown;
  initialEpoch?: number | undefined;
  stepsPerEpoch?: number | null | undefined;
  validationSteps?: number | null | undefined;
  validationBatchSize?: number | null | undefined;
  /** Validate every so many epochs, or after the epochs listed (from 1). */
  validationFreq?: number | readonly number[] | undefined;
}

/** Options of `evaluate`. */
export interface EvaluateOptions {
  batchSize?: number | null | undefined;
  verbose?: Verbose | undefined;
  sampleWeight?: unknown;
  steps?: number | null | undefined;
  callbacks?: Callback | readonly Callback[] | CallbackList | null | undefined;
  /** Whether values come by name. */
  returnDict?: boolean | undefined;
}

/** Options of `predict`. */
export interface PredictOptions {
  batchSize?: number | null | undefined;
  verbose?: Verbose | undefined;
  steps?: number | null | undefined;
  callbacks?: Callback | readonly Callback[] | CallbackList | null | undefined;
}

/** Options of `trainOnBatch` and `testOnBatch`. */
export interface OnBatchOptions {
  sampleWeight?: unknown;
  classWeight?: Readonly<Record<string, number>> | null | undefined;
  returnDict?: boolean | undefined;
}

/** What `trainStep` and `testStep` get: `[x, y, sampleWeight]`, null for what there is not. */
export type StepData = readonly [x: unknown, y: unknown, sampleWeight: unknown];

/** Named scalars, as steps return them. */
export type TensorLogs = Record<string, Tensor>;

/** Steps that may be on their way at once. */
const maxInFlight = 2;

type StepFunction = (batches: readonly StepData[]) => unknown;

/** A layer that can be trained: what `Model` adds to `Layer` for it. */
export class Trainer extends Layer {
  optimizer: Optimizer | null = null;
  history: History | null = null;
  /** Set by callbacks to end `fit` after this batch. */
  stopTraining = false;
  stopEvaluating = false;
  stopPredicting = false;
  #compileLoss: CompileLoss | null = null;
  #compileMetrics: CompileMetrics | null = null;
  #lossTracker: Mean | null = null;
  #runEagerly = false;
  #stepsPerExecution = 1;
  #compileConfig: CompileOptions | null = null;
  #functions: Partial<Record<Mode, Jitted<StepFunction>>> = {};

  constructor(options: LayerOptions = {}) {
    super(options);
    // State of training, not parts of the model.
    for (const name of [
      "optimizer",
      "history",
      "stopTraining",
      "stopEvaluating",
      "stopPredicting",
    ]) {
      Object.defineProperty(this, name, { enumerable: false });
    }
  }

  /** Whether `compile` has been called. */
  get compiled(): boolean {
    return this.#compileConfig !== null;
  }

  get runEagerly(): boolean {
    return this.#runEagerly;
  }
  set runEagerly(value: boolean) {
    this.#runEagerly = value;
  }

  /** The names of the outputs, where the model has several. */
  get outputNames(): readonly string[] | null {
    return null;
  }

  /** Says how to train: optimizer, losses, metrics. */
  compile(options: CompileOptions = {}): void {
    const optimizer = optimizers.get(options.optimizer ?? "rmsprop") as Optimizer;
    this.optimizer =
      (options.autoScaleLoss ?? true) && this.dtypePolicy.name === "mixed_float16"
        ? optimizers.withLossScale(optimizer)
        : optimizer;
    const { loss = null, metrics = null, weightedMetrics = null } = options;
    const names = this.outputNames;
    this.#compileLoss =
      loss === null ? null : new CompileLoss(loss, options.lossWeights ?? null, names);
    this.#compileMetrics =
      metrics === null && weightedMetrics === null
        ? null
        : new CompileMetrics(metrics, weightedMetrics, names);
    this.#lossTracker = new Mean({ name: "loss" });
    this.#runEagerly = options.runEagerly ?? false;
    const steps = options.stepsPerExecution ?? 1;
    if (!Number.isInteger(steps) || steps < 1) {
      throw new ArgumentError(
        `compile: stepsPerExecution must be a positive integer, got ${describe(steps)}.`,
      );
    }
    this.#stepsPerExecution = steps;
    this.#compileConfig = options;
    for (const fn of Object.values(this.#functions)) fn.clear();
    this.#functions = {};
    this.stopTraining = false;
  }

  /** All metrics: the loss's mean, those compiled, and those of layers. */
  get metrics(): (Metric | CompileMetrics)[] {
    const own = [...leaves(this)].filter((leaf): leaf is Metric => leaf instanceof Metric);
    const inner = this.flattenLayers({ includeSelf: false })
      .filter((layer) => !(layer instanceof Trainer))
      .flatMap((layer) => [...leaves(layer)])
      .filter((leaf): leaf is Metric => leaf instanceof Metric);
    return [
      ...(this.#lossTracker === null ? [] : [this.#lossTracker]),
      ...(this.#compileMetrics === null ? [] : [this.#compileMetrics]),
      ...(this.#compileLoss?.metrics ?? []),
      ...own,
      ...inner,
    ];
  }

  /** The names of what `evaluate` returns. */
  get metricsNames(): string[] {
    return this.metrics.map((metric) => metric.name);
  }

  /** Starts the running values of all metrics anew. */
  resetMetrics(): void {
    for (const metric of this.metrics) metric.resetState();
  }

  // --- What users may override ---

  /**
   * The loss of a batch: the compiled losses and what layers added.
   *
   * @throws {StateError} If there is none.
   */
  computeLoss(given: {
    x?: unknown;
    y?: unknown;
    yPred?: unknown;
    sampleWeight?: unknown;
    training?: boolean;
  }): Tensor {
    const compiled =
      this.#compileLoss?.compute(given.y, given.yPred, given.sampleWeight ?? null) ?? null;
    const all = [
      ...(compiled === null ? [] : [compiled]),
      ...this.losses.map((loss) => sum(cast(loss, "float32"))),
    ];
    const [first, ...others] = all;
    if (first === undefined) {
      throw new StateError(
        `Model "${this.name}" has no loss: give compile() one, or have layers add it with addLoss.`,
        { layer: this.name },
      );
    }
    return others.reduce((total, loss) => add(total, loss), first);
  }

  /** Updates the compiled metrics and returns all values by name. */
  computeMetrics(
    _x: unknown,
    y: unknown,
    yPred: unknown,
    sampleWeight: unknown = null,
  ): TensorLogs {
    this.#compileMetrics?.updateState(y, yPred, sampleWeight);
    return this.getMetricsResult();
  }

  /** The values of all metrics by name. */
  getMetricsResult(): TensorLogs {
    const results: TensorLogs = {};
    for (const metric of this.metrics) {
      const result = metric.result();
      if (isPlainObject(result)) Object.assign(results, result);
      else results[metric.name] = result as Tensor;
    }
    return results;
  }

  /** One step of training. */
  trainStep([x, y, sampleWeight]: StepData): TensorLogs {
    const optimizer = this.optimizer as Optimizer;
    const variables = this.trainableWeights;
    const forward = (): [Tensor, unknown, Tensor] => {
      const yPred = this.invoke([x, { training: true }]);
      const loss = this.computeLoss({ x, y, yPred, sampleWeight, training: true });
      return [optimizer.scaleLoss(loss), yPred, loss];
    };
    if (variables.length === 0) {
      const [, yPred, loss] = forward();
      this.#trackLoss(loss, x);
      return this.computeMetrics(x, y, yPred, sampleWeight);
    }
    const [[, yPred, loss], gradients] = valueAndGrad(forward, { variables, hasAux: true })();
    this.#trackLoss(loss, x);
    optimizer.apply(gradients, variables);
    return this.computeMetrics(x, y, yPred, sampleWeight);
  }

  /** One step of evaluation. */
  testStep([x, y, sampleWeight]: StepData): TensorLogs {
    const yPred = this.invoke([x, { training: false }]);
    this.#trackLoss(this.computeLoss({ x, y, yPred, sampleWeight, training: false }), x);
    return this.computeMetrics(x, y, yPred, sampleWeight);
  }

  /** One step of prediction. */
  predictStep([x]: StepData): unknown {
    return this.invoke([x, { training: false }]);
  }

  #trackLoss(loss: Tensor, x: unknown): void {
    const [first] = flatten(x) as (Tensor | undefined)[];
    this.#lossTracker?.updateState(loss, { sampleWeight: first?.shape[0] ?? 1 });
  }

  // --- Running ---

  #requireCompiled(method: string): void {
    if (this.compiled) return;
    throw new StateError(
      `${method}: model "${this.name}" has not been compiled. Call compile({ optimizer, loss }) first.`,
      { layer: this.name },
    );
  }

  /** Makes what does not exist yet, from shapes alone: weights, losses, metrics, optimizer state. */
  #buildFor({ x, y, sampleWeight }: Batch): void {
    const isBuilt =
      this.flattenLayers().every((layer) => layer.built) &&
      (this.#compileLoss?.built ?? true) &&
      (this.#compileMetrics?.built ?? true);
    if (!isBuilt) {
      const symbols = mapTree([x, y, sampleWeight], (leaf) =>
        leaf instanceof Tensor ? new KerasTensor(leaf.shape, { dtype: leaf.dtype }) : leaf,
      );
      inferSymbolic(this.name, symbols, (given) => {
        const [inputs, labels, weights] = given as unknown[];
        const yPred = this.invoke([inputs, { training: false }]);
        if (labels === null) return null;
        if (this.#compileMetrics?.built === false) this.#compileMetrics.build(labels, yPred);
        if (this.#compileLoss?.built === false) {
          this.computeLoss({ x: inputs, y: labels, yPred, sampleWeight: weights });
        }
        return null;
      });
    }
    if (this.optimizer !== null && !this.optimizer.built)
      this.optimizer.build(this.trainableVariables);
  }

  #function(mode: Mode): Jitted<StepFunction> {
    const made = this.#functions[mode];
    if (made !== undefined) return made;
    const step: (data: StepData) => unknown = {
      train: (data: StepData) => this.trainStep(data),
      test: (data: StepData) => this.testStep(data),
      predict: (data: StepData) => this.predictStep(data),
    }[mode];
    const run: StepFunction = (batches) => {
      const results = batches.map(step);
      return mode === "predict" ? joinBatches(results) : results.at(-1);
    };
    const fn = jit(run, { name: `${mode} step of "${this.name}"` });
    this.#functions[mode] = fn;
    return fn;
  }

  /** Runs all steps of an epoch, a few ahead of the values that callbacks get. */
  async #runEpoch(
    mode: Mode,
    iterator: EpochIterator,
    callbacks: CallbackList,
    shouldStop: () => boolean,
    onResult?: (result: unknown) => void,
  ): Promise<TensorLogs | null> {
    const inFlight: Submission[] = [];
    let last: unknown = null;
    let begin = 0;
    let pending: Batch[] = [];
    const execute = async (): Promise<void> => {
      const batches = pending;
      pending = [];
      await callbacks.batchBegin(mode, begin);
      const data = batches.map((b): StepData => [b.x, b.y, b.sampleWeight]);
      const { result, submission } = await this.#execute(mode, data);
      for (const batch of batches) for (const tensor of batch.owned ?? []) tensor.dispose();
      if (submission !== null) inFlight.push(submission);
      if (inFlight.length >= maxInFlight) await inFlight.shift()?.done();
      const end = begin + batches.length - 1;
      begin += batches.length;
      const previous = last;
      last = result;
      if (onResult !== undefined) onResult(result);
      const wanted = callbacks.wantsBatches(mode);
      const reading = wanted && mode !== "predict" ? readLogs(result as TensorLogs) : null;
      if (wanted) await callbacks.batchEnd(mode, end, () => reading ?? Promise.resolve({}));
      // A read that is on its way keeps its buffer.
      if (mode !== "predict") disposeAll(previous);
    };
    try {
      for await (const batch of iterator.epoch()) {
        pending.push(batch);
        if (pending.length < this.#stepsPerExecution) continue;
        await execute();
        if (shouldStop()) break;
      }
      if (pending.length > 0) await execute();
    } finally {
      for (const submission of inFlight.splice(0)) await submission.done();
    }
    await callbacks.flush();
    return last as TensorLogs | null;
  }

  async #execute(
    mode: Mode,
    data: readonly StepData[],
  ): Promise<{ result: unknown; submission: Submission | null }> {
    const fn = this.#function(mode);
    if (this.#runEagerly) {
      // Op by op: what the step leaves behind is freed, its result stays.
      const step = fn.original;
      return { result: tidy(() => step(data)), submission: null };
    }
    await fn.prepare(data);
    return fn.run(data);
  }

  /**
   * Trains on data for some epochs.
   *
   * @param x Tensors, typed arrays or nested arrays (in arrays and objects for
   *   several inputs), or an iterable of batches `[x, y]` or `[x, y, sampleWeight]`.
   * @param y The labels, in the structure of the outputs.
   * @returns The values of each epoch.
   * @throws {StateError} If the model has not been compiled.
   * @example
   * const model = new Sequential([Input({ shape: [1] }), new layers.Dense(1)]);
   * model.compile({ optimizer: "sgd", loss: "mse" });
   * const { history } = await model.fit([[1], [2]], [[2], [4]], { epochs: 2, verbose: 0 });
   * history.loss.length; // 2
   */
  async fit(x: DataLike, y?: unknown, options: FitOptions = {}): Promise<History> {
    this.#requireCompiled("fit");
    const { epochs = 1, batchSize, stepsPerEpoch, initialEpoch = 0 } = options;
    let given = [x, y ?? null, options.sampleWeight ?? null];
    let validation = options.validationData ?? null;
    if (options.validationSplit && validation === null) {
      const split = splitValidation(given, options.validationSplit);
      given = split.train;
      validation = split.validation;
    }
    const source = await makeSource(given[0], {
      y: given[1],
      sampleWeight: given[2],
      batchSize,
      shuffle: options.shuffle ?? true,
      steps: stepsPerEpoch,
      classWeight: options.classWeight,
    });
    const iterator = new EpochIterator(source, stepsPerEpoch);
    await this.#buildFromFirst(iterator);
    const callbacks = this.#callbacks(options, { epochs, steps: iterator.numBatches }, true);
    this.stopTraining = false;
    await callbacks.call("onTrainBegin", {});
    let logs: Logs = {};
    for (let epoch = initialEpoch; epoch < epochs; epoch++) {
      this.resetMetrics();
      await callbacks.call("onEpochBegin", epoch, {});
      const result = await this.#runEpoch("train", iterator, callbacks, () => this.stopTraining);
      logs = result === null ? {} : await readLogs(result);
      disposeAll(result);
      if (validation !== null && isValidationEpoch(epoch + 1, options.validationFreq ?? 1)) {
        const values = (await this.#validate(validation, options, callbacks)) as Logs;
        for (const [name, value] of Object.entries(values)) logs[`val_${name}`] = value;
      }
      await callbacks.call("onEpochEnd", epoch, logs);
      if (this.stopTraining) break;
    }
    if (epochs > 0) this.optimizer?.finalizeVariableValues(this.trainableWeights);
    await callbacks.call("onTrainEnd", logs);
    source.dispose();
    return callbacks.history as History;
  }

  async #validate(data: unknown, options: FitOptions, callbacks: CallbackList): Promise<unknown> {
    const isTuple = Array.isArray(data) && data.length >= 2 && data.length <= 3;
    const [x, y, sampleWeight] = isTuple ? data : [data];
    return this.evaluate(x, y, {
      sampleWeight,
      batchSize: options.validationBatchSize ?? options.batchSize,
      steps: options.validationSteps,
      callbacks,
      returnDict: true,
    });
  }

  /**
   * The loss and the metrics on data.
   *
   * @returns The values in the order of the metrics (one alone as a number),
   *   or by name with `returnDict`.
   * @throws {StateError} If the model has not been compiled.
   */
  async evaluate(
    x: DataLike,
    y?: unknown,
    options: EvaluateOptions = {},
  ): Promise<number | number[] | Logs> {
    this.#requireCompiled("evaluate");
    const source = await makeSource(x, {
      y,
      sampleWeight: options.sampleWeight,
      batchSize: options.batchSize,
      steps: options.steps,
    });
    const iterator = new EpochIterator(source, options.steps);
    await this.#buildFromFirst(iterator);
    const callbacks = this.#callbacks(options, { epochs: 1, steps: iterator.numBatches }, false);
    this.stopEvaluating = false;
    await callbacks.call("onTestBegin", {});
    this.resetMetrics();
    const result = await this.#runEpoch("test", iterator, callbacks, () => this.stopEvaluating);
    const logs = result === null ? {} : await readLogs(result);
    disposeAll(result);
    source.dispose();
    await callbacks.call("onTestEnd", logs);
    return options.returnDict ? logs : this.#inOrder(logs);
  }

  /**
   * The outputs for data, of all batches together.
   *
   * @example
   * const model = new Sequential([Input({ shape: [1] }), new layers.Dense(1)]);
   * (await model.predict([[1], [2]], { verbose: 0 })).shape; // [2, 1]
   */
  async predict<R = Tensor>(x: DataLike, options: PredictOptions = {}): Promise<R> {
    const source = await makeSource(x, { batchSize: options.batchSize, steps: options.steps });
    const iterator = new EpochIterator(source, options.steps);
    const callbacks = this.#callbacks(options, { epochs: 1, steps: iterator.numBatches }, false);
    await this.#buildFromFirst(iterator);
    this.stopPredicting = false;
    await callbacks.call("onPredictBegin", {});
    const outputs: unknown[] = [];
    await this.#runEpoch(
      "predict",
      iterator,
      callbacks,
      () => this.stopPredicting,
      (result) => {
        outputs.push(result);
      },
    );
    await callbacks.call("onPredictEnd", {});
    source.dispose();
    if (outputs.length === 0) throw new ArgumentError("predict: there is no data.");
    const joined = joinBatches(outputs);
    if (outputs.length > 1) for (const output of outputs) disposeAll(output);
    return joined as R;
  }

  /** One step of training on one batch. */
  async trainOnBatch(
    x: unknown,
    y?: unknown,
    options: OnBatchOptions = {},
  ): Promise<number | number[] | Logs> {
    return this.#onBatch("train", x, y, options);
  }

  /** The loss and the metrics on one batch. */
  async testOnBatch(
    x: unknown,
    y?: unknown,
    options: OnBatchOptions = {},
  ): Promise<number | number[] | Logs> {
    return this.#onBatch("test", x, y, options);
  }

  async #onBatch(
    mode: "train" | "test",
    x: unknown,
    y: unknown,
    options: OnBatchOptions,
  ): Promise<number | number[] | Logs> {
    this.#requireCompiled(`${mode}OnBatch`);
    const labels = toTensors(y, "y");
    let sampleWeight = toTensors(options.sampleWeight, "sampleWeight");
    if (options.classWeight) {
      if (sampleWeight !== null) {
        throw new ArgumentError(
          "classWeight and sampleWeight do not go together: give one of them.",
        );
      }
      sampleWeight = await classWeights(labels, options.classWeight);
    }
    const batch = { x: toTensors(x, "x"), y: labels, sampleWeight };
    this.#buildFor(batch);
    this.resetMetrics();
    const { result } = await this.#execute(mode, [[batch.x, batch.y, batch.sampleWeight]]);
    const logs = await readLogs(result as TensorLogs);
    return options.returnDict ? logs : this.#inOrder(logs);
  }

  /** The outputs for one batch. */
  async predictOnBatch<R = Tensor>(x: unknown): Promise<R> {
    const batch = { x: toTensors(x, "x"), y: null, sampleWeight: null };
    this.#buildFor(batch);
    const { result, submission } = await this.#execute("predict", [[batch.x, null, null]]);
    await submission?.done();
    return result as R;
  }

  /** Builds from the first batch, which is not used up. */
  async #buildFromFirst(iterator: EpochIterator): Promise<void> {
    const batch = await iterator.peek();
    if (batch !== null) this.#buildFor(batch);
  }

  #callbacks(
    options: { callbacks?: FitOptions["callbacks"]; verbose?: Verbose | undefined },
    params: Record<string, unknown>,
    addHistory: boolean,
  ): CallbackList {
    if (options.callbacks instanceof CallbackList) return options.callbacks;
    const verbose =
      options.verbose === undefined || options.verbose === "auto" ? 1 : options.verbose;
    return new CallbackList(options.callbacks, {
      addHistory,
      addProgbar: verbose !== 0,
      model: this,
      params: { ...params, verbose },
    });
  }

  #inOrder(logs: Logs): number | number[] {
    const names = this.metrics.flatMap((metric) =>
      metric instanceof CompileMetrics ? metric.metrics.map(({ name }) => name) : [metric.name],
    );
    const known = names.filter((name) => Object.hasOwn(logs, name));
    const others = Object.keys(logs)
      .filter((name) => !names.includes(name))
      .sort();
    const values = [...known, ...others].map((name) => logs[name] as number);
    return values.length === 1 ? (values[0] as number) : values;
  }

  // --- Configs ---

  /** How the model was compiled; null if it was not. */
  getCompileConfig(): Config | null {
    const options = this.#compileConfig;
    if (options === null) return null;
    return {
      optimizer: serializeKerasObject(this.optimizer),
      loss: serializeKerasObject(options.loss ?? null),
      loss_weights: serializeKerasObject(options.lossWeights ?? null),
      metrics: serializeKerasObject(options.metrics ?? null),
      weighted_metrics: serializeKerasObject(options.weightedMetrics ?? null),
      run_eagerly: this.#runEagerly,
      steps_per_execution: this.#stepsPerExecution,
      jit_compile: options.jitCompile === true,
    };
  }

  /** Compiles as `getCompileConfig` remembered it. */
  compileFromConfig(config: Config): void {
    const options: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(config)) {
      options[toCamelCase(key)] = deserializeKerasObject(value);
    }
    this.compile(options as CompileOptions);
    if (this.built) this.optimizer?.build(this.trainableVariables);
  }
}

function isValidationEpoch(epoch: number, frequency: number | readonly number[]): boolean {
  if (typeof frequency === "number") return epoch % frequency === 0;
  if (Array.isArray(frequency)) return frequency.includes(epoch);
  throw new ArgumentError(`validationFreq must be a number or a list, got ${describe(frequency)}.`);
}

/** The values of logs, once they are there. */
async function readLogs(logs: TensorLogs): Promise<Logs> {
  const names = Object.keys(logs);
  const values = await Promise.all(
    names.map(async (name) => {
      const value = logs[name] as Tensor | number;
      return typeof value === "number" ? value : Number(await value.item());
    }),
  );
  return Object.fromEntries(names.map((name, i) => [name, values[i] as number]));
}

function disposeAll(tree: unknown): void {
  if (tree === null || state.tracer !== null) return;
  for (const leaf of flatten(tree)) if (leaf instanceof Tensor) leaf.dispose();
}

/** The outputs of batches as those of one. */
function joinBatches(outputs: readonly unknown[]): unknown {
  if (outputs.length === 1) return outputs[0];
  const parts = outputs.map((output) => flatten(output));
  return mapTree(outputs[0], (leaf, i) =>
    leaf instanceof Tensor
      ? concatenate(
          parts.map((part) => part[i] as Tensor),
          { axis: 0 },
        )
      : leaf,
  );
}
