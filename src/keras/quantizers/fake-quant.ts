/**
 * Floats with the precision of integers, for training that counts with it.
 *
 * @module
 */
import { customGradient } from "../../autograd/grad.ts";
import * as ops from "../../ops/index.ts";
import { type TensorLike, toFloat, toTensor } from "../../ops/promote.ts";
import { floatx } from "../../runtime/precision.ts";
import { type PublicOp, publicOp, tensorArgument } from "../../tensor/public-op.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { resultType } from "../../util/dtypes.ts";
import { ArgumentError, formatShape, ShapeError } from "../../util/errors.ts";
import { normalizeAxis } from "../../util/shapes.ts";

const name = "fake_quant_with_min_max_vars";

/** Options of `fakeQuantWithMinMaxVars`. */
export interface FakeQuantOptions {
  numBits?: number | undefined;
  /** Whether integers begin at 1, not at 0. */
  narrowRange?: boolean | undefined;
  /** The axis of the channels; null: one range for all. */
  axis?: number | null | undefined;
}

/** A range as it is beside the inputs: of length 1 but along the axis of the channels. */
function besideInputs(range: Tensor, inputs: Tensor, axis: number | null): Tensor {
  const channels = axis === null ? 1 : (inputs.shape[axis] as number);
  if (range.size !== 1 && range.size !== channels) {
    throw new ShapeError(
      `${name}: expected one minimum and one maximum${axis === null ? "" : ` or ${channels}`}, ` +
        `got shape ${formatShape(range.shape)} for inputs ${formatShape(inputs.shape)}.` +
        `${axis === null ? " Give the axis of the channels." : ""}`,
      { op: name, shapes: [inputs.shape, range.shape] },
    );
  }
  return ops.reshape(
    range,
    inputs.shape.map((_, i) => (i === axis ? range.size : 1)),
  );
}

/** A range that has 0 on its grid, and the distance of the grid's points. */
interface Grid {
  readonly low: Tensor;
  readonly high: Tensor;
  readonly step: Tensor;
  readonly perStep: Tensor;
}

/** The range from `min` to `max`, moved so that 0 is one of its integers. */
function gridOf(min: Tensor, max: Tensor, first: number, last: number): Grid {
  const width = ops.subtract(max, min);
  const step = ops.divide(width, last - first);
  const zero = ops.round(ops.clip(ops.subtract(first, ops.divide(min, step)), first, last));
  return {
    low: ops.multiply(ops.subtract(first, zero), step),
    high: ops.multiply(ops.subtract(last, zero), step),
    step,
    perStep: ops.divide(last - first, width),
  };
}

function onGrid(x: Tensor, { low, high, step, perStep }: Grid): Tensor {
  const nearest = (value: Tensor): Tensor => ops.floor(ops.add(value, 0.5));
  const zero = nearest(ops.multiply(ops.negative(low), perStep));
  const shifted = ops.subtract(ops.clip(x, low, high), low);
  return ops.multiply(nearest(ops.subtract(ops.multiply(shifted, perStep), zero)), step);
}

/**
 * Inputs rounded to `2^numBits` values between a minimum and a maximum, of
 * which 0 is one; what lies outside is clipped.
 *
 * The gradient goes to the inputs within the range, to the minimum below and to
 * the maximum above it.
 *
 * @param minVals One minimum, or one for each channel.
 * @param maxVals One maximum, or one for each channel.
 * @param options.narrowRange Whether there is one value less, so that a
 *   symmetric range has as many below 0 as above.
 * @param options.axis The axis of the channels (default: none).
 * @throws {ShapeError} If there is neither one minimum and maximum nor one for each channel.
 * @throws {ArgumentError} If `numBits` is no integer from 2 to 16.
 * @example
 * const x = tensor([-3, -0.2, 0.3, 0.9]);
 * await quantizers.fakeQuantWithMinMaxVars(x, -1, 2, { numBits: 2 }).array(); // [-1, 0, 0, 1]
 */
export const fakeQuantWithMinMaxVars: PublicOp<
  (
    inputs: TensorLike,
    minVals: TensorLike,
    maxVals: TensorLike,
    options?: FakeQuantOptions,
  ) => Tensor
> = publicOp(
  "keras.quantizers.fake_quant_with_min_max_vars",
  {
    inputs: tensorArgument,
    min_vals: tensorArgument,
    max_vals: tensorArgument,
    num_bits: 8,
    narrow_range: false,
    axis: null,
  },
  (given, minVals, maxVals, options = {}) => {
    const { numBits = 8, narrowRange = false } = options;
    if (!Number.isInteger(numBits) || numBits < 2 || numBits > 16) {
      throw new ArgumentError(`${name}: numBits must be an integer from 2 to 16, got ${numBits}.`, {
        op: name,
      });
    }
    const inputs = toFloat(name, given);
    const axis =
      options.axis === null || options.axis === undefined
        ? null
        : normalizeAxis(name, options.axis, inputs.ndim);
    const min = toTensor(name, minVals);
    const dtype = resultType([min.dtype, "float32"], floatx());
    const [low, high] = [min, toTensor(name, maxVals)].map((range) =>
      besideInputs(ops.cast(range, dtype), inputs, axis),
    ) as [Tensor, Tensor];
    const first = narrowRange ? 1 : 0;
    return customGradient((x: Tensor, from: Tensor, to: Tensor) => {
      const grid = gridOf(from, to, first, 2 ** numBits - 1);
      const wide = ops.cast(x, dtype);
      const isBelow = ops.less(wide, grid.low);
      const isAbove = ops.greater(wide, grid.high);
      const backward = (dy: Tensor): [Tensor, Tensor, Tensor] => {
        const towards = (mask: Tensor, range: Tensor): Tensor => {
          const axes = x.shape.map((_, i) => i).filter((i) => range.shape[i] === 1);
          const part = ops.cast(ops.where(mask, dy, 0), dtype);
          return ops.reshape(ops.sum(part, { axis: axes }), range.shape);
        };
        const isOutside = ops.logicalOr(isBelow, isAbove);
        return [ops.where(isOutside, 0, dy), towards(isBelow, from), towards(isAbove, to)];
      };
      return [ops.cast(onGrid(wide, grid), x.dtype), backward];
    })(inputs, low, high);
  },
);
