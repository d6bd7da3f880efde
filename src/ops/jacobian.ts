/**
 * Whole derivatives, row by row.
 *
 * @module
 */
import { grad, vjp } from "../autograd/grad.ts";
import { Tensor } from "../tensor/tensor.ts";
import { isFloat } from "../util/dtypes.ts";
import { ArgumentError, describe, GradientError } from "../util/errors.ts";
import { scanTensors } from "./control/scan.ts";
import { eye } from "./creation.ts";
import { reshape } from "./shaping.ts";

// biome-ignore lint/suspicious/noExplicitAny: any function of any arguments
type AnyFunction = (...args: any[]) => any;

/** Options of `jacobian` and `hessian`. */
export interface JacobianOptions {
  /** The argument to differentiate by. Default: the first. */
  argnum?: number | undefined;
}

/**
 * The matrix of all derivatives of a function from a tensor to a tensor:
 * `[...shape of the result, ...shape of the argument]`, one pullback a row.
 *
 * @throws {GradientError} If argument or result is no float tensor.
 * @example
 * const J = jacobian((x) => ops.square(x))(tensor([1, 2]));
 * await J.array(); // [[2, 0], [0, 4]]
 */
export function jacobian(
  fn: AnyFunction,
  { argnum = 0 }: JacobianOptions = {},
): (...args: unknown[]) => Tensor {
  return (...args) => {
    const x = args[argnum];
    if (!(x instanceof Tensor) || !isFloat(x.dtype)) {
      throw new ArgumentError(
        `jacobian: argument ${argnum} must be a float tensor, got ` +
          `${x instanceof Tensor ? `a tensor of ${x.dtype}` : describe(x)}.`,
      );
    }
    const [y, pull] = vjp((source: Tensor) => {
      const given = [...args];
      given[argnum] = source;
      return fn(...given) as Tensor;
    }, x);
    if (!(y instanceof Tensor) || !isFloat(y.dtype)) {
      throw new GradientError(
        `jacobian: the function must return one float tensor, got ` +
          `${y instanceof Tensor ? `a tensor of ${y.dtype}` : describe(y)}.`,
      );
    }
    const basis = reshape(eye(y.size, { dtype: y.dtype }), [y.size, ...y.shape]) as Tensor;
    const { results } = scanTensors(
      "jacobian",
      (_, [row]) => ({ carry: [], results: pull(row as Tensor) }),
      [],
      [basis],
      { length: y.size, reverse: false },
    );
    return reshape(results[0] as Tensor, [...y.shape, ...x.shape]) as Tensor;
  };
}

/**
 * The matrix of second derivatives of a function from a tensor to one float.
 *
 * @example
 * const H = hessian((x) => ops.sum(ops.multiply(x, ops.square(x))))(tensor([1, 2]));
 * await H.array(); // [[6, 0], [0, 12]]
 */
export function hessian(
  fn: AnyFunction,
  options: JacobianOptions = {},
): (...args: unknown[]) => Tensor {
  return jacobian(grad(fn, { argnums: options.argnum ?? 0 }), options);
}
