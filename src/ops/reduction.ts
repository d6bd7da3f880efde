/**
 * Reductions over axes.
 *
 * @module
 */
import { floatx } from "../runtime/precision.ts";
import { apply } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import { fill } from "../tensor/fill.ts";
import {
  type PublicOp,
  publicOp,
  type SignatureSpec,
  tensorArgument,
} from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type DType, isFloat, resultType, standardizeDType } from "../util/dtypes.ts";
import { formatShape, ShapeError } from "../util/errors.ts";
import { normalizeAxes, normalizeAxis, reducedShape, sizeOf } from "../util/shapes.ts";
import { add, divide, maximum, minimum, multiply, square, subtract } from "./arithmetic.ts";
import { reshapeTo, spread, sumOver } from "./broadcasting.ts";
import { equal, isfinite, notEqual, select } from "./comparison.ts";
import { exp, log, sqrt } from "./exponential.ts";
import { type TensorLike, toFloat, toTensor } from "./promote.ts";

/** Which axes: one, several, or all (null). */
export type Axis = number | readonly number[] | null | undefined;

/** Options of most reductions. */
export interface ReductionOptions {
  /** Default: all axes. */
  axis?: Axis;
  /** Whether reduced axes stay, with length 1. */
  keepdims?: boolean | undefined;
}

/** The type of most reductions. */
export type Reduction = (x: TensorLike, options?: ReductionOptions) => Tensor;

const signature: SignatureSpec = { x: tensorArgument, axis: null, keepdims: false };

interface ReduceAttributes {
  readonly axes: readonly number[];
  readonly keepdims: boolean;
  readonly [name: string]: boolean | readonly number[];
}

function reducePrimitive(
  name: string,
  vjp: ((dy: Tensor, x: Tensor, y: Tensor, axes: readonly number[]) => Tensor) | null,
): OpDefinition<ReduceAttributes> {
  return defineOp<ReduceAttributes>({
    name,
    attributes: { axes: "ints", keepdims: "bool" },
    infer: ([x], { axes, keepdims }) => ({
      shape: reducedShape((x as Tensor).shape, axes, keepdims),
      dtype: (x as Tensor).dtype,
    }),
    vjp:
      vjp === null
        ? () => [null]
        : ({ inputs: [x], outputs: [y], grads: [dy] }, { axes }) => [
            vjp(dy as Tensor, x as Tensor, y as Tensor, axes),
          ],
  });
}

/** @internal The dtype of a sum of integers: at least 32 bits. */
export function accumulatorDType(dtype: DType): DType {
  if (dtype === "bool" || dtype === "int8" || dtype === "int16") return "int32";
  if (dtype === "uint8" || dtype === "uint16") return "uint32";
  return dtype;
}

/**
 * The sum over axes. Booleans and small integers are summed in 32 bits.
 *
 * @throws {ShapeError} If an axis is out of range.
 * @example
 * await ops.sum([[1, 2], [3, 4]], { axis: 0 }).array(); // [4, 6]
 */
export const sum: PublicOp<Reduction> = publicOp(
  "keras.ops.sum",
  signature,
  (given, { axis, keepdims = false } = {}) => {
    const x = toTensor("sum", given);
    const axes = normalizeAxes("sum", axis, x.ndim);
    return sumOver(castTo(x, accumulatorDType(x.dtype)), axes, keepdims);
  },
);

const prodOp: OpDefinition<ReduceAttributes> = reducePrimitive("prod", (dy, x, _y, axes) => {
  // The product of the others. A group with one zero has it at the zero alone,
  // a group with more nowhere.
  const zero = scalar(0, x.dtype);
  const one = scalar(1, x.dtype);
  const isZero = equal(x, zero);
  const zeros = sumOver(castTo(isZero, x.dtype), axes, true);
  const safe = select(isZero, one, x);
  const nonzero = apply(prodOp, [safe], { axes, keepdims: true });
  const others = select(
    isZero,
    select(equal(zeros, one), nonzero, zero),
    select(equal(zeros, zero), divide(nonzero, safe), zero),
  );
  return multiply(spread(dy, x.shape, axes), others);
});

/**
 * The product over axes. Booleans and small integers are multiplied in 32 bits.
 *
 * @example
 * await ops.prod([2, 3, 4]).item(); // 24
 */
export const prod: PublicOp<
  (x: TensorLike, options?: ReductionOptions & { dtype?: DType | null | undefined }) => Tensor
> = publicOp(
  "keras.ops.prod",
  { ...signature, dtype: null },
  (given, { axis, keepdims = false, dtype } = {}) => {
    const x = toTensor("prod", given);
    const axes = normalizeAxes("prod", axis, x.ndim);
    const kind =
      dtype === undefined || dtype === null
        ? accumulatorDType(x.dtype)
        : standardizeDType(dtype, floatx());
    const operand = castTo(x, kind);
    return axes.length === 0 ? operand : apply(prodOp, [operand], { axes, keepdims });
  },
);

// Equal extremes share the gradient.
function extremeGradient(dy: Tensor, x: Tensor, y: Tensor, axes: readonly number[]): Tensor {
  const top = spread(y, x.shape, axes);
  const hit = castTo(equal(x, top), x.dtype);
  const count = sumOver(hit, axes, true);
  return multiply(divide(hit, count), spread(dy, x.shape, axes));
}

const maxOp = reducePrimitive("max", extremeGradient);
const minOp = reducePrimitive("min", extremeGradient);
const anyOp = reducePrimitive("any", null);
const allOp = reducePrimitive("all", null);

/** Options of `max` and `min`. */
export interface ExtremeOptions extends ReductionOptions {
  /** Counts as one element more. */
  initial?: number | null | undefined;
}

function extreme(
  name: "max" | "min",
  op: OpDefinition<ReduceAttributes>,
  combine: (a: Tensor, b: TensorLike) => Tensor,
): (x: TensorLike, options?: ExtremeOptions) => Tensor {
  return (given, { axis, keepdims = false, initial } = {}) => {
    const x = toTensor(name, given);
    const axes = normalizeAxes(name, axis, x.ndim);
    const isEmpty = axes.some((a) => x.shape[a] === 0);
    if (isEmpty && initial !== undefined && initial !== null) {
      return fill(reducedShape(x.shape, axes, keepdims), x.dtype, initial);
    }
    if (isEmpty) {
      throw new ShapeError(
        `${name}: shape ${formatShape(x.shape)} has no element along a reduced axis. ` +
          "There is no extreme of nothing.",
        { op: name, shapes: [x.shape] },
      );
    }
    const reduced = axes.length === 0 ? x : apply(op, [x], { axes, keepdims });
    return initial === undefined || initial === null
      ? reduced
      : castTo(combine(reduced, initial), x.dtype);
  };
}

const extremeSignature: SignatureSpec = { ...signature, initial: null };

/**
 * The largest element over axes; NaN where there is one.
 *
 * @example
 * await ops.max([[1, 5], [3, 2]], { axis: 1 }).array(); // [5, 3]
 */
export const max: PublicOp<(x: TensorLike, options?: ExtremeOptions) => Tensor> = publicOp(
  "keras.ops.max",
  extremeSignature,
  extreme("max", maxOp, (a, b) => maximum(a, b)),
);

/**
 * The smallest element over axes; NaN where there is one.
 *
 * @example
 * await ops.min([[1, 5], [3, 2]], { axis: 1 }).array(); // [1, 2]
 */
export const min: PublicOp<(x: TensorLike, options?: ExtremeOptions) => Tensor> = publicOp(
  "keras.ops.min",
  extremeSignature,
  extreme("min", minOp, (a, b) => minimum(a, b)),
);

/**
 * The largest element over axes.
 *
 * @example
 * await ops.amax([1, 5, 3]).item(); // 5
 */
export const amax: PublicOp<Reduction> = publicOp("keras.ops.amax", signature, (x, options) =>
  max(x, options),
);

/**
 * The smallest element over axes.
 *
 * @example
 * await ops.amin([1, 5, 3]).item(); // 1
 */
export const amin: PublicOp<Reduction> = publicOp("keras.ops.amin", signature, (x, options) =>
  min(x, options),
);

function truthReduction(
  name: "any" | "all",
  op: OpDefinition<ReduceAttributes>,
): PublicOp<Reduction> {
  return publicOp(`keras.ops.${name}`, signature, (given, { axis, keepdims = false } = {}) => {
    const x = castTo(toTensor(name, given), "bool");
    const axes = normalizeAxes(name, axis, x.ndim);
    return axes.length === 0 ? x : apply(op, [x], { axes, keepdims });
  });
}

/**
 * Whether any element is true.
 *
 * @example
 * await ops.any([[true, false], [false, false]], { axis: 1 }).array(); // [true, false]
 */
export const any: PublicOp<Reduction> = truthReduction("any", anyOp);
/**
 * Whether all elements are true.
 *
 * @example
 * await ops.all([[true, true], [true, false]], { axis: 1 }).array(); // [true, false]
 */
export const all: PublicOp<Reduction> = truthReduction("all", allOp);

interface ArgAttributes {
  readonly axis: number;
  readonly keepdims: boolean;
  readonly [name: string]: boolean | number;
}

/** Options of `argmax` and `argmin`. */
export interface ArgOptions {
  /** Default: over all elements, flat. */
  axis?: number | null | undefined;
  keepdims?: boolean | undefined;
}

function argReduction(
  name: "argmax" | "argmin",
): PublicOp<(x: TensorLike, options?: ArgOptions) => Tensor> {
  const op = defineOp<ArgAttributes>({
    name,
    attributes: { axis: "int", keepdims: "bool" },
    infer: ([x], { axis, keepdims }) => ({
      shape: reducedShape((x as Tensor).shape, [axis], keepdims),
      dtype: "int32",
    }),
    vjp: () => [null],
  });
  return publicOp(`keras.ops.${name}`, signature, (given, { axis, keepdims = false } = {}) => {
    const x = toTensor(name, given);
    const isFlat = axis === undefined || axis === null || x.ndim === 0;
    const operand = isFlat ? reshapeTo(x, [x.size]) : x;
    const along = isFlat ? 0 : normalizeAxis(name, axis, x.ndim);
    if (operand.shape[along] === 0) {
      throw new ShapeError(
        `${name}: shape ${formatShape(x.shape)} has no element along axis ${along}.`,
        { op: name, shapes: [x.shape] },
      );
    }
    const found = apply(op, [operand], { axis: along, keepdims });
    return isFlat && keepdims
      ? reshapeTo(
          found,
          x.shape.map(() => 1),
        )
      : isFlat
        ? reshapeTo(found, [])
        : found;
  });
}

/**
 * The index of the largest element, the first of equal ones, as int32.
 *
 * @example
 * await ops.argmax([1, 5, 3]).item(); // 1
 */
export const argmax: PublicOp<(x: TensorLike, options?: ArgOptions) => Tensor> =
  argReduction("argmax");
/**
 * The index of the smallest element, the first of equal ones, as int32.
 *
 * @example
 * await ops.argmin([4, 1, 3]).item(); // 1
 */
export const argmin: PublicOp<(x: TensorLike, options?: ArgOptions) => Tensor> =
  argReduction("argmin");

/** The dtype in which a mean is computed, and that of its result. */
function meanDTypes(x: Tensor): { compute: DType; result: DType } {
  const compute = resultType([x.dtype, "float32"], floatx());
  return { compute, result: isFloat(x.dtype) ? x.dtype : compute };
}

/** @internal The mean over `axes` (normalized), in the dtype of `x`. */
export function meanOver(x: Tensor, axes: readonly number[], keepdims: boolean): Tensor {
  const count = sizeOf(axes.map((axis) => x.shape[axis] as number));
  return divide(sumOver(x, axes, keepdims), scalar(count, x.dtype));
}

/**
 * The mean over axes; half types are summed in float32.
 *
 * @example
 * await ops.mean([[1, 2], [3, 4]]).item(); // 2.5
 */
export const mean: PublicOp<Reduction> = publicOp(
  "keras.ops.mean",
  signature,
  (given, { axis, keepdims = false } = {}) => {
    const x = toTensor("mean", given);
    const { compute, result } = meanDTypes(x);
    const axes = normalizeAxes("mean", axis, x.ndim);
    return castTo(meanOver(castTo(x, compute), axes, keepdims), result);
  },
);

/**
 * The mean of squared distances from the mean.
 *
 * @example
 * await ops.variance([1, 2, 3, 4]).item(); // 1.25
 */
export const variance: PublicOp<Reduction> = publicOp(
  "keras.ops.var",
  signature,
  (given, { axis, keepdims = false } = {}) => {
    const x = toTensor("var", given);
    const { compute } = meanDTypes(x);
    const axes = normalizeAxes("var", axis, x.ndim);
    const operand = castTo(x, compute);
    const centered = subtract(operand, meanOver(operand, axes, true));
    return castTo(
      meanOver(square(centered), axes, keepdims),
      resultType([x.dtype, "float"], floatx()),
    );
  },
);

/**
 * The square root of the variance.
 *
 * @example
 * await ops.std([1, 2, 3, 4]).item(); // 1.1180
 */
export const std: PublicOp<Reduction> = publicOp(
  "keras.ops.std",
  signature,
  (given, { axis, keepdims = false } = {}) => {
    const x = toFloat("std", given);
    const { compute } = meanDTypes(x);
    return castTo(sqrt(variance(castTo(x, compute), { axis, keepdims })), x.dtype);
  },
);

/**
 * How many elements are not zero, as int32.
 *
 * @example
 * await ops.countNonzero([0, 1, 2]).item(); // 2
 */
export const countNonzero: PublicOp<(x: TensorLike, options?: { axis?: Axis }) => Tensor> =
  publicOp("keras.ops.count_nonzero", { x: tensorArgument, axis: null }, (given, { axis } = {}) => {
    const x = toTensor("count_nonzero", given);
    const counted = castTo(notEqual(x, scalar(0, x.dtype)), "int32");
    return sumOver(counted, normalizeAxes("count_nonzero", axis, x.ndim));
  });

/**
 * log(sum(e^x)) without overflow.
 *
 * @example
 * await ops.logsumexp([1, 2, 3]).item(); // 3.4076
 */
export const logsumexp: PublicOp<Reduction> = publicOp(
  "keras.ops.logsumexp",
  signature,
  (given, { axis, keepdims = false } = {}) => {
    const x = toFloat("logsumexp", given);
    const axes = normalizeAxes("logsumexp", axis, x.ndim);
    // Of nothing: log(0).
    if (axes.some((a) => x.shape[a] === 0)) return log(sumOver(x, axes, keepdims));
    const top = max(x, { axis: axes, keepdims: true }).detached();
    // Infinite maxima would give inf - inf.
    const shift = select(isfinite(top), top, scalar(0, x.dtype));
    const result = add(log(sumOver(exp(subtract(x, shift)), axes, true)), shift);
    return keepdims ? result : reshapeTo(result, reducedShape(x.shape, axes, false));
  },
);
