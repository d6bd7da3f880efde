/**
 * @module
 */
import type { Tensor } from "../../../tensor/tensor.ts";
import { ArgumentError, describe } from "../../../util/errors.ts";
import { elu } from "../../activations/index.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import { Layer, type LayerOptions } from "../layer.ts";

/** Options of `ELU`. */
export interface ELUOptions extends LayerOptions {
  /** What the output tends to for small inputs, but for the sign. */
  alpha?: number | undefined;
}

/**
 * Exponential linear units: `x` above 0, `alpha * (exp(x) - 1)` below.
 * Source: Clevert et al., 2016, arXiv:1511.07289.
 *
 * @example
 * await new layers.ELU()(tensor([-1, 2])).array(); // [-0.6321, 2]
 */
export class ELU extends Layer {
  static override readonly parameters: ParameterTable = { alpha: 1, [inherits]: true };
  readonly alpha: number;

  constructor(options: ELUOptions = {}) {
    super(options);
    this.alpha = options.alpha ?? 1;
    if (typeof this.alpha !== "number") {
      throw new ArgumentError(`ELU: alpha must be a number, got ${describe(this.alpha)}.`);
    }
    this.supportsMasking = true;
    this.built = true;
  }

  override call(inputs: Tensor): Tensor {
    return elu(inputs, { alpha: this.alpha });
  }
}
