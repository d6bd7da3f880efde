/**
 * The base class of optimizers.
 *
 * @module
 */
import { clipByGlobalNorm, clipByNorm } from "../../nn/clipping.ts";
import { add, clip, divide, floorDivide, mod, multiply, subtract } from "../../ops/arithmetic.ts";
import { equal, logicalAnd, notEqual, where } from "../../ops/comparison.ts";
import { cast, zerosLike } from "../../ops/creation.ts";
import type { TensorLike } from "../../ops/promote.ts";
import { currentBackend } from "../../runtime/device.ts";
import { floatx } from "../../runtime/precision.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { tidy } from "../../tensor/tidy.ts";
import { Variable, type VariableInitializer } from "../../tensor/variable.ts";
import type { DType } from "../../util/dtypes.ts";
import { ArgumentError, StateError } from "../../util/errors.ts";
import { autoName, checkName, toCamelCase, withNameScope } from "../../util/naming.ts";
import { isPlainObject } from "../../util/pytree.ts";
import * as initializers from "../initializers/index.ts";
import {
  type Config,
  type ConstructorOf,
  checkConstructorOptions,
  construct,
  inherits,
  type KerasClass,
  KerasObject,
  ownParameters,
  type ParameterTable,
} from "../object.ts";
import { deserializeKerasObject, serializeKerasObject } from "../saving/serialization.ts";
import {
  baseParameters,
  checkOptimizer,
  checkRate,
  type LearningRate,
  type OptimizerOptions,
} from "./optimizer-options.ts";
import { LearningRateSchedule } from "./schedules/schedule.ts";

export type { LearningRate, OptimizerOptions };

type Gradient = Tensor | null | undefined;

/**
 * Updates variables by their gradients.
 *
 * A subclass makes its variables in `build` and computes in `updateStep`,
 * writing through `assign`, `assignAdd` and `assignSub`. Everything is ops on
 * variables, so a whole training step is one program.
 */
export abstract class Optimizer extends KerasObject {
  static override readonly kerasModule: string = "keras.optimizers";
  static override readonly parameters: ParameterTable = {
    learning_rate: 0.001,
    ...baseParameters,
    [inherits]: true,
  };
  readonly name: string;
  weightDecay: number | null;
  clipnorm: number | null;
  clipvalue: number | null;
  globalClipnorm: number | null;
  useEma: boolean;
  emaMomentum: number;
  emaOverwriteFrequency: number | null;
  lossScaleFactor: number | null;
  gradientAccumulationSteps: number | null;
  #rate: Variable | LearningRateSchedule | (() => TensorLike);
  #lastRate = 0;
  #isBuilt = false;
  readonly #iterations: Variable;
  readonly #variables: Variable[] = [];
  #trainable: readonly Variable[] = [];
  readonly #indices = new Map<Variable, number>();
  #averages: Variable[] = [];
  #accumulated: Variable[] = [];
  #excluded: ReadonlySet<Variable> = new Set();
  #excludedNames: RegExp | null = null;
  /** Where it does not hold, nothing is written. */
  #condition: Tensor | null = null;

  constructor(learningRate: LearningRate, options: OptimizerOptions = {}) {
    super();
    checkConstructorOptions(new.target, options);
    this.name = checkName(options.name ?? autoName(new.target.name), new.target.name);
    this.weightDecay = options.weightDecay ?? null;
    this.clipnorm = options.clipnorm ?? null;
    this.clipvalue = options.clipvalue ?? null;
    this.globalClipnorm = options.globalClipnorm ?? null;
    this.useEma = options.useEma ?? false;
    this.emaMomentum = options.emaMomentum ?? 0.99;
    this.emaOverwriteFrequency = options.emaOverwriteFrequency ?? null;
    this.lossScaleFactor = options.lossScaleFactor ?? null;
    this.gradientAccumulationSteps = options.gradientAccumulationSteps ?? null;
    checkOptimizer(this);
    this.#iterations = this.#make(
      () =>
        new Variable(0, {
          name: "iteration",
          dtype: "int32",
          trainable: false,
          aggregation: "only_first_replica",
        }),
    );
    if (typeof learningRate === "function") {
      this.#rate = learningRate as LearningRateSchedule | (() => TensorLike);
    } else {
      const rate = checkRate(learningRate, new.target.name);
      this.#lastRate = rate;
      this.#rate = this.#make(
        () =>
          new Variable(rate, {
            name: "learning_rate",
            dtype: floatx(),
            trainable: false,
            aggregation: "only_first_replica",
          }),
      );
    }
  }

  #make(fn: () => Variable): Variable {
    const variable = withNameScope(this.name, fn, { caller: this });
    this.#variables.push(variable);
    return variable;
  }

  /** The updates so far. */
  get iterations(): Tensor {
    const steps = this.gradientAccumulationSteps;
    return steps === null ? this.#iterations.value : floorDivide(this.#iterations, steps);
  }

  /** All state: the count of steps, the rate, then what `build` made. */
  get variables(): readonly Variable[] {
    return this.#variables;
  }

  get built(): boolean {
    return this.#isBuilt;
  }

  /** The variables that it was built for. */
  get trainableVariables(): readonly Variable[] {
    return this.#trainable;
  }

  /** The rate now. Set it to a number, a schedule or a function. */
  get learningRate(): Tensor {
    const rate = this.#rate;
    if (rate instanceof Variable) return rate.value;
    const value = rate instanceof LearningRateSchedule ? rate(this.#iterations.value) : rate();
    return cast(value, floatx());
  }
  set learningRate(rate: LearningRate | Tensor) {
    if (typeof rate === "function") {
      this.#rate = rate as LearningRateSchedule | (() => TensorLike);
      return;
    }
    if (!(this.#rate instanceof Variable)) {
      throw new StateError(
        `${this.constructor.name}: the learning rate follows a schedule and cannot be set to a ` +
          "number. Make the optimizer with a number to be able to.",
      );
    }
    if (typeof rate === "number") this.#lastRate = rate;
    const variable = this.#rate;
    tidy(() => {
      variable.assign(rate);
    });
  }

  // --- What subclasses use and define ---

  /** Makes the variables for those to be trained. Subclasses call `super.build` first. */
  build(variables: readonly Variable[]): void {
    if (this.#isBuilt) return;
    this.#isBuilt = true;
    if (this.useEma) this.#averages = this.addOptimizerVariables(variables, "average");
    for (const [i, variable] of variables.entries()) this.#indices.set(variable, i);
    if (this.gradientAccumulationSteps !== null) {
      this.#accumulated = this.addOptimizerVariables(variables, "gradient_accumulator");
    }
    this.#trainable = [...variables];
    this.buildSlots(variables);
  }

  /** Makes the optimizer's own variables. */
  protected buildSlots(_variables: readonly Variable[]): void {}

  /** One variable's update. */
  abstract updateStep(gradient: Tensor, variable: Variable, learningRate: Tensor): void;

  /** A variable of the shape and dtype of another. */
  addVariableFromReference(
    reference: Variable,
    options: { name: string; initializer?: initializers.InitializerLike },
  ): Variable {
    const initializer = initializers.get(options.initializer ?? "zeros") as VariableInitializer;
    // Its name tells whose it is, as in Keras.
    const name = `${reference.path.replaceAll("/", "_")}_${options.name}`;
    return this.#make(
      () =>
        new Variable(initializer, {
          shape: reference.shape,
          dtype: reference.storageDtype,
          trainable: false,
          name,
        }),
    );
  }

  /** One such variable for each. */
  addOptimizerVariables(
    variables: readonly Variable[],
    name: string,
    initializer: initializers.InitializerLike = "zeros",
  ): Variable[] {
    return variables.map((variable) =>
      this.addVariableFromReference(variable, { name, initializer }),
    );
  }

  /** Another variable of the optimizer. */
  addVariable(options: {
    shape?: readonly number[];
    initializer?: initializers.InitializerLike;
    dtype?: DType;
    name: string;
  }): Variable {
    const initializer = initializers.get(options.initializer ?? "zeros") as VariableInitializer;
    return this.#make(
      () =>
        new Variable(initializer, {
          shape: options.shape ?? [],
          dtype: options.dtype ?? floatx(),
          trainable: false,
          name: options.name,
        }),
    );
  }

  /** Which of the variables it was built for. */
  protected indexOf(variable: Variable): number {
    return this.#indices.get(variable) as number;
  }

  protected assign(variable: Variable, value: Tensor): void {
    const given =
      value.dtype === variable.storageDtype ? value : cast(value, variable.storageDtype);
    variable.assign(
      this.#condition === null ? given : where(this.#condition, given, variable.value),
    );
  }
  protected assignAdd(variable: Variable, value: TensorLike): void {
    this.assign(variable, add(variable.value, value));
  }
  protected assignSub(variable: Variable, value: TensorLike): void {
    this.assign(variable, subtract(variable.value, value));
  }

  /** @internal Runs `fn` with its writes undone where `condition` is false. */
  when(condition: Tensor, fn: () => void): void {
    const outer = this.#condition;
    this.#condition = outer === null ? condition : logicalAnd(outer, condition);
    try {
      fn();
    } finally {
      this.#condition = outer;
    }
  }

  // --- Steps ---

  /** The loss as gradients should be taken of it. */
  scaleLoss(loss: Tensor): Tensor {
    return this.lossScaleFactor === null ? loss : multiply(loss, this.lossScaleFactor);
  }

  /** Updates the variables of `[gradient, variable]` pairs. */
  applyGradients(pairs: Iterable<readonly [Gradient, Variable]>): Tensor {
    const list = [...pairs];
    this.apply(
      list.map(([gradient]) => gradient),
      list.map(([, variable]) => variable),
    );
    return this.#iterations.value;
  }

  /**
   * Updates variables by gradients, in the order of the variables.
   *
   * @throws {StateError} If it was built for other variables.
   * @throws {ArgumentError} If there is no gradient at all.
   */
  apply(gradients: readonly Gradient[], variables: readonly Variable[] = this.#trainable): void {
    if (gradients.length === 0) return;
    if (!this.#isBuilt) {
      if (variables.length === 0) {
        throw new StateError(
          `${this.constructor.name}: it has not been built: give the variables too, ` +
            "apply(gradients, variables).",
        );
      }
      this.build(variables);
    }
    if (gradients.length !== variables.length) {
      throw new ArgumentError(
        `${this.constructor.name}: got ${gradients.length} gradients for ${variables.length} variables.`,
      );
    }
    const unknown = variables.find((variable) => !this.#indices.has(variable));
    if (unknown !== undefined) {
      throw new StateError(
        `${this.constructor.name}: it was not built for the variable ${unknown.path}. ` +
          "Make a new optimizer (compile again) for other variables.",
      );
    }
    this.applyUpdates(gradients, variables);
    this.assignAdd(this.#iterations, 1);
  }

  /** @internal */
  protected applyUpdates(given: readonly Gradient[], all: readonly Variable[]): void {
    const [gradients, variables] = this.#withGradients(given, all);
    const scale = this.lossScaleFactor;
    const unscaled = scale === null ? gradients : gradients.map((g) => divide(g, scale));
    const steps = this.gradientAccumulationSteps;
    if (steps === null) this.#update(unscaled, variables);
    else this.#accumulate(unscaled, variables, steps);
    if (this.useEma) this.#updateAverages();
    for (const variable of variables) {
      if (variable.constraint !== null) this.assign(variable, variable.constraint(variable.value));
    }
  }

  #withGradients(
    gradients: readonly Gradient[],
    variables: readonly Variable[],
  ): [Tensor[], Variable[]] {
    const kept = variables.filter((_, i) => (gradients[i] ?? null) !== null);
    if (kept.length === 0) {
      throw new ArgumentError(
        `${this.constructor.name}: no variable has a gradient. Does the loss depend on the weights?`,
      );
    }
    if (kept.length < variables.length) {
      const missing = variables.filter((variable) => !kept.includes(variable));
      warnMissing(this, missing);
    }
    return [gradients.filter((g): g is Tensor => (g ?? null) !== null), kept];
  }

  #update(gradients: readonly Tensor[], variables: readonly Variable[]): void {
    const clipped = this.#clip(gradients);
    const rate = this.learningRate;
    this.#decay(variables, rate);
    this.updateAll(clipped, variables, rate);
  }

  /** @internal */
  protected updateAll(
    gradients: readonly Tensor[],
    variables: readonly Variable[],
    rate: Tensor,
  ): void {
    for (const [i, variable] of variables.entries()) {
      this.updateStep(
        cast(gradients[i] as Tensor, variable.storageDtype),
        variable,
        cast(rate, variable.storageDtype),
      );
    }
  }

  /** Updates at every n-th step by the mean of n gradients. */
  #accumulate(gradients: readonly Tensor[], variables: readonly Variable[], steps: number): void {
    const isUpdate = equal(mod(add(this.#iterations, 1), steps), 0);
    const sums = gradients.map((gradient, i) =>
      add(gradient, (this.#accumulated[this.indexOf(variables[i] as Variable)] as Variable).value),
    );
    this.when(isUpdate, () => {
      this.#update(
        sums.map((s) => divide(s, steps)),
        variables,
      );
    });
    for (const [i, variable] of variables.entries()) {
      const total = sums[i] as Tensor;
      const store = this.#accumulated[this.indexOf(variable)] as Variable;
      this.assign(store, where(isUpdate, zerosLike(total), total));
    }
  }

  #clip(gradients: readonly Tensor[]): readonly Tensor[] {
    const { clipnorm, globalClipnorm, clipvalue } = this;
    if (clipnorm !== null && clipnorm > 0) return gradients.map((g) => clipByNorm(g, clipnorm));
    if (globalClipnorm !== null && globalClipnorm > 0)
      return clipByGlobalNorm(gradients, globalClipnorm);
    if (clipvalue !== null && clipvalue > 0)
      return gradients.map((g) => clip(g, -clipvalue, clipvalue));
    return gradients;
  }

  #decay(variables: readonly Variable[], rate: Tensor): void {
    const { weightDecay } = this;
    if (weightDecay === null) return;
    for (const variable of variables) {
      if (!this.#usesDecay(variable)) continue;
      const dtype = variable.storageDtype;
      const part = multiply(multiply(variable.value, cast(weightDecay, dtype)), cast(rate, dtype));
      this.assignSub(variable, part);
    }
  }

  #usesDecay(variable: Variable): boolean {
    return !this.#excluded.has(variable) && !(this.#excludedNames?.test(variable.name) ?? false);
  }

  /**
   * Leaves variables out of weight decay: some, or all whose names match one
   * of some patterns.
   *
   * @throws {StateError} If the optimizer has been built.
   */
  excludeFromWeightDecay(options: {
    varList?: readonly Variable[] | undefined;
    varNames?: readonly string[] | undefined;
  }): void {
    if (this.#isBuilt) {
      throw new StateError("excludeFromWeightDecay: call it before the optimizer is built.");
    }
    this.#excluded = new Set(options.varList ?? []);
    const names = options.varNames ?? [];
    this.#excludedNames = names.length > 0 ? new RegExp(names.join("|")) : null;
  }

  #updateAverages(): void {
    const iterations = this.iterations;
    for (const [i, variable] of this.#trainable.entries()) {
      const average = this.#averages[i] as Variable;
      const dtype = variable.storageDtype;
      const momentum = multiply(cast(notEqual(iterations, 0), dtype), this.emaMomentum);
      this.assign(
        average,
        add(multiply(momentum, average.value), multiply(subtract(1, momentum), variable.value)),
      );
    }
    const frequency = this.emaOverwriteFrequency;
    if (!frequency) return;
    this.when(equal(mod(add(iterations, 1), frequency), 0), () => this.#takeAverages());
  }

  #takeAverages(): void {
    for (const [i, variable] of this.#trainable.entries()) {
      this.assign(variable, (this.#averages[i] as Variable).value);
    }
  }

  /** What is done to the weights when training ends: they take their average, where one is kept. */
  finalizeVariableValues(_variables: readonly Variable[]): void {
    if (this.useEma && this.#averages.length > 0) this.#takeAverages();
  }

  // --- Configs and files ---

  /** @internal The rate as configs have it. */
  protected rateConfig(): unknown {
    const rate = this.#rate;
    if (!(rate instanceof Variable)) return serializeKerasObject(rate);
    // Where it cannot be read now, what it was last set to.
    return currentBackend().syncRead ? Number(rate.value.itemSync()) : Math.fround(this.#lastRate);
  }

  override getConfig(): Config {
    const config: Config = {
      name: this.name,
      learning_rate: this.rateConfig(),
      weight_decay: this.weightDecay,
      clipnorm: this.clipnorm,
      global_clipnorm: this.globalClipnorm,
      clipvalue: this.clipvalue,
      use_ema: this.useEma,
      ema_momentum: this.emaMomentum,
      ema_overwrite_frequency: this.emaOverwriteFrequency,
      loss_scale_factor: this.lossScaleFactor,
      gradient_accumulation_steps: this.gradientAccumulationSteps,
    };
    for (const key of Object.keys(ownParameters(this.constructor, Optimizer))) {
      config[key] = (this as unknown as Record<string, unknown>)[toCamelCase(key)];
    }
    return config;
  }

  static override fromConfig<T>(
    this: ConstructorOf<T>,
    config: Config,
    customObjects?: Readonly<Record<string, unknown>>,
  ): T {
    const rate = config["learning_rate"];
    const revived = isPlainObject(rate) ? deserializeKerasObject(rate, { customObjects }) : rate;
    return construct(this as unknown as KerasClass<T>, {
      ...config,
      ...(rate === undefined ? {} : { learning_rate: revived }),
    });
  }

  saveOwnVariables(store: Record<string, Variable | Tensor>): void {
    for (const [i, variable] of this.#variables.entries()) store[`${i}`] = variable;
  }

  /** Takes the state from a store; with another number of variables it warns and does nothing. */
  loadOwnVariables(store: Readonly<Record<string, Tensor>>): void {
    const count = Object.keys(store).length;
    if (count !== this.#variables.length) {
      console.warn(
        `The optimizer "${this.name}" has ${this.#variables.length} variables, the file holds ` +
          `${count}: its state is not loaded.`,
      );
      return;
    }
    for (const [i, variable] of this.#variables.entries())
      variable.checkAssignable(store[`${i}`] as Tensor);
    for (const [i, variable] of this.#variables.entries()) variable.assign(store[`${i}`] as Tensor);
  }
}

const warned = new WeakSet<Optimizer>();

function warnMissing(optimizer: Optimizer, variables: readonly Variable[]): void {
  if (warned.has(optimizer)) return;
  warned.add(optimizer);
  console.warn(
    `The loss does not depend on ${variables.map(({ path }) => path).join(", ")}: these variables ` +
      "are not trained.",
  );
}
