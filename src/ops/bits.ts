/**
 * Operations on the bits of integers.
 *
 * @module
 */
import { floatx } from "../runtime/precision.ts";
import { apply } from "../tensor/apply.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import { type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type DType, itemSize, standardizeDType } from "../util/dtypes.ts";
import { formatShape, ShapeError } from "../util/errors.ts";
import { alias, type Binary, binaryOp, type Unary, unaryOp } from "./elementwise-define.ts";
import { type TensorLike, toTensor } from "./promote.ts";

/**
 * Bits that are set in both.
 *
 * @example
 * await ops.bitwiseAnd([6, 5], [3, 4]).array(); // [2, 4]
 */
export const bitwiseAnd: PublicOp<Binary> = binaryOp("bitwise_and", null);
/**
 * Bits that are set in either.
 *
 * @example
 * await ops.bitwiseOr([6, 5], [3, 4]).array(); // [7, 5]
 */
export const bitwiseOr: PublicOp<Binary> = binaryOp("bitwise_or", null);
/**
 * Bits that are set in one.
 *
 * @example
 * await ops.bitwiseXor([6, 5], [3, 4]).array(); // [5, 1]
 */
export const bitwiseXor: PublicOp<Binary> = binaryOp("bitwise_xor", null);
/**
 * Bits that are not set.
 *
 * @example
 * await ops.bitwiseNot([0, 5]).array(); // [-1, -6]
 */
export const bitwiseNot: PublicOp<Unary> = unaryOp("bitwise_not", null);
/**
 * Bits that are not set.
 *
 * @example
 * await ops.bitwiseInvert([0, 5]).array(); // [-1, -6]
 */
export const bitwiseInvert: PublicOp<Unary> = alias("bitwise_invert", bitwiseNot);
/**
 * Bits moved up, zeros moved in.
 *
 * @example
 * await ops.leftShift([1, 3], 2).array(); // [4, 12]
 */
export const leftShift: PublicOp<Binary> = binaryOp("left_shift", null);
/**
 * Bits moved up, zeros moved in.
 *
 * @example
 * await ops.bitwiseLeftShift([1, 3], 2).array(); // [4, 12]
 */
export const bitwiseLeftShift: PublicOp<Binary> = alias("bitwise_left_shift", leftShift);
/**
 * Bits moved down; the sign of signed integers stays.
 *
 * @example
 * await ops.rightShift([9, -8], 1).array(); // [4, -4]
 */
export const rightShift: PublicOp<Binary> = binaryOp("right_shift", null);
/**
 * Bits moved down; the sign of signed integers stays.
 *
 * @example
 * await ops.bitwiseRightShift([9, -8], 1).array(); // [4, -4]
 */
export const bitwiseRightShift: PublicOp<Binary> = alias("bitwise_right_shift", rightShift);

const bitcastOp: OpDefinition<{ dtype: DType }> = defineOp({
  name: "bitcast",
  attributes: { dtype: "dtype" },
  infer: ([x], { dtype }) => {
    const { shape, dtype: own } = x as Tensor;
    const from = itemSize(own);
    const to = itemSize(dtype);
    if (from === to) return { shape, dtype };
    const bytes = (shape.at(-1) ?? 0) * from;
    if (shape.length === 0 || bytes % to !== 0) {
      throw new ShapeError(
        `view: the last axis of shape ${formatShape(shape)} in ${own} is no multiple of ${to} ` +
          `bytes, the size of ${dtype}.`,
        { op: "view", shapes: [shape], dtypes: [own, dtype] },
      );
    }
    return { shape: [...shape.slice(0, -1), bytes / to], dtype };
  },
  vjp: () => [null],
});

/** @internal The bytes of `x` as another dtype; where its size differs the last axis grows or shrinks. */
export function bitcastTo(x: Tensor, dtype: DType): Tensor {
  return apply(bitcastOp, [x], { dtype });
}

/**
 * The bytes of `x` as another dtype. Where its size differs the last axis
 * grows or shrinks.
 *
 * @throws {ShapeError} If the bytes of the last axis do not divide.
 * @example
 * await ops.view(tensor([1]), { dtype: "int32" }).array(); // [1065353216]
 */
export const view: PublicOp<
  (x: TensorLike, options?: { dtype?: DType | null | undefined }) => Tensor
> = publicOp("keras.ops.view", { x: tensorArgument, dtype: null }, (given, { dtype } = {}) => {
  const x = toTensor("view", given);
  return dtype === undefined || dtype === null || dtype === x.dtype
    ? x
    : bitcastTo(x, standardizeDType(dtype, floatx()));
});
