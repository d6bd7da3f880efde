/**
 * Layers that cut borders off.
 *
 * @module
 */
import { slice } from "../../../ops/slicing.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { formatShape, ShapeError } from "../../../util/errors.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import { standardizeTuple } from "../arguments.ts";
import type { LayerOptions } from "../layer.ts";
import type { SpatialOptions } from "../spatial-layer.ts";
import { BorderLayer, type Borders, type Ends, standardizeBorders } from "./border-layer.ts";

/** Options of `Cropping1D`. */
export interface Cropping1DOptions extends LayerOptions {
  /** How much is cut off at both ends, or in front and behind. */
  cropping?: number | readonly number[] | undefined;
}

/** Options of `Cropping2D` and `Cropping3D`. */
export interface CroppingOptions extends SpatialOptions {
  /** How much is cut off: everywhere, along each axis, or at each end of each axis. */
  cropping?: Borders | undefined;
}

abstract class Cropping extends BorderLayer {
  override call(inputs: Tensor): Tensor {
    const starts = inputs.shape.map(() => 0);
    const shape = [...inputs.shape];
    for (const [i, axis] of this.axes.entries()) {
      const [before, after] = this.ends[i] as Ends;
      const length = inputs.shape[axis] as number;
      if (before + after >= length) {
        throw new ShapeError(
          `Layer "${this.name}": cutting [${before}, ${after}] off axis ${axis} leaves nothing of ` +
            `inputs of shape ${formatShape(inputs.shape)}.`,
          { layer: this.name, shapes: [inputs.shape] },
        );
      }
      starts[axis] = before;
      shape[axis] = length - before - after;
    }
    return slice(inputs, starts, shape);
  }
}

/**
 * Cuts steps off both ends of sequences.
 *
 * @example
 * new layers.Cropping1D({ cropping: [1, 2] })(ops.ones([2, 6, 3])).shape; // [2, 3, 3]
 */
export class Cropping1D extends Cropping {
  static override readonly parameters: ParameterTable = { cropping: [1, 1], [inherits]: true };
  readonly cropping: readonly number[];

  constructor(options: Cropping1DOptions = {}) {
    const cropping = standardizeTuple(options.cropping ?? 1, 2, "Cropping1D", "cropping", {
      allowZero: true,
    });
    super([cropping as [number, number]], options, "channels_last");
    this.cropping = cropping;
  }
}

/**
 * Cuts borders off images.
 *
 * @example
 * const layer = new layers.Cropping2D({ cropping: [[1, 1], [0, 2]] });
 * layer(ops.ones([2, 6, 6, 3])).shape; // [2, 4, 4, 3]
 */
export class Cropping2D extends Cropping {
  static override readonly parameters: ParameterTable = {
    cropping: [
      [0, 0],
      [0, 0],
    ],
    data_format: null,
    [inherits]: true,
  };
  readonly cropping: readonly Ends[];

  constructor(options: CroppingOptions = {}) {
    const cropping = standardizeBorders(options.cropping ?? 0, 2, "Cropping2D", "cropping");
    super(cropping, options, options.dataFormat);
    this.cropping = cropping;
  }
}

/**
 * Cuts borders off volumes.
 *
 * @example
 * new layers.Cropping3D()(ops.ones([2, 4, 5, 6, 3])).shape; // [2, 2, 3, 4, 3]
 */
export class Cropping3D extends Cropping {
  static override readonly parameters: ParameterTable = {
    cropping: [
      [1, 1],
      [1, 1],
      [1, 1],
    ],
    data_format: null,
    [inherits]: true,
  };
  readonly cropping: readonly Ends[];

  constructor(options: CroppingOptions = {}) {
    const cropping = standardizeBorders(options.cropping ?? 1, 3, "Cropping3D", "cropping");
    super(cropping, options, options.dataFormat);
    this.cropping = cropping;
  }
}
