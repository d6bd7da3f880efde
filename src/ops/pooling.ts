/**
 * Pooling over windows.
 *
 * @module
 */
import { standardizeDataFormat } from "../runtime/settings.ts";
import { apply } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import { type PublicOp, publicOp, requiredArgument, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isFloat } from "../util/dtypes.ts";
import { dimAt, type Shape, sizeOf } from "../util/shapes.ts";
import { reshapeTo } from "./broadcasting.ts";
import { scatterAlong } from "./indexing.ts";
import { type TensorLike, toTensor } from "./promote.ts";
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

interface PoolAttributes {
  readonly window: readonly number[];
  readonly strides: readonly number[];
  readonly padding: readonly number[];
  readonly [name: string]: readonly number[];
}

const schema = { window: "ints", strides: "ints", padding: "ints" } as const;

function pooled(
  x: Tensor,
  { window, strides, padding }: PoolAttributes,
): {
  shape: Shape;
  dtype: Tensor["dtype"];
} {
  const size = outputSize(x.shape.slice(1, -1), window, strides, padding);
  return { shape: [x.shape[0] as number, ...size, dimAt(x.shape, -1)], dtype: x.dtype };
}

const maxPoolOp: OpDefinition<PoolAttributes> = defineOp<PoolAttributes>({
  name: "max_pool",
  attributes: schema,
  infer: ([x], attributes) => pooled(x as Tensor, attributes),
  vjp: ({ inputs: [x], grads: [dy] }, attributes) => [
    apply(maxPoolBackwardOp, [x as Tensor, dy as Tensor], attributes),
  ],
});

const maxPoolArgmaxOp: OpDefinition<PoolAttributes> = defineOp<PoolAttributes>({
  name: "max_pool_argmax",
  attributes: schema,
  infer: ([x], attributes) => ({ ...pooled(x as Tensor, attributes), dtype: "int32" }),
  vjp: () => [null],
});

const maxPoolBackwardOp: OpDefinition<PoolAttributes> = defineOp<PoolAttributes>({
  name: "max_pool_backward",
  attributes: schema,
  infer: ([x]) => x as Tensor,
  vjp: "decompose",
  decompose: ([x, dy], attributes) => {
    const { shape } = x as Tensor;
    const [batch, channels] = [shape[0] as number, dimAt(shape, -1)];
    const flat = (t: Tensor): Tensor =>
      reshapeTo(t, [batch, sizeOf(t.shape.slice(1, -1)), channels]);
    const indices = apply(maxPoolArgmaxOp, [x as Tensor], attributes);
    const length = sizeOf(shape.slice(1, -1));
    return reshapeTo(scatterAlong(flat(indices), flat(dy as Tensor), 1, length), shape);
  },
});

const averagePoolOp: OpDefinition<PoolAttributes> = defineOp<PoolAttributes>({
  name: "average_pool",
  attributes: schema,
  infer: ([x], attributes) => pooled(x as Tensor, attributes),
  vjp: ({ inputs: [x], grads: [dy] }, { window, strides, padding }) => [
    apply(averagePoolBackwardOp, [dy as Tensor], {
      window,
      strides,
      padding,
      shape: (x as Tensor).shape,
    }),
  ],
});

const averagePoolBackwardOp: OpDefinition<PoolAttributes & { shape: Shape }> = defineOp<
  PoolAttributes & { shape: Shape }
>({
  name: "average_pool_backward",
  attributes: { ...schema, shape: "ints" },
  infer: ([dy], { shape }) => ({ shape, dtype: (dy as Tensor).dtype }),
  vjp: ({ grads: [d] }, { window, strides, padding }) => [
    apply(averagePoolOp, [d as Tensor], { window, strides, padding }),
  ],
});

/** Options of pooling. */
export interface PoolOptions {
  /** Default: the window. */
  strides?: Spatial | null | undefined;
  padding?: Padding | undefined;
  dataFormat?: "channels_last" | "channels_first" | null | undefined;
}

function pool(
  name: "max_pool" | "average_pool",
  op: OpDefinition<PoolAttributes>,
): PublicOp<(inputs: TensorLike, poolSize: Spatial, options?: PoolOptions) => Tensor> {
  return publicOp(
    `keras.ops.${name}`,
    {
      inputs: tensorArgument,
      pool_size: requiredArgument,
      strides: null,
      padding: "valid",
      data_format: null,
    },
    (given: TensorLike, poolSize: Spatial, options: PoolOptions = {}) => {
      const { strides, padding = "valid", dataFormat } = options;
      const inputs = toTensor(name, given);
      const rank = spatialRank(name, inputs);
      const window = spatial(name, "poolSize", poolSize, rank);
      const steps = spatial(name, "strides", strides ?? window, rank);
      const { dtype } = inputs;
      const run = (x: Tensor): Tensor => {
        const size = x.shape.slice(1, -1);
        const around = paddings(name, padding, size, window, steps);
        checkWindows(name, outputSize(size, window, steps, around), inputs, window);
        const attributes = { window, strides: steps, padding: around };
        if (isFloat(dtype)) return apply(op, [x], attributes);
        return castTo(apply(op, [castTo(x, "float64")], attributes), dtype);
      };
      return channelsLast(inputs, standardizeDataFormat(dataFormat), run);
    },
  );
}

/**
 * The largest element of each window. Of equal ones the first takes the
 * gradient.
 *
 * @param inputs [batch, spatial…, channels], or channels first.
 * @throws {ShapeError} If no window fits.
 * @example
 * const x = ops.reshape([1, 4, 2, 3], [1, 4, 1]);
 * await ops.ravel(ops.maxPool(x, 2)).array(); // [4, 3]
 */
export const maxPool: PublicOp<
  (inputs: TensorLike, poolSize: Spatial, options?: PoolOptions) => Tensor
> = pool("max_pool", maxPoolOp);

/**
 * The mean of each window; padding does not count.
 *
 * @param inputs [batch, spatial…, channels], or channels first.
 * @throws {ShapeError} If no window fits.
 * @example
 * const x = ops.reshape(tensor([1, 4, 2, 3]), [1, 4, 1]);
 * await ops.ravel(ops.averagePool(x, 2)).array(); // [2.5, 2.5]
 */
export const averagePool: PublicOp<
  (inputs: TensorLike, poolSize: Spatial, options?: PoolOptions) => Tensor
> = pool("average_pool", averagePoolOp);
