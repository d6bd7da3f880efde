/**
 * Ops that rearrange elements.
 *
 * @module
 */
import { apply } from "../tensor/apply.ts";
import { defineOp, type OpDefinition, type TracedValue } from "../tensor/define-op.ts";
import { type PublicOp, publicOp, requiredArgument, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../util/errors.ts";
import {
  broadcastShapes,
  checkShape,
  normalizeAxes,
  normalizeAxis,
  type Shape,
  sameShape,
  sizeOf,
} from "../util/shapes.ts";
import { broadcastOver, reshapeCall, reshapeTo } from "./broadcasting.ts";
import { type TensorLike, toTensor } from "./promote.ts";

/**
 * @internal
 * A shape with at most one -1 (or null) resolved from the number of elements.
 *
 * @throws {ShapeError} If the elements do not fit.
 */
export function resolveShape(op: string, from: Shape, to: readonly (number | null)[]): Shape {
  if (typeof to !== "object" || to === null) {
    throw new ShapeError(`${op}: expected a shape such as [2, -1], got ${describe(to)}.`, { op });
  }
  const size = sizeOf(from);
  const unknown = to.map((dim, i) => (dim === -1 || dim === null ? i : -1)).filter((i) => i >= 0);
  const known = sizeOf(to.filter((dim): dim is number => dim !== -1 && dim !== null));
  const fail = (why: string): ShapeError =>
    new ShapeError(
      `${op}: cannot turn shape ${formatShape(from)} (${size} elements) into ` +
        `${formatShape(to)}: ${why}.`,
      { op, shapes: [from, to] },
    );
  if (unknown.length > 1) throw fail("at most one axis can be -1");
  if (unknown.length === 0) {
    const shape = checkShape(op, to as Shape);
    if (known !== size) throw fail(`that is ${known} elements`);
    return shape;
  }
  if (known === 0 ? size !== 0 : size % known !== 0)
    throw fail(`${size} is no multiple of ${known}`);
  const rest = known === 0 ? 0 : size / known;
  return checkShape(
    op,
    to.map((dim) => (dim === -1 || dim === null ? rest : dim)),
  );
}

/**
 * `x` under another shape, in row-major order; one axis may be -1.
 *
 * @throws {ShapeError} If the elements do not fit.
 * @example
 * ops.reshape([[1, 2, 3], [4, 5, 6]], [3, -1]).shape; // [3, 2]
 */
export const reshape: PublicOp<
  (x: TensorLike, newshape: number | readonly (number | null)[]) => Tensor
> = publicOp(
  "keras.ops.reshape",
  { x: tensorArgument, newshape: requiredArgument },
  (given, newshape) => {
    const x = toTensor("reshape", given);
    const wanted = typeof newshape === "number" ? [newshape] : newshape;
    return reshapeTo(x, resolveShape("reshape", x.shape, wanted));
  },
);

/**
 * All elements in one axis.
 *
 * @example
 * await ops.ravel([[1, 2], [3, 4]]).array(); // [1, 2, 3, 4]
 */
export const ravel: PublicOp<(x: TensorLike) => Tensor> = publicOp(
  "keras.ops.ravel",
  { x: tensorArgument },
  (given) => {
    const x = toTensor("ravel", given);
    return reshapeTo(x, [x.size]);
  },
);

/**
 * @internal
 * `x` repeated to a shape.
 *
 * @throws {ShapeError} If it does not broadcast to it.
 */
export function broadcastInto(op: string, x: Tensor, shape: Shape): Tensor {
  if (!sameShape(broadcastShapes(op, x.shape, shape), shape)) {
    throw new ShapeError(
      `${op}: shape ${formatShape(x.shape)} does not broadcast to ${formatShape(shape)}.`,
      { op, shapes: [x.shape, shape] },
    );
  }
  return broadcastOver(x, [...shape]);
}

/**
 * `x` repeated to a shape by NumPy's broadcasting.
 *
 * @throws {ShapeError} If it does not broadcast to it.
 * @example
 * await ops.broadcastTo([1, 2], [2, 2]).array(); // [[1, 2], [1, 2]]
 */
export const broadcastTo: PublicOp<(x: TensorLike, shape: Shape) => Tensor> = publicOp(
  "keras.ops.broadcast_to",
  { x: tensorArgument, shape: requiredArgument },
  (given, shape) => {
    const x = toTensor("broadcast_to", given);
    return broadcastInto("broadcast_to", x, checkShape("broadcast_to", shape));
  },
);

const transposeOp: OpDefinition<{ axes: readonly number[] }> = defineOp({
  name: "transpose",
  attributes: { axes: "ints" },
  infer: ([x], { axes }) => ({
    shape: axes.map((axis) => (x as Tensor).shape[axis] as number),
    dtype: (x as Tensor).dtype,
  }),
  vjp: ({ grads: [dy] }, { axes }) => {
    const inverse = new Array<number>(axes.length);
    for (const [i, axis] of axes.entries()) inverse[axis] = i;
    return [permute(dy as Tensor, inverse)];
  },
  rewrite: ([given], { axes }, { shape }) => {
    const x = given as TracedValue;
    if (!movesElements(axes, x.shape)) return reshapeCall(x, shape);
    const { source } = x;
    if (source?.op !== (transposeOp as unknown as OpDefinition)) return null;
    const first = source.attributes["axes"] as readonly number[];
    const both = axes.map((axis) => first[axis] as number);
    // A product takes transposed matrices as they are.
    const isFree = swapsLastAxes(axes) && both.some((axis, i) => axis !== i);
    return isFree ? null : { ...source, attributes: { axes: both } };
  },
});

/** @internal [batch, time, …] as [time, batch, …], and back. */
export function swapTime(x: Tensor): Tensor {
  return permute(x, [1, 0, ...x.shape.slice(2).map((_, i) => i + 2)]);
}

/** Whether axes are in place but for the last two. */
function swapsLastAxes(axes: readonly number[]): boolean {
  const n = axes.length;
  return n > 1 && axes.every((axis, i) => axis === (i < n - 2 ? i : 2 * n - 3 - i));
}

/** @internal For rewrite rules: the matrices whose transposes `x` is; null: it is not. */
export function transposedMatrices({ source }: TracedValue): TracedValue | null {
  if (source?.op.name !== "transpose") return null;
  return swapsLastAxes(source.attributes["axes"] as readonly number[])
    ? (source.inputs[0] as TracedValue)
    : null;
}

/** Whether axes longer than 1 change places. */
function movesElements(axes: readonly number[], shape: Shape): boolean {
  const long = axes.filter((axis) => shape[axis] !== 1);
  return long.some((axis, i) => i > 0 && axis < (long[i - 1] as number));
}

/** @internal `x` with its axes in the given order. */
export function permute(x: Tensor, axes: readonly number[]): Tensor {
  return axes.every((axis, i) => axis === i) ? x : apply(transposeOp, [x], { axes });
}

/**
 * `x` with its axes in another order, reversed by default.
 *
 * @throws {ShapeError} If `axes` is no permutation of the axes.
 * @example
 * await ops.transpose([[1, 2, 3], [4, 5, 6]]).array(); // [[1, 4], [2, 5], [3, 6]]
 */
export const transpose: PublicOp<
  (x: TensorLike, options?: { axes?: readonly number[] | null | undefined }) => Tensor
> = publicOp("keras.ops.transpose", { x: tensorArgument, axes: null }, (given, { axes } = {}) => {
  const x = toTensor("transpose", given);
  if (axes === undefined || axes === null) {
    return permute(
      x,
      x.shape.map((_, i) => x.ndim - 1 - i),
    );
  }
  const order = axes.map((axis) => normalizeAxis("transpose", axis, x.ndim));
  if (normalizeAxes("transpose", order, x.ndim).length !== x.ndim) {
    throw new ShapeError(
      `transpose: axes ${formatShape(axes)} are no permutation of the ${x.ndim} axes of ` +
        `shape ${formatShape(x.shape)}.`,
      { op: "transpose", shapes: [x.shape] },
    );
  }
  return permute(x, order);
});

/**
 * `x` with axes moved to other positions.
 *
 * @example
 * ops.moveaxis(ops.zeros([2, 3, 4]), 0, -1).shape; // [3, 4, 2]
 */
export const moveaxis: PublicOp<
  (
    x: TensorLike,
    source: number | readonly number[],
    destination: number | readonly number[],
  ) => Tensor
> = publicOp(
  "keras.ops.moveaxis",
  { x: tensorArgument, source: requiredArgument, destination: requiredArgument },
  (given, source, destination) => {
    const x = toTensor("moveaxis", given);
    const list = (axis: number | readonly number[]): number[] =>
      (typeof axis === "number" ? [axis] : [...axis]).map((a) =>
        normalizeAxis("moveaxis", a, x.ndim),
      );
    const from = list(source);
    const to = list(destination);
    for (const places of [from, to]) {
      if (new Set(places).size < places.length) {
        throw new ShapeError(
          `moveaxis: source ${describe(source)} or destination ${describe(destination)} names ` +
            `an axis of shape ${formatShape(x.shape)} twice.`,
          { op: "moveaxis", shapes: [x.shape] },
        );
      }
    }
    if (from.length !== to.length) {
      throw new ArgumentError(`moveaxis: ${from.length} axes cannot go to ${to.length} places.`, {
        op: "moveaxis",
      });
    }
    const order = x.shape.map((_, i) => i).filter((i) => !from.includes(i));
    const pairs = to.map((place, i) => [place, from[i] as number] as const);
    pairs.sort((a, b) => a[0] - b[0]);
    for (const [place, axis] of pairs) order.splice(place, 0, axis);
    return permute(x, order);
  },
);

/**
 * `x` with two axes swapped.
 *
 * @example
 * ops.swapaxes(ops.zeros([2, 3, 4]), 0, 2).shape; // [4, 3, 2]
 */
export const swapaxes: PublicOp<(x: TensorLike, axis1: number, axis2: number) => Tensor> = publicOp(
  "keras.ops.swapaxes",
  { x: tensorArgument, axis1: requiredArgument, axis2: requiredArgument },
  (given, axis1, axis2) => {
    const x = toTensor("swapaxes", given);
    const order = x.shape.map((_, i) => i);
    const a = normalizeAxis("swapaxes", axis1, x.ndim);
    const b = normalizeAxis("swapaxes", axis2, x.ndim);
    order[a] = b;
    order[b] = a;
    return permute(x, order);
  },
);

/**
 * `x` with axes of length 1 added at the given places of the result.
 *
 * @example
 * ops.expandDims([1, 2], 0).shape; // [1, 2]
 */
export const expandDims: PublicOp<(x: TensorLike, axis: number | readonly number[]) => Tensor> =
  publicOp(
    "keras.ops.expand_dims",
    { x: tensorArgument, axis: requiredArgument },
    (given, axis) => {
      const x = toTensor("expand_dims", given);
      const added = typeof axis === "number" ? [axis] : axis;
      const places = normalizeAxes("expand_dims", added, x.ndim + added.length);
      const shape = [...x.shape];
      for (const place of places) shape.splice(place, 0, 1);
      return reshapeTo(x, checkShape("expand_dims", shape));
    },
  );

/**
 * `x` without axes of length 1: all of them, or the given ones.
 *
 * @throws {ShapeError} If a given axis is longer.
 * @example
 * ops.squeeze([[1, 2]]).shape; // [2]
 */
export const squeeze: PublicOp<
  (x: TensorLike, options?: { axis?: number | readonly number[] | null | undefined }) => Tensor
> = publicOp("keras.ops.squeeze", { x: tensorArgument, axis: null }, (given, { axis } = {}) => {
  const x = toTensor("squeeze", given);
  const all = axis === undefined || axis === null;
  const axes = normalizeAxes("squeeze", axis, x.ndim).filter((a) => !all || x.shape[a] === 1);
  for (const a of axes) {
    if (x.shape[a] !== 1) {
      throw new ShapeError(
        `squeeze: axis ${a} of shape ${formatShape(x.shape)} has length ${x.shape[a]}, not 1.`,
        { op: "squeeze", shapes: [x.shape] },
      );
    }
  }
  return reshapeTo(
    x,
    x.shape.filter((_, i) => !axes.includes(i)),
  );
});

const concatenateOp: OpDefinition<{ axis: number }> = defineOp({
  name: "concatenate",
  attributes: { axis: "int" },
  infer: (inputs, { axis }) => {
    const [first] = inputs as readonly [Tensor];
    const shape = [...first.shape];
    shape[axis] = inputs.reduce((total, x) => total + (x.shape[axis] as number), 0);
    return { shape: checkShape("concatenate", shape), dtype: first.dtype };
  },
  vjp: ({ inputs, grads: [dy], needs }, { axis }) => {
    let start = 0;
    return inputs.map((x, i) => {
      const length = x.shape[axis] as number;
      const begin = start;
      start += length;
      return needs(i) ? sliceAxis(dy as Tensor, axis, begin, begin + length) : null;
    });
  },
});

/** @internal Tensors of one dtype, one after another along `axis` (normalized). */
export function concatenateAlong(parts: readonly Tensor[], axis: number): Tensor {
  const [first] = parts;
  return parts.length === 1 ? (first as Tensor) : apply(concatenateOp, parts, { axis });
}

const sliceOp: OpDefinition<{
  starts: readonly number[];
  limits: readonly number[];
  strides: readonly number[];
}> = defineOp({
  name: "slice",
  attributes: { starts: "ints", limits: "ints", strides: "ints" },
  infer: ([x], { starts, limits, strides }) => ({
    shape: starts.map((start, i) =>
      Math.max(0, Math.ceil(((limits[i] as number) - start) / (strides[i] as number))),
    ),
    dtype: (x as Tensor).dtype,
  }),
  vjp: ({ inputs: [x], outputs: [y], grads: [dy] }, { starts, strides }) => {
    const { shape } = x as Tensor;
    const high = shape.map((dim, i) => {
      const length = (y as Tensor).shape[i] as number;
      const start = starts[i] as number;
      return dim - start - (length === 0 ? 0 : (length - 1) * (strides[i] as number) + 1);
    });
    return [
      padWith(
        dy as Tensor,
        0,
        starts,
        high,
        strides.map((stride) => stride - 1),
      ),
    ];
  },
});

/** @internal Per axis the elements from `starts` to before `limits`, in steps of `strides`. */
export function sliceStrided(
  x: Tensor,
  starts: readonly number[],
  limits: readonly number[],
  strides: readonly number[] = starts.map(() => 1),
): Tensor {
  const isWhole = starts.every(
    (start, i) => start === 0 && limits[i] === x.shape[i] && strides[i] === 1,
  );
  return isWhole ? x : apply(sliceOp, [x], { starts, limits, strides });
}

/** @internal The elements from `start` to before `limit` along one axis. */
export function sliceAxis(x: Tensor, axis: number, start: number, limit: number): Tensor {
  return sliceStrided(
    x,
    x.shape.map((_, i) => (i === axis ? start : 0)),
    x.shape.map((dim, i) => (i === axis ? limit : dim)),
  );
}

/** @internal One slice along an axis (normalized), which it loses. */
export function sliceAt(x: Tensor, axis: number, index: number): Tensor {
  return reshapeTo(
    sliceAxis(x, axis, index, index + 1),
    x.shape.filter((_, i) => i !== axis),
  );
}

const padOp: OpDefinition<{
  low: readonly number[];
  high: readonly number[];
  interior: readonly number[];
  value: number;
}> = defineOp({
  name: "pad",
  attributes: { low: "ints", high: "ints", interior: "ints", value: "float" },
  infer: ([x], { low, high, interior }) => ({
    shape: checkShape(
      "pad",
      (x as Tensor).shape.map(
        (dim, i) =>
          (low[i] as number) +
          dim +
          Math.max(0, dim - 1) * (interior[i] as number) +
          (high[i] as number),
      ),
    ),
    dtype: (x as Tensor).dtype,
  }),
  vjp: ({ inputs: [x], grads: [dy] }, { low, high, interior }) => {
    // Undone by cropping what was added, or adding zeros for what was cropped.
    const { shape } = x as Tensor;
    const gradient = padWith(
      dy as Tensor,
      0,
      low.map((n) => -n),
      high.map((n) => -n),
      low.map(() => 0),
    );
    return [
      sliceStrided(
        gradient,
        shape.map(() => 0),
        gradient.shape,
        interior.map((n) => n + 1),
      ),
    ];
  },
});

/** @internal `x` with `value` before, behind and between its elements; negative counts cut off. */
export function padWith(
  x: Tensor,
  value: number,
  low: readonly number[],
  high: readonly number[],
  interior: readonly number[] = low.map(() => 0),
): Tensor {
  const nothing = [low, high, interior].every((list) => list.every((n) => n === 0));
  return nothing ? x : apply(padOp, [x], { low, high, interior, value });
}

const flipOp: OpDefinition<{ axes: readonly number[] }> = defineOp({
  name: "flip",
  attributes: { axes: "ints" },
  infer: ([x]) => x as Tensor,
  vjp: ({ grads: [dy] }, { axes }) => [apply(flipOp, [dy as Tensor], { axes })],
});

/** @internal `x` in reverse order along `axes` (normalized). */
export function flipOver(x: Tensor, axes: readonly number[]): Tensor {
  return axes.length === 0 ? x : apply(flipOp, [x], { axes });
}

/**
 * `x` in reverse order along axes, all by default.
 *
 * @example
 * await ops.flip([1, 2, 3]).array(); // [3, 2, 1]
 */
export const flip: PublicOp<
  (x: TensorLike, options?: { axis?: number | readonly number[] | null | undefined }) => Tensor
> = publicOp("keras.ops.flip", { x: tensorArgument, axis: null }, (given, { axis } = {}) => {
  const x = toTensor("flip", given);
  return flipOver(x, normalizeAxes("flip", axis, x.ndim));
});
