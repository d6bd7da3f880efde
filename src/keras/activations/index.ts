/**
 * `keras.activations`.
 *
 * @module
 */

import type { Tensor } from "../../tensor/tensor.ts";
import { ArgumentError, describe } from "../../util/errors.ts";
import { isPlainObject } from "../../util/pytree.ts";
import { serializeArgument } from "../saving/arguments.ts";
import { deserializeKerasObject } from "../saving/serialization.ts";
import * as functions from "./functions.ts";

export * from "./functions.ts";

/** A function of one tensor. */
export type ActivationFunction = (x: Tensor) => Tensor;

/** What names an activation: its name, its config, or a function. */
export type ActivationLike = string | ((x: Tensor) => Tensor) | object | null;

/** By the names that Keras gives them. */
const known: Record<string, unknown> = { swish: functions.silu, hard_swish: functions.hardSilu };
for (const fn of Object.values(functions)) {
  const { path } = fn.signature;
  known[path.slice(path.lastIndexOf(".") + 1)] = fn;
}

/** The function that an identifier names; for null the identity. */
export function get(identifier: ActivationLike | undefined): ActivationFunction {
  if (identifier === null || identifier === undefined) return functions.linear;
  let found: unknown = identifier;
  if (typeof identifier === "string")
    found = Object.hasOwn(known, identifier) ? known[identifier] : undefined;
  if (found === undefined || isPlainObject(found)) {
    found = deserializeKerasObject(identifier, { moduleObjects: known });
  }
  if (typeof found !== "function") {
    throw new ArgumentError(
      `There is no activation ${describe(identifier)}. Known: ${Object.keys(known).sort().join(", ")}.`,
    );
  }
  return found as ActivationFunction;
}

/** The config of an activation: its name, for Keras's own. */
export function serialize(activation: unknown): unknown {
  return serializeArgument(activation);
}

/** The activation of a config. */
export function deserialize(
  config: unknown,
  customObjects?: Readonly<Record<string, unknown>> | null,
): unknown {
  return deserializeKerasObject(config, { moduleObjects: known, customObjects });
}
