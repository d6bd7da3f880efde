/**
 * Tensors put together.
 *
 * @module
 */
import { type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { formatShape, ShapeError } from "../util/errors.ts";
import { checkShape, normalizeAxis, type Shape, sameShape } from "../util/shapes.ts";
import { reshapeTo } from "./broadcasting.ts";
import { promoteAll, type TensorLike } from "./promote.ts";
import { concatenateAlong } from "./shaping.ts";

/**
 * @internal
 * Tensors of one dtype, one after another; `given` are the shapes as the user passed them.
 *
 * @throws {ShapeError} If they differ beside the axis.
 */
export function joinAlong(
  op: string,
  parts: readonly Tensor[],
  axis: number,
  given: readonly Shape[] = parts.map((x) => x.shape),
): Tensor {
  const [first] = parts as [Tensor];
  const along = normalizeAxis(op, axis, first.ndim);
  for (const [k, part] of parts.entries()) {
    const fits =
      part.ndim === first.ndim &&
      part.shape.every((dim, i) => i === along || dim === first.shape[i]);
    if (!fits) {
      const [one, other] = [given[0], given[k]] as [Shape, Shape];
      throw new ShapeError(
        `${op}: shapes ${formatShape(one)} and ${formatShape(other)} differ beside axis ${along}.`,
        { op, shapes: [one, other] },
      );
    }
  }
  return concatenateAlong(parts, along);
}

/**
 * Tensors one after another along an axis; their other axes agree.
 *
 * @throws {ShapeError} If they differ elsewhere.
 * @example
 * await ops.concatenate([[1, 2], [3]]).array(); // [1, 2, 3]
 */
export const concatenate: PublicOp<
  (xs: readonly TensorLike[], options?: { axis?: number | null | undefined }) => Tensor
> = publicOp("keras.ops.concatenate", { xs: tensorArgument, axis: 0 }, (xs, { axis = 0 } = {}) => {
  const parts = promoteAll("concatenate", xs);
  return axis === null
    ? concatenateAlong(
        parts.map((x) => reshapeTo(x, [x.size])),
        0,
      )
    : joinAlong("concatenate", parts, axis);
});

/**
 * Tensors of one shape along a new axis.
 *
 * @throws {ShapeError} If their shapes differ.
 * @example
 * await ops.stack([[1, 2], [3, 4]], { axis: 1 }).array(); // [[1, 3], [2, 4]]
 */
export const stack: PublicOp<
  (x: readonly TensorLike[], options?: { axis?: number | undefined }) => Tensor
> = publicOp("keras.ops.stack", { x: tensorArgument, axis: 0 }, (xs, { axis = 0 } = {}) => {
  const parts = promoteAll("stack", xs);
  const [first] = parts as [Tensor];
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
  checkShape("stack", shape);
  return concatenateAlong(
    parts.map((part) => reshapeTo(part, shape)),
    along,
  );
});
