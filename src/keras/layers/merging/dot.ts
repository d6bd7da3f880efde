/**
 * @module
 */
import { matmul } from "../../../ops/linear.ts";
import { normalize } from "../../../ops/normalization.ts";
import { moveaxis, reshape, transpose } from "../../../ops/shaping.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../../../util/errors.ts";
import { normalizeAxis, sizeOf } from "../../../util/shapes.ts";
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
    const [a, b] = inputShapes;
    const fits = (): boolean => {
      if (a === undefined || b === undefined || inputShapes.length > 2) return false;
      const [i, j] = this.#axesOf(a.length, b.length);
      const [m, n] = [a[i] ?? null, b[j] ?? null];
      return m === null || n === null || m === n;
    };
    if (!fits()) {
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
    const left = inputs.map((x, i) => x.shape.filter((_, j) => j !== 0 && j !== axes[i]));
    // Rows of vectors: [batch, vectors, length].
    const [a, b] = inputs.map((x, i) => {
      const axis = axes[i] as number;
      const vectors = this.normalize ? normalize(x, { axis }) : x;
      const moved = moveaxis(vectors, axis, -1);
      const [batch = 0] = x.shape;
      return reshape(moved, [batch, sizeOf(left[i] as number[]), x.shape[axis] as number]);
    }) as [Tensor, Tensor];
    const products = matmul(a, transpose(b, { axes: [0, 2, 1] }));
    const rest = left.flat();
    return reshape(products, [products.shape[0] as number, ...(rest.length === 0 ? [1] : rest)]);
  }

  override computeMask(): null {
    return null;
  }
}
