/**
 * @module
 */
import { repeat } from "../../../ops/repeating.ts";
import { expandDims } from "../../../ops/shaping.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { inherits, type ParameterTable, required } from "../../object.ts";
import { checkPositiveInteger } from "../arguments.ts";
import { InputSpec } from "../input-spec.ts";
import { Layer, type LayerOptions } from "../layer.ts";

/**
 * A sequence of one vector `n` times: `[batch, features]` to `[batch, n, features]`.
 *
 * @example
 * await new layers.RepeatVector(2)(tensor([[1, 2]])).array(); // [[[1, 2], [1, 2]]]
 */
export class RepeatVector extends Layer {
  static override readonly parameters: ParameterTable = { n: required, [inherits]: true };
  readonly n: number;

  constructor(n: number, options: LayerOptions = {}) {
    super(options);
    this.n = checkPositiveInteger(n, "RepeatVector", "n");
    this.inputSpec = new InputSpec({ ndim: 2 });
    this.built = true;
  }

  override call(inputs: Tensor): Tensor {
    return repeat(expandDims(inputs, 1), this.n, { axis: 1 });
  }
}
