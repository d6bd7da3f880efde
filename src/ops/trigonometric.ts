/**
 * Trigonometric and hyperbolic functions.
 *
 * @module
 */
import { scalar } from "../tensor/create.ts";
import type { PublicOp } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { add, divide, multiply, negative, square, subtract } from "./arithmetic.ts";
import { type Binary, binaryOp, floatOp, functionWork, type Unary } from "./elementwise-define.ts";
import { rsqrt, sqrt } from "./exponential.ts";

function one(x: Tensor): Tensor {
  return scalar(1, x.dtype);
}

/**
 * The sine of an angle in radians.
 *
 * @example
 * await ops.sin([0, Math.PI / 2]).array(); // [0, 1.0000]
 */
export const sin: PublicOp<Unary> = floatOp("sin", (dy, x) => multiply(dy, cos(x)));
/**
 * The cosine of an angle in radians.
 *
 * @example
 * await ops.cos([0, Math.PI]).array(); // [1.0000, -1.0000]
 */
export const cos: PublicOp<Unary> = floatOp("cos", (dy, x) => negative(multiply(dy, sin(x))));
/**
 * The tangent of an angle in radians.
 *
 * @example
 * await ops.tan([0, Math.PI / 4]).array(); // [0, 1.0000]
 */
export const tan: PublicOp<Unary> = floatOp("tan", (dy, _, y) =>
  multiply(dy, add(square(y), one(y))),
);
/**
 * The angle in [-pi / 2, pi / 2] with this sine.
 *
 * @example
 * await ops.arcsin([0, 1]).array(); // [0, 1.5708]
 */
export const arcsin: PublicOp<Unary> = floatOp("arcsin", (dy, x) =>
  multiply(dy, rsqrt(subtract(one(x), square(x)))),
);
/**
 * The angle in [0, pi] with this cosine.
 *
 * @example
 * await ops.arccos([1, 0]).array(); // [0, 1.5708]
 */
export const arccos: PublicOp<Unary> = floatOp("arccos", (dy, x) =>
  negative(multiply(dy, rsqrt(subtract(one(x), square(x))))),
);
/**
 * The angle in (-pi / 2, pi / 2) with this tangent.
 *
 * @example
 * await ops.arctan([0, 1]).array(); // [0, 0.7854]
 */
export const arctan: PublicOp<Unary> = floatOp("arctan", (dy, x) =>
  divide(dy, add(square(x), one(x))),
);
/**
 * The angle of the point (x2, x1), in [-pi, pi].
 *
 * @example
 * await ops.arctan2([1, -1], [1, -1]).array(); // [0.7854, -2.3562]
 */
export const arctan2: PublicOp<Binary> = binaryOp(
  "arctan2",
  [
    (dy, a, b) => divide(multiply(dy, b), add(square(a), square(b))),
    (dy, a, b) => negative(divide(multiply(dy, a), add(square(a), square(b)))),
  ],
  { also: "float", work: 2 * functionWork },
);
/**
 * (e^x - e^-x) / 2.
 *
 * @example
 * await ops.sinh([0, 1]).array(); // [0, 1.1752]
 */
export const sinh: PublicOp<Unary> = floatOp("sinh", (dy, x) => multiply(dy, cosh(x)));
/**
 * (e^x + e^-x) / 2.
 *
 * @example
 * await ops.cosh([0, 1]).array(); // [1, 1.5431]
 */
export const cosh: PublicOp<Unary> = floatOp("cosh", (dy, x) => multiply(dy, sinh(x)));
/**
 * The inverse of `sinh`.
 *
 * @example
 * await ops.arcsinh([0, 1]).array(); // [0, 0.8814]
 */
export const arcsinh: PublicOp<Unary> = floatOp("arcsinh", (dy, x) =>
  multiply(dy, rsqrt(add(square(x), one(x)))),
);
/**
 * The inverse of `cosh`, on [1, inf).
 *
 * @example
 * await ops.arccosh([1, 2]).array(); // [0, 1.3170]
 */
export const arccosh: PublicOp<Unary> = floatOp("arccosh", (dy, x) =>
  divide(dy, multiply(sqrt(subtract(x, one(x))), sqrt(add(x, one(x))))),
);
/**
 * The inverse of `tanh`, on (-1, 1).
 *
 * @example
 * await ops.arctanh([0, 0.5]).array(); // [0, 0.5493]
 */
export const arctanh: PublicOp<Unary> = floatOp("arctanh", (dy, x) =>
  divide(dy, subtract(one(x), square(x))),
);
