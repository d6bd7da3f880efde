/**
 * Optimizers that adapt the rate of each weight to its gradients so far.
 *
 * @module
 */
import {
  add,
  clip,
  divide,
  multiply,
  negative,
  sign,
  square,
  subtract,
} from "../../ops/arithmetic.ts";
import { power, sqrt } from "../../ops/exponential.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Variable } from "../../tensor/variable.ts";
import { ArgumentError } from "../../util/errors.ts";
import { Constant } from "../initializers/index.ts";
import { inherits, type ParameterTable } from "../object.ts";
import { Optimizer, type OptimizerOptions } from "./optimizer.ts";

/** rho * old + (1 - rho) * value. */
function decayed(old: Variable, value: Tensor, rho: number): Tensor {
  return add(multiply(old.value, rho), multiply(value, 1 - rho));
}

/** Options of `RMSprop`. */
export interface RMSpropOptions extends OptimizerOptions {
  rho?: number | undefined;
  momentum?: number | undefined;
  epsilon?: number | undefined;
  /** Whether the variance of gradients counts, not their mean square. */
  centered?: boolean | undefined;
}

/**
 * Gradients over the root of their mean square. Source: Hinton, 2012.
 *
 * @example
 * new optimizers.RMSprop().rho; // 0.9
 */
export class RMSprop extends Optimizer {
  static override readonly parameters: ParameterTable = {
    learning_rate: 0.001,
    rho: 0.9,
    momentum: 0,
    epsilon: 1e-7,
    centered: false,
    [inherits]: true,
  };
  readonly rho: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly centered: boolean;
  #velocities: Variable[] = [];
  #momentums: Variable[] = [];
  #averages: Variable[] = [];

  constructor(options: RMSpropOptions = {}) {
    super(options.learningRate ?? 0.001, options);
    this.rho = options.rho ?? 0.9;
    this.momentum = options.momentum ?? 0;
    this.epsilon = options.epsilon ?? 1e-7;
    this.centered = options.centered ?? false;
  }

  protected override buildSlots(variables: readonly Variable[]): void {
    this.#velocities = this.addOptimizerVariables(variables, "velocity");
    if (this.momentum > 0) this.#momentums = this.addOptimizerVariables(variables, "momentum");
    if (this.centered) this.#averages = this.addOptimizerVariables(variables, "average_gradient");
  }

  override updateStep(gradient: Tensor, variable: Variable, rate: Tensor): void {
    const index = this.indexOf(variable);
    const velocity = this.#velocities[index] as Variable;
    this.assign(velocity, decayed(velocity, square(gradient), this.rho));
    const average = this.#averages[index];
    let spread: Tensor = velocity.value;
    if (average !== undefined) {
      this.assign(average, decayed(average, gradient, this.rho));
      spread = subtract(spread, square(average.value));
    }
    const step = divide(multiply(rate, gradient), sqrt(add(spread, this.epsilon)));
    const momentum = this.#momentums[index];
    if (momentum === undefined) {
      this.assignSub(variable, step);
      return;
    }
    this.assign(momentum, add(multiply(momentum.value, this.momentum), step));
    this.assignSub(variable, momentum.value);
  }
}

/** Options of `Adagrad`. */
export interface AdagradOptions extends OptimizerOptions {
  initialAccumulatorValue?: number | undefined;
  epsilon?: number | undefined;
}

/**
 * Gradients over the root of the sum of all their squares.
 * Source: Duchi et al., 2011.
 *
 * @example
 * new optimizers.Adagrad().initialAccumulatorValue; // 0.1
 */
export class Adagrad extends Optimizer {
  static override readonly parameters: ParameterTable = {
    learning_rate: 0.001,
    initial_accumulator_value: 0.1,
    epsilon: 1e-7,
    [inherits]: true,
  };
  readonly initialAccumulatorValue: number;
  readonly epsilon: number;
  #accumulators: Variable[] = [];

  constructor(options: AdagradOptions = {}) {
    super(options.learningRate ?? 0.001, options);
    this.initialAccumulatorValue = options.initialAccumulatorValue ?? 0.1;
    this.epsilon = options.epsilon ?? 1e-7;
  }

  protected override buildSlots(variables: readonly Variable[]): void {
    const initializer = new Constant({ value: this.initialAccumulatorValue });
    this.#accumulators = this.addOptimizerVariables(variables, "accumulator", initializer);
  }

  override updateStep(gradient: Tensor, variable: Variable, rate: Tensor): void {
    const accumulator = this.#accumulators[this.indexOf(variable)] as Variable;
    this.assignAdd(accumulator, square(gradient));
    this.assignSub(
      variable,
      divide(multiply(rate, gradient), sqrt(add(accumulator.value, this.epsilon))),
    );
  }
}

/** Options of `Adadelta`. */
export interface AdadeltaOptions extends OptimizerOptions {
  rho?: number | undefined;
  epsilon?: number | undefined;
}

/**
 * Steps in proportion to the steps so far, over the gradients so far.
 * Source: Zeiler, 2012, arXiv:1212.5701.
 *
 * @example
 * new optimizers.Adadelta().rho; // 0.95
 */
export class Adadelta extends Optimizer {
  static override readonly parameters: ParameterTable = {
    learning_rate: 0.001,
    rho: 0.95,
    epsilon: 1e-7,
    [inherits]: true,
  };
  readonly rho: number;
  readonly epsilon: number;
  #gradients: Variable[] = [];
  #deltas: Variable[] = [];

  constructor(options: AdadeltaOptions = {}) {
    super(options.learningRate ?? 0.001, options);
    this.rho = options.rho ?? 0.95;
    this.epsilon = options.epsilon ?? 1e-7;
  }

  protected override buildSlots(variables: readonly Variable[]): void {
    for (const variable of variables) {
      this.#gradients.push(this.addVariableFromReference(variable, { name: "accumulated_grad" }));
      this.#deltas.push(this.addVariableFromReference(variable, { name: "accumulated_delta_var" }));
    }
  }

  override updateStep(gradient: Tensor, variable: Variable, rate: Tensor): void {
    const index = this.indexOf(variable);
    const gradients = this.#gradients[index] as Variable;
    const deltas = this.#deltas[index] as Variable;
    const root = (v: Variable): Tensor => sqrt(add(v.value, this.epsilon));
    this.assign(gradients, decayed(gradients, square(gradient), this.rho));
    const delta = negative(divide(multiply(root(deltas), gradient), root(gradients)));
    this.assign(deltas, decayed(deltas, square(delta), this.rho));
    this.assignAdd(variable, multiply(rate, delta));
  }
}

/** Options of `Lion`. */
export interface LionOptions extends OptimizerOptions {
  beta1?: number | undefined;
  beta2?: number | undefined;
}

/**
 * Steps of one length in the direction of the momentum's signs.
 * Source: Chen et al., 2023, arXiv:2302.06675.
 *
 * @example
 * new optimizers.Lion().beta2; // 0.99
 */
export class Lion extends Optimizer {
  static override readonly parameters: ParameterTable = {
    learning_rate: 0.001,
    beta_1: 0.9,
    beta_2: 0.99,
    [inherits]: true,
  };
  readonly beta1: number;
  readonly beta2: number;
  #momentums: Variable[] = [];

  constructor(options: LionOptions = {}) {
    super(options.learningRate ?? 0.001, options);
    this.beta1 = options.beta1 ?? 0.9;
    this.beta2 = options.beta2 ?? 0.99;
    if (!(this.beta1 > 0 && this.beta1 <= 1)) {
      throw new ArgumentError(`Lion: beta1 must be above 0 and at most 1, got ${this.beta1}.`);
    }
  }

  protected override buildSlots(variables: readonly Variable[]): void {
    this.#momentums = this.addOptimizerVariables(variables, "momentum");
  }

  override updateStep(gradient: Tensor, variable: Variable, rate: Tensor): void {
    const m = this.#momentums[this.indexOf(variable)] as Variable;
    this.assignSub(variable, multiply(rate, sign(decayed(m, gradient, this.beta1))));
    this.assign(m, decayed(m, gradient, this.beta2));
  }
}

/** Options of `Ftrl`. */
export interface FtrlOptions extends OptimizerOptions {
  learningRatePower?: number | undefined;
  initialAccumulatorValue?: number | undefined;
  l1RegularizationStrength?: number | undefined;
  l2RegularizationStrength?: number | undefined;
  l2ShrinkageRegularizationStrength?: number | undefined;
  beta?: number | undefined;
}

/**
 * Follow the regularized leader: sparse weights by an L1 penalty.
 * Source: McMahan et al., 2013.
 *
 * @example
 * new optimizers.Ftrl().learningRatePower; // -0.5
 */
export class Ftrl extends Optimizer {
  static override readonly parameters: ParameterTable = {
    learning_rate: 0.001,
    learning_rate_power: -0.5,
    initial_accumulator_value: 0.1,
    l1_regularization_strength: 0,
    l2_regularization_strength: 0,
    l2_shrinkage_regularization_strength: 0,
    beta: 0,
    [inherits]: true,
  };
  readonly learningRatePower: number;
  readonly initialAccumulatorValue: number;
  readonly l1RegularizationStrength: number;
  readonly l2RegularizationStrength: number;
  readonly l2ShrinkageRegularizationStrength: number;
  readonly beta: number;
  #accumulators: Variable[] = [];
  #linears: Variable[] = [];

  constructor(options: FtrlOptions = {}) {
    super(options.learningRate ?? 0.001, options);
    this.learningRatePower = options.learningRatePower ?? -0.5;
    this.initialAccumulatorValue = options.initialAccumulatorValue ?? 0.1;
    this.l1RegularizationStrength = options.l1RegularizationStrength ?? 0;
    this.l2RegularizationStrength = options.l2RegularizationStrength ?? 0;
    this.l2ShrinkageRegularizationStrength = options.l2ShrinkageRegularizationStrength ?? 0;
    this.beta = options.beta ?? 0;
    if (this.learningRatePower > 0) {
      throw new ArgumentError(
        `Ftrl: learningRatePower must be at most 0, got ${this.learningRatePower}.`,
      );
    }
  }

  protected override buildSlots(variables: readonly Variable[]): void {
    const initializer = new Constant({ value: this.initialAccumulatorValue });
    for (const variable of variables) {
      this.#accumulators.push(
        this.addVariableFromReference(variable, { name: "accumulator", initializer }),
      );
      this.#linears.push(this.addVariableFromReference(variable, { name: "linear" }));
    }
  }

  override updateStep(gradient: Tensor, variable: Variable, rate: Tensor): void {
    const index = this.indexOf(variable);
    const accumulator = this.#accumulators[index] as Variable;
    const linear = this.#linears[index] as Variable;
    const exponent = -this.learningRatePower;
    const l1 = this.l1RegularizationStrength;
    const l2 = add(divide(this.beta / 2, rate), this.l2RegularizationStrength);
    const shrunk = add(
      gradient,
      multiply(variable.value, 2 * this.l2ShrinkageRegularizationStrength),
    );
    const total = add(accumulator.value, square(gradient));
    const growth = subtract(power(total, exponent), power(accumulator.value, exponent));
    this.assignAdd(linear, subtract(shrunk, multiply(divide(growth, rate), variable.value)));
    const quadratic = add(divide(power(total, exponent), rate), multiply(l2, 2));
    const clipped = clip(linear.value, -l1, l1);
    this.assign(variable, divide(subtract(clipped, linear.value), quadratic));
    this.assign(accumulator, total);
  }
}
