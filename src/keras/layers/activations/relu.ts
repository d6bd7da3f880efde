/**
 * @module
 */
import type { Tensor } from "../../../tensor/tensor.ts";
import { relu } from "../../activations/index.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import { checkNonNegative } from "../arguments.ts";
import { Layer, type LayerOptions } from "../layer.ts";

/** Options of `ReLU`. */
export interface ReLUOptions extends LayerOptions {
  /** The largest output; default: none. */
  maxValue?: number | null | undefined;
  /** The slope below the threshold. */
  negativeSlope?: number | undefined;
  /** What inputs must exceed. */
  threshold?: number | undefined;
}

/**
 * Rectified linear units: `x` above the threshold and at most `maxValue`,
 * `negativeSlope * (x - threshold)` below.
 *
 * @example
 * await new layers.ReLU({ maxValue: 6 })(tensor([-3, 2, 10])).array(); // [0, 2, 6]
 */
export class ReLU extends Layer {
  static override readonly parameters: ParameterTable = {
    max_value: null,
    negative_slope: 0,
    threshold: 0,
    [inherits]: true,
  };
  readonly maxValue: number | null;
  readonly negativeSlope: number;
  readonly threshold: number;

  constructor(options: ReLUOptions = {}) {
    super(options);
    const { maxValue = null, negativeSlope = 0, threshold = 0 } = options;
    this.maxValue = maxValue === null ? null : checkNonNegative(maxValue, "ReLU", "maxValue");
    this.negativeSlope = checkNonNegative(negativeSlope, "ReLU", "negativeSlope");
    this.threshold = checkNonNegative(threshold, "ReLU", "threshold");
    this.supportsMasking = true;
    this.built = true;
  }

  override call(inputs: Tensor): Tensor {
    const { maxValue, negativeSlope, threshold } = this;
    return relu(inputs, { maxValue, negativeSlope, threshold });
  }
}
