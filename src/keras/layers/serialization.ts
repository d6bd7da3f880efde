/**
 * Layers to configs and back.
 *
 * @module
 */
import { ArgumentError, describe } from "../../util/errors.ts";
import { deserializeKerasObject, serializeKerasObject } from "../saving/serialization.ts";
import { Layer } from "./layer.ts";

/**
 * The config of a layer, with the name of its class.
 *
 * @example
 * layers.serialize(new layers.ReLU()).class_name; // "ReLU"
 */
export function serialize(layer: Layer): unknown {
  return serializeKerasObject(layer);
}

/**
 * The layer of a config.
 *
 * @throws {ArgumentError} If the config describes something else.
 * @example
 * const serialized = layers.serialize(new layers.Dense(3));
 * layers.deserialize(serialized).units; // 3
 */
export function deserialize(
  config: unknown,
  customObjects?: Readonly<Record<string, unknown>> | null,
): Layer {
  const layer = deserializeKerasObject(config, { customObjects });
  if (layer instanceof Layer) return layer;
  throw new ArgumentError(`deserialize: the config is not that of a layer: ${describe(config)}.`);
}
