/**
 * @module
 */
import { ArgumentError, describe } from "../../../util/errors.ts";
import {
  type Config,
  type ConstructorOf,
  inherits,
  type ParameterTable,
  required,
} from "../../object.ts";
import { deserializeKerasObject } from "../../saving/serialization.ts";
import { Layer, type LayerOptions } from "../layer.ts";
import type { InputShape } from "../shape-trees.ts";

/**
 * A layer around another one. Subclasses say in `call` what they do with it.
 *
 * @example
 * class Twice extends layers.Wrapper {
 *   call(x) {
 *     return this.layer(this.layer(x));
 *   }
 * }
 * const halve = new layers.LeakyReLU({ negativeSlope: 0.5 });
 * await new Twice(halve)(tensor([-4, 2])).array(); // [-1, 2]
 */
export class Wrapper extends Layer {
  static override readonly parameters: ParameterTable = { layer: required, [inherits]: true };
  readonly layer: Layer;

  constructor(layer: Layer, options: LayerOptions = {}) {
    super(options);
    if (!(layer instanceof Layer)) {
      throw new ArgumentError(
        `${new.target.name}: expected the layer to wrap, got ${describe(layer)}.`,
      );
    }
    this.layer = layer;
  }

  override build(...inputShapes: InputShape[]): void {
    if (!this.layer.built) this.layer.build(...inputShapes);
  }

  static override fromConfig<T>(
    this: ConstructorOf<T>,
    config: Config,
    customObjects?: Readonly<Record<string, unknown>>,
  ): T {
    const layer = deserializeKerasObject(config["layer"], { customObjects });
    return Layer.fromConfig.call(this, { ...config, layer }) as T;
  }
}
