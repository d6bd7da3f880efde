/**
 * Linear algebra.
 *
 * @module
 */
import { applyMany } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import { type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isHalf } from "../util/dtypes.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../util/errors.ts";
import { dimAt } from "../util/shapes.ts";
import { multiply } from "./arithmetic.ts";
import { sumOver } from "./broadcasting.ts";
import { eye } from "./creation.ts";
import { type TensorLike, toFloat } from "./promote.ts";
import { sliceStrided } from "./shaping.ts";

const qrOp: OpDefinition<{ complete: boolean }> = defineOp({
  name: "qr",
  attributes: { complete: "bool" },
  infer: ([x], { complete }) => {
    const { shape, dtype } = x as Tensor;
    const m = dimAt(shape, -2);
    const n = dimAt(shape, -1);
    const k = complete ? m : Math.min(m, n);
    const batch = shape.slice(0, -2);
    return [
      { shape: [...batch, m, k], dtype },
      { shape: [...batch, k, n], dtype },
    ];
  },
  vjp: null,
});

/** Options of `qr`. */
export interface QrOptions {
  mode?: "reduced" | "complete" | undefined;
}

/**
 * The QR decomposition of matrices in the last two axes: orthogonal q and upper
 * triangular r with x = q r. Signs are LAPACK's.
 *
 * @throws {ShapeError} If there are fewer than two axes.
 * @example
 * ops.qr(ops.ones([3, 2]))[1].shape; // [2, 2]
 */
export const qr: PublicOp<(x: TensorLike, options?: QrOptions) => [Tensor, Tensor]> = publicOp(
  "keras.ops.qr",
  { x: tensorArgument, mode: "reduced" },
  (given, { mode = "reduced" } = {}) => {
    if (mode !== "reduced" && mode !== "complete") {
      throw new ArgumentError(`qr: mode must be "reduced" or "complete", got ${describe(mode)}.`, {
        op: "qr",
      });
    }
    const x = toFloat("qr", given);
    if (x.ndim < 2) {
      throw new ShapeError(`qr: expected a matrix, got shape ${formatShape(x.shape)}.`, {
        op: "qr",
        shapes: [x.shape],
      });
    }
    // Half types decompose in float32.
    const wide = isHalf(x.dtype) ? castTo(x, "float32") : x;
    const [q, r] = applyMany(qrOp, [wide], { complete: mode === "complete" }) as [Tensor, Tensor];
    return [castTo(q, x.dtype), castTo(r, x.dtype)];
  },
);

/** The diagonal of a matrix [m, n]. */
export function diagonalOf(x: Tensor): Tensor {
  const k = Math.min(...(x.shape as [number, number]));
  const square = sliceStrided(x, [0, 0], [k, k]);
  const mask = eye(k, { dtype: x.dtype });
  return sumOver(multiply(square, mask), [1]);
}
