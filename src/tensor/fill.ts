/**
 * Constant tensors for upstream gradients.
 *
 * @module
 */

import type { DType } from "../util/dtypes.ts";
import type { Shape } from "../util/shapes.ts";
import { apply } from "./apply.ts";
import { defineOp, type OpDefinition } from "./define-op.ts";
import type { Tensor } from "./tensor.ts";

const fillOp: OpDefinition<{ shape: Shape; dtype: DType; value: number }> = defineOp({
  name: "full",
  attributes: { shape: "ints", dtype: "dtype", value: "float" },
  infer: (_, { shape, dtype }) => ({ shape, dtype }),
  vjp: () => [],
});

/** A tensor whose elements are all `value`. */
export function fill(shape: Shape, dtype: DType, value: number): Tensor {
  return apply(fillOp, [], { shape, dtype, value });
}

/** Ones of the shape and dtype of `x`. */
export function onesLike(x: Tensor): Tensor {
  return fill(x.shape, x.dtype, 1);
}

/** Zeros of the shape and dtype of `x`. */
export function zerosLike(x: Tensor): Tensor {
  return fill(x.shape, x.dtype, 0);
}
