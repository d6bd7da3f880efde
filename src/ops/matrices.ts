/**
 * What the ops of linear algebra share: checks, transposes, batches.
 *
 * @module
 */
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isHalf } from "../util/dtypes.ts";
import { formatShape, ShapeError } from "../util/errors.ts";
import { broadcastShapes, dimAt, type Shape } from "../util/shapes.ts";
import { add, divide, multiply, subtract } from "./arithmetic.ts";
import { broadcastOver, reshapeTo, sumOver } from "./broadcasting.ts";
import { equal, lessEqual, select } from "./comparison.ts";
import { eye, iota } from "./creation.ts";
import { promotePair, type TensorLike, toFloat } from "./promote.ts";
import { permute } from "./shaping.ts";

/** @throws {ShapeError} If there are fewer than two axes. */
export function checkMatrix(op: string, x: Tensor): Tensor {
  if (x.ndim < 2) {
    throw new ShapeError(
      `${op}: expected matrices in the last two axes, got shape ${formatShape(x.shape)}.`,
      { op, shapes: [x.shape] },
    );
  }
  return x;
}

/** @throws {ShapeError} If the last two axes are no square matrix. */
export function checkSquare(op: string, x: Tensor): Tensor {
  checkMatrix(op, x);
  if (dimAt(x.shape, -1) !== dimAt(x.shape, -2)) {
    throw new ShapeError(
      `${op}: expected square matrices in the last two axes, got shape ${formatShape(x.shape)} ` +
        `(${dimAt(x.shape, -2)} vs ${dimAt(x.shape, -1)}).`,
      { op, shapes: [x.shape] },
    );
  }
  return x;
}

/** Matrices as floats; half types, which no decomposition computes in, as float32. */
export function wideMatrix(op: string, given: TensorLike, square = false): Tensor {
  const x = toFloat(op, given);
  if (square) checkSquare(op, x);
  else checkMatrix(op, x);
  return isHalf(x.dtype) ? castTo(x, "float32") : x;
}

/** The dtype of a result that was computed from `given`, half types included. */
export function narrowLike<T extends Tensor | Tensor[]>(
  op: string,
  given: TensorLike,
  result: T,
): T {
  const { dtype } = toFloat(op, given);
  if (!isHalf(dtype)) return result;
  return (
    Array.isArray(result) ? result.map((x) => castTo(x, dtype)) : castTo(result as Tensor, dtype)
  ) as T;
}

/** The last two axes swapped. */
export function transposed(x: Tensor): Tensor {
  const axes = x.shape.map((_, i) => i);
  axes.splice(-2, 2, x.ndim - 1, x.ndim - 2);
  return permute(x, axes);
}

/** (x + x^T) / 2. */
export function symmetrized(x: Tensor): Tensor {
  return multiply(add(x, transposed(x)), scalar(0.5, x.dtype));
}

/** Matrices with what is not in the triangle replaced by zero; `k` as in `tril`. */
export function triangle(x: Tensor, lower: boolean, k = 0): Tensor {
  const shape = x.shape.slice(-2);
  const rows = iota(shape, "int32", 0);
  const columns = iota(shape, "int32", 1, -k);
  const inside = lower ? lessEqual(columns, rows) : lessEqual(rows, columns);
  return select(broadcastOver(inside, x.shape), x, scalar(0, x.dtype));
}

/** The diagonals of square matrices: [..., n, n] -> [..., n]. */
export function diagonals(x: Tensor): Tensor {
  const n = dimAt(x.shape, -1);
  return sumOver(multiply(x, eye(n, { dtype: x.dtype })), [x.ndim - 1]);
}

/** Matrices of these diagonals: [..., n] -> [..., n, n]. */
export function diagonalMatrices(x: Tensor): Tensor {
  return multiply(reshapeTo(x, [...x.shape, 1]), eye(dimAt(x.shape, -1), { dtype: x.dtype }));
}

/** [..., n] as rows [..., 1, n], by which columns of matrices are multiplied. */
export function asRows(x: Tensor): Tensor {
  return reshapeTo(x, [...x.shape.slice(0, -1), 1, dimAt(x.shape, -1)]);
}

/** [..., n] as columns [..., n, 1]. */
export function asColumns(x: Tensor): Tensor {
  return reshapeTo(x, [...x.shape, 1]);
}

/** Identity matrices of a batch. */
export function identities(x: Tensor): Tensor {
  return broadcastOver(eye(dimAt(x.shape, -1), { dtype: x.dtype }), x.shape);
}

/** The operands of a linear system. */
export interface System {
  readonly a: Tensor;
  readonly b: Tensor;
  /** b came as vectors, with one axis less than a. */
  readonly isVector: boolean;
}

/**
 * Square matrices `a` and right sides `b` in one dtype, with the same batch.
 * Right sides with one axis less are vectors.
 *
 * @throws {ShapeError} If they do not fit.
 */
export function systemOf(op: string, givenA: TensorLike, givenB: TensorLike): System {
  let [a, b] = promotePair(op, givenA, givenB, "float");
  checkSquare(op, a);
  const shapes = [a.shape, b.shape];
  const fail = (why: string): ShapeError =>
    new ShapeError(`${op}: ${why}: ${formatShape(a.shape)} and ${formatShape(b.shape)}.`, {
      op,
      shapes,
    });
  const isVector = b.ndim === a.ndim - 1;
  if (!isVector && b.ndim < 2) throw fail("expected vectors or matrices on the right side");
  const n = dimAt(a.shape, -1);
  const rows = dimAt(b.shape, isVector ? -1 : -2);
  if (n !== rows) throw fail(`rows differ (${n} vs ${rows})`);
  if (isHalf(a.dtype)) [a, b] = [castTo(a, "float32"), castTo(b, "float32")];
  if (isVector) b = asColumns(b);
  const batch = broadcastShapes(op, a.shape.slice(0, -2), b.shape.slice(0, -2));
  const over = (x: Tensor): Tensor => broadcastOver(x, [...batch, ...x.shape.slice(-2)]);
  return { a: over(a), b: over(b), isVector };
}

/** What `reshape` of a solution undoes: columns to vectors. */
export function solutionOf(x: Tensor, { isVector }: System): Tensor {
  return isVector ? reshapeTo(x, x.shape.slice(0, -1)) : x;
}

/** The batch axes of matrices. */
export function batchOf(x: { readonly shape: Shape }): number[] {
  return x.shape.slice(0, -2);
}

/** 1 / (x_j - x_i) of all pairs of the last axis, 0 where they are equal: [..., n, n]. */
export function reciprocalDifferences(x: Tensor): Tensor {
  const differences = subtract(asRows(x), asColumns(x));
  const zero = scalar(0, x.dtype);
  const isZero = equal(differences, zero);
  return select(
    isZero,
    zero,
    divide(scalar(1, x.dtype), select(isZero, scalar(1, x.dtype), differences)),
  );
}
