/**
 * What the cells with gates share.
 *
 * @module
 */
import type * as activations from "../../activations/index.ts";
import { get as getActivation } from "../../activations/index.ts";
import { type ParameterTable, required } from "../../object.ts";
import { checkPositiveInteger } from "../arguments.ts";
import {
  cellParameters,
  orDefault,
  RecurrentCell,
  type RecurrentCellOptions,
  visibleParameters,
} from "./recurrent-cell.ts";

/** Options of cells with gates. */
export interface GatedCellOptions extends RecurrentCellOptions {
  /** Of the gates. Default: `"sigmoid"`. */
  recurrentActivation?: activations.ActivationLike | undefined;
  /** 1: each gate has a dropout mask of its own; 2: one mask for all. */
  implementation?: 1 | 2 | undefined;
}

/** Their first arguments. */
export const gatedCellParameters: ParameterTable = {
  units: required,
  activation: "tanh",
  recurrent_activation: "sigmoid",
  ...cellParameters,
};

/** A cell with several gates of `units` each. */
export abstract class GatedCell extends RecurrentCell {
  readonly units: number;
  readonly recurrentActivation: activations.ActivationFunction;
  readonly implementation: number;

  constructor(units: number, options: GatedCellOptions) {
    super(options, false);
    this.units = checkPositiveInteger(units, new.target.name, "units");
    this.recurrentActivation = getActivation(orDefault(options.recurrentActivation, "sigmoid"));
    this.implementation = this.recurrentDropout > 0 ? 1 : (options.implementation ?? 2);
  }

  /** How many gates there are, the candidate among them. */
  protected abstract get gateCount(): number;

  /** Whether the gates are sigmoids and the rest tanh, as the ops of whole sequences have them. */
  protected get hasUsualActivations(): boolean {
    return (
      this.activation === getActivation("tanh") &&
      this.recurrentActivation === getActivation("sigmoid")
    );
  }

  /** The size of the output. */
  get outputSize(): number {
    return this.units;
  }

  protected override get maskCount(): number {
    return this.implementation === 1 ? this.gateCount : 1;
  }

  protected override get configParameters(): readonly string[] {
    return visibleParameters(super.configParameters);
  }
}
