/**
 * @module
 */
import { matmul } from "../../../ops/linear.ts";
import { normalize } from "../../../ops/normalization.ts";
import { reshape, transpose } from "../../../ops/shaping.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../../../util/errors.ts";
import { normalizeAxis } from "../../../util/shapes.ts";
import { inherits, type ParameterTable, required } from "../../object.ts";
import { Layer, type LayerOptions } from "../layer.ts";
import { checkShapes } from "./merge.ts";

/** Options of `Dot`. */
export interface DotOptions extends LayerOptions {
  /** Whether vectors are divided by their lengths: the products are cosines. */
  normalize?: boolean | undefined;
}

/**
 * The dot products of two inputs along an axis of each, for each sample.
 *
 * @example
 * await new layers.Dot(1)([tensor([[1, 2]]), tensor([[3, 4]])]).array(); // [[11]]
 */
export class Dot extends Layer {
  static override readonly parameters: ParameterTable = {
    axes: required,
    normalize: false,
    [inherits]: true,
  };
  readonly axes: number | readonly number[];
  readonly normalize: boolean;

  constructor(axes: number | readonly number[], options: DotOptions = {}) {
    super(options);
    const list = [axes].flat();
    if (
      !list.every((axis) => Number.isInteger(axis)) ||
      (Array.isArray(axes) && list.length !== 2)
    ) {
      throw new ArgumentError(
        `Dot: axes must be an integer, or one for each of two inputs, got ${describe(axes)}.`,
      );
    }
    this.axes = axes;
    this.normalize = options.normalize ?? false;
    this.supportsMasking = true;
  }

  override build(inputShapes: readonly (readonly (number | null)[])[]): void {
    checkShapes(this, inputShapes);
    const [a, b, ...more] = inputShapes as [readonly (number | null)[], readonly (number | null)[]];
    const [i, j] = b === undefined || more.length > 0 ? [] : this.#axesOf(a.length, b.length);
    const [m, n] = i === undefined ? [] : [a[i], b[j as number]];
    if (m === undefined || (m !== n && m !== null && n !== null)) {
      throw new ShapeError(
        `Layer "${this.name}" takes two inputs that are as long along the axes ` +
          `${describe(this.axes)}, got ${inputShapes.map((shape) => formatShape(shape)).join(" and ")}.`,
        { layer: this.name, shapes: inputShapes },
      );
    }
  }

  #axesOf(first: number, second: number): [number, number] {
    const [i, j = i] = [this.axes].flat() as [number, number?];
    const axes: [number, number] = [
      normalizeAxis(this.name, i, first),
      normalizeAxis(this.name, j, second),
    ];
    if (axes.includes(0)) {
      throw new ArgumentError(
        `Layer "${this.name}": axis 0 is that of the samples, which stay apart; got axes ` +
          `${describe(this.axes)}.`,
        { layer: this.name },
      );
    }
    return axes;
  }

  override call(inputs: readonly Tensor[]): Tensor {
    const axes = this.#axesOf((inputs[0] as Tensor).ndim, (inputs[1] as Tensor).ndim);
    // Rows of vectors: [batch, vectors, length].
    const [a, b] = inputs.map((x, i) => {
      const axis = axes[i] as number;
      const vectors = this.normalize ? normalize(x, { axis }) : x;
      const rest = x.shape.map((_, j) => j).filter((j) => j !== 0 && j !== axis);
      const moved = transpose(vectors, { axes: [0, ...rest, axis] });
      return reshape(moved, [x.shape[0] as number, -1, x.shape[axis] as number]);
    }) as [Tensor, Tensor];
    const left = inputs.flatMap((x, i) => x.shape.filter((_, j) => j !== 0 && j !== axes[i]));
    const batch = Math.max(a.shape[0] as number, b.shape[0] as number);
    const products = matmul(a, transpose(b, { axes: [0, 2, 1] }));
    return reshape(products, [batch, ...(left.length === 0 ? [1] : left)]);
  }

  override computeMask(): null {
    return null;
  }
}
