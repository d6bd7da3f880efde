/**
 * @module
 */
import { type ParameterTable, required } from "../../object.ts";
import { InputSpec } from "../input-spec.ts";
import {
  CellLayer,
  type CellLayerOptions,
  cellLayerParameters,
  cellOptions,
} from "./cell-layer.ts";
import { SimpleRNNCell } from "./simple-rnn-cell.ts";

/** Options of `SimpleRNN`. */
export interface SimpleRNNOptions extends CellLayerOptions {}

/**
 * A recurrent layer whose output is its state:
 * `h = activation(x · kernel + h · recurrentKernel + bias)`, over sequences
 * `[batch, time, features]`.
 *
 * @example
 * const x = ops.ones([2, 10, 8]);
 * new layers.SimpleRNN(4)(x).shape; // [2, 4]
 */
export class SimpleRNN extends CellLayer<SimpleRNNCell> {
  static override readonly parameters: ParameterTable = cellLayerParameters({
    units: required,
    activation: "tanh",
  });

  constructor(units: number, options: SimpleRNNOptions = {}) {
    super(
      new SimpleRNNCell(units, cellOptions(options, "simple_rnn_cell", SimpleRNNCell.parameters)),
      options,
    );
    this.inputSpec = new InputSpec({ ndim: 3 });
  }

  get units(): number {
    return this.cell.units;
  }
}
