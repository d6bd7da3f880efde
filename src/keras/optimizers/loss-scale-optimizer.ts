/**
 * @module
 */
import { add, divide, multiply } from "../../ops/arithmetic.ts";
import { equal, isfinite, logicalAnd, where } from "../../ops/comparison.ts";
import { all } from "../../ops/reduction.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Variable } from "../../tensor/variable.ts";
import { ArgumentError, describe } from "../../util/errors.ts";
import { Constant } from "../initializers/index.ts";
import {
  type Config,
  type ConstructorOf,
  construct,
  type KerasClass,
  type ParameterTable,
  required,
} from "../object.ts";
import { deserializeKerasObject, serializeKerasObject } from "../saving/serialization.ts";
import { Optimizer } from "./optimizer.ts";
import { baseParameters, type LearningRate } from "./optimizer-options.ts";

/** Options of `LossScaleOptimizer`. */
export interface LossScaleOptions {
  initialScale?: number | undefined;
  /** Steps with finite gradients after which the scale doubles. */
  dynamicGrowthSteps?: number | undefined;
  name?: string | null | undefined;
}

/**
 * Scales the loss so that gradients in float16 do not vanish: half the scale
 * (and no update) where they are not finite, twice after many steps where they
 * are.
 *
 * @example
 * const optimizer = new optimizers.LossScaleOptimizer(new optimizers.SGD());
 * optimizer.initialScale; // 32768
 */
export class LossScaleOptimizer extends Optimizer {
  static override readonly parameters: ParameterTable = {
    inner_optimizer: required,
    initial_scale: 2 ** 15,
    dynamic_growth_steps: 2000,
    ...baseParameters,
  };
  readonly innerOptimizer: Optimizer;
  readonly initialScale: number;
  readonly dynamicGrowthSteps: number;
  #steps: Variable | null = null;
  #scale: Variable | null = null;

  constructor(innerOptimizer: Optimizer, options: LossScaleOptions = {}) {
    super(0, options);
    if (!(innerOptimizer instanceof Optimizer)) {
      throw new ArgumentError(
        `LossScaleOptimizer: expected an optimizer to wrap, got ${describe(innerOptimizer)}.`,
      );
    }
    const { name, initialScale, dynamicGrowthSteps, ...others } = options as Record<
      string,
      unknown
    >;
    const set = Object.keys(others).find(
      (key) => others[key] !== null && others[key] !== false && key !== "emaMomentum",
    );
    if (set !== undefined) {
      throw new ArgumentError(`LossScaleOptimizer: set ${set} on the optimizer that it wraps.`);
    }
    this.innerOptimizer = innerOptimizer;
    this.initialScale = options.initialScale ?? 2 ** 15;
    this.dynamicGrowthSteps = options.dynamicGrowthSteps ?? 2000;
    innerOptimizer.lossScaleFactor = null;
  }

  override get variables(): readonly Variable[] {
    return [...super.variables, ...this.innerOptimizer.variables];
  }
  override get iterations(): Tensor {
    return this.innerOptimizer.iterations;
  }
  override get learningRate(): Tensor {
    return this.innerOptimizer.learningRate;
  }
  override set learningRate(rate: LearningRate | Tensor) {
    this.innerOptimizer.learningRate = rate;
  }
  /** The scale now; null before it is built. */
  get dynamicScale(): Variable | null {
    return this.#scale;
  }

  override build(variables: readonly Variable[]): void {
    if (this.built) return;
    this.#steps = this.addVariable({ name: "step_counter", dtype: "int32" });
    this.#scale = this.addVariable({
      name: "dynamic_scale",
      dtype: "float32",
      initializer: new Constant({ value: this.initialScale }),
    });
    this.innerOptimizer.build(variables);
    super.build(variables);
  }

  override scaleLoss(loss: Tensor): Tensor {
    return multiply(loss, this.#scale ?? this.initialScale);
  }

  override apply(
    gradients: readonly (Tensor | null | undefined)[],
    variables: readonly Variable[] = this.trainableVariables,
  ): void {
    this.build(variables);
    const steps = this.#steps as Variable;
    const scale = this.#scale as Variable;
    const before = scale.value;
    const count = steps.value;
    const isFinite = gradients
      .filter((g): g is Tensor => (g ?? null) !== null)
      .map((g) => all(isfinite(g)))
      .reduce((both, one) => logicalAnd(both, one));
    this.innerOptimizer.when(isFinite, () => {
      this.innerOptimizer.apply(
        gradients.map((g) => ((g ?? null) === null ? null : divide(g as Tensor, before))),
        variables,
      );
    });
    const isGrowth = logicalAnd(isFinite, equal(count, this.dynamicGrowthSteps - 1));
    const isPlain = logicalAnd(isFinite, equal(isGrowth, false));
    steps.assign(where(isPlain, add(count, 1), 0));
    scale.assign(
      where(isFinite, where(isGrowth, multiply(before, 2), before), multiply(before, 0.5)),
    );
  }

  override updateStep(gradient: Tensor, variable: Variable, rate: Tensor): void {
    this.innerOptimizer.updateStep(gradient, variable, rate);
  }

  override finalizeVariableValues(variables: readonly Variable[]): void {
    this.innerOptimizer.finalizeVariableValues(variables);
  }

  override loadOwnVariables(store: Readonly<Record<string, Tensor>>): void {
    const { variables } = this;
    if (Object.keys(store).length !== variables.length) {
      super.loadOwnVariables(store);
      return;
    }
    for (const [i, variable] of variables.entries())
      variable.checkAssignable(store[`${i}`] as Tensor);
    for (const [i, variable] of variables.entries()) variable.assign(store[`${i}`] as Tensor);
  }

  override saveOwnVariables(store: Record<string, Variable | Tensor>): void {
    for (const [i, variable] of this.variables.entries()) store[`${i}`] = variable;
  }

  override getConfig(): Config {
    return {
      name: this.name,
      inner_optimizer: serializeKerasObject(this.innerOptimizer),
      initial_scale: this.initialScale,
      dynamic_growth_steps: this.dynamicGrowthSteps,
    };
  }

  static override fromConfig<T>(
    this: ConstructorOf<T>,
    config: Config,
    customObjects?: Readonly<Record<string, unknown>>,
  ): T {
    const inner = deserializeKerasObject(config["inner_optimizer"], { customObjects });
    return construct(this as unknown as KerasClass<T>, { ...config, inner_optimizer: inner });
  }
}
