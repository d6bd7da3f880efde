/**
 * Gradients cut to a largest norm.
 *
 * @module
 */
import { add, divide, maximum, minimum, multiply, square, subtract } from "../ops/arithmetic.ts";
import { greater, where } from "../ops/comparison.ts";
import { cast, onesLike } from "../ops/creation.ts";
import { sqrt } from "../ops/exponential.ts";
import { sum } from "../ops/reduction.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** The gradient, at most `limit` long. */
export function clipByNorm(gradient: Tensor, limit: number): Tensor {
  const squares = sum(square(gradient), { keepdims: true });
  const isPositive = greater(squares, 0);
  // Not the root of 0, whose derivative is infinite.
  const norm = where(isPositive, sqrt(where(isPositive, squares, onesLike(squares))), squares);
  return divide(multiply(gradient, limit), maximum(norm, limit));
}

/** All gradients by one factor, so that their common norm is at most `limit`. */
export function clipByGlobalNorm(gradients: readonly Tensor[], limit: number): Tensor[] {
  const squares = gradients.map((g) => sum(square(g)));
  const norm = sqrt(squares.reduce((total, s) => add(total, s)));
  // norm - norm is NaN unless the norm is finite: then all gradients are NaN, as in Keras.
  const factor = add(multiply(minimum(divide(1, norm), 1 / limit), limit), subtract(norm, norm));
  return gradients.map((g) => multiply(g, cast(factor, g.dtype)));
}
