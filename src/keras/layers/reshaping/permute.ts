/**
 * @module
 */
import { transpose } from "../../../ops/shaping.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { ArgumentError, describe } from "../../../util/errors.ts";
import { inherits, type ParameterTable, required } from "../../object.ts";
import { InputSpec } from "../input-spec.ts";
import { Layer, type LayerOptions } from "../layer.ts";

/**
 * The axes of each sample in another order; they count from 1.
 *
 * @example
 * new layers.Permute([2, 1])(ops.ones([2, 10, 64])).shape; // [2, 64, 10]
 */
export class Permute extends Layer {
  static override readonly parameters: ParameterTable = { dims: required, [inherits]: true };
  readonly dims: readonly number[];

  constructor(dims: readonly number[], options: LayerOptions = {}) {
    super(options);
    const fits =
      Array.isArray(dims) && [...dims].sort((a, b) => a - b).every((dim, i) => dim === i + 1);
    if (!fits) {
      throw new ArgumentError(
        `Permute: dims must be the axes 1, 2, … in some order, got ${describe(dims)}.`,
      );
    }
    this.dims = [...dims];
    this.inputSpec = new InputSpec({ ndim: dims.length + 1 });
    this.built = true;
  }

  override call(inputs: Tensor): Tensor {
    return transpose(inputs, { axes: [0, ...this.dims] });
  }
}
