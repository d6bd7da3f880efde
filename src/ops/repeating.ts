/**
 * Repeated elements and tensors.
 *
 * @module
 */
import { type PublicOp, publicOp, requiredArgument, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ArgumentError } from "../util/errors.ts";
import { checkShape, normalizeAxis } from "../util/shapes.ts";
import { broadcastOver, reshapeTo } from "./broadcasting.ts";
import { type TensorLike, toTensor } from "./promote.ts";

/**
 * `x` with each element repeated along an axis.
 *
 * @param repeats How often each element comes.
 */
export const repeat: PublicOp<
  (x: TensorLike, repeats: number, options?: { axis?: number | null | undefined }) => Tensor
> = publicOp(
  "keras.ops.repeat",
  { x: tensorArgument, repeats: requiredArgument, axis: null },
  (given, repeats, { axis } = {}) => {
    if (!Number.isInteger(repeats) || repeats < 0) {
      throw new ArgumentError(`repeat: expected a count, got ${String(repeats)}.`, {
        op: "repeat",
      });
    }
    let x = toTensor("repeat", given);
    if (axis === undefined || axis === null) x = reshapeTo(x, [x.size]);
    const along = normalizeAxis("repeat", axis ?? 0, x.ndim);
    const split = [...x.shape];
    split.splice(along + 1, 0, 1);
    const spreadOut = [...split];
    spreadOut[along + 1] = repeats;
    const shape = x.shape.map((dim, i) => (i === along ? dim * repeats : dim));
    return reshapeTo(broadcastOver(reshapeTo(x, split), spreadOut), shape);
  },
);

/** `x` laid side by side, so many times along each axis. */
export const tile: PublicOp<(x: TensorLike, repeats: number | readonly number[]) => Tensor> =
  publicOp("keras.ops.tile", { x: tensorArgument, repeats: requiredArgument }, (given, repeats) => {
    const x = toTensor("tile", given);
    const counts = typeof repeats === "number" ? [repeats] : [...repeats];
    const rank = Math.max(x.ndim, counts.length);
    const shape = [...new Array<number>(rank - x.ndim).fill(1), ...x.shape];
    const times = [...new Array<number>(rank - counts.length).fill(1), ...counts];
    const split = shape.flatMap((dim) => [1, dim]);
    const spreadOut = shape.flatMap((dim, i) => [times[i] as number, dim]);
    return reshapeTo(
      broadcastOver(reshapeTo(x, split), checkShape("tile", spreadOut)),
      shape.map((dim, i) => dim * (times[i] as number)),
    );
  });
