/**
 * @module
 */
import { add, multiply } from "../../../ops/arithmetic.ts";
import { ones } from "../../../ops/creation.ts";
import { concatenate } from "../../../ops/joining.ts";
import { lstmSequence } from "../../../ops/recurrent.ts";
import { split } from "../../../ops/splitting.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { VariableInitializer } from "../../../tensor/variable.ts";
import type { DType } from "../../../util/dtypes.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import { checkPositiveInteger } from "../arguments.ts";
import { GatedCell, type GatedCellOptions, gatedCellParameters } from "./gated-cell.ts";
import {
  gateProducts,
  type RecurrentCell,
  type SequenceOp,
  type Step,
  scaledStates,
} from "./recurrent-cell.ts";

/** Options of `LSTMCell`. */
export interface LSTMCellOptions extends GatedCellOptions {
  /** Whether the bias of the forget gate starts at 1. */
  unitForgetBias?: boolean | undefined;
}

/**
 * One step of `LSTM`: from inputs `[batch, features]` and the states `[h, c]`,
 * each `[batch, units]`, to the output, which is the next h.
 *
 * @example
 * const cell = new layers.LSTMCell(4);
 * const [output, [h, c]] = cell(ops.ones([2, 3]), [ops.zeros([2, 4]), ops.zeros([2, 4])]);
 * c.shape; // [2, 4]
 */
export class LSTMCell extends GatedCell {
  static override readonly parameters: ParameterTable = {
    ...gatedCellParameters,
    unit_forget_bias: true,
    implementation: 2,
    [inherits]: true,
  };
  readonly unitForgetBias: boolean;

  constructor(units: number, options: LSTMCellOptions = {}) {
    super(units, options);
    this.unitForgetBias = options.unitForgetBias ?? true;
  }

  override get stateSize(): readonly number[] {
    return [this.units, this.units];
  }

  protected override get gateCount(): number {
    return 4;
  }

  override build(inputShape: readonly (number | null)[]): void {
    const features = checkPositiveInteger(inputShape.at(-1), this.name, "the number of features");
    const all = 4 * this.units;
    this.makeWeights([features, all], [this.units, all], [all], lstmBias(this, this.units));
  }

  // Gates in Keras's order: i (input), f (forget), c (candidate), o (output).
  override project(inputs: Tensor, training: boolean): Tensor {
    const product = gateProducts(this.droppedInputs(inputs, training), this.kernel.value);
    return this.bias === null ? product : add(product, this.bias);
  }

  protected override get sequenceOp(): SequenceOp | null {
    if (!this.hasStepsOf(LSTMCell) || !this.hasUsualActivations) return null;
    return (x, kernels, states, rules) =>
      lstmSequence(x, kernels, states as [Tensor, Tensor], rules);
  }

  override stepper(states: readonly Tensor[], training: boolean): Step {
    const kernel = this.recurrentKernel.value;
    const factors = this.stateFactors(states[0] as Tensor, training);
    return (projected, [h, c]) => {
      const inner = gateProducts(scaledStates(h as Tensor, factors), kernel);
      return lstmGates(this, add(projected, inner), c as Tensor, -1);
    };
  }
}

/** What the steps of LSTMs of all kinds go by. */
type LSTMLike = Pick<RecurrentCell, "activation" | "biasInitializer"> &
  Pick<LSTMCell, "recurrentActivation" | "unitForgetBias">;

/**
 * The end of a step, from the sums of all gates along `axis` and the cell's
 * state: `c' = f * c + i * candidate`, `h' = o * activation(c')`.
 */
export function lstmGates(
  { activation, recurrentActivation }: LSTMLike,
  sums: Tensor,
  before: Tensor,
  axis: number,
): [output: Tensor, states: Tensor[]] {
  const [i, f, candidate, o] = split(sums, 4, { axis }) as [Tensor, Tensor, Tensor, Tensor];
  const c = add(
    multiply(recurrentActivation(f), before),
    multiply(recurrentActivation(i), activation(candidate)),
  );
  const h = multiply(recurrentActivation(o), activation(c));
  return [h, [h, c]];
}

/** The initializer of the bias of all gates: that of the second one may start at 1. */
export function lstmBias({ biasInitializer, unitForgetBias }: LSTMLike, size: number): unknown {
  if (!unitForgetBias) return biasInitializer;
  const others = biasInitializer as VariableInitializer;
  return (_shape: readonly number[], options: { dtype: DType }): Tensor =>
    concatenate([others([size], options), ones([size], options), others([2 * size], options)]);
}
