/**
 * Sums and means over batches.
 *
 * @module
 */
import { divideNoNan, multiply } from "../../ops/arithmetic.ts";
import { cast } from "../../ops/creation.ts";
import { type TensorLike, toTensor } from "../../ops/promote.ts";
import { mean, sum } from "../../ops/reduction.ts";
import { broadcastTo } from "../../ops/shaping.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Variable } from "../../tensor/variable.ts";
import type { DType } from "../../util/dtypes.ts";
import { applyMask, toSameRank } from "../losses/reduce.ts";
import { getMask } from "../masks.ts";
import { type Config, type ConstructorOf, type ParameterTable, required } from "../object.ts";
import { deserializeKerasObject, serializeKerasObject } from "../saving/serialization.ts";
import { Metric, type MetricOptions, type UpdateOptions } from "./metric.ts";

type Reduce = (x: Tensor, options: { axis: readonly number[] }) => Tensor;

function axesFrom(first: number, ndim: number): number[] {
  return Array.from({ length: Math.max(0, ndim - first) }, (_, i) => first + i);
}

/** One number a sample, times its weight. */
function toSamples(
  given: TensorLike,
  sampleWeight: TensorLike | null,
  reduce: Reduce,
  dtype: DType,
): { values: Tensor; weight: Tensor | null } {
  const original = toTensor("metric", given);
  let values = cast(original, dtype);
  let weight: Tensor | null = null;
  if (sampleWeight !== null) {
    const mask = getMask(original) as Tensor | null;
    weight = applyMask(toTensor("metric", sampleWeight, dtype), mask, dtype, "sum") as Tensor;
    [values, weight] = toSameRank(values, weight);
    const { ndim } = weight;
    if (values.ndim > ndim) values = reduce(values, { axis: axesFrom(ndim, values.ndim) });
    weight = broadcastTo(weight, values.shape);
    values = multiply(values, weight);
    if (ndim > 1) weight = reduce(weight, { axis: axesFrom(1, ndim) });
  }
  if (values.ndim > 1) values = reduce(values, { axis: axesFrom(1, values.ndim) });
  return { values, weight };
}

/**
 * The (weighted) sum.
 *
 * @example
 * const total = new metrics.Sum();
 * total.updateState(tensor([1, 3]));
 * await total.result().item(); // 4
 */
export class Sum extends Metric {
  static override readonly parameters: ParameterTable = { name: "sum", dtype: null };
  readonly #total: Variable;

  constructor(options: MetricOptions = {}) {
    super({ ...options, name: options.name ?? "sum" });
    this.#total = this.addVariable({ name: "total" });
  }

  override updateState(values: TensorLike, { sampleWeight = null }: UpdateOptions = {}): void {
    const samples = toSamples(values, sampleWeight, sum, this.dtype);
    this.#total.assignAdd(sum(samples.values));
  }

  override result(): Tensor {
    return cast(this.#total, this.dtype);
  }
}

/**
 * The (weighted) mean.
 *
 * @example
 * const mean = new metrics.Mean();
 * mean.updateState(tensor([1, 3]), { sampleWeight: tensor([3, 1]) });
 * await mean.result().item(); // 1.5
 */
export class Mean extends Metric {
  static override readonly parameters: ParameterTable = { name: "mean", dtype: null };
  readonly #total: Variable;
  readonly #count: Variable;

  constructor(options: MetricOptions = {}) {
    super({ ...options, name: options.name ?? "mean" });
    this.#total = this.addVariable({ name: "total" });
    this.#count = this.addVariable({ name: "count" });
  }

  // biome-ignore lint/suspicious/noExplicitAny: subclasses take labels and predictions
  override updateState(...args: any[]): void {
    const [values, options] = args as [TensorLike, UpdateOptions | undefined];
    this.collect(values, options?.sampleWeight ?? null);
  }

  /** Takes values in. */
  protected collect(given: TensorLike, sampleWeight: TensorLike | null): void {
    const { values, weight } = toSamples(given, sampleWeight, mean, this.dtype);
    this.#total.assignAdd(sum(values));
    this.#count.assignAdd(weight === null ? (values.shape[0] ?? 1) : sum(weight));
  }

  override result(): Tensor {
    return divideNoNan(this.#total, cast(this.#count, this.dtype));
  }
}

/** A function of labels and predictions, one number a sample. */
export type MetricFunction = (yTrue: TensorLike, yPred: TensorLike) => Tensor;

/**
 * The mean of a function of labels and predictions.
 *
 * @example
 * const error = new metrics.MeanMetricWrapper(losses.meanSquaredError);
 * error.updateState(tensor([[0]]), tensor([[2]]));
 * await error.result().item(); // 4
 */
export class MeanMetricWrapper extends Mean {
  static override readonly parameters: ParameterTable = { fn: required, name: null, dtype: null };
  readonly #fn: MetricFunction;

  constructor(fn: MetricFunction, options: MetricOptions = {}) {
    super({ ...options, name: options.name ?? "mean_metric_wrapper" });
    this.#fn = fn;
  }

  /** A loss function is better the smaller it is. */
  override get direction(): "up" | "down" | null {
    const { signature } = this.#fn as { signature?: { path: string } };
    return signature?.path.startsWith("keras.losses.") ? "down" : null;
  }

  override updateState(
    yTrue: TensorLike,
    yPred: TensorLike,
    { sampleWeight = null }: UpdateOptions = {},
  ): void {
    const mask = getMask(yPred) as Tensor | null;
    const values = this.#fn(yTrue, yPred);
    const weight = sampleWeight === null ? null : toTensor(this.name, sampleWeight, this.dtype);
    this.collect(values, applyMask(weight, mask, this.dtype, "sum"));
  }

  override getConfig(): Config {
    if (this.constructor !== MeanMetricWrapper) return super.getConfig();
    return { name: this.name, dtype: this.dtype, fn: serializeKerasObject(this.#fn) };
  }

  static override fromConfig<T>(this: ConstructorOf<T>, config: Config): T {
    const revived = Object.fromEntries(
      Object.entries(config).map(([key, value]) => [key, deserializeKerasObject(value)]),
    );
    if (!("fn" in revived)) {
      const options = { ...revived };
      return Reflect.construct(this, [camelKeys(options)]) as T;
    }
    const { fn, name, dtype, ...kwargs } = revived;
    const options = camelKeys(kwargs);
    const bound =
      Object.keys(options).length === 0
        ? fn
        : (yTrue: TensorLike, yPred: TensorLike): Tensor =>
            (fn as (...args: unknown[]) => Tensor)(yTrue, yPred, options);
    return Reflect.construct(this, [bound, { name, dtype }]) as T;
  }
}

function camelKeys(config: Config): Config {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase()),
      value,
    ]),
  );
}
