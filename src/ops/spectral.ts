/**
 * Eigenvalues and eigenvectors.
 *
 * @module
 */
import { applyMany } from "../tensor/apply.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import { type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { add, multiply } from "./arithmetic.ts";
import { matrixProduct } from "./linear.ts";
import {
  batchOf,
  diagonalMatrices,
  narrowLike,
  reciprocalDifferences,
  symmetrized,
  wideMatrix,
} from "./matrices.ts";
import type { TensorLike } from "./promote.ts";

const eighOp: OpDefinition = defineOp({
  name: "eigh",
  infer: ([x]) => {
    const { shape, dtype } = x as Tensor;
    return [
      { shape: shape.slice(0, -1), dtype },
      { shape, dtype },
    ];
  },
  // x = V diag(w) V^T: dx = V (diag(dw) + F * (V^T dV)) V^T, symmetrized, with
  // F_ij = 1 / (w_j - w_i) (Giles 2008, 3.1). Within an eigenspace of several
  // dimensions the vectors are not determined: F is 0 there.
  vjp: ({ outputs: [values, vectors], grads: [dw, dv] }) => {
    const v = vectors as Tensor;
    const rotation = multiply(
      reciprocalDifferences(values as Tensor),
      matrixProduct(v, dv as Tensor, true, false),
    );
    const inner = add(diagonalMatrices(dw as Tensor), rotation);
    return [symmetrized(matrixProduct(matrixProduct(v, inner), v, false, true))];
  },
});

/**
 * Eigenvalues, ascending, and eigenvectors of symmetric matrices in the last
 * two axes. Only the lower triangle is read.
 *
 * The vectors are the columns of the second result; each is determined up to
 * its sign. Their gradient counts vectors of equal eigenvalues as fixed.
 *
 * @throws {ShapeError} If the matrices are not square.
 * @throws {KernelError} If there is an element that is not finite.
 * @example
 * const [values] = ops.eigh([[2, 1], [1, 2]]);
 * await values.array(); // [1, 3]
 */
export const eigh: PublicOp<(x: TensorLike) => [Tensor, Tensor]> = publicOp(
  "keras.ops.eigh",
  { x: tensorArgument },
  (given) =>
    narrowLike("eigh", given, applyMany(eighOp, [wideMatrix("eigh", given, true)])) as [
      Tensor,
      Tensor,
    ],
);

const eigOp: OpDefinition = defineOp({
  name: "eig",
  infer: ([x]) => {
    const { shape, dtype } = x as Tensor;
    const values = { shape: [...batchOf(x as Tensor), shape.at(-1) as number], dtype };
    const vectors = { shape, dtype };
    return [values, values, vectors, vectors];
  },
  vjp: null,
});

/** Real and imaginary parts of the eigenvalues, then of the eigenvectors. */
export function eigenParts(x: Tensor): [Tensor, Tensor, Tensor, Tensor] {
  return applyMany(eigOp, [x]) as [Tensor, Tensor, Tensor, Tensor];
}
