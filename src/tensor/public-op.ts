/**
 * Public ops: Keras's signature, written once, serves argument checks,
 * serialisation and the conformance runner.
 *
 * @module
 */
import type { DType } from "../util/dtypes.ts";
import { ArgumentError, describe } from "../util/errors.ts";
import { toCamelCase } from "../util/naming.ts";
import { isPlainObject } from "../util/pytree.ts";
import { ComplexTensor } from "./complex.ts";
import { Tensor } from "./tensor.ts";

const required = Symbol("required");
const spread = Symbol("spread");

/** How one argument of a Keras function is passed here. */
export class Argument {
  /** `required`, or Keras's default. */
  readonly fallback: unknown;
  /** Given by position here, though Keras has a default for it. */
  readonly positional: boolean;
  /** Takes all further positional arguments. */
  readonly variadic: boolean;
  /** Takes a tensor, or what becomes one. */
  readonly tensor: boolean;

  constructor(fallback: unknown, positional: boolean, variadic: boolean, tensor: boolean) {
    this.fallback = fallback;
    this.positional = positional;
    this.variadic = variadic;
    this.tensor = tensor;
  }

  get isRequired(): boolean {
    return this.fallback === required;
  }
}

/** A required tensor. */
export const tensorArgument: Argument = new Argument(required, true, false, true);
/** A required argument of another kind. */
export const requiredArgument: Argument = new Argument(required, true, false, false);
/** An argument with a default that is positional all the same. */
export function positionalArgument(fallback: unknown): Argument {
  return new Argument(fallback, true, false, false);
}
/** A tensor with a default that is positional all the same. */
export function positionalTensor(fallback: unknown): Argument {
  return new Argument(fallback, true, false, true);
}
/** A tensor, or none: an option. */
export const optionalTensor: Argument = new Argument(null, false, false, true);
/** `*args`. */
export const variadicArgument: Argument = new Argument(spread, true, true, true);

/** Keras's argument names in Keras's order; a plain value is a default. */
export type SignatureSpec = Readonly<Record<string, unknown>>;

/** A signature, resolved. */
export interface Signature {
  /** Keras's name of the function: `keras.ops.log_softmax`. */
  readonly path: string;
  /** In Keras's order, under Keras's names. */
  readonly parameters: readonly Parameter[];
  /** How many arguments come by position. */
  readonly positionals: number;
  readonly variadic: boolean;
}

/** One argument of a signature. */
export interface Parameter {
  readonly kerasName: string;
  /** As it is called here: `keepdims`, `useBias`. */
  readonly name: string;
  readonly argument: Argument;
}

/** A tensor without values, of which the batch size may be unknown: `keras` has the class. */
export interface SymbolicTensor {
  readonly shape: readonly (number | null)[];
  readonly dtype: DType;
  readonly isSymbolic: true;
}

/** `T` with symbolic tensors allowed wherever there are tensors. */
export type AllowSymbolic<T> = Tensor extends T
  ? T | SymbolicTensor
  : T extends readonly (infer E)[]
    ? number extends T["length"]
      ? readonly AllowSymbolic<E>[]
      : { [K in keyof T]: AllowSymbolic<T[K]> }
    : T;

/** `T` with symbolic tensors in place of tensors. */
export type ToSymbolic<T> = T extends Tensor
  ? SymbolicTensor
  : T extends readonly (infer E)[]
    ? number extends T["length"]
      ? ToSymbolic<E>[]
      : { [K in keyof T]: ToSymbolic<T[K]> }
    : T;

/** Arguments with symbolic tensors allowed wherever there are tensors. */
export type AllowSymbolicArguments<P extends readonly unknown[]> = {
  [K in keyof P]: AllowSymbolic<P[K]>;
};

/** `T` with complex tensors allowed wherever there are tensors. */
export type AllowComplex<T> = Tensor extends T
  ? T | ComplexTensor
  : T extends readonly (infer E)[]
    ? number extends T["length"]
      ? readonly AllowComplex<E>[]
      : { [K in keyof T]: AllowComplex<T[K]> }
    : T;

/** `T` with complex tensors, perhaps, in place of tensors. */
export type ToComplex<T> = T extends Tensor ? Tensor | ComplexTensor : T;

/** Arguments with complex tensors allowed wherever there are tensors. */
export type AllowComplexArguments<P extends readonly unknown[]> = {
  [K in keyof P]: AllowComplex<P[K]>;
};

/** A public op: a function that knows its signature and takes symbolic and complex tensors too. */
export type PublicOp<F extends (...args: never[]) => unknown> = F & {
  readonly signature: Signature;
  (...args: AllowComplexArguments<Parameters<F>>): ToComplex<ReturnType<F>>;
  (...args: AllowSymbolicArguments<Parameters<F>>): ToSymbolic<ReturnType<F>>;
};

/**
 * Called in place of an op when an argument holds a symbolic Keras tensor.
 * `keras` sets it.
 */
export type SymbolicHook = (
  signature: Signature,
  fn: (...args: never[]) => unknown,
  args: readonly unknown[],
) => unknown;

let symbolicClass: (new (...args: never[]) => object) | null = null;
let symbolicHook: SymbolicHook | null = null;

/** @internal Has ops on instances of `symbolic` recorded by `hook`. */
export function registerSymbolicHook(
  symbolic: new (...args: never[]) => object,
  hook: SymbolicHook,
): void {
  symbolicClass = symbolic;
  symbolicHook = hook;
}

/** Called in place of an op when an argument is, or holds, a complex tensor. */
export type ComplexHook = (signature: Signature, args: readonly unknown[]) => unknown;

let complexHook: ComplexHook | null = null;

/** @internal Has ops on complex tensors done by `hook`. */
export function registerComplexHook(hook: ComplexHook): void {
  complexHook = hook;
}

const known = new Map<string, PublicOp<(...args: never[]) => unknown>>();

/** The public op that Keras calls by this name. */
export function publicOpNamed(path: string): PublicOp<(...args: never[]) => unknown> | undefined {
  return known.get(path);
}

/** All public ops there are. */
export function publicOps(): Iterable<PublicOp<(...args: never[]) => unknown>> {
  return known.values();
}

/** Resolves a signature: which arguments come by position, which as options. */
export function resolveSignature(path: string, spec: SignatureSpec): Signature {
  const parameters = Object.entries(spec).map(([kerasName, value]) => ({
    kerasName,
    name: toCamelCase(kerasName),
    argument: value instanceof Argument ? value : new Argument(value, false, false, false),
  }));
  return {
    path,
    parameters,
    positionals: parameters.filter(({ argument }) => argument.positional).length,
    variadic: parameters.some(({ argument }) => argument.variadic),
  };
}

/**
 * Makes a function public under Keras's name.
 *
 * Arguments that Keras requires come by position, the others in one last
 * options object. Unknown options and surplus arguments throw.
 *
 * @param path Keras's name: `keras.ops.log_softmax`.
 * @param spec Keras's arguments in order: `{ x: tensorArgument, axis: -1 }`.
 * @param fn What it does.
 * @returns A function of the type of `fn`, with its `signature`.
 * @example
 * const twice = publicOp("example.twice", { x: tensorArgument }, (x) => ops.add(x, x));
 * await twice(tensor([1, 2])).array(); // [2, 4]
 */
export function publicOp<F extends (...args: never[]) => unknown>(
  path: string,
  spec: SignatureSpec,
  fn: F,
): PublicOp<F> {
  const signature = resolveSignature(path, spec);
  const { positionals, variadic } = signature;
  const options = new Set(
    signature.parameters.filter((p) => !p.argument.positional).map((p) => p.name),
  );
  const name = toCamelCase(path.slice(path.lastIndexOf(".") + 1));
  const most = variadic ? Number.POSITIVE_INFINITY : positionals + (options.size > 0 ? 1 : 0);
  const call = (...args: unknown[]): unknown => {
    if (args.length > most) throw surplus(name, signature, args.length);
    if (!variadic && args.length > positionals) checkOptions(name, options, args[positionals]);
    for (let i = 0; i < args.length; i++) {
      const argument = args[i];
      if (typeof argument !== "object" || argument instanceof Tensor) continue;
      if (symbolicClass !== null && holds(argument, symbolicClass)) {
        return (symbolicHook as SymbolicHook)(signature, fn, args);
      }
      if (complexHook !== null && holds(argument, ComplexTensor)) {
        return complexHook(signature, args);
      }
    }
    return fn(...(args as never[]));
  };
  Object.defineProperty(call, "name", { value: name });
  const op = Object.assign(call, { signature }) as unknown as PublicOp<F>;
  known.set(path, op as unknown as PublicOp<(...args: never[]) => unknown>);
  return op;
}

function surplus(name: string, signature: Signature, count: number): ArgumentError {
  const positional = signature.parameters
    .filter((p) => p.argument.positional)
    .map((p) => p.name)
    .join(", ");
  const rest = signature.parameters.filter((p) => !p.argument.positional).map((p) => p.name);
  return new ArgumentError(
    `${name}: ${count} arguments are too many. Expected (${positional}` +
      `${rest.length > 0 ? `, { ${rest.join(", ")} }` : ""}).`,
    { op: name },
  );
}

/** @throws {ArgumentError} If `given` is no options object, or has an unknown key. */
export function checkOptions(name: string, allowed: ReadonlySet<string>, given: unknown): void {
  if (given === undefined) return;
  if (!isPlainObject(given)) {
    throw new ArgumentError(
      `${name}: expected options ({ ${[...allowed].join(", ")} }), got ${describe(given)}.`,
      { op: name },
    );
  }
  for (const key in given) {
    if (!allowed.has(key)) {
      throw new ArgumentError(
        `${name}: no option "${key}". There ${allowed.size === 1 ? "is" : "are"} ` +
          `${[...allowed].join(", ") || "none"}.`,
        { op: name },
      );
    }
  }
}

function holds(value: unknown, type: new (...args: never[]) => object): boolean {
  if (value === null || typeof value !== "object" || value instanceof Tensor) return false;
  if (value instanceof type) return true;
  if (Array.isArray(value)) {
    for (const item of value) {
      if (holds(item, type)) return true;
    }
    return false;
  }
  if (isPlainObject(value)) {
    for (const key in value) if (holds(value[key], type)) return true;
  }
  return false;
}
