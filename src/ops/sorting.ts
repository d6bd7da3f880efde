/**
 * Sorting, ranking and running sums.
 *
 * @module
 */

import { floatx } from "../runtime/precision.ts";
import { apply, applyMany } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import { type PublicOp, publicOp, requiredArgument, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { standardizeDType } from "../util/dtypes.ts";
import { ArgumentError, formatShape, ShapeError } from "../util/errors.ts";
import { dimAt, normalizeAxis, sameShape } from "../util/shapes.ts";
import { divide, multiply } from "./arithmetic.ts";
import { reshapeTo } from "./broadcasting.ts";
import { equal, greaterEqual, isfinite, less, logicalAnd, select } from "./comparison.ts";
import type { DTypeOptions } from "./creation.ts";
import { takeAlong } from "./indexing.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { sum } from "./reduction.ts";
import { expandDims, flipOver } from "./shaping.ts";

interface CumsumAttributes {
  readonly axis: number;
  readonly reverse: boolean;
  readonly [name: string]: number | boolean;
}

const cumsumOp: OpDefinition<CumsumAttributes> = defineOp<CumsumAttributes>({
  name: "cumsum",
  attributes: { axis: "int", reverse: "bool" },
  infer: ([x]) => x as Tensor,
  vjp: ({ grads: [dy] }, { axis, reverse }) => [
    apply(cumsumOp, [dy as Tensor], { axis, reverse: !reverse }),
  ],
});

/**
 * Sums of the elements up to each place of an axis; flat without one.
 *
 * @example
 * await ops.cumsum([1, 2, 3]).array(); // [1, 3, 6]
 */
export const cumsum: PublicOp<
  (x: TensorLike, options?: { axis?: number | null | undefined } & DTypeOptions) => Tensor
> = publicOp(
  "keras.ops.cumsum",
  { x: tensorArgument, axis: null, dtype: null },
  (given, { axis, dtype } = {}) => {
    let x = toTensor("cumsum", given);
    const own = x.dtype === "bool" ? "int32" : x.dtype;
    x = castTo(x, dtype === undefined || dtype === null ? own : standardizeDType(dtype, floatx()));
    if (axis === undefined || axis === null) x = reshapeTo(x, [x.size]);
    return apply(cumsumOp, [x], {
      axis: normalizeAxis("cumsum", axis ?? 0, x.ndim),
      reverse: false,
    });
  },
);

const cumprodOp: OpDefinition<{ axis: number; reverse: boolean }> = defineOp({
  name: "cumprod",
  attributes: { axis: "int", reverse: "bool" },
  infer: ([x]) => x as Tensor,
  vjp: ({ inputs: [given], outputs: [product], grads: [dy] }, { axis, reverse }) => {
    const x = given as Tensor;
    const d = dy as Tensor;
    const total = (terms: Tensor): Tensor => apply(cumsumOp, [terms], { axis, reverse: !reverse });
    const zero = scalar(0, x.dtype);
    const one = scalar(1, x.dtype);
    // Before the first zero: all later products over x. At it: products without
    // it, which end at the second. Behind it: nothing.
    const isZero = equal(x, zero);
    const zeros = apply(cumsumOp, [castTo(isZero, x.dtype)], { axis, reverse });
    const isFirst = logicalAnd(isZero, equal(zeros, one));
    const without = apply(cumprodOp, [select(isFirst, one, x)], { axis, reverse });
    const before = divide(total(multiply(d, product as Tensor)), select(isZero, one, x));
    const at = total(multiply(d, without));
    return [select(equal(zeros, zero), before, select(isFirst, at, zero))];
  },
});

/** Options of `cumsum` and `cumprod`. */
export interface CumulativeOptions extends DTypeOptions {
  /** Default: `x` counts as flat. */
  axis?: number | null | undefined;
}

/**
 * Products of the elements up to each place of an axis; flat without one.
 *
 * @example
 * await ops.cumprod([1, 2, 3]).array(); // [1, 2, 6]
 */
export const cumprod: PublicOp<(x: TensorLike, options?: CumulativeOptions) => Tensor> = publicOp(
  "keras.ops.cumprod",
  { x: tensorArgument, axis: null, dtype: null },
  (given, { axis, dtype } = {}) => {
    let x = toTensor("cumprod", given);
    const kind =
      dtype === undefined || dtype === null ? x.dtype : standardizeDType(dtype, floatx());
    x = castTo(x, kind === "bool" ? "int32" : kind);
    if (axis === undefined || axis === null) x = reshapeTo(x, [x.size]);
    const along = normalizeAxis("cumprod", axis ?? 0, x.ndim);
    return apply(cumprodOp, [x], { axis: along, reverse: false });
  },
);

const argsortOp: OpDefinition<{ axis: number }> = defineOp({
  name: "argsort",
  attributes: { axis: "int" },
  infer: ([x]) => ({ shape: (x as Tensor).shape, dtype: "int32" }),
  vjp: () => [null],
});

const sortOp: OpDefinition<{ axis: number }> = defineOp({
  name: "sort",
  attributes: { axis: "int" },
  infer: ([x]) => x as Tensor,
  // Element i came from place argsort(x)[i]: the gradient goes back there.
  vjp: ({ inputs: [x], grads: [dy] }, { axis }) => {
    const order = apply(argsortOp, [x as Tensor], { axis });
    const inverse = apply(argsortOp, [order], { axis });
    return [takeAlong(dy as Tensor, inverse, axis)];
  },
});

/**
 * `x` in ascending order along an axis (null: flat), NaN last.
 *
 * @example
 * await ops.sort([3, 1, 2]).array(); // [1, 2, 3]
 */
export const sort: PublicOp<
  (x: TensorLike, options?: { axis?: number | null | undefined }) => Tensor
> = publicOp("keras.ops.sort", { x: tensorArgument, axis: -1 }, (given, { axis = -1 } = {}) => {
  let x = toTensor("sort", given);
  if (axis === null) x = reshapeTo(x, [x.size]);
  return apply(sortOp, [x], { axis: normalizeAxis("sort", axis ?? -1, x.ndim) });
});

/**
 * The indices that sort `x`, as int32; equal elements keep their order.
 *
 * @example
 * await ops.argsort([3, 1, 2]).array(); // [1, 2, 0]
 */
export const argsort: PublicOp<
  (x: TensorLike, options?: { axis?: number | null | undefined }) => Tensor
> = publicOp("keras.ops.argsort", { x: tensorArgument, axis: -1 }, (given, { axis = -1 } = {}) => {
  let x = toTensor("argsort", given);
  // Keras counts a scalar as a vector of one.
  if (axis === null || x.ndim === 0) x = reshapeTo(x, [x.size]);
  return apply(argsortOp, [x], { axis: normalizeAxis("argsort", axis ?? -1, x.ndim) });
});

/**
 * Indices that put the `kth` smallest element of an axis in its place, smaller
 * ones before it and larger ones behind.
 *
 * @example
 * await ops.argpartition([3, 1, 2], 1).array(); // [1, 2, 0]
 */
export const argpartition: PublicOp<
  (x: TensorLike, kth: number, options?: { axis?: number | null | undefined }) => Tensor
> = publicOp(
  "keras.ops.argpartition",
  { x: tensorArgument, kth: requiredArgument, axis: -1 },
  (given, kth, { axis = -1 } = {}) => {
    const x = toTensor("argpartition", given);
    const length =
      axis === null ? x.size : (x.shape[normalizeAxis("argpartition", axis, x.ndim)] as number);
    if (!Number.isInteger(kth) || kth < -length || kth >= length) {
      throw new ArgumentError(
        `argpartition: kth is ${String(kth)}, the axis of shape ${formatShape(x.shape)} has ` +
          `${length} elements.`,
        { op: "argpartition" },
      );
    }
    // Sorted indices are partitioned at every place.
    return argsort(x, { axis });
  },
);

const topKOp: OpDefinition<{ k: number }> = defineOp({
  name: "top_k",
  attributes: { k: "int" },
  infer: ([x], { k }) => {
    const { shape, dtype } = x as Tensor;
    const found = [...shape.slice(0, -1), k];
    return [
      { shape: found, dtype },
      { shape: found, dtype: "int32" },
    ];
  },
  vjp: ({ inputs: [x], outputs: [, indices], grads: [dy] }) => {
    const axis = (x as Tensor).ndim - 1;
    return [
      apply(scatterLastOp, [indices as Tensor, dy as Tensor], {
        axis,
        length: dimAt((x as Tensor).shape, -1),
      }),
    ];
  },
});

const scatterLastOp: OpDefinition<{ axis: number; length: number }> = defineOp({
  name: "top_k_backward",
  kernel: "take_along_axis_backward",
  attributes: { axis: "int", length: "int" },
  infer: ([, dy], { length }) => ({
    shape: [...(dy as Tensor).shape.slice(0, -1), length],
    dtype: (dy as Tensor).dtype,
  }),
  vjp: ({ inputs: [indices], grads: [d] }, { axis }) => [
    null,
    takeAlong(d as Tensor, indices as Tensor, axis),
  ],
});

/** Options of `topK`. */
export interface TopKOptions {
  /** Descending (default); else in any order: here ascending. */
  sorted?: boolean | undefined;
  /** Whether equal elements come by index. They do in any case. */
  isStable?: boolean | undefined;
}

/**
 * The `k` largest elements of the last axis, descending, and their indices.
 *
 * @throws {ShapeError} If the axis has fewer.
 * @example
 * const [values, indices] = ops.topK([1, 3, 2], 2);
 * await indices.array(); // [1, 2]
 */
export const topK: PublicOp<(x: TensorLike, k: number, options?: TopKOptions) => [Tensor, Tensor]> =
  publicOp(
    "keras.ops.top_k",
    { x: tensorArgument, k: requiredArgument, sorted: true, is_stable: true },
    (given, k, { sorted = true } = {}) => {
      const x = toTensor("top_k", given);
      if (!Number.isInteger(k) || k < 0) {
        throw new ArgumentError(`top_k: k must be a count, got ${String(k)}.`, { op: "top_k" });
      }
      if (x.ndim === 0 || dimAt(x.shape, -1) < k) {
        throw new ShapeError(
          `top_k: the last axis of shape ${formatShape(x.shape)} has fewer than ${k} elements.`,
          { op: "top_k", shapes: [x.shape] },
        );
      }
      const found = applyMany(topKOp, [x], { k }) as [Tensor, Tensor];
      return sorted ? found : (found.map((y) => flipOver(y, [y.ndim - 1])) as [Tensor, Tensor]);
    },
  );

/**
 * Whether the prediction for each target class is among the `k` largest.
 *
 * @param targets Class indices. Shape [batch].
 * @param predictions Shape [batch, classes].
 * @example
 * await ops.inTopK([1, 0], [[0.1, 0.9], [0.2, 0.8]], 1).array(); // [true, false]
 */
export const inTopK: PublicOp<(targets: TensorLike, predictions: TensorLike, k: number) => Tensor> =
  publicOp(
    "keras.ops.in_top_k",
    { targets: tensorArgument, predictions: tensorArgument, k: requiredArgument },
    (givenTargets, givenPredictions, k) => {
      const targets = castTo(toTensor("in_top_k", givenTargets), "int32");
      const predictions = toTensor("in_top_k", givenPredictions);
      if (!sameShape([...targets.shape, predictions.shape.at(-1) ?? 0], predictions.shape)) {
        throw new ShapeError(
          `in_top_k: targets ${formatShape(targets.shape)} must have the shape of predictions ` +
            `${formatShape(predictions.shape)} without its last axis.`,
          { op: "in_top_k", shapes: [targets.shape, predictions.shape] },
        );
      }
      const classes = dimAt(predictions.shape, -1);
      const score = takeAlong(predictions, expandDims(targets, -1), 1);
      const larger = sum(less(score, predictions), { axis: -1 });
      const inRange = logicalAnd(greaterEqual(targets, 0), less(targets, classes));
      const counted = logicalAnd(inRange, isfinite(reshapeTo(score, targets.shape)));
      return logicalAnd(counted, less(larger, k));
    },
  );
