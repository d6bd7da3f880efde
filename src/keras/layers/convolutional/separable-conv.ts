/**
 * Convolutions of each channel by itself, then over the channels alone.
 *
 * @module
 */
import { separableConv } from "../../../ops/convolution.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { Variable } from "../../../tensor/variable.ts";
import * as constraints from "../../constraints/index.ts";
import * as initializers from "../../initializers/index.ts";
import { type ParameterTable, required } from "../../object.ts";
import * as regularizers from "../../regularizers/index.ts";
import { addParameter } from "../add-parameter.ts";
import { checkPositiveInteger } from "../arguments.ts";
import { Convolution, type ConvolutionOptions, convolutionParameters } from "./convolution.ts";

/** Options of the separable convolution layers. */
export interface SeparableConvOptions extends ConvolutionOptions {
  padding?: "valid" | "same" | undefined;
  /** How many filters each channel has before the channels are mixed. */
  depthMultiplier?: number | undefined;
  depthwiseInitializer?: initializers.InitializerLike | undefined;
  pointwiseInitializer?: initializers.InitializerLike | undefined;
  depthwiseRegularizer?: regularizers.RegularizerLike | undefined;
  pointwiseRegularizer?: regularizers.RegularizerLike | undefined;
  depthwiseConstraint?: constraints.ConstraintLike | undefined;
  pointwiseConstraint?: constraints.ConstraintLike | undefined;
}

const parameters: ParameterTable = {
  filters: required,
  kernel_size: required,
  ...convolutionParameters,
  depth_multiplier: 1,
  depthwise_initializer: "glorot_uniform",
  pointwise_initializer: "glorot_uniform",
  depthwise_regularizer: null,
  pointwise_regularizer: null,
  depthwise_constraint: null,
  pointwise_constraint: null,
};

/** Kernels `[...kernelSize, channels, multiplier]` and `[1…, channels * multiplier, filters]`. */
abstract class BaseSeparableConv extends Convolution {
  readonly filters: number;
  readonly depthMultiplier: number;
  readonly depthwiseInitializer: unknown;
  readonly pointwiseInitializer: unknown;
  readonly depthwiseRegularizer: unknown;
  readonly pointwiseRegularizer: unknown;
  readonly depthwiseConstraint: unknown;
  readonly pointwiseConstraint: unknown;
  declare depthwiseKernel: Variable;
  declare pointwiseKernel: Variable;

  constructor(
    rank: number,
    filters: number,
    kernelSize: number | readonly number[],
    options: SeparableConvOptions,
  ) {
    super(rank, kernelSize, options);
    const { name } = new.target;
    const multiplier = options.depthMultiplier ?? 1;
    this.filters = checkPositiveInteger(filters, name, "filters");
    this.depthMultiplier = checkPositiveInteger(multiplier, name, "depthMultiplier");
    this.depthwiseInitializer = initializers.get(options.depthwiseInitializer ?? "glorot_uniform");
    this.pointwiseInitializer = initializers.get(options.pointwiseInitializer ?? "glorot_uniform");
    this.depthwiseRegularizer = regularizers.get(options.depthwiseRegularizer ?? null);
    this.pointwiseRegularizer = regularizers.get(options.pointwiseRegularizer ?? null);
    this.depthwiseConstraint = constraints.get(options.depthwiseConstraint ?? null);
    this.pointwiseConstraint = constraints.get(options.pointwiseConstraint ?? null);
  }

  override build(inputShape: readonly (number | null)[]): void {
    const channels = this.fixChannels(inputShape);
    const { kernelSize, depthMultiplier, filters } = this;
    const ones = new Array<number>(this.rank).fill(1);
    this.depthwiseKernel = addParameter(
      this,
      "depthwise_kernel",
      [...kernelSize, channels, depthMultiplier],
      { prefix: "depthwise" },
    );
    this.pointwiseKernel = addParameter(
      this,
      "pointwise_kernel",
      [...ones, channels * depthMultiplier, filters],
      { prefix: "pointwise" },
    );
    this.makeBias(filters);
  }

  override call(inputs: Tensor): Tensor {
    const { depthwiseKernel, pointwiseKernel, windows } = this;
    return this.finish(separableConv(inputs, depthwiseKernel, pointwiseKernel, windows));
  }
}

/**
 * A convolution of each channel by itself over time, then one over the
 * channels alone: `[n, steps, channels]` to `[n, newSteps, filters]`.
 *
 * @example
 * new layers.SeparableConv1D(4, 3)(ops.ones([2, 10, 3])).shape; // [2, 8, 4]
 */
export class SeparableConv1D extends BaseSeparableConv {
  static override readonly parameters: ParameterTable = parameters;
  constructor(
    filters: number,
    kernelSize: number | readonly number[],
    options: SeparableConvOptions = {},
  ) {
    super(1, filters, kernelSize, options);
  }
}

/**
 * A convolution of each channel by itself over images, then one over the
 * channels alone: `[n, height, width, channels]` to `[n, newHeight, newWidth,
 * filters]`.
 *
 * @example
 * new layers.SeparableConv2D(4, 3)(ops.ones([2, 8, 8, 3])).shape; // [2, 6, 6, 4]
 */
export class SeparableConv2D extends BaseSeparableConv {
  static override readonly parameters: ParameterTable = parameters;
  constructor(
    filters: number,
    kernelSize: number | readonly number[],
    options: SeparableConvOptions = {},
  ) {
    super(2, filters, kernelSize, options);
  }
}
