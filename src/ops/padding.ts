/**
 * Padding.
 *
 * @module
 */
import { type PublicOp, publicOp, requiredArgument, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../util/errors.ts";
import { broadcastOver } from "./broadcasting.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { concatenateAlong, flipOver, padWith, sliceAxis } from "./shaping.ts";

/** What `pad` adds. */
export type PadMode = "constant" | "reflect" | "symmetric" | "edge" | "wrap";

/** Options of `pad`. */
export interface PadOptions {
  /** What is added: a constant, `x` mirrored (without or with its last element), that element, or `x` again. */
  mode?: PadMode | undefined;
  /** With `"constant"`; default 0. */
  constantValues?: number | null | undefined;
}

/**
 * `x` with elements added at the ends of its axes.
 *
 * @param padWidth One count, one pair (before, behind), or a pair for each axis.
 * @throws {ArgumentError} If the counts do not fit the axes or the mode.
 * @example
 * await ops.pad([1, 2, 3], [[2, 1]], { mode: "reflect" }).array(); // [3, 2, 1, 2, 3, 2]
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
    if (widths.some(([before, behind]) => before < 0 || behind < 0)) {
      throw new ArgumentError(
        `pad: widths must not be negative, got ${describe(padWidth)} for shape ` +
          `${formatShape(x.shape)}. Cut with slices instead.`,
        { op: "pad", shapes: [x.shape] },
      );
    }
    const low = widths.map(([before]) => before);
    const high = widths.map(([, behind]) => behind);
    if (mode === "constant") return padWith(x, Number(constantValues ?? 0), low, high);
    if (!Object.hasOwn(extended, mode)) {
      throw new ArgumentError(
        `pad: mode must be "constant", ${Object.keys(extended)
          .map((name) => `"${name}"`)
          .join(", ")}, got ${describe(mode)}.`,
        { op: "pad" },
      );
    }
    if (constantValues !== undefined && constantValues !== null) {
      throw new ArgumentError(`pad: constantValues go with mode "constant", not "${mode}".`, {
        op: "pad",
      });
    }
    let result = x;
    for (let axis = 0; axis < x.ndim; axis++) {
      const [before, behind] = widths[axis] as [number, number];
      const length = x.shape[axis] as number;
      const most =
        mode === "reflect" ? length - 1 : mode === "symmetric" ? length : Number.POSITIVE_INFINITY;
      if (before > most || behind > most || (length === 0 && before + behind > 0)) {
        throw new ShapeError(
          `pad: axis ${axis} of shape ${formatShape(x.shape)} is too short for ` +
            `${Math.max(before, behind)} elements of mode "${mode}".`,
          { op: "pad", shapes: [x.shape] },
        );
      }
      const [low, high] = extended[mode](result, axis, before, behind);
      result = concatenateAlong([...low, result, ...high], axis);
    }
    return result;
  },
);

/** What stands before and behind `x` along an axis. */
type Extension = (
  x: Tensor,
  axis: number,
  before: number,
  behind: number,
) => [readonly Tensor[], readonly Tensor[]];

/** Mirrored at the ends, without or with the last element itself. */
function mirrored(skip: number): Extension {
  return (x, axis, before, behind) => {
    const length = x.shape[axis] as number;
    const part = (start: number, count: number): Tensor[] =>
      count === 0 ? [] : [flipOver(sliceAxis(x, axis, start, start + count), [axis])];
    return [part(skip, before), part(length - skip - behind, behind)];
  };
}

/** `x` over and over. */
const repeated: Extension = (x, axis, before, behind) => {
  const length = x.shape[axis] as number;
  const copies = (count: number): Tensor[] => new Array<Tensor>(Math.floor(count / length)).fill(x);
  const part = (start: number, count: number): Tensor[] =>
    count === 0 ? [] : [sliceAxis(x, axis, start, start + count)];
  const [first, last] = length === 0 ? [0, 0] : [before % length, behind % length];
  return [
    [...part(length - first, first), ...(length === 0 ? [] : copies(before))],
    [...(length === 0 ? [] : copies(behind)), ...part(0, last)],
  ];
};

/** The last elements, repeated. */
const edges: Extension = (x, axis, before, behind) => {
  const length = x.shape[axis] as number;
  const part = (at: number, count: number): Tensor[] =>
    count === 0
      ? []
      : [
          broadcastOver(
            sliceAxis(x, axis, at, at + 1),
            x.shape.map((dim, i) => (i === axis ? count : dim)),
          ),
        ];
  return [part(0, before), part(length - 1, behind)];
};

const extended: Readonly<Record<Exclude<PadMode, "constant">, Extension>> = {
  reflect: mirrored(1),
  symmetric: mirrored(0),
  edge: edges,
  wrap: repeated,
};

function padWidths(
  given: number | readonly (number | readonly number[])[],
  rank: number,
): [number, number][] {
  const pair = (width: number | readonly number[]): [number, number] => {
    const [before, behind = before, ...more] = typeof width === "number" ? [width] : width;
    if (!Number.isInteger(before) || !Number.isInteger(behind) || more.length > 0) {
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
