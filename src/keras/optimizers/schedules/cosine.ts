/**
 * Rates that fall along a cosine. Source: Loshchilov and Hutter, 2016, arXiv:1608.03983.
 *
 * @module
 */
import { add, divide, floor, minimum, multiply, subtract } from "../../../ops/arithmetic.ts";
import { less, where } from "../../../ops/comparison.ts";
import { log, power } from "../../../ops/exponential.ts";
import type { TensorLike } from "../../../ops/promote.ts";
import { cos } from "../../../ops/trigonometric.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { type ParameterTable, required } from "../../object.ts";
import { checkSteps, float } from "./decay.ts";
import { LearningRateSchedule } from "./schedule.ts";

/** Half a cosine wave: 1 at 0, 0 at 1. */
function halfWave(fraction: Tensor): Tensor {
  return multiply(add(cos(multiply(fraction, Math.PI)), 1), 0.5);
}

/** Options of `CosineDecay`. */
export interface CosineDecayOptions {
  /** The smallest rate, as a fraction. */
  alpha?: number | undefined;
  name?: string | undefined;
  /** The rate to rise to first. */
  warmupTarget?: number | null | undefined;
  /** Steps of the rise. */
  warmupSteps?: number | undefined;
}

/**
 * Falls to `alpha * initial` along half a cosine wave, perhaps after a linear rise.
 *
 * @example
 * const schedule = new optimizers.schedules.CosineDecay(1, 10);
 * await schedule(10).item(); // 0
 */
export class CosineDecay extends LearningRateSchedule {
  static override readonly parameters: ParameterTable = {
    initial_learning_rate: required,
    decay_steps: required,
    alpha: 0,
    name: "CosineDecay",
    warmup_target: null,
    warmup_steps: 0,
  };
  readonly initialLearningRate: number;
  readonly decaySteps: number;
  readonly alpha: number;
  override readonly name: string;
  readonly warmupTarget: number | null;
  readonly warmupSteps: number;

  constructor(initialLearningRate: number, decaySteps: number, options: CosineDecayOptions = {}) {
    super();
    this.initialLearningRate = initialLearningRate;
    this.decaySteps = checkSteps(decaySteps, "CosineDecay", "decaySteps");
    this.alpha = options.alpha ?? 0;
    this.name = options.name ?? "CosineDecay";
    this.warmupTarget = options.warmupTarget ?? null;
    this.warmupSteps = options.warmupSteps ?? 0;
  }

  override call(given: TensorLike): Tensor {
    const { warmupTarget, warmupSteps, decaySteps } = this;
    if (warmupTarget === null) {
      return this.#decay(minimum(float(given), decaySteps), this.initialLearningRate);
    }
    const step = minimum(float(given), decaySteps + warmupSteps);
    const start = this.initialLearningRate;
    const rise = add(multiply(divide(step, warmupSteps), warmupTarget - start), start);
    return where(
      less(step, warmupSteps),
      rise,
      this.#decay(subtract(step, warmupSteps), warmupTarget),
    );
  }

  #decay(step: Tensor, from: number): Tensor {
    const wave = halfWave(divide(step, this.decaySteps));
    return multiply(add(multiply(wave, 1 - this.alpha), this.alpha), from);
  }
}

/** Options of `CosineDecayRestarts`. */
export interface CosineDecayRestartsOptions {
  /** How much longer each period is than the one before. */
  tMul?: number | undefined;
  /** How much of its first rate each period has. */
  mMul?: number | undefined;
  alpha?: number | undefined;
  name?: string | undefined;
}

/**
 * A cosine decay that starts anew after each period.
 *
 * @example
 * const schedule = new optimizers.schedules.CosineDecayRestarts(1, 10);
 * await schedule(0).item(); // 1
 */
export class CosineDecayRestarts extends LearningRateSchedule {
  static override readonly parameters: ParameterTable = {
    initial_learning_rate: required,
    first_decay_steps: required,
    t_mul: 2,
    m_mul: 1,
    alpha: 0,
    name: "SGDRDecay",
  };
  readonly initialLearningRate: number;
  readonly firstDecaySteps: number;
  readonly tMul: number;
  readonly mMul: number;
  readonly alpha: number;
  override readonly name: string;

  constructor(
    initialLearningRate: number,
    firstDecaySteps: number,
    options: CosineDecayRestartsOptions = {},
  ) {
    super();
    this.initialLearningRate = initialLearningRate;
    this.firstDecaySteps = checkSteps(firstDecaySteps, "CosineDecayRestarts", "firstDecaySteps");
    this.tMul = options.tMul ?? 2;
    this.mMul = options.mMul ?? 1;
    this.alpha = options.alpha ?? 0;
    this.name = options.name ?? "SGDRDecay";
  }

  override call(step: TensorLike): Tensor {
    const periods = divide(float(step), this.firstDecaySteps);
    const [restarts, fraction] = this.#restart(periods);
    const wave = multiply(halfWave(fraction), power(float(this.mMul), restarts));
    return multiply(add(multiply(wave, 1 - this.alpha), this.alpha), this.initialLearningRate);
  }

  /** How many periods are over, and how far the current one is. */
  #restart(periods: Tensor): [count: Tensor, fraction: Tensor] {
    const { tMul } = this;
    if (tMul === 1) {
      const count = floor(periods);
      return [count, subtract(periods, count)];
    }
    // Periods grow by a factor: their sum is a geometric series.
    const t = float(tMul);
    const count = floor(divide(log(subtract(1, multiply(periods, 1 - tMul))), log(t)));
    const growth = power(t, count);
    const past = divide(subtract(1, growth), 1 - tMul);
    return [count, divide(subtract(periods, past), growth)];
  }
}
