/**
 * Instances that can be called, as Python's with `__call__`.
 *
 * @module
 */

/**
 * A class whose instances are functions: `new Dense(64)(x)`.
 *
 * The constructor returns a function with the prototype of the class, so
 * `instanceof` works and `typeof` says "function". It has no fields of its own.
 */
export class Callable {
  constructor() {
    const instance = (...args: unknown[]): unknown =>
      (instance as unknown as Callable).invoke(args);
    // A function's own, which would hide those of the class.
    Reflect.deleteProperty(instance, "name");
    Reflect.deleteProperty(instance, "length");
    Object.setPrototypeOf(instance, new.target.prototype);
    return instance as unknown as this;
  }

  /** @internal What a call does. */
  invoke(args: unknown[]): unknown {
    return (this as unknown as { call(...args: unknown[]): unknown }).call(...args);
  }
}
