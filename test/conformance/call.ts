/**
 * Calling ours as Keras's is called: paths, positional arguments, keywords.
 *
 * @module
 */
import * as keratin from "../../src/index.ts";
import { UnsupportedError } from "../../src/index.ts";
import { WeakFloat } from "../../src/tensor/create.ts";
import { publicOpNamed, type Signature } from "../../src/tensor/public-op.ts";
import { toCamelCase } from "../../src/util/naming.ts";

type Callable = ((...args: unknown[]) => unknown) & { readonly signature?: Signature };

/** What is exported under a Keras path (`keras.ops.log_softmax`); undefined: nothing. */
export function lookUp(path: string): unknown {
  return path
    .split(".")
    .slice(1)
    .reduce<unknown>(
      (at, key) =>
        at === undefined ? undefined : (at as Record<string, unknown>)[toCamelCase(key)],
      keratin,
    );
}

/** The function of that path. @throws {UnsupportedError} If it is not exported. */
export function functionNamed(path: string): Callable {
  const found = lookUp(path) ?? publicOpNamed(path);
  if (typeof found !== "function") {
    throw new UnsupportedError(`${path} is not exported`, { op: path });
  }
  return found as Callable;
}

/** Calls a function that has a signature with Python's arguments. */
export function callFunction(
  fn: Callable,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
): unknown {
  const { signature } = fn;
  if (signature === undefined) throw new Error(`${fn.name} has no signature`);
  return fn(...arrange(signature, args, kwargs));
}

/** Python's arguments in our order: positional ones, then options. */
export function arrange(
  signature: Signature,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
): unknown[] {
  if (signature.variadic)
    return [...args, ...(Object.keys(kwargs).length > 0 ? [camel(kwargs)] : [])];
  const given = new Map<string, unknown>();
  for (const [i, value] of args.entries()) {
    const parameter = signature.parameters[i];
    if (parameter === undefined) throw new Error(`${signature.path}: too many arguments`);
    given.set(parameter.kerasName, value);
  }
  for (const [name, value] of Object.entries(kwargs)) given.set(name, value);
  const positional: unknown[] = [];
  const options: Record<string, unknown> = {};
  for (const { kerasName, name, argument } of signature.parameters) {
    // What is no tensor is a plain number here, whatever Python's type was.
    const value = given.get(kerasName);
    if (!argument.tensor && value instanceof WeakFloat) given.set(kerasName, value.value);
    if (argument.positional) positional.push(given.get(kerasName));
    else if (given.has(kerasName)) options[name] = given.get(kerasName);
    given.delete(kerasName);
  }
  for (const name of given.keys()) throw new Error(`${signature.path} has no argument ${name}`);
  if (Object.keys(options).length > 0) return [...positional, options];
  while (positional.length > 0 && positional.at(-1) === undefined) positional.pop();
  return positional;
}

function camel(kwargs: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(kwargs).map(([k, v]) => [toCamelCase(k), v]));
}
