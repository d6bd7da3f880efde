/**
 * @module
 */
import type { Tensor } from "../../../tensor/tensor.ts";
import { type Config, inherits, type ParameterTable } from "../../object.ts";
import { L1L2 } from "../../regularizers/index.ts";
import { Layer, type LayerOptions } from "../layer.ts";

/** Options of `ActivityRegularization`. */
export interface ActivityRegularizationOptions extends Omit<LayerOptions, "activityRegularizer"> {
  /** What the sum of absolute values is multiplied by. */
  l1?: number | undefined;
  /** What the sum of squares is multiplied by. */
  l2?: number | undefined;
}

/**
 * The input, of which the loss gets a penalty: `l1 * sum(|x|) + l2 * sum(x^2)`
 * over the batch size.
 *
 * @example
 * const layer = new layers.ActivityRegularization({ l1: 0.5 });
 * await layer(tensor([[1, -3]])).array(); // [[1, -3]]
 * await layer.losses[0].item(); // 2
 */
export class ActivityRegularization extends Layer {
  static override readonly parameters: ParameterTable = { l1: 0, l2: 0, [inherits]: true };
  readonly l1: number;
  readonly l2: number;

  constructor(options: ActivityRegularizationOptions = {}) {
    const { l1 = 0, l2 = 0 } = options;
    super({ ...options, activityRegularizer: new L1L2({ l1, l2 }) } as LayerOptions);
    this.l1 = l1;
    this.l2 = l2;
    this.supportsMasking = true;
    this.built = true;
  }

  override call(inputs: Tensor): Tensor {
    return inputs;
  }

  override getConfig(): Config {
    const { activity_regularizer: _, ...config } = super.getConfig();
    return config;
  }
}
