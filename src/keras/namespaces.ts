/**
 * Where configs find Keras's own classes, by the module they name.
 *
 * @module
 */
import * as initializers from "./initializers/index.ts";
import * as random from "./random.ts";
import { registerNamespaces } from "./saving/registration.ts";

/** Lets configs name every class of this release. The package entries call it. */
export function registerBuiltIns(): void {
  registerNamespaces(() => ({
    "keras.initializers": initializers,
    "keras.random": random,
  }));
}
