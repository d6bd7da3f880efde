/**
 * Singular values, and what is made of them: pseudo-inverse, rank, least squares.
 *
 * @module
 */
import { apply, applyMany } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import { type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { DType } from "../util/dtypes.ts";
import { formatShape, ShapeError } from "../util/errors.ts";
import { dimAt } from "../util/shapes.ts";
import { add, divide, multiply, square, subtract } from "./arithmetic.ts";
import { reshapeTo, sumOver } from "./broadcasting.ts";
import { equal, greater, select } from "./comparison.ts";
import { matrixProduct } from "./linear.ts";
import {
  asColumns,
  asRows,
  batchOf,
  diagonalMatrices,
  narrowLike,
  reciprocalDifferences,
  transposed,
  wideMatrix,
} from "./matrices.ts";
import { promotePair, type TensorLike } from "./promote.ts";
import { max } from "./reduction.ts";
import { sliceAxis } from "./shaping.ts";

const svdOp: OpDefinition<{ fullMatrices: boolean }> = defineOp({
  name: "svd",
  attributes: { fullMatrices: "bool" },
  infer: ([x], { fullMatrices }) => {
    const { shape, dtype } = x as Tensor;
    const batch = batchOf(x as Tensor);
    const m = dimAt(shape, -2);
    const n = dimAt(shape, -1);
    const k = Math.min(m, n);
    return [
      { shape: [...batch, m, fullMatrices ? m : k], dtype },
      { shape: [...batch, k], dtype },
      { shape: [...batch, fullMatrices ? n : k, n], dtype },
    ];
  },
  vjp: ({ outputs, grads }) => [svdGradient(outputs, grads)],
});

// x = U S V^T (Townsend 2016, Differentiating the singular value
// decomposition): with F_ij = 1 / (s_j^2 - s_i^2), J = F * (U^T dU) and
// K = F * (V^T dV),
//   dx = U ((J + J^T) S + S (K + K^T) + diag(ds)) V^T
//      + (1 - U U^T) dU S^-1 V^T + U S^-1 dV^T (1 - V V^T).
// Further columns of full matrices, N, are moved as is needed to stay
// orthogonal: that adds -N (dN^T U) S^-1 V^T, and the like for V.
function svdGradient(outputs: readonly Tensor[], grads: readonly Tensor[]): Tensor {
  const [u, s, vh] = outputs as readonly [Tensor, Tensor, Tensor];
  const [du, ds, dvh] = grads as readonly [Tensor, Tensor, Tensor];
  const k = dimAt(s.shape, -1);
  const part = (x: Tensor, axis: number, from: number, to: number): Tensor =>
    sliceAxis(x, x.ndim + axis, from, to);
  const thinU = part(u, -1, 0, k);
  const thinV = part(vh, -2, 0, k);
  const thinDu = part(du, -1, 0, k);
  const thinDv = part(dvh, -2, 0, k);
  const factors = reciprocalDifferences(square(s));
  const uu = matrixProduct(thinU, thinDu, true, false);
  const vv = matrixProduct(thinV, thinDv, false, true);
  const both = (x: Tensor): Tensor => add(x, transposed(x));
  const inner = add(
    add(
      multiply(both(multiply(factors, uu)), asRows(s)),
      multiply(asColumns(s), both(multiply(factors, vv))),
    ),
    diagonalMatrices(ds),
  );
  const inverse = safeReciprocal(s);
  let left = subtract(thinDu, matrixProduct(thinU, uu));
  let right = subtract(thinDv, matrixProduct(vv, thinV, true, false));
  const m = dimAt(u.shape, -1);
  if (m > k) {
    const more = part(u, -1, k, m);
    const turned = matrixProduct(part(du, -1, k, m), thinU, true, false);
    left = subtract(left, matrixProduct(more, turned));
  }
  const n = dimAt(vh.shape, -2);
  if (n > k) {
    const more = part(vh, -2, k, n);
    const turned = matrixProduct(thinV, part(dvh, -2, k, n), false, true);
    right = subtract(right, matrixProduct(turned, more));
  }
  return add(
    matrixProduct(matrixProduct(thinU, inner), thinV),
    add(
      matrixProduct(multiply(left, asRows(inverse)), thinV),
      matrixProduct(thinU, multiply(asColumns(inverse), right)),
    ),
  );
}

/** 1 / x, 0 for 0. */
function safeReciprocal(x: Tensor): Tensor {
  const isZero = equal(x, scalar(0, x.dtype));
  const one = scalar(1, x.dtype);
  return select(isZero, scalar(0, x.dtype), divide(one, select(isZero, one, x)));
}

const singularValuesOp: OpDefinition = defineOp({
  name: "singular_values",
  infer: ([x]) => {
    const { shape, dtype } = x as Tensor;
    const k = Math.min(dimAt(shape, -2), dimAt(shape, -1));
    return { shape: [...batchOf(x as Tensor), k], dtype };
  },
  // x = U S V^T: dx = U diag(ds) V^T.
  vjp: ({ inputs: [x], grads: [ds] }) => {
    const [u, , vh] = thinSvd(x as Tensor);
    return [matrixProduct(multiply(u, asRows(ds as Tensor)), vh)];
  },
});

function thinSvd(x: Tensor): [Tensor, Tensor, Tensor] {
  return applyMany(svdOp, [x], { fullMatrices: false }) as [Tensor, Tensor, Tensor];
}

/** The singular values, descending, of matrices in float32 or float64. */
export function singularValues(x: Tensor): Tensor {
  return apply(singularValuesOp, [x]);
}

/** Options of `svd`. */
export interface SvdOptions {
  /** Square u and v, instead of as many columns as there are singular values. */
  fullMatrices?: boolean | undefined;
  /** False: the singular values alone. */
  computeUv?: boolean | undefined;
}

/** The function `svd`: what it returns depends on `computeUv`. */
export interface Svd {
  (x: TensorLike, options: SvdOptions & { computeUv: false }): Tensor;
  (
    x: TensorLike,
    options?: SvdOptions & { computeUv?: true | undefined },
  ): [Tensor, Tensor, Tensor];
  (x: TensorLike, options?: SvdOptions): Tensor | [Tensor, Tensor, Tensor];
}

/**
 * The singular value decomposition of matrices in the last two axes:
 * [u, s, vh] with x = u diag(s) vh, s descending.
 *
 * Columns of u and rows of vh are determined up to a common sign.
 *
 * @throws {ShapeError} If there are fewer than two axes.
 * @throws {KernelError} If there is an element that is not finite.
 * @example
 * const s = ops.svd([[3, 0], [0, -4]], { computeUv: false });
 * await s.array(); // [4, 3]
 */
export const svd: PublicOp<Svd> = publicOp(
  "keras.ops.svd",
  { x: tensorArgument, full_matrices: true, compute_uv: true },
  ((given: TensorLike, { fullMatrices = true, computeUv = true }: SvdOptions = {}) => {
    const x = wideMatrix("svd", given);
    if (!computeUv) return narrowLike("svd", given, singularValues(x));
    return narrowLike("svd", given, applyMany(svdOp, [x], { fullMatrices }));
  }) as Svd,
);

const pinvOp: OpDefinition<{ rcond: number }> = defineOp({
  name: "pinv",
  attributes: { rcond: "float" },
  infer: ([x]) => {
    const { shape, dtype } = x as Tensor;
    return { shape: [...batchOf(x as Tensor), dimAt(shape, -1), dimAt(shape, -2)], dtype };
  },
  // Where the rank is constant (Golub and Pereyra 1973), with P = x^+:
  // dx = -P^T dP P^T + (1 - x P) dP^T P P^T + P^T P dP^T (1 - P x).
  vjp: ({ inputs: [x], outputs: [p], grads: [dp] }) => {
    const a = x as Tensor;
    const y = p as Tensor;
    const d = transposed(dp as Tensor);
    const yt = transposed(y);
    const middle = matrixProduct(matrixProduct(yt, dp as Tensor), yt);
    const left = matrixProduct(matrixProduct(d, y), yt);
    const right = matrixProduct(yt, matrixProduct(y, d));
    return [
      subtract(
        add(
          subtract(left, matrixProduct(a, matrixProduct(y, left))),
          subtract(right, matrixProduct(matrixProduct(right, y), a)),
        ),
        middle,
      ),
    ];
  },
  decompose: ([x], { rcond }) => {
    const [u, s, vh] = thinSvd(x as Tensor);
    // No singular values, no largest one.
    const k = dimAt(s.shape, -1);
    const kept =
      k === 0
        ? s
        : select(
            greater(s, multiply(max(s, { axis: -1, keepdims: true }), scalar(rcond, s.dtype))),
            s,
            scalar(0, s.dtype),
          );
    return matrixProduct(multiply(transposed(vh), asRows(safeReciprocal(kept))), transposed(u));
  },
});

/** The distance from 1 to the next number of a dtype that decompositions compute in. */
function epsilonOf(dtype: DType): number {
  return dtype === "float64" ? 2 ** -52 : 2 ** -23;
}

/**
 * The pseudo-inverse (Moore-Penrose) of matrices in the last two axes.
 *
 * @param options.rcond Singular values up to this share of the largest count as
 *   zero. Default: ten times the machine epsilon times the longer side.
 * @throws {ShapeError} If there are fewer than two axes.
 * @example
 * await ops.pinv([[2, 0], [0, 0]]).array(); // [[0.5, 0], [0, 0]]
 */
export const pinv: PublicOp<
  (x: TensorLike, options?: { rcond?: number | null | undefined }) => Tensor
> = publicOp("keras.ops.pinv", { x: tensorArgument, rcond: null }, (given, { rcond } = {}) => {
  const x = wideMatrix("pinv", given);
  const share = rcond ?? 10 * Math.max(dimAt(x.shape, -1), dimAt(x.shape, -2)) * epsilonOf(x.dtype);
  return narrowLike("pinv", given, apply(pinvOp, [x], { rcond: share }));
});

/**
 * How many singular values of matrices in the last two axes are greater than a
 * tolerance, as int32.
 *
 * @param options.tol Default: the largest one times the machine epsilon times
 *   the longer side.
 * @throws {ShapeError} If there are fewer than two axes.
 * @example
 * await ops.matrixRank([[1, 2], [2, 4]]).item(); // 1
 */
export const matrixRank: PublicOp<
  (x: TensorLike, options?: { tol?: number | null | undefined }) => Tensor
> = publicOp("keras.ops.matrix_rank", { x: tensorArgument, tol: null }, (given, { tol } = {}) => {
  const x = wideMatrix("matrixRank", given);
  const s = singularValues(x);
  const longer = Math.max(dimAt(x.shape, -1), dimAt(x.shape, -2));
  const limit = (): Tensor =>
    multiply(max(s, { axis: -1, keepdims: true }), scalar(longer * epsilonOf(x.dtype), s.dtype));
  const isLarge =
    dimAt(s.shape, -1) === 0
      ? greater(s, s)
      : greater(s, tol == null ? limit() : scalar(tol, s.dtype));
  return sumOver(castTo(isLarge, "int32"), [s.ndim - 1]);
});

/**
 * The least-squares solution x of a x = b, the shortest one if there are several.
 *
 * @param a One matrix [m, n].
 * @param b A vector [m] or a matrix [m, k].
 * @param options.rcond Singular values up to this share of the largest count as
 *   zero. Default: the machine epsilon times the longer side.
 * @throws {ShapeError} If `a` and `b` do not fit.
 * @example
 * await ops.lstsq([[1, 0], [0, 1], [0, 0]], [3, 4, 5]).array(); // [3, 4]
 */
export const lstsq: PublicOp<
  (a: TensorLike, b: TensorLike, options?: { rcond?: number | null | undefined }) => Tensor
> = publicOp(
  "keras.ops.lstsq",
  { a: tensorArgument, b: tensorArgument, rcond: null },
  (givenA, givenB, { rcond } = {}) => {
    const [a, b] = promotePair("lstsq", givenA, givenB, "float");
    const shapes = [a.shape, b.shape];
    if (a.ndim !== 2 || b.ndim < 1 || b.ndim > 2 || a.shape[0] !== b.shape[0]) {
      throw new ShapeError(
        `lstsq: expected a matrix and a vector or matrix of as many rows, got ` +
          `${formatShape(a.shape)} and ${formatShape(b.shape)}.`,
        { op: "lstsq", shapes },
      );
    }
    const wide = wideMatrix("lstsq", a);
    const right = castTo(b, wide.dtype);
    const epsilon = epsilonOf(wide.dtype);
    const longer = Math.max(...(a.shape as [number, number]));
    const share = rcond == null ? epsilon * longer : rcond < 0 ? epsilon : rcond;
    const inverse = apply(pinvOp, [wide], { rcond: share });
    const x = matrixProduct(inverse, b.ndim === 1 ? asColumns(right) : right);
    const n = a.shape[1] as number;
    return castTo(b.ndim === 1 ? reshapeTo(x, [n]) : x, a.dtype);
  },
);
