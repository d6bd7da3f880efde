/**
 * Training, evaluation and prediction.
 *
 * @module
 */

import { valueAndGrad } from "../../autograd/grad.ts";
import { type Jitted, jit } from "../../jit/jit.ts";
import { add } from "../../ops/arithmetic.ts";
import { cast } from "../../ops/creation.ts";
import { sum } from "../../ops/reduction.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { tidy } from "../../tensor/tidy.ts";
import { ArgumentError, describe, StateError } from "../../util/errors.ts";
import { toCamelCase } from "../../util/naming.ts";
import { flatten, isPlainObject, mapTree } from "../../util/pytree.ts";
import type { Logs } from "../callbacks/callback.ts";
import { CallbackList, type Mode } from "../callbacks/callback-list.ts";
import type { History } from "../callbacks/history.ts";
import { KerasTensor } from "../keras-tensor.ts";
import { Layer, type LayerOptions } from "../layers/layer.ts";
import { leaves } from "../layers/tracking.ts";
import { limited, maxEpochs } from "../limits.ts";
import { Mean } from "../metrics/index.ts";
import { Metric } from "../metrics/metric.ts";
import type { Config } from "../object.ts";
import * as optimizers from "../optimizers/index.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";
import { deserializeKerasObject, serializeKerasObject } from "../saving/serialization.ts";
import { inferSymbolic } from "../symbolic.ts";
import { CompileLoss } from "./compile-loss.ts";
import { CompileMetrics } from "./compile-metrics.ts";
import {
  type Batch,
  type BatchSource,
  type DataLike,
  EpochIterator,
  makeBatch,
  makeSource,
  splitValidation,
} from "./data.ts";
import { runEpoch, type StepRun } from "./epoch.ts";
import { disposeAll, joinBatches, takeLogs } from "./results.ts";
import {
  type CompileOptions,
  checkCounts,
  type EvaluateOptions,
  type FitOptions,
  type OnBatchOptions,
  type PredictOptions,
  type StepData,
  type TensorLogs,
  type Verbose,
} from "./trainer-options.ts";

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
    checkCounts("compile", { stepsPerExecution: [options.stepsPerExecution, 1] });
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
    this.#stepsPerExecution = options.stepsPerExecution ?? 1;
    this.#compileConfig = options;
    for (const fn of Object.values(this.#functions)) fn.clear();
    this.#functions = {};
    this.stopTraining = false;
  }

  /** All metrics: the loss's mean, those compiled, and those of layers. */
  get metrics(): (Metric | CompileMetrics)[] {
    const own = leaves(this).filter((leaf): leaf is Metric => leaf instanceof Metric);
    const inner = this.flattenLayers({ includeSelf: false })
      .filter((layer) => !(layer instanceof Trainer))
      .flatMap((layer) => leaves(layer))
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
    tidy(() => {
      for (const metric of this.metrics) metric.resetState();
    });
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

  #runEpoch(
    mode: Mode,
    iterator: EpochIterator,
    callbacks: CallbackList,
    signal: AbortSignal | undefined,
    onResult?: (result: unknown) => void,
  ): Promise<TensorLogs | null> {
    return runEpoch({
      mode,
      iterator,
      callbacks,
      signal,
      stepsPerExecution: this.#stepsPerExecution,
      execute: (data) => this.#execute(mode, data),
      shouldStop: () =>
        ({ train: this.stopTraining, test: this.stopEvaluating, predict: this.stopPredicting })[
          mode
        ],
      ...(onResult === undefined ? {} : { onResult }),
    });
  }

  async #execute(mode: Mode, data: readonly StepData[]): Promise<StepRun> {
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
    const given = [x, y ?? null, options.sampleWeight ?? null];
    const fraction = options.validationData == null ? (options.validationSplit ?? 0) : 0;
    if (fraction === 0) return this.#fit(given, options.validationData ?? null, options);
    const { train, validation, owned } = await splitValidation(given, fraction);
    try {
      return await this.#fit(train, validation, options);
    } finally {
      for (const part of owned) part.dispose();
    }
  }

  async #fit(
    [x, y, sampleWeight]: readonly unknown[],
    validation: unknown,
    options: FitOptions,
  ): Promise<History> {
    const { batchSize, classWeight, initialEpoch = 0 } = options;
    const epochs = limited(options.epochs ?? 1, maxEpochs()) as number;
    const steps = options.stepsPerEpoch;
    checkCounts("fit", {
      epochs: [epochs, 0],
      initialEpoch: [initialEpoch, 0],
      stepsPerEpoch: [steps, 1],
      validationSteps: [options.validationSteps, 1],
    });
    const shuffle = options.shuffle ?? true;
    const data = { y, sampleWeight, batchSize, shuffle, steps, classWeight };
    const source = await makeSource(x, data);
    return this.#withSource(source, steps, async (iterator) => {
      const callbacks = this.#callbacks(options, { epochs, steps: iterator.numBatches }, true);
      this.stopTraining = false;
      await callbacks.call("onTrainBegin", {});
      let logs: Logs = {};
      for (let epoch = initialEpoch; epoch < epochs; epoch++) {
        this.resetMetrics();
        await callbacks.call("onEpochBegin", epoch, {});
        logs = await takeLogs(await this.#runEpoch("train", iterator, callbacks, options.signal));
        if (validation !== null && isValidationEpoch(epoch + 1, options.validationFreq ?? 1)) {
          const values = (await this.#validate(validation, options, callbacks)) as Logs;
          for (const [name, value] of Object.entries(values)) logs[`val_${name}`] = value;
        }
        await callbacks.call("onEpochEnd", epoch, logs);
        if (this.stopTraining) break;
      }
      if (epochs > 0) tidy(() => this.optimizer?.finalizeVariableValues(this.trainableWeights));
      await callbacks.call("onTrainEnd", logs);
      return callbacks.history as History;
    });
  }

  /** Builds from the first batch, which is not used up, and runs; the data is given back. */
  async #withSource<T>(
    source: BatchSource,
    steps: number | null | undefined,
    run: (iterator: EpochIterator) => Promise<T>,
  ): Promise<T> {
    const iterator = new EpochIterator(source, steps);
    try {
      const first = await iterator.peek();
      if (first !== null) this.#buildFor(first);
      return await run(iterator);
    } finally {
      await iterator.close();
    }
  }

  async #validate(data: unknown, options: FitOptions, callbacks: CallbackList): Promise<unknown> {
    const isTuple = Array.isArray(data) && data.length >= 2 && data.length <= 3;
    const [x, y, sampleWeight] = isTuple ? data : [data];
    return this.evaluate(x, y, {
      sampleWeight,
      batchSize: options.validationBatchSize ?? options.batchSize,
      steps: options.validationSteps,
      callbacks,
      signal: options.signal,
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
    checkCounts("evaluate", { steps: [options.steps, 1] });
    const source = await makeSource(x, {
      y,
      sampleWeight: options.sampleWeight,
      batchSize: options.batchSize,
      steps: options.steps,
    });
    return this.#withSource(source, options.steps, async (iterator) => {
      const callbacks = this.#callbacks(options, { epochs: 1, steps: iterator.numBatches }, false);
      this.stopEvaluating = false;
      await callbacks.call("onTestBegin", {});
      this.resetMetrics();
      const logs = await takeLogs(
        await this.#runEpoch("test", iterator, callbacks, options.signal),
      );
      await callbacks.call("onTestEnd", logs);
      return options.returnDict ? logs : this.#inOrder(logs);
    });
  }

  /**
   * The outputs for data, of all batches together.
   *
   * @example
   * const model = new Sequential([Input({ shape: [1] }), new layers.Dense(1)]);
   * (await model.predict([[1], [2]], { verbose: 0 })).shape; // [2, 1]
   */
  async predict<R = Tensor>(x: DataLike, options: PredictOptions = {}): Promise<R> {
    checkCounts("predict", { steps: [options.steps, 1] });
    const source = await makeSource(x, { batchSize: options.batchSize, steps: options.steps });
    const outputs: unknown[] = [];
    await this.#withSource(source, options.steps, async (iterator) => {
      const callbacks = this.#callbacks(options, { epochs: 1, steps: iterator.numBatches }, false);
      this.stopPredicting = false;
      await callbacks.call("onPredictBegin", {});
      await this.#runEpoch("predict", iterator, callbacks, options.signal, (result) =>
        outputs.push(result),
      );
      await callbacks.call("onPredictEnd", {});
    });
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
    const batch = await makeBatch([x, y, options.sampleWeight], options);
    try {
      this.#buildFor(batch);
      this.resetMetrics();
      const { result } = await this.#execute(mode, [[batch.x, batch.y, batch.sampleWeight]]);
      const logs = await takeLogs(result as TensorLogs);
      return options.returnDict ? logs : this.#inOrder(logs);
    } finally {
      disposeAll(batch.owned);
    }
  }

  /** The outputs for one batch. */
  async predictOnBatch<R = Tensor>(x: unknown): Promise<R> {
    const batch = await makeBatch([x]);
    try {
      this.#buildFor(batch);
      const { result, submission } = await this.#execute("predict", [[batch.x, null, null]]);
      await submission?.done();
      return result as R;
    } finally {
      disposeAll(batch.owned);
    }
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
    const alone = Object.values(logs);
    if (alone.length === 1) return alone[0] as number;
    const names = this.metrics.flatMap((metric) =>
      metric instanceof CompileMetrics ? metric.metrics.map(({ name }) => name) : [metric.name],
    );
    const known = names.filter((name) => Object.hasOwn(logs, name));
    const others = Object.keys(logs)
      .filter((name) => !names.includes(name))
      .sort();
    return [...known, ...others].map((name) => logs[name] as number);
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
