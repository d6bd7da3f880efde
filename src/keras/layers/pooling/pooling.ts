/**
 * Pooling over windows.
 *
 * @module
 */
import { averagePool, maxPool } from "../../../ops/pooling.ts";
import type { DataFormat } from "../../../runtime/settings.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { inherits, type ParameterTable, required } from "../../object.ts";
import { type Padding, standardizePadding, standardizeTuple } from "../arguments.ts";
import { SpatialLayer, type SpatialOptions } from "../spatial-layer.ts";

/** The length of windows: of each axis, or of all. */
export type PoolSize = number | readonly number[];

/** Options of the pooling layers. */
export interface PoolingOptions extends SpatialOptions {
  /** Default: the pool size. */
  strides?: number | readonly number[] | null | undefined;
  padding?: "valid" | "same" | undefined;
}

/** Options of the layers of maxima, whose pool size is 2 by default. */
export interface MaxPoolingOptions extends PoolingOptions {
  poolSize?: PoolSize | undefined;
}

const maxParameters: ParameterTable = {
  pool_size: 2,
  strides: null,
  padding: "valid",
  data_format: null,
  name: null,
  [inherits]: true,
};

const averageParameters: ParameterTable = { ...maxParameters, pool_size: required };

abstract class Pooling extends SpatialLayer {
  readonly poolSize: readonly number[];
  readonly strides: readonly number[];
  readonly padding: Padding;

  constructor(rank: number, size: PoolSize, options: PoolingOptions) {
    super(rank, options, options.dataFormat);
    const { name } = new.target;
    this.poolSize = standardizeTuple(size, rank, name, "poolSize");
    this.strides = standardizeTuple(options.strides ?? size, rank, name, "strides", {
      allowZero: true,
    });
    this.padding = standardizePadding(options.padding ?? "valid", name);
  }

  protected get windows(): {
    strides: readonly number[];
    padding: "valid" | "same";
    dataFormat: DataFormat;
  } {
    return {
      strides: this.strides,
      padding: this.padding as "valid" | "same",
      dataFormat: this.dataFormat,
    };
  }
}

abstract class MaxPooling extends Pooling {
  override call(inputs: Tensor): Tensor {
    return maxPool(inputs, this.poolSize, this.windows);
  }
}

abstract class AveragePooling extends Pooling {
  override call(inputs: Tensor): Tensor {
    return averagePool(inputs, this.poolSize, this.windows);
  }
}

/**
 * The largest element of each window over one axis.
 *
 * @example
 * new layers.MaxPooling1D()(ops.ones([1, 6, 3])).shape; // [1, 3, 3]
 */
export class MaxPooling1D extends MaxPooling {
  static override readonly parameters: ParameterTable = maxParameters;
  constructor(options: MaxPoolingOptions = {}) {
    super(1, options.poolSize ?? 2, options);
  }
}

/**
 * The largest element of each window over two axes.
 *
 * @example
 * new layers.MaxPooling2D()(ops.ones([1, 6, 6, 3])).shape; // [1, 3, 3, 3]
 */
export class MaxPooling2D extends MaxPooling {
  static override readonly parameters: ParameterTable = maxParameters;
  constructor(options: MaxPoolingOptions = {}) {
    super(2, options.poolSize ?? 2, options);
  }
}

/**
 * The largest element of each window over three axes.
 *
 * @example
 * new layers.MaxPooling3D()(ops.ones([1, 4, 4, 4, 3])).shape; // [1, 2, 2, 2, 3]
 */
export class MaxPooling3D extends MaxPooling {
  static override readonly parameters: ParameterTable = maxParameters;
  constructor(options: MaxPoolingOptions = {}) {
    super(3, options.poolSize ?? 2, options);
  }
}

/**
 * The mean of each window over one axis; padding does not count.
 *
 * @example
 * new layers.AveragePooling1D(2)(ops.ones([1, 6, 3])).shape; // [1, 3, 3]
 */
export class AveragePooling1D extends AveragePooling {
  static override readonly parameters: ParameterTable = averageParameters;
  constructor(poolSize: PoolSize, options: PoolingOptions = {}) {
    super(1, poolSize, options);
  }
}

/**
 * The mean of each window over two axes; padding does not count.
 *
 * @example
 * new layers.AveragePooling2D(2)(ops.ones([1, 6, 6, 3])).shape; // [1, 3, 3, 3]
 */
export class AveragePooling2D extends AveragePooling {
  static override readonly parameters: ParameterTable = averageParameters;
  constructor(poolSize: PoolSize, options: PoolingOptions = {}) {
    super(2, poolSize, options);
  }
}

/**
 * The mean of each window over three axes; padding does not count.
 *
 * @example
 * new layers.AveragePooling3D(2)(ops.ones([1, 4, 4, 4, 3])).shape; // [1, 2, 2, 2, 3]
 */
export class AveragePooling3D extends AveragePooling {
  static override readonly parameters: ParameterTable = averageParameters;
  constructor(poolSize: PoolSize, options: PoolingOptions = {}) {
    super(3, poolSize, options);
  }
}
