/**
 * Padding.
 *
 * @module
 */
import { type PublicOp, publicOp, requiredArgument, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ArgumentError, formatShape, ShapeError } from "../util/errors.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { concatenateAlong, flipOver, padWith, sliceAxis } from "./shaping.ts";

/** Options of `pad`. */
export interface PadOptions {
  /** `"constant"`, `"reflect"` or `"symmetric"`. */
  mode?: "constant" | "reflect" | "symmetric" | undefined;
  /** With `"constant"`; default 0. */
  constantValues?: number | null | undefined;
}

/**
 * `x` with elements added at the ends of its axes.
 *
 * @param padWidth One count, one pair (before, behind), or a pair for each axis.
 * @throws {ArgumentError} If the counts do not fit the axes or the mode.
 */
export const pad: PublicOp<
  (
    x: TensorLike,
    padWidth: number | readonly (number | readonly number[])[],
    options?: PadOptions,
  ) => Tensor
> = publicOp(
  "keras.ops.pad",
  { x: tensorArgument, pad_width: requiredArgument, mode: "constant", constant_values: null },
  (given, padWidth, { mode = "constant", constantValues } = {}) => {
    const x = toTensor("pad", given);
    const widths = padWidths(padWidth, x.ndim);
    const low = widths.map(([before]) => before);
    const high = widths.map(([, behind]) => behind);
    if (mode === "constant") return padWith(x, Number(constantValues ?? 0), low, high);
    if (mode !== "reflect" && mode !== "symmetric") {
      throw new ArgumentError(
        `pad: mode must be "constant", "reflect" or "symmetric", got "${String(mode)}".`,
        { op: "pad" },
      );
    }
    if (constantValues !== undefined && constantValues !== null) {
      throw new ArgumentError(`pad: constantValues go with mode "constant", not "${mode}".`, {
        op: "pad",
      });
    }
    const skip = mode === "reflect" ? 1 : 0;
    let result = x;
    for (let axis = 0; axis < x.ndim; axis++) {
      const [before, behind] = widths[axis] as [number, number];
      const length = x.shape[axis] as number;
      if (before > length - skip || behind > length - skip) {
        throw new ShapeError(
          `pad: axis ${axis} of shape ${formatShape(x.shape)} is too short to ${mode} ` +
            `${Math.max(before, behind)} elements.`,
          { op: "pad", shapes: [x.shape] },
        );
      }
      const mirrored = (start: number, count: number): Tensor[] =>
        count === 0 ? [] : [flipOver(sliceAxis(result, axis, start, start + count), [axis])];
      result = concatenateAlong(
        [...mirrored(skip, before), result, ...mirrored(length - skip - behind, behind)],
        axis,
      );
    }
    return result;
  },
);

function padWidths(
  given: number | readonly (number | readonly number[])[],
  rank: number,
): [number, number][] {
  const pair = (width: number | readonly number[]): [number, number] => {
    const [before, behind = before] = typeof width === "number" ? [width] : width;
    if (!Number.isInteger(before) || !Number.isInteger(behind)) {
      throw new ArgumentError("pad: widths are integers: [[before, behind], …].", { op: "pad" });
    }
    return [before as number, behind as number];
  };
  if (typeof given === "number") return Array.from({ length: rank }, () => pair(given));
  const isPair = given.length === 2 && given.every((width) => typeof width === "number");
  if (isPair) return Array.from({ length: rank }, () => pair(given as readonly number[]));
  if (given.length === 1)
    return Array.from({ length: rank }, () => pair(given[0] as readonly number[]));
  if (given.length !== rank) {
    throw new ArgumentError(`pad: ${given.length} widths for ${rank} axes.`, { op: "pad" });
  }
  return given.map(pair);
}
