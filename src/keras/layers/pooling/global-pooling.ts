/**
 * Pooling over all of space.
 *
 * @module
 */
import { divide } from "../../../ops/arithmetic.ts";
import { where } from "../../../ops/comparison.ts";
import { cast } from "../../../ops/creation.ts";
import { max, mean, sum } from "../../../ops/reduction.ts";
import { expandDims } from "../../../ops/shaping.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import type { CallOptions } from "../layer.ts";
import { SpatialLayer, type SpatialOptions } from "../spatial-layer.ts";

/** Options of the global pooling layers. */
export interface GlobalPoolingOptions extends SpatialOptions {
  /** Whether the pooled axes stay, with length 1. */
  keepdims?: boolean | undefined;
}

const parameters: ParameterTable = { data_format: null, keepdims: false, [inherits]: true };

abstract class GlobalPooling extends SpatialLayer {
  readonly keepdims: boolean;

  constructor(rank: number, options: GlobalPoolingOptions) {
    super(rank, options, options.dataFormat);
    this.keepdims = options.keepdims ?? false;
  }
}

abstract class GlobalAveragePooling extends GlobalPooling {
  override call(inputs: Tensor, _options?: CallOptions): Tensor {
    return mean(inputs, { axis: this.axes, keepdims: this.keepdims });
  }
}

abstract class GlobalMaxPooling extends GlobalPooling {
  override call(inputs: Tensor): Tensor {
    return max(inputs, { axis: this.axes, keepdims: this.keepdims });
  }
}

/**
 * The mean over time, of the steps that the mask keeps.
 *
 * @example
 * new layers.GlobalAveragePooling1D()(ops.ones([2, 5, 3])).shape; // [2, 3]
 */
export class GlobalAveragePooling1D extends GlobalAveragePooling {
  static override readonly parameters: ParameterTable = parameters;
  constructor(options: GlobalPoolingOptions = {}) {
    super(1, options);
    this.supportsMasking = true;
  }

  override call(inputs: Tensor, { mask }: CallOptions = {}): Tensor {
    if (mask === undefined || mask === null) return super.call(inputs);
    const [axis] = this.axes as [number];
    const kept = cast(
      expandDims(mask as Tensor, this.dataFormat === "channels_last" ? 2 : 1),
      "bool",
    );
    const { keepdims } = this;
    return divide(
      sum(where(kept, inputs, 0), { axis, keepdims }),
      sum(cast(kept, inputs.dtype), { axis, keepdims }),
    );
  }

  override computeMask(): null {
    return null;
  }
}

/**
 * The mean over both axes of images.
 *
 * @example
 * new layers.GlobalAveragePooling2D()(ops.ones([2, 5, 5, 3])).shape; // [2, 3]
 */
export class GlobalAveragePooling2D extends GlobalAveragePooling {
  static override readonly parameters: ParameterTable = parameters;
  constructor(options: GlobalPoolingOptions = {}) {
    super(2, options);
  }
}

/**
 * The mean over all three axes of volumes.
 *
 * @example
 * new layers.GlobalAveragePooling3D()(ops.ones([2, 4, 4, 4, 3])).shape; // [2, 3]
 */
export class GlobalAveragePooling3D extends GlobalAveragePooling {
  static override readonly parameters: ParameterTable = parameters;
  constructor(options: GlobalPoolingOptions = {}) {
    super(3, options);
  }
}

/**
 * The maximum over time.
 *
 * @example
 * new layers.GlobalMaxPooling1D()(ops.ones([2, 5, 3])).shape; // [2, 3]
 */
export class GlobalMaxPooling1D extends GlobalMaxPooling {
  static override readonly parameters: ParameterTable = parameters;
  constructor(options: GlobalPoolingOptions = {}) {
    super(1, options);
  }
}

/**
 * The maximum over both axes of images.
 *
 * @example
 * new layers.GlobalMaxPooling2D()(ops.ones([2, 5, 5, 3])).shape; // [2, 3]
 */
export class GlobalMaxPooling2D extends GlobalMaxPooling {
  static override readonly parameters: ParameterTable = parameters;
  constructor(options: GlobalPoolingOptions = {}) {
    super(2, options);
  }
}

/**
 * The maximum over all three axes of volumes.
 *
 * @example
 * new layers.GlobalMaxPooling3D()(ops.ones([2, 4, 4, 4, 3])).shape; // [2, 3]
 */
export class GlobalMaxPooling3D extends GlobalMaxPooling {
  static override readonly parameters: ParameterTable = parameters;
  constructor(options: GlobalPoolingOptions = {}) {
    super(3, options);
  }
}
