/**
 * How far predictions vary as the labels do.
 *
 * @module
 */
import * as ops from "../../ops/index.ts";
import { type TensorLike, toTensor } from "../../ops/promote.ts";
import { epsilon } from "../../runtime/settings.ts";
import { type PublicOp, publicOp, tensorArgument } from "../../tensor/public-op.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { toSameRank } from "../losses/reduce.ts";
import type { ParameterTable } from "../object.ts";
import type { MetricOptions } from "./metric.ts";
import { MeanMetricWrapper } from "./reduction-metrics.ts";

type Axes = number | readonly number[];

/** Along which axes a correlation is. */
export interface CorrelationFunctionOptions {
  axis?: Axes | undefined;
}

type Correlation = (
  yTrue: TensorLike,
  yPred: TensorLike,
  options?: CorrelationFunctionOptions,
) => Tensor;

type Statistic = (x: Tensor) => Tensor;

function correlation(
  name: string,
  compute: (a: Tensor, b: Tensor, mean: Statistic, variance: Statistic) => Tensor,
): PublicOp<Correlation> {
  return publicOp(
    `keras.metrics.${name}`,
    { y_true: tensorArgument, y_pred: tensorArgument, axis: -1 },
    (yTrue, yPred, { axis = -1 } = {}) => {
      const predictions = toTensor(name, yPred);
      const labels = ops.cast(toTensor(name, yTrue), predictions.dtype);
      const [a, b] = toSameRank(labels, predictions);
      const mean: Statistic = (x) => ops.mean(x, { axis, keepdims: true });
      const variance: Statistic = (x) => ops.variance(x, { axis, keepdims: true });
      return ops.mean(compute(a, b, mean, variance), { axis });
    },
  );
}

/**
 * Pearson's coefficient of labels and predictions along an axis: the
 * covariance over both standard deviations. NaN where one of them is constant.
 *
 * @example
 * const r = metrics.pearsonCorrelation([[0, 1, 0.5]], [[0.1, 0.9, 0.5]]);
 * await r.array(); // [1.0000]
 */
export const pearsonCorrelation: PublicOp<Correlation> = correlation(
  "pearson_correlation",
  (a, b, mean, variance) => {
    const standardize = (x: Tensor): Tensor => {
      const centered = ops.subtract(x, mean(x));
      return ops.divide(centered, ops.sqrt(variance(centered)));
    };
    return ops.multiply(standardize(a), standardize(b));
  },
);

/**
 * The concordance coefficient of labels and predictions along an axis:
 * `2 cov(a, b) / (var(a) + var(b) + (mean(a) - mean(b))²)`.
 *
 * @example
 * const r = metrics.concordanceCorrelation([[0, 1, 0.5]], [[0.1, 0.9, 0.5]]);
 * await r.array(); // [0.9756]
 */
export const concordanceCorrelation: PublicOp<Correlation> = correlation(
  "concordance_correlation",
  (a, b, mean, variance) => {
    const [meanA, meanB] = [mean(a), mean(b)];
    const spread = ops.add(variance(ops.subtract(a, meanA)), variance(ops.subtract(b, meanB)));
    const norm = ops.add(spread, ops.square(ops.subtract(meanA, meanB)));
    // Keras centers both at the mean of `b`: the mean of the products is the
    // same, as `b - mean(b)` adds up to 0, but single products are not.
    const products = ops.multiply(ops.subtract(a, meanB), ops.subtract(b, meanB));
    return ops.divide(ops.multiply(products, 2), ops.add(norm, epsilon()));
  },
);

/** Options of the correlations. */
export interface CorrelationOptions extends MetricOptions {
  /** Along which axes samples are compared. */
  axis?: Axes | undefined;
}

/**
 * The mean of Pearson's coefficients of samples.
 *
 * @example
 * const metric = new metrics.PearsonCorrelation();
 * metric.updateState(tensor([[0, 1, 0.5], [1, 1, 0.2]]), tensor([[0.1, 0.9, 0.5], [1, 0.9, 0.2]]));
 * await metric.result().item(); // 0.9967
 */
export class PearsonCorrelation extends MeanMetricWrapper {
  static override readonly parameters: ParameterTable = {
    name: "pearson_correlation",
    dtype: null,
    axis: -1,
  };
  readonly axis: Axes;

  constructor(options: CorrelationOptions = {}) {
    const { axis = -1 } = options;
    super((yTrue, yPred) => pearsonCorrelation(yTrue, yPred, { axis }), {
      ...options,
      name: options.name ?? "pearson_correlation",
    });
    this.axis = axis;
  }

  override get direction(): "up" | "down" | null {
    return "up";
  }
}

/**
 * The mean of the concordance coefficients of samples.
 *
 * @example
 * const metric = new metrics.ConcordanceCorrelation();
 * metric.updateState(tensor([[0, 1, 0.5], [1, 1, 0.2]]), tensor([[0.1, 0.9, 0.5], [1, 0.9, 0.2]]));
 * await metric.result().item(); // 0.9816
 */
export class ConcordanceCorrelation extends MeanMetricWrapper {
  static override readonly parameters: ParameterTable = {
    name: "concordance_correlation",
    dtype: null,
    axis: -1,
  };
  readonly axis: Axes;

  constructor(options: CorrelationOptions = {}) {
    const { axis = -1 } = options;
    super((yTrue, yPred) => concordanceCorrelation(yTrue, yPred, { axis }), {
      ...options,
      name: options.name ?? "concordance_correlation",
    });
    this.axis = axis;
  }

  override get direction(): "up" | "down" | null {
    return "up";
  }
}
