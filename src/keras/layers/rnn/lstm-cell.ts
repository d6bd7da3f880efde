/**
 * @module
 */
import { add, multiply } from "../../../ops/arithmetic.ts";
import { split } from "../../../ops/splitting.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type * as activations from "../../activations/index.ts";
import { get as getActivation } from "../../activations/index.ts";
import { inherits, type ParameterTable, required } from "../../object.ts";
import { checkPositiveInteger } from "../arguments.ts";
import {
  cellParameters,
  forgetBias,
  gateProducts,
  orDefault,
  RecurrentCell,
  type RecurrentCellOptions,
  type Step,
  scaledStates,
  visibleParameters,
} from "./recurrent-cell.ts";

/** Options of `LSTMCell`. */
export interface LSTMCellOptions extends RecurrentCellOptions {
  /** Of the gates. Default: `"sigmoid"`. */
  recurrentActivation?: activations.ActivationLike | undefined;
  /** Whether the bias of the forget gate starts at 1. */
  unitForgetBias?: boolean | undefined;
  /** 1: each gate has a dropout mask of its own; 2: one mask for all. */
  implementation?: 1 | 2 | undefined;
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
export class LSTMCell extends RecurrentCell {
  static override readonly parameters: ParameterTable = {
    units: required,
    activation: "tanh",
    recurrent_activation: "sigmoid",
    ...cellParameters,
    unit_forget_bias: true,
    implementation: 2,
    [inherits]: true,
  };
  readonly units: number;
  readonly recurrentActivation: activations.ActivationFunction;
  readonly unitForgetBias: boolean;
  readonly implementation: number;

  constructor(units: number, options: LSTMCellOptions = {}) {
    super(options, false);
    this.units = checkPositiveInteger(units, new.target.name, "units");
    this.recurrentActivation = getActivation(orDefault(options.recurrentActivation, "sigmoid"));
    this.unitForgetBias = options.unitForgetBias ?? true;
    this.implementation = this.recurrentDropout > 0 ? 1 : (options.implementation ?? 2);
  }

  override get stateSize(): readonly number[] {
    return [this.units, this.units];
  }

  /** The size of the output. */
  get outputSize(): number {
    return this.units;
  }

  protected override get maskCount(): number {
    return this.implementation === 1 ? 4 : 1;
  }

  protected override get configParameters(): readonly string[] {
    return visibleParameters(super.configParameters);
  }

  override build(inputShape: readonly (number | null)[]): void {
    const features = checkPositiveInteger(inputShape.at(-1), this.name, "the number of features");
    const all = 4 * this.units;
    this.kernel = this.addCellWeight("kernel", [features, all]);
    this.recurrentKernel = this.addCellWeight("recurrent", [this.units, all]);
    const initializer = this.unitForgetBias
      ? forgetBias(this.biasInitializer, this.units)
      : this.biasInitializer;
    this.bias = this.useBias ? this.addCellWeight("bias", [all], initializer) : null;
  }

  // Gates in Keras's order: i (input), f (forget), c (candidate), o (output).
  override project(inputs: Tensor, training: boolean): Tensor {
    const product = gateProducts(this.droppedInputs(inputs, training), this.kernel.value);
    return this.bias === null ? product : add(product, this.bias);
  }

  override stepper(states: readonly Tensor[], training: boolean): Step {
    const kernel = this.recurrentKernel.value;
    const factors = this.stateFactors(states[0] as Tensor, training);
    return (projected, [h, c]) => {
      const inner = gateProducts(scaledStates(h as Tensor, factors), kernel);
      return this.#gates(add(projected, inner), c as Tensor);
    };
  }

  // c' = f * c + i * candidate, h' = o * activation(c')
  #gates(sums: Tensor, before: Tensor): [Tensor, Tensor[]] {
    const [i, f, candidate, o] = split(sums, 4, { axis: -1 }) as [Tensor, Tensor, Tensor, Tensor];
    const c = add(
      multiply(this.recurrentActivation(f), before),
      multiply(this.recurrentActivation(i), this.activation(candidate)),
    );
    const h = multiply(this.recurrentActivation(o), this.activation(c));
    return [h, [h, c]];
  }
}
