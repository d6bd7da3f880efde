/**
 * Losses of samples, weighed and put together.
 *
 * @module
 */
import { add, divide, divideNoNan, multiply } from "../../ops/arithmetic.ts";
import { cast } from "../../ops/creation.ts";
import { sum } from "../../ops/reduction.ts";
import { expandDims, squeeze } from "../../ops/shaping.ts";
import { epsilon } from "../../runtime/settings.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { ArgumentError, describe } from "../../util/errors.ts";
import { sizeOf } from "../../util/shapes.ts";

/** How the losses of samples become one. */
export type Reduction =
  | "sum_over_batch_size"
  | "sum"
  | "mean"
  | "mean_with_sample_weight"
  | "none"
  | null;

const reductions: readonly unknown[] = [
  "sum_over_batch_size",
  "sum",
  "mean",
  "mean_with_sample_weight",
  "none",
  null,
];

/** @throws {ArgumentError} If `value` is no reduction. */
export function checkReduction(value: unknown): Reduction {
  if (!reductions.includes(value)) {
    throw new ArgumentError(
      `A reduction must be one of ${reductions.map((r) => JSON.stringify(r)).join(", ")}, ` +
        `got ${describe(value)}.`,
    );
  }
  return value as Reduction;
}

/** Two tensors whose ranks differ by a last axis of length 1, made alike. */
export function toSameRank(a: Tensor, b: Tensor, expandRank1 = true): [Tensor, Tensor] {
  if (a.ndim === b.ndim + 1 && a.shape.at(-1) === 1) {
    return b.ndim === 1 && expandRank1 ? [a, expandDims(b, -1)] : [squeeze(a, { axis: -1 }), b];
  }
  if (b.ndim === a.ndim + 1 && b.shape.at(-1) === 1) {
    return a.ndim === 1 && expandRank1 ? [expandDims(a, -1), b] : [a, squeeze(b, { axis: -1 })];
  }
  return [a, b];
}

/** Weights with those of masked elements 0; for means, the others make up for it. */
export function applyMask(
  sampleWeight: Tensor | null,
  mask: Tensor | null,
  dtype: Tensor["dtype"],
  reduction: Reduction,
): Tensor | null {
  if (mask === null) return sampleWeight;
  let kept = cast(mask, dtype);
  if (reduction === "mean" || reduction === "sum_over_batch_size") {
    kept = multiply(kept, divide(sizeOf(kept.shape), add(sum(kept), epsilon())));
  }
  if (sampleWeight === null) return kept;
  const [a, b] = toSameRank(kept, cast(sampleWeight, dtype));
  return multiply(b, a);
}

/** The values times their weights, as one number (or not). */
export function reduceWeighted(
  given: Tensor,
  sampleWeight: Tensor | null,
  mask: Tensor | null,
  reduction: Reduction,
  dtype: Tensor["dtype"],
): Tensor {
  let values = cast(given, dtype);
  let weight = applyMask(
    sampleWeight === null ? null : cast(sampleWeight, dtype),
    mask,
    dtype,
    reduction,
  );
  if (weight !== null) {
    [values, weight] = toSameRank(values, weight);
    values = multiply(values, weight);
  }
  const isScalar = values.ndim === 0 || (values.ndim === 1 && values.shape[0] === 0);
  if (reduction === null || reduction === "none" || isScalar) return values;
  const total = sum(values);
  if (reduction === "sum") return total;
  const count =
    reduction === "mean_with_sample_weight" && weight !== null
      ? cast(sum(weight), total.dtype)
      : cast(sizeOf(values.shape), total.dtype);
  return divideNoNan(total, count);
}
