/**
 * @module
 */
import { add, multiply, subtract } from "../../../ops/arithmetic.ts";
import { matmul } from "../../../ops/linear.ts";
import { gruSequence } from "../../../ops/recurrent.ts";
import { split } from "../../../ops/splitting.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import { checkPositiveInteger } from "../arguments.ts";
import { GatedCell, type GatedCellOptions, gatedCellParameters } from "./gated-cell.ts";
import { gateProducts, type SequenceOp, type Step, scaledStates } from "./recurrent-cell.ts";

/** Options of `GRUCell`. */
export interface GRUCellOptions extends GatedCellOptions {
  /** Whether the reset gate applies after the product with the recurrent kernel. */
  resetAfter?: boolean | undefined;
}

/**
 * One step of `GRU`: from inputs `[batch, features]` and a state
 * `[batch, units]` to the output, which is the next state.
 *
 * @example
 * const cell = new layers.GRUCell(4);
 * const [output, states] = cell(ops.ones([2, 3]), [ops.zeros([2, 4])]);
 * output.shape; // [2, 4]
 */
export class GRUCell extends GatedCell {
  static override readonly parameters: ParameterTable = {
    ...gatedCellParameters,
    reset_after: true,
    implementation: 2,
    [inherits]: true,
  };
  readonly resetAfter: boolean;

  constructor(units: number, options: GRUCellOptions = {}) {
    super(units, options);
    this.resetAfter = options.resetAfter ?? true;
  }

  override get stateSize(): number {
    return this.units;
  }

  protected override get gateCount(): number {
    return 3;
  }

  override build(inputShape: readonly (number | null)[]): void {
    const features = checkPositiveInteger(inputShape.at(-1), this.name, "the number of features");
    const all = 3 * this.units;
    this.makeWeights([features, all], [this.units, all], this.resetAfter ? [2, all] : [all]);
  }

  /** The biases of the two products, each [3 · units] or null. */
  #biases(): [input: Tensor | null, recurrent: Tensor | null] {
    if (this.bias === null) return [null, null];
    const bias = this.bias.value;
    if (!this.resetAfter) return [bias, null];
    const [input, recurrent] = split(bias, 2, { axis: 0 }) as [Tensor, Tensor];
    return [input, recurrent];
  }

  // Gates in Keras's order: z (update), r (reset), h (candidate).
  override project(inputs: Tensor, training: boolean): Tensor {
    const product = gateProducts(this.droppedInputs(inputs, training), this.kernel.value);
    const [bias] = this.#biases();
    return bias === null ? product : add(product, bias);
  }

  protected override get sequenceOp(): SequenceOp | null {
    if (!this.hasStepsOf(GRUCell) || !this.hasUsualActivations) return null;
    const { resetAfter } = this;
    return (x, kernels, states, rules) =>
      gruSequence(x, kernels, states as [Tensor], { ...rules, resetAfter });
  }

  override stepper(states: readonly Tensor[], training: boolean): Step {
    const { units } = this;
    const factors = this.stateFactors(states[0] as Tensor, training);
    const kernel = this.recurrentKernel.value;
    const [, bias] = this.#biases();
    const plusBias = (x: Tensor): Tensor => (bias === null ? x : add(x, bias));
    if (this.resetAfter) {
      return (projected, [before]) => {
        const h = before as Tensor;
        const inner = plusBias(gateProducts(scaledStates(h, factors), kernel));
        const [xz, xr, xh] = split(projected, 3, { axis: -1 }) as [Tensor, Tensor, Tensor];
        const [hz, hr, hh] = split(inner, 3, { axis: -1 }) as [Tensor, Tensor, Tensor];
        const z = this.recurrentActivation(add(xz, hz));
        const r = this.recurrentActivation(add(xr, hr));
        return this.#mix(z, h, this.activation(add(xh, multiply(r, hh))));
      };
    }
    const [gates, candidate] = split(kernel, [2 * units], { axis: 1 }) as [Tensor, Tensor];
    return (projected, [before]) => {
      const h = before as Tensor;
      const inner = gateProducts(scaledStates(h, factors?.slice(0, 2) ?? null), gates);
      const [xz, xr, xh] = split(projected, 3, { axis: -1 }) as [Tensor, Tensor, Tensor];
      const [hz, hr] = split(inner, 2, { axis: -1 }) as [Tensor, Tensor];
      const z = this.recurrentActivation(add(xz, hz));
      const r = this.recurrentActivation(add(xr, hr));
      const [kept] = scaledStates(h, factors?.slice(2) ?? null) as [Tensor];
      return this.#mix(z, h, this.activation(add(xh, matmul(multiply(r, kept), candidate))));
    };
  }

  // h' = z * h + (1 - z) * candidate
  #mix(z: Tensor, h: Tensor, candidate: Tensor): [Tensor, Tensor[]] {
    const output = add(multiply(z, h), multiply(subtract(1, z), candidate));
    return [output, [output]];
  }
}
