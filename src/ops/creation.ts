/**
 * Tensors from nothing, and from JavaScript values.
 *
 * @module
 */
import { floatx } from "../runtime/precision.ts";
import { apply } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { isPythonFloat, scalar, WeakFloat } from "../tensor/create.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import { fill } from "../tensor/fill.ts";
import {
  type PublicOp,
  positionalTensor,
  publicOp,
  requiredArgument,
  tensorArgument,
} from "../tensor/public-op.ts";
import { Tensor } from "../tensor/tensor.ts";
import { type DType, resultType, standardizeDType } from "../util/dtypes.ts";
import { ArgumentError, formatShape, ShapeError } from "../util/errors.ts";
import { checkInteger, checkShape, type Shape } from "../util/shapes.ts";
import { equal, greaterEqual, lessEqual, select } from "./comparison.ts";
import { stack } from "./joining.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { broadcastInto } from "./shaping.ts";

/** A dtype as users name it; `"int"` is int32, `"float"` is floatx. */
export type DTypeLike = DType | "int" | "float";

/** Options with a dtype. */
export interface DTypeOptions {
  dtype?: DTypeLike | null | undefined;
}

function shapeOf(op: string, shape: number | Shape): Shape {
  return [...checkShape(op, typeof shape === "number" ? [shape] : shape)];
}

/**
 * Zeros.
 *
 * @throws {ShapeError} If the shape is none.
 * @example
 * await ops.zeros([2, 2]).array(); // [[0, 0], [0, 0]]
 */
export const zeros: PublicOp<(shape: number | Shape, options?: DTypeOptions) => Tensor> = publicOp(
  "keras.ops.zeros",
  { shape: requiredArgument, dtype: null },
  (shape, { dtype } = {}) => fill(shapeOf("zeros", shape), standardizeDType(dtype, floatx()), 0),
);

/**
 * Ones.
 *
 * @example
 * await ops.ones([3]).array(); // [1, 1, 1]
 */
export const ones: PublicOp<(shape: number | Shape, options?: DTypeOptions) => Tensor> = publicOp(
  "keras.ops.ones",
  { shape: requiredArgument, dtype: null },
  (shape, { dtype } = {}) => fill(shapeOf("ones", shape), standardizeDType(dtype, floatx()), 1),
);

/**
 * A tensor whose elements are all `fillValue`, which may be a tensor that broadcasts.
 *
 * @example
 * await ops.full([2, 2], 7).array(); // [[7, 7], [7, 7]]
 */
export const full: PublicOp<
  (shape: number | Shape, fillValue: TensorLike, options?: DTypeOptions) => Tensor
> = publicOp(
  "keras.ops.full",
  { shape: requiredArgument, fill_value: tensorArgument, dtype: null },
  (shape, fillValue, { dtype } = {}) => {
    const kind = standardizeDType(dtype, floatx());
    const dims = shapeOf("full", shape);
    return typeof fillValue === "number"
      ? fill(dims, kind, fillValue)
      : broadcastInto("full", toTensor("full", fillValue, kind), dims);
  },
);

function like(
  name: string,
  value: number,
): PublicOp<(x: TensorLike, options?: DTypeOptions) => Tensor> {
  return publicOp(
    `keras.ops.${name}`,
    { x: tensorArgument, dtype: null },
    (given: TensorLike, { dtype }: DTypeOptions = {}) => {
      const x = toTensor(name, given);
      return fill(x.shape, standardizeDType(dtype, x.dtype), value);
    },
  );
}

/**
 * Zeros of the shape and dtype of `x`.
 *
 * @example
 * await ops.zerosLike([1, 2]).array(); // [0, 0]
 */
export const zerosLike: PublicOp<(x: TensorLike, options?: DTypeOptions) => Tensor> = like(
  "zeros_like",
  0,
);
/**
 * Ones of the shape and dtype of `x`.
 *
 * @example
 * await ops.onesLike([1, 2]).array(); // [1, 1]
 */
export const onesLike: PublicOp<(x: TensorLike, options?: DTypeOptions) => Tensor> = like(
  "ones_like",
  1,
);

/**
 * A tensor of the shape and dtype of `x` whose elements are all `fillValue`.
 *
 * @example
 * await ops.fullLike([1, 2], 7).array(); // [7, 7]
 */
export const fullLike: PublicOp<
  (x: TensorLike, fillValue: TensorLike, options?: DTypeOptions) => Tensor
> = publicOp(
  "keras.ops.full_like",
  { x: tensorArgument, fill_value: tensorArgument, dtype: null },
  (given, fillValue, { dtype } = {}) => {
    const x = toTensor("full_like", given);
    return full(x.shape, fillValue, { dtype: standardizeDType(dtype, x.dtype) });
  },
);

const iotaOp: OpDefinition<{
  shape: Shape;
  dtype: DType;
  axis: number;
  start: number;
  step: number;
}> = defineOp({
  name: "iota",
  attributes: { shape: "ints", dtype: "dtype", axis: "int", start: "float", step: "float" },
  infer: (_, { shape, dtype }) => ({ shape, dtype }),
  vjp: () => [],
});

/** @internal start + step * (index along an axis). */
export function iota(shape: Shape, dtype: DType, axis: number, start = 0, step = 1): Tensor {
  return apply(iotaOp, [], { shape, dtype, axis, start, step });
}

/**
 * Numbers from `start` to before `stop`. With one argument: from 0 to before it.
 *
 * @throws {ArgumentError} If the step is 0.
 * @example
 * await ops.arange(2, 10, 3).array(); // [2, 5, 8]
 */
export const arange: PublicOp<
  (
    start: number | WeakFloat,
    stop?: number | WeakFloat | null,
    step?: number | WeakFloat | null,
    options?: DTypeOptions,
  ) => Tensor
> = publicOp(
  "keras.ops.arange",
  {
    start: tensorArgument,
    stop: positionalTensor(null),
    step: positionalTensor(null),
    dtype: null,
  },
  (start, stop, step, { dtype } = {}) => {
    const given =
      stop === undefined || stop === null ? [0, start, step ?? 1] : [start, stop, step ?? 1];
    const [from, to, by] = given.map((n) => (n instanceof WeakFloat ? n.value : n)) as [
      number,
      number,
      number,
    ];
    if (by === 0) throw new ArgumentError("arange: the step is 0.", { op: "arange" });
    const kinds = given.map((n): "float" | "int" => (isPythonFloat(n) ? "float" : "int"));
    const kind =
      dtype === undefined || dtype === null
        ? resultType(kinds, floatx())
        : standardizeDType(dtype, floatx());
    const length = Math.max(0, Math.ceil((to - from) / by));
    return iota(checkShape("arange", [length]), kind, 0, from, by);
  },
);

/**
 * A tensor whose values do not matter: zeros.
 *
 * @example
 * ops.empty([2, 3]).shape; // [2, 3]
 */
export const empty: PublicOp<(shape: number | Shape, options?: DTypeOptions) => Tensor> = publicOp(
  "keras.ops.empty",
  { shape: requiredArgument, dtype: null },
  (shape, { dtype } = {}) => fill(shapeOf("empty", shape), standardizeDType(dtype, floatx()), 0),
);

/**
 * A tensor of the shape and dtype of `x` whose values do not matter: zeros.
 *
 * @example
 * ops.emptyLike([[1, 2]]).shape; // [1, 2]
 */
export const emptyLike: PublicOp<(x: TensorLike, options?: DTypeOptions) => Tensor> = like(
  "empty_like",
  0,
);

/**
 * The number of axes.
 *
 * @example
 * ops.ndim([[1, 2]]); // 2
 */
export const ndim: PublicOp<(x: TensorLike) => number> = publicOp(
  "keras.ops.ndim",
  { x: tensorArgument },
  (x) => toTensor("ndim", x).ndim,
);

/**
 * The number of elements, as an int32 tensor.
 *
 * @example
 * await ops.size([[1, 2, 3]]).item(); // 3
 */
export const size: PublicOp<(x: TensorLike) => Tensor> = publicOp(
  "keras.ops.size",
  { x: tensorArgument },
  (x) => scalar(toTensor("size", x).size, "int32"),
);

/**
 * `x`: tensors do not change, so that a copy would be no different.
 *
 * @example
 * await ops.copy([1, 2]).array(); // [1, 2]
 */
export const copy: PublicOp<(x: TensorLike) => Tensor> = publicOp(
  "keras.ops.copy",
  { x: tensorArgument },
  (x) => toTensor("copy", x),
);

/**
 * Ones on a diagonal (`k` above the main one), zeros elsewhere.
 *
 * @example
 * await ops.eye(2, { M: 3 }).array(); // [[1, 0, 0], [0, 1, 0]]
 */
export const eye: PublicOp<
  (
    N: number,
    options?: { M?: number | null | undefined; k?: number | undefined } & DTypeOptions,
  ) => Tensor
> = publicOp(
  "keras.ops.eye",
  { N: requiredArgument, M: null, k: 0, dtype: null },
  (rows, { M, k = 0, dtype } = {}) => {
    const shape = checkShape("eye", [rows, M ?? rows]);
    checkInteger("eye", "k", k);
    const kind = standardizeDType(dtype, floatx());
    return castTo(equal(iota(shape, "int32", 1, -k), iota(shape, "int32", 0)), kind);
  },
);

/**
 * A square matrix of ones on its diagonal.
 *
 * @example
 * await ops.identity(2).array(); // [[1, 0], [0, 1]]
 */
export const identity: PublicOp<(n: number, options?: DTypeOptions) => Tensor> = publicOp(
  "keras.ops.identity",
  { n: requiredArgument, dtype: null },
  (n, { dtype } = {}) => eye(n, { dtype }),
);

/**
 * A tensor of any value, with Python's dtypes: integral numbers int32, others
 * floatx.
 *
 * @example
 * ops.convertToTensor([1, 2]).dtype; // "int32"
 */
export const convertToTensor: PublicOp<(x: TensorLike, options?: DTypeOptions) => Tensor> =
  publicOp(
    "keras.ops.convert_to_tensor",
    { x: tensorArgument, dtype: null, sparse: null, ragged: null },
    (x, { dtype } = {}) =>
      toTensor(
        "convert_to_tensor",
        stacked(x),
        dtype === undefined || dtype === null ? undefined : standardizeDType(dtype, floatx()),
      ),
  );

/** A list that holds tensors as one tensor; anything else as it is. */
function stacked(x: TensorLike): TensorLike {
  if (!Array.isArray(x) || !holdsTensor(x)) return x;
  return stack(x.map((item) => stacked(item as TensorLike)));
}

function holdsTensor(x: unknown): boolean {
  return x instanceof Tensor || (Array.isArray(x) && x.some(holdsTensor));
}

/**
 * The same as `convertToTensor`.
 *
 * @example
 * ops.array([1, 2]).dtype; // "int32"
 */
export const array: PublicOp<(x: TensorLike, options?: DTypeOptions) => Tensor> = publicOp(
  "keras.ops.array",
  { x: tensorArgument, dtype: null },
  (x, { dtype } = {}) => convertToTensor(x, { dtype }),
);

/**
 * `x` in another dtype.
 *
 * @throws {DTypeError} If there is no such dtype.
 * @example
 * await ops.cast([1.7, -1.7], "int32").array(); // [1, -1]
 */
export const cast: PublicOp<(x: TensorLike, dtype: DTypeLike) => Tensor> = publicOp(
  "keras.ops.cast",
  { x: tensorArgument, dtype: requiredArgument },
  (x, dtype) => castTo(toTensor("cast", x), standardizeDType(dtype, floatx())),
);

/**
 * The lower triangle: elements on and below a diagonal, zeros above.
 *
 * @example
 * await ops.tril([[1, 2], [3, 4]]).array(); // [[1, 0], [3, 4]]
 */
export const tril: PublicOp<(x: TensorLike, options?: { k?: number | undefined }) => Tensor> =
  triangle("tril");
/**
 * The upper triangle: elements on and above a diagonal, zeros below.
 *
 * @example
 * await ops.triu([[1, 2], [3, 4]]).array(); // [[1, 2], [0, 4]]
 */
export const triu: PublicOp<(x: TensorLike, options?: { k?: number | undefined }) => Tensor> =
  triangle("triu");

function triangle(
  name: "tril" | "triu",
): PublicOp<(x: TensorLike, options?: { k?: number | undefined }) => Tensor> {
  return publicOp(
    `keras.ops.${name}`,
    { x: tensorArgument, k: 0 },
    (given: TensorLike, { k = 0 }: { k?: number | undefined } = {}) => {
      const x = toTensor(name, given);
      checkInteger(name, "k", k);
      if (x.ndim < 2) {
        throw new ShapeError(
          `${name}: expected a matrix or a stack of them, got shape ${formatShape(x.shape)}.`,
          { op: name, shapes: [x.shape] },
        );
      }
      const shape = x.shape.slice(-2);
      const row = iota(shape, "int32", 0, k);
      const column = iota(shape, "int32", 1);
      const kept = name === "tril" ? lessEqual(column, row) : greaterEqual(column, row);
      return select(kept, x, scalar(0, x.dtype));
    },
  );
}
