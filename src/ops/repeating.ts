/**
 * Repeated elements and tensors.
 *
 * @module
 */
import { type PublicOp, publicOp, requiredArgument, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ArgumentError, describe, formatShape } from "../util/errors.ts";
import { checkShape, normalizeAxis } from "../util/shapes.ts";
import { broadcastOver, reshapeTo } from "./broadcasting.ts";
import { type Numbers, numbersOf } from "./dynamic-shape.ts";
import { takeSlices } from "./indexing.ts";
import { type TensorLike, toTensor } from "./promote.ts";

/**
 * `x` with each element repeated along an axis.
 *
 * @param repeats How often each element comes: one count, or one for each.
 * @example
 * await ops.repeat([1, 2], 2).array(); // [1, 1, 2, 2]
 */
export const repeat: PublicOp<
  (x: TensorLike, repeats: Numbers, options?: { axis?: number | null | undefined }) => Tensor
> = publicOp(
  "keras.ops.repeat",
  { x: tensorArgument, repeats: requiredArgument, axis: null },
  (value, given, { axis } = {}) => {
    let x = toTensor("repeat", value);
    if (axis === undefined || axis === null) x = reshapeTo(x, [x.size]);
    const along = normalizeAxis("repeat", axis ?? 0, x.ndim);
    const length = x.shape[along] as number;
    const counts = [numbersOf("repeat", given)].flat();
    if (!counts.every((n) => Number.isInteger(n) && n >= 0) || counts.length === 0) {
      throw new ArgumentError(`repeat: expected counts, got ${describe(counts)}.`, {
        op: "repeat",
      });
    }
    if (counts.length > 1) {
      if (counts.length !== length) {
        throw new ArgumentError(
          `repeat: ${counts.length} counts for the ${length} elements along axis ${along} of ` +
            `shape ${formatShape(x.shape)}.`,
          { op: "repeat" },
        );
      }
      checkShape("repeat", [counts.reduce((total, n) => total + n, 0)]);
      const places = counts.flatMap((n, i) => new Array<number>(n).fill(i));
      return takeSlices(x, toTensor("repeat", Int32Array.from(places)), along);
    }
    const [repeats] = counts as [number];
    const split = [...x.shape];
    split.splice(along + 1, 0, 1);
    const spreadOut = [...split];
    spreadOut[along + 1] = repeats;
    const shape = x.shape.map((dim, i) => (i === along ? dim * repeats : dim));
    checkShape("repeat", shape);
    return reshapeTo(broadcastOver(reshapeTo(x, split), spreadOut), shape);
  },
);

/**
 * `x` laid side by side, so many times along each axis.
 *
 * @example
 * await ops.tile([1, 2], 2).array(); // [1, 2, 1, 2]
 */
export const tile: PublicOp<(x: TensorLike, repeats: number | readonly number[]) => Tensor> =
  publicOp("keras.ops.tile", { x: tensorArgument, repeats: requiredArgument }, (given, repeats) => {
    const x = toTensor("tile", given);
    const counts = typeof repeats === "number" ? [repeats] : [...repeats];
    if (!counts.every((n) => Number.isInteger(n) && n >= 0)) {
      throw new ArgumentError(
        `tile: expected counts, got ${describe(repeats)} for shape ${formatShape(x.shape)}.`,
        { op: "tile", shapes: [x.shape] },
      );
    }
    const rank = Math.max(x.ndim, counts.length);
    const shape = [...new Array<number>(rank - x.ndim).fill(1), ...x.shape];
    const times = [...new Array<number>(rank - counts.length).fill(1), ...counts];
    const result = checkShape(
      "tile",
      shape.map((dim, i) => dim * (times[i] as number)),
    );
    // Only what repeats needs an axis of its own: ranks up to the most stay possible.
    const split = shape.flatMap((dim, i) => (times[i] === 1 ? [dim] : [1, dim]));
    const spreadOut = shape.flatMap((dim, i) =>
      times[i] === 1 ? [dim] : [times[i] as number, dim],
    );
    return reshapeTo(
      broadcastOver(reshapeTo(x, checkShape("tile", split)), checkShape("tile", spreadOut)),
      result,
    );
  });
