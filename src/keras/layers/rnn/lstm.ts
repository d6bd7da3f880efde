/**
 * @module
 */
import type * as activations from "../../activations/index.ts";
import { type ParameterTable, required } from "../../object.ts";
import { InputSpec } from "../input-spec.ts";
import {
  CellLayer,
  type CellLayerOptions,
  cellLayerParameters,
  cellOptions,
} from "./cell-layer.ts";
import { LSTMCell, type LSTMCellOptions } from "./lstm-cell.ts";

/** Options of `LSTM`. */
export interface LSTMOptions extends CellLayerOptions, LSTMCellOptions {
  /** For Keras's sake: the fastest way is taken in any case. */
  useCudnn?: boolean | "auto" | undefined;
}

/**
 * A long short-term memory over sequences `[batch, time, features]`. Gates
 * `i`, `f`, `o` and a candidate come from `x · kernel + h · recurrentKernel +
 * bias`; then `c = f * c + i * candidate` and `h = o * activation(c)`.
 *
 * Source: Hochreiter & Schmidhuber, 1997, doi:10.1162/neco.1997.9.8.1735.
 *
 * @example
 * const x = ops.ones([2, 10, 8]);
 * const [output, h, c] = new layers.LSTM(4, { returnState: true })(x);
 * c.shape; // [2, 4]
 */
export class LSTM extends CellLayer<LSTMCell> {
  static override readonly parameters: ParameterTable = cellLayerParameters({
    units: required,
    activation: "tanh",
    recurrent_activation: "sigmoid",
    unit_forget_bias: true,
    implementation: 2,
    use_cudnn: "auto",
  });

  constructor(units: number, options: LSTMOptions = {}) {
    super(new LSTMCell(units, cellOptions(options, "lstm_cell", LSTMCell.parameters)), options);
    this.inputSpec = new InputSpec({ ndim: 3 });
  }

  get units(): number {
    return this.cell.units;
  }
  get recurrentActivation(): activations.ActivationFunction {
    return this.cell.recurrentActivation;
  }
  get unitForgetBias(): boolean {
    return this.cell.unitForgetBias;
  }
}
