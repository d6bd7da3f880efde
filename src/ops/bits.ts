/**
 * Operations on the bits of integers.
 *
 * @module
 */
import { apply } from "../tensor/apply.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import type { PublicOp } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { DType } from "../util/dtypes.ts";
import { alias, type Binary, binaryOp, type Unary, unaryOp } from "./elementwise-define.ts";

/** Bits that are set in both. */
export const bitwiseAnd: PublicOp<Binary> = binaryOp("bitwise_and", null);
/** Bits that are set in either. */
export const bitwiseOr: PublicOp<Binary> = binaryOp("bitwise_or", null);
/** Bits that are set in one. */
export const bitwiseXor: PublicOp<Binary> = binaryOp("bitwise_xor", null);
/** Bits that are not set. */
export const bitwiseNot: PublicOp<Unary> = unaryOp("bitwise_not", null);
/** Bits that are not set. */
export const bitwiseInvert: PublicOp<Unary> = alias("bitwise_invert", bitwiseNot);
/** Bits moved up, zeros moved in. */
export const leftShift: PublicOp<Binary> = binaryOp("left_shift", null);
/** Bits moved up, zeros moved in. */
export const bitwiseLeftShift: PublicOp<Binary> = alias("bitwise_left_shift", leftShift);
/** Bits moved down; the sign of signed integers stays. */
export const rightShift: PublicOp<Binary> = binaryOp("right_shift", null);
/** Bits moved down; the sign of signed integers stays. */
export const bitwiseRightShift: PublicOp<Binary> = alias("bitwise_right_shift", rightShift);

const bitcastOp: OpDefinition<{ dtype: DType }> = defineOp({
  name: "bitcast",
  attributes: { dtype: "dtype" },
  infer: ([x], { dtype }) => ({ shape: (x as Tensor).shape, dtype }),
  vjp: () => [null],
});

/** The bytes of `x` as another dtype of the same size. */
export function bitcastTo(x: Tensor, dtype: DType): Tensor {
  return apply(bitcastOp, [x], { dtype });
}
