/**
 * Arguments of Keras objects in configs.
 *
 * @module
 */
import { toCamelCase } from "../../util/naming.ts";
import { type Config, parametersOf } from "../object.ts";
import { serializeKerasObject } from "./serialization.ts";

/** The JSON form of an argument: Keras's own functions by name, everything else as configs have it. */
export function serializeArgument(value: unknown): unknown {
  const path = (value as { signature?: { path?: string } } | null | undefined)?.signature?.path;
  if (typeof value === "function" && path !== undefined && path.startsWith("keras.")) {
    return path.slice(path.lastIndexOf(".") + 1);
  }
  return serializeKerasObject(value);
}

/** The config of an object that keeps its arguments in properties of their names. */
export function configOf(object: object): Config {
  const config: Config = {};
  for (const key of Object.keys(parametersOf(object.constructor) ?? {})) {
    config[key] = serializeArgument((object as Record<string, unknown>)[toCamelCase(key)]);
  }
  return config;
}
