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
import { formatShape, ShapeError } from "../util/errors.ts";
import { dimAt, type Shape } from "../util/shapes.ts";
import { promotePair, type TensorLike } from "./promote.ts";
import {
  channelsLast,
  checkWindows,
  outputSize,
  type Padding,
  paddings,
  type Spatial,
  spatial,
  spatialRank,
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
    const { strides = 1, padding = "valid", dataFormat, dilationRate = 1 } = options;
    const [inputs, kernel] = promotePair("conv", givenInputs, givenKernel);
    const rank = spatialRank("conv", inputs);
    const steps = spatial("conv", "strides", strides, rank);
    const dilation = spatial("conv", "dilationRate", dilationRate, rank);
    const { dtype } = inputs;
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
          `conv: a kernel of shape ${formatShape(kernel.shape)} does not fit inputs of shape ` +
            `${formatShape(inputs.shape)}: its channels (axis -2) must divide those of the ` +
            "inputs, and the groups that this makes must divide its filters.",
          { op: "conv", shapes: [inputs.shape, kernel.shape] },
        );
      }
      const size = x.shape.slice(1, -1);
      const window = kernel.shape.slice(0, -2);
      const around = paddings("conv", padding, size, window, steps, dilation);
      checkWindows("conv", outputSize(size, window, steps, around, dilation), inputs, window);
      const attributes = {
        strides: steps,
        padding: around,
        dilation,
        groups: channels / perGroup,
      };
      if (isFloat(dtype)) return apply(convOp, [x, kernel], attributes);
      // Integers are exact in float64 up to 2^53.
      const wide = apply(convOp, [castTo(x, "float64"), castTo(kernel, "float64")], attributes);
      return castTo(wide, dtype);
    };
    return channelsLast(inputs, standardizeDataFormat(dataFormat), run);
  },
);
