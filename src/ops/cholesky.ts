/**
 * Cholesky factors and triangular systems.
 *
 * @module
 */
import { apply } from "../tensor/apply.ts";
import { scalar } from "../tensor/create.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import { type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { multiply, negative, subtract } from "./arithmetic.ts";
import { matrixProduct } from "./linear.ts";
import {
  diagonalMatrices,
  diagonals,
  identities,
  narrowLike,
  solutionOf,
  symmetrized,
  systemOf,
  transposed,
  triangle,
  wideMatrix,
} from "./matrices.ts";
import type { TensorLike } from "./promote.ts";

interface TriangularAttributes {
  readonly lower: boolean;
  readonly transpose: boolean;
  readonly [name: string]: boolean;
}

const triangularSolveOp: OpDefinition<TriangularAttributes> = defineOp<TriangularAttributes>({
  name: "triangular_solve",
  attributes: { lower: "bool", transpose: "bool" },
  infer: ([, b]) => b as Tensor,
  // a x = b: db = a^-T dx, da = -db x^T. a^T x = b: db = a^-1 dx, da = -x db^T.
  // Of da only the triangle counts that was read.
  vjp: ({ inputs: [a], outputs: [x], grads: [dx], needs }, { lower, transpose }) => {
    const factor = a as Tensor;
    const db = triangularSolve(factor, dx as Tensor, lower, !transpose);
    if (!needs(0)) return [null, db];
    const product = transpose
      ? matrixProduct(x as Tensor, db, false, true)
      : matrixProduct(db, x as Tensor, false, true);
    return [negative(triangle(product, lower)), db];
  },
});

/** x with a x = b, or a^T x = b, for triangular `a` of the batch of `b`. */
export function triangularSolve(a: Tensor, b: Tensor, lower: boolean, transpose = false): Tensor {
  return apply(triangularSolveOp, [a, b], { lower, transpose });
}

const choleskyOp: OpDefinition = defineOp({
  name: "cholesky",
  infer: ([x]) => x as Tensor,
  // A = L L^T: dA = L^-T S L^-1, S the symmetric part of the lower triangle of
  // L^T dL with half its diagonal (Murray 2016, arXiv:1602.07527).
  vjp: ({ outputs, grads: [dl] }) => {
    const l = outputs[0] as Tensor;
    const product = triangle(matrixProduct(l, dl as Tensor, true, false), true);
    const halved = subtract(
      product,
      multiply(diagonalMatrices(diagonals(product)), scalar(0.5, l.dtype)),
    );
    const left = triangularSolve(l, symmetrized(halved), true, true);
    return [triangularSolve(l, transposed(left), true, true)];
  },
});

/** The lower factor of matrices in float32 or float64. */
export function choleskyFactor(x: Tensor): Tensor {
  return apply(choleskyOp, [x]);
}

/** Options of `cholesky` and `choleskyInverse`. */
export interface TriangleOptions {
  /** The upper triangle instead of the lower one. */
  upper?: boolean | undefined;
}

/**
 * The Cholesky factor of symmetric positive definite matrices in the last two
 * axes: the lower triangular l with x = l l^T. Only the lower triangle of `x`
 * is read.
 *
 * @param options.upper Gives l^T.
 * @throws {ShapeError} If the last two axes are not square.
 * @throws {KernelError} If a matrix is not positive definite.
 * @example
 * await ops.cholesky([[4, 2], [2, 10]]).array(); // [[2, 0], [1, 3]]
 */
export const cholesky: PublicOp<(x: TensorLike, options?: TriangleOptions) => Tensor> = publicOp(
  "keras.ops.cholesky",
  { x: tensorArgument, upper: false },
  (given, { upper = false } = {}) => {
    const factor = choleskyFactor(wideMatrix("cholesky", given, true));
    return narrowLike("cholesky", given, upper ? transposed(factor) : factor);
  },
);

/**
 * The inverse of the matrices whose Cholesky factors are given.
 *
 * @param options.upper Whether the factors are upper triangular.
 * @throws {ShapeError} If the last two axes are not square.
 * @throws {KernelError} If there is a zero on a diagonal.
 * @example
 * await ops.choleskyInverse([[2, 0], [0, 4]]).array(); // [[0.25, 0], [0, 0.0625]]
 */
export const choleskyInverse: PublicOp<(x: TensorLike, options?: TriangleOptions) => Tensor> =
  publicOp(
    "keras.ops.cholesky_inverse",
    { x: tensorArgument, upper: false },
    (given, { upper = false } = {}) => {
      const x = wideMatrix("choleskyInverse", given, true);
      const inverse = triangularSolve(x, identities(x), !upper);
      // (l l^T)^-1 = l^-T l^-1, (u^T u)^-1 = u^-1 u^-T.
      return narrowLike("choleskyInverse", given, matrixProduct(inverse, inverse, !upper, upper));
    },
  );

/**
 * x with a x = b, for triangular matrices `a` in the last two axes. The other
 * triangle is not read.
 *
 * @param b Matrices of as many rows, or vectors: then with one axis less than `a`.
 * @param options.lower Whether `a` is lower triangular (default: upper).
 * @throws {ShapeError} If `a` is not square or `b` does not fit.
 * @throws {KernelError} If there is a zero on a diagonal.
 * @example
 * await ops.solveTriangular([[2, 1], [0, 4]], [4, 8]).array(); // [1, 2]
 */
export const solveTriangular: PublicOp<
  (a: TensorLike, b: TensorLike, options?: { lower?: boolean | undefined }) => Tensor
> = publicOp(
  "keras.ops.solve_triangular",
  { a: tensorArgument, b: tensorArgument, lower: false },
  (a, b, { lower = false } = {}) => {
    const system = systemOf("solveTriangular", a, b);
    return solutionOf(triangularSolve(system.a, system.b, lower), system);
  },
);
