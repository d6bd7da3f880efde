/**
 * Adam and its kin.
 *
 * @module
 */
import {
  absolute,
  add,
  divide,
  maximum,
  multiply,
  square,
  subtract,
} from "../../ops/arithmetic.ts";
import { greater, where } from "../../ops/comparison.ts";
import { cast } from "../../ops/creation.ts";
import { power, sqrt } from "../../ops/exponential.ts";
import { sum } from "../../ops/reduction.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Variable } from "../../tensor/variable.ts";
import { inherits, type ParameterTable } from "../object.ts";
import { Optimizer, type OptimizerOptions } from "./optimizer.ts";

/** Options of optimizers with two moments. */
export interface MomentsOptions extends OptimizerOptions {
  /** How much of the mean of gradients a step keeps. */
  beta1?: number | undefined;
  /** How much of the mean of squares a step keeps. */
  beta2?: number | undefined;
  epsilon?: number | undefined;
}

const momentsParameters: ParameterTable = {
  learning_rate: 0.001,
  beta_1: 0.9,
  beta_2: 0.999,
  epsilon: 1e-7,
  [inherits]: true,
};

/** What optimizers with running moments of gradients share. */
abstract class Moments extends Optimizer {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;

  constructor(rate: number, options: MomentsOptions) {
    super(options.learningRate ?? rate, options);
    this.beta1 = options.beta1 ?? 0.9;
    this.beta2 = options.beta2 ?? 0.999;
    this.epsilon = options.epsilon ?? 1e-7;
  }

  /** The number of this update, from 1. */
  protected stepOf(variable: Variable, ahead = 1): Tensor {
    return cast(add(this.iterations, ahead), variable.storageDtype);
  }

  /** Moves a running mean towards `value` and returns it. */
  protected approach(mean: Variable, value: Tensor, beta: number): Tensor {
    this.assignAdd(mean, multiply(subtract(value, mean.value), 1 - beta));
    return mean.value;
  }

  /** 1 - beta^step. */
  protected correction(beta: number, step: Tensor): Tensor {
    return subtract(1, power(cast(beta, step.dtype), step));
  }
}

/** Options of `Adam` and `AdamW`. */
export interface AdamOptions extends MomentsOptions {
  /** Whether steps are divided by the largest mean of squares so far. */
  amsgrad?: boolean | undefined;
}

/**
 * Steps of the mean gradient over the root of its mean square.
 * Sources: Kingma and Ba, 2014, arXiv:1412.6980; Reddi et al., 2018 (amsgrad).
 *
 * @example
 * const w = new Variable([1], { dtype: "float32" });
 * new optimizers.Adam({ learningRate: 0.5 }).apply([tensor([3])], [w]);
 * Math.round(await w.value.item() * 100) / 100; // 0.5
 */
export class Adam extends Moments {
  static override readonly parameters: ParameterTable = { ...momentsParameters, amsgrad: false };
  readonly amsgrad: boolean;
  #momentums: Variable[] = [];
  #velocities: Variable[] = [];
  #largest: Variable[] = [];

  constructor(options: AdamOptions = {}) {
    super(0.001, options);
    this.amsgrad = options.amsgrad ?? false;
  }

  protected override buildSlots(variables: readonly Variable[]): void {
    // The two of a variable stand side by side, as in Keras.
    for (const variable of variables) {
      this.#momentums.push(this.addVariableFromReference(variable, { name: "momentum" }));
      this.#velocities.push(this.addVariableFromReference(variable, { name: "velocity" }));
    }
    if (this.amsgrad) this.#largest = this.addOptimizerVariables(variables, "velocity_hat");
  }

  override updateStep(gradient: Tensor, variable: Variable, rate: Tensor): void {
    const step = this.stepOf(variable);
    const index = this.indexOf(variable);
    const alpha = divide(
      multiply(rate, sqrt(this.correction(this.beta2, step))),
      this.correction(this.beta1, step),
    );
    const m = this.approach(this.#momentums[index] as Variable, gradient, this.beta1);
    let v = this.approach(this.#velocities[index] as Variable, square(gradient), this.beta2);
    const largest = this.#largest[index];
    if (largest !== undefined) {
      this.assign(largest, maximum(largest.value, v));
      v = largest.value;
    }
    this.assignSub(variable, divide(multiply(m, alpha), add(sqrt(v), this.epsilon)));
  }
}

/**
 * Adam with weight decay that does not go through the gradients.
 * Source: Loshchilov and Hutter, 2019, arXiv:1711.05101.
 *
 * @example
 * const optimizer = new optimizers.AdamW({ learningRate: 0.01, weightDecay: 0.1 });
 * optimizer.weightDecay; // 0.1
 */
export class AdamW extends Adam {
  static override readonly parameters: ParameterTable = {
    ...Adam.parameters,
    weight_decay: 0.004,
  };

  constructor(options: AdamOptions = {}) {
    super({
      ...options,
      weightDecay: options.weightDecay === undefined ? 0.004 : options.weightDecay,
    });
  }
}

/**
 * Adam by the largest gradient so far instead of the mean square.
 * Source: Kingma and Ba, 2014, arXiv:1412.6980, section 7.
 *
 * @example
 * new optimizers.Adamax().beta1; // 0.9
 */
export class Adamax extends Moments {
  static override readonly parameters: ParameterTable = momentsParameters;
  #m: Variable[] = [];
  #u: Variable[] = [];

  constructor(options: MomentsOptions = {}) {
    super(0.001, options);
  }

  protected override buildSlots(variables: readonly Variable[]): void {
    for (const variable of variables) {
      this.#m.push(this.addVariableFromReference(variable, { name: "momentum" }));
      this.#u.push(this.addVariableFromReference(variable, { name: "norm" }));
    }
  }

  override updateStep(gradient: Tensor, variable: Variable, rate: Tensor): void {
    const index = this.indexOf(variable);
    const m = this.approach(this.#m[index] as Variable, gradient, this.beta1);
    const u = this.#u[index] as Variable;
    this.assign(u, maximum(multiply(u.value, this.beta2), absolute(gradient)));
    const correction = this.correction(this.beta1, this.stepOf(variable));
    this.assignSub(
      variable,
      divide(multiply(rate, m), multiply(correction, add(u.value, this.epsilon))),
    );
  }
}

/**
 * Adam with Nesterov's momentum. Source: Dozat, 2016.
 *
 * @example
 * new optimizers.Nadam().beta2; // 0.999
 */
export class Nadam extends Moments {
  static override readonly parameters: ParameterTable = momentsParameters;
  #momentums: Variable[] = [];
  #velocities: Variable[] = [];
  /** The product of all momentum factors so far. */
  #product!: Variable;

  constructor(options: MomentsOptions = {}) {
    super(0.001, options);
  }

  protected override buildSlots(variables: readonly Variable[]): void {
    for (const variable of variables) {
      this.#momentums.push(this.addVariableFromReference(variable, { name: "momentum" }));
      this.#velocities.push(this.addVariableFromReference(variable, { name: "velocity" }));
    }
    const dtype = variables[0]?.storageDtype;
    this.#product = this.addVariable({
      name: "u_product",
      initializer: "ones",
      ...(dtype ? { dtype } : {}),
    });
  }

  /** The factor of one step's momentum. */
  #factor(step: Tensor): Tensor {
    const decay = power(cast(0.96, step.dtype), step);
    return multiply(subtract(1, multiply(decay, 0.5)), this.beta1);
  }

  protected override updateAll(
    gradients: readonly Tensor[],
    variables: readonly Variable[],
    rate: Tensor,
  ): void {
    const product = this.#product;
    this.assign(product, multiply(product.value, this.#factor(this.stepOf(product))));
    super.updateAll(gradients, variables, rate);
  }

  override updateStep(gradient: Tensor, variable: Variable, rate: Tensor): void {
    const index = this.indexOf(variable);
    const step = this.stepOf(variable);
    const factor = this.#factor(step);
    const next = this.#factor(this.stepOf(variable, 2));
    const product = cast(this.#product.value, variable.storageDtype);
    // Keras rounds the factors before it takes them from 1.
    const round = variable.storageDtype === "float64" ? (x: number): number => x : Math.fround;
    const m = this.approach(this.#momentums[index] as Variable, gradient, round(this.beta1));
    const v = this.approach(
      this.#velocities[index] as Variable,
      square(gradient),
      round(this.beta2),
    );
    const mean = add(
      divide(multiply(next, m), subtract(1, multiply(product, next))),
      divide(multiply(subtract(1, factor), gradient), subtract(1, product)),
    );
    const spread = divide(v, this.correction(this.beta2, step));
    this.assignSub(variable, divide(multiply(mean, rate), add(sqrt(spread), this.epsilon)));
  }
}

/**
 * Adam with steps as long as the weights' norm allows, for large batches.
 * Source: You et al., 2019, arXiv:1904.00962.
 *
 * @example
 * new optimizers.Lamb().epsilon; // 1e-7
 */
export class Lamb extends Moments {
  static override readonly parameters: ParameterTable = momentsParameters;
  #momentums: Variable[] = [];
  #velocities: Variable[] = [];

  constructor(options: MomentsOptions = {}) {
    super(0.001, options);
  }

  protected override buildSlots(variables: readonly Variable[]): void {
    for (const variable of variables) {
      this.#momentums.push(this.addVariableFromReference(variable, { name: "momentum" }));
      this.#velocities.push(this.addVariableFromReference(variable, { name: "velocity" }));
    }
  }

  override updateStep(gradient: Tensor, variable: Variable, rate: Tensor): void {
    const index = this.indexOf(variable);
    const step = this.stepOf(variable);
    const m = this.approach(this.#momentums[index] as Variable, gradient, this.beta1);
    const v = this.approach(this.#velocities[index] as Variable, square(gradient), this.beta2);
    const update = divide(
      divide(m, this.correction(this.beta1, step)),
      add(sqrt(divide(v, this.correction(this.beta2, step))), this.epsilon),
    );
    const weights = sqrt(sum(square(variable.value)));
    const length = sqrt(sum(square(update)));
    const ratio = where(
      greater(weights, 0),
      where(greater(length, 0), divide(weights, length), 1),
      1,
    );
    this.assignSub(variable, multiply(multiply(ratio, rate), update));
  }
}
