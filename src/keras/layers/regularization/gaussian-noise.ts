/**
 * @module
 */
import { normal } from "../../../nn/random.ts";
import { add } from "../../../ops/arithmetic.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { inherits, type ParameterTable, required } from "../../object.ts";
import { checkRate, NoiseLayer, type SeededOptions } from "./noise-layer.ts";

/**
 * Adds normal noise of mean 0 while training.
 *
 * @example
 * const x = ops.ones([2, 3]);
 * await new layers.GaussianNoise(0.1)(x, { training: false }).array(); // [[1, 1, 1], [1, 1, 1]]
 */
export class GaussianNoise extends NoiseLayer {
  static override readonly parameters: ParameterTable = {
    stddev: required,
    seed: null,
    [inherits]: true,
  };
  readonly stddev: number;

  constructor(stddev: number, options: SeededOptions = {}) {
    super(checkRate(stddev, "GaussianNoise", "stddev"), options);
    this.stddev = stddev;
  }

  protected override disturb(inputs: Tensor): Tensor {
    const { stddev, seedGenerator: seed, computeDtype: dtype } = this;
    return add(inputs, normal(inputs.shape, { mean: 0, stddev, dtype, seed }));
  }
}
