/**
 * Differences, integrals and powers of sampled functions.
 *
 * @module
 */
import { floatx } from "../runtime/precision.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import { optionalTensor, type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { resultType } from "../util/dtypes.ts";
import { ArgumentError, formatShape, ShapeError } from "../util/errors.ts";
import { checkShape, normalizeAxis } from "../util/shapes.ts";
import { add, multiply, subtract } from "./arithmetic.ts";
import { reshapeTo, sumOver } from "./broadcasting.ts";
import { notEqual } from "./comparison.ts";
import { iota } from "./creation.ts";
import { power } from "./exponential.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { sliceAxis } from "./shaping.ts";

/** Each element but the last of an axis, and the one behind it. */
function neighbours(x: Tensor, axis: number): [Tensor, Tensor] {
  const length = x.shape[axis] as number;
  const end = Math.max(0, length - 1);
  return [sliceAxis(x, axis, 0, end), sliceAxis(x, axis, Math.min(1, length), length)];
}

/** Options of `diff`. */
export interface DiffOptions {
  /** How often. */
  n?: number | undefined;
  axis?: number | undefined;
}

/**
 * Each element less the one before, along an axis, `n` times; of booleans whether they differ.
 *
 * @example
 * await ops.diff([1, 4, 9, 16]).array(); // [3, 5, 7]
 */
export const diff: PublicOp<(a: TensorLike, options?: DiffOptions) => Tensor> = publicOp(
  "keras.ops.diff",
  { a: tensorArgument, n: 1, axis: -1 },
  (given, { n = 1, axis = -1 } = {}) => {
    if (!Number.isInteger(n) || n < 0) {
      throw new ArgumentError(`diff: n must be a count, got ${String(n)}.`, { op: "diff" });
    }
    let x = toTensor("diff", given);
    const along = normalizeAxis("diff", axis, x.ndim);
    for (let i = 0; i < n; i++) {
      const [before, behind] = neighbours(x, along);
      x = x.dtype === "bool" ? notEqual(behind, before) : subtract(behind, before);
    }
    return x;
  },
);

/** Options of `trapezoid`. */
export interface TrapezoidOptions {
  /** Where the function was sampled: of the shape of `y`, or a vector along the axis. */
  x?: TensorLike | null | undefined;
  /** Without `x`: the distance of samples. */
  dx?: TensorLike | undefined;
  axis?: number | undefined;
}

/**
 * The integral along an axis, by the trapezoidal rule.
 *
 * @example
 * await ops.trapezoid([1, 2, 3]).item(); // 4
 */
export const trapezoid: PublicOp<(y: TensorLike, options?: TrapezoidOptions) => Tensor> = publicOp(
  "keras.ops.trapezoid",
  { y: tensorArgument, x: optionalTensor, dx: 1, axis: -1 },
  (given, { x, dx = 1, axis = -1 } = {}) => {
    const raw = toTensor("trapezoid", given);
    const dtype = resultType([raw.dtype, "float"], floatx());
    const y = castTo(raw, dtype);
    const along = normalizeAxis("trapezoid", axis, y.ndim);
    const [left, right] = neighbours(y, along);
    const half = scalar(0.5, dtype);
    const heights = multiply(add(left, right), half);
    const widths =
      x === undefined || x === null
        ? toTensor("trapezoid", dx, dtype)
        : widthsOf(castTo(toTensor("trapezoid", x), dtype), y, along);
    return sumOver(multiply(heights, widths), [along]);
  },
);

function widthsOf(x: Tensor, y: Tensor, axis: number): Tensor {
  const isVector = x.ndim === 1;
  if (!isVector && x.ndim !== y.ndim) {
    throw new ShapeError(
      `trapezoid: x ${formatShape(x.shape)} is neither a vector nor of the rank of y ` +
        `${formatShape(y.shape)}.`,
      { op: "trapezoid", shapes: [y.shape, x.shape] },
    );
  }
  const [left, right] = neighbours(x, isVector ? 0 : axis);
  const widths = subtract(right, left);
  return isVector
    ? reshapeTo(
        widths,
        y.shape.map((_, i) => (i === axis ? widths.size : 1)),
      )
    : widths;
}

/** Options of `vander`. */
export interface VanderOptions {
  /** How many columns; default: as many as rows. */
  N?: number | null | undefined;
  /** Whether the powers ascend from left to right. */
  increasing?: boolean | undefined;
}

/**
 * The matrix of the powers of a vector, in rows.
 *
 * @example
 * await ops.vander([1, 2, 3]).array(); // [[1, 1, 1], [4, 2, 1], [9, 3, 1]]
 */
export const vander: PublicOp<(x: TensorLike, options?: VanderOptions) => Tensor> = publicOp(
  "keras.ops.vander",
  { x: tensorArgument, N: null, increasing: false },
  (given, { N, increasing = false } = {}) => {
    const x = toTensor("vander", given);
    if (x.ndim !== 1) {
      throw new ShapeError(`vander: expected a vector, got shape ${formatShape(x.shape)}.`, {
        op: "vander",
        shapes: [x.shape],
      });
    }
    const columns = N ?? x.size;
    checkShape("vander", [x.size, columns]);
    const compute = x.dtype === "bool" ? "int32" : x.dtype;
    const exponents = increasing
      ? iota([1, columns], compute, 1)
      : iota([1, columns], compute, 1, columns - 1, -1);
    return castTo(power(reshapeTo(castTo(x, compute), [x.size, 1]), exponents), x.dtype);
  },
);
