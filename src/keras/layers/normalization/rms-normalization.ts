/**
 * @module
 */
import { rmsNormalization } from "../../../ops/normalization.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { Variable } from "../../../tensor/variable.ts";
import { describe, formatShape, ShapeError } from "../../../util/errors.ts";
import { normalizeAxes } from "../../../util/shapes.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import { checkAxes } from "../arguments.ts";
import { Layer, type LayerOptions } from "../layer.ts";

/** Options of `RMSNormalization`. */
export interface RMSNormalizationOptions extends LayerOptions {
  /** The axes over which the mean square is taken. Default: the last. */
  axis?: number | readonly number[] | undefined;
  epsilon?: number | undefined;
}

/**
 * Mean square 1 over the features of each sample, then scale.
 * Source: Zhang and Sennrich, 2019, arXiv:1910.07467.
 *
 * @example
 * const layer = new layers.RMSNormalization({ epsilon: 0 });
 * await layer(tensor([[3, 4]])).array(); // [[0.8485, 1.1314]]
 */
export class RMSNormalization extends Layer {
  static override readonly parameters: ParameterTable = {
    axis: -1,
    epsilon: 1e-6,
    [inherits]: true,
  };
  axis: number | readonly number[];
  readonly epsilon: number;
  declare scale: Variable;

  constructor(options: RMSNormalizationOptions = {}) {
    super(options);
    this.axis = checkAxes(options.axis ?? -1, "RMSNormalization");
    this.epsilon = options.epsilon ?? 1e-6;
  }

  override build(inputShape: readonly (number | null)[]): void {
    this.axis = [this.axis].flat().sort((a, b) => a - b);
    const axes = normalizeAxes(this.name, this.axis, inputShape.length);
    const shape = axes.map((axis) => inputShape[axis] ?? null);
    if (shape.includes(null)) {
      throw new ShapeError(
        `Layer "${this.name}": the axes ${describe(this.axis)} of the input must have known ` +
          `lengths, got shape ${formatShape(inputShape)}.`,
        { layer: this.name, shapes: [inputShape] },
      );
    }
    this.scale = this.addWeight({ name: "scale", shape: shape as number[], initializer: "ones" });
  }

  override call(inputs: Tensor): Tensor {
    const { scale, axis, epsilon } = this;
    return rmsNormalization(inputs, { scale, axis, epsilon });
  }
}
