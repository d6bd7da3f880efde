/**
 * @module
 */
import { add } from "../../../ops/arithmetic.ts";
import { conv } from "../../../ops/convolution.ts";
import { zeros } from "../../../ops/creation.ts";
import { concatenate } from "../../../ops/joining.ts";
import { reshape } from "../../../ops/shaping.ts";
import { split } from "../../../ops/splitting.ts";
import { outputSize, paddings } from "../../../ops/windows.ts";
import { type DataFormat, standardizeDataFormat } from "../../../runtime/settings.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { formatShape, ShapeError } from "../../../util/errors.ts";
import type * as activations from "../../activations/index.ts";
import { get as getActivation } from "../../activations/index.ts";
import { inherits, type ParameterTable, required } from "../../object.ts";
import {
  checkPositiveInteger,
  type Padding,
  standardizePadding,
  standardizeTuple,
} from "../arguments.ts";
import { alongChannels, refuseStridedDilation } from "../convolutional/convolution.ts";
import { lstmBias, lstmGates } from "./lstm-cell.ts";
import {
  cellParameters,
  orDefault,
  RecurrentCell,
  type RecurrentCellOptions,
  type Step,
  scaledStates,
} from "./recurrent-cell.ts";

/** Options of `ConvLSTMCell`. */
export interface ConvLSTMCellOptions extends RecurrentCellOptions {
  /** Of the convolution of the inputs; that of the state has none. */
  strides?: number | readonly number[] | undefined;
  /** Of the convolution of the inputs; that of the state is `"same"`. */
  padding?: Padding | undefined;
  dataFormat?: DataFormat | null | undefined;
  /** Of the convolution of the inputs. */
  dilationRate?: number | readonly number[] | undefined;
  /** Of the gates. Default: `"sigmoid"`. */
  recurrentActivation?: activations.ActivationLike | undefined;
  /** Whether the bias of the forget gate starts at 1. */
  unitForgetBias?: boolean | undefined;
}

/** The arguments of convolutional cells and layers before those of all cells. */
export const convCellParameters: ParameterTable = {
  filters: required,
  kernel_size: required,
  strides: 1,
  padding: "valid",
  data_format: null,
  dilation_rate: 1,
  activation: "tanh",
  recurrent_activation: "sigmoid",
  unit_forget_bias: true,
};

/** An LSTM's step with convolutions in place of products. States are images. */
export class ConvLSTMCell extends RecurrentCell {
  static override readonly parameters: ParameterTable = {
    rank: required,
    ...convCellParameters,
    ...cellParameters,
    [inherits]: true,
  };
  readonly rank: number;
  readonly filters: number;
  readonly kernelSize: readonly number[];
  readonly strides: readonly number[];
  readonly padding: Padding;
  readonly dataFormat: DataFormat;
  readonly dilationRate: readonly number[];
  readonly recurrentActivation: activations.ActivationFunction;
  readonly unitForgetBias: boolean;
  /** The state's shape without the batch, once it is known. */
  #stateShape: readonly number[] | null = null;

  constructor(
    rank: number,
    filters: number,
    kernelSize: number | readonly number[],
    options: ConvLSTMCellOptions = {},
  ) {
    super(options, true);
    const name = `ConvLSTM${rank}D`;
    this.rank = rank;
    this.filters = checkPositiveInteger(filters, name, "filters");
    this.kernelSize = standardizeTuple(kernelSize, rank, name, "kernelSize");
    this.strides = standardizeTuple(options.strides ?? 1, rank, name, "strides");
    this.padding = standardizePadding(options.padding ?? "valid", name);
    this.dataFormat = standardizeDataFormat(options.dataFormat);
    this.dilationRate = standardizeTuple(options.dilationRate ?? 1, rank, name, "dilationRate");
    refuseStridedDilation(this, name);
    this.recurrentActivation = getActivation(orDefault(options.recurrentActivation, "sigmoid"));
    this.unitForgetBias = options.unitForgetBias ?? true;
  }

  /** Images have no single size; `getInitialState` knows their shape. */
  override get stateSize(): readonly number[] {
    return [-1, -1];
  }

  protected override get maskCount(): number {
    return 4;
  }

  /** The axis of the channels in [batch, …]. */
  get #channelAxis(): number {
    return this.dataFormat === "channels_last" ? this.rank + 1 : 1;
  }

  override build(inputShape: readonly (number | null)[]): void {
    const isLast = this.dataFormat === "channels_last";
    const spatial = isLast ? inputShape.slice(1, -1) : inputShape.slice(2);
    const channels = inputShape[this.#channelAxis] ?? null;
    if (inputShape.length !== this.rank + 2 || spatial.includes(null) || channels === null) {
      throw new ShapeError(
        `Layer "${this.name}" needs images of known size and channels at each step, got ` +
          `${formatShape(inputShape)}. Give the Input a whole shape.`,
        { layer: this.name, shapes: [inputShape] },
      );
    }
    const all = 4 * this.filters;
    this.makeWeights(
      [...this.kernelSize, channels, all],
      [...this.kernelSize, this.filters, all],
      [all],
      lstmBias(this, this.filters),
    );
    const { kernelSize, strides, padding, dilationRate } = this;
    const lengths = spatial as number[];
    const around = paddings(this.name, padding, lengths, kernelSize, strides, dilationRate);
    const sizes = outputSize(lengths, kernelSize, strides, around, dilationRate);
    this.#stateShape = isLast ? [...sizes, this.filters] : [this.filters, ...sizes];
  }

  override get startsAtZero(): boolean {
    return this.getInitialState === ConvLSTMCell.prototype.getInitialState;
  }

  override getInitialState(batchSize: number): Tensor[] {
    const shape = [batchSize, ...(this.#stateShape as readonly number[])];
    return [0, 1].map(() => zeros(shape, { dtype: this.computeDtype }));
  }

  // Gates in Keras's order: i (input), f (forget), c (candidate), o (output).
  override project(inputs: Tensor, training: boolean): Tensor {
    const { strides, padding, dilationRate } = this;
    const [first, ...others] = this.droppedInputs(inputs, training) as [Tensor, ...Tensor[]];
    const steps = first.shape.slice(0, first.ndim - this.rank - 1);
    // Of all steps at once: time becomes a part of the batch.
    const batched = [first, ...others].map((x) =>
      reshape(x, [steps.reduce((a, b) => a * b, 1), ...x.shape.slice(steps.length)]),
    );
    const images = this.#gateImages(batched, this.kernel.value, {
      strides,
      padding: padding as "valid" | "same",
      dilationRate,
    });
    const biased =
      this.bias === null
        ? images
        : add(images, alongChannels(this.bias.value, this.rank, this.dataFormat));
    return reshape(biased, [...steps, ...biased.shape.slice(1)]);
  }

  override stepper(states: readonly Tensor[], training: boolean): Step {
    const kernel = this.recurrentKernel.value;
    const factors = this.stateFactors(states[0] as Tensor, training);
    return (projected, [h, c]) => {
      const inner = this.#gateImages(scaledStates(h as Tensor, factors), kernel, {
        padding: "same",
      });
      return lstmGates(this, add(projected, inner), c as Tensor, this.#channelAxis);
    };
  }

  /** Convolutions with the filters of all gates: of one input, or of one for each gate. */
  #gateImages(
    inputs: readonly Tensor[],
    kernel: Tensor,
    options: {
      strides?: readonly number[];
      padding: "valid" | "same";
      dilationRate?: readonly number[];
    },
  ): Tensor {
    const all = { ...options, dataFormat: this.dataFormat };
    if (inputs.length === 1) return conv(inputs[0] as Tensor, kernel, all);
    const parts = split(kernel, inputs.length, { axis: -1 });
    return concatenate(
      inputs.map((x, gate) => conv(x, parts[gate] as Tensor, all)),
      { axis: this.#channelAxis },
    );
  }
}
