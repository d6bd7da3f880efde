/**
 * The parts of a layer: what its properties hold.
 *
 * @module
 */
import { SeedGenerator } from "../../nn/seed-generator.ts";
import { Variable } from "../../tensor/variable.ts";
import { isPlainObject } from "../../util/pytree.ts";

/** Properties that are no parts, though they hold layers. */
const hidden = new WeakMap<object, Set<string>>();

/** Has a property's value not count as part of its object. */
export function hideProperty(owner: object, name: string): void {
  const names = hidden.get(owner);
  if (names === undefined) hidden.set(owner, new Set([name]));
  else names.add(name);
}

/** An object's own properties in the order in which they were made, by name. */
export function* parts(owner: object): Generator<[name: string, value: unknown]> {
  const skip = hidden.get(owner);
  for (const [name, value] of Object.entries(owner)) if (!skip?.has(name)) yield [name, value];
}

/**
 * Every object that an object's properties hold, in arrays, objects, maps and
 * sets too. Every step asks for the metrics among those of all layers.
 */
export function leaves(owner: object): readonly object[] {
  const found = new Set<object>();
  const seen = new Set<object>();
  const visit = (value: unknown): void => {
    if (value === null || (typeof value !== "object" && typeof value !== "function")) return;
    const inner = children(value);
    if (inner === null) found.add(value);
    else if (!seen.has(value)) {
      seen.add(value);
      for (const part of inner) visit(part);
    }
  };
  const skip = hidden.get(owner);
  for (const name of Object.keys(owner)) {
    if (!skip?.has(name)) visit((owner as Record<string, unknown>)[name]);
  }
  return [...found];
}

function children(value: object): unknown[] | null {
  if (Array.isArray(value)) return value;
  if (value instanceof Map || value instanceof Set) return [...value.values()];
  return isPlainObject(value) ? Object.values(value) : null;
}

/** The variables among an object's properties. */
export function ownVariables(owner: object): Variable[] {
  return leaves(owner).filter((leaf): leaf is Variable => leaf instanceof Variable);
}

/** The seed generators among an object's properties. */
export function ownSeedGenerators(owner: object): SeedGenerator[] {
  return leaves(owner).filter((leaf): leaf is SeedGenerator => leaf instanceof SeedGenerator);
}
