/**
 * Activation functions under Keras's names.
 *
 * @module
 */
import * as ops from "../../ops/index.ts";
import { type TensorLike, toTensor } from "../../ops/promote.ts";
import {
  type PublicOp,
  publicOp,
  requiredArgument,
  tensorArgument,
} from "../../tensor/public-op.ts";
import type { Tensor } from "../../tensor/tensor.ts";

type Unary = (x: TensorLike) => Tensor;

function unary(name: string, fn: Unary): PublicOp<Unary> {
  return publicOp(`keras.activations.${name}`, { x: tensorArgument }, fn);
}

/** Options of `relu`. */
export interface ReluOptions {
  /** The slope below the threshold. */
  negativeSlope?: number | undefined;
  /** The largest result. */
  maxValue?: number | null | undefined;
  threshold?: number | undefined;
}

/**
 * max(x, 0); with options: `x` above the threshold, at most `maxValue`, and
 * `negativeSlope * (x - threshold)` below.
 */
export const relu: PublicOp<(x: TensorLike, options?: ReluOptions) => Tensor> = publicOp(
  "keras.activations.relu",
  { x: tensorArgument, negative_slope: 0, max_value: null, threshold: 0 },
  (given, { negativeSlope = 0, maxValue = null, threshold = 0 } = {}) => {
    if (negativeSlope === 0 && maxValue === null && threshold === 0) return ops.relu(given);
    const isPlain = maxValue === null && threshold === 0;
    if (isPlain) return ops.leakyRelu(given, { negativeSlope });
    const x = toTensor("relu", given);
    let positive: Tensor;
    if (threshold !== 0) positive = ops.where(ops.greater(x, threshold), x, 0);
    else positive = maxValue === 6 ? ops.relu6(x) : ops.relu(x);
    if (maxValue !== null && !(threshold === 0 && maxValue === 6)) {
      positive = ops.clip(positive, 0, maxValue);
    }
    if (negativeSlope === 0) return positive;
    const below = ops.relu(threshold === 0 ? ops.negative(x) : ops.subtract(threshold, x));
    return ops.subtract(positive, ops.multiply(below, negativeSlope));
  },
);

/** x. */
export const linear: PublicOp<Unary> = unary("linear", (x) => toTensor("linear", x));

/** min(max(x, 0), 6). */
export const relu6: PublicOp<Unary> = unary("relu6", (x) => ops.relu6(x));

/** x above 0, `negativeSlope` times x below. */
export const leakyRelu: PublicOp<
  (x: TensorLike, options?: { negativeSlope?: number | undefined }) => Tensor
> = publicOp(
  "keras.activations.leaky_relu",
  { x: tensorArgument, negative_slope: 0.2 },
  (x, { negativeSlope = 0.2 } = {}) => ops.leakyRelu(x, { negativeSlope }),
);

/** exp(x) / sum(exp(x)) along an axis. */
export const softmax: PublicOp<
  (x: TensorLike, options?: { axis?: number | readonly number[] | null | undefined }) => Tensor
> = publicOp(
  "keras.activations.softmax",
  { x: tensorArgument, axis: -1 },
  (x, { axis = -1 } = {}) => ops.softmax(x, { axis } as { axis: number }),
);

/** log(softmax(x)), computed in one go. */
export const logSoftmax: PublicOp<
  (x: TensorLike, options?: { axis?: number | readonly number[] | null | undefined }) => Tensor
> = publicOp(
  "keras.activations.log_softmax",
  { x: tensorArgument, axis: -1 },
  (x, { axis = -1 } = {}) => ops.logSoftmax(x, { axis } as { axis: number }),
);

/** x above 0, `alpha * (exp(x) - 1)` below. */
export const elu: PublicOp<(x: TensorLike, options?: { alpha?: number | undefined }) => Tensor> =
  publicOp("keras.activations.elu", { x: tensorArgument, alpha: 1 }, (x, { alpha = 1 } = {}) =>
    ops.elu(x, { alpha }),
  );

/** max(0, x) + min(0, alpha * (exp(x / alpha) - 1)). */
export const celu: PublicOp<(x: TensorLike, options?: { alpha?: number | undefined }) => Tensor> =
  publicOp("keras.activations.celu", { x: tensorArgument, alpha: 1 }, (x, { alpha = 1 } = {}) =>
    ops.celu(x, { alpha }),
  );

/** A scaled elu that keeps mean and variance. Source: Klambauer et al., 2017. */
export const selu: PublicOp<Unary> = unary("selu", (x) => ops.selu(x));

/** log(1 + exp(x)). */
export const softplus: PublicOp<Unary> = unary("softplus", (x) => ops.softplus(x));

/** x / (1 + |x|). */
export const softsign: PublicOp<Unary> = unary("softsign", (x) => ops.softsign(x));

/** (x + sqrt(x² + b)) / 2. */
export const squareplus: PublicOp<(x: TensorLike, options?: { b?: number | undefined }) => Tensor> =
  publicOp("keras.activations.squareplus", { x: tensorArgument, b: 4 }, (x, { b = 4 } = {}) =>
    ops.squareplus(x, { b }),
  );

/** x, closer to 0 by the threshold; 0 within it. */
export const softShrink: PublicOp<
  (x: TensorLike, options?: { threshold?: number | undefined }) => Tensor
> = publicOp(
  "keras.activations.soft_shrink",
  { x: tensorArgument, threshold: 0.5 },
  (x, options = {}) => ops.softShrink(x, options),
);

/** x; 0 within the threshold. */
export const hardShrink: PublicOp<
  (x: TensorLike, options?: { threshold?: number | undefined }) => Tensor
> = publicOp(
  "keras.activations.hard_shrink",
  { x: tensorArgument, threshold: 0.5 },
  (x, options = {}) => ops.hardShrink(x, options),
);

/** 0 below -1, x above 1, (x + 1)² / 4 between. */
export const sparsePlus: PublicOp<Unary> = unary("sparse_plus", (x) => ops.sparsePlus(x));

/** x * sigmoid(x). */
export const silu: PublicOp<Unary> = unary("silu", (x) => ops.silu(x));

/** x times the normal distribution function, exactly or by tanh. */
export const gelu: PublicOp<
  (x: TensorLike, options?: { approximate?: boolean | undefined }) => Tensor
> = publicOp(
  "keras.activations.gelu",
  { x: tensorArgument, approximate: false },
  (x, { approximate = false } = {}) => ops.gelu(x, { approximate }),
);

/** One half of an axis times the sigmoid of the other. */
export const glu: PublicOp<(x: TensorLike, options?: { axis?: number | undefined }) => Tensor> =
  publicOp("keras.activations.glu", { x: tensorArgument, axis: -1 }, (x, { axis = -1 } = {}) =>
    ops.glu(x, { axis }),
  );

/** The hyperbolic tangent. */
export const tanh: PublicOp<Unary> = unary("tanh", (x) => ops.tanh(x));

/** x - tanh(x). */
export const tanhShrink: PublicOp<Unary> = unary("tanh_shrink", (x) => ops.tanhShrink(x));

/** x above the threshold, the default value elsewhere. */
export const threshold: PublicOp<
  (x: TensorLike, threshold: number, defaultValue: number) => Tensor
> = publicOp(
  "keras.activations.threshold",
  { x: tensorArgument, threshold: requiredArgument, default_value: requiredArgument },
  (x, limit, defaultValue) => ops.threshold(x, limit, defaultValue),
);

/** 1 / (1 + exp(-x)). */
export const sigmoid: PublicOp<Unary> = unary("sigmoid", (x) => ops.sigmoid(x));

/** 0 below -1, 1 above 1, (x + 1) / 2 between. */
export const sparseSigmoid: PublicOp<Unary> = unary("sparse_sigmoid", (x) => ops.sparseSigmoid(x));

/** exp(x). */
export const exponential: PublicOp<Unary> = unary("exponential", (x) => ops.exp(x));

/** x / 6 + 1 / 2, between 0 and 1. */
export const hardSigmoid: PublicOp<Unary> = unary("hard_sigmoid", (x) => ops.hardSigmoid(x));

/** x * hardSigmoid(x). */
export const hardSilu: PublicOp<Unary> = unary("hard_silu", (x) => ops.hardSilu(x));

/** x, between -1 and 1. */
export const hardTanh: PublicOp<Unary> = unary("hard_tanh", (x) => ops.hardTanh(x));

/** x * tanh(softplus(x)). */
export const mish: PublicOp<Unary> = unary("mish", (x) =>
  ops.multiply(x, ops.tanh(ops.softplus(x))),
);

/** log(sigmoid(x)). */
export const logSigmoid: PublicOp<Unary> = unary("log_sigmoid", (x) => ops.logSigmoid(x));

/** The nearest probabilities, many of them 0. Source: Martins and Astudillo, 2016. */
export const sparsemax: PublicOp<
  (x: TensorLike, options?: { axis?: number | undefined }) => Tensor
> = publicOp(
  "keras.activations.sparsemax",
  { x: tensorArgument, axis: -1 },
  (x, { axis = -1 } = {}) => ops.sparsemax(x, { axis }),
);
