/**
 * Names as Keras makes them: automatic ones and paths of scopes.
 *
 * @module
 */
import { ArgumentError, describe } from "./errors.ts";

let counts = new Map<string, number>();

/** `LSTMCell` to `lstm_cell`, by Keras's rule. */
export function toSnakeCase(name: string): string {
  return name
    .replace(/[^\p{L}\p{N}_]+/gu, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
}

/** `use_bias` to `useBias`; names that begin with a capital stay. */
export function toCamelCase(name: string): string {
  return /^[A-Z]/.test(name)
    ? name
    : name.replace(/(?<!^)_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** `dense` the first time, then `dense_1`, `dense_2`, … */
export function uniquify(name: string): string {
  const count = counts.get(name) ?? 0;
  counts.set(name, count + 1);
  return count === 0 ? name : `${name}_${count}`;
}

/** A unique name from that of a class. */
export function autoName(prefix: string): string {
  return uniquify(toSnakeCase(prefix));
}

/** The next number for a prefix, from 1. */
export function getUid(prefix: string): number {
  const count = (counts.get(prefix) ?? 0) + 1;
  counts.set(prefix, count);
  return count;
}

/** Starts all counts anew. */
export function resetUids(): void {
  counts = new Map();
}

/** Runs `fn` and forgets the names it took. */
export function withoutTakingNames<T>(fn: () => T): T {
  const saved = counts;
  counts = new Map(saved);
  try {
    return fn();
  } finally {
    counts = saved;
  }
}

/** @throws {ArgumentError} If it is not a string, or has a slash. */
export function checkName(name: unknown, what: string): string {
  if (typeof name !== "string" || name.includes("/")) {
    throw new ArgumentError(`${what}: a name is a string without "/", got ${describe(name)}.`);
  }
  return name;
}

interface NameScope {
  readonly name: string;
  readonly caller: object | null;
  /** An absolute path that replaces those of the outer scopes. */
  readonly parentPath: string | null;
}

const scopes: NameScope[] = [];

/** Options of `withNameScope`. */
export interface NameScopeOptions {
  /** Whose scope it is: entering its own innermost scope again adds nothing. */
  caller?: object;
  /** An absolute path to be under, whatever scopes are open. */
  parentPath?: string | null;
}

/** Runs `fn` with variables and layers made in it named below `name`. */
export function withNameScope<T>(name: string, fn: () => T, options: NameScopeOptions = {}): T {
  checkName(name, "name scope");
  const { caller = null, parentPath = null } = options;
  const innermost = scopes.at(-1);
  if (caller !== null && innermost?.caller === caller && innermost.name === name) return fn();
  scopes.push({ name, caller, parentPath });
  try {
    return fn();
  } finally {
    scopes.pop();
  }
}

/** The path of the open scopes: `model/dense`. */
export function currentPath(): string {
  let parts: string[] = [];
  for (const { name, parentPath } of scopes) {
    if (parentPath !== null) parts = parentPath.split("/").filter((part) => part !== "");
    parts.push(name);
  }
  return parts.join("/");
}
