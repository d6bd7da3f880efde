/**
 * What convolution layers of all kinds share.
 *
 * @module
 */
import { add } from "../../../ops/arithmetic.ts";
import { reshape } from "../../../ops/shaping.ts";
import { type DataFormat, standardizeDataFormat } from "../../../runtime/settings.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { Variable } from "../../../tensor/variable.ts";
import { ArgumentError } from "../../../util/errors.ts";
import * as activations from "../../activations/index.ts";
import * as constraints from "../../constraints/index.ts";
import * as initializers from "../../initializers/index.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import * as regularizers from "../../regularizers/index.ts";
import { addParameter } from "../add-parameter.ts";
import {
  checkPositiveInteger,
  type Padding,
  standardizePadding,
  standardizeTuple,
} from "../arguments.ts";
import { InputSpec } from "../input-spec.ts";
import { Layer, type LayerOptions } from "../layer.ts";

/** Options that all convolution layers take. */
export interface ConvolutionOptions extends LayerOptions {
  strides?: number | readonly number[] | undefined;
  padding?: Padding | undefined;
  dataFormat?: DataFormat | null | undefined;
  dilationRate?: number | readonly number[] | undefined;
  activation?: activations.ActivationLike | undefined;
  useBias?: boolean | undefined;
  biasInitializer?: initializers.InitializerLike | undefined;
  biasRegularizer?: regularizers.RegularizerLike | undefined;
  biasConstraint?: constraints.ConstraintLike | undefined;
}

/** Their arguments. */
export const convolutionParameters: ParameterTable = {
  strides: 1,
  padding: "valid",
  data_format: null,
  dilation_rate: 1,
  activation: null,
  use_bias: true,
  bias_initializer: "zeros",
  bias_regularizer: null,
  bias_constraint: null,
  [inherits]: true,
};

/** A layer of windows over `rank` axes, then a bias and an activation. */
export abstract class Convolution extends Layer {
  readonly rank: number;
  readonly kernelSize: readonly number[];
  readonly strides: readonly number[];
  readonly padding: Padding;
  readonly dataFormat: DataFormat;
  readonly dilationRate: readonly number[];
  readonly activation: activations.ActivationFunction;
  readonly useBias: boolean;
  readonly biasInitializer: unknown;
  readonly biasRegularizer: unknown;
  readonly biasConstraint: unknown;
  declare bias: Variable | null;

  constructor(
    rank: number,
    kernelSize: number | readonly number[],
    options: ConvolutionOptions,
    paddings?: readonly Padding[],
  ) {
    super(options);
    const { name } = new.target;
    this.rank = rank;
    this.kernelSize = standardizeTuple(kernelSize, rank, name, "kernelSize");
    this.strides = standardizeTuple(options.strides ?? 1, rank, name, "strides");
    this.padding = standardizePadding(options.padding ?? "valid", name, paddings);
    this.dataFormat = standardizeDataFormat(options.dataFormat);
    this.dilationRate = standardizeTuple(options.dilationRate ?? 1, rank, name, "dilationRate");
    this.activation = activations.get(options.activation ?? null);
    this.useBias = options.useBias ?? true;
    this.biasInitializer = initializers.get(options.biasInitializer ?? "zeros");
    this.biasRegularizer = regularizers.get(options.biasRegularizer ?? null);
    this.biasConstraint = constraints.get(options.biasConstraint ?? null);
    this.inputSpec = new InputSpec({ minNdim: rank + 2 });
  }

  /** The channels of inputs of a shape; from then on all inputs must have as many. */
  protected fixChannels(inputShape: readonly (number | null)[]): number {
    const axis = this.dataFormat === "channels_last" ? -1 : 1;
    const channels = checkPositiveInteger(inputShape.at(axis), this.name, "the number of channels");
    this.inputSpec = new InputSpec({ minNdim: this.rank + 2, axes: { [axis]: channels } });
    return channels;
  }

  protected makeBias(filters: number): void {
    this.bias = this.useBias ? addParameter(this, "bias", [filters]) : null;
  }

  /** Where the windows are, for the ops. */
  protected get windows(): {
    strides: readonly number[];
    padding: "valid" | "same";
    dilationRate: readonly number[];
    dataFormat: DataFormat;
  } {
    return {
      strides: this.strides,
      padding: this.padding === "same" ? "same" : "valid",
      dilationRate: this.dilationRate,
      dataFormat: this.dataFormat,
    };
  }

  /** Adds the bias and applies the activation. */
  protected finish(outputs: Tensor): Tensor {
    if (this.bias === null) return this.activation(outputs);
    return this.activation(add(outputs, alongChannels(this.bias, this.rank, this.dataFormat)));
  }
}

/** A bias with axes for what it is added to, images of `rank` axes. */
export function alongChannels<Bias extends Tensor | Variable>(
  bias: Bias,
  rank: number,
  dataFormat: DataFormat,
): Bias | Tensor {
  if (dataFormat === "channels_last") return bias;
  return reshape(bias, [1, bias.shape[0] as number, ...new Array<number>(rank).fill(1)]);
}

/** @throws {ArgumentError} If both strides and dilation are above 1. */
export function refuseStridedDilation(
  { strides, dilationRate }: Pick<Convolution, "strides" | "dilationRate">,
  layer: string,
): void {
  if (Math.max(...strides) > 1 && Math.max(...dilationRate) > 1) {
    throw new ArgumentError(
      `${layer}: strides and dilation cannot both be above 1, got strides ${strides} and ` +
        `dilation ${dilationRate}.`,
    );
  }
}
