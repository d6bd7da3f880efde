/**
 * What convolution layers of all ranks share.
 *
 * @module
 */
import { conv } from "../../../ops/convolution.ts";
import { pad } from "../../../ops/padding.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { Variable } from "../../../tensor/variable.ts";
import { ArgumentError, formatShape, ShapeError } from "../../../util/errors.ts";
import * as constraints from "../../constraints/index.ts";
import * as initializers from "../../initializers/index.ts";
import { type ParameterTable, required } from "../../object.ts";
import * as regularizers from "../../regularizers/index.ts";
import { addParameter } from "../add-parameter.ts";
import { checkPositiveInteger, type Padding } from "../arguments.ts";
import {
  adapted,
  type EnableLoraOptions,
  enableGivenLora,
  enableLora,
  type LoraOptions,
  mergeLora,
  readLora,
  withLoraOfZeros,
} from "../lora.ts";
import {
  Convolution,
  type ConvolutionOptions,
  convolutionParameters,
  refuseStridedDilation,
} from "./convolution.ts";

/** Options of the convolution layers. */
export interface ConvOptions extends ConvolutionOptions, LoraOptions {
  /** `"causal"` (in one dimension): an output depends on no later input. */
  padding?: Padding | undefined;
  groups?: number | undefined;
  kernelInitializer?: initializers.InitializerLike | undefined;
  kernelRegularizer?: regularizers.RegularizerLike | undefined;
  kernelConstraint?: constraints.ConstraintLike | undefined;
}

/** The arguments of the convolution layers. */
export const convParameters: ParameterTable = {
  filters: required,
  kernel_size: required,
  ...convolutionParameters,
  groups: 1,
  kernel_initializer: "glorot_uniform",
  kernel_regularizer: null,
  kernel_constraint: null,
  lora_rank: null,
  lora_alpha: null,
};

/** A convolution over `rank` axes: kernel `[...kernelSize, channels / groups, filters]`. */
export abstract class BaseConv extends Convolution {
  readonly filters: number;
  readonly groups: number;
  readonly kernelInitializer: unknown;
  readonly kernelRegularizer: unknown;
  readonly kernelConstraint: unknown;
  declare kernel: Variable;
  declare loraRank: number | undefined;
  declare loraAlpha: number | undefined;
  declare loraEnabled: boolean;
  declare loraKernelA: Variable | undefined;
  declare loraKernelB: Variable | undefined;

  constructor(
    rank: number,
    filters: number,
    kernelSize: number | readonly number[],
    options: ConvOptions = {},
  ) {
    super(rank, kernelSize, options, rank === 1 ? ["valid", "same", "causal"] : undefined);
    const { name } = new.target;
    readLora(this, options, name);
    this.filters = checkPositiveInteger(filters, name, "filters");
    this.groups = checkPositiveInteger(options.groups ?? 1, name, "groups");
    this.kernelInitializer = initializers.get(options.kernelInitializer ?? "glorot_uniform");
    this.kernelRegularizer = regularizers.get(options.kernelRegularizer ?? null);
    this.kernelConstraint = constraints.get(options.kernelConstraint ?? null);
    if (this.filters % this.groups !== 0) {
      throw new ArgumentError(
        `${name}: the filters must divide into the groups evenly, got ${filters} filters and ` +
          `${this.groups} groups.`,
      );
    }
    refuseStridedDilation(this, name);
  }

  override build(inputShape: readonly (number | null)[]): void {
    const channels = this.fixChannels(inputShape);
    if (channels % this.groups !== 0) {
      throw new ShapeError(
        `Layer "${this.name}": ${channels} channels do not divide into ${this.groups} groups ` +
          `(input shape ${formatShape(inputShape)}).`,
        { layer: this.name, shapes: [inputShape] },
      );
    }
    const shape = [...this.kernelSize, channels / this.groups, this.filters];
    this.kernel = addParameter(this, "kernel", shape);
    this.makeBias(this.filters);
    enableGivenLora(this, "kernel");
  }

  override call(inputs: Tensor): Tensor {
    const padded = this.padding === "causal" ? this.#padBefore(inputs) : inputs;
    return this.finish(conv(padded, adapted(this, "kernel"), this.windows));
  }

  /**
   * Freezes the kernel and trains a product of a low rank in its place
   * (arXiv:2106.09685). Files hold the sum of both.
   *
   * @throws {StateError} If the layer is not built or has been adapted.
   */
  enableLora(rank: number, options: EnableLoraOptions = {}): void {
    enableLora(this, "kernel", rank, options);
  }

  override saveOwnVariables(store: Record<string, Variable | Tensor>): void {
    super.saveOwnVariables(store);
    mergeLora(this, "kernel", store);
  }

  override loadOwnVariables(store: Readonly<Record<string, Tensor>>): void {
    super.loadOwnVariables(withLoraOfZeros(this, "kernel", store));
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
