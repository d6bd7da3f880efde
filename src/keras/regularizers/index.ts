/**
 * `keras.regularizers`: penalties on weights.
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
import { L1, L1L2, L2, OrthogonalRegularizer, Regularizer } from "./regularizers.ts";

export {
  L1,
  L1 as l1,
  L1L2,
  L1L2 as l1L2,
  L2,
  L2 as l2,
  OrthogonalRegularizer,
  OrthogonalRegularizer as orthogonalRegularizer,
  Regularizer,
};

const classes = { L1, L1L2, L2, OrthogonalRegularizer };

const known: Readonly<Record<string, unknown>> = {
  ...classes,
  ...Object.fromEntries(Object.entries(classes).map(([name, c]) => [toSnakeCase(name), c])),
  l1: L1,
  l2: L2,
  l1_l2: L1L2,
};

/** A penalty: a scalar from a tensor. */
export type RegularizerFunction = (x: Tensor) => Tensor;

/** What names a regularizer: its name, its config, or a function. */
export type RegularizerLike = string | Regularizer | RegularizerFunction | object | null;

/** The regularizer that an identifier names; null for null. */
export function get(identifier: RegularizerLike | undefined): RegularizerFunction | null {
  return getByIdentifier<RegularizerFunction>("regularizer", identifier, known);
}

/** The config of a regularizer. */
export function serialize(regularizer: unknown): unknown {
  return serializeKerasObject(regularizer);
}

/** The regularizer of a config. */
export function deserialize(
  config: unknown,
  customObjects?: Readonly<Record<string, unknown>> | null,
): unknown {
  return deserializeKerasObject(config, { moduleObjects: known, customObjects });
}
