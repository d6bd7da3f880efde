/**
 * @module
 */
import { inherits, type ParameterTable } from "../../object.ts";
import { Layer, type LayerOptions } from "../layer.ts";

/**
 * The input as it is, one tensor or a tree of them.
 *
 * @example
 * await new layers.Identity()(tensor([1, 2])).array(); // [1, 2]
 */
export class Identity extends Layer {
  static override readonly parameters: ParameterTable = { [inherits]: true };

  constructor(options: LayerOptions = {}) {
    super(options);
    this.supportsMasking = true;
    this.built = true;
  }

  override call<T>(inputs: T): T {
    return inputs;
  }
}
