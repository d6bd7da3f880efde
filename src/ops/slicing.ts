/**
 * Blocks of a tensor, at places that may themselves be tensors.
 *
 * @module
 */
import { castTo } from "../tensor/cast.ts";
import { fill } from "../tensor/fill.ts";
import { type PublicOp, publicOp, requiredArgument, tensorArgument } from "../tensor/public-op.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, ShapeError } from "../util/errors.ts";
import { checkInteger, type Shape, sizeOf } from "../util/shapes.ts";
import { add, clip, multiply } from "./arithmetic.ts";
import { iota } from "./creation.ts";
import { takeSlices } from "./indexing.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { scatterRows } from "./scatter.ts";
import { broadcastTo, reshape, sliceStrided } from "./shaping.ts";

/** The first position along each axis: a number, or a tensor of one. */
type Starts = readonly (number | Tensor)[];

function startsOf(op: string, x: Tensor, starts: TensorLike): Starts {
  const list: Starts =
    Array.isArray(starts) && starts.every((s) => typeof s === "number" || s instanceof Tensor)
      ? (starts as Starts)
      : startTensors(toTensor(op, starts));
  if (list.length !== x.ndim) {
    throw new ShapeError(
      `${op}: expected a start for each of the ${x.ndim} axes of ${formatShape(x.shape)}, ` +
        `got ${list.length}.`,
      { op, shapes: [x.shape] },
    );
  }
  for (const start of list) if (typeof start === "number") checkInteger(op, "a start", start);
  return list;
}

function startTensors(starts: Tensor): Tensor[] {
  const indices = castTo(starts, "int32");
  return Array.from({ length: starts.size }, (_, i) =>
    reshape(takeSlices(reshape(indices, [starts.size]) as Tensor, fill([1], "int32", i), 0), []),
  ) as Tensor[];
}

function checkBlock(op: string, x: Tensor, starts: Starts, block: Shape): void {
  const fits =
    block.length === x.ndim &&
    block.every((length, axis) => {
      const start = starts[axis];
      const room = (x.shape[axis] as number) - (typeof start === "number" ? start : 0);
      return length >= 0 && length <= room && (typeof start !== "number" || start >= 0);
    });
  if (fits) return;
  throw new ShapeError(
    `${op}: a block of ${formatShape(block)} at ` +
      `[${starts.map((s) => (typeof s === "number" ? s : "?")).join(", ")}] does not lie inside ` +
      `${formatShape(x.shape)}.`,
    { op, shapes: [x.shape, block] },
  );
}

/** Positions along an axis: where the block begins, moved inside if need be, and on. */
function positions(start: number | Tensor, length: number, size: number): Tensor {
  const offsets = iota([length], "int32", 0);
  if (typeof start === "number") return add(offsets, fill([1], "int32", start)) as Tensor;
  const first = clip(castTo(start, "int32"), 0, Math.max(0, size - length)) as Tensor;
  return add(offsets, reshape(first, [1])) as Tensor;
}

/**
 * A block of the inputs: from `startIndices`, of a given shape.
 *
 * @param startIndices One for each axis; may be tensors, then a block that
 *   would stick out is moved inside.
 * @throws {ShapeError} If the block does not lie inside.
 * @example
 * await ops.slice([[1, 2, 3], [4, 5, 6]], [0, 1], [2, 2]).array(); // [[2, 3], [5, 6]]
 */
export const slice: PublicOp<
  (inputs: TensorLike, startIndices: TensorLike, shape: Shape) => Tensor
> = publicOp(
  "keras.ops.slice",
  { inputs: tensorArgument, start_indices: tensorArgument, shape: requiredArgument },
  (inputs: TensorLike, startIndices: TensorLike, shape: Shape): Tensor => {
    const x = toTensor("slice", inputs);
    const starts = startsOf("slice", x, startIndices);
    // -1: up to the end.
    const block = shape.map((length, axis) => {
      const start = starts[axis];
      return length === -1 && typeof start === "number"
        ? (x.shape[axis] as number) - start
        : length;
    });
    checkBlock("slice", x, starts, block);
    if (starts.every((start) => typeof start === "number")) {
      const ends = starts.map((start, axis) => start + (block[axis] as number));
      return sliceStrided(
        x,
        starts,
        ends,
        starts.map(() => 1),
      );
    }
    let result = x;
    for (const [axis, start] of starts.entries()) {
      const size = x.shape[axis] as number;
      const length = block[axis] as number;
      if (start === 0 && length === size) continue;
      result = takeSlices(result, positions(start, length, size), axis);
    }
    return result;
  },
);

/**
 * The inputs with a block replaced, which begins at `startIndices`.
 *
 * @throws {ShapeError} If the block does not lie inside.
 * @example
 * await ops.sliceUpdate([1, 2, 3, 4], [1], [8, 9]).array(); // [1, 8, 9, 4]
 */
export const sliceUpdate: PublicOp<
  (inputs: TensorLike, startIndices: TensorLike, updates: TensorLike) => Tensor
> = publicOp(
  "keras.ops.slice_update",
  { inputs: tensorArgument, start_indices: tensorArgument, updates: tensorArgument },
  (inputs: TensorLike, startIndices: TensorLike, updates: TensorLike): Tensor => {
    const x = toTensor("slice_update", inputs);
    const block = castTo(toTensor("slice_update", updates), x.dtype);
    const starts = startsOf("slice_update", x, startIndices);
    checkBlock("slice_update", x, starts, block.shape);
    if (block.size === 0) return x;
    // Rows of whole trailing axes, as far as the block covers them.
    let depth = x.ndim;
    while (depth > 0 && block.shape[depth - 1] === x.shape[depth - 1] && starts[depth - 1] === 0) {
      depth--;
    }
    let rows = fill(new Array<number>(Math.max(depth, 1)).fill(1), "int32", 0);
    for (let axis = 0; axis < depth; axis++) {
      const size = x.shape[axis] as number;
      const at = positions(starts[axis] as number | Tensor, block.shape[axis] as number, size);
      const shape = new Array<number>(depth).fill(1);
      shape[axis] = at.size;
      rows = add(multiply(rows, fill([1], "int32", size)), reshape(at, shape)) as Tensor;
    }
    const counts = depth === 0 ? [1] : block.shape.slice(0, depth);
    const flat = reshape(broadcastTo(rows, counts), [sizeOf(counts)]) as Tensor;
    const width = sizeOf(x.shape.slice(depth));
    const result = scatterRows(
      reshape(x, [sizeOf(x.shape.slice(0, depth)), width]) as Tensor,
      flat,
      reshape(block, [sizeOf(counts), width]) as Tensor,
      "set",
    );
    return reshape(result, x.shape) as Tensor;
  },
);
