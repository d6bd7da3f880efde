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

/** The real part: `x` itself. */
export const real: PublicOp<Unary> = publicUnary("real", (x) => toTensor("real", x));
/** The imaginary part: zeros. */
export const imag: PublicOp<Unary> = publicUnary("imag", (given) => {
  const x = toTensor("imag", given);
  return fill(x.shape, x.dtype, 0);
});
/** The complex conjugate: `x` itself. */
export const conjugate: PublicOp<Unary> = publicUnary("conjugate", (x) => toTensor("conjugate", x));
/** The complex conjugate: `x` itself. */
export const conj: PublicOp<Unary> = publicUnary("conj", (x) => toTensor("conj", x));
/** Whether the imaginary part is 0: always. */
export const isreal: PublicOp<Unary> = publicUnary("isreal", (x) =>
  fill(toTensor("isreal", x).shape, "bool", 1),
);

/** The angle in the complex plane: pi for negative numbers (-0 too), 0 for others. */
export const angle: PublicOp<Unary> = publicUnary("angle", (given) => {
  const raw = toTensor("angle", given);
  const x = castTo(raw, isFloat(raw.dtype) ? raw.dtype : floatx());
  const turned = select(signbit(x), scalar(Math.PI, x.dtype), scalar(0, x.dtype));
  return select(isnan(x), scalar(Number.NaN, x.dtype), turned);
});
