/**
 * @module
 */
import { uniform } from "../../../nn/random.ts";
import { add, multiply } from "../../../ops/arithmetic.ts";
import { greaterEqual, where } from "../../../ops/comparison.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { inherits, type ParameterTable, required } from "../../object.ts";
import { checkNoiseShape, type DropoutOptions, type NoiseShape } from "./dropout.ts";
import { checkRate, NoiseLayer } from "./noise-layer.ts";

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
export class AlphaDropout extends NoiseLayer {
  static override readonly parameters: ParameterTable = {
    rate: required,
    noise_shape: null,
    seed: null,
    [inherits]: true,
  };
  readonly rate: number;
  readonly noiseShape: NoiseShape | null;

  constructor(rate: number, options: DropoutOptions = {}) {
    super(checkRate(rate, "AlphaDropout", "rate"), options);
    this.rate = rate;
    this.noiseShape = checkNoiseShape(options.noiseShape ?? null, "AlphaDropout");
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
