/**
 * Pooling to a given size: each axis is divided into so many parts.
 *
 * @module
 */
import { adaptiveAveragePool, adaptiveMaxPool } from "../../../ops/adaptive-pooling.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { inherits, type ParameterTable, required } from "../../object.ts";
import { standardizeTuple } from "../arguments.ts";
import { SpatialLayer, type SpatialOptions } from "../spatial-layer.ts";

/** The length of the output: of each axis, or of all. */
export type OutputSize = number | readonly number[];

/** Options of the adaptive pooling layers. */
export interface AdaptivePoolingOptions extends SpatialOptions {}

const parameters: ParameterTable = { output_size: required, data_format: null, [inherits]: true };

abstract class AdaptivePooling extends SpatialLayer {
  readonly outputSize: readonly number[];

  constructor(rank: number, outputSize: OutputSize, options: AdaptivePoolingOptions) {
    super(rank, options, options.dataFormat);
    this.outputSize = standardizeTuple(outputSize, rank, new.target.name, "outputSize");
  }
}

abstract class AdaptiveAveragePooling extends AdaptivePooling {
  override call(inputs: Tensor): Tensor {
    return adaptiveAveragePool(inputs, this.outputSize, { dataFormat: this.dataFormat });
  }
}

abstract class AdaptiveMaxPooling extends AdaptivePooling {
  override call(inputs: Tensor): Tensor {
    return adaptiveMaxPool(inputs, this.outputSize, { dataFormat: this.dataFormat });
  }
}

/**
 * The means of so many parts of a sequence.
 *
 * @example
 * new layers.AdaptiveAveragePooling1D(3)(ops.ones([2, 7, 4])).shape; // [2, 3, 4]
 */
export class AdaptiveAveragePooling1D extends AdaptiveAveragePooling {
  static override readonly parameters: ParameterTable = parameters;
  constructor(outputSize: OutputSize, options: AdaptivePoolingOptions = {}) {
    super(1, outputSize, options);
  }
}

/**
 * The means of so many parts of images.
 *
 * @example
 * new layers.AdaptiveAveragePooling2D([2, 3])(ops.ones([1, 5, 5, 4])).shape; // [1, 2, 3, 4]
 */
export class AdaptiveAveragePooling2D extends AdaptiveAveragePooling {
  static override readonly parameters: ParameterTable = parameters;
  constructor(outputSize: OutputSize, options: AdaptivePoolingOptions = {}) {
    super(2, outputSize, options);
  }
}

/**
 * The means of so many parts of volumes.
 *
 * @example
 * new layers.AdaptiveAveragePooling3D(2)(ops.ones([1, 4, 5, 5, 3])).shape; // [1, 2, 2, 2, 3]
 */
export class AdaptiveAveragePooling3D extends AdaptiveAveragePooling {
  static override readonly parameters: ParameterTable = parameters;
  constructor(outputSize: OutputSize, options: AdaptivePoolingOptions = {}) {
    super(3, outputSize, options);
  }
}

/**
 * The maxima of so many parts of a sequence.
 *
 * @example
 * new layers.AdaptiveMaxPooling1D(3)(ops.ones([2, 7, 4])).shape; // [2, 3, 4]
 */
export class AdaptiveMaxPooling1D extends AdaptiveMaxPooling {
  static override readonly parameters: ParameterTable = parameters;
  constructor(outputSize: OutputSize, options: AdaptivePoolingOptions = {}) {
    super(1, outputSize, options);
  }
}

/**
 * The maxima of so many parts of images.
 *
 * @example
 * new layers.AdaptiveMaxPooling2D([2, 3])(ops.ones([1, 5, 5, 4])).shape; // [1, 2, 3, 4]
 */
export class AdaptiveMaxPooling2D extends AdaptiveMaxPooling {
  static override readonly parameters: ParameterTable = parameters;
  constructor(outputSize: OutputSize, options: AdaptivePoolingOptions = {}) {
    super(2, outputSize, options);
  }
}

/**
 * The maxima of so many parts of volumes.
 *
 * @example
 * new layers.AdaptiveMaxPooling3D(2)(ops.ones([1, 4, 5, 5, 3])).shape; // [1, 2, 2, 2, 3]
 */
export class AdaptiveMaxPooling3D extends AdaptiveMaxPooling {
  static override readonly parameters: ParameterTable = parameters;
  constructor(outputSize: OutputSize, options: AdaptivePoolingOptions = {}) {
    super(3, outputSize, options);
  }
}
