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
import { GRUCell, type GRUCellOptions } from "./gru-cell.ts";

/** Options of `GRU`. */
export interface GRUOptions extends CellLayerOptions, GRUCellOptions {
  /** For Keras's sake: the fastest way is taken in any case. */
  useCudnn?: boolean | "auto" | undefined;
}

/**
 * A gated recurrent unit over sequences `[batch, time, features]`:
 *
 * - `z = gate(x, h)`, `r = gate(x, h)`;
 * - `candidate = activation(x · Wh + bh + r * (h · Uh + ch))` with `resetAfter`,
 *   else `activation(x · Wh + bh + (r * h) · Uh)`;
 * - `h = z * h + (1 - z) * candidate`.
 *
 * Source: Cho et al., 2014, arXiv:1406.1078.
 *
 * @example
 * const x = ops.ones([2, 10, 8]);
 * new layers.GRU(4, { returnSequences: true })(x).shape; // [2, 10, 4]
 */
export class GRU extends CellLayer<GRUCell> {
  static override readonly parameters: ParameterTable = cellLayerParameters({
    units: required,
    activation: "tanh",
    recurrent_activation: "sigmoid",
    reset_after: true,
    implementation: 2,
    use_cudnn: "auto",
  });

  constructor(units: number, options: GRUOptions = {}) {
    super(new GRUCell(units, cellOptions(options, "gru_cell", GRUCell.parameters)), options);
    this.inputSpec = new InputSpec({ ndim: 3 });
  }

  get units(): number {
    return this.cell.units;
  }
  get recurrentActivation(): activations.ActivationFunction {
    return this.cell.recurrentActivation;
  }
  get resetAfter(): boolean {
    return this.cell.resetAfter;
  }
}
