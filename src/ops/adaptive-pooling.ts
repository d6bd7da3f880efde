/**
 * Pooling to a given size: window i of o over n elements goes from
 * floor(i * n / o) to ceil((i + 1) * n / o).
 *
 * @module
 */
import { floatx } from "../runtime/precision.ts";
import { standardizeDataFormat } from "../runtime/settings.ts";
import { castTo } from "../tensor/cast.ts";
import { type PublicOp, publicOp, requiredArgument, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isFloat } from "../util/dtypes.ts";
import { formatShape, ShapeError } from "../util/errors.ts";
import type { DataFormatOptions } from "./blocks.ts";
import { reshapeTo } from "./broadcasting.ts";
import { constantIndices, takeSlices } from "./indexing.ts";
import { mixAlong } from "./linear.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { max } from "./reduction.ts";
import { type Spatial, spatial, spatialRank } from "./windows.ts";

function edges(n: number, outputs: number, i: number): [start: number, end: number] {
  return [Math.floor((i * n) / outputs), Math.ceil(((i + 1) * n) / outputs)];
}

/** Means along an axis, as a product with a matrix of their weights. */
function averageAlong(x: Tensor, axis: number, outputs: number): Tensor {
  const n = x.shape[axis] as number;
  const weights = new Float64Array(outputs * n);
  for (let i = 0; i < outputs; i++) {
    const [start, end] = edges(n, outputs, i);
    weights.fill(1 / (end - start), i * n + start, i * n + end);
  }
  return mixAlong(x, axis, weights, outputs);
}

/** Maxima along an axis: all windows as long as the longest, their last element repeated. */
function maxAlong(x: Tensor, axis: number, outputs: number): Tensor {
  const n = x.shape[axis] as number;
  const windows = Array.from({ length: outputs }, (_, i) => edges(n, outputs, i));
  const longest = Math.max(...windows.map(([start, end]) => end - start));
  const indices = new Int32Array(outputs * longest);
  for (const [i, [start, end]] of windows.entries()) {
    for (let k = 0; k < longest; k++) indices[i * longest + k] = Math.min(start + k, end - 1);
  }
  const spread = takeSlices(x, constantIndices(indices), axis);
  const shape = [...x.shape.slice(0, axis), outputs, longest, ...x.shape.slice(axis + 1)];
  return max(reshapeTo(spread, shape), { axis: axis + 1 });
}

function adaptivePool(
  name: "adaptive_average_pool" | "adaptive_max_pool",
  along: (x: Tensor, axis: number, outputs: number) => Tensor,
): PublicOp<(inputs: TensorLike, outputSize: Spatial, options?: DataFormatOptions) => Tensor> {
  return publicOp(
    `keras.ops.${name}`,
    { inputs: tensorArgument, output_size: requiredArgument, data_format: null },
    (given: TensorLike, outputSize: Spatial, { dataFormat }: DataFormatOptions = {}) => {
      const inputs = toTensor(name, given);
      const rank = spatialRank(name, inputs);
      const outputs = spatial(name, "outputSize", outputSize, rank);
      const first = standardizeDataFormat(dataFormat) === "channels_last" ? 1 : 2;
      if (inputs.shape.slice(first, first + rank).some((dim) => dim === 0)) {
        throw new ShapeError(
          `${name}: there is nothing to pool in shape ${formatShape(inputs.shape)}.`,
          { op: name, shapes: [inputs.shape] },
        );
      }
      const { dtype } = inputs;
      const x = isFloat(dtype) ? inputs : castTo(inputs, floatx());
      return castTo(
        outputs.reduce((y, n, i) => along(y, first + i, n), x),
        dtype,
      );
    },
  );
}

/**
 * Means over windows that divide each axis into so many parts.
 *
 * @param inputs [batch, spatial…, channels], or channels first.
 * @param outputSize The parts of each axis.
 * @throws {ShapeError} If an axis is empty.
 * @example
 * const x = ops.reshape(tensor([1, 2, 3, 4]), [1, 4, 1]);
 * await ops.ravel(ops.adaptiveAveragePool(x, 2)).array(); // [1.5, 3.5]
 */
export const adaptiveAveragePool: PublicOp<
  (inputs: TensorLike, outputSize: Spatial, options?: DataFormatOptions) => Tensor
> = adaptivePool("adaptive_average_pool", averageAlong);

/**
 * Maxima over windows that divide each axis into so many parts.
 *
 * @param inputs [batch, spatial…, channels], or channels first.
 * @param outputSize The parts of each axis.
 * @throws {ShapeError} If an axis is empty.
 * @example
 * const x = ops.reshape(tensor([1, 2, 3, 4]), [1, 4, 1]);
 * await ops.ravel(ops.adaptiveMaxPool(x, 2)).array(); // [2, 4]
 */
export const adaptiveMaxPool: PublicOp<
  (inputs: TensorLike, outputSize: Spatial, options?: DataFormatOptions) => Tensor
> = adaptivePool("adaptive_max_pool", maxAlong);
