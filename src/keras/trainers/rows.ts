/**
 * Rows of data.
 *
 * @module
 */
import { cast } from "../../ops/creation.ts";
import { take } from "../../ops/indexing.ts";
import { sliceAxis } from "../../ops/shaping.ts";
import { floatx } from "../../runtime/precision.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { isFloat } from "../../util/dtypes.ts";

/** Floats in the default float, everything else as it is. */
export function asFloatx(x: Tensor): Tensor {
  return isFloat(x.dtype) && x.dtype !== floatx() ? cast(x, floatx()) : x;
}

/** Rows `start` to `end` (exclusive). */
export function sliceRows(x: Tensor, start: number, end: number): Tensor {
  return sliceAxis(x, 0, start, end);
}

/** The rows of some indices. */
export function takeRows(x: Tensor, indices: Tensor): Tensor {
  return take(x, indices, { axis: 0 });
}
