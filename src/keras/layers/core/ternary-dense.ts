/**
 * @module
 */
import { stopGradient } from "../../../autograd/grad.ts";
import { absolute, add, multiply, sign, subtract } from "../../../ops/arithmetic.ts";
import { greater } from "../../../ops/comparison.ts";
import { cast } from "../../../ops/creation.ts";
import { matmul } from "../../../ops/linear.ts";
import { mean } from "../../../ops/reduction.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { ParameterTable } from "../../object.ts";
import { checkNonNegative } from "../arguments.ts";
import { BaseDense, type BaseDenseOptions, denseParameters } from "./base-dense.ts";

/** Options of `TernaryDense`. */
export interface TernaryDenseOptions extends BaseDenseOptions {
  /**
   * Weights that are not larger count as 0. Default: half the mean of the
   * absolute weights, and then outputs are scaled by that mean.
   */
  threshold?: number | null | undefined;
}

/**
 * A fully connected layer whose weights count as -1, 0 or 1. Gradients pass
 * through to the weights themselves.
 * Source: Bengio et al., 2013, arXiv:1308.3432 (the straight-through estimator).
 *
 * @example
 * const layer = new layers.TernaryDense(1, { threshold: 0.5, kernelInitializer: "ones" });
 * await layer(tensor([[2, 3]])).array(); // [[5]]
 */
export class TernaryDense extends BaseDense {
  static override readonly parameters: ParameterTable = { ...denseParameters, threshold: null };
  readonly threshold: number | null;

  constructor(units: number, options: TernaryDenseOptions = {}) {
    super(units, options);
    const threshold = options.threshold ?? null;
    this.threshold =
      threshold === null ? null : checkNonNegative(threshold, "TernaryDense", "threshold");
  }

  override call(inputs: Tensor): Tensor {
    const kernel = this.kernel.value;
    const sizes = absolute(kernel);
    const threshold = this.threshold ?? multiply(mean(sizes), 0.5);
    const ternary = multiply(sign(kernel), cast(greater(sizes, threshold), kernel.dtype));
    const product = matmul(inputs, add(kernel, stopGradient(subtract(ternary, kernel))));
    return this.finish(this.threshold === null ? multiply(product, mean(sizes)) : product);
  }
}
