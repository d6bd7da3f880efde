/**
 * `keras.optimizers`.
 *
 * @module
 */
import { ArgumentError, describe } from "../../util/errors.ts";
import { isPlainObject } from "../../util/pytree.ts";
import { deserializeKerasObject, serializeKerasObject } from "../saving/serialization.ts";
import { Adam, Adamax, AdamW, Lamb, Nadam } from "./adam.ts";
import { Adadelta, Adagrad, Ftrl, Lion, RMSprop } from "./adaptive.ts";
import { LossScaleOptimizer } from "./loss-scale-optimizer.ts";
import { Optimizer } from "./optimizer.ts";
import { SGD } from "./sgd.ts";

export * as schedules from "./schedules/index.ts";
export {
  Adadelta,
  Adagrad,
  Adam,
  Adamax,
  AdamW,
  Ftrl,
  Lamb,
  Lion,
  LossScaleOptimizer,
  Nadam,
  Optimizer,
  RMSprop,
  SGD,
};

const classes = {
  Adadelta,
  Adagrad,
  Adam,
  Adamax,
  AdamW,
  Ftrl,
  Lamb,
  Lion,
  LossScaleOptimizer,
  Nadam,
  RMSprop,
  SGD,
};

/** By lower-case name, as Keras finds them. */
const known: Readonly<Record<string, unknown>> = {
  ...Object.fromEntries(Object.entries(classes).map(([name, c]) => [name.toLowerCase(), c])),
  ...classes,
  loss_scale_optimizer: LossScaleOptimizer,
};

/** What names an optimizer: its name, its config, or itself. */
export type OptimizerLike = string | Optimizer | object | null;

/** The optimizer that an identifier names; null for null. */
export function get(identifier: OptimizerLike | undefined): Optimizer | null {
  if (identifier === null || identifier === undefined) return null;
  let found: unknown = identifier;
  if (typeof identifier === "string") {
    found = deserializeKerasObject(identifier.toLowerCase(), { moduleObjects: known });
  } else if (isPlainObject(identifier)) found = deserialize(identifier);
  if (!(found instanceof Optimizer)) {
    throw new ArgumentError(
      `There is no optimizer ${describe(identifier)}. Known: ${Object.keys(classes).join(", ")}.`,
    );
  }
  return found;
}

/** The config of an optimizer. */
export function serialize(optimizer: unknown): unknown {
  return serializeKerasObject(optimizer);
}

/** The optimizer of a config. */
export function deserialize(
  config: unknown,
  customObjects?: Readonly<Record<string, unknown>> | null,
): unknown {
  return deserializeKerasObject(config, { moduleObjects: known, customObjects });
}

/** @internal An optimizer that scales the loss. */
export function withLossScale(optimizer: Optimizer): Optimizer {
  return optimizer instanceof LossScaleOptimizer
    ? optimizer
    : new LossScaleOptimizer(optimizer, { name: "loss_scale_optimizer" });
}
