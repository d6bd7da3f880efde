/** Has Node's console print instances of a class as the given text. */
export function printAs<T extends object>(
  constructor: { readonly prototype: T },
  format: (instance: T) => string,
): void {
  Object.defineProperty(constructor.prototype, Symbol.for("nodejs.util.inspect.custom"), {
    value(this: T) {
      return format(this);
    },
  });
}
