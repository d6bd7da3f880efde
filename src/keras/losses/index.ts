/**
 * `keras.losses`.
 *
 * @module
 */
import {
  deserializeKerasObject,
  getByIdentifier,
  serializeKerasObject,
} from "../saving/serialization.ts";
import * as crossentropies from "./crossentropies.ts";
import * as functions from "./functions.ts";
import type { Loss, LossFunction } from "./loss.ts";
import * as others from "./other-losses.ts";
import * as simple from "./simple-losses.ts";

export * from "./crossentropies.ts";
export * from "./functions.ts";
export { Loss, type LossFunction, LossFunctionWrapper, type LossOptions } from "./loss.ts";
export * from "./other-losses.ts";
export * from "./simple-losses.ts";

const known: Record<string, unknown> = { ...crossentropies, ...others, ...simple };
for (const fn of Object.values(functions)) {
  const { path } = fn.signature;
  known[path.slice(path.lastIndexOf(".") + 1)] = fn;
}
const aliases = {
  bce: functions.binaryCrossentropy,
  kld: functions.klDivergence,
  mae: functions.meanAbsoluteError,
  mse: functions.meanSquaredError,
  mape: functions.meanAbsolutePercentageError,
  msle: functions.meanSquaredLogarithmicError,
};
for (const [name, fn] of Object.entries(aliases)) {
  known[name] = fn;
  known[name.toUpperCase()] = fn;
}

/** What names a loss: its name, its config, itself, or a function. */
export type LossLike = string | Loss | LossFunction | object | null;

/** The loss (or the function) that an identifier names; null for null. */
export function get(identifier: LossLike | undefined): Loss | LossFunction | null {
  return getByIdentifier<Loss | LossFunction>("loss", identifier, known);
}

/** The config of a loss. */
export function serialize(loss: unknown): unknown {
  return serializeKerasObject(loss);
}

/** The loss of a config. */
export function deserialize(
  config: unknown,
  customObjects?: Readonly<Record<string, unknown>> | null,
): unknown {
  return deserializeKerasObject(config, { moduleObjects: known, customObjects });
}
