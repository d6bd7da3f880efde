/**
 * Tensors cut into parts.
 *
 * @module
 */
import { type PublicOp, publicOp, requiredArgument, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { formatShape, ShapeError } from "../util/errors.ts";
import { normalizeAxis } from "../util/shapes.ts";
import { type Numbers, numbersOf } from "./dynamic-shape.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { sliceAxis } from "./shaping.ts";

/**
 * `x` in parts along an axis: so many equal ones, or cut at the given indices.
 *
 * @throws {ShapeError} If the axis does not divide.
 */
export const split: PublicOp<
  (x: TensorLike, indicesOrSections: Numbers, options?: { axis?: number | undefined }) => Tensor[]
> = publicOp(
  "keras.ops.split",
  { x: tensorArgument, indices_or_sections: requiredArgument, axis: 0 },
  (given, sections, { axis = 0 } = {}) => {
    const indicesOrSections = numbersOf("split", sections);
    const x = toTensor("split", given);
    const along = normalizeAxis("split", axis, x.ndim);
    const length = x.shape[along] as number;
    let cuts: number[];
    if (typeof indicesOrSections === "number") {
      if (indicesOrSections <= 0 || length % indicesOrSections !== 0) {
        throw new ShapeError(
          `split: axis ${along} of shape ${formatShape(x.shape)} does not divide into ` +
            `${indicesOrSections} equal parts.`,
          { op: "split", shapes: [x.shape] },
        );
      }
      const part = length / indicesOrSections;
      cuts = Array.from({ length: indicesOrSections - 1 }, (_, i) => (i + 1) * part);
    } else {
      cuts = indicesOrSections.map((cut) =>
        Math.min(length, Math.max(0, cut < 0 ? cut + length : cut)),
      );
    }
    const edges = [0, ...cuts, length];
    return edges
      .slice(1)
      .map((end, i) => sliceAxis(x, along, edges[i] as number, Math.max(end, edges[i] as number)));
  },
);
