/**
 * @module
 */
import { multiply, subtract } from "../../ops/arithmetic.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Variable } from "../../tensor/variable.ts";
import { ArgumentError } from "../../util/errors.ts";
import { inherits, type ParameterTable } from "../object.ts";
import { Optimizer, type OptimizerOptions } from "./optimizer.ts";

/** Options of `SGD`. */
export interface SGDOptions extends OptimizerOptions {
  momentum?: number | undefined;
  /** Whether the step looks ahead along the momentum. */
  nesterov?: boolean | undefined;
}

/**
 * Gradient descent, with momentum.
 *
 * @example
 * const w = new Variable([1, 2], { dtype: "float32" });
 * new optimizers.SGD({ learningRate: 0.5 }).apply([tensor([1, 1])], [w]);
 * await w.array(); // [0.5, 1.5]
 */
export class SGD extends Optimizer {
  static override readonly parameters: ParameterTable = {
    learning_rate: 0.01,
    momentum: 0,
    nesterov: false,
    [inherits]: true,
  };
  readonly momentum: number;
  readonly nesterov: boolean;
  #momentums: Variable[] = [];

  constructor(options: SGDOptions = {}) {
    super(options.learningRate ?? 0.01, options);
    this.momentum = options.momentum ?? 0;
    this.nesterov = options.nesterov ?? false;
    if (!(this.momentum >= 0 && this.momentum <= 1)) {
      throw new ArgumentError(`SGD: momentum must be between 0 and 1, got ${this.momentum}.`);
    }
  }

  protected override buildSlots(variables: readonly Variable[]): void {
    if (this.momentum !== 0) this.#momentums = this.addOptimizerVariables(variables, "momentum");
  }

  override updateStep(gradient: Tensor, variable: Variable, rate: Tensor): void {
    const step = multiply(gradient, rate);
    const m = this.#momentums[this.indexOf(variable)];
    if (m === undefined) {
      this.assignSub(variable, step);
      return;
    }
    this.assign(m, subtract(multiply(m.value, this.momentum), step));
    this.assignAdd(
      variable,
      this.nesterov ? subtract(multiply(m.value, this.momentum), step) : m.value,
    );
  }
}
