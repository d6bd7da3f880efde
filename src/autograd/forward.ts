/**
 * Derivatives in the direction of tangents.
 *
 * @module
 */
import { zerosLike } from "../tensor/fill.ts";
import { Tensor } from "../tensor/tensor.ts";
import { isFloat } from "../util/dtypes.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../util/errors.ts";
import { flatten, mapTree, unflatten } from "../util/pytree.ts";
import { sameShape } from "../util/shapes.ts";
import { vjp } from "./grad.ts";

// biome-ignore lint/suspicious/noExplicitAny: any function of any arguments
type AnyFunction = (...args: any[]) => any;

/** Options of `jvp`. */
export interface JvpOptions {
  /** Whether `fn` returns `[value, aux]` of which only the value is differentiated. */
  hasAux?: boolean | undefined;
}

/**
 * The result of `fn` and its derivative in a direction: `J · tangents`, without
 * making the Jacobian J. Reverse mode twice: the pullback `u ↦ Jᵀu` is linear,
 * and its own pullback is `t ↦ J t`.
 *
 * @param primals The arguments of `fn`, in order: tensors, or trees of them.
 * @param tangents Of the same structure and shapes.
 * @returns `[result, derivative]`, with `hasAux` `[result, derivative, aux]`.
 * @throws {ShapeError} If a tangent differs from its primal in shape.
 * @example
 * const [y, dy] = jvp((x) => ops.square(x), [tensor(3)], [tensor(1)]);
 * await dy.item(); // 6
 */
export function jvp(
  fn: AnyFunction,
  primals: readonly unknown[],
  tangents: readonly unknown[],
  options: JvpOptions = {},
  // biome-ignore lint/suspicious/noExplicitAny: trees of the caller's own types
): any[] {
  if (!Array.isArray(primals) || !Array.isArray(tangents)) {
    throw new ArgumentError(
      `jvp: primals and tangents must be lists, one entry for each argument, got ` +
        `${describe(primals)} and ${describe(tangents)}.`,
      { op: "jvp" },
    );
  }
  const points = flatten(primals).map((leaf) => checkTensor("primals", leaf));
  const directions = flatten(tangents).map((leaf) => checkTensor("tangents", leaf));
  for (const [i, point] of points.entries()) {
    const direction = directions[i];
    if (direction === undefined || !sameShape(direction.shape, point.shape)) {
      throw new ShapeError(
        `jvp: primal ${i} has shape ${formatShape(point.shape)}, its tangent ` +
          `${direction === undefined ? "is missing" : formatShape(direction.shape)}.`,
        { op: "jvp", shapes: [point.shape, ...(direction ? [direction.shape] : [])] },
      );
    }
  }
  let structure: unknown = null;
  let aux: unknown = null;
  const [outputs, pull] = vjp(
    (...args: Tensor[]) => {
      const result = fn(...(unflatten(primals, args) as unknown[]));
      const value = options.hasAux === true ? (result as unknown[])[0] : result;
      if (options.hasAux === true) aux = (result as unknown[])[1];
      structure = value;
      return flatten(value) as Tensor[];
    },
    ...points,
  );
  const floats = outputs.filter(({ dtype }) => isFloat(dtype));
  const [, push] = vjp(
    (...upstream: Tensor[]) => {
      let next = 0;
      return pull(
        outputs.map((y) => (isFloat(y.dtype) ? (upstream[next++] as Tensor) : zerosLike(y))),
      );
    },
    ...floats.map(zerosLike),
  );
  const derivatives = push(directions);
  let next = 0;
  const derivative = mapTree(structure, (leaf) => {
    const y = leaf as Tensor;
    return isFloat(y.dtype) ? derivatives[next++] : zerosLike(y);
  });
  const value = unflatten(structure, outputs);
  return options.hasAux === true ? [value, derivative, aux] : [value, derivative];
}

function checkTensor(name: string, leaf: unknown): Tensor {
  if (leaf instanceof Tensor && isFloat(leaf.dtype)) return leaf;
  throw new ArgumentError(
    `jvp: ${name} must hold float tensors, got ` +
      `${leaf instanceof Tensor ? `a tensor of ${leaf.dtype}` : describe(leaf)}.`,
    { op: "jvp" },
  );
}
