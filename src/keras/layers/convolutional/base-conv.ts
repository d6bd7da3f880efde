/**
 * What convolution layers of all ranks share.
 *
 * @module
 */
import { add } from "../../../ops/arithmetic.ts";
import { conv } from "../../../ops/convolution.ts";
import { pad } from "../../../ops/padding.ts";
import { reshape } from "../../../ops/shaping.ts";
import { type DataFormat, standardizeDataFormat } from "../../../runtime/settings.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { Variable } from "../../../tensor/variable.ts";
import { ArgumentError, formatShape, ShapeError } from "../../../util/errors.ts";
import * as activations from "../../activations/index.ts";
import * as constraints from "../../constraints/index.ts";
import * as initializers from "../../initializers/index.ts";
import { inherits, type ParameterTable, required } from "../../object.ts";
import * as regularizers from "../../regularizers/index.ts";
import {
  checkPositiveInteger,
  type Padding,
  refuseLora,
  standardizePadding,
  standardizeTuple,
} from "../arguments.ts";
import { InputSpec } from "../input-spec.ts";
import { Layer, type LayerOptions } from "../layer.ts";

/** Options of the convolution layers. */
export interface ConvOptions extends LayerOptions {
  strides?: number | readonly number[] | undefined;
  /** `"causal"` (in one dimension): an output depends on no later input. */
  padding?: Padding | undefined;
  dataFormat?: DataFormat | null | undefined;
  dilationRate?: number | readonly number[] | undefined;
  groups?: number | undefined;
  activation?: activations.ActivationLike | undefined;
  useBias?: boolean | undefined;
  kernelInitializer?: initializers.InitializerLike | undefined;
  biasInitializer?: initializers.InitializerLike | undefined;
  kernelRegularizer?: regularizers.RegularizerLike | undefined;
  biasRegularizer?: regularizers.RegularizerLike | undefined;
  kernelConstraint?: constraints.ConstraintLike | undefined;
  biasConstraint?: constraints.ConstraintLike | undefined;
}

/** The arguments of the convolution layers. */
export const convParameters: ParameterTable = {
  filters: required,
  kernel_size: required,
  strides: 1,
  padding: "valid",
  data_format: null,
  dilation_rate: 1,
  groups: 1,
  activation: null,
  use_bias: true,
  kernel_initializer: "glorot_uniform",
  bias_initializer: "zeros",
  kernel_regularizer: null,
  bias_regularizer: null,
  kernel_constraint: null,
  bias_constraint: null,
  lora_rank: null,
  lora_alpha: null,
  [inherits]: true,
};

/** A convolution over `rank` axes: kernel `[...kernelSize, channels / groups, filters]`. */
export abstract class BaseConv extends Layer {
  readonly rank: number;
  readonly filters: number;
  readonly kernelSize: readonly number[];
  readonly strides: readonly number[];
  readonly padding: Padding;
  readonly dataFormat: DataFormat;
  readonly dilationRate: readonly number[];
  readonly groups: number;
  readonly activation: activations.ActivationFunction;
  readonly useBias: boolean;
  readonly kernelInitializer: unknown;
  readonly biasInitializer: unknown;
  readonly kernelRegularizer: unknown;
  readonly biasRegularizer: unknown;
  readonly kernelConstraint: unknown;
  readonly biasConstraint: unknown;
  declare kernel: Variable;
  declare bias: Variable | null;

  constructor(
    rank: number,
    filters: number,
    kernelSize: number | readonly number[],
    options: ConvOptions = {},
  ) {
    super(options);
    const { name } = new.target;
    refuseLora(name, options as Record<string, unknown>);
    this.rank = rank;
    this.filters = checkPositiveInteger(filters, name, "filters");
    this.kernelSize = standardizeTuple(kernelSize, rank, name, "kernelSize");
    this.strides = standardizeTuple(options.strides ?? 1, rank, name, "strides");
    this.padding = standardizePadding(
      options.padding ?? "valid",
      name,
      rank === 1 ? ["valid", "same", "causal"] : ["valid", "same"],
    );
    this.dataFormat = standardizeDataFormat(options.dataFormat);
    this.dilationRate = standardizeTuple(options.dilationRate ?? 1, rank, name, "dilationRate");
    this.groups = checkPositiveInteger(options.groups ?? 1, name, "groups");
    this.activation = activations.get(options.activation ?? null);
    this.useBias = options.useBias ?? true;
    this.kernelInitializer = initializers.get(options.kernelInitializer ?? "glorot_uniform");
    this.biasInitializer = initializers.get(options.biasInitializer ?? "zeros");
    this.kernelRegularizer = regularizers.get(options.kernelRegularizer ?? null);
    this.biasRegularizer = regularizers.get(options.biasRegularizer ?? null);
    this.kernelConstraint = constraints.get(options.kernelConstraint ?? null);
    this.biasConstraint = constraints.get(options.biasConstraint ?? null);
    this.inputSpec = new InputSpec({ minNdim: rank + 2 });
    if (this.filters % this.groups !== 0) {
      throw new ArgumentError(
        `${name}: the filters must divide into the groups evenly, got ${filters} filters and ` +
          `${this.groups} groups.`,
      );
    }
    if (Math.max(...this.strides) > 1 && Math.max(...this.dilationRate) > 1) {
      throw new ArgumentError(
        `${name}: strides and dilation cannot both be above 1, got strides ${this.strides} and ` +
          `dilation ${this.dilationRate}.`,
      );
    }
  }

  override build(inputShape: readonly (number | null)[]): void {
    const axis = this.dataFormat === "channels_last" ? -1 : 1;
    const channels = checkPositiveInteger(inputShape.at(axis), this.name, "the number of channels");
    if (channels % this.groups !== 0) {
      throw new ShapeError(
        `Layer "${this.name}": ${channels} channels do not divide into ${this.groups} groups ` +
          `(input shape ${formatShape(inputShape)}).`,
        { layer: this.name, shapes: [inputShape] },
      );
    }
    this.inputSpec = new InputSpec({ minNdim: this.rank + 2, axes: { [axis]: channels } });
    this.kernel = this.addWeight({
      name: "kernel",
      shape: [...this.kernelSize, channels / this.groups, this.filters],
      initializer: this.kernelInitializer as initializers.InitializerLike,
      regularizer: this.kernelRegularizer as regularizers.RegularizerLike,
      constraint: this.kernelConstraint as constraints.ConstraintLike,
    });
    this.bias = this.useBias
      ? this.addWeight({
          name: "bias",
          shape: [this.filters],
          initializer: this.biasInitializer as initializers.InitializerLike,
          regularizer: this.biasRegularizer as regularizers.RegularizerLike,
          constraint: this.biasConstraint as constraints.ConstraintLike,
        })
      : null;
  }

  override call(inputs: Tensor): Tensor {
    const isLast = this.dataFormat === "channels_last";
    const isCausal = this.padding === "causal";
    const outputs = conv(isCausal ? this.#padBefore(inputs) : inputs, this.kernel, {
      strides: this.strides,
      padding: isCausal ? "valid" : (this.padding as "valid" | "same"),
      dilationRate: this.dilationRate,
      dataFormat: this.dataFormat,
    });
    if (this.bias === null) return this.activation(outputs);
    const ones = new Array<number>(this.rank).fill(1);
    const bias = isLast ? this.bias : reshape(this.bias, [1, this.filters, ...ones]);
    return this.activation(add(outputs, bias));
  }

  #padBefore(inputs: Tensor): Tensor {
    const before = (this.dilationRate[0] as number) * ((this.kernelSize[0] as number) - 1);
    const time: [number, number] = [before, 0];
    const none: [number, number] = [0, 0];
    return pad(
      inputs,
      this.dataFormat === "channels_last" ? [none, time, none] : [none, none, time],
    );
  }
}
