/**
 * The distinct elements of a tensor.
 *
 * @module
 */
import { apply } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import { fill } from "../tensor/fill.ts";
import { type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { normalizeAxis, sizeOf } from "../util/shapes.ts";
import { minimum, subtract } from "./arithmetic.ts";
import { reshapeTo, sumOver } from "./broadcasting.ts";
import { less, notEqual, select } from "./comparison.ts";
import { iota } from "./creation.ts";
import { runLater, runNow, type Steps } from "./dynamic-shape.ts";
import { takeSlices } from "./indexing.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { any } from "./reduction.ts";
import { placesOf } from "./selection.ts";
import { concatenateAlong, permute, sliceAxis } from "./shaping.ts";
import { argsort, cumsum } from "./sorting.ts";

const lexsortOp: OpDefinition = defineOp({
  name: "lexsort",
  infer: ([x]) => ({ shape: [(x as Tensor).shape[0] as number], dtype: "int32" }),
  vjp: () => [null],
});

/** Options of `unique`. */
export interface UniqueOptions {
  /** Of no effect: the result is always in ascending order. */
  sorted?: boolean | undefined;
  /** Whether to return where each element comes first. */
  returnIndex?: boolean | undefined;
  /** Whether to return for each element of `x` its place in the result. */
  returnInverse?: boolean | undefined;
  /** Whether to return how often each element comes. */
  returnCounts?: boolean | undefined;
  /** Slices along this axis are compared; default: elements. */
  axis?: number | null | undefined;
  /** How many to return: cut off, or filled up. With it the op can be traced. */
  size?: number | null | undefined;
  /** What it is filled up with; default 0. */
  fillValue?: number | null | undefined;
}

function* uniqueSteps(given: TensorLike, options: UniqueOptions): Steps<Tensor | Tensor[]> {
  const { returnIndex = false, returnInverse = false, returnCounts = false } = options;
  const x = toTensor("unique", given);
  const axis =
    options.axis === undefined || options.axis === null
      ? null
      : normalizeAxis("unique", options.axis, x.ndim);
  // rows: [n, width], of elements [n]
  const order = axis === null ? [] : [axis, ...x.shape.map((_, i) => i).filter((i) => i !== axis)];
  const moved = axis === null ? x : permute(x, order);
  const n = axis === null ? x.size : (moved.shape[0] as number);
  const width = sizeOf(moved.shape.slice(1));
  const rows = axis === null ? reshapeTo(x, [n]) : reshapeTo(moved, [n, width]);
  const sortedOrder = axis === null ? argsort(rows) : apply(lexsortOp, [rows]);
  const sorted = takeSlices(rows, sortedOrder, 0);
  const differs = notEqual(
    sliceAxis(sorted, 0, Math.min(1, n), n),
    sliceAxis(sorted, 0, 0, Math.max(0, n - 1)),
  );
  const isNew = concatenateAlong(
    [fill([Math.min(1, n)], "bool", 1), axis === null ? differs : any(differs, { axis: 1 })],
    0,
  );
  const total = sumOver(castTo(isNew, "int32"), [0]);
  const count = options.size ?? (yield total);
  // Where each begins in the sorted order; n behind the last.
  const starts = placesOf(isNew, count + 1);
  const first = sliceAxis(starts, 0, 0, count);
  const isThere = less(iota([count], "int32", 0), total);
  const safe = minimum(first, scalar(Math.max(0, n - 1), "int32"));
  const padded = (values: Tensor, value: number): Tensor =>
    options.size === undefined || options.size === null
      ? values
      : select(
          reshapeTo(isThere, [count, ...values.shape.slice(1).map(() => 1)]),
          values,
          scalar(value, values.dtype),
        );
  const distinct = padded(takeSlices(sorted, safe, 0), options.fillValue ?? 0);
  const results = [axis === null ? distinct : inPlace(distinct, moved.shape.slice(1), order)];
  if (returnIndex) results.push(padded(takeSlices(sortedOrder, safe, 0), 1));
  if (returnInverse) {
    const group = subtract(cumsum(castTo(isNew, "int32"), { axis: 0 }), scalar(1, "int32"));
    const inverse = takeSlices(group, argsort(sortedOrder), 0);
    results.push(axis === null ? reshapeTo(inverse, x.shape) : inverse);
  }
  if (returnCounts) {
    const ends = sliceAxis(starts, 0, 1, count + 1);
    results.push(padded(subtract(ends, first), 0));
  }
  return results.length === 1 ? (results[0] as Tensor) : results;
}

/** Rows [count, width] as slices of their own shape along the axis that came first in `order`. */
function inPlace(rows: Tensor, shape: readonly number[], order: readonly number[]): Tensor {
  const inverse = order.map((_, i) => order.indexOf(i));
  return permute(reshapeTo(rows, [rows.shape[0] as number, ...shape]), inverse);
}

/**
 * The distinct elements of `x` in ascending order (every NaN is one of its
 * own), and on request first indices, the inverse and counts, in this order.
 *
 * Filled up to `size`, elements are `fillValue`, indices 1 and counts 0.
 *
 * @throws {UnsupportedError} Without `size` in a trace, and on devices that
 *   cannot be read synchronously: see `uniqueAsync`.
 * @example
 * await ops.unique([3, 1, 3]).array(); // [1, 3]
 */
export const unique: PublicOp<(x: TensorLike, options?: UniqueOptions) => Tensor | Tensor[]> =
  publicOp(
    "keras.ops.unique",
    {
      x: tensorArgument,
      sorted: true,
      return_index: false,
      return_inverse: false,
      return_counts: false,
      axis: null,
      size: null,
      fill_value: null,
    },
    (x, options = {}) =>
      runNow(
        "unique",
        "Give `size`, or outside of traces write `await ops.uniqueAsync(x)`.",
        uniqueSteps(x, options),
      ),
  );

/** As `unique`, on every device. */
export async function uniqueAsync(
  x: TensorLike,
  options: UniqueOptions = {},
): Promise<Tensor | Tensor[]> {
  return runLater(uniqueSteps(x, options));
}
