/**
 * `keras.constraints`: what weights are made to obey after each update.
 *
 * @module
 */

import type { Tensor } from "../../tensor/tensor.ts";
import { toSnakeCase } from "../../util/naming.ts";
import {
  deserializeKerasObject,
  getByIdentifier,
  serializeKerasObject,
} from "../saving/serialization.ts";
import { Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm } from "./constraints.ts";

export {
  Constraint,
  MaxNorm,
  MaxNorm as maxNorm,
  MinMaxNorm,
  MinMaxNorm as minMaxNorm,
  NonNeg,
  NonNeg as nonNeg,
  UnitNorm,
  UnitNorm as unitNorm,
};

const classes = { MaxNorm, MinMaxNorm, NonNeg, UnitNorm };

const known: Readonly<Record<string, unknown>> = {
  ...classes,
  ...Object.fromEntries(Object.entries(classes).map(([name, c]) => [toSnakeCase(name), c])),
};

/** A projection of a weight. */
export type ConstraintFunction = (w: Tensor) => Tensor;

/** What names a constraint: its name, its config, or a function. */
export type ConstraintLike = string | Constraint | ConstraintFunction | object | null;

/** The constraint that an identifier names; null for null. */
export function get(identifier: ConstraintLike | undefined): ConstraintFunction | null {
  return getByIdentifier<ConstraintFunction>("constraint", identifier, known);
}

/** The config of a constraint. */
export function serialize(constraint: unknown): unknown {
  return serializeKerasObject(constraint);
}

/** The constraint of a config. */
export function deserialize(
  config: unknown,
  customObjects?: Readonly<Record<string, unknown>> | null,
): unknown {
  return deserializeKerasObject(config, { moduleObjects: known, customObjects });
}
