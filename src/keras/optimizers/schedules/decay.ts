/**
 * Rates that fall by powers, fractions and steps.
 *
 * @module
 */
import { add, ceil, divide, floor, minimum, multiply, subtract } from "../../../ops/arithmetic.ts";
import { equal, greater, lessEqual, logicalAnd, where } from "../../../ops/comparison.ts";
import { cast } from "../../../ops/creation.ts";
import { power } from "../../../ops/exponential.ts";
import { type TensorLike, toTensor } from "../../../ops/promote.ts";
import { floatx } from "../../../runtime/precision.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { ArgumentError } from "../../../util/errors.ts";
import { type ParameterTable, required } from "../../object.ts";
import { LearningRateSchedule } from "./schedule.ts";

/** @internal */
export function float(x: TensorLike): Tensor {
  return cast(x, floatx());
}

/** @internal @throws {ArgumentError} If there are no steps to decay in. */
export function checkSteps(steps: number, schedule: string, name: string): number {
  if (!(steps > 0)) throw new ArgumentError(`${schedule}: ${name} must be above 0, got ${steps}.`);
  return steps;
}

/** Options of schedules that decay by a rate. */
export interface DecayOptions {
  /** Whether the rate falls only after whole `decaySteps`. */
  staircase?: boolean | undefined;
  name?: string | undefined;
}

const decayParameters: ParameterTable = {
  initial_learning_rate: required,
  decay_steps: required,
  decay_rate: required,
  staircase: false,
};

/**
 * `initial * decayRate^(step / decaySteps)`.
 *
 * @example
 * const schedule = new optimizers.schedules.ExponentialDecay(1, 10, 0.5);
 * await schedule(20).item(); // 0.25
 */
export class ExponentialDecay extends LearningRateSchedule {
  static override readonly parameters: ParameterTable = {
    ...decayParameters,
    name: "ExponentialDecay",
  };
  readonly initialLearningRate: number;
  readonly decaySteps: number;
  readonly decayRate: number;
  readonly staircase: boolean;
  override readonly name: string;

  constructor(
    initialLearningRate: number,
    decaySteps: number,
    decayRate: number,
    options: DecayOptions = {},
  ) {
    super();
    this.initialLearningRate = initialLearningRate;
    this.decaySteps = checkSteps(decaySteps, "ExponentialDecay", "decaySteps");
    this.decayRate = decayRate;
    this.staircase = options.staircase ?? false;
    this.name = options.name ?? "ExponentialDecay";
  }

  override call(step: TensorLike): Tensor {
    const part = divide(float(step), float(this.decaySteps));
    return multiply(
      this.initialLearningRate,
      power(float(this.decayRate), this.staircase ? floor(part) : part),
    );
  }
}

/**
 * `initial / (1 + decayRate * step / decaySteps)`.
 *
 * @example
 * const schedule = new optimizers.schedules.InverseTimeDecay(1, 10, 0.5);
 * await schedule(20).item(); // 0.5
 */
export class InverseTimeDecay extends LearningRateSchedule {
  static override readonly parameters: ParameterTable = {
    ...decayParameters,
    name: "InverseTimeDecay",
  };
  readonly initialLearningRate: number;
  readonly decaySteps: number;
  readonly decayRate: number;
  readonly staircase: boolean;
  override readonly name: string;

  constructor(
    initialLearningRate: number,
    decaySteps: number,
    decayRate: number,
    options: DecayOptions = {},
  ) {
    super();
    this.initialLearningRate = initialLearningRate;
    this.decaySteps = checkSteps(decaySteps, "InverseTimeDecay", "decaySteps");
    this.decayRate = decayRate;
    this.staircase = options.staircase ?? false;
    this.name = options.name ?? "InverseTimeDecay";
  }

  override call(step: TensorLike): Tensor {
    const part = divide(float(step), float(this.decaySteps));
    const denominator = add(multiply(this.staircase ? floor(part) : part, this.decayRate), 1);
    return divide(float(this.initialLearningRate), denominator);
  }
}

/**
 * The first of `values` up to the first boundary, the next up to the second,
 * and so on.
 *
 * @example
 * const schedule = new optimizers.schedules.PiecewiseConstantDecay([10], [1, 0.5]);
 * await schedule(11).item(); // 0.5
 */
export class PiecewiseConstantDecay extends LearningRateSchedule {
  static override readonly parameters: ParameterTable = {
    boundaries: required,
    values: required,
    name: "PiecewiseConstant",
  };
  readonly boundaries: readonly number[];
  readonly values: readonly number[];
  override readonly name: string;

  constructor(
    boundaries: readonly number[],
    values: readonly number[],
    options: { name?: string | undefined } = {},
  ) {
    super();
    if (boundaries.length !== values.length - 1) {
      throw new ArgumentError(
        `PiecewiseConstantDecay: there must be one value more than boundaries, got ` +
          `${values.length} values and ${boundaries.length} boundaries.`,
      );
    }
    this.boundaries = [...boundaries];
    this.values = [...values];
    this.name = options.name ?? "PiecewiseConstant";
  }

  override call(given: TensorLike): Tensor {
    const step = toTensor("PiecewiseConstantDecay", given);
    const { boundaries, values } = this;
    // Boundaries count in the step's own dtype.
    const bounds = boundaries.map((boundary) => cast(boundary, step.dtype));
    let rate = multiply(float(values[0] as number), float(lessEqual(step, bounds[0] as Tensor)));
    for (let i = 1; i < values.length; i++) {
      const after = greater(step, bounds[i - 1] as Tensor);
      const next = bounds[i];
      const inRange = next === undefined ? after : logicalAnd(after, lessEqual(step, next));
      rate = add(rate, multiply(float(values[i] as number), float(inRange)));
    }
    return rate;
  }
}

/** Options of `PolynomialDecay`. */
export interface PolynomialDecayOptions {
  endLearningRate?: number | undefined;
  power?: number | undefined;
  /** Whether it starts anew, for longer, after `decaySteps`. */
  cycle?: boolean | undefined;
  name?: string | undefined;
}

/**
 * `(initial - end) * (1 - step / decaySteps)^power + end`.
 *
 * @example
 * const schedule = new optimizers.schedules.PolynomialDecay(1, 10, { endLearningRate: 0 });
 * await schedule(5).item(); // 0.5
 */
export class PolynomialDecay extends LearningRateSchedule {
  static override readonly parameters: ParameterTable = {
    initial_learning_rate: required,
    decay_steps: required,
    end_learning_rate: 0.0001,
    power: 1,
    cycle: false,
    name: "PolynomialDecay",
  };
  readonly initialLearningRate: number;
  readonly decaySteps: number;
  readonly endLearningRate: number;
  readonly power: number;
  readonly cycle: boolean;
  override readonly name: string;

  constructor(
    initialLearningRate: number,
    decaySteps: number,
    options: PolynomialDecayOptions = {},
  ) {
    super();
    this.initialLearningRate = initialLearningRate;
    this.decaySteps = checkSteps(decaySteps, "PolynomialDecay", "decaySteps");
    this.endLearningRate = options.endLearningRate ?? 0.0001;
    this.power = options.power ?? 1;
    this.cycle = options.cycle ?? false;
    this.name = options.name ?? "PolynomialDecay";
  }

  override call(given: TensorLike): Tensor {
    let step = float(given);
    let total = float(this.decaySteps);
    if (this.cycle) {
      total = multiply(total, where(equal(step, 0), 1, ceil(divide(step, this.decaySteps))));
    } else step = minimum(step, total);
    const end = float(this.endLearningRate);
    const left = power(subtract(1, divide(step, total)), float(this.power));
    return add(multiply(subtract(float(this.initialLearningRate), end), left), end);
  }
}
