/**
 * @module
 */
import { cast } from "../../../ops/creation.ts";
import { layerNormalization } from "../../../ops/normalization.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { normalizeAxes } from "../../../util/shapes.ts";
import type { ParameterTable } from "../../object.ts";
import { checkAxes } from "../arguments.ts";
import {
  AffineNormalization,
  type AffineNormalizationOptions,
  affineParameters,
} from "./affine-normalization.ts";

/** Options of `LayerNormalization`. */
export interface LayerNormalizationOptions extends AffineNormalizationOptions {
  /** The axes that are normalized together. Default: the last. */
  axis?: number | readonly number[] | undefined;
  /** Divides by the standard deviation without taking off the mean. */
  rmsScaling?: boolean | undefined;
}

/**
 * Mean 0 and variance 1 over the features of each sample, then scale and
 * offset. Source: Ba et al., 2016, arXiv:1607.06450.
 *
 * @example
 * const y = new layers.LayerNormalization({ epsilon: 0 })(tensor([[1, 3]]));
 * await y.array(); // [[-1, 1]]
 */
export class LayerNormalization extends AffineNormalization {
  static override readonly parameters: ParameterTable = {
    axis: -1,
    rms_scaling: false,
    ...affineParameters,
  };
  axis: number | readonly number[];
  readonly rmsScaling: boolean;

  constructor(options: LayerNormalizationOptions = {}) {
    super({ ...options, autocast: false });
    this.axis = checkAxes(options.axis ?? -1, "LayerNormalization");
    this.rmsScaling = options.rmsScaling ?? false;
  }

  override build(inputShape: readonly (number | null)[]): void {
    const axes = normalizeAxes(this.name, this.axis, inputShape.length);
    this.axis = axes;
    const shape = axes.map((axis) => inputShape[axis] as number);
    const { scale, center, rmsScaling } = this;
    this.makeAffine(shape, { scale: scale || rmsScaling, center: center && !rmsScaling });
  }

  override call(inputs: Tensor): Tensor {
    const { gamma, beta, axis, epsilon, rmsScaling } = this;
    const outputs = layerNormalization(inputs, { gamma, beta, axis, epsilon, rmsScaling });
    return cast(outputs, this.computeDtype);
  }
}
