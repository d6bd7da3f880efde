/**
 * Linear systems, inverses and determinants, by LU decomposition.
 *
 * @module
 */
import { apply, applyMany } from "../tensor/apply.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import { type PublicOp, publicOp, requiredArgument, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ArgumentError, describe, formatShape, GradientError } from "../util/errors.ts";
import { dimAt } from "../util/shapes.ts";
import { add, multiply, negative } from "./arithmetic.ts";
import { broadcastOver, reshapeTo } from "./broadcasting.ts";
import { triangularSolve } from "./cholesky.ts";
import { takeAlong } from "./indexing.ts";
import { matrixProduct } from "./linear.ts";
import {
  asColumns,
  batchOf,
  checkSquare,
  identities,
  narrowLike,
  solutionOf,
  systemOf,
  transposed,
  triangle,
  wideMatrix,
} from "./matrices.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { argsort } from "./sorting.ts";

const solveOp: OpDefinition = defineOp({
  name: "solve",
  infer: ([, b]) => b as Tensor,
  // a x = b: db = a^-T dx, da = -db x^T.
  vjp: ({ inputs: [a], outputs: [x], grads: [dx], needs }) => {
    const db = solveSystem(transposed(a as Tensor), dx as Tensor);
    return [needs(0) ? negative(matrixProduct(db, x as Tensor, false, true)) : null, db];
  },
});

/** x with a x = b for matrices of one batch, in float32 or float64. */
export function solveSystem(a: Tensor, b: Tensor): Tensor {
  return apply(solveOp, [a, b]);
}

/** The inverse of matrices in float32 or float64. */
export function inverseOf(a: Tensor): Tensor {
  return solveSystem(a, identities(a));
}

/** dy times the transposed inverse: the gradient of a logarithm of a determinant. */
function timesInverse(dy: Tensor, x: Tensor): Tensor {
  return multiply(asColumns(asColumns(dy)), inverseOf(transposed(x)));
}

const detOp: OpDefinition = defineOp({
  name: "det",
  infer: ([x]) => ({ shape: batchOf(x as Tensor), dtype: (x as Tensor).dtype }),
  // dx = dy det(x) x^-T.
  vjp: ({ inputs: [x], outputs: [y], grads: [dy] }) => [
    timesInverse(multiply(dy as Tensor, y as Tensor), x as Tensor),
  ],
});

const slogdetOp: OpDefinition = defineOp({
  name: "slogdet",
  infer: ([x]) => {
    const spec = { shape: batchOf(x as Tensor), dtype: (x as Tensor).dtype };
    return [spec, spec];
  },
  // Of the logarithm: dx = dy x^-T. The sign is constant.
  vjp: ({ inputs: [x], grads: [, dy] }) => [timesInverse(dy as Tensor, x as Tensor)],
});

const luFactorOp: OpDefinition = defineOp({
  name: "lu_factor",
  infer: ([x]) => {
    const { shape, dtype } = x as Tensor;
    const batch = batchOf(x as Tensor);
    return [
      { shape, dtype },
      { shape: [...batch, Math.min(dimAt(shape, -1), dimAt(shape, -2))], dtype: "int32" },
      { shape: [...batch, dimAt(shape, -2)], dtype: "int32" },
    ];
  },
  // P A = L U: P dA = L^-T (strictly lower part of L^T dL + upper part of dU U^T) U^-T.
  vjp: ({ outputs, grads: [d] }) => {
    const [lu, , permutation] = outputs as [Tensor, Tensor, Tensor];
    const n = dimAt(lu.shape, -1);
    if (n !== dimAt(lu.shape, -2)) {
      throw new GradientError(
        `luFactor: differentiable for square matrices only, not for shape ` +
          `${formatShape(lu.shape)}.`,
        { op: "luFactor", shapes: [lu.shape] },
      );
    }
    const l = add(triangle(lu, true, -1), identities(lu));
    const u = triangle(lu, false);
    const inner = add(
      triangle(matrixProduct(l, triangle(d as Tensor, true, -1), true, false), true, -1),
      triangle(matrixProduct(triangle(d as Tensor, false), u, false, true), false),
    );
    const left = triangularSolve(l, inner, true, true);
    // (left u^-T) is the transpose of u^-1 left^T.
    const permuted = transposed(triangularSolve(u, transposed(left), false));
    // Row i of P A is row permutation[i] of A.
    const inverse = argsort(permutation, { axis: -1 });
    return [takeAlong(permuted, broadcastOver(asColumns(inverse), lu.shape), lu.ndim - 2)];
  },
});

/**
 * The LU decomposition with partial pivoting of matrices in the last two axes:
 * the factors in one matrix (the unit diagonal of l is left out), and the
 * pivots, as LAPACK gives them from 0: row i was swapped with row pivots[i],
 * one after the other.
 *
 * @throws {ShapeError} If there are fewer than two axes.
 * @example
 * const [lu, pivots] = ops.luFactor([[1, 2], [4, 4]]);
 * await lu.array(); // [[4, 4], [0.25, 1]]
 * await pivots.array(); // [1, 1]
 */
export const luFactor: PublicOp<(x: TensorLike) => [Tensor, Tensor]> = publicOp(
  "keras.ops.lu_factor",
  { x: tensorArgument },
  (given) => {
    const x = wideMatrix("luFactor", given);
    const [lu, pivots] = applyMany(luFactorOp, [x]) as [Tensor, Tensor];
    return [narrowLike("luFactor", given, lu), pivots];
  },
);

/**
 * x with a x = b, for square matrices `a` in the last two axes.
 *
 * @param b Matrices of as many rows, or vectors: then with one axis less than `a`.
 * @throws {ShapeError} If `a` is not square or `b` does not fit.
 * @throws {KernelError} If a matrix is singular.
 * @example
 * await ops.solve([[2, 0], [0, 4]], [2, 8]).array(); // [1, 2]
 */
export const solve: PublicOp<(a: TensorLike, b: TensorLike) => Tensor> = publicOp(
  "keras.ops.solve",
  { a: tensorArgument, b: tensorArgument },
  (a, b) => {
    const system = systemOf("solve", a, b);
    return solutionOf(solveSystem(system.a, system.b), system);
  },
);

/**
 * The inverse of square matrices in the last two axes.
 *
 * @throws {ShapeError} If they are not square.
 * @throws {KernelError} If one is singular.
 * @example
 * await ops.inv([[2, 0], [0, 4]]).array(); // [[0.5, 0], [0, 0.25]]
 */
export const inv: PublicOp<(x: TensorLike) => Tensor> = publicOp(
  "keras.ops.inv",
  { x: tensorArgument },
  (given) => narrowLike("inv", given, inverseOf(wideMatrix("inv", given, true))),
);

/**
 * The determinant of square matrices in the last two axes. Its gradient needs
 * the inverse.
 *
 * @throws {ShapeError} If they are not square.
 * @example
 * await ops.det([[2, 1], [0, 3]]).item(); // 6
 */
export const det: PublicOp<(x: TensorLike) => Tensor> = publicOp(
  "keras.ops.det",
  { x: tensorArgument },
  (given) => narrowLike("det", given, apply(detOp, [wideMatrix("det", given, true)])),
);

/**
 * The sign and the logarithm of the absolute value of the determinant of
 * square matrices in the last two axes, which itself may overflow.
 *
 * @throws {ShapeError} If they are not square.
 * @example
 * const [sign, logarithm] = ops.slogdet([[1, 0], [0, -1]]);
 * await sign.item(); // -1
 * await logarithm.item(); // 0
 */
export const slogdet: PublicOp<(x: TensorLike) => [Tensor, Tensor]> = publicOp(
  "keras.ops.slogdet",
  { x: tensorArgument },
  (given) =>
    narrowLike("slogdet", given, applyMany(slogdetOp, [wideMatrix("slogdet", given, true)])) as [
      Tensor,
      Tensor,
    ],
);

/**
 * The logarithm of the absolute value of the determinant of square matrices in
 * the last two axes.
 *
 * @throws {ShapeError} If they are not square.
 * @example
 * await ops.logdet([[1, 0], [0, 1]]).item(); // 0
 */
export const logdet: PublicOp<(x: TensorLike) => Tensor> = publicOp(
  "keras.ops.logdet",
  { x: tensorArgument },
  (given) => {
    const [, logarithm] = applyMany(slogdetOp, [wideMatrix("logdet", given, true)]);
    return narrowLike("logdet", given, logarithm as Tensor);
  },
);

/**
 * The n-th power of square matrices in the last two axes, of the inverse for
 * negative n.
 *
 * @throws {ArgumentError} If n is not an integer.
 * @throws {ShapeError} If the matrices are not square.
 * @throws {KernelError} If n is negative and a matrix singular.
 * @example
 * await ops.matrixPower([[1, 1], [0, 1]], 5).array(); // [[1, 5], [0, 1]]
 */
export const matrixPower: PublicOp<(x: TensorLike, n: number) => Tensor> = publicOp(
  "keras.ops.matrix_power",
  { x: tensorArgument, n: requiredArgument },
  (given, n) => {
    if (!Number.isInteger(n)) {
      throw new ArgumentError(`matrixPower: n must be an integer, got ${describe(n)}.`, {
        op: "matrixPower",
      });
    }
    const x = checkSquare("matrixPower", toTensor("matrixPower", given));
    if (n === 0) return identities(x);
    let base = n < 0 ? narrowLike("matrixPower", x, inverseOf(wideMatrix("matrixPower", x))) : x;
    let result: Tensor | null = null;
    for (let rest = Math.abs(n); ; base = matrixProduct(base, base)) {
      if (rest % 2 === 1) result = result === null ? base : matrixProduct(result, base);
      rest = Math.floor(rest / 2);
      if (rest === 0) return reshapeTo(result as Tensor, x.shape);
    }
  },
);
