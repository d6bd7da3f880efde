/**
 * Transposed convolutions.
 *
 * @module
 */
import { convTranspose } from "../../../ops/convolution.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { Variable } from "../../../tensor/variable.ts";
import { ArgumentError } from "../../../util/errors.ts";
import * as constraints from "../../constraints/index.ts";
import * as initializers from "../../initializers/index.ts";
import { type ParameterTable, required } from "../../object.ts";
import * as regularizers from "../../regularizers/index.ts";
import { addParameter } from "../add-parameter.ts";
import { checkPositiveInteger, standardizeTuple } from "../arguments.ts";
import {
  Convolution,
  type ConvolutionOptions,
  convolutionParameters,
  refuseStridedDilation,
} from "./convolution.ts";

/** Options of the transposed convolution layers. */
export interface ConvTransposeOptions extends ConvolutionOptions {
  padding?: "valid" | "same" | undefined;
  /**
   * What is added behind each axis of the smallest output, below the stride.
   * Default: enough for the shape that a convolution would make the input of.
   */
  outputPadding?: number | readonly number[] | null | undefined;
  kernelInitializer?: initializers.InitializerLike | undefined;
  kernelRegularizer?: regularizers.RegularizerLike | undefined;
  kernelConstraint?: constraints.ConstraintLike | undefined;
}

const parameters: ParameterTable = {
  filters: required,
  kernel_size: required,
  ...convolutionParameters,
  output_padding: null,
  kernel_initializer: "glorot_uniform",
  kernel_regularizer: null,
  kernel_constraint: null,
};

/** Kernel `[...kernelSize, filters, channels]`. */
abstract class BaseConvTranspose extends Convolution {
  readonly filters: number;
  readonly outputPadding: readonly number[] | null;
  readonly kernelInitializer: unknown;
  readonly kernelRegularizer: unknown;
  readonly kernelConstraint: unknown;
  declare kernel: Variable;

  constructor(
    rank: number,
    filters: number,
    kernelSize: number | readonly number[],
    options: ConvTransposeOptions,
  ) {
    super(rank, kernelSize, options);
    const { name } = new.target;
    const added = options.outputPadding ?? null;
    this.filters = checkPositiveInteger(filters, name, "filters");
    this.outputPadding =
      added === null
        ? null
        : standardizeTuple(added, rank, name, "outputPadding", { allowZero: true });
    this.kernelInitializer = initializers.get(options.kernelInitializer ?? "glorot_uniform");
    this.kernelRegularizer = regularizers.get(options.kernelRegularizer ?? null);
    this.kernelConstraint = constraints.get(options.kernelConstraint ?? null);
    if (this.outputPadding?.some((n, i) => n >= (this.strides[i] as number))) {
      throw new ArgumentError(
        `${name}: outputPadding must be below the strides, got outputPadding ` +
          `${this.outputPadding} and strides ${this.strides}.`,
      );
    }
    refuseStridedDilation(this, name);
  }

  override build(inputShape: readonly (number | null)[]): void {
    const channels = this.fixChannels(inputShape);
    this.kernel = addParameter(this, "kernel", [...this.kernelSize, this.filters, channels]);
    this.makeBias(this.filters);
  }

  override call(inputs: Tensor): Tensor {
    const { kernel, windows, outputPadding } = this;
    return this.finish(convTranspose(inputs, kernel, { ...windows, outputPadding }));
  }
}

/**
 * A transposed convolution over time, which enlarges: `[n, steps, channels]`
 * to `[n, newSteps, filters]`.
 *
 * @example
 * new layers.Conv1DTranspose(4, 3, { strides: 2 })(ops.ones([2, 5, 3])).shape; // [2, 11, 4]
 */
export class Conv1DTranspose extends BaseConvTranspose {
  static override readonly parameters: ParameterTable = parameters;
  constructor(
    filters: number,
    kernelSize: number | readonly number[],
    options: ConvTransposeOptions = {},
  ) {
    super(1, filters, kernelSize, options);
  }
}

/**
 * A transposed convolution over images, which enlarges: `[n, height, width,
 * channels]` to `[n, newHeight, newWidth, filters]`.
 *
 * @example
 * const layer = new layers.Conv2DTranspose(4, 3, { strides: 2, padding: "same" });
 * layer(ops.ones([2, 8, 8, 3])).shape; // [2, 16, 16, 4]
 */
export class Conv2DTranspose extends BaseConvTranspose {
  static override readonly parameters: ParameterTable = parameters;
  constructor(
    filters: number,
    kernelSize: number | readonly number[],
    options: ConvTransposeOptions = {},
  ) {
    super(2, filters, kernelSize, options);
  }
}

/**
 * A transposed convolution over volumes, `[n, depth, height, width, channels]`.
 *
 * @example
 * new layers.Conv3DTranspose(4, 2)(ops.ones([1, 3, 3, 3, 2])).shape; // [1, 4, 4, 4, 4]
 */
export class Conv3DTranspose extends BaseConvTranspose {
  static override readonly parameters: ParameterTable = parameters;
  constructor(
    filters: number,
    kernelSize: number | readonly number[],
    options: ConvTransposeOptions = {},
  ) {
    super(3, filters, kernelSize, options);
  }
}
