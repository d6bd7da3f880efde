/**
 * @module
 */
import type { Tensor } from "../../../tensor/tensor.ts";
import { leakyRelu } from "../../activations/index.ts";
import { type Config, type ConstructorOf, inherits, type ParameterTable } from "../../object.ts";
import { checkNonNegative } from "../arguments.ts";
import { Layer, type LayerOptions } from "../layer.ts";

/** Options of `LeakyReLU`. */
export interface LeakyReLUOptions extends LayerOptions {
  /** The slope below 0. */
  negativeSlope?: number | undefined;
}

/**
 * `x` above 0, `negativeSlope * x` below.
 *
 * @example
 * await new layers.LeakyReLU({ negativeSlope: 0.5 })(tensor([-4, 2])).array(); // [-2, 2]
 */
export class LeakyReLU extends Layer {
  static override readonly parameters: ParameterTable = { negative_slope: 0.3, [inherits]: true };
  readonly negativeSlope: number;

  constructor(options: LeakyReLUOptions = {}) {
    super(options);
    const slope = options.negativeSlope ?? 0.3;
    this.negativeSlope = checkNonNegative(slope, "LeakyReLU", "negativeSlope");
    this.supportsMasking = true;
    this.built = true;
  }

  /** Older configs call the slope `alpha`. */
  static override fromConfig<T>(this: ConstructorOf<T>, config: Config): T {
    const { alpha, ...rest } = config;
    const renamed = alpha === undefined ? rest : { ...rest, negative_slope: alpha };
    return Layer.fromConfig.call(this, renamed) as T;
  }

  override call(inputs: Tensor): Tensor {
    return leakyRelu(inputs, { negativeSlope: this.negativeSlope });
  }
}
