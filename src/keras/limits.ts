/**
 * Limits on every training, for tests and tutorials.
 *
 * @module
 */
import { ArgumentError, describe } from "../util/errors.ts";

let epochs: number | null = null;
let steps: number | null = null;

function checkLimit(what: string, value: number | null): number | null {
  if (value === null || (Number.isInteger(value) && value > 0)) return value;
  throw new ArgumentError(`${what}: expected a positive count or null, got ${describe(value)}.`);
}

/** The most epochs that `fit` runs; null: as many as it is asked for. */
export function maxEpochs(): number | null {
  return epochs;
}

/**
 * Limits the epochs of every `fit`.
 *
 * @throws {ArgumentError} If it is no positive count and not null.
 */
export function setMaxEpochs(maxEpochs: number | null): void {
  epochs = checkLimit("setMaxEpochs", maxEpochs);
}

/** The most steps of an epoch; null: as many as there are. */
export function maxStepsPerEpoch(): number | null {
  return steps;
}

/**
 * Limits the steps of every epoch of `fit`, `evaluate` and `predict`.
 *
 * @throws {ArgumentError} If it is no positive count and not null.
 */
export function setMaxStepsPerEpoch(maxStepsPerEpoch: number | null): void {
  steps = checkLimit("setMaxStepsPerEpoch", maxStepsPerEpoch);
}

/** The smaller of what is asked for and a limit; each may be absent. */
export function limited(
  asked: number | null | undefined,
  limit: number | null,
): number | null | undefined {
  return limit === null ? asked : Math.min(asked ?? limit, limit);
}
