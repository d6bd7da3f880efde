/**
 * Floats as small integers and what to multiply them with.
 *
 * @module
 */
import * as ops from "../../ops/index.ts";
import { type TensorLike, toFloat } from "../../ops/promote.ts";
import { floatx } from "../../runtime/precision.ts";
import { epsilon as defaultEpsilon } from "../../runtime/settings.ts";
import {
  type PublicOp,
  publicOp,
  requiredArgument,
  tensorArgument,
} from "../../tensor/public-op.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type DType, standardizeDType } from "../../util/dtypes.ts";
import { ArgumentError, formatShape, ShapeError } from "../../util/errors.ts";

/** Options of `absMaxQuantize` and of `absMaxQuantizeGroupedWithZeroPoint`. */
export interface AbsMaxQuantizeOptions {
  /** The smallest and the largest integer. */
  valueRange?: readonly [number, number] | undefined;
  /** What the integers come as. */
  dtype?: DType | undefined;
  /** Keeps divisors from 0. */
  epsilon?: number | undefined;
  /** Where Keras computes; here always on the device. */
  toNumpy?: boolean | undefined;
}

/**
 * Integers `round(x * scale)` and the scale: the largest integer over the
 * largest `|x|` along the axes. `x` is about the integers over the scale.
 *
 * @param axis The axes that share a scale; null: all.
 * @param options.valueRange The smallest and the largest integer (default: [-127, 127]).
 * @returns The integers, of the shape of `x`, and the scale, its axes of length 1.
 * @example
 * const [integers, scale] = quantizers.absMaxQuantize([[-1, 0.25], [2, 4]], -1);
 * await integers.array(); // [[-127, 32], [64, 127]]
 * await scale.array(); // [[127.0000], [31.7500]]
 */
export const absMaxQuantize: PublicOp<
  (
    inputs: TensorLike,
    axis: number | readonly number[] | null,
    options?: AbsMaxQuantizeOptions,
  ) => [Tensor, Tensor]
> = publicOp(
  "keras.quantizers.abs_max_quantize",
  {
    inputs: tensorArgument,
    axis: requiredArgument,
    value_range: [-127, 127],
    dtype: "int8",
    epsilon: 1e-7,
    to_numpy: false,
  },
  (given, axis, options = {}) => {
    const { valueRange = [-127, 127], dtype = "int8", epsilon = defaultEpsilon() } = options;
    const [low, high] = valueRange;
    const inputs = toFloat("abs_max_quantize", given);
    const largest = ops.max(ops.absolute(inputs), { axis, keepdims: true });
    const scale = ops.cast(ops.divide(high, ops.add(largest, epsilon)), inputs.dtype);
    const integers = ops.clip(ops.round(ops.multiply(inputs, scale)), low, high);
    return [ops.cast(integers, standardizeDType(dtype, floatx())), scale];
  },
);

/** Zeros behind the rows of `x`, as many as `count` takes. */
function withRows(x: Tensor, count: number): Tensor {
  const missing = count - (x.shape[0] as number);
  return missing === 0
    ? x
    : ops.pad(x, [
        [0, missing],
        [0, 0],
      ]);
}

/**
 * Integers `round(x / scale) + zeroPoint` of groups of rows: each column of a
 * group has a scale and a zero point, by its smallest and largest value. `x` is
 * about `(integers - zeroPoint) * scale`.
 *
 * @param inputs [rows, columns]
 * @param blockSize How many rows make a group.
 * @param options.valueRange The smallest and the largest integer (default: [-8, 7]).
 * @returns The integers [rows, columns]; scales and (int8) zero points [groups, columns].
 * @throws {ShapeError} If `inputs` is no matrix, or empty.
 * @throws {ArgumentError} If `blockSize` is no positive integer.
 * @example
 * const [integers, scale, zero] = quantizers.absMaxQuantizeGroupedWithZeroPoint([[0], [15]], 2);
 * await integers.array(); // [[-8], [7]]
 * await scale.array(); // [[1.0000]]
 * await zero.array(); // [[-8]]
 */
export const absMaxQuantizeGroupedWithZeroPoint: PublicOp<
  (
    inputs: TensorLike,
    blockSize: number,
    options?: AbsMaxQuantizeOptions,
  ) => [Tensor, Tensor, Tensor]
> = publicOp(
  "keras.quantizers.abs_max_quantize_grouped_with_zero_point",
  {
    inputs: tensorArgument,
    block_size: requiredArgument,
    value_range: [-8, 7],
    dtype: "int8",
    epsilon: 1e-7,
    to_numpy: false,
  },
  (given, blockSize, options = {}) => {
    const op = "abs_max_quantize_grouped_with_zero_point";
    const { valueRange = [-8, 7], dtype = "int8", epsilon = defaultEpsilon() } = options;
    const [low, high] = valueRange;
    const inputs = toFloat(op, given);
    if (inputs.ndim !== 2 || inputs.size === 0) {
      throw new ShapeError(
        `${op}: expected a matrix that is not empty, got shape ${formatShape(inputs.shape)}.`,
        { op, shapes: [inputs.shape] },
      );
    }
    if (!Number.isInteger(blockSize) || blockSize < 1) {
      throw new ArgumentError(`${op}: blockSize must be a positive integer, got ${blockSize}.`, {
        op,
      });
    }
    const [rows, columns] = inputs.shape as readonly [number, number];
    const groups = Math.ceil(rows / blockSize);
    const padded = withRows(inputs, groups * blockSize);
    // [groups, rows of a group, columns]
    const grouped = ops.reshape(padded, [groups, blockSize, columns]);
    // As in Keras a single group counts without the zeros behind it.
    const counted = groups === 1 ? ops.expandDims(inputs, 0) : grouped;
    const along = { axis: 1, keepdims: true };
    const [smallest, largest] = [ops.min(counted, along), ops.max(counted, along)];
    const isConstant = ops.equal(smallest, largest);
    const from = ops.where(isConstant, ops.subtract(smallest, 1), smallest);
    const to = ops.where(isConstant, ops.add(largest, 1), largest);

    // Scale and zero point are those of signed integers of that many bits,
    // wherever the range begins.
    const bits = Math.floor(Math.log2(high - low + 1));
    const [first, last] = [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
    const range = ops.add(ops.subtract(to, from), epsilon);
    const scale = ops.divide(range, last - first);
    const zero = ops.clip(
      ops.add(ops.round(ops.divide(ops.negative(from), scale)), first),
      first,
      last,
    );
    const integers = ops.clip(ops.add(ops.round(ops.divide(grouped, scale)), zero), low, high);
    const flat = ops.reshape(integers, [groups * blockSize, columns]);
    return [
      ops.getItem(ops.cast(flat, standardizeDType(dtype, floatx())), { stop: rows }),
      ops.squeeze(scale, { axis: 1 }),
      ops.cast(ops.squeeze(zero, { axis: 1 }), "int8"),
    ];
  },
);
