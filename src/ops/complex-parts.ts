/**
 * Parts of complex numbers. Tensors are real: their imaginary part is 0.
 *
 * @module
 */
import { floatx } from "../runtime/precision.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import { fill } from "../tensor/fill.ts";
import type { PublicOp } from "../tensor/public-op.ts";
import { isFloat } from "../util/dtypes.ts";
import { isnan, select } from "./comparison.ts";
import { publicUnary, type Unary } from "./elementwise-define.ts";
import { toTensor } from "./promote.ts";
import { signbit } from "./special.ts";

/**
 * The real part: `x` itself.
 *
 * @example
 * await ops.real([1, -2]).array(); // [1, -2]
 */
export const real: PublicOp<Unary> = publicUnary("real", (x) => toTensor("real", x));
/**
 * The imaginary part: zeros.
 *
 * @example
 * await ops.imag([1.5, -2]).array(); // [0, 0]
 */
export const imag: PublicOp<Unary> = publicUnary("imag", (given) => {
  const x = toTensor("imag", given);
  return fill(x.shape, x.dtype, 0);
});
/**
 * The complex conjugate: `x` itself.
 *
 * @example
 * await ops.conjugate([1, -2]).array(); // [1, -2]
 */
export const conjugate: PublicOp<Unary> = publicUnary("conjugate", (x) => toTensor("conjugate", x));
/**
 * The complex conjugate: `x` itself.
 *
 * @example
 * await ops.conj([1, -2]).array(); // [1, -2]
 */
export const conj: PublicOp<Unary> = publicUnary("conj", (x) => toTensor("conj", x));
/**
 * Whether the imaginary part is 0: always.
 *
 * @example
 * await ops.isreal([1, -2]).array(); // [true, true]
 */
export const isreal: PublicOp<Unary> = publicUnary("isreal", (x) =>
  fill(toTensor("isreal", x).shape, "bool", 1),
);

/**
 * The angle in the complex plane: pi for negative numbers (-0 too), 0 for others.
 *
 * @example
 * await ops.angle([1.0, -2.0]).array(); // [0, 3.1416]
 */
export const angle: PublicOp<Unary> = publicUnary("angle", (given) => {
  const raw = toTensor("angle", given);
  const x = castTo(raw, isFloat(raw.dtype) ? raw.dtype : floatx());
  const turned = select(signbit(x), scalar(Math.PI, x.dtype), scalar(0, x.dtype));
  return select(isnan(x), scalar(Number.NaN, x.dtype), turned);
});
