/**
 * @module
 */
import { uniform } from "../../../nn/random.ts";
import { add, multiply } from "../../../ops/arithmetic.ts";
import { greaterEqual, where } from "../../../ops/comparison.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { ParameterTable } from "../../object.ts";
import { DropoutLayer, type DropoutOptions, dropoutParameters } from "./dropout.ts";

/** What SELU tends to for small inputs: -scale * alpha. */
const lowest = -1.6732632423543772 * 1.0507009873554805;

/**
 * Dropout that keeps mean 0 and variance 1, for networks of SELUs: dropped
 * elements take the lowest value of SELU.
 * Source: Klambauer et al., 2017, arXiv:1706.02515.
 *
 * @example
 * const x = ops.ones([2, 3]);
 * await new layers.AlphaDropout(0.5)(x, { training: false }).array(); // [[1, 1, 1], [1, 1, 1]]
 */
export class AlphaDropout extends DropoutLayer {
  static override readonly parameters: ParameterTable = dropoutParameters;

  constructor(rate: number, options: DropoutOptions = {}) {
    super(rate, options);
  }

  protected override disturb(inputs: Tensor): Tensor {
    const { rate, seedGenerator: seed } = this;
    const shape =
      this.noiseShape?.map((dim, i) => dim ?? (inputs.shape[i] as number)) ?? inputs.shape;
    const kept = greaterEqual(uniform(shape, { seed }), rate);
    // Mean 0 and variance 1 again.
    const scale = ((1 - rate) * (1 + rate * lowest ** 2)) ** -0.5;
    return add(multiply(where(kept, inputs, lowest), scale), -scale * lowest * rate);
  }
}
