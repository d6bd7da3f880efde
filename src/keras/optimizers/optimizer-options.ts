/**
 * What optimizers can be told, and what of it makes sense.
 *
 * @module
 */
import type { TensorLike } from "../../ops/promote.ts";
import { ArgumentError, describe } from "../../util/errors.ts";
import type { ParameterTable } from "../object.ts";
import type { Optimizer } from "./optimizer.ts";
import type { LearningRateSchedule } from "./schedules/schedule.ts";

/** A rate, a schedule, or a function that is asked at each step. */
export type LearningRate = number | LearningRateSchedule | (() => TensorLike);

/** Options that every optimizer takes. */
export interface OptimizerOptions {
  learningRate?: LearningRate | undefined;
  /** Takes this part of each weight (times the rate) off at each step. */
  weightDecay?: number | null | undefined;
  /** The largest norm of each gradient. */
  clipnorm?: number | null | undefined;
  /** The largest absolute element of gradients. */
  clipvalue?: number | null | undefined;
  /** The largest norm of all gradients together. */
  globalClipnorm?: number | null | undefined;
  /** Whether a moving average of the weights is kept, which they take in the end. */
  useEma?: boolean | undefined;
  emaMomentum?: number | undefined;
  /** Steps after which the weights take their average; null: only in the end. */
  emaOverwriteFrequency?: number | null | undefined;
  /** The loss is multiplied by it, gradients are divided by it. */
  lossScaleFactor?: number | null | undefined;
  /** Steps whose gradients are averaged before an update. */
  gradientAccumulationSteps?: number | null | undefined;
  name?: string | null | undefined;
}

/** The arguments that all optimizers have. */
export const baseParameters: ParameterTable = {
  weight_decay: null,
  clipnorm: null,
  clipvalue: null,
  global_clipnorm: null,
  use_ema: false,
  ema_momentum: 0.99,
  ema_overwrite_frequency: null,
  loss_scale_factor: null,
  gradient_accumulation_steps: null,
  name: null,
};

/** @throws {ArgumentError} If a rate is no number. */
export function checkRate(rate: unknown, name: string): number {
  if (typeof rate !== "number") {
    throw new ArgumentError(
      `${name}: learningRate must be a number, a schedule or a function, got ${describe(rate)}.`,
    );
  }
  return rate;
}

/** @throws {ArgumentError} If options contradict each other or are out of range. */
export function checkOptimizer(optimizer: Optimizer): void {
  const { name } = optimizer.constructor;
  const clips = [optimizer.clipnorm, optimizer.clipvalue, optimizer.globalClipnorm];
  if (clips.filter((value) => value !== null).length > 1) {
    throw new ArgumentError(
      `${name}: only one of clipnorm, clipvalue and globalClipnorm can be set.`,
    );
  }
  const { gradientAccumulationSteps: steps, emaMomentum, emaOverwriteFrequency: every } = optimizer;
  if (steps !== null && !(Number.isInteger(steps) && steps >= 2)) {
    throw new ArgumentError(
      `${name}: gradientAccumulationSteps must be an integer of at least 2, got ${describe(steps)}.`,
    );
  }
  if (!optimizer.useEma) return;
  if (!(emaMomentum >= 0 && emaMomentum <= 1)) {
    throw new ArgumentError(`${name}: emaMomentum must be between 0 and 1, got ${emaMomentum}.`);
  }
  if (every !== null && !(Number.isInteger(every) && every >= 1)) {
    throw new ArgumentError(
      `${name}: emaOverwriteFrequency must be a positive integer, got ${describe(every)}.`,
    );
  }
}
