/**
 * @module
 */
import { add, multiply } from "../../../ops/arithmetic.ts";
import { matmul } from "../../../ops/linear.ts";
import { type SimpleRnnActivation, simpleRnnSequence } from "../../../ops/recurrent.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { get as getActivation } from "../../activations/index.ts";
import { inherits, type ParameterTable, required } from "../../object.ts";
import { checkPositiveInteger } from "../arguments.ts";
import {
  cellParameters,
  RecurrentCell,
  type RecurrentCellOptions,
  type SequenceOp,
  type Step,
} from "./recurrent-cell.ts";

/** Options of `SimpleRNNCell`. */
export interface SimpleRNNCellOptions extends RecurrentCellOptions {}

/**
 * One step of `SimpleRNN`: from inputs `[batch, features]` and a state
 * `[batch, units]` to the output, which is the next state.
 *
 * @example
 * const cell = new layers.SimpleRNNCell(4);
 * const [output, states] = cell(ops.ones([2, 3]), [ops.zeros([2, 4])]);
 * output.shape; // [2, 4]
 */
export class SimpleRNNCell extends RecurrentCell {
  static override readonly parameters: ParameterTable = {
    units: required,
    activation: "tanh",
    ...cellParameters,
    [inherits]: true,
  };
  readonly units: number;

  constructor(units: number, options: SimpleRNNCellOptions = {}) {
    super(options, true);
    this.units = checkPositiveInteger(units, new.target.name, "units");
  }

  override get stateSize(): number {
    return this.units;
  }

  /** The size of the output. */
  get outputSize(): number {
    return this.units;
  }

  protected override get maskCount(): number {
    return 1;
  }

  protected override drops(rate: number): boolean {
    return rate > 0;
  }

  override build(inputShape: readonly (number | null)[]): void {
    const features = checkPositiveInteger(inputShape.at(-1), this.name, "the number of features");
    this.makeWeights([features, this.units], [this.units, this.units], [this.units]);
  }

  override project(inputs: Tensor, training: boolean): Tensor {
    const [x] = this.droppedInputs(inputs, training) as [Tensor];
    const product = matmul(x, this.kernel);
    return this.bias === null ? product : add(product, this.bias);
  }

  protected override get sequenceOp(): SequenceOp | null {
    const activation = (["tanh", "relu"] as const satisfies readonly SimpleRnnActivation[]).find(
      (name) => this.activation === getActivation(name),
    );
    if (!this.hasStepsOf(SimpleRNNCell) || activation === undefined) return null;
    return (x, kernels, states, rules) =>
      simpleRnnSequence(x, kernels, states as [Tensor], { ...rules, activation });
  }

  override stepper(states: readonly Tensor[], training: boolean): Step {
    const kernel = this.recurrentKernel.value;
    const factors = this.stateFactors(states[0] as Tensor, training);
    return (projected, [before]) => {
      const h = factors === null ? before : multiply(before as Tensor, factors[0] as Tensor);
      const output = this.activation(add(projected, matmul(h as Tensor, kernel)));
      return [output, [output]];
    };
  }
}
