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

function partNames(owner: object): string[] {
  const skip = hidden.get(owner);
  const names = Object.keys(owner);
  return skip === undefined ? names : names.filter((name) => !skip.has(name));
}

/** An object's own properties in the order in which they were made, by name. */
export function parts(owner: object): [name: string, value: unknown][] {
  return partNames(owner).map((name) => [name, (owner as Record<string, unknown>)[name]]);
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
  for (const name of partNames(owner)) visit((owner as Record<string, unknown>)[name]);
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
