/**
 * What a value is, and what it becomes outside of the tensors.
 *
 * @module
 */
import { jvp as pushForward } from "../autograd/forward.ts";
import { stopGradient as cut, customGradient as withGradient } from "../autograd/grad.ts";
import { floatx } from "../runtime/precision.ts";
import { castTo } from "../tensor/cast.ts";
import {
  type PublicOp,
  positionalArgument,
  publicOp,
  requiredArgument,
  tensorArgument,
} from "../tensor/public-op.ts";
import { Tensor } from "../tensor/tensor.ts";
import { type DType, rangeOf, standardizeDType, type TypedArray } from "../util/dtypes.ts";
import { ArgumentError, formatShape } from "../util/errors.ts";
import { mapTree } from "../util/pytree.ts";
import { normalizeAxis, type Shape } from "../util/shapes.ts";
import { clip } from "./arithmetic.ts";
import { type TensorLike, toFloat, toTensor } from "./promote.ts";
import { sliceAt } from "./shaping.ts";

/**
 * The lengths of the axes.
 *
 * @example
 * ops.shape([[1, 2, 3], [4, 5, 6]]); // [2, 3]
 */
export const shape: PublicOp<(x: TensorLike) => Shape> = publicOp(
  "keras.ops.shape",
  { x: tensorArgument },
  (x: TensorLike): Shape => toTensor("shape", x).shape,
);

/**
 * The dtype.
 *
 * @example
 * ops.dtype(tensor([1, 2])); // "float32"
 */
export const dtype: PublicOp<(x: TensorLike) => DType> = publicOp(
  "keras.ops.dtype",
  { x: tensorArgument },
  (x: TensorLike): DType => toTensor("dtype", x).dtype,
);

/**
 * Whether a value is a tensor (and not an array or a number).
 *
 * @example
 * [ops.isTensor(tensor(1)), ops.isTensor([1])]; // [true, false]
 */
export const isTensor: PublicOp<(x: unknown) => boolean> = publicOp(
  "keras.ops.is_tensor",
  { x: requiredArgument },
  (x: unknown): boolean => x instanceof Tensor,
);

/**
 * The values as a typed array, flat, waiting for them here.
 *
 * `await x.data()` works on every device; see `Tensor.dataSync`.
 *
 * @throws {DeviceError} On devices that cannot be read synchronously.
 * @example
 * [...ops.convertToNumpy(tensor([[1, 2], [3, 4]]))]; // [1, 2, 3, 4]
 */
export const convertToNumpy: PublicOp<(x: TensorLike) => TypedArray> = publicOp(
  "keras.ops.convert_to_numpy",
  { x: tensorArgument },
  (x: TensorLike): TypedArray => toTensor("convert_to_numpy", x).dataSync(),
);

/**
 * The same value as a constant: no gradient goes through it.
 *
 * @example
 * const f = (x) => ops.sum(ops.multiply(x, ops.stopGradient(x)));
 * await grad(f)(tensor([3])).array(); // [3]
 */
export const stopGradient: PublicOp<(variable: TensorLike) => Tensor> = publicOp(
  "keras.ops.stop_gradient",
  { variable: tensorArgument },
  (variable: TensorLike): Tensor => cut(toTensor("stop_gradient", variable)),
);

/**
 * A function with a derivative of its own: `f` returns the result and a
 * function from the gradient of the result to those of the arguments. See
 * `customGradient`.
 *
 * @example
 * const steep = ops.customGradient((x) => [x, (dy) => ops.multiply(dy, 10)]);
 * await grad((x) => ops.sum(steep(x)))(tensor([1])).array(); // [10]
 */
export const customGradient: PublicOp<typeof withGradient> = publicOp(
  "keras.ops.custom_gradient",
  { f: requiredArgument },
  withGradient,
);

/** Options of `jvp`. */
export interface JvpOpOptions {
  /** Whether `fun` returns `[value, aux]`. */
  hasAux?: boolean | undefined;
}

/**
 * The result of a function and its derivative in a direction. See `jvp`.
 *
 * @example
 * const [y, dy] = ops.jvp((x) => ops.square(x), [tensor(3)], [tensor(1)]);
 * await dy.item(); // 6
 */
export const jvp: PublicOp<
  (
    // biome-ignore lint/suspicious/noExplicitAny: functions over trees of the caller's own types
    fun: (...args: any[]) => any,
    primals: readonly unknown[],
    tangents: readonly unknown[],
    options?: JvpOpOptions,
    // biome-ignore lint/suspicious/noExplicitAny: trees of the caller's own types
  ) => any[]
> = publicOp(
  "keras.ops.jvp",
  {
    fun: requiredArgument,
    primals: requiredArgument,
    tangents: requiredArgument,
    has_aux: false,
  },
  (fun, primals, tangents, options = {}) =>
    pushForward(fun, floats(primals), floats(tangents), options),
);

/** Numbers and arrays in a tree as float tensors. */
function floats(tree: readonly unknown[]): readonly unknown[] {
  return mapTree(tree, (leaf) => toFloat("jvp", leaf as TensorLike)) as unknown[];
}

/**
 * A cast that saturates: values outside of what the dtype can hold become its
 * smallest or largest.
 *
 * @example
 * await ops.saturateCast([-5, 100, 300], "uint8").array(); // [0, 100, 255]
 */
export const saturateCast: PublicOp<(x: TensorLike, dtype: DType | "float" | "int") => Tensor> =
  publicOp(
    "keras.ops.saturate_cast",
    { x: tensorArgument, dtype: positionalArgument(null) },
    (x: TensorLike, to: DType | "float" | "int"): Tensor => {
      const from = toTensor("saturate_cast", x);
      const target = standardizeDType(to ?? floatx(), floatx());
      const [low, high] = rangeOf(target);
      const [ownLow, ownHigh] = rangeOf(from.dtype);
      if (ownLow >= low && ownHigh <= high) return castTo(from, target);
      const limits = [Math.max(low, ownLow), inside(Math.min(high, ownHigh), from.dtype)] as const;
      return castTo(clip(from, ...limits) as Tensor, target);
    },
  );

/** The largest value of a dtype that is not above `limit`: 2³¹ - 1 is no float32. */
function inside(limit: number, dtype: DType): number {
  const digits = { float16: 11, bfloat16: 8, float32: 24 }[dtype as string];
  if (digits === undefined || limit <= 2 ** digits) return limit;
  const unit = 2 ** (Math.floor(Math.log2(limit)) + 1 - digits);
  return Math.floor(limit / unit) * unit;
}

/** Options of `unstack`. */
export interface UnstackOptions {
  /** The length of the axis, which is then checked. */
  num?: number | null | undefined;
  /** Default: the first axis. */
  axis?: number | undefined;
}

/**
 * The slices along an axis, which they lose.
 *
 * @throws {ArgumentError} If the axis has another length than `num`.
 * @example
 * const [first, second] = ops.unstack([[1, 2], [3, 4]]);
 * await second.array(); // [3, 4]
 */
export const unstack: PublicOp<(x: TensorLike, options?: UnstackOptions) => Tensor[]> = publicOp(
  "keras.ops.unstack",
  { x: tensorArgument, num: null, axis: 0 },
  (x: TensorLike, { num, axis = 0 }: UnstackOptions = {}): Tensor[] => {
    const value = toTensor("unstack", x);
    const at = normalizeAxis("unstack", axis, value.ndim);
    const count = value.shape[at] as number;
    if (num !== null && num !== undefined && num !== count) {
      throw new ArgumentError(
        `unstack: num is ${num}, but axis ${axis} of ${formatShape(value.shape)} has ${count}.`,
        { op: "unstack", shapes: [value.shape] },
      );
    }
    return Array.from({ length: count }, (_, i) => sliceAt(value, at, i));
  },
);
