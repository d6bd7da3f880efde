/**
 * Tensors put together.
 *
 * @module
 */
import { type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ArgumentError, formatShape, ShapeError } from "../util/errors.ts";
import { normalizeAxis, sameShape } from "../util/shapes.ts";
import { reshapeTo } from "./broadcasting.ts";
import { promoteAll, type TensorLike } from "./promote.ts";
import { concatenateAlong } from "./shaping.ts";

/**
 * Tensors one after another along an axis; their other axes agree.
 *
 * @throws {ShapeError} If they differ elsewhere.
 */
export const concatenate: PublicOp<
  (xs: readonly TensorLike[], options?: { axis?: number | null | undefined }) => Tensor
> = publicOp("keras.ops.concatenate", { xs: tensorArgument, axis: 0 }, (xs, { axis = 0 } = {}) => {
  if (xs.length === 0) {
    throw new ArgumentError("concatenate: expected at least one tensor, got none.", {
      op: "concatenate",
    });
  }
  let parts = promoteAll("concatenate", xs);
  if (axis === null) parts = parts.map((x) => reshapeTo(x, [x.size]));
  const [first] = parts as [Tensor];
  const along = normalizeAxis("concatenate", axis ?? 0, first.ndim);
  for (const part of parts) {
    const fits =
      part.ndim === first.ndim &&
      part.shape.every((dim, i) => i === along || dim === first.shape[i]);
    if (!fits) {
      throw new ShapeError(
        `concatenate: shapes ${formatShape(first.shape)} and ${formatShape(part.shape)} differ ` +
          `beside axis ${along}.`,
        { op: "concatenate", shapes: [first.shape, part.shape] },
      );
    }
  }
  return concatenateAlong(parts, along);
});

/**
 * Tensors of one shape along a new axis.
 *
 * @throws {ShapeError} If their shapes differ.
 */
export const stack: PublicOp<
  (x: readonly TensorLike[], options?: { axis?: number | undefined }) => Tensor
> = publicOp("keras.ops.stack", { x: tensorArgument, axis: 0 }, (xs, { axis = 0 } = {}) => {
  const parts = promoteAll("stack", xs);
  const [first] = parts;
  if (first === undefined) {
    throw new ArgumentError("stack: expected at least one tensor, got none.", { op: "stack" });
  }
  const along = normalizeAxis("stack", axis, first.ndim + 1);
  for (const part of parts) {
    if (!sameShape(part.shape, first.shape)) {
      throw new ShapeError(
        `stack: shapes ${formatShape(first.shape)} and ${formatShape(part.shape)} differ.`,
        { op: "stack", shapes: [first.shape, part.shape] },
      );
    }
  }
  const shape = [...first.shape];
  shape.splice(along, 0, 1);
  return concatenateAlong(
    parts.map((part) => reshapeTo(part, shape)),
    along,
  );
});
