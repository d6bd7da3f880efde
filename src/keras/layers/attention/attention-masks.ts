/**
 * Which keys a query sees.
 *
 * @module
 */
import { abs, subtract } from "../../../ops/arithmetic.ts";
import { greaterEqual, less, logicalAnd } from "../../../ops/comparison.ts";
import { cast, iota } from "../../../ops/creation.ts";
import { expandDims, reshape } from "../../../ops/shaping.ts";
import type { Tensor } from "../../../tensor/tensor.ts";

/** The positions of queries, [1, T, 1], and of keys, [1, 1, S]. */
function positions(queries: number, keys: number): [query: Tensor, key: Tensor] {
  return [
    reshape(iota([queries], "int32", 0), [1, queries, 1]),
    reshape(iota([keys], "int32", 0), [1, 1, keys]),
  ];
}

/** [1, T, S]: keys up to the query's own position. */
export function causalMask(queries: number, keys: number): Tensor {
  const [query, key] = positions(queries, keys);
  return greaterEqual(query, key);
}

/** [1, T, S]: keys less than `window` positions away. */
export function windowMask(queries: number, keys: number, window: number): Tensor {
  const [query, key] = positions(queries, keys);
  return less(abs(subtract(query, key)), window);
}

/** What an attention layer's call says of what is seen. */
export interface MaskOptions {
  readonly queryMask: Tensor | null;
  readonly valueMask: Tensor | null;
  readonly keyMask: Tensor | null;
  readonly attentionMask: Tensor | null;
  readonly isCausal: boolean;
  readonly slidingWindow: number | null;
}

/** All of it together, [batch or 1, T, S] (or as many axes as `attentionMask`); null: everything. */
export function combinedMask(queries: number, keys: number, options: MaskOptions): Tensor | null {
  const { queryMask, valueMask, keyMask, attentionMask, isCausal, slidingWindow } = options;
  const masks: Tensor[] = [];
  if (queryMask !== null) masks.push(expandDims(cast(queryMask, "bool"), -1));
  if (valueMask !== null) masks.push(expandDims(cast(valueMask, "bool"), -2));
  if (keyMask !== null) masks.push(expandDims(cast(keyMask, "bool"), -2));
  if (isCausal) masks.push(causalMask(queries, keys));
  if (slidingWindow !== null) masks.push(windowMask(queries, keys, slidingWindow));
  if (attentionMask !== null) masks.unshift(cast(attentionMask, "bool"));
  return masks.length === 0 ? null : masks.reduce((all, mask) => logicalAnd(all, mask));
}

/** A mask with as many axes as the scores; new ones come before the `last` ones. */
export function withAxes(mask: Tensor, ndim: number, last: number): Tensor {
  let aligned = mask;
  while (aligned.ndim < ndim) aligned = expandDims(aligned, -last - 1);
  return aligned;
}
