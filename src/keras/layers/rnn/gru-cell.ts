/**
 * @module
 */
import { add, multiply, subtract } from "../../../ops/arithmetic.ts";
import { matmul } from "../../../ops/linear.ts";
import { split } from "../../../ops/splitting.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type * as activations from "../../activations/index.ts";
import { get as getActivation } from "../../activations/index.ts";
import { inherits, type ParameterTable, required } from "../../object.ts";
import { checkPositiveInteger } from "../arguments.ts";
import {
  cellParameters,
  gateProducts,
  orDefault,
  RecurrentCell,
  type RecurrentCellOptions,
  type Step,
  scaledStates,
  visibleParameters,
} from "./recurrent-cell.ts";

/** Options of `GRUCell`. */
export interface GRUCellOptions extends RecurrentCellOptions {
  /** Of the gates. Default: `"sigmoid"`. */
  recurrentActivation?: activations.ActivationLike | undefined;
  /** Whether the reset gate applies after the product with the recurrent kernel. */
  resetAfter?: boolean | undefined;
  /** 1: each gate has a dropout mask of its own; 2: one mask for all. */
  implementation?: 1 | 2 | undefined;
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
export class GRUCell extends RecurrentCell {
  static override readonly parameters: ParameterTable = {
    units: required,
    activation: "tanh",
    recurrent_activation: "sigmoid",
    ...cellParameters,
    reset_after: true,
    implementation: 2,
    [inherits]: true,
  };
  readonly units: number;
  readonly recurrentActivation: activations.ActivationFunction;
  readonly resetAfter: boolean;
  readonly implementation: number;

  constructor(units: number, options: GRUCellOptions = {}) {
    super(options, false);
    this.units = checkPositiveInteger(units, new.target.name, "units");
    this.recurrentActivation = getActivation(orDefault(options.recurrentActivation, "sigmoid"));
    this.resetAfter = options.resetAfter ?? true;
    this.implementation = this.recurrentDropout > 0 ? 1 : (options.implementation ?? 2);
  }

  override get stateSize(): number {
    return this.units;
  }

  /** The size of the output. */
  get outputSize(): number {
    return this.units;
  }

  protected override get maskCount(): number {
    return this.implementation === 1 ? 3 : 1;
  }

  protected override get configParameters(): readonly string[] {
    return visibleParameters(super.configParameters);
  }

  override build(inputShape: readonly (number | null)[]): void {
    const features = checkPositiveInteger(inputShape.at(-1), this.name, "the number of features");
    const all = 3 * this.units;
    this.kernel = this.addCellWeight("kernel", [features, all]);
    this.recurrentKernel = this.addCellWeight("recurrent", [this.units, all]);
    this.bias = this.useBias
      ? this.addCellWeight("bias", this.resetAfter ? [2, all] : [all])
      : null;
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
