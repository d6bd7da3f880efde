/**
 * Arithmetic with broadcasting.
 *
 * @module
 */
import { apply } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import type { TracedValue } from "../tensor/define-op.ts";
import { type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isFloat } from "../util/dtypes.ts";
import {
  equal,
  greaterEqual,
  isfinite,
  isnan,
  less,
  lessEqual,
  logicalAnd,
  logicalOr,
  select,
} from "./comparison.ts";
import {
  alias,
  type Binary,
  binaryOp,
  binaryPrimitive,
  floatOp,
  neutral,
  publicBinary,
  publicUnary,
  type Unary,
  unaryOp,
  unaryPrimitive,
} from "./elementwise-define.ts";
import { promotedDType, promotePair, type TensorLike, toTensor } from "./promote.ts";

/** @internal `dy` where a bool condition holds, else 0. */
export function keepWhere(dy: Tensor, condition: Tensor): Tensor {
  return select(condition, dy, scalar(0, dy.dtype));
}

/**
 * x1 + x2.
 *
 * @example
 * await ops.add([1, 2], [[10], [20]]).array(); // [[11, 12], [21, 22]]
 */
export const add: PublicOp<Binary> = binaryOp("add", [(dy) => dy, (dy) => dy], {
  // 0 would make a 0 of -0.
  rewrite: neutral(-0, true),
});
/**
 * x1 - x2.
 *
 * @example
 * await ops.subtract([5, 6], 2).array(); // [3, 4]
 */
export const subtract: PublicOp<Binary> = binaryOp("subtract", [(dy) => dy, (dy) => negative(dy)], {
  rewrite: neutral(0, false),
});
const multiplyOp = binaryPrimitive(
  "multiply",
  [(dy, _, b) => multiply(dy, b), (dy, a) => multiply(dy, a)],
  { rewrite: neutral(1, true) },
);

/**
 * x1 * x2; of booleans whether both are true.
 *
 * @example
 * await ops.multiply([1, 2, 3], 2).array(); // [2, 4, 6]
 */
export const multiply: PublicOp<Binary> = publicBinary("multiply", (x1, x2) => {
  const operands = promotePair("multiply", x1, x2);
  return operands[0].dtype === "bool" ? logicalAnd(...operands) : apply(multiplyOp, operands);
});
/**
 * x1 / x2; integers are divided as floats.
 *
 * @example
 * await ops.divide([1, 2, 3], 2).array(); // [0.5, 1, 1.5]
 */
export const divide: PublicOp<Binary> = binaryOp(
  "divide",
  [(dy, _, b) => divide(dy, b), (dy, _, b, y) => negative(divide(multiply(dy, y), b))],
  { also: "float", rewrite: neutral(1, false) },
);
/**
 * x1 / x2; integers are divided as floats.
 *
 * @example
 * await ops.trueDivide([1, 2, 3], 2).array(); // [0.5, 1, 1.5]
 */
export const trueDivide: PublicOp<Binary> = alias("true_divide", divide);
/**
 * x1 / x2 rounded towards minus infinity.
 *
 * @example
 * await ops.floorDivide([-7, 7], 2).array(); // [-4, 3]
 */
export const floorDivide: PublicOp<Binary> = binaryOp("floor_divide", null);
/**
 * What `floorDivide` leaves: of the sign of x2.
 *
 * @example
 * await ops.mod([-7, 7], 3).array(); // [2, 1]
 */
export const mod: PublicOp<Binary> = binaryOp("mod", [
  (dy) => dy,
  (dy, a, b) => negative(multiply(dy, floorDivide(a, b))),
]);
/**
 * The larger of both; NaN where either is. Equal ones: x1 takes the gradient.
 *
 * @example
 * await ops.maximum([1, 5], [3, 2]).array(); // [3, 5]
 */
export const maximum: PublicOp<Binary> = binaryOp("maximum", [
  (dy, a, b) => keepWhere(dy, greaterEqual(a, b)),
  (dy, a, b) => keepWhere(dy, less(a, b)),
]);
/**
 * The smaller of both; NaN where either is. Equal ones: x1 takes the gradient.
 *
 * @example
 * await ops.minimum([1, 5], [3, 2]).array(); // [1, 2]
 */
export const minimum: PublicOp<Binary> = binaryOp("minimum", [
  (dy, a, b) => keepWhere(dy, lessEqual(a, b)),
  (dy, a, b) => keepWhere(dy, less(b, a)),
]);

/**
 * -x.
 *
 * @example
 * await ops.negative([1, -2]).array(); // [-1, 2]
 */
export const negative: PublicOp<Unary> = unaryOp("negative", (dy) => negative(dy), {
  rewrite: ([x]) => {
    const { source } = x as TracedValue;
    return source?.op.name === "negative" ? (source.inputs[0] as TracedValue) : null;
  },
});

const absoluteOp = unaryPrimitive("absolute", (dy, x) => multiply(dy, sign(x)));

/**
 * |x|.
 *
 * @example
 * await ops.absolute([1, -2]).array(); // [1, 2]
 */
export const absolute: PublicOp<Unary> = publicUnary("absolute", (given) => {
  const x = toTensor("absolute", given);
  return x.dtype === "bool" || x.dtype.startsWith("uint") ? x : apply(absoluteOp, [x]);
});
/**
 * |x|.
 *
 * @example
 * await ops.abs([1, -2]).array(); // [1, 2]
 */
export const abs: PublicOp<Unary> = alias("abs", absolute);
/**
 * -1, 0 or 1.
 *
 * @example
 * await ops.sign([-3, 0, 2]).array(); // [-1, 0, 1]
 */
export const sign: PublicOp<Unary> = unaryOp("sign", null);

const squareOp = unaryPrimitive("square", (dy, x) => multiply(dy, multiply(x, scalar(2, x.dtype))));

/**
 * x * x.
 *
 * @example
 * await ops.square([-3, 2]).array(); // [9, 4]
 */
export const square: PublicOp<Unary> = publicUnary("square", (given) => {
  const x = toTensor("square", given);
  return apply(squareOp, [x.dtype === "bool" ? castTo(x, "int32") : x]);
});

/**
 * 1 / x.
 *
 * @example
 * await ops.reciprocal([2, 4]).array(); // [0.5, 0.25]
 */
export const reciprocal: PublicOp<Unary> = floatOp(
  "reciprocal",
  (dy, _, y) => negative(multiply(dy, square(y))),
  { work: 1 },
);
/**
 * The largest integer that is not larger.
 *
 * @example
 * await ops.floor([-1.5, 1.5]).array(); // [-2, 1]
 */
export const floor: PublicOp<Unary> = floatOp("floor", null, { work: 1 });
/**
 * The smallest integer that is not smaller.
 *
 * @example
 * await ops.ceil([-1.5, 1.5]).array(); // [-1, 2]
 */
export const ceil: PublicOp<Unary> = floatOp("ceil", null, { work: 1 });
/**
 * The integer towards zero.
 *
 * @example
 * await ops.trunc([-1.5, 1.5]).array(); // [-1, 1]
 */
export const trunc: PublicOp<Unary> = unaryWhole("trunc");

function unaryWhole(name: string): PublicOp<Unary> {
  const op = unaryPrimitive(name, null);
  return publicUnary(name, (given) => {
    const x = toTensor(name, given);
    return isFloat(x.dtype) ? apply(op, [x]) : x;
  });
}

const roundOp = unaryPrimitive("round", null);

/**
 * To `decimals` places, halves to even.
 *
 * @example
 * await ops.round([0.5, 1.5, 2.5]).array(); // [0, 2, 2]
 */
export const round: PublicOp<
  (x: TensorLike, options?: { decimals?: number | undefined }) => Tensor
> = publicOp(
  "keras.ops.round",
  { x: tensorArgument, decimals: 0 },
  (given, { decimals = 0 } = {}) => {
    const x = toTensor("round", given);
    if (!isFloat(x.dtype) && decimals >= 0) return x;
    if (decimals === 0) return apply(roundOp, [x]);
    const factor = 10 ** decimals;
    return castTo(divide(apply(roundOp, [multiply(x, factor)]), factor), x.dtype);
  },
);

/**
 * x1 / x2, and 0 where x2 is 0.
 *
 * @example
 * await ops.divideNoNan([1, 2], [0, 4]).array(); // [0, 0.5]
 */
export const divideNoNan: PublicOp<Binary> = publicBinary("divide_no_nan", (x1, x2) => {
  const [a, b] = promotePair("divide_no_nan", x1, x2, "float");
  const isZero = equal(b, scalar(0, b.dtype));
  // Divided by one there, so that the gradient is finite too.
  const quotient = divide(a, select(isZero, scalar(1, b.dtype), b));
  return select(isZero, scalar(0, b.dtype), quotient);
});

/**
 * x within [xMin, xMax].
 *
 * @example
 * await ops.clip([-2, 0.5, 7], 0, 1).array(); // [0, 0.5, 1]
 */
export const clip: PublicOp<(x: TensorLike, xMin: TensorLike, xMax: TensorLike) => Tensor> =
  publicOp(
    "keras.ops.clip",
    { x: tensorArgument, x_min: tensorArgument, x_max: tensorArgument },
    (given, xMin, xMax) => {
      const dtype = promotedDType("clip", [given, xMin, xMax]);
      const x = castTo(toTensor("clip", given), dtype === "bool" ? "int32" : dtype);
      return castTo(minimum(maximum(x, xMin), xMax), x.dtype);
    },
  );

/**
 * Whether |x1 - x2| <= atol + rtol * |x2|.
 *
 * @example
 * await ops.isclose([1, 2], [1.000001, 2.1]).array(); // [true, false]
 */
export const isclose: PublicOp<
  (
    x1: TensorLike,
    x2: TensorLike,
    options?: {
      rtol?: number | undefined;
      atol?: number | undefined;
      equalNan?: boolean | undefined;
    },
  ) => Tensor
> = publicOp(
  "keras.ops.isclose",
  { x1: tensorArgument, x2: tensorArgument, rtol: 1e-5, atol: 1e-8, equal_nan: false },
  (x1, x2, { rtol = 1e-5, atol = 1e-8, equalNan = false } = {}) => {
    const [a, b] = promotePair("isclose", x1, x2, "float");
    const near = lessEqual(absolute(subtract(a, b)), add(multiply(absolute(b), rtol), atol));
    // An infinite tolerance is none.
    const close = logicalOr(equal(a, b), logicalAnd(near, isfinite(b)));
    return equalNan ? logicalOr(close, logicalAnd(isnan(a), isnan(b))) : close;
  },
);
