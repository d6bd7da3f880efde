/**
 * Search in sorted sequences.
 *
 * @module
 */
import { apply } from "../tensor/apply.ts";
import { scalar } from "../tensor/create.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import { fill } from "../tensor/fill.ts";
import { type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../util/errors.ts";
import { minimum } from "./arithmetic.ts";
import { reshapeTo } from "./broadcasting.ts";
import { equal, less, logicalAnd, logicalNot } from "./comparison.ts";
import { takeSlices } from "./indexing.ts";
import { promoteTensors, type TensorLike } from "./promote.ts";
import { sort } from "./sorting.ts";

const searchsortedOp: OpDefinition<{ right: boolean }> = defineOp({
  name: "searchsorted",
  attributes: { right: "bool" },
  infer: ([, values]) => ({ shape: (values as Tensor).shape, dtype: "int32" }),
  vjp: () => [null, null],
});

/**
 * For each value how many elements of the vector `sorted` are smaller, or with
 * `right` not larger. Both of one dtype.
 */
export function searchSorted(sorted: Tensor, values: Tensor, right: boolean): Tensor {
  return apply(searchsortedOp, [sorted, values], { right });
}

function vectorAnd(op: string, sequence: TensorLike, values: TensorLike): [Tensor, Tensor] {
  const [a, b] = promoteTensors(op, sequence, values);
  if (a.ndim !== 1) {
    throw new ShapeError(
      `${op}: expected a vector to search in, got shape ${formatShape(a.shape)}.`,
      { op, shapes: [a.shape] },
    );
  }
  return [a, b];
}

/**
 * Where values would stand in a sorted vector: before equal elements
 * (`"left"`) or behind them (`"right"`). By binary search.
 *
 * @throws {ShapeError} If the sequence is no vector.
 * @example
 * await ops.searchsorted([1, 3, 5], [0, 3, 6]).array(); // [0, 1, 3]
 */
export const searchsorted: PublicOp<
  (
    sortedSequence: TensorLike,
    values: TensorLike,
    options?: { side?: "left" | "right" | undefined },
  ) => Tensor
> = publicOp(
  "keras.ops.searchsorted",
  { sorted_sequence: tensorArgument, values: tensorArgument, side: "left" },
  (sequence, values, { side = "left" } = {}) => {
    if (side !== "left" && side !== "right") {
      throw new ArgumentError(
        `searchsorted: side must be "left" or "right", got ${describe(side)}.`,
        { op: "searchsorted" },
      );
    }
    const [a, b] = vectorAnd("searchsorted", sequence, values);
    return searchSorted(a, b, side === "right");
  },
);

/**
 * In which bin each value falls: bin i is from the edge i - 1 up to before the edge i.
 *
 * @example
 * await ops.digitize([0.2, 2.5], [1, 2, 3]).array(); // [0, 2]
 */
export const digitize: PublicOp<(x: TensorLike, bins: TensorLike) => Tensor> = publicOp(
  "keras.ops.digitize",
  { x: tensorArgument, bins: tensorArgument },
  (x, bins) => {
    const [edges, values] = vectorAnd("digitize", bins, x);
    return searchSorted(edges, values, true);
  },
);

/** Options of `isin`. */
export interface IsinOptions {
  /** Whether both have no element twice; here of no effect. */
  assumeUnique?: boolean | undefined;
  /** Whether to tell instead which are not among them. */
  invert?: boolean | undefined;
}

/**
 * Whether each element of x1 is among those of x2.
 *
 * @example
 * await ops.isin([1, 2, 3], [2, 3]).array(); // [false, true, true]
 */
export const isin: PublicOp<(x1: TensorLike, x2: TensorLike, options?: IsinOptions) => Tensor> =
  publicOp(
    "keras.ops.isin",
    { x1: tensorArgument, x2: tensorArgument, assume_unique: false, invert: false },
    (x1, x2, { invert = false } = {}) => {
      const [a, b] = promoteTensors("isin", x1, x2);
      const { size } = b;
      if (size === 0) return fill(a.shape, "bool", invert ? 1 : 0);
      const sorted = sort(reshapeTo(b, [size]));
      const place = searchSorted(sorted, a, false);
      const there = takeSlices(sorted, minimum(place, scalar(size - 1, "int32")), 0);
      const found = logicalAnd(less(place, scalar(size, "int32")), equal(there, a));
      return invert ? logicalNot(found) : found;
    },
  );
