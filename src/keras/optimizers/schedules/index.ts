/**
 * `keras.optimizers.schedules`.
 *
 * @module
 */
import { deserializeKerasObject, serializeKerasObject } from "../../saving/serialization.ts";
import { CosineDecay, CosineDecayRestarts } from "./cosine.ts";
import {
  ExponentialDecay,
  InverseTimeDecay,
  PiecewiseConstantDecay,
  PolynomialDecay,
} from "./decay.ts";
import { LearningRateSchedule } from "./schedule.ts";

export {
  CosineDecay,
  CosineDecayRestarts,
  ExponentialDecay,
  InverseTimeDecay,
  LearningRateSchedule,
  PiecewiseConstantDecay,
  PolynomialDecay,
};

const known: Readonly<Record<string, unknown>> = {
  CosineDecay,
  CosineDecayRestarts,
  ExponentialDecay,
  InverseTimeDecay,
  PiecewiseConstantDecay,
  PolynomialDecay,
};

/** The config of a schedule. */
export function serialize(schedule: unknown): unknown {
  return serializeKerasObject(schedule);
}

/** The schedule of a config. */
export function deserialize(
  config: unknown,
  customObjects?: Readonly<Record<string, unknown>> | null,
): unknown {
  return deserializeKerasObject(config, { moduleObjects: known, customObjects });
}
