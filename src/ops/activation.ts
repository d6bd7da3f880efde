/**
 * Activations of `keras.ops`.
 *
 * @module
 */
import { apply } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import { type PublicOp, publicOp, requiredArgument, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { formatShape, ShapeError } from "../util/errors.ts";
import { dimAt, normalizeAxes, normalizeAxis, sizeOf } from "../util/shapes.ts";
import {
  absolute,
  add,
  clip,
  divide,
  keepWhere,
  maximum,
  minimum,
  multiply,
  negative,
  square,
  subtract,
} from "./arithmetic.ts";
import { reshapeTo, sumOver } from "./broadcasting.ts";
import { greater, greaterEqual, less, lessEqual, logicalAnd, select } from "./comparison.ts";
import { iota } from "./creation.ts";
import { floatOp, type Unary, unaryOp } from "./elementwise-define.ts";
import { erf, exp, expm1, log, sigmoid, softplus, sqrt, tanh } from "./exponential.ts";
import { withLogits } from "./logits.ts";
import { type TensorLike, toFloat, toTensor } from "./promote.ts";
import { max } from "./reduction.ts";
import { flip, permute } from "./shaping.ts";
import { cumsum, sort } from "./sorting.ts";
import { split } from "./splitting.ts";

/** A constant of the dtype of `x`. */
function like(x: Tensor, value: number): Tensor {
  return scalar(value, x.dtype);
}

/**
 * max(x, 0); the gradient at 0 is 0.
 *
 * @example
 * await ops.relu([-1, 0, 2]).array(); // [0, 0, 2]
 */
export const relu: PublicOp<Unary> = unaryOp(
  "relu",
  (dy, _, y) => keepWhere(dy, greater(y, like(y, 0))),
  { decompose: (x) => maximum(x, like(x, 0)) },
);

/**
 * min(max(x, 0), 6); the gradient at 0 and 6 is 0.
 *
 * @example
 * await ops.relu6([-1, 3, 8]).array(); // [0, 3, 6]
 */
export const relu6: PublicOp<Unary> = unaryOp(
  "relu6",
  (dy, x) => keepWhere(dy, logicalAnd(greater(x, like(x, 0)), less(x, like(x, 6)))),
  { decompose: (x) => minimum(maximum(x, like(x, 0)), like(x, 6)) },
);

/**
 * x * sigmoid(x), also called swish.
 *
 * @example
 * await ops.silu([-1, 0, 1]).array(); // [-0.2689, 0, 0.7311]
 */
export const silu: PublicOp<Unary> = floatOp(
  "silu",
  // s * (1 + x * (1 - s))
  (dy, x) => {
    const s = sigmoid(x);
    return multiply(dy, multiply(s, add(like(x, 1), multiply(x, subtract(like(x, 1), s)))));
  },
  { decompose: (x) => multiply(x, sigmoid(x)) },
);

/**
 * log(sigmoid(x)).
 *
 * @example
 * await ops.logSigmoid([-1, 0, 1]).array(); // [-1.3133, -0.6931, -0.3133]
 */
export const logSigmoid: PublicOp<Unary> = floatOp(
  "log_sigmoid",
  (dy, x) => multiply(dy, sigmoid(negative(x))),
  { decompose: (x) => negative(softplus(negative(x))) },
);

/**
 * x / (1 + |x|).
 *
 * @example
 * await ops.softsign([-1, 0, 3]).array(); // [-0.5, 0, 0.75]
 */
export const softsign: PublicOp<Unary> = floatOp(
  "softsign",
  (dy, x) => divide(dy, square(add(absolute(x), like(x, 1)))),
  { decompose: (x) => divide(x, add(absolute(x), like(x, 1))), work: 2 },
);

function composed(name: string, fn: (x: Tensor) => Tensor): PublicOp<Unary> {
  return publicOp(`keras.ops.${name}`, { x: tensorArgument }, (x: TensorLike) =>
    fn(toFloat(name, x)),
  );
}

/**
 * x - tanh(x).
 *
 * @example
 * await ops.tanhShrink([-1, 0, 1]).array(); // [-0.2384, 0, 0.2384]
 */
export const tanhShrink: PublicOp<Unary> = composed("tanh_shrink", (x) => subtract(x, tanh(x)));
/**
 * 0 up to -1, 1 from 1 on, linear between.
 *
 * @example
 * await ops.sparseSigmoid([-2, 0, 0.5, 2]).array(); // [0, 0.5, 0.75, 1]
 */
export const sparseSigmoid: PublicOp<Unary> = composed("sparse_sigmoid", (x) =>
  select(
    lessEqual(x, like(x, -1)),
    like(x, 0),
    select(greaterEqual(x, like(x, 1)), like(x, 1), multiply(add(x, like(x, 1)), like(x, 0.5))),
  ),
);
/**
 * 0 up to -1, x from 1 on, (x + 1)^2 / 4 between.
 *
 * @example
 * await ops.sparsePlus([-2, 0, 2]).array(); // [0, 0.25, 2]
 */
export const sparsePlus: PublicOp<Unary> = composed("sparse_plus", (x) =>
  select(
    lessEqual(x, like(x, -1)),
    like(x, 0),
    select(less(x, like(x, 1)), multiply(square(add(x, like(x, 1))), like(x, 0.25)), x),
  ),
);
/**
 * relu6(x + 3) / 6.
 *
 * @example
 * await ops.hardSigmoid([-4, 0, 1.5]).array(); // [0, 0.5, 0.75]
 */
export const hardSigmoid: PublicOp<Unary> = composed("hard_sigmoid", (x) =>
  divide(relu6(add(x, like(x, 3))), like(x, 6)),
);
/**
 * x * hardSigmoid(x), also called hard swish.
 *
 * @example
 * await ops.hardSilu([-2, 0, 1.5]).array(); // [-0.3333, 0, 1.1250]
 */
export const hardSilu: PublicOp<Unary> = composed("hard_silu", (x) => multiply(x, hardSigmoid(x)));
/**
 * x within [-1, 1].
 *
 * @example
 * await ops.hardTanh([-2, 0.5, 2]).array(); // [-1, 0.5, 1]
 */
export const hardTanh: PublicOp<Unary> = composed("hard_tanh", (x) => clip(x, -1, 1));

/** Scales of SELU (Klambauer et al. 2017, https://arxiv.org/abs/1706.02515). */
const seluScale = 1.0507009873554805;
const seluAlpha = 1.6732632423543772;

/** Options with a slope, a threshold or a shape parameter. */
export interface LeakyReluOptions {
  negativeSlope?: number | undefined;
}
export interface ThresholdOptions {
  threshold?: number | undefined;
}
export interface AlphaOptions {
  alpha?: number | undefined;
}

const eluOp: OpDefinition<{ alpha: number }> = defineOp({
  name: "elu",
  infer: ([x]) => x as Tensor,
  vjp: ({ inputs: [x], outputs: [y], grads: [dy] }, { alpha }) => {
    const v = x as Tensor;
    const d = dy as Tensor;
    return [select(greater(v, like(v, 0)), d, multiply(d, add(y as Tensor, like(v, alpha))))];
  },
  decompose: ([x], { alpha }) => {
    const v = x as Tensor;
    // The exponent is held back, so that the unused branch stays finite.
    const negativePart = multiply(expm1(minimum(v, like(v, 0))), like(v, alpha));
    return select(greater(v, like(v, 0)), v, negativePart);
  },
});

/**
 * x where it is positive, else alpha * (e^x - 1).
 *
 * @example
 * await ops.elu([-1, 0, 2]).array(); // [-0.6321, 0, 2]
 */
export const elu: PublicOp<(x: TensorLike, options?: AlphaOptions) => Tensor> = publicOp(
  "keras.ops.elu",
  { x: tensorArgument, alpha: 1 },
  (x, { alpha = 1 } = {}) => apply(eluOp, [toFloat("elu", x)], { alpha }),
);

/**
 * scale * elu(x, alpha) with the constants of self-normalizing networks.
 *
 * @example
 * await ops.selu([-1, 0, 1]).array(); // [-1.1113, 0, 1.0507]
 */
export const selu: PublicOp<Unary> = composed("selu", (x) =>
  multiply(elu(x, { alpha: seluAlpha }), like(x, seluScale)),
);

/**
 * max(x, 0) + alpha * (e^(min(x, 0) / alpha) - 1).
 *
 * @example
 * await ops.celu([-1, 0, 2]).array(); // [-0.6321, 0, 2]
 */
export const celu: PublicOp<(x: TensorLike, options?: AlphaOptions) => Tensor> = publicOp(
  "keras.ops.celu",
  { x: tensorArgument, alpha: 1 },
  (given, { alpha = 1 } = {}) => {
    const x = toFloat("celu", given);
    const zero = like(x, 0);
    return add(
      maximum(x, zero),
      multiply(expm1(divide(minimum(x, zero), like(x, alpha))), like(x, alpha)),
    );
  },
);

const leakyReluOp: OpDefinition<{ slope: number }> = defineOp({
  name: "leaky_relu",
  infer: ([x]) => x as Tensor,
  vjp: ({ inputs: [x], grads: [dy] }, { slope }) => {
    const v = x as Tensor;
    const d = dy as Tensor;
    return [select(greater(v, like(v, 0)), d, multiply(d, like(v, slope)))];
  },
  decompose: ([x], { slope }) => {
    const v = x as Tensor;
    return select(greater(v, like(v, 0)), v, multiply(v, like(v, slope)));
  },
});

/**
 * x where it is positive, else negativeSlope * x.
 *
 * @example
 * await ops.leakyRelu([-1, 0, 2]).array(); // [-0.2000, 0, 2]
 */
export const leakyRelu: PublicOp<(x: TensorLike, options?: LeakyReluOptions) => Tensor> = publicOp(
  "keras.ops.leaky_relu",
  { x: tensorArgument, negative_slope: 0.2 },
  (x, { negativeSlope = 0.2 } = {}) =>
    apply(leakyReluOp, [toFloat("leaky_relu", x)], { slope: negativeSlope }),
);

/**
 * x moved towards 0 by the threshold, 0 within it.
 *
 * @example
 * await ops.softShrink([-2, 0.25, 1]).array(); // [-1.5, 0, 0.5]
 */
export const softShrink: PublicOp<(x: TensorLike, options?: ThresholdOptions) => Tensor> = publicOp(
  "keras.ops.soft_shrink",
  { x: tensorArgument, threshold: 0.5 },
  (given, { threshold: t = 0.5 } = {}) => {
    const x = toFloat("soft_shrink", given);
    const below = select(less(x, like(x, -t)), add(x, like(x, t)), like(x, 0));
    return select(greater(x, like(x, t)), subtract(x, like(x, t)), below);
  },
);

/**
 * x outside of the threshold, 0 within it.
 *
 * @example
 * await ops.hardShrink([-2, 0.25, 1]).array(); // [-2, 0, 1]
 */
export const hardShrink: PublicOp<(x: TensorLike, options?: ThresholdOptions) => Tensor> = publicOp(
  "keras.ops.hard_shrink",
  { x: tensorArgument, threshold: 0.5 },
  (given, { threshold: t = 0.5 } = {}) => {
    const x = toFloat("hard_shrink", given);
    return keepWhere(x, greater(absolute(x), like(x, t)));
  },
);

/**
 * x above the threshold, `defaultValue` below.
 *
 * @example
 * await ops.threshold([-1, 0.5, 2], 1, 0).array(); // [0, 0, 2]
 */
export const threshold: PublicOp<
  (x: TensorLike, threshold: number, defaultValue: number) => Tensor
> = publicOp(
  "keras.ops.threshold",
  { x: tensorArgument, threshold: requiredArgument, default_value: requiredArgument },
  (given, at, defaultValue) => {
    const x = toTensor("threshold", given);
    return select(greater(x, like(x, at)), x, like(x, defaultValue));
  },
);

/**
 * (x + sqrt(x^2 + b)) / 2.
 *
 * @example
 * await ops.squareplus([-1, 0, 1]).array(); // [0.6180, 1, 1.6180]
 */
export const squareplus: PublicOp<(x: TensorLike, options?: { b?: number | undefined }) => Tensor> =
  publicOp("keras.ops.squareplus", { x: tensorArgument, b: 4 }, (given, { b = 4 } = {}) => {
    const x = toFloat("squareplus", given);
    return divide(add(x, sqrt(add(square(x), like(x, b)))), like(x, 2));
  });

/**
 * x * P(X <= x) for a standard normal X: by erf, or by the tanh approximation.
 *
 * @example
 * await ops.gelu([-1, 0, 1]).array(); // [-0.1588, 0, 0.8412]
 */
export const gelu: PublicOp<
  (x: TensorLike, options?: { approximate?: boolean | undefined }) => Tensor
> = publicOp(
  "keras.ops.gelu",
  { x: tensorArgument, approximate: true },
  (given, { approximate = true } = {}) => {
    const x = toFloat("gelu", given);
    const half = multiply(x, like(x, 0.5));
    if (!approximate) {
      return multiply(half, add(erf(multiply(x, like(x, Math.SQRT1_2))), like(x, 1)));
    }
    // sqrt(2 / pi) * (x + 0.044715 x^3)
    const inner = multiply(
      add(x, multiply(multiply(x, square(x)), like(x, 0.044715))),
      like(x, Math.sqrt(2 / Math.PI)),
    );
    return multiply(half, add(tanh(inner), like(x, 1)));
  },
);

/** Options with an axis. */
export interface AxisOptions {
  axis?: number | undefined;
}
/** Options with one axis or several that count as one; null: all elements together. */
export interface NullableAxisOptions {
  axis?: number | readonly number[] | null | undefined;
}

/**
 * Half of the axis times the sigmoid of the other half.
 *
 * @throws {ShapeError} If the axis is odd.
 * @example
 * await ops.glu([1, 2, 0, 0]).array(); // [0.5, 1]
 */
export const glu: PublicOp<(x: TensorLike, options?: AxisOptions) => Tensor> = publicOp(
  "keras.ops.glu",
  { x: tensorArgument, axis: -1 },
  (given, { axis = -1 } = {}) => {
    const x = toFloat("glu", given);
    const along = normalizeAxis("glu", axis, x.ndim);
    if (dimAt(x.shape, along) % 2 !== 0) {
      throw new ShapeError(
        `glu: axis ${along} of shape ${formatShape(x.shape)} is odd; it is split in two halves.`,
        { op: "glu", shapes: [x.shape] },
      );
    }
    const [a, b] = split(x, 2, { axis: along }) as [Tensor, Tensor];
    return multiply(a, sigmoid(b));
  },
);

/** `x` less its maximum along an axis, a constant. An empty axis has none, and nothing to shift. */
function shifted(x: Tensor, axis: number): Tensor {
  if (x.size === 0) return x;
  return subtract(x, max(x, { axis, keepdims: true }).detached());
}

const softmaxOp: OpDefinition<{ axis: number }> = defineOp({
  name: "softmax",
  attributes: { axis: "int" },
  infer: ([x]) => x as Tensor,
  // dx = y * (dy - sum(dy * y))
  vjp: ({ outputs: [y], grads: [dy] }, { axis }) => {
    const s = multiply(dy as Tensor, y as Tensor);
    return [subtract(s, multiply(y as Tensor, sumOver(s, [axis], true)))];
  },
  decompose: ([x], { axis }) => {
    const e = exp(shifted(x as Tensor, axis));
    return divide(e, sumOver(e, [axis], true));
  },
});

const logSoftmaxOp: OpDefinition<{ axis: number }> = defineOp({
  name: "log_softmax",
  attributes: { axis: "int" },
  infer: ([x]) => x as Tensor,
  // dx = dy - softmax(x) * sum(dy)
  vjp: ({ outputs: [y], grads: [dy] }, { axis }) => [
    subtract(dy as Tensor, multiply(exp(y as Tensor), sumOver(dy as Tensor, [axis], true))),
  ],
  decompose: ([x], { axis }) => {
    const logits = shifted(x as Tensor, axis);
    return subtract(logits, log(sumOver(exp(logits), [axis], true)));
  },
});

/** Runs `fn` on `x` with `axes` put together as its last axis. */
function overAxes(
  x: Tensor,
  axes: readonly number[],
  fn: (x: Tensor, axis: number) => Tensor,
): Tensor {
  const kept = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const order = [...kept, ...axes];
  const shape = order.map((i) => x.shape[i] as number);
  const outer = shape.slice(0, kept.length);
  const flat = reshapeTo(permute(x, order), [...outer, sizeOf(shape.slice(kept.length))]);
  const back = x.shape.map((_, i) => order.indexOf(i));
  return permute(reshapeTo(fn(flat, kept.length), shape), back);
}

function alongAxis(
  name: string,
  op: OpDefinition<{ axis: number }>,
): PublicOp<(x: TensorLike, options?: NullableAxisOptions) => Tensor> {
  return publicOp(
    `keras.ops.${name}`,
    { x: tensorArgument, axis: -1 },
    (given: TensorLike, { axis = -1 }: NullableAxisOptions = {}) => {
      const x = toFloat(name, given);
      const axes = normalizeAxes(name, axis, x.ndim);
      const y =
        axes.length === 1
          ? apply(op, [x], { axis: axes[0] as number })
          : overAxes(x, axes, (flat, last) => apply(op, [flat], { axis: last }));
      return name === "softmax" ? withLogits(y, "softmax", x) : y;
    },
  );
}

/**
 * Softmax along one axis: `exp(x - max) / sum(exp(x - max))`.
 *
 * Half-precision inputs accumulate in float32.
 *
 * @param options.axis Axis that sums to one (default: last); null: all elements.
 * @returns Tensor of the shape and dtype of `x`.
 * @throws {ShapeError} If the axis is out of range.
 * @example
 * await ops.softmax([1, 2, 3]).data(); // [0.0900, 0.2447, 0.6652]
 */
export const softmax: PublicOp<(x: TensorLike, options?: NullableAxisOptions) => Tensor> =
  alongAxis("softmax", softmaxOp);

/**
 * The logarithm of `softmax`.
 *
 * @example
 * await ops.logSoftmax([1, 2, 3]).array(); // [-2.4076, -1.4076, -0.4076]
 */
export const logSoftmax: PublicOp<(x: TensorLike, options?: NullableAxisOptions) => Tensor> =
  alongAxis("log_softmax", logSoftmaxOp);

/**
 * Like softmax, with exact zeros: x less a threshold, as Keras computes it
 * after Martins and Astudillo, 2016, arXiv:1602.02068.
 *
 * @example
 * await ops.sparsemax([0, 0, 3]).array(); // [0, 0, 1]
 */
export const sparsemax: PublicOp<(x: TensorLike, options?: AxisOptions) => Tensor> = publicOp(
  "keras.ops.sparsemax",
  { x: tensorArgument, axis: -1 },
  (given, { axis = -1 } = {}) => {
    const x = toFloat("sparsemax", given);
    const along = normalizeAxis("sparsemax", axis, x.ndim);
    const sorted = flip(sort(x, { axis: along }), { axis: along });
    const total = cumsum(sorted, { axis: along });
    const count = x.shape.map((dim, i) => (i === along ? dim : 1));
    const rank = iota(count, x.dtype, along, 1);
    const support = greater(
      subtract(sorted, divide(subtract(total, like(x, 1)), rank)),
      like(x, 0),
    );
    const size = sumOver(castTo(support, x.dtype), [along], true);
    // Keras adds up the running sums themselves.
    const kept = sumOver(keepWhere(total, support), [along], true);
    const tau = divide(subtract(kept, like(x, 1)), size);
    return maximum(subtract(x, tau), like(x, 0));
  },
);
