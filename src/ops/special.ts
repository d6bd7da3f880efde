/**
 * Elementwise functions beyond the everyday ones.
 *
 * @module
 */
import { floatx } from "../runtime/precision.ts";
import { apply } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import { fill } from "../tensor/fill.ts";
import { type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type DType, isFloat, isHalf, isInteger, resultType } from "../util/dtypes.ts";
import {
  absolute,
  add,
  divide,
  isclose,
  keepWhere,
  maximum,
  multiply,
  negative,
  square,
  subtract,
  trunc,
} from "./arithmetic.ts";
import {
  equal,
  greater,
  greaterEqual,
  isnan,
  less,
  lessEqual,
  logicalOr,
  select,
} from "./comparison.ts";
import {
  type Binary,
  binaryOp,
  binaryPrimitive,
  floatOp,
  functionWork,
  publicBinary,
  publicUnary,
  type Unary,
  unaryPrimitive,
} from "./elementwise-define.ts";
import { log1p } from "./exponential.ts";
import {
  promoteTensors,
  requireDType,
  type TensorLike,
  toFloat,
  toTensor,
  widerFloat,
} from "./promote.ts";
import { all } from "./reduction.ts";
import { sin } from "./trigonometric.ts";

/**
 * 2^x, exact where x is integral.
 *
 * @example
 * await ops.exp2([0, 3]).array(); // [1, 8]
 */
export const exp2: PublicOp<Unary> = floatOp("exp2", (dy, _, y) =>
  multiply(dy, multiply(y, scalar(Math.LN2, y.dtype))),
);

const cbrtOp = unaryPrimitive(
  "cbrt",
  (dy, _, y) => divide(dy, multiply(square(y), scalar(3, y.dtype))),
  { work: functionWork },
);

/**
 * The cube root, negative for negative numbers.
 *
 * @example
 * await ops.cbrt([8, -27]).array(); // [2, -3]
 */
export const cbrt: PublicOp<Unary> = publicUnary("cbrt", (given) => {
  const x = toTensor("cbrt", given);
  return apply(cbrtOp, [castTo(x, widerFloat(x.dtype))]);
});

/**
 * |x| as a float.
 *
 * @example
 * await ops.fabs([-1.5, 2]).array(); // [1.5, 2]
 */
export const fabs: PublicOp<Unary> = publicUnary("fabs", (x) => absolute(toFloat("fabs", x)));

function scaled(name: string, factor: number): PublicOp<Unary> {
  return publicUnary(name, (given) => {
    const x = toTensor(name, given);
    const dtype = widerFloat(x.dtype);
    return multiply(castTo(x, dtype), scalar(factor, dtype));
  });
}

/**
 * Degrees as radians.
 *
 * @example
 * await ops.deg2rad([0, 180]).array(); // [0, 3.1416]
 */
export const deg2rad: PublicOp<Unary> = scaled("deg2rad", Math.PI / 180);
/**
 * Radians as degrees.
 *
 * @example
 * await ops.rad2deg([0, Math.PI]).array(); // [0, 180]
 */
export const rad2deg: PublicOp<Unary> = scaled("rad2deg", 180 / Math.PI);

/** From here on sin(pi x) / (pi x) and its derivatives have no cancellation left. */
const sincFar = 0.25;
/** Terms of the series of sin(t) / t that count in float64 for t = pi / 4. */
const sincTerms = 9;

/**
 * sin(pi x) / (pi x), and 1 at 0. Near 0 it is the series, whose derivatives
 * of any order are right at 0 too.
 *
 * @example
 * await ops.sinc([0, 0.5]).array(); // [1, 0.6366]
 */
export const sinc: PublicOp<Unary> = publicUnary("sinc", (given) => {
  const raw = toTensor("sinc", given);
  const x = castTo(raw, isFloat(raw.dtype) ? raw.dtype : floatx());
  const constant = (value: number): Tensor => scalar(value, x.dtype);
  const isNear = less(absolute(x), constant(sincFar));
  const near = select(isNear, x, constant(0));
  const t2 = square(multiply(near, constant(Math.PI)));
  // 1 - t^2 / 3! (1 - t^2 / (4 5) (1 - ...))
  let series = constant(1);
  for (let k = sincTerms; k > 0; k--) {
    const factor = multiply(t2, constant(1 / (2 * k * (2 * k + 1))));
    series = subtract(constant(1), multiply(factor, series));
  }
  const far = multiply(select(isNear, constant(1), x), constant(Math.PI));
  return select(isNear, series, divide(sin(far), far));
});

const i1Op = unaryPrimitive(
  "i1",
  (dy, x, y) => {
    // I1' = I0 - I1 / x, 1/2 at 0.
    const isZero = equal(x, scalar(0, x.dtype));
    const ratio = divide(y, select(isZero, scalar(1, x.dtype), x));
    const slope = subtract(i0(x), ratio);
    return multiply(dy, select(isZero, scalar(0.5, x.dtype), slope));
  },
  { work: 2 * functionWork },
);
const i0Op = unaryPrimitive("i0", (dy, x) => multiply(dy, apply(i1Op, [x])), {
  work: 2 * functionWork,
});

/**
 * The modified Bessel function of the first kind, of order 0.
 *
 * @example
 * await ops.i0([0, 1]).array(); // [1, 1.2661]
 */
export const i0: PublicOp<Unary> = publicUnary("i0", (given) => {
  const x = toTensor("i0", given);
  return apply(i0Op, [castTo(x, widerFloat(x.dtype))]);
});

const signbitOp = unaryPrimitive("signbit", null, { dtype: "bool" });

/**
 * Whether the sign is negative, of -0 too.
 *
 * @example
 * await ops.signbit([-1, 1]).array(); // [true, false]
 */
export const signbit: PublicOp<Unary> = publicUnary("signbit", (given) => {
  const x = toTensor("signbit", given);
  return isFloat(x.dtype) ? apply(signbitOp, [x]) : less(x, scalar(0, x.dtype));
});

function infinityTest(name: string, value: number): PublicOp<Unary> {
  return publicUnary(name, (given) => {
    const x = toTensor(name, given);
    return isFloat(x.dtype) ? equal(x, scalar(value, x.dtype)) : fill(x.shape, "bool", 0);
  });
}

/**
 * Whether it is infinity.
 *
 * @example
 * await ops.isposinf([1, Number.POSITIVE_INFINITY]).array(); // [false, true]
 */
export const isposinf: PublicOp<Unary> = infinityTest("isposinf", Number.POSITIVE_INFINITY);
/**
 * Whether it is minus infinity.
 *
 * @example
 * await ops.isneginf([1, Number.NEGATIVE_INFINITY]).array(); // [false, true]
 */
export const isneginf: PublicOp<Unary> = infinityTest("isneginf", Number.NEGATIVE_INFINITY);

/** The largest finite number of a float dtype. */
const largest: Readonly<Partial<Record<DType, number>>> = {
  float16: 65504,
  bfloat16: (2 - 2 ** -7) * 2 ** 127,
  float32: (2 - 2 ** -23) * 2 ** 127,
  float64: Number.MAX_VALUE,
};

/** Options of `nanToNum`. */
export interface NanToNumOptions {
  /** In place of NaN. */
  nan?: number | undefined;
  /** In place of infinity; default: the largest number of the dtype. */
  posinf?: number | null | undefined;
  /** In place of minus infinity; default: the most negative number. */
  neginf?: number | null | undefined;
}

/**
 * `x` with numbers in place of NaN and the infinities.
 *
 * @example
 * await ops.nanToNum([1, Number.NaN]).array(); // [1, 0]
 */
export const nanToNum: PublicOp<(x: TensorLike, options?: NanToNumOptions) => Tensor> = publicOp(
  "keras.ops.nan_to_num",
  { x: tensorArgument, nan: 0, posinf: null, neginf: null },
  (given, { nan = 0, posinf, neginf } = {}) => {
    const x = toTensor("nan_to_num", given);
    if (!isFloat(x.dtype)) return x;
    const most = largest[x.dtype] as number;
    const constant = (value: number): Tensor => scalar(value, x.dtype);
    const noNan = select(isnan(x), constant(nan), x);
    const noTop = select(isposinf(x), constant(posinf ?? most), noNan);
    return select(isneginf(x), constant(neginf ?? -most), noTop);
  },
);

const hypotOp = binaryPrimitive("hypot", [
  (dy, a, _, y) => multiply(dy, ratioOrZero(a, y)),
  (dy, _, b, y) => multiply(dy, ratioOrZero(b, y)),
]);

function ratioOrZero(a: Tensor, y: Tensor): Tensor {
  const isZero = equal(y, scalar(0, y.dtype));
  return keepWhere(
    divide(a, select(isZero, scalar(1, y.dtype), y)),
    greater(y, scalar(0, y.dtype)),
  );
}

/**
 * sqrt(x1^2 + x2^2) without overflow.
 *
 * @example
 * await ops.hypot([3, 5], [4, 12]).array(); // [5, 13]
 */
export const hypot: PublicOp<Binary> = publicBinary("hypot", (x1, x2) => {
  const [a, b] = promoteTensors("hypot", x1, x2);
  const dtype = widerFloat(a.dtype);
  return apply(hypotOp, [castTo(a, dtype), castTo(b, dtype)]);
});

/**
 * 0 for negative x1, 1 for positive, x2 where it is 0.
 *
 * @example
 * await ops.heaviside([-1, 0, 2], 0.5).array(); // [0, 0.5, 1]
 */
export const heaviside: PublicOp<Binary> = publicBinary("heaviside", (x1, x2) => {
  const [x, y] = promoteTensors("heaviside", x1, x2);
  const dtype = widerFloat(x.dtype);
  const a = castTo(x, dtype);
  const constant = (value: number): Tensor => scalar(value, dtype);
  const away = select(isnan(a), constant(Number.NaN), castTo(greater(a, constant(0)), dtype));
  return select(equal(a, constant(0)), castTo(y, dtype), away);
});

/**
 * log2(2^x1 + 2^x2) without overflow.
 *
 * @example
 * await ops.logaddexp2([0, 1], [0, 1]).array(); // [1, 2]
 */
export const logaddexp2: PublicOp<Binary> = publicBinary("logaddexp2", (x1, x2) => {
  const [a, b] = promoteTensors("logaddexp2", x1, x2, "float");
  const difference = subtract(a, b);
  const tail = log1p(exp2(negative(absolute(difference))));
  const sum = add(maximum(a, b), multiply(tail, scalar(Math.LOG2E, a.dtype)));
  // Equal infinities differ by NaN.
  return select(isnan(difference), add(a, b), sum);
});

/**
 * The larger of both; the other one where one is NaN.
 *
 * @example
 * await ops.fmax([1, Number.NaN], [0, 2]).array(); // [1, 2]
 */
export const fmax: PublicOp<Binary> = binaryOp("fmax", [
  (dy, a, b) => keepWhere(dy, logicalOr(greaterEqual(a, b), isnan(b))),
  (dy, a, b) => keepWhere(dy, logicalOr(less(a, b), isnan(a))),
]);
/**
 * The smaller of both; the other one where one is NaN.
 *
 * @example
 * await ops.fmin([1, Number.NaN], [0, 2]).array(); // [0, 2]
 */
export const fmin: PublicOp<Binary> = binaryOp("fmin", [
  (dy, a, b) => keepWhere(dy, logicalOr(lessEqual(a, b), isnan(b))),
  (dy, a, b) => keepWhere(dy, logicalOr(less(b, a), isnan(a))),
]);

const fmodOp = binaryPrimitive("fmod", [
  (dy) => dy,
  (dy, a, b) => negative(multiply(dy, trunc(divide(a, b)))),
]);

/**
 * What the division that rounds towards 0 leaves: of the sign of x1.
 *
 * @example
 * await ops.fmod([-7, 7], 3).array(); // [-1, 1]
 */
export const fmod: PublicOp<Binary> = publicBinary("fmod", (x1, x2) => {
  const [a, b] = promoteTensors("fmod", x1, x2);
  const dtype = a.dtype === "bool" ? "int32" : a.dtype;
  return apply(fmodOp, [castTo(a, dtype), castTo(b, dtype)]);
});

const ldexpOp = binaryPrimitive("ldexp", [
  (dy, _, b) => apply(ldexpOp, [dy, b]),
  (dy, _, __, y) => multiply(dy, multiply(y, scalar(Math.LN2, y.dtype))),
]);

/**
 * x1 * 2^x2.
 *
 * @throws {DTypeError} If x2 is no integer.
 * @example
 * await ops.ldexp([1, 3], [2, 1]).array(); // [4, 6]
 */
export const ldexp: PublicOp<Binary> = publicBinary("ldexp", (x1, x2) => {
  const x = toTensor("ldexp", x1);
  const exponent = requireDType("ldexp", toTensor("ldexp", x2), isInteger, "integers for x2");
  const dtype = resultType([x.dtype, exponent.dtype, "float"], floatx());
  // Half types do not hold all exponents.
  const compute = isHalf(dtype) ? "float32" : dtype;
  return castTo(apply(ldexpOp, [castTo(x, compute), castTo(exponent, compute)]), dtype);
});

function divisorOp(name: "gcd" | "lcm"): PublicOp<Binary> {
  const op = binaryPrimitive(name, null);
  return publicBinary(name, (x1, x2) => {
    const [a, b] = promoteTensors(name, x1, x2);
    return apply(op, [requireDType(name, a, isInteger, "integers"), b]);
  });
}

/**
 * The greatest common divisor; gcd(0, n) is |n|.
 *
 * @example
 * await ops.gcd([12, 9], [18, 6]).array(); // [6, 3]
 */
export const gcd: PublicOp<Binary> = divisorOp("gcd");
/**
 * The least common multiple; 0 where either is 0.
 *
 * @example
 * await ops.lcm([4, 3], [6, 5]).array(); // [12, 15]
 */
export const lcm: PublicOp<Binary> = divisorOp("lcm");

// A step is nothing beside x1, whatever its direction.
const nextafterOp = binaryPrimitive("nextafter", [(dy) => dy, (dy) => fill(dy.shape, dy.dtype, 0)]);

/**
 * The next number of the dtype after x1 towards x2.
 *
 * @example
 * (await ops.nextafter(1, 2).item()) > 1; // true
 */
export const nextafter: PublicOp<Binary> = publicBinary("nextafter", (x1, x2) =>
  apply(nextafterOp, promoteTensors("nextafter", x1, x2, "float")),
);

/**
 * Whether all of |x1 - x2| <= atol + rtol * |x2|.
 *
 * @example
 * await ops.allclose([1, 2], [1, 2.000001]).item(); // true
 */
export const allclose: PublicOp<
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
  "keras.ops.allclose",
  { x1: tensorArgument, x2: tensorArgument, rtol: 1e-5, atol: 1e-8, equal_nan: false },
  (x1, x2, options) => all(isclose(x1, x2, options)),
);
