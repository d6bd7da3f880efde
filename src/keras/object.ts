/**
 * What Keras's configurable classes have in common.
 *
 * @module
 */
import { ArgumentError, describe } from "../util/errors.ts";
import { toCamelCase } from "../util/naming.ts";
import { isPlainObject } from "../util/pytree.ts";
import { Callable } from "./callable.ts";

/** Marks an argument that Keras requires: it comes by position. */
export const required: unique symbol = Symbol("keratin.required");

/**
 * The arguments of a class under Keras's names, in Keras's order, with their
 * defaults. The one table that configs, checks and docs go by.
 */
export type ParameterTable = Readonly<Record<string, unknown>>;

/** A configuration, in Keras's names. */
export type Config = Record<string, unknown>;

/** What makes a `T`. */
export type ConstructorOf<T> = new (...args: never[]) => T;

/** A class that can be made from a config. */
export interface KerasClass<T = unknown> {
  new (...args: never[]): T;
  readonly name: string;
  readonly parameters?: ParameterTable;
  readonly kerasModule?: string;
  readonly kerasName?: string;
  fromConfig(config: Config, customObjects?: Readonly<Record<string, unknown>>): T;
}

function ownTable(constructor: object): ParameterTable | undefined {
  return Object.hasOwn(constructor, "parameters")
    ? (constructor as { parameters?: ParameterTable }).parameters
    : undefined;
}

/** The table of a class with those of its bases, its own first. */
export function parametersOf(constructor: object): ParameterTable | null {
  const tables: ParameterTable[] = [];
  for (
    let at: object | null = constructor;
    at !== null;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    const own = ownTable(at);
    if (own === undefined) continue;
    tables.push(own);
    // A table without "...base" is the whole truth.
    if (!Object.hasOwn(own, inherits)) break;
  }
  if (tables.length === 0) return null;
  return Object.assign({}, ...tables.reverse()) as ParameterTable;
}

/** The arguments of a class that its base `until` does not have. */
export function ownParameters(constructor: object, until: object): ParameterTable {
  const table = { ...parametersOf(constructor) };
  for (const name of Object.keys(parametersOf(until) ?? {})) delete table[name];
  return table;
}

/** In a table: the arguments of the base class are arguments too. */
export const inherits: unique symbol = Symbol("keratin.inherits");

/**
 * An instance from a config: required arguments by position, the others as
 * options.
 *
 * @throws {ArgumentError} If the config has an argument that the class lacks,
 *   or lacks one that it requires.
 */
export function construct<T>(constructor: KerasClass<T>, config: Config): T {
  const table = parametersOf(constructor);
  const positional: unknown[] = [];
  const options: Config = {};
  if (table === null) {
    for (const key of Object.keys(config)) options[toCamelCase(key)] = config[key];
    return Reflect.construct(constructor, [options]) as T;
  }
  for (const [name, fallback] of Object.entries(table)) {
    if (fallback !== required) continue;
    if (!Object.hasOwn(config, name)) {
      throw new ArgumentError(`${constructor.name}: the config lacks the required "${name}".`);
    }
    positional.push(config[name]);
  }
  // A class without a table of its own may take more than its base does.
  const isWhole = ownTable(constructor) !== undefined;
  for (const name of Object.keys(config)) {
    if (isWhole && !Object.hasOwn(table, name)) {
      throw new ArgumentError(
        `${constructor.name} has no argument "${name}". It takes ${Object.keys(table).join(", ")}.`,
      );
    }
    if (table[name] !== required) options[toCamelCase(name)] = config[name];
  }
  return Reflect.construct(constructor, [...positional, options]) as T;
}

/** @throws {ArgumentError} If `options` has a key that the class has no argument for. */
export function checkConstructorOptions(constructor: object, options: unknown): void {
  const { name } = constructor as { name: string };
  if (options === undefined) return;
  if (!isPlainObject(options)) {
    throw new ArgumentError(`${name}: expected an options object, got ${describe(options)}.`);
  }
  const table = ownTable(constructor) === undefined ? null : parametersOf(constructor);
  if (table === null) return;
  const known = new Map(Object.keys(table).map((key) => [toCamelCase(key), table[key]]));
  for (const key of Object.keys(options)) {
    if (!known.has(key)) {
      throw new ArgumentError(
        `${name} has no option "${key}". It takes ${[...known]
          .filter(([, fallback]) => fallback !== required)
          .map(([option]) => option)
          .join(", ")}.`,
      );
    }
    if (known.get(key) === required) {
      throw new ArgumentError(`${name}: "${key}" comes by position, not as an option.`);
    }
  }
}

/** A class with a config: initializers, losses, layers, … */
export abstract class KerasObject extends Callable {
  /** The arguments. A class without a table takes one options object. */
  static readonly parameters?: ParameterTable;
  /** Where Keras exports it: `keras.layers`. */
  static readonly kerasModule?: string;
  /** The name under which Keras exports it, where that is not the name of the class. */
  static readonly kerasName?: string;

  /** The arguments that make an equal object, in Keras's names. */
  getConfig(): Config {
    return {};
  }

  /** The object that a config describes. */
  static fromConfig<T>(
    this: ConstructorOf<T>,
    config: Config,
    _customObjects?: Readonly<Record<string, unknown>>,
  ): T {
    return construct(this as unknown as KerasClass<T>, config);
  }
}
