/**
 * @module
 */
import type { Tensor } from "../../../tensor/tensor.ts";
import * as activations from "../../activations/index.ts";
import { inherits, type ParameterTable, required } from "../../object.ts";
import { Layer, type LayerOptions } from "../layer.ts";

/**
 * An activation function as a layer.
 *
 * @example
 * await new layers.Activation("relu")(tensor([-3, 2])).array(); // [0, 2]
 */
export class Activation extends Layer {
  static override readonly parameters: ParameterTable = { activation: required, [inherits]: true };
  readonly activation: activations.ActivationFunction;

  constructor(activation: activations.ActivationLike, options: LayerOptions = {}) {
    super(options);
    this.activation = activations.get(activation);
    this.supportsMasking = true;
    this.built = true;
  }

  override call(inputs: Tensor): Tensor {
    return this.activation(inputs);
  }
}
