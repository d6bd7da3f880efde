/**
 * Gathering and scattering along an axis.
 *
 * @module
 */
import { floatx } from "../runtime/precision.ts";
import { apply } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { fromStored } from "../tensor/create.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import { type PublicOp, publicOp, requiredArgument, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isInteger, standardizeDType } from "../util/dtypes.ts";
import { DTypeError, formatShape, ShapeError } from "../util/errors.ts";
import { broadcastShapes, checkShape, normalizeAxis, type Shape } from "../util/shapes.ts";
import { broadcastOver, reshapeTo } from "./broadcasting.ts";
import { equal } from "./comparison.ts";
import { type DTypeLike, iota } from "./creation.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { any, max } from "./reduction.ts";

/** Indices as kernels take them: int32, or int64 where they are that. */
export function toIndices(op: string, given: TensorLike): Tensor {
  const indices = toTensor(op, given);
  if (indices.dtype === "int32" || indices.dtype === "int64") return indices;
  if (!isInteger(indices.dtype)) {
    throw new DTypeError(`${op}: expected integer indices, got ${indices.dtype}.`, {
      op,
      dtypes: [indices.dtype],
    });
  }
  return castTo(
    indices,
    indices.dtype === "uint32" || indices.dtype === "uint64" ? "int64" : "int32",
  );
}

const takeOp: OpDefinition<{ axis: number }> = defineOp({
  name: "take",
  attributes: { axis: "int" },
  infer: ([x, indices], { axis }) => {
    const { shape, dtype } = x as Tensor;
    return {
      shape: checkShape("take", [
        ...shape.slice(0, axis),
        ...(indices as Tensor).shape,
        ...shape.slice(axis + 1),
      ]),
      dtype,
    };
  },
  vjp: ({ inputs: [x, indices], grads: [dy] }, { axis }) => [
    apply(takeBackwardOp, [indices as Tensor, dy as Tensor], {
      axis,
      length: (x as Tensor).shape[axis] as number,
    }),
    null,
  ],
});

const takeBackwardOp: OpDefinition<{ axis: number; length: number }> = defineOp({
  name: "take_backward",
  attributes: { axis: "int", length: "int" },
  infer: ([indices, dy], { axis, length }) => {
    const { shape, dtype } = dy as Tensor;
    const behind = axis + (indices as Tensor).shape.length;
    return { shape: [...shape.slice(0, axis), length, ...shape.slice(behind)], dtype };
  },
  vjp: ({ inputs: [indices], grads: [d] }, { axis }) => [
    null,
    apply(takeOp, [d as Tensor, indices as Tensor], { axis }),
  ],
});

/** @internal Slices of `x` along `axis` (normalized) at integer indices. */
export function takeSlices(x: Tensor, indices: Tensor, axis: number): Tensor {
  return apply(takeOp, [x, indices], { axis });
}

/**
 * @internal The transpose of `takeSlices`: slices of `dy` along `axis` (normalized; one
 * axis of indices) added at the indices of `length` places.
 */
export function addSlices(indices: Tensor, dy: Tensor, axis: number, length: number): Tensor {
  return apply(takeBackwardOp, [indices, dy], { axis, length });
}

/** @internal Indices that depend on shapes alone. */
export function constantIndices(values: Int32Array): Tensor {
  return fromStored(values, [values.length], "int32");
}

/** Options with an axis. */
export interface TakeOptions {
  /** Default: `x` counts as flat. */
  axis?: number | null | undefined;
}

/**
 * Slices of `x` along an axis at the given indices; negative ones count from
 * the end. An index out of range gives NaN (an integer's extreme).
 *
 * @example
 * await ops.take([[1, 2], [3, 4]], [1, 0], { axis: 0 }).array(); // [[3, 4], [1, 2]]
 */
export const take: PublicOp<(x: TensorLike, indices: TensorLike, options?: TakeOptions) => Tensor> =
  publicOp(
    "keras.ops.take",
    { x: tensorArgument, indices: tensorArgument, axis: null },
    (given, indices, { axis } = {}) => {
      let x = toTensor("take", given);
      if (axis === undefined || axis === null) x = reshapeTo(x, [x.size]);
      return takeSlices(x, toIndices("take", indices), normalizeAxis("take", axis ?? 0, x.ndim));
    },
  );

const takeAlongOp: OpDefinition<{ axis: number }> = defineOp({
  name: "take_along_axis",
  attributes: { axis: "int" },
  infer: ([x, indices]) => ({ shape: (indices as Tensor).shape, dtype: (x as Tensor).dtype }),
  vjp: ({ inputs: [x, indices], grads: [dy] }, { axis }) => [
    apply(takeAlongBackwardOp, [indices as Tensor, dy as Tensor], {
      axis,
      length: (x as Tensor).shape[axis] as number,
    }),
    null,
  ],
});

const takeAlongBackwardOp: OpDefinition<{ axis: number; length: number }> = defineOp({
  name: "take_along_axis_backward",
  attributes: { axis: "int", length: "int" },
  infer: ([, dy], { axis, length }) => {
    const { shape, dtype } = dy as Tensor;
    return { shape: shape.map((dim, i) => (i === axis ? length : dim)), dtype };
  },
  vjp: ({ inputs: [indices], grads: [d] }, { axis }) => [
    null,
    apply(takeAlongOp, [d as Tensor, indices as Tensor], { axis }),
  ],
});

/** @internal Elements of `x` along `axis` (normalized), one for each index. */
export function takeAlong(x: Tensor, indices: Tensor, axis: number): Tensor {
  return apply(takeAlongOp, [x, indices], { axis });
}

/** @internal The transpose of `takeAlong`: elements of `dy` added at the indices of `length` places. */
export function scatterAlong(indices: Tensor, dy: Tensor, axis: number, length: number): Tensor {
  return apply(takeAlongBackwardOp, [indices, dy], { axis, length });
}

/**
 * For each index the element of `x` at that place of an axis; the other axes
 * of both broadcast.
 *
 * @throws {ShapeError} If they do not.
 * @example
 * await ops.takeAlongAxis([[1, 2], [3, 4]], [[1], [0]], { axis: 1 }).array(); // [[2], [3]]
 */
export const takeAlongAxis: PublicOp<
  (x: TensorLike, indices: TensorLike, options?: TakeOptions) => Tensor
> = publicOp(
  "keras.ops.take_along_axis",
  { x: tensorArgument, indices: tensorArgument, axis: null },
  (given, givenIndices, { axis } = {}) => {
    let x = toTensor("take_along_axis", given);
    let indices = toIndices("take_along_axis", givenIndices);
    if (axis === undefined || axis === null) {
      x = reshapeTo(x, [x.size]);
      indices = reshapeTo(indices, [indices.size]);
    }
    const along = normalizeAxis("take_along_axis", axis ?? 0, x.ndim);
    const besides = (shape: Shape): number[] => shape.map((dim, i) => (i === along ? 1 : dim));
    if (indices.ndim !== x.ndim) {
      throw new ShapeError(
        `take_along_axis: indices ${formatShape(indices.shape)} and ${formatShape(x.shape)} ` +
          "differ in rank.",
        { op: "take_along_axis", shapes: [x.shape, indices.shape] },
      );
    }
    const common = broadcastShapes("take_along_axis", besides(x.shape), besides(indices.shape));
    const spreadOut = (t: Tensor): Tensor =>
      broadcastOver(
        t,
        common.map((dim, i) => (i === along ? (t.shape[i] as number) : dim)),
      );
    return takeAlong(spreadOut(x), spreadOut(indices), along);
  },
);

/** Options of `oneHot`. */
export interface OneHotOptions {
  /** Where the new axis goes. */
  axis?: number | undefined;
  dtype?: DTypeLike | null | undefined;
}

/**
 * For each integer a vector of `numClasses` zeros with a one at that place
 * (none, if it is out of range).
 *
 * @example
 * await ops.oneHot([0, 2], 3).array(); // [[1, 0, 0], [0, 0, 1]]
 */
export const oneHot: PublicOp<
  (x: TensorLike, numClasses: number, options?: OneHotOptions) => Tensor
> = publicOp(
  "keras.ops.one_hot",
  { x: tensorArgument, num_classes: requiredArgument, axis: -1, dtype: null, sparse: false },
  (given, numClasses, { axis = -1, dtype } = {}) => {
    const x = toTensor("one_hot", given);
    const along = normalizeAxis("one_hot", axis, x.ndim + 1);
    const classes = new Array<number>(x.ndim + 1).fill(1);
    classes[along] = numClasses;
    const expanded = [...x.shape];
    expanded.splice(along, 0, 1);
    const kind = isInteger(x.dtype) ? x.dtype : "int32";
    return castTo(
      equal(
        castTo(reshapeTo(x, expanded), kind),
        iota(checkShape("one_hot", classes), kind, along),
      ),
      standardizeDType(dtype, floatx()),
    );
  },
);

/**
 * For each row of integers one vector of `numClasses` with ones at all of
 * their places.
 *
 * The row is axis 1 (axis 0 of a vector), as in Keras.
 *
 * @param options.axis Where the classes go.
 * @example
 * await ops.multiHot([0, 2], 3).array(); // [1, 0, 1]
 */
export const multiHot: PublicOp<
  (inputs: TensorLike, numClasses: number, options?: OneHotOptions) => Tensor
> = publicOp(
  "keras.ops.multi_hot",
  {
    inputs: tensorArgument,
    num_classes: requiredArgument,
    axis: -1,
    dtype: null,
    sparse: false,
  },
  (given, numClasses, options = {}) => {
    const x = toTensor("multi_hot", given);
    const vectors = oneHot(x, numClasses, options);
    const over = { axis: x.ndim > 1 ? 1 : 0 };
    return vectors.dtype === "bool" ? any(vectors, over) : max(vectors, over);
  },
);
