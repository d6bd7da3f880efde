/**
 * @module
 */
import { normal } from "../../../nn/random.ts";
import { multiply } from "../../../ops/arithmetic.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { inherits, type ParameterTable, required } from "../../object.ts";
import { checkRate, NoiseLayer, type SeededOptions } from "./noise-layer.ts";

/**
 * Multiplies by normal noise of mean 1 and variance `rate / (1 - rate)` while
 * training, that of dropout at this rate.
 * Source: Srivastava et al., 2014, section 10.
 *
 * @example
 * const x = ops.ones([2, 3]);
 * await new layers.GaussianDropout(0.5)(x, { training: false }).array(); // [[1, 1, 1], [1, 1, 1]]
 */
export class GaussianDropout extends NoiseLayer {
  static override readonly parameters: ParameterTable = {
    rate: required,
    seed: null,
    [inherits]: true,
  };
  readonly rate: number;

  constructor(rate: number, options: SeededOptions = {}) {
    super(checkRate(rate, "GaussianDropout", "rate"), options);
    this.rate = rate;
  }

  protected override disturb(inputs: Tensor): Tensor {
    const { rate, seedGenerator: seed, computeDtype: dtype } = this;
    const stddev = Math.sqrt(rate / (1 - rate));
    return multiply(inputs, normal(inputs.shape, { mean: 1, stddev, dtype, seed }));
  }
}
