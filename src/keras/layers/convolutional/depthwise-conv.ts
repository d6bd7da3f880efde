/**
 * Convolutions of each channel by itself.
 *
 * @module
 */
import { depthwiseConv } from "../../../ops/convolution.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { Variable } from "../../../tensor/variable.ts";
import * as constraints from "../../constraints/index.ts";
import * as initializers from "../../initializers/index.ts";
import { type ParameterTable, required } from "../../object.ts";
import * as regularizers from "../../regularizers/index.ts";
import { addParameter } from "../add-parameter.ts";
import { checkPositiveInteger } from "../arguments.ts";
import { Convolution, type ConvolutionOptions, convolutionParameters } from "./convolution.ts";

/** Options of the depthwise convolution layers. */
export interface DepthwiseConvOptions extends ConvolutionOptions {
  padding?: "valid" | "same" | undefined;
  /** How many filters each channel has. */
  depthMultiplier?: number | undefined;
  depthwiseInitializer?: initializers.InitializerLike | undefined;
  depthwiseRegularizer?: regularizers.RegularizerLike | undefined;
  depthwiseConstraint?: constraints.ConstraintLike | undefined;
}

const parameters: ParameterTable = {
  kernel_size: required,
  ...convolutionParameters,
  depth_multiplier: 1,
  depthwise_initializer: "glorot_uniform",
  depthwise_regularizer: null,
  depthwise_constraint: null,
};

/** Kernel `[...kernelSize, channels, depthMultiplier]`. */
abstract class BaseDepthwiseConv extends Convolution {
  readonly depthMultiplier: number;
  readonly depthwiseInitializer: unknown;
  readonly depthwiseRegularizer: unknown;
  readonly depthwiseConstraint: unknown;
  declare kernel: Variable;

  constructor(rank: number, kernelSize: number | readonly number[], options: DepthwiseConvOptions) {
    super(rank, kernelSize, options);
    this.depthMultiplier = checkPositiveInteger(
      options.depthMultiplier ?? 1,
      new.target.name,
      "depthMultiplier",
    );
    this.depthwiseInitializer = initializers.get(options.depthwiseInitializer ?? "glorot_uniform");
    this.depthwiseRegularizer = regularizers.get(options.depthwiseRegularizer ?? null);
    this.depthwiseConstraint = constraints.get(options.depthwiseConstraint ?? null);
  }

  override build(inputShape: readonly (number | null)[]): void {
    const channels = this.fixChannels(inputShape);
    const shape = [...this.kernelSize, channels, this.depthMultiplier];
    this.kernel = addParameter(this, "kernel", shape, { prefix: "depthwise" });
    this.makeBias(channels * this.depthMultiplier);
  }

  override call(inputs: Tensor): Tensor {
    return this.finish(depthwiseConv(inputs, this.kernel, this.windows));
  }
}

/**
 * A convolution of each channel by itself over time: `[n, steps, channels]` to
 * `[n, newSteps, channels * depthMultiplier]`.
 *
 * @example
 * new layers.DepthwiseConv1D(3, { depthMultiplier: 2 })(ops.ones([2, 10, 3])).shape; // [2, 8, 6]
 */
export class DepthwiseConv1D extends BaseDepthwiseConv {
  static override readonly parameters: ParameterTable = parameters;
  constructor(kernelSize: number | readonly number[], options: DepthwiseConvOptions = {}) {
    super(1, kernelSize, options);
  }
}

/**
 * A convolution of each channel by itself over images: `[n, height, width,
 * channels]` to `[n, newHeight, newWidth, channels * depthMultiplier]`.
 *
 * @example
 * const layer = new layers.DepthwiseConv2D(3, { padding: "same" });
 * layer(ops.ones([2, 8, 8, 3])).shape; // [2, 8, 8, 3]
 */
export class DepthwiseConv2D extends BaseDepthwiseConv {
  static override readonly parameters: ParameterTable = parameters;
  constructor(kernelSize: number | readonly number[], options: DepthwiseConvOptions = {}) {
    super(2, kernelSize, options);
  }
}
