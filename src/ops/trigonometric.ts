/**
 * Trigonometric and hyperbolic functions.
 *
 * @module
 */
import { scalar } from "../tensor/create.ts";
import type { PublicOp } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { add, divide, multiply, negative, square, subtract } from "./arithmetic.ts";
import { type Binary, binaryOp, floatOp, type Unary } from "./elementwise-define.ts";
import { rsqrt, sqrt } from "./exponential.ts";

function one(x: Tensor): Tensor {
  return scalar(1, x.dtype);
}

/** The sine of an angle in radians. */
export const sin: PublicOp<Unary> = floatOp("sin", (dy, x) => multiply(dy, cos(x)));
/** The cosine of an angle in radians. */
export const cos: PublicOp<Unary> = floatOp("cos", (dy, x) => negative(multiply(dy, sin(x))));
/** The tangent of an angle in radians. */
export const tan: PublicOp<Unary> = floatOp("tan", (dy, _, y) =>
  multiply(dy, add(square(y), one(y))),
);
/** The angle in [-pi / 2, pi / 2] with this sine. */
export const arcsin: PublicOp<Unary> = floatOp("arcsin", (dy, x) =>
  multiply(dy, rsqrt(subtract(one(x), square(x)))),
);
/** The angle in [0, pi] with this cosine. */
export const arccos: PublicOp<Unary> = floatOp("arccos", (dy, x) =>
  negative(multiply(dy, rsqrt(subtract(one(x), square(x))))),
);
/** The angle in (-pi / 2, pi / 2) with this tangent. */
export const arctan: PublicOp<Unary> = floatOp("arctan", (dy, x) =>
  divide(dy, add(square(x), one(x))),
);
/** The angle of the point (x2, x1), in [-pi, pi]. */
export const arctan2: PublicOp<Binary> = binaryOp(
  "arctan2",
  [
    (dy, a, b) => divide(multiply(dy, b), add(square(a), square(b))),
    (dy, a, b) => negative(divide(multiply(dy, a), add(square(a), square(b)))),
  ],
  "float",
);
/** (e^x - e^-x) / 2. */
export const sinh: PublicOp<Unary> = floatOp("sinh", (dy, x) => multiply(dy, cosh(x)));
/** (e^x + e^-x) / 2. */
export const cosh: PublicOp<Unary> = floatOp("cosh", (dy, x) => multiply(dy, sinh(x)));
/** The inverse of `sinh`. */
export const arcsinh: PublicOp<Unary> = floatOp("arcsinh", (dy, x) =>
  multiply(dy, rsqrt(add(square(x), one(x)))),
);
/** The inverse of `cosh`, on [1, inf). */
export const arccosh: PublicOp<Unary> = floatOp("arccosh", (dy, x) =>
  divide(dy, multiply(sqrt(subtract(x, one(x))), sqrt(add(x, one(x))))),
);
/** The inverse of `tanh`, on (-1, 1). */
export const arctanh: PublicOp<Unary> = floatOp("arctanh", (dy, x) =>
  divide(dy, subtract(one(x), square(x))),
);
