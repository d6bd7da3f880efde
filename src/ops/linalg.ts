/**
 * Linear algebra.
 *
 * @module
 */
import { floatx } from "../runtime/precision.ts";
import { applyMany } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import { type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isHalf, resultType } from "../util/dtypes.ts";
import { ArgumentError, describe, formatShape, GradientError, ShapeError } from "../util/errors.ts";
import { dimAt, normalizeAxes, normalizeAxis, reducedShape } from "../util/shapes.ts";
import { absolute, add, multiply, square, subtract } from "./arithmetic.ts";
import { reshapeTo, sumOver } from "./broadcasting.ts";
import { triangularSolve } from "./cholesky.ts";
import { notEqual } from "./comparison.ts";
import { eye } from "./creation.ts";
import { power, sqrt } from "./exponential.ts";
import { matrixProduct } from "./linear.ts";
import { diagonalMatrices, diagonals, transposed, triangle, wideMatrix } from "./matrices.ts";
import { type TensorLike, toFloat, toTensor } from "./promote.ts";
import { max, min, sum } from "./reduction.ts";
import { concatenateAlong, moveaxis, sliceAxis, sliceStrided } from "./shaping.ts";
import { singularValues } from "./svd.ts";

const qrOp: OpDefinition<{ complete: boolean }> = defineOp({
  name: "qr",
  attributes: { complete: "bool" },
  infer: ([x], { complete }) => {
    const { shape, dtype } = x as Tensor;
    const m = dimAt(shape, -2);
    const n = dimAt(shape, -1);
    const k = complete ? m : Math.min(m, n);
    const batch = shape.slice(0, -2);
    return [
      { shape: [...batch, m, k], dtype },
      { shape: [...batch, k, n], dtype },
    ];
  },
  vjp: ({ inputs: [x], outputs, grads }) => {
    const [q, r] = outputs as readonly [Tensor, Tensor];
    const [dq, dr] = grads as readonly [Tensor, Tensor];
    const { shape } = x as Tensor;
    const m = dimAt(shape, -2);
    const n = dimAt(shape, -1);
    if (dimAt(q.shape, -1) > n) {
      throw new GradientError(
        `qr: the complete decomposition of shape ${formatShape(shape)} is not differentiable. ` +
          'Use mode "reduced".',
        { op: "qr", shapes: [shape] },
      );
    }
    if (m >= n) return [qrGradient(q, r, dq, dr)];
    // x = [X, Y] = q [U, q^T Y]: X as above, with what Y hands on to q.
    const part = (t: Tensor, from: number, to: number): Tensor =>
      sliceAxis(t, t.ndim - 1, from, to);
    const dv = part(dr, m, n);
    const y = part(x as Tensor, m, n);
    const dqAll = add(dq, matrixProduct(y, dv, false, true));
    const dx = qrGradient(q, part(r, 0, m), dqAll, part(dr, 0, m));
    return [concatenateAlong([dx, matrixProduct(q, dv)], dx.ndim - 1)];
  },
});

// x = q r with m >= n (Walter and Lehmann 2018, arXiv:1001.1654):
// dx = (dq + q sym(M)) r^-T, where M = r dr^T - dq^T q, of which the lower
// triangle counts, mirrored above the diagonal.
function qrGradient(q: Tensor, r: Tensor, dq: Tensor, dr: Tensor): Tensor {
  const inner = subtract(
    matrixProduct(r, triangle(dr, false), false, true),
    matrixProduct(dq, q, true, false),
  );
  const lower = triangle(inner, true, -1);
  const mirrored = add(add(lower, transposed(lower)), diagonalMatrices(diagonals(inner)));
  const left = add(dq, matrixProduct(q, mirrored));
  // left r^-T is the transpose of r^-1 left^T.
  return transposed(triangularSolve(r, transposed(left), false));
}

/** Options of `qr`. */
export interface QrOptions {
  mode?: "reduced" | "complete" | undefined;
}

/**
 * The QR decomposition of matrices in the last two axes: orthogonal q and upper
 * triangular r with x = q r. Signs are LAPACK's.
 *
 * @throws {ShapeError} If there are fewer than two axes.
 * @example
 * ops.qr(ops.ones([3, 2]))[1].shape; // [2, 2]
 */
export const qr: PublicOp<(x: TensorLike, options?: QrOptions) => [Tensor, Tensor]> = publicOp(
  "keras.ops.qr",
  { x: tensorArgument, mode: "reduced" },
  (given, { mode = "reduced" } = {}) => {
    if (mode !== "reduced" && mode !== "complete") {
      throw new ArgumentError(`qr: mode must be "reduced" or "complete", got ${describe(mode)}.`, {
        op: "qr",
      });
    }
    const x = toFloat("qr", given);
    if (x.ndim < 2) {
      throw new ShapeError(`qr: expected a matrix, got shape ${formatShape(x.shape)}.`, {
        op: "qr",
        shapes: [x.shape],
      });
    }
    // Half types decompose in float32.
    const wide = isHalf(x.dtype) ? castTo(x, "float32") : x;
    const [q, r] = applyMany(qrOp, [wide], { complete: mode === "complete" }) as [Tensor, Tensor];
    return [castTo(q, x.dtype), castTo(r, x.dtype)];
  },
);

/** Options of `norm`. */
export interface NormOptions {
  /**
   * Of vectors a number or an infinity (default 2, the Euclidean norm); of
   * matrices 1, -1, 2, -2, an infinity, `"fro"` (default) or `"nuc"`.
   */
  ord?: number | "fro" | "nuc" | null | undefined;
  /** One axis: vectors. Two: matrices. Default: all axes. */
  axis?: number | readonly number[] | null | undefined;
  keepdims?: boolean | undefined;
}

/**
 * Norms of vectors or matrices.
 *
 * @throws {ArgumentError} If there is no such norm.
 * @throws {ShapeError} If an axis is out of range or given twice.
 * @example
 * await ops.norm([3, 4]).item(); // 5
 * await ops.norm([[1, -2], [3, 4]], { ord: 1 }).item(); // 6
 */
export const norm: PublicOp<(x: TensorLike, options?: NormOptions) => Tensor> = publicOp(
  "keras.ops.norm",
  { x: tensorArgument, ord: null, axis: null, keepdims: false },
  (given, { ord, axis, keepdims = false } = {}) => {
    const raw = toTensor("norm", given);
    const x = castTo(
      raw,
      raw.dtype === "int64" ? floatx() : resultType([raw.dtype, "float"], floatx()),
    );
    const unordered =
      axis === undefined || axis === null
        ? x.shape.map((_, i) => i)
        : (typeof axis === "number" ? [axis] : axis).map((a) => normalizeAxis("norm", a, x.ndim));
    const axes = normalizeAxes("norm", unordered, x.ndim);
    const euclidean = (): Tensor => sqrt(sumOver(square(x), axes, keepdims));
    if (ord === null || ord === undefined) return euclidean();
    if (axes.length === 1) return vectorNorm(x, ord, axes, keepdims);
    if (axes.length !== 2) {
      throw new ArgumentError(
        `norm: ord ${describe(ord)} is for vectors and matrices, got ${axes.length} axes of shape ` +
          `${formatShape(x.shape)}. Give one or two in axis.`,
        { op: "norm", shapes: [x.shape] },
      );
    }
    if (ord === "fro") return euclidean();
    const [rows, columns] = unordered as [number, number];
    const sums = (of: number): Tensor => sum(absolute(x), { axis: of, keepdims: true });
    const result = ((): Tensor => {
      switch (ord) {
        case 1:
          return max(sums(rows), { axis: columns, keepdims: true });
        case -1:
          return min(sums(rows), { axis: columns, keepdims: true });
        case Number.POSITIVE_INFINITY:
          return max(sums(columns), { axis: rows, keepdims: true });
        case Number.NEGATIVE_INFINITY:
          return min(sums(columns), { axis: rows, keepdims: true });
        case "nuc":
        case 2:
        case -2: {
          const s = singularValues(wideMatrix("norm", moveaxis(x, [rows, columns], [-2, -1])));
          const of = { axis: -1 };
          const value = ord === "nuc" ? sum(s, of) : ord === 2 ? max(s, of) : min(s, of);
          return castTo(value, x.dtype);
        }
        default:
          throw new ArgumentError(
            'norm: of matrices ord must be 1, -1, 2, -2, an infinity, "fro" or "nuc", ' +
              `got ${describe(ord)}.`,
            { op: "norm" },
          );
      }
    })();
    return reshapeTo(result, reducedShape(x.shape, axes, keepdims));
  },
);

function vectorNorm(
  x: Tensor,
  ord: number | string,
  axis: readonly number[],
  keepdims: boolean,
): Tensor {
  if (typeof ord !== "number" || Number.isNaN(ord)) {
    throw new ArgumentError(`norm: of vectors ord must be a number, got ${describe(ord)}.`, {
      op: "norm",
    });
  }
  if (ord === 2) return sqrt(sumOver(square(x), axis, keepdims));
  if (ord === 0) {
    return sumOver(castTo(notEqual(x, scalar(0, x.dtype)), x.dtype), axis, keepdims);
  }
  const size = absolute(x);
  if (ord === Number.POSITIVE_INFINITY) return max(size, { axis, keepdims });
  if (ord === Number.NEGATIVE_INFINITY) return min(size, { axis, keepdims });
  if (ord === 1) return sumOver(size, axis, keepdims);
  const powers = sumOver(power(size, scalar(ord, x.dtype)), axis, keepdims);
  return power(powers, scalar(1 / ord, x.dtype));
}

/** The diagonal of a matrix [m, n]. */
export function diagonalOf(x: Tensor): Tensor {
  const k = Math.min(...(x.shape as [number, number]));
  const square = sliceStrided(x, [0, 0], [k, k]);
  const mask = eye(k, { dtype: x.dtype });
  return sumOver(multiply(square, mask), [1]);
}
