/**
 * Layers that add borders of zeros.
 *
 * @module
 */
import { pad } from "../../../ops/padding.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import { standardizeTuple } from "../arguments.ts";
import type { SpatialOptions } from "../spatial-layer.ts";
import { BorderLayer, type Borders, type Ends, standardizeBorders } from "./border-layer.ts";

/** Options of `ZeroPadding1D`. */
export interface ZeroPadding1DOptions extends SpatialOptions {
  /** How many zeros are added at both ends, or in front and behind. */
  padding?: number | readonly number[] | undefined;
}

/** Options of `ZeroPadding2D` and `ZeroPadding3D`. */
export interface ZeroPaddingOptions extends SpatialOptions {
  /** How many zeros are added: everywhere, along each axis, or at each end of each axis. */
  padding?: Borders | undefined;
}

abstract class ZeroPadding extends BorderLayer {
  override call(inputs: Tensor): Tensor {
    const widths: Ends[] = inputs.shape.map(() => [0, 0]);
    for (const [i, axis] of this.axes.entries()) widths[axis] = this.ends[i] as Ends;
    return pad(inputs, widths);
  }
}

/**
 * Adds zeros at both ends of sequences.
 *
 * @example
 * new layers.ZeroPadding1D({ padding: [1, 2] })(ops.ones([2, 3, 3])).shape; // [2, 6, 3]
 */
export class ZeroPadding1D extends ZeroPadding {
  static override readonly parameters: ParameterTable = {
    padding: 1,
    data_format: null,
    [inherits]: true,
  };
  readonly padding: readonly number[];

  constructor(options: ZeroPadding1DOptions = {}) {
    const padding = standardizeTuple(options.padding ?? 1, 2, "ZeroPadding1D", "padding", {
      allowZero: true,
    });
    super([padding as [number, number]], options, options.dataFormat);
    this.padding = padding;
  }
}

/**
 * Adds zeros around images.
 *
 * @example
 * const layer = new layers.ZeroPadding2D({ padding: [[0, 1], [0, 1]] });
 * layer(ops.ones([2, 5, 6, 3])).shape; // [2, 6, 7, 3]
 */
export class ZeroPadding2D extends ZeroPadding {
  static override readonly parameters: ParameterTable = {
    padding: [1, 1],
    data_format: null,
    [inherits]: true,
  };
  readonly padding: readonly Ends[];

  constructor(options: ZeroPaddingOptions = {}) {
    const padding = standardizeBorders(options.padding ?? 1, 2, "ZeroPadding2D", "padding");
    super(padding, options, options.dataFormat);
    this.padding = padding;
  }
}

/**
 * Adds zeros around volumes.
 *
 * @example
 * new layers.ZeroPadding3D({ padding: 2 })(ops.ones([1, 2, 3, 4, 5])).shape; // [1, 6, 7, 8, 5]
 */
export class ZeroPadding3D extends ZeroPadding {
  static override readonly parameters: ParameterTable = {
    padding: [
      [1, 1],
      [1, 1],
      [1, 1],
    ],
    data_format: null,
    [inherits]: true,
  };
  readonly padding: readonly Ends[];

  constructor(options: ZeroPaddingOptions = {}) {
    const padding = standardizeBorders(options.padding ?? 1, 3, "ZeroPadding3D", "padding");
    super(padding, options, options.dataFormat);
    this.padding = padding;
  }
}
