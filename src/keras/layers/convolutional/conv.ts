/**
 * Convolutions over one, two and three axes.
 *
 * @module
 */
import type { ParameterTable } from "../../object.ts";
import { BaseConv, type ConvOptions, convParameters } from "./base-conv.ts";

/**
 * A convolution over time: `[n, steps, channels]` to `[n, newSteps, filters]`.
 *
 * @example
 * new layers.Conv1D(4, 3)(ops.ones([2, 10, 3])).shape; // [2, 8, 4]
 */
export class Conv1D extends BaseConv {
  static override readonly parameters: ParameterTable = convParameters;
  constructor(filters: number, kernelSize: number | readonly number[], options: ConvOptions = {}) {
    super(1, filters, kernelSize, options);
  }
}

/**
 * A convolution over images: `[n, height, width, channels]` to
 * `[n, newHeight, newWidth, filters]`.
 *
 * @example
 * new layers.Conv2D(4, 3, { padding: "same" })(ops.ones([2, 8, 8, 3])).shape; // [2, 8, 8, 4]
 */
export class Conv2D extends BaseConv {
  static override readonly parameters: ParameterTable = convParameters;
  constructor(filters: number, kernelSize: number | readonly number[], options: ConvOptions = {}) {
    super(2, filters, kernelSize, options);
  }
}

/**
 * A convolution over volumes, `[n, depth, height, width, channels]`.
 *
 * @example
 * new layers.Conv3D(4, 3)(ops.ones([1, 5, 5, 5, 3])).shape; // [1, 3, 3, 3, 4]
 */
export class Conv3D extends BaseConv {
  static override readonly parameters: ParameterTable = convParameters;
  constructor(filters: number, kernelSize: number | readonly number[], options: ConvOptions = {}) {
    super(3, filters, kernelSize, options);
  }
}
