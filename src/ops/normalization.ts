/**
 * Moments and normalization.
 *
 * @module
 */
import { customGradient } from "../autograd/grad.ts";
import { floatx } from "../runtime/precision.ts";
import { epsilon as defaultEpsilon } from "../runtime/settings.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import { type PublicOp, publicOp, requiredArgument, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isHalf, resultType } from "../util/dtypes.ts";
import { ArgumentError, describe } from "../util/errors.ts";
import { normalizeAxes, normalizeAxis, reducedShape, sameShape } from "../util/shapes.ts";
import {
  absolute,
  add,
  clip,
  divide,
  maximum,
  multiply,
  negative,
  square,
  subtract,
} from "./arithmetic.ts";
import { reshapeTo, sumOver } from "./broadcasting.ts";
import { power, rsqrt } from "./exponential.ts";
import { type TensorLike, toFloat, toTensor } from "./promote.ts";
import { meanOver, variance } from "./reduction.ts";
import { areLastAxes, normalizeRows } from "./row-normalization.ts";

/** The largest float16. */
const maxFloat16 = 65504;

/** Options of `moments`. */
export interface MomentsOptions {
  keepdims?: boolean | undefined;
  /** Over all replicas; there is one. */
  synchronized?: boolean | undefined;
}

/** The variance over axes, which stay. Deviations add up to 0, so the mean takes no gradient. */
function spreadOver(given: Tensor, axes: readonly number[]): Tensor {
  const count = axes.reduce((product, axis) => product * (given.shape[axis] as number), 1);
  return customGradient((x: Tensor) => {
    const centred = (): Tensor => subtract(x, meanOver(x, axes, true));
    return [
      meanOver(square(centred()), axes, true),
      (dy: Tensor) => multiply(multiply(dy, 2 / count), centred()),
    ];
  })(given);
}

/**
 * Mean and variance over axes; half types are computed in float32.
 *
 * @example
 * const [mean, variance] = ops.moments(tensor([1, 2, 3]), 0);
 * await mean.item(); // 2
 * await variance.item(); // 0.6667
 */
export const moments: PublicOp<
  (x: TensorLike, axes: number | readonly number[], options?: MomentsOptions) => [Tensor, Tensor]
> = publicOp(
  "keras.ops.moments",
  { x: tensorArgument, axes: requiredArgument, keepdims: false, synchronized: false },
  (given, axes, { keepdims = false } = {}) => {
    const original = toFloat("moments", given);
    const half = isHalf(original.dtype);
    const x = half ? castTo(original, "float32") : original;
    const over = normalizeAxes("moments", axes, x.ndim);
    const mean = meanOver(x, over, true);
    const spread = spreadOver(x, over);
    const finish = (t: Tensor): Tensor => {
      const shaped = keepdims ? t : reshapeTo(t, reducedShape(x.shape, over, false));
      return half ? castTo(clip(shaped, -maxFloat16, maxFloat16), original.dtype) : shaped;
    };
    return [finish(mean), finish(spread)];
  },
);

/** Options of `batchNormalization`. */
export interface BatchNormalizationOptions {
  offset?: TensorLike | null | undefined;
  scale?: TensorLike | null | undefined;
  epsilon?: number | undefined;
}

/**
 * (x - mean) / sqrt(variance + epsilon) * scale + offset, where the statistics
 * belong to one axis.
 *
 * @example
 * const x = tensor([[1], [3]]);
 * const y = ops.batchNormalization(x, [2], [1], -1, { epsilon: 0 });
 * await y.array(); // [[-1], [1]]
 */
export const batchNormalization: PublicOp<
  (
    x: TensorLike,
    mean: TensorLike,
    variance: TensorLike,
    axis: number,
    options?: BatchNormalizationOptions,
  ) => Tensor
> = publicOp(
  "keras.ops.batch_normalization",
  {
    x: tensorArgument,
    mean: tensorArgument,
    variance: tensorArgument,
    axis: requiredArgument,
    offset: null,
    scale: null,
    epsilon: 1e-3,
  },
  (given, mean, spread, axis, { offset, scale, epsilon = 1e-3 } = {}) => {
    const x = toFloat("batch_normalization", given);
    const along = normalizeAxis("batch_normalization", axis, x.ndim);
    const shape = x.shape.map((dim, i) => (i === along ? dim : 1));
    const statistic = (t: TensorLike): Tensor =>
      reshapeTo(toTensor("batch_normalization", t, x.dtype), shape);
    let factor = rsqrt(add(statistic(spread), scalar(epsilon, x.dtype)));
    if (scale !== undefined && scale !== null) factor = multiply(factor, statistic(scale));
    let shift = negative(multiply(statistic(mean), factor));
    if (offset !== undefined && offset !== null) shift = add(shift, statistic(offset));
    return add(multiply(x, factor), shift);
  },
);

/** Options of `layerNormalization`. */
export interface LayerNormalizationOptions {
  gamma?: TensorLike | null | undefined;
  beta?: TensorLike | null | undefined;
  axis?: number | readonly number[] | undefined;
  epsilon?: number | null | undefined;
  /** Divides by the standard deviation without taking off the mean. */
  rmsScaling?: boolean | undefined;
}

/**
 * (x - mean) / sqrt(variance + epsilon) * gamma + beta, the statistics over axes of each sample.
 *
 * @example
 * await ops.layerNormalization(tensor([1, 3]), { epsilon: 0 }).array(); // [-1, 1]
 */
export const layerNormalization: PublicOp<
  (x: TensorLike, options?: LayerNormalizationOptions) => Tensor
> = publicOp(
  "keras.ops.layer_normalization",
  { x: tensorArgument, gamma: null, beta: null, axis: -1, epsilon: null, rms_scaling: false },
  (given, { gamma, beta, axis = -1, epsilon, rmsScaling = false } = {}) => {
    const original = toFloat("layer_normalization", given);
    const compute = resultType([original.dtype, "float32"], floatx());
    const axes = normalizeAxes("layer_normalization", axis, original.ndim);
    const isOfRows = !rmsScaling && areLastAxes(original, axes);
    const shape = isOfRows
      ? original.shape.slice(original.ndim - axes.length)
      : original.shape.map((dim, i) => (axes.includes(i) ? dim : 1));
    const parameter = (t: TensorLike | null | undefined): Tensor | null =>
      t === null || t === undefined
        ? null
        : reshapeTo(toTensor("layer_normalization", t, compute), shape);
    const scale = parameter(gamma);
    const least = epsilon ?? defaultEpsilon();
    if (isOfRows) {
      return normalizeRows(original, {
        axes: axes.length,
        epsilon: least,
        gamma: scale,
        beta: parameter(beta),
        centres: true,
      });
    }
    const x = castTo(original, compute);
    const small = scalar(least, compute);
    let result: Tensor;
    if (rmsScaling) {
      result = multiply(x, rsqrt(add(variance(x, { axis: axes, keepdims: true }), small)));
      if (scale !== null) result = multiply(result, scale);
    } else {
      const [mean, spread] = moments(x, axes, { keepdims: true });
      let factor = rsqrt(add(spread, small));
      if (scale !== null) factor = multiply(factor, scale);
      const offset = parameter(beta);
      let shift = negative(multiply(mean, factor));
      if (offset !== null) shift = add(shift, offset);
      result = add(multiply(x, factor), shift);
    }
    return castTo(result, original.dtype);
  },
);

/** Options of `rmsNormalization`. */
export interface RmsNormalizationOptions {
  scale?: TensorLike | null | undefined;
  axis?: number | readonly number[] | undefined;
  epsilon?: number | null | undefined;
}

/**
 * x / sqrt(mean(x^2) + epsilon) * scale, the mean over axes of each sample.
 *
 * Half types are computed in float32.
 *
 * @throws {ShapeError} If an axis is out of range.
 * @example
 * await ops.rmsNormalization(tensor([3, 4]), { epsilon: 0 }).array(); // [0.8485, 1.1314]
 */
export const rmsNormalization: PublicOp<
  (x: TensorLike, options?: RmsNormalizationOptions) => Tensor
> = publicOp(
  "keras.ops.rms_normalization",
  { x: tensorArgument, scale: null, axis: -1, epsilon: null },
  (given, { scale, axis = -1, epsilon } = {}) => {
    let original = toFloat("rms_normalization", given);
    if (original.ndim === 0) original = reshapeTo(original, [1]);
    const compute = resultType([original.dtype, "float32"], floatx());
    const axes = normalizeAxes("rms_normalization", axis, original.ndim);
    const gamma =
      scale === null || scale === undefined ? null : toTensor("rms_normalization", scale, compute);
    const least = epsilon ?? defaultEpsilon();
    // A scale of another shape broadcasts over all of the result.
    const fits =
      gamma === null || sameShape(gamma.shape, original.shape.slice(original.ndim - axes.length));
    if (fits && areLastAxes(original, axes)) {
      return normalizeRows(original, {
        axes: axes.length,
        epsilon: least,
        gamma,
        beta: null,
        centres: false,
      });
    }
    const x = castTo(original, compute);
    const result = multiply(x, rsqrt(add(meanOver(square(x), axes, true), scalar(least, compute))));
    return castTo(gamma === null ? result : multiply(result, gamma), original.dtype);
  },
);

/** Options of `normalize`. */
export interface NormalizeOptions {
  axis?: number | readonly number[] | null | undefined;
  /** Of the norm: 1, 2, … */
  order?: number | undefined;
  epsilon?: number | null | undefined;
}

/**
 * `x` divided by its norm over axes, which counts as at least epsilon.
 *
 * @example
 * await ops.normalize(tensor([3, 4])).array(); // [0.6, 0.8]
 */
export const normalize: PublicOp<(x: TensorLike, options?: NormalizeOptions) => Tensor> = publicOp(
  "keras.ops.normalize",
  { x: tensorArgument, axis: -1, order: 2, epsilon: null },
  (given, { axis = -1, order = 2, epsilon } = {}) => {
    if (!Number.isInteger(order) || order < 1) {
      throw new ArgumentError(`normalize: order must be an integer >= 1, got ${describe(order)}.`, {
        op: "normalize",
      });
    }
    let x = toFloat("normalize", given);
    if (x.ndim === 0) x = reshapeTo(x, [1]);
    const axes = normalizeAxes("normalize", axis, x.ndim);
    const small = epsilon ?? defaultEpsilon();
    if (order === 2) {
      const squares = sumOver(square(x), axes, true);
      return multiply(x, rsqrt(maximum(squares, scalar(small * small, x.dtype))));
    }
    const powers = sumOver(power(absolute(x), scalar(order, x.dtype)), axes, true);
    const norm = order === 1 ? powers : power(powers, scalar(1 / order, x.dtype));
    return divide(x, maximum(norm, scalar(small, x.dtype)));
  },
);
