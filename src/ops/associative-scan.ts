/**
 * Running results of an associative function, in logarithmically many rounds.
 *
 * @module
 */
import { type PublicOp, publicOp, requiredArgument, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ArgumentError, formatShape, ShapeError } from "../util/errors.ts";
import { flatten, unflatten } from "../util/pytree.ts";
import { normalizeAxis } from "../util/shapes.ts";
import type { TensorTree } from "./control-flow.ts";
import { tensorsOf } from "./control-flow.ts";
import { concatenateAlong, flipOver, reshape, sliceAxis, sliceStrided } from "./shaping.ts";

type Combine = (a: Tensor[], b: Tensor[]) => Tensor[];

/** Every second slice along an axis, from `start` up to `limit`. */
function everySecond(x: Tensor, axis: number, start: number, limit: number): Tensor {
  const starts = x.shape.map((_, i) => (i === axis ? start : 0));
  const limits = x.shape.map((length, i) => (i === axis ? Math.max(start, limit) : length));
  return sliceStrided(
    x,
    starts,
    limits,
    x.shape.map((_, i) => (i === axis ? 2 : 1)),
  );
}

/** Slices of `even` and `odd` in turn; `even` may have one more. */
function interleave(even: Tensor, odd: Tensor, axis: number): Tensor {
  const pairs = odd.shape[axis] as number;
  const split = (x: Tensor): Tensor => {
    const shape = [...x.shape];
    shape.splice(axis + 1, 0, 1);
    return reshape(x, shape) as Tensor;
  };
  const joined = concatenateAlong([split(sliceAxis(even, axis, 0, pairs)), split(odd)], axis + 1);
  const shape = [...odd.shape];
  shape[axis] = 2 * pairs;
  const whole = reshape(joined, shape) as Tensor;
  const length = even.shape[axis] as number;
  return length === pairs
    ? whole
    : concatenateAlong([whole, sliceAxis(even, axis, pairs, length)], axis);
}

// Pairs first, then the running results of the pairs, then what lies between.
function scanAlong(combine: Combine, elements: Tensor[], axis: number): Tensor[] {
  const count = (elements[0] as Tensor).shape[axis] as number;
  if (count < 2) return elements;
  const pairs = combine(
    elements.map((x) => everySecond(x, axis, 0, count - 1)),
    elements.map((x) => everySecond(x, axis, 1, count)),
  );
  const odd = scanAlong(combine, pairs, axis);
  const before =
    count % 2 === 0 ? odd.map((x) => sliceAxis(x, axis, 0, (x.shape[axis] as number) - 1)) : odd;
  const rest = combine(
    before,
    elements.map((x) => everySecond(x, axis, 2, count)),
  );
  return elements.map((x, i) => {
    const first = sliceAxis(x, axis, 0, 1);
    const even = concatenateAlong([first, rest[i] as Tensor], axis);
    return interleave(even, odd[i] as Tensor, axis);
  });
}

/** Options of `associativeScan`. */
export interface AssociativeScanOptions {
  /** Whether to run from the end to the beginning. */
  reverse?: boolean | undefined;
  /** The axis to go along. Default: the first. */
  axis?: number | undefined;
}

/**
 * Running results along an axis: element i is `f` of the elements up to i.
 *
 * `f` takes two trees like `elems` (of several slices at a time) and must be
 * associative; it is called on about 2 log₂(n) pairs. After Blelloch,
 * https://www.cs.cmu.edu/~guyb/papers/Ble93.pdf.
 *
 * @throws {ShapeError} If the elements differ in length along the axis.
 * @example
 * await ops.associativeScan((a, b) => ops.multiply(a, b), tensor([1, 2, 3, 4])).array(); // [1, 2, 6, 24]
 */
export const associativeScan: PublicOp<
  (
    f: (a: TensorTree, b: TensorTree) => TensorTree,
    elems: TensorTree,
    options?: AssociativeScanOptions,
  ) => TensorTree
> = publicOp(
  "keras.ops.associative_scan",
  { f: requiredArgument, elems: tensorArgument, reverse: false, axis: 0 },
  (
    f: (a: TensorTree, b: TensorTree) => TensorTree,
    elems: TensorTree,
    { reverse = false, axis = 0 }: AssociativeScanOptions = {},
  ): TensorTree => {
    const op = "associative_scan";
    if (typeof f !== "function") throw new ArgumentError(`${op}: f must be a function.`, { op });
    const tensors = tensorsOf(op, elems);
    if (tensors.length === 0) throw new ArgumentError(`${op}: there are no elements.`, { op });
    const at = normalizeAxis(op, axis, (tensors[0] as Tensor).ndim);
    const length = (tensors[0] as Tensor).shape[at];
    for (const x of tensors) {
      if (x.shape[at] !== length) {
        throw new ShapeError(
          `${op}: the elements differ in length along axis ${axis}: ` +
            `${tensors.map(({ shape }) => formatShape(shape)).join(", ")}.`,
          { op, shapes: tensors.map(({ shape }) => shape) },
        );
      }
    }
    const combine: Combine = (a, b) => {
      const result = flatten(f(unflatten(elems, a), unflatten(elems, b))) as Tensor[];
      if (result.length !== tensors.length) {
        throw new ArgumentError(
          `${op}: f returned ${result.length} tensors, expected ${tensors.length}.`,
          { op },
        );
      }
      return result;
    };
    const turn = (list: Tensor[]): Tensor[] =>
      reverse ? list.map((x) => flipOver(x, [at])) : list;
    return unflatten(elems, turn(scanAlong(combine, turn(tensors), at)));
  },
);
