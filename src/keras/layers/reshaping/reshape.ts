/**
 * @module
 */
import { reshape } from "../../../ops/shaping.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { ArgumentError, describe } from "../../../util/errors.ts";
import { inherits, type ParameterTable, required } from "../../object.ts";
import { Layer, type LayerOptions } from "../layer.ts";

/**
 * Another shape for each sample: `[n, …]` to `[n, ...targetShape]`.
 *
 * @example
 * new layers.Reshape([3, -1])(ops.ones([2, 12])).shape; // [2, 3, 4]
 */
export class Reshape extends Layer {
  static override readonly parameters: ParameterTable = {
    target_shape: required,
    [inherits]: true,
  };
  readonly targetShape: readonly number[];

  constructor(targetShape: readonly number[], options: LayerOptions = {}) {
    super(options);
    const fits =
      Array.isArray(targetShape) &&
      targetShape.every((dim) => Number.isInteger(dim) && dim >= -1) &&
      targetShape.filter((dim) => dim === -1).length <= 1;
    if (!fits) {
      throw new ArgumentError(
        `Reshape: the target shape must be a list of integers, at most one of them -1, ` +
          `got ${describe(targetShape)}.`,
      );
    }
    this.targetShape = [...targetShape];
    this.built = true;
  }

  override call(inputs: Tensor): Tensor {
    return reshape(inputs, [inputs.shape[0] as number, ...this.targetShape]);
  }
}
