/**
 * What the recurrent layers of one cell share: they have the cell's arguments.
 *
 * @module
 */

import { toCamelCase } from "../../../util/naming.ts";
import type * as activations from "../../activations/index.ts";
import {
  type Config,
  type ConstructorOf,
  construct,
  type KerasClass,
  type ParameterTable,
} from "../../object.ts";
import { Layer } from "../layer.ts";
import {
  cellParameters,
  type RecurrentCell,
  type RecurrentCellOptions,
  visibleParameters,
} from "./recurrent-cell.ts";
import { RNN, type RNNOptions, rnnParameters } from "./rnn.ts";

/** Options of the recurrent layers of one cell. */
export interface CellLayerOptions extends RecurrentCellOptions, RNNOptions {}

/** The arguments of such a layer: the cell's own, and those of all. */
export function cellLayerParameters(own: ParameterTable): ParameterTable {
  // By name: the mark that RNN's arguments (the cell) are arguments too must not come along.
  return Object.fromEntries([
    ...Object.entries(own),
    ...Object.entries(cellParameters),
    ...Object.entries(rnnParameters),
    ...Object.entries(Layer.parameters),
  ]);
}

/** The options of the cell inside a layer, whose arguments `table` has. */
export function cellOptions<Options extends CellLayerOptions>(
  options: Options,
  name: string,
  table: ParameterTable,
): Options {
  const names = new Set([...Object.keys(table), "dtype", "trainable"].map(toCamelCase));
  const chosen = Object.entries(options).filter(([key]) => names.has(key));
  return { ...Object.fromEntries(chosen), name } as Options;
}

/** A recurrent layer of one cell. */
export abstract class CellLayer<Cell extends RecurrentCell> extends RNN {
  declare readonly cell: Cell;

  constructor(cell: Cell, options: CellLayerOptions = {}) {
    super(cell, options as RNNOptions);
  }

  get activation(): activations.ActivationFunction {
    return this.cell.activation;
  }
  get useBias(): boolean {
    return this.cell.useBias;
  }
  get kernelInitializer(): unknown {
    return this.cell.kernelInitializer;
  }
  get recurrentInitializer(): unknown {
    return this.cell.recurrentInitializer;
  }
  get biasInitializer(): unknown {
    return this.cell.biasInitializer;
  }
  get kernelRegularizer(): unknown {
    return this.cell.kernelRegularizer;
  }
  get recurrentRegularizer(): unknown {
    return this.cell.recurrentRegularizer;
  }
  get biasRegularizer(): unknown {
    return this.cell.biasRegularizer;
  }
  get kernelConstraint(): unknown {
    return this.cell.kernelConstraint;
  }
  get recurrentConstraint(): unknown {
    return this.cell.recurrentConstraint;
  }
  get biasConstraint(): unknown {
    return this.cell.biasConstraint;
  }
  get dropout(): number {
    return this.cell.dropout;
  }
  get recurrentDropout(): number {
    return this.cell.recurrentDropout;
  }
  get seed(): number | null {
    return this.cell.seed;
  }

  protected override get configParameters(): readonly string[] {
    return visibleParameters(super.configParameters);
  }

  static override fromConfig<T>(this: ConstructorOf<T>, config: Config): T {
    return construct(this as unknown as KerasClass<T>, config);
  }
}
