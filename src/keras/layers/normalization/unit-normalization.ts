/**
 * @module
 */
import { normalize } from "../../../ops/normalization.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import { checkAxes } from "../arguments.ts";
import { Layer, type LayerOptions } from "../layer.ts";

/** Options of `UnitNormalization`. */
export interface UnitNormalizationOptions extends LayerOptions {
  /** The axes of the vectors. Default: the last. */
  axis?: number | readonly number[] | undefined;
}

/**
 * Divides vectors by their lengths.
 *
 * @example
 * await new layers.UnitNormalization()(tensor([[3, 4]])).array(); // [[0.6, 0.8]]
 */
export class UnitNormalization extends Layer {
  static override readonly parameters: ParameterTable = { axis: -1, [inherits]: true };
  readonly axis: number | readonly number[];

  constructor(options: UnitNormalizationOptions = {}) {
    super(options);
    this.axis = checkAxes(options.axis ?? -1, "UnitNormalization");
    this.supportsMasking = true;
    this.built = true;
  }

  override call(inputs: Tensor): Tensor {
    return normalize(inputs, { axis: this.axis, order: 2, epsilon: 1e-12 });
  }
}
