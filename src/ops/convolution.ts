/**
 * Convolution.
 *
 * @module
 */
import { standardizeDataFormat } from "../runtime/settings.ts";
import { apply } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import { type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isFloat } from "../util/dtypes.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../util/errors.ts";
import { dimAt, type Shape } from "../util/shapes.ts";
import { reshapeTo } from "./broadcasting.ts";
import { promoteAll, promotePair, type TensorLike } from "./promote.ts";
import { padWith } from "./shaping.ts";
import {
  channelsLast,
  checkWindows,
  outputSize,
  type Padding,
  paddings,
  type Spatial,
  spatial,
  spatialRank,
  standardizePadding,
} from "./windows.ts";

interface ConvAttributes {
  readonly strides: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
  readonly [name: string]: number | readonly number[];
}

interface ConvBackwardAttributes extends ConvAttributes {
  readonly shape: Shape;
}

const schema = { strides: "ints", padding: "ints", dilation: "ints", groups: "int" } as const;

const convOp: OpDefinition<ConvAttributes> = defineOp<ConvAttributes>({
  name: "conv",
  attributes: schema,
  infer: ([x, kernel], { strides, padding, dilation }) => {
    const { shape, dtype } = x as Tensor;
    const window = (kernel as Tensor).shape;
    const size = outputSize(shape.slice(1, -1), window.slice(0, -2), strides, padding, dilation);
    return { shape: [shape[0] as number, ...size, dimAt(window, -1)], dtype };
  },
  vjp: ({ inputs: [x, kernel], grads: [dy], needs }, attributes) => [
    needs(0)
      ? apply(inputBackwardOp, [dy as Tensor, kernel as Tensor], {
          ...attributes,
          shape: (x as Tensor).shape,
        })
      : null,
    needs(1)
      ? apply(kernelBackwardOp, [x as Tensor, dy as Tensor], {
          ...attributes,
          shape: (kernel as Tensor).shape,
        })
      : null,
  ],
});

function withoutShape({
  strides,
  padding,
  dilation,
  groups,
}: ConvBackwardAttributes): ConvAttributes {
  return { strides, padding, dilation, groups };
}

// dx = f(dy, kernel) is linear in both: its derivatives are the other two ops.
const inputBackwardOp: OpDefinition<ConvBackwardAttributes> = defineOp<ConvBackwardAttributes>({
  name: "conv_input_backward",
  attributes: { ...schema, shape: "ints" },
  infer: ([dy], { shape }) => ({ shape, dtype: (dy as Tensor).dtype }),
  vjp: ({ inputs: [dy, kernel], grads: [d], needs }, attributes) => [
    needs(0) ? apply(convOp, [d as Tensor, kernel as Tensor], withoutShape(attributes)) : null,
    needs(1)
      ? apply(kernelBackwardOp, [d as Tensor, dy as Tensor], {
          ...attributes,
          shape: (kernel as Tensor).shape,
        })
      : null,
  ],
});

const kernelBackwardOp: OpDefinition<ConvBackwardAttributes> = defineOp<ConvBackwardAttributes>({
  name: "conv_kernel_backward",
  attributes: { ...schema, shape: "ints" },
  infer: ([x], { shape }) => ({ shape, dtype: (x as Tensor).dtype }),
  vjp: ({ inputs: [x, dy], grads: [d], needs }, attributes) => [
    needs(0)
      ? apply(inputBackwardOp, [dy as Tensor, d as Tensor], {
          ...attributes,
          shape: (x as Tensor).shape,
        })
      : null,
    needs(1) ? apply(convOp, [x as Tensor, d as Tensor], withoutShape(attributes)) : null,
  ],
});

/** Options of `conv`. */
export interface ConvOptions {
  strides?: Spatial | undefined;
  padding?: Padding | undefined;
  dataFormat?: "channels_last" | "channels_first" | null | undefined;
  dilationRate?: Spatial | undefined;
}

/**
 * Convolution over 1 to 3 spatial axes (cross-correlation, as in all of deep
 * learning). Groups follow from the channels: those of the inputs divided by
 * those of the kernel.
 *
 * @param inputs [batch, spatial…, channels], or channels first.
 * @param kernel [window…, channels / groups, filters].
 * @throws {ShapeError} If the channels do not fit or no window does.
 * @example
 * const x = ops.reshape(ops.arange(6), [1, 6, 1]);
 * await ops.ravel(ops.conv(x, ops.ones([2, 1, 1]))).array(); // [1, 3, 5, 7, 9]
 */
export const conv: PublicOp<
  (inputs: TensorLike, kernel: TensorLike, options?: ConvOptions) => Tensor
> = publicOp(
  "keras.ops.conv",
  {
    inputs: tensorArgument,
    kernel: tensorArgument,
    strides: 1,
    padding: "valid",
    data_format: null,
    dilation_rate: 1,
  },
  (givenInputs, givenKernel, options = {}) => {
    const [inputs, kernel] = promotePair("conv", givenInputs, givenKernel);
    return convolved("conv", inputs, kernel, options);
  },
);

/** Integers are exact in float64 up to 2^53. */
function inFloats(
  dtype: Tensor["dtype"],
  operands: readonly Tensor[],
  run: (...operands: Tensor[]) => Tensor,
): Tensor {
  if (isFloat(dtype)) return run(...operands);
  return castTo(run(...operands.map((x) => castTo(x, "float64"))), dtype);
}

function convolved(op: string, inputs: Tensor, kernel: Tensor, options: ConvOptions): Tensor {
  const { strides = 1, padding = "valid", dataFormat, dilationRate = 1 } = options;
  const rank = spatialRank(op, inputs);
  const steps = spatial(op, "strides", strides, rank);
  const dilation = spatial(op, "dilationRate", dilationRate, rank);
  const run = (x: Tensor): Tensor => {
    const channels = dimAt(x.shape, -1);
    const perGroup = dimAt(kernel.shape, -2);
    const filters = dimAt(kernel.shape, -1);
    const fits =
      kernel.ndim === rank + 2 &&
      kernel.shape.slice(0, -2).every((dim) => dim > 0) &&
      perGroup > 0 &&
      channels % perGroup === 0 &&
      filters % (channels / perGroup) === 0;
    if (!fits) {
      throw new ShapeError(
        `${op}: a kernel of shape ${formatShape(kernel.shape)} does not fit inputs of shape ` +
          `${formatShape(inputs.shape)}: its channels (axis -2) must divide those of the ` +
          "inputs, and the groups that this makes must divide its filters.",
        { op, shapes: [inputs.shape, kernel.shape] },
      );
    }
    const size = x.shape.slice(1, -1);
    const window = kernel.shape.slice(0, -2);
    const around = paddings(op, padding, size, window, steps, dilation);
    checkWindows(op, outputSize(size, window, steps, around, dilation), inputs, window);
    return inFloats(inputs.dtype, [x, kernel], (...operands) =>
      apply(convOp, operands, {
        strides: steps,
        padding: around,
        dilation,
        groups: channels / perGroup,
      }),
    );
  };
  return channelsLast(inputs, standardizeDataFormat(dataFormat), run);
}

/** The channels of `x`, wherever they are. */
function channelsOf(x: Tensor, dataFormat: ConvOptions["dataFormat"]): number {
  return dimAt(x.shape, standardizeDataFormat(dataFormat) === "channels_last" ? -1 : 1);
}

/** A convolution of each channel by itself. `kernel`: [window…, channels, multiplier]. */
function depthwise(op: string, inputs: Tensor, kernel: Tensor, options: ConvOptions): Tensor {
  const rank = spatialRank(op, inputs);
  const channels = channelsOf(inputs, options.dataFormat);
  if (kernel.ndim !== rank + 2 || dimAt(kernel.shape, -2) !== channels) {
    throw new ShapeError(
      `${op}: a kernel of shape ${formatShape(kernel.shape)} does not fit inputs of shape ` +
        `${formatShape(inputs.shape)} with ${channels} channels: expected ` +
        `[window…, ${channels}, multiplier].`,
      { op, shapes: [inputs.shape, kernel.shape] },
    );
  }
  const window = kernel.shape.slice(0, -2);
  const filters = channels * dimAt(kernel.shape, -1);
  return convolved(op, inputs, reshapeTo(kernel, [...window, 1, filters]), options);
}

/**
 * Convolution of each channel by itself, over 1 to 3 spatial axes.
 *
 * @param inputs [batch, spatial…, channels], or channels first.
 * @param kernel [window…, channels, multiplier]: so many filters for each channel.
 * @throws {ShapeError} If the channels do not fit or no window does.
 * @example
 * const x = ops.reshape(ops.arange(6), [1, 3, 2]);
 * await ops.depthwiseConv(x, ops.ones([2, 2, 1])).array(); // [[[2, 4], [6, 8]]]
 */
export const depthwiseConv: PublicOp<
  (inputs: TensorLike, kernel: TensorLike, options?: ConvOptions) => Tensor
> = publicOp(
  "keras.ops.depthwise_conv",
  {
    inputs: tensorArgument,
    kernel: tensorArgument,
    strides: 1,
    padding: "valid",
    data_format: null,
    dilation_rate: 1,
  },
  (givenInputs, givenKernel, options = {}) => {
    const [inputs, kernel] = promotePair("depthwise_conv", givenInputs, givenKernel);
    return depthwise("depthwise_conv", inputs, kernel, options);
  },
);

/**
 * A depthwise convolution, then one over the channels alone.
 *
 * @param depthwiseKernel [window…, channels, multiplier].
 * @param pointwiseKernel [1…, channels * multiplier, filters].
 * @throws {ShapeError} If the channels do not fit or no window does.
 * @example
 * const x = ops.reshape(ops.arange(6), [1, 3, 2]);
 * const y = ops.separableConv(x, ops.ones([2, 2, 1]), ops.ones([1, 2, 1]));
 * await ops.ravel(y).array(); // [6, 14]
 */
export const separableConv: PublicOp<
  (
    inputs: TensorLike,
    depthwiseKernel: TensorLike,
    pointwiseKernel: TensorLike,
    options?: ConvOptions,
  ) => Tensor
> = publicOp(
  "keras.ops.separable_conv",
  {
    inputs: tensorArgument,
    depthwise_kernel: tensorArgument,
    pointwise_kernel: tensorArgument,
    strides: 1,
    padding: "valid",
    data_format: null,
    dilation_rate: 1,
  },
  (givenInputs, givenDepthwise, givenPointwise, options = {}) => {
    const [inputs, kernel, pointwise] = promoteAll("separable_conv", [
      givenInputs,
      givenDepthwise,
      givenPointwise,
    ]) as [Tensor, Tensor, Tensor];
    const spread = depthwise("separable_conv", inputs, kernel, options);
    return convolved("separable_conv", spread, pointwise, { dataFormat: options.dataFormat });
  },
);

/** Options of `convTranspose`. */
export interface ConvTransposeOptions extends ConvOptions {
  /** What is added behind each axis of the smallest output; default: see there. */
  outputPadding?: Spatial | null | undefined;
}

/**
 * Where the output of a transposed convolution begins and ends within the
 * largest one, of (size - 1) * stride + extent elements: what is cut off in
 * front and behind (negative: added).
 */
function transposedCrop(
  same: boolean,
  extent: number,
  stride: number,
  added: number | null,
): [low: number, high: number] {
  // Without padding, max(extent, stride) elements belong to the last input.
  if (!same) return [0, -(added ?? Math.max(0, stride - extent))];
  // By default size * stride elements are left, else (size - 1) * stride + extent % 2 + added.
  const total = added === null ? extent - stride : extent - (extent % 2) - added;
  const low = Math.max(0, Math.floor(total / 2));
  return [low, total - low];
}

/**
 * The transpose of a convolution over 1 to 3 spatial axes: its gradient with
 * respect to its inputs, as a layer that enlarges.
 *
 * With padding `"valid"` an axis of n becomes (n - 1) * stride + max(extent,
 * stride), with `"same"` n * stride; with an `outputPadding` p they become
 * (n - 1) * stride + extent + p, and (n - 1) * stride + extent % 2 + p.
 *
 * @param inputs [batch, spatial…, channels], or channels first.
 * @param kernel [window…, filters, channels].
 * @throws {ShapeError} If the channels do not fit.
 * @example
 * const x = ops.reshape([1, 2], [1, 2, 1]);
 * const y = ops.convTranspose(x, ops.ones([2, 1, 1]), { strides: 2 });
 * await ops.ravel(y).array(); // [1, 1, 2, 2]
 */
export const convTranspose: PublicOp<
  (inputs: TensorLike, kernel: TensorLike, options?: ConvTransposeOptions) => Tensor
> = publicOp(
  "keras.ops.conv_transpose",
  {
    inputs: tensorArgument,
    kernel: tensorArgument,
    strides: 1,
    padding: "valid",
    output_padding: null,
    data_format: null,
    dilation_rate: 1,
  },
  (givenInputs, givenKernel, options = {}) => {
    const op = "conv_transpose";
    const { strides = 1, padding = "valid", dilationRate = 1, dataFormat } = options;
    const [inputs, kernel] = promotePair(op, givenInputs, givenKernel);
    const rank = spatialRank(op, inputs);
    const steps = spatial(op, "strides", strides, rank);
    const dilation = spatial(op, "dilationRate", dilationRate, rank);
    const added = outputPaddings(op, options.outputPadding, rank);
    const channels = channelsOf(inputs, dataFormat);
    if (kernel.ndim !== rank + 2 || dimAt(kernel.shape, -1) !== channels) {
      throw new ShapeError(
        `${op}: a kernel of shape ${formatShape(kernel.shape)} does not fit inputs of shape ` +
          `${formatShape(inputs.shape)} with ${channels} channels: expected ` +
          `[window…, filters, ${channels}].`,
        { op, shapes: [inputs.shape, kernel.shape] },
      );
    }
    const same = standardizePadding(op, padding) === "same";
    const run = (x: Tensor): Tensor => {
      const crops = steps.map((stride, i) => {
        const extent = ((kernel.shape[i] as number) - 1) * (dilation[i] as number) + 1;
        return [...transposedCrop(same, extent, stride, added[i] as number | null), extent];
      }) as [low: number, high: number, extent: number][];
      // The kernel cuts off; what is added behind are zeros, to which no window reaches.
      const size = crops.map(([low, high, extent], i) => {
        const n = x.shape[i + 1] as number;
        return Math.max(0, (n - 1) * (steps[i] as number) + extent - low - Math.max(0, high));
      });
      const filters = dimAt(kernel.shape, -2);
      const shape = [x.shape[0] as number, ...size, filters];
      const y = inFloats(x.dtype, [x, kernel], (...operands) =>
        apply(inputBackwardOp, operands, {
          strides: steps,
          padding: crops.flatMap(([low, high]) => [low, Math.max(0, high)]),
          dilation,
          groups: 1,
          shape,
        }),
      );
      const behind = crops.map(([, high]) => Math.max(0, -high));
      return padWith(
        y,
        0,
        shape.map(() => 0),
        [0, ...behind, 0],
      );
    };
    return channelsLast(inputs, standardizeDataFormat(dataFormat), run);
  },
);

function outputPaddings(
  op: string,
  value: Spatial | null | undefined,
  rank: number,
): (number | null)[] {
  if (value === null || value === undefined) return new Array<null>(rank).fill(null);
  const list = typeof value === "number" ? new Array<number>(rank).fill(value) : [...value];
  if (list.length !== rank || !list.every((n) => Number.isInteger(n) && n >= 0)) {
    throw new ArgumentError(
      `${op}: outputPadding must be an integer >= 0 or ${rank} of them, got ${describe(value)}.`,
      { op },
    );
  }
  return list;
}
