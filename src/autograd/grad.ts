/**
 * Gradients of functions.
 *
 * @module
 */

import type { Differentiable } from "../tensor/context.ts";
import { state, type Tape, withoutTapes, withTape } from "../tensor/context.ts";
import { onesLike, zerosLike } from "../tensor/fill.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Variable } from "../tensor/variable.ts";
import { isFloat } from "../util/dtypes.ts";
import { ArgumentError, describe, formatShape, GradientError, ShapeError } from "../util/errors.ts";
import { flatten, unflatten } from "../util/pytree.ts";
import { sameShape, sizeOf } from "../util/shapes.ts";
import { backward, backwardToGroups } from "./backward.ts";

// biome-ignore lint/suspicious/noExplicitAny: any function of any arguments
type AnyFunction = (...args: any[]) => unknown;

/** Options of `grad` and `valueAndGrad`. */
export interface GradOptions {
  /** Which arguments to differentiate by: positions (default: the first). */
  argnums?: number | readonly number[] | undefined;
  /** Differentiate by these variables instead of arguments. */
  variables?: readonly Variable[] | undefined;
  /** Whether `fn` returns `[value, aux]` of which only the value is differentiated. */
  hasAux?: boolean | undefined;
}

/** What `fn` returned, and the gradients. */
export type ValueAndGradients<R, G> = [value: R, gradients: G];

const identity: Differentiable = { name: "identity", vjp: ({ grads: [dy] }) => [dy as Tensor] };

/**
 * The same value as a source of its own, since one tensor may come twice
 * among the arguments. The tapes outside see it as a function of `x`.
 */
function newSource(x: Tensor): Tensor {
  const source = x.detached();
  const entry = { op: identity, inputs: [x], attributes: {}, outputs: [source] };
  for (const tape of state.tapes) tape.entries.push(entry);
  return source;
}

function newTape(): Tape {
  return { entries: [], reads: new Map() };
}

function refusePromise(what: string, result: unknown): void {
  if (result instanceof Promise) {
    throw new ArgumentError(
      `${what}: the function returned a promise. It must be synchronous: await data before the ` +
        "call and pass it in.",
    );
  }
}

function checkScalar(what: string, value: unknown): Tensor {
  if (!(value instanceof Tensor)) {
    throw new GradientError(
      `${what}: the function must return a tensor (with hasAux: [tensor, aux]), ` +
        `got ${describe(value)}.`,
    );
  }
  if (sizeOf(value.shape) !== 1 || !isFloat(value.dtype)) {
    throw new GradientError(
      `${what}: the function must return one float, got ${value.dtype} ` +
        `${formatShape(value.shape)}. Reduce it (ops.sum, ops.mean), or use vjp.`,
      { shapes: [value.shape] },
    );
  }
  return value;
}

/**
 * A function that computes both `fn` and its gradient.
 *
 * `fn` is synchronous and returns a float tensor of one element. Arguments
 * differentiated by are tensors, or arrays and plain objects of tensors; their
 * gradients have the same structure. With `variables` the gradients are a list
 * in their order, null for those that do not influence the result.
 *
 * @throws {GradientError} If `fn` does not return one float, or an op on the
 *   way is not differentiable.
 * @example
 * const f = valueAndGrad((x) => ops.sum(ops.square(x)));
 * const [value, dx] = f(tensor([1, 2, 3]));
 * await value.item(); // 14
 * await dx.array(); // [2, 4, 6]
 */
export function valueAndGrad<F extends AnyFunction>(
  fn: F,
  options: GradOptions & { variables: readonly Variable[] },
): (...args: Parameters<F>) => ValueAndGradients<ReturnType<F>, (Tensor | null)[]>;
export function valueAndGrad<F extends AnyFunction>(
  fn: F,
  options: GradOptions & { argnums: readonly number[] },
): (...args: Parameters<F>) => ValueAndGradients<ReturnType<F>, Tensor[]>;
export function valueAndGrad<F extends AnyFunction>(
  fn: F,
  options?: GradOptions & { argnums?: number | undefined },
): (...args: Parameters<F>) => ValueAndGradients<ReturnType<F>, Parameters<F>[0]>;
export function valueAndGrad(
  fn: AnyFunction,
  options: GradOptions = {},
): (...args: unknown[]) => ValueAndGradients<unknown, unknown> {
  const { argnums = 0, variables, hasAux = false } = options;
  const positions = typeof argnums === "number" ? [argnums] : argnums;
  return (...args) => {
    const tape = newTape();
    const given = [...args];
    const sources: Tensor[] = [];
    if (variables === undefined) {
      for (const position of positions) {
        if (position < 0 || position >= args.length) {
          throw new ArgumentError(
            `valueAndGrad: there is no argument ${position}: got ${args.length}.`,
          );
        }
        const leaves = flatten(args[position]).map((leaf) => {
          if (!(leaf instanceof Tensor) || !isFloat(leaf.dtype)) {
            throw new GradientError(
              `valueAndGrad: argument ${position} must hold float tensors, got ` +
                `${leaf instanceof Tensor ? `a tensor of ${leaf.dtype}` : describe(leaf)}. ` +
                "Convert it with tensor(…), or leave it out of argnums.",
            );
          }
          return newSource(leaf);
        });
        given[position] = unflatten(args[position], leaves);
        sources.push(...leaves);
      }
    }
    const result = withTape(tape, () => fn(...given));
    refusePromise("valueAndGrad", result);
    const value = checkScalar("valueAndGrad", hasAux ? (result as unknown[])[0] : result);
    if (variables !== undefined) {
      const reads = variables.map((variable) => tape.reads.get(variable) ?? []);
      return [result, backwardToGroups(tape, [value], [onesLike(value)], reads)];
    }
    const gradients = backward(tape, [value], [onesLike(value)], sources);
    const filled = gradients.map((gradient, i) => gradient ?? zerosLike(sources[i] as Tensor));
    let next = 0;
    const trees = positions.map((position) => {
      const count = flatten(args[position]).length;
      const tree = unflatten(args[position], filled.slice(next, next + count));
      next += count;
      return tree;
    });
    return [result, typeof argnums === "number" ? trees[0] : trees];
  };
}

/**
 * A function that computes the gradient of `fn`. See `valueAndGrad`.
 *
 * @example
 * const cube = (x) => ops.multiply(x, ops.square(x));
 * await grad(cube)(tensor(2)).item(); // 12
 * await grad(grad(cube))(tensor(2)).item(); // 12
 */
export function grad<F extends AnyFunction>(
  fn: F,
  options: GradOptions & { variables: readonly Variable[] },
): (...args: Parameters<F>) => (Tensor | null)[];
export function grad<F extends AnyFunction>(
  fn: F,
  options: GradOptions & { argnums: readonly number[] },
): (...args: Parameters<F>) => Tensor[];
export function grad<F extends AnyFunction>(
  fn: F,
  options?: GradOptions & { argnums?: number | undefined },
): (...args: Parameters<F>) => Parameters<F>[0];
export function grad(fn: AnyFunction, options: GradOptions = {}): (...args: unknown[]) => unknown {
  const both = valueAndGrad(fn, options as { argnums?: number }) as AnyFunction;
  return (...args) => {
    const [value, gradients] = both(...args) as [unknown, unknown];
    return options.hasAux === true ? [gradients, (value as unknown[])[1]] : gradients;
  };
}

/**
 * Runs `fn` and returns its result with a function that maps gradients of the
 * result (of its structure) to gradients of the arguments, which are tensors.
 *
 * @throws {ShapeError} If a gradient differs in shape from its output.
 * @example
 * const [y, pull] = vjp((x) => ops.square(x), tensor([1, 2]));
 * const [dx] = pull(tensor([1, 10]));
 * await dx.array(); // [2, 40]
 */
export function vjp<A extends readonly Tensor[], R>(
  fn: (...args: A) => R,
  ...args: A
): [result: R, pull: (gradients: R) => Tensor[]] {
  const tape = newTape();
  const sources = args.map(newSource);
  const result = withTape(tape, () => fn(...(sources as unknown as A)));
  refusePromise("vjp", result);
  const outputs = flatten(result).filter((leaf): leaf is Tensor => leaf instanceof Tensor);
  return [
    result,
    (gradients) => {
      const given = flatten(gradients);
      const targets: Tensor[] = [];
      const upstream: Tensor[] = [];
      for (const [i, output] of outputs.entries()) {
        const gradient = given[i];
        if (!(gradient instanceof Tensor)) continue;
        if (!sameShape(gradient.shape, output.shape)) {
          throw new ShapeError(
            `vjp: output ${i} has shape ${formatShape(output.shape)}, its gradient ` +
              `${formatShape(gradient.shape)}. They must be the same.`,
            { op: "vjp", shapes: [output.shape, gradient.shape] },
          );
        }
        targets.push(output);
        upstream.push(gradient);
      }
      return backward(tape, targets, upstream, sources).map(
        (gradient, i) => gradient ?? zerosLike(sources[i] as Tensor),
      );
    },
  ];
}

/**
 * `x` as a constant: nothing before it gets a gradient through it.
 *
 * @example
 * const f = (x) => ops.sum(ops.multiply(x, stopGradient(x)));
 * await grad(f)(tensor([3])).array(); // [3]
 */
export function stopGradient(x: Tensor): Tensor {
  return x.detached();
}

/**
 * A function with a derivative of its own.
 *
 * `fn` returns `[result, backward]`, where `backward` takes the gradient of the
 * result (several: one argument each) and returns that of the one argument, or
 * a list of one for each argument.
 *
 * @example
 * const clipped = customGradient((x) => [x, (dy) => ops.clip(dy, -1, 1)]);
 * await grad((x) => ops.sum(ops.multiply(clipped(x), 5)))(tensor([2])).array(); // [1]
 */
export function customGradient<A extends readonly Tensor[], R extends Tensor | readonly Tensor[]>(
  fn: (
    ...args: A
  ) => readonly [R, (...gradients: Tensor[]) => Tensor | null | readonly (Tensor | null)[]],
): (...args: A) => R {
  return (...args) => {
    const [result, pull] = withoutTapes(() => fn(...args));
    const single = result instanceof Tensor;
    // New objects, so that the result is not confused with an argument returned as it is.
    const outputs = (single ? [result] : [...(result as readonly Tensor[])]).map((x) =>
      x.detached(),
    );
    const op: Differentiable = {
      name: fn.name === "" ? "customGradient" : fn.name,
      vjp: ({ grads }) => {
        const gradients = pull(...grads);
        return gradients instanceof Tensor || gradients === null
          ? [gradients, ...new Array<null>(args.length - 1).fill(null)]
          : [...gradients];
      },
    };
    const entry = { op, inputs: args, attributes: {}, outputs };
    for (const tape of state.tapes) tape.entries.push(entry);
    return (single ? outputs[0] : outputs) as R;
  };
}
