/**
 * Reductions that leave NaN out.
 *
 * @module
 */
import { floatx } from "../runtime/precision.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import {
  type PublicOp,
  publicOp,
  type SignatureSpec,
  tensorArgument,
} from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isFloat, resultType } from "../util/dtypes.ts";
import { normalizeAxes, reducedShape } from "../util/shapes.ts";
import { divide, square, subtract } from "./arithmetic.ts";
import { reshapeTo, sumOver } from "./broadcasting.ts";
import { isnan, logicalNot, select } from "./comparison.ts";
import { sqrt } from "./exponential.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import {
  type ArgOptions,
  all,
  argmax,
  argmin,
  max,
  min,
  prod,
  type Reduction,
  type ReductionOptions,
  sum,
} from "./reduction.ts";
import { type CumulativeOptions, cumprod, cumsum } from "./sorting.ts";

const signature: SignatureSpec = { x: tensorArgument, axis: null, keepdims: false };

/** `x` with `value` in place of NaN. */
function without(x: Tensor, value: number): Tensor {
  return isFloat(x.dtype) ? select(isnan(x), scalar(value, x.dtype), x) : x;
}

function nanReduction(
  name: string,
  fn: (x: Tensor, options: ReductionOptions) => Tensor,
): PublicOp<Reduction> {
  return publicOp(`keras.ops.${name}`, signature, (x: TensorLike, options: ReductionOptions = {}) =>
    fn(toTensor(name, x), options),
  );
}

/**
 * The sum over axes; 0 where all are NaN.
 *
 * @example
 * await ops.nansum([1, Number.NaN, 3]).item(); // 4
 */
export const nansum: PublicOp<Reduction> = nanReduction("nansum", (x, options) =>
  sum(without(x, 0), options),
);
/**
 * The product over axes; 1 where all are NaN.
 *
 * @example
 * await ops.nanprod([2, Number.NaN, 3]).item(); // 6
 */
export const nanprod: PublicOp<Reduction> = nanReduction("nanprod", (x, options) =>
  prod(without(x, 1), options),
);

function nanExtreme(name: string, reduce: Reduction, worst: number): PublicOp<Reduction> {
  return nanReduction(name, (x, options) => {
    const found = reduce(without(x, worst), options);
    if (!isFloat(x.dtype)) return found;
    return select(all(isnan(x), options), scalar(Number.NaN, x.dtype), found);
  });
}

/**
 * The largest element over axes; NaN where all are.
 *
 * @example
 * await ops.nanmax([1, Number.NaN, 3]).item(); // 3
 */
export const nanmax: PublicOp<Reduction> = nanExtreme("nanmax", max, Number.NEGATIVE_INFINITY);
/**
 * The smallest element over axes; NaN where all are.
 *
 * @example
 * await ops.nanmin([1, Number.NaN, 3]).item(); // 1
 */
export const nanmin: PublicOp<Reduction> = nanExtreme("nanmin", min, Number.POSITIVE_INFINITY);

/** Sum and count over axes of what is not NaN. */
function totals(
  x: Tensor,
  axes: readonly number[],
  keepdims: boolean,
): { total: Tensor; count: Tensor } {
  const there = castTo(logicalNot(isnan(x)), x.dtype);
  return {
    total: sumOver(without(x, 0), axes, keepdims),
    count: sumOver(there, axes, keepdims),
  };
}

/** The dtypes that a mean of `x` is computed in and returned in. */
function computed(x: Tensor): { operand: Tensor; finish: (result: Tensor) => Tensor } {
  const result = resultType([x.dtype, "float"], floatx());
  return {
    operand: castTo(x, resultType([x.dtype, "float32"], floatx())),
    finish: (y) => castTo(y, result),
  };
}

/**
 * The mean over axes; NaN where all are.
 *
 * @example
 * await ops.nanmean([1, Number.NaN, 3]).item(); // 2
 */
export const nanmean: PublicOp<Reduction> = nanReduction(
  "nanmean",
  (x, { axis, keepdims = false }) => {
    const { operand, finish } = computed(x);
    const { total, count } = totals(operand, normalizeAxes("nanmean", axis, x.ndim), keepdims);
    return finish(divide(total, count));
  },
);

function varianceOf(x: Tensor, axes: readonly number[], keepdims: boolean): Tensor {
  const there = logicalNot(isnan(x));
  const count = sumOver(castTo(there, x.dtype), axes, true);
  const known = without(x, 0);
  const center = divide(sumOver(known, axes, true), count);
  // Masked before it is squared, so that the gradient is finite at NaN.
  const distance = select(there, subtract(known, center), scalar(0, x.dtype));
  const result = divide(sumOver(square(distance), axes, true), count);
  return keepdims ? result : reshapeTo(result, reducedShape(x.shape, axes, false));
}

/**
 * The mean of squared distances from the mean; NaN where all are.
 *
 * @example
 * await ops.nanvar([1, Number.NaN, 3]).item(); // 1
 */
export const nanvar: PublicOp<Reduction> = nanReduction(
  "nanvar",
  (x, { axis, keepdims = false }) => {
    const { operand, finish } = computed(x);
    return finish(varianceOf(operand, normalizeAxes("nanvar", axis, x.ndim), keepdims));
  },
);
/**
 * The square root of `nanvar`.
 *
 * @example
 * await ops.nanstd([1, Number.NaN, 3]).item(); // 1
 */
export const nanstd: PublicOp<Reduction> = nanReduction(
  "nanstd",
  (x, { axis, keepdims = false }) => {
    const { operand, finish } = computed(x);
    return finish(sqrt(varianceOf(operand, normalizeAxes("nanstd", axis, x.ndim), keepdims)));
  },
);

function nanArg(
  name: string,
  reduce: (x: TensorLike, options?: ArgOptions) => Tensor,
  worst: number,
): PublicOp<(x: TensorLike, options?: ArgOptions) => Tensor> {
  return publicOp(`keras.ops.${name}`, signature, (given: TensorLike, options: ArgOptions = {}) => {
    const x = toTensor(name, given);
    const found = reduce(without(x, worst), options);
    if (!isFloat(x.dtype)) return found;
    return select(all(isnan(x), options), scalar(-1, "int32"), found);
  });
}

/**
 * The index of the largest element; -1 where all are NaN.
 *
 * @example
 * await ops.nanargmax([1, Number.NaN, 3]).item(); // 2
 */
export const nanargmax: PublicOp<(x: TensorLike, options?: ArgOptions) => Tensor> = nanArg(
  "nanargmax",
  argmax,
  Number.NEGATIVE_INFINITY,
);
/**
 * The index of the smallest element; -1 where all are NaN.
 *
 * @example
 * await ops.nanargmin([1, Number.NaN, 3]).item(); // 0
 */
export const nanargmin: PublicOp<(x: TensorLike, options?: ArgOptions) => Tensor> = nanArg(
  "nanargmin",
  argmin,
  Number.POSITIVE_INFINITY,
);

function nanRunning(
  name: string,
  run: (x: TensorLike, options?: CumulativeOptions) => Tensor,
  neutral: number,
): PublicOp<(x: TensorLike, options?: CumulativeOptions) => Tensor> {
  return publicOp(
    `keras.ops.${name}`,
    { x: tensorArgument, axis: null, dtype: null },
    (x: TensorLike, options: CumulativeOptions = {}) =>
      run(without(toTensor(name, x), neutral), options),
  );
}

/**
 * Running sums; NaN counts as 0.
 *
 * @example
 * await ops.nancumsum([1, Number.NaN, 3]).array(); // [1, 1, 4]
 */
export const nancumsum: PublicOp<(x: TensorLike, options?: CumulativeOptions) => Tensor> =
  nanRunning("nancumsum", cumsum, 0);
/**
 * Running products; NaN counts as 1.
 *
 * @example
 * await ops.nancumprod([2, Number.NaN, 3]).array(); // [2, 2, 6]
 */
export const nancumprod: PublicOp<(x: TensorLike, options?: CumulativeOptions) => Tensor> =
  nanRunning("nancumprod", cumprod, 1);
