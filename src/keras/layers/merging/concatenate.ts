/**
 * @module
 */
import { logicalOr } from "../../../ops/comparison.ts";
import { onesLike, zerosLike } from "../../../ops/creation.ts";
import { concatenate } from "../../../ops/joining.ts";
import { any } from "../../../ops/reduction.ts";
import { expandDims } from "../../../ops/shaping.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { formatShape, ShapeError } from "../../../util/errors.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import { Layer, type LayerOptions } from "../layer.ts";
import { checkShapes } from "./merge.ts";

/** Options of `Concatenate`. */
export interface ConcatenateOptions extends LayerOptions {
  axis?: number | undefined;
}

/**
 * The inputs one after the other along an axis.
 *
 * @example
 * new layers.Concatenate()([ops.ones([2, 3]), ops.ones([2, 1])]).shape; // [2, 4]
 */
export class Concatenate extends Layer {
  static override readonly parameters: ParameterTable = { axis: -1, [inherits]: true };
  readonly axis: number;

  constructor(options: ConcatenateOptions = {}) {
    super(options);
    this.axis = options.axis ?? -1;
    this.supportsMasking = true;
  }

  override build(inputShapes: readonly (readonly (number | null)[])[]): void {
    checkShapes(this, inputShapes);
    const [first] = inputShapes as [readonly (number | null)[]];
    const along = this.axis < 0 ? this.axis + first.length : this.axis;
    const fits = inputShapes.every(
      (shape) =>
        shape.length === first.length &&
        shape.every((dim, i) => {
          const other = first[i] ?? null;
          return i === along || dim === null || other === null || dim === other;
        }),
    );
    if (!fits) {
      throw new ShapeError(
        `Layer "${this.name}": shapes must be the same but for axis ${this.axis}, got ` +
          `${inputShapes.map((shape) => formatShape(shape)).join(" and ")}.`,
        { layer: this.name, shapes: inputShapes },
      );
    }
  }

  override call(inputs: readonly Tensor[]): Tensor {
    return concatenate(inputs, { axis: this.axis });
  }

  override computeMask(inputs: readonly Tensor[], given: unknown): Tensor | null {
    const masks = Array.isArray(given) ? (given as (Tensor | null)[]) : [];
    if (masks.every((mask) => mask === null)) return null;
    const full = inputs.map((input, i) => {
      const mask = masks[i] ?? null;
      if (mask === null) return onesLike(input, { dtype: "bool" });
      if (mask.ndim >= input.ndim) return mask;
      return logicalOr(expandDims(mask, -1), zerosLike(input, { dtype: "bool" }));
    });
    return any(concatenate(full, { axis: this.axis }), { axis: -1 });
  }
}
