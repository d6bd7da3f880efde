/**
 * Classes and functions that configs may name.
 *
 * @module
 */
import { ArgumentError } from "../../util/errors.ts";

type Registered = object;

const byName = new Map<string, Registered>();
const names = new Map<Registered, string>();
let scopes: Readonly<Record<string, Registered>>[] = [];

/** Keras's own namespaces, by module: `keras.layers` and so on. The package entry sets it. */
let namespaces: () => Readonly<Record<string, Readonly<Record<string, unknown>>>> = () => ({});

/** @internal Tells where Keras's own classes are. */
export function registerNamespaces(find: typeof namespaces): void {
  namespaces = find;
}

/** The namespace of a Keras module; undefined for any other. */
export function namespaceOf(module: string): Readonly<Record<string, unknown>> | undefined {
  const all = namespaces();
  return Object.hasOwn(all, module) ? all[module] : undefined;
}

/**
 * Registers a class or function under `package>name`, so that saved models can
 * name it. Use it as a function or as a decorator.
 *
 * @example
 * class Scale extends layers.Layer {}
 * saving.registerKerasSerializable("my_package")(Scale);
 */
export function registerKerasSerializable(
  packageName = "Custom",
  name?: string,
): <T extends Registered & { readonly name: string }>(target: T) => T {
  return (target) => {
    const registered = `${packageName}>${name ?? target.name}`;
    byName.set(registered, target);
    names.set(target, registered);
    return target;
  };
}

/** The name a class or function was registered under, else its own. */
export function getRegisteredName(target: Registered & { readonly name: string }): string {
  return names.get(target) ?? target.name;
}

/** Whether it was registered. */
export function isRegistered(target: Registered): boolean {
  return names.has(target);
}

/** What is registered under a name: in the open scopes first. */
export function getRegisteredObject(
  name: string,
  customObjects?: Readonly<Record<string, unknown>> | null,
): unknown {
  for (let i = scopes.length - 1; i >= 0; i--) {
    const scope = scopes[i] as Readonly<Record<string, unknown>>;
    if (Object.hasOwn(scope, name)) return scope[name];
  }
  const found = byName.get(name);
  if (found !== undefined) return found;
  if (customObjects && Object.hasOwn(customObjects, name)) return customObjects[name];
  return undefined;
}

/** Runs `fn` with more names known. */
export function withCustomObjects<T>(objects: Readonly<Record<string, unknown>>, fn: () => T): T {
  const outer = scopes;
  scopes = [...outer, objects as Readonly<Record<string, Registered>>];
  try {
    return fn();
  } finally {
    scopes = outer;
  }
}

/**
 * Makes names known until it is closed.
 *
 * @example
 * class MyLayer extends Layer {}
 * const scope = new saving.CustomObjectScope({ MyLayer });
 * saving.getRegisteredObject("MyLayer") === MyLayer; // true
 * scope.close();
 * saving.getRegisteredObject("MyLayer"); // undefined
 */
export class CustomObjectScope {
  readonly #objects: Readonly<Record<string, Registered>>;

  constructor(objects: Readonly<Record<string, unknown>>) {
    if (typeof objects !== "object" || objects === null) {
      throw new ArgumentError("CustomObjectScope: expected an object of names and classes.");
    }
    this.#objects = objects as Readonly<Record<string, Registered>>;
    scopes = [...scopes, this.#objects];
  }

  close(): void {
    scopes = scopes.filter((scope) => scope !== this.#objects);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** All names registered so far, and what they stand for. */
export function getCustomObjects(): Readonly<Record<string, unknown>> {
  return Object.assign({}, Object.fromEntries(byName), ...scopes) as Record<string, unknown>;
}
