/**
 * Exponentials, logarithms, powers and the error function.
 *
 * @module
 */
import { apply } from "../tensor/apply.ts";
import { scalar } from "../tensor/create.ts";
import type { PublicOp } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import {
  absolute,
  add,
  divide,
  maximum,
  multiply,
  negative,
  square,
  subtract,
} from "./arithmetic.ts";
import { equal, isnan, select } from "./comparison.ts";
import {
  type Binary,
  binaryOp,
  floatOp,
  functionWork,
  publicBinary,
  publicUnary,
  type Unary,
  unaryPrimitive,
} from "./elementwise-define.ts";
import { withLogits } from "./logits.ts";
import { promotePair, toFloat } from "./promote.ts";

/** A constant of the dtype of `x`. */
function like(x: Tensor, value: number): Tensor {
  return scalar(value, x.dtype);
}

/**
 * e^x.
 *
 * @example
 * await ops.exp([0, 1]).array(); // [1, 2.71828]
 */
export const exp: PublicOp<Unary> = floatOp("exp", (dy, _, y) => multiply(dy, y));
/**
 * e^x - 1, precise near 0.
 *
 * @example
 * await ops.expm1([0, 1]).array(); // [0, 1.71828]
 */
export const expm1: PublicOp<Unary> = floatOp("expm1", (dy, _, y) =>
  multiply(dy, add(y, like(y, 1))),
);
/**
 * The natural logarithm.
 *
 * @example
 * await ops.log([1, Math.E]).array(); // [0, 1.00000]
 */
export const log: PublicOp<Unary> = floatOp("log", (dy, x) => divide(dy, x));
/**
 * log(1 + x), precise near 0.
 *
 * @example
 * await ops.log1p([0, 1]).array(); // [0, 0.69315]
 */
export const log1p: PublicOp<Unary> = floatOp("log1p", (dy, x) => divide(dy, add(x, like(x, 1))));
/**
 * The logarithm of base 2.
 *
 * @example
 * await ops.log2([1, 8]).array(); // [0, 3.0000]
 */
export const log2: PublicOp<Unary> = floatOp("log2", (dy, x) =>
  divide(dy, multiply(x, like(x, Math.LN2))),
);
/**
 * The logarithm of base 10.
 *
 * @example
 * await ops.log10([1, 1000]).array(); // [0, 3.0000]
 */
export const log10: PublicOp<Unary> = publicUnary("log10", (given) => {
  const x = toFloat("log10", given);
  return multiply(log(x), like(x, Math.LOG10E));
});
/**
 * The square root.
 *
 * @example
 * await ops.sqrt([4, 9]).array(); // [2, 3]
 */
export const sqrt: PublicOp<Unary> = floatOp(
  "sqrt",
  (dy, _, y) => divide(dy, multiply(y, like(y, 2))),
  { work: 2 },
);
/**
 * 1 / sqrt(x).
 *
 * @example
 * await ops.rsqrt([4, 0.25]).array(); // [0.5, 2]
 */
export const rsqrt: PublicOp<Unary> = floatOp(
  "rsqrt",
  (dy, x, y) => multiply(dy, multiply(divide(y, x), like(x, -0.5))),
  { work: 2 },
);

const sigmoidOp = unaryPrimitive(
  "sigmoid",
  (dy, _, y) => multiply(dy, multiply(y, subtract(like(y, 1), y))),
  { work: functionWork },
);

/**
 * 1 / (1 + e^-x).
 *
 * @example
 * await ops.sigmoid([0, 2]).array(); // [0.5, 0.8808]
 */
export const sigmoid: PublicOp<Unary> = publicUnary("sigmoid", (given) => {
  const x = toFloat("sigmoid", given);
  return withLogits(apply(sigmoidOp, [x]), "sigmoid", x);
});
/**
 * The hyperbolic tangent.
 *
 * @example
 * await ops.tanh([0, 1]).array(); // [0, 0.76159]
 */
export const tanh: PublicOp<Unary> = floatOp("tanh", (dy, _, y) =>
  multiply(dy, subtract(like(y, 1), square(y))),
);
/**
 * 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x.
 *
 * @example
 * await ops.erf([0, 1]).array(); // [0, 0.84270]
 */
export const erf: PublicOp<Unary> = floatOp("erf", (dy, x) =>
  multiply(dy, multiply(exp(negative(square(x))), like(x, 2 / Math.sqrt(Math.PI)))),
);
/**
 * 1 - erf(x), without loss of digits where that is small.
 *
 * @example
 * await ops.erfc([0]).array(); // [1]
 */
export const erfc: PublicOp<Unary> = floatOp("erfc", (dy, x) =>
  multiply(dy, multiply(exp(negative(square(x))), like(x, -2 / Math.sqrt(Math.PI)))),
);
/**
 * The inverse of `erf`, on (-1, 1).
 *
 * @example
 * await ops.erfinv([0, 0.5]).array(); // [0, 0.47694]
 */
export const erfinv: PublicOp<Unary> = floatOp("erfinv", (dy, _, y) =>
  multiply(dy, multiply(exp(square(y)), like(y, Math.sqrt(Math.PI) / 2))),
);

/**
 * log(1 + e^x), as max(x, 0) + log1p(e^-|x|).
 *
 * @example
 * await ops.softplus([0, 2]).array(); // [0.6931, 2.1269]
 */
export const softplus: PublicOp<Unary> = floatOp("softplus", (dy, x) => multiply(dy, sigmoid(x)), {
  decompose: (x) => add(maximum(x, like(x, 0)), log1p(exp(negative(absolute(x))))),
});

/**
 * log(e^x1 + e^x2) without overflow.
 *
 * @example
 * await ops.logaddexp([0, 10], [0, 10]).array(); // [0.6931, 10.6931]
 */
export const logaddexp: PublicOp<Binary> = publicBinary("logaddexp", (x1, x2) => {
  const [a, b] = promotePair("logaddexp", x1, x2, "float");
  const difference = subtract(a, b);
  const sum = add(maximum(a, b), log1p(exp(negative(absolute(difference)))));
  // Equal infinities differ by NaN.
  return select(isnan(difference), add(a, b), sum);
});

/**
 * x1 to the power of x2.
 *
 * @example
 * await ops.power([2, 3], [3, 2]).array(); // [8, 9]
 */
export const power: PublicOp<Binary> = binaryOp(
  "power",
  [
    // b * a^(b - 1), and 0 for b = 0 even where a is 0.
    (dy, a, b) => {
      const isZero = equal(b, like(b, 0));
      const exponent = select(isZero, like(b, 1), subtract(b, like(b, 1)));
      return multiply(dy, multiply(b, power(a, exponent)));
    },
    // log(a) * a^b, and 0 for a = 0: 0^b is the same for all b > 0.
    (dy, a, b, y) => {
      const isZero = equal(a, like(a, 0));
      const safe = select(isZero, like(a, 1), a);
      return select(isZero, like(b, 0), multiply(dy, multiply(y, log(safe))));
    },
  ],
  { work: 2 * functionWork },
);
