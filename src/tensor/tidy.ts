/**
 * Freeing memory at once.
 *
 * @module
 */
import { ArgumentError } from "../util/errors.ts";
import { type Scope, state } from "./context.ts";
import { Tensor } from "./tensor.ts";

/**
 * Runs `fn` and frees every tensor made in it, but those it returns (also
 * inside arrays and plain objects). Variables are not touched.
 *
 * Nobody has to call this: it frees earlier and exactly.
 *
 * @param fn A synchronous function.
 * @throws {ArgumentError} If `fn` returns a promise.
 * @example
 * const y = tidy(() => ops.sum(ops.square(tensor([1, 2, 3]))));
 * await y.item(); // 14
 */
export function tidy<T>(fn: () => T): T {
  const scope: Scope = { tensors: [] };
  const outer = state.scope;
  state.scope = scope;
  let result: T;
  try {
    result = fn();
  } catch (error) {
    state.scope = outer;
    for (const tensor of scope.tensors) tensor.dispose();
    throw error;
  }
  state.scope = outer;
  if (result instanceof Promise) {
    for (const tensor of scope.tensors) tensor.dispose();
    throw new ArgumentError(
      "tidy: the function returned a promise. tidy takes synchronous functions: await first, " +
        "then call tidy with what you have, or dispose by hand.",
    );
  }
  const kept = new Set<Tensor>();
  collect(result, kept, new Set());
  for (const tensor of scope.tensors) {
    if (!kept.has(tensor)) tensor.dispose();
    else outer?.tensors.push(tensor);
  }
  return result;
}

function collect(value: unknown, into: Set<Tensor>, seen: Set<object>): void {
  if (value instanceof Tensor) {
    into.add(value);
  } else if (typeof value === "object" && value !== null && !seen.has(value)) {
    seen.add(value);
    if (Array.isArray(value) || value instanceof Set) {
      for (const item of value) collect(item, into, seen);
    } else if (value instanceof Map) {
      for (const item of value.values()) collect(item, into, seen);
    } else if (Object.getPrototypeOf(value) === Object.prototype) {
      for (const item of Object.values(value)) collect(item, into, seen);
    }
  }
}
