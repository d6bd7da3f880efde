/**
 * The merging layers as functions of a list of tensors.
 *
 * @module
 */
import type { Tensor } from "../../../tensor/tensor.ts";
import type { KerasTensor } from "../../keras-tensor.ts";
import type { Inputs } from "../call-inputs.ts";
import type { Layer, LayerOptions } from "../layer.ts";
import { Concatenate, type ConcatenateOptions } from "./concatenate.ts";
import { Dot, type DotOptions } from "./dot.ts";
import { Add, Average, Maximum, Minimum, Multiply, Subtract } from "./merge.ts";

/** Makes a layer and calls it. */
export interface MergeFunction<Options = LayerOptions> {
  (inputs: readonly KerasTensor[], options?: Options): KerasTensor;
  (inputs: readonly Inputs[], options?: Options): Tensor;
}

function merging<Options>(make: (options?: Options) => Layer): MergeFunction<Options> {
  return ((inputs: unknown, options?: Options) =>
    make(options).invoke([inputs])) as MergeFunction<Options>;
}

/**
 * The sum of the inputs, as `Add`.
 *
 * @example
 * await layers.add([tensor([1, 2]), tensor([10, 20])]).array(); // [11, 22]
 */
export const add: MergeFunction = merging((options) => new Add(options));

/**
 * The first of two inputs less the second, as `Subtract`.
 *
 * @example
 * await layers.subtract([tensor([10, 20]), tensor([1, 2])]).array(); // [9, 18]
 */
export const subtract: MergeFunction = merging((options) => new Subtract(options));

/**
 * The product of the inputs, as `Multiply`.
 *
 * @example
 * await layers.multiply([tensor([1, 2]), tensor([3, 6])]).array(); // [3, 12]
 */
export const multiply: MergeFunction = merging((options) => new Multiply(options));

/**
 * The mean of the inputs, as `Average`.
 *
 * @example
 * await layers.average([tensor([1, 2]), tensor([3, 6])]).array(); // [2, 4]
 */
export const average: MergeFunction = merging((options) => new Average(options));

/**
 * The larger element of the inputs, as `Maximum`.
 *
 * @example
 * await layers.maximum([tensor([1, 8]), tensor([3, 6])]).array(); // [3, 8]
 */
export const maximum: MergeFunction = merging((options) => new Maximum(options));

/**
 * The smaller element of the inputs, as `Minimum`.
 *
 * @example
 * await layers.minimum([tensor([1, 8]), tensor([3, 6])]).array(); // [1, 6]
 */
export const minimum: MergeFunction = merging((options) => new Minimum(options));

/**
 * The inputs one after the other along an axis, as `Concatenate`.
 *
 * @example
 * layers.concatenate([ops.ones([2, 3]), ops.ones([2, 1])]).shape; // [2, 4]
 */
export const concatenate: MergeFunction<ConcatenateOptions> = merging(
  (options) => new Concatenate(options),
);

/** Options of `dot`. */
export interface DotFunctionOptions extends DotOptions {
  /** The axis of both inputs, or one for each. Default: the last. */
  axes?: number | readonly number[] | undefined;
}

/**
 * The dot products of two inputs, as `Dot`.
 *
 * @example
 * await layers.dot([tensor([[1, 2]]), tensor([[3, 4]])]).array(); // [[11]]
 */
export const dot: MergeFunction<DotFunctionOptions> = merging(
  ({ axes = -1, ...options }: DotFunctionOptions = {}) => new Dot(axes, options),
);
