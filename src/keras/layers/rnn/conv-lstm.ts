/**
 * Convolutional LSTMs over sequences of images of one, two and three axes.
 *
 * @module
 */
import type { DataFormat } from "../../../runtime/settings.ts";
import type * as activations from "../../activations/index.ts";
import type { ParameterTable } from "../../object.ts";
import type { Padding } from "../arguments.ts";
import { InputSpec } from "../input-spec.ts";
import {
  CellLayer,
  type CellLayerOptions,
  cellLayerParameters,
  cellOptions,
} from "./cell-layer.ts";
import { ConvLSTMCell, type ConvLSTMCellOptions, convCellParameters } from "./conv-lstm-cell.ts";

/** Options of the convolutional LSTMs. */
export interface ConvLSTMOptions extends CellLayerOptions, ConvLSTMCellOptions {}

const parameters: ParameterTable = cellLayerParameters(convCellParameters);

/** What the convolutional LSTMs of all ranks share. */
export abstract class ConvLSTM extends CellLayer<ConvLSTMCell> {
  static override readonly parameters: ParameterTable = parameters;

  constructor(
    rank: number,
    filters: number,
    kernelSize: number | readonly number[],
    options: ConvLSTMOptions = {},
  ) {
    super(
      new ConvLSTMCell(
        rank,
        filters,
        kernelSize,
        cellOptions(options, "conv_lstm_cell", ConvLSTMCell.parameters),
      ),
      options,
    );
    this.inputSpec = new InputSpec({ ndim: rank + 3 });
  }

  get filters(): number {
    return this.cell.filters;
  }
  get kernelSize(): readonly number[] {
    return this.cell.kernelSize;
  }
  get strides(): readonly number[] {
    return this.cell.strides;
  }
  get padding(): Padding {
    return this.cell.padding;
  }
  get dataFormat(): DataFormat {
    return this.cell.dataFormat;
  }
  get dilationRate(): readonly number[] {
    return this.cell.dilationRate;
  }
  get recurrentActivation(): activations.ActivationFunction {
    return this.cell.recurrentActivation;
  }
  get unitForgetBias(): boolean {
    return this.cell.unitForgetBias;
  }
}

/**
 * A convolutional LSTM over `[batch, time, width, channels]`.
 *
 * Source: Shi et al., 2015, arXiv:1506.04214.
 *
 * @example
 * const x = ops.ones([2, 5, 8, 3]);
 * new layers.ConvLSTM1D(4, 3)(x).shape; // [2, 6, 4]
 */
export class ConvLSTM1D extends ConvLSTM {
  static override readonly parameters: ParameterTable = parameters;

  constructor(
    filters: number,
    kernelSize: number | readonly number[],
    options: ConvLSTMOptions = {},
  ) {
    super(1, filters, kernelSize, options);
  }
}

/**
 * A convolutional LSTM over `[batch, time, height, width, channels]`.
 *
 * Source: Shi et al., 2015, arXiv:1506.04214.
 *
 * @example
 * const x = ops.ones([2, 5, 8, 8, 3]);
 * new layers.ConvLSTM2D(4, 3, { padding: "same", returnSequences: true })(x).shape; // [2, 5, 8, 8, 4]
 */
export class ConvLSTM2D extends ConvLSTM {
  static override readonly parameters: ParameterTable = parameters;

  constructor(
    filters: number,
    kernelSize: number | readonly number[],
    options: ConvLSTMOptions = {},
  ) {
    super(2, filters, kernelSize, options);
  }
}

/**
 * A convolutional LSTM over `[batch, time, depth, height, width, channels]`.
 *
 * Source: Shi et al., 2015, arXiv:1506.04214.
 *
 * @example
 * const x = ops.ones([2, 3, 4, 4, 4, 1]);
 * new layers.ConvLSTM3D(2, 3)(x).shape; // [2, 2, 2, 2, 2]
 */
export class ConvLSTM3D extends ConvLSTM {
  static override readonly parameters: ParameterTable = parameters;

  constructor(
    filters: number,
    kernelSize: number | readonly number[],
    options: ConvLSTMOptions = {},
  ) {
    super(3, filters, kernelSize, options);
  }
}
