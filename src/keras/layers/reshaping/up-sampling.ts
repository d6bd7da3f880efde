/**
 * Layers that repeat steps, pixels and voxels.
 *
 * @module
 */
import { type Interpolation, interpolations, resize } from "../../../ops/image/resize.ts";
import { repeat } from "../../../ops/repeating.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { ArgumentError, describe } from "../../../util/errors.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import { checkPositiveInteger, standardizeTuple } from "../arguments.ts";
import type { LayerOptions } from "../layer.ts";
import { SpatialLayer, type SpatialOptions } from "../spatial-layer.ts";

/** Options of `UpSampling1D`. */
export interface UpSampling1DOptions extends LayerOptions {
  /** How often each step comes. */
  size?: number | undefined;
}

/** Options of `UpSampling3D`. */
export interface UpSampling3DOptions extends SpatialOptions {
  /** By how much each axis, or all, become longer. */
  size?: number | readonly number[] | undefined;
}

/** Options of `UpSampling2D`. */
export interface UpSampling2DOptions extends UpSampling3DOptions {
  /** Between pixels; `"nearest"` repeats them. */
  interpolation?: Interpolation | undefined;
}

abstract class UpSampling extends SpatialLayer {
  protected repeated(inputs: Tensor, size: readonly number[]): Tensor {
    return this.axes.reduce((x, axis, i) => repeat(x, size[i] as number, { axis }), inputs);
  }
}

/**
 * Repeats each step of sequences.
 *
 * @example
 * await new layers.UpSampling1D()(tensor([[[1], [2]]])).array(); // [[[1], [1], [2], [2]]]
 */
export class UpSampling1D extends UpSampling {
  static override readonly parameters: ParameterTable = { size: 2, [inherits]: true };
  readonly size: number;

  constructor(options: UpSampling1DOptions = {}) {
    super(1, options, "channels_last");
    this.size = checkPositiveInteger(options.size ?? 2, "UpSampling1D", "size");
  }

  override call(inputs: Tensor): Tensor {
    return this.repeated(inputs, [this.size]);
  }
}

/**
 * Enlarges images by whole factors.
 *
 * @example
 * new layers.UpSampling2D({ size: [2, 3] })(ops.ones([2, 4, 4, 3])).shape; // [2, 8, 12, 3]
 */
export class UpSampling2D extends UpSampling {
  static override readonly parameters: ParameterTable = {
    size: [2, 2],
    data_format: null,
    interpolation: "nearest",
    [inherits]: true,
  };
  readonly size: readonly number[];
  readonly interpolation: Interpolation;

  constructor(options: UpSampling2DOptions = {}) {
    super(2, options, options.dataFormat);
    this.size = standardizeTuple(options.size ?? 2, 2, "UpSampling2D", "size");
    const interpolation = options.interpolation ?? "nearest";
    this.interpolation = String(interpolation).toLowerCase() as Interpolation;
    if (!interpolations.includes(this.interpolation)) {
      throw new ArgumentError(
        `UpSampling2D: interpolation must be ${interpolations.map(describe).join(", ")}, ` +
          `got ${describe(interpolation)}.`,
      );
    }
  }

  override call(inputs: Tensor): Tensor {
    const { size, dataFormat, interpolation } = this;
    if (interpolation === "nearest") return this.repeated(inputs, size);
    const enlarged = this.axes.map(
      (axis, i) => (inputs.shape[axis] as number) * (size[i] as number),
    );
    return resize(inputs, enlarged, { interpolation, dataFormat });
  }
}

/**
 * Repeats each voxel of volumes along each axis.
 *
 * @example
 * new layers.UpSampling3D()(ops.ones([1, 2, 3, 4, 5])).shape; // [1, 4, 6, 8, 5]
 */
export class UpSampling3D extends UpSampling {
  static override readonly parameters: ParameterTable = {
    size: [2, 2, 2],
    data_format: null,
    [inherits]: true,
  };
  readonly size: readonly number[];

  constructor(options: UpSampling3DOptions = {}) {
    super(3, options, options.dataFormat);
    this.size = standardizeTuple(options.size ?? 2, 3, "UpSampling3D", "size");
  }

  override call(inputs: Tensor): Tensor {
    return this.repeated(inputs, this.size);
  }
}
