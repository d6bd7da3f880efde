/**
 * Ops that move elements around within their tensor.
 *
 * @module
 */
import { type PublicOp, publicOp, requiredArgument, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../util/errors.ts";
import { checkInteger, normalizeAxis } from "../util/shapes.ts";
import { reshapeTo } from "./broadcasting.ts";
import { type Numbers, numbersOf } from "./dynamic-shape.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { concatenateAlong, flipOver, permute, sliceAxis } from "./shaping.ts";

/**
 * `x` with its elements moved along axes; those that leave at the end come in
 * at the beginning. Flat without an axis.
 *
 * @example
 * await ops.roll([1, 2, 3, 4], 1).array(); // [4, 1, 2, 3]
 */
export const roll: PublicOp<
  (x: TensorLike, shift: Numbers, options?: { axis?: Numbers | null | undefined }) => Tensor
> = publicOp(
  "keras.ops.roll",
  { x: tensorArgument, shift: requiredArgument, axis: null },
  (given, shift, { axis } = {}) => {
    const x = toTensor("roll", given);
    const list = (value: Numbers): readonly number[] => [numbersOf("roll", value)].flat();
    const isFlat = axis === undefined || axis === null;
    const axes = isFlat ? [0] : list(axis).map((a) => normalizeAxis("roll", a, x.ndim));
    const shifts = list(shift);
    if (shifts.length !== axes.length && shifts.length !== 1 && axes.length !== 1) {
      throw new ArgumentError(`roll: ${shifts.length} shifts do not go with ${axes.length} axes.`, {
        op: "roll",
      });
    }
    for (const by of shifts) checkInteger("roll", "shift", by);
    if (shifts.length === 0 || axes.length === 0) {
      throw new ArgumentError(
        `roll: expected at least one shift and axis, got ${describe(shifts)} and ` +
          `${describe(axes)} for shape ${formatShape(x.shape)}.`,
        { op: "roll", shapes: [x.shape] },
      );
    }
    let result = isFlat ? reshapeTo(x, [x.size]) : x;
    for (let i = 0; i < Math.max(shifts.length, axes.length); i++) {
      const along = axes[axes.length === 1 ? 0 : i] as number;
      const length = result.shape[along] as number;
      if (length === 0) continue;
      const by = shifts[shifts.length === 1 ? 0 : i] as number;
      const cut = ((-by % length) + length) % length;
      if (cut === 0) continue;
      result = concatenateAlong(
        [sliceAxis(result, along, cut, length), sliceAxis(result, along, 0, cut)],
        along,
      );
    }
    return isFlat ? reshapeTo(result, x.shape) : result;
  },
);

/** @throws {ShapeError} If there are fewer axes. */
function requireRank(op: string, x: Tensor, rank: number): Tensor {
  if (x.ndim < rank) {
    throw new ShapeError(
      `${op}: expected at least ${rank} axes, got shape ${formatShape(x.shape)}.`,
      { op, shapes: [x.shape] },
    );
  }
  return x;
}

/**
 * Columns in reverse order.
 *
 * @example
 * await ops.fliplr([[1, 2], [3, 4]]).array(); // [[2, 1], [4, 3]]
 */
export const fliplr: PublicOp<(x: TensorLike) => Tensor> = publicOp(
  "keras.ops.fliplr",
  { x: tensorArgument },
  (x) => flipOver(requireRank("fliplr", toTensor("fliplr", x), 2), [1]),
);

/**
 * Rows in reverse order.
 *
 * @example
 * await ops.flipud([[1, 2], [3, 4]]).array(); // [[3, 4], [1, 2]]
 */
export const flipud: PublicOp<(x: TensorLike) => Tensor> = publicOp(
  "keras.ops.flipud",
  { x: tensorArgument },
  (x) => flipOver(requireRank("flipud", toTensor("flipud", x), 1), [0]),
);

/** Options of `rot90`. */
export interface Rot90Options {
  /** How many quarter turns. */
  k?: number | undefined;
  /** Turned from the first towards the second. */
  axes?: readonly [number, number] | readonly number[] | undefined;
}

/**
 * `array` turned in the plane of two axes.
 *
 * @example
 * await ops.rot90([[1, 2], [3, 4]]).array(); // [[2, 4], [1, 3]]
 */
export const rot90: PublicOp<(array: TensorLike, options?: Rot90Options) => Tensor> = publicOp(
  "keras.ops.rot90",
  { array: tensorArgument, k: 1, axes: [0, 1] },
  (given, { k = 1, axes = [0, 1] } = {}) => {
    const x = requireRank("rot90", toTensor("rot90", given), 2);
    checkInteger("rot90", "k", k);
    const [from, to] = axes.map((axis) => normalizeAxis("rot90", axis, x.ndim));
    if (axes.length !== 2 || from === undefined || to === undefined || from === to) {
      throw new ArgumentError(`rot90: expected two different axes, got ${describe(axes)}.`, {
        op: "rot90",
      });
    }
    const swapped = x.shape.map((_, i) => (i === from ? to : i === to ? from : i));
    switch (((k % 4) + 4) % 4) {
      case 0:
        return x;
      case 1:
        return permute(flipOver(x, [to]), swapped);
      case 2:
        return flipOver(
          x,
          [from, to].sort((a, b) => a - b),
        );
      default:
        return flipOver(permute(x, swapped), [to]);
    }
  },
);
