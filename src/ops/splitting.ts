/**
 * Tensors cut into parts.
 *
 * @module
 */
import { type PublicOp, publicOp, requiredArgument, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../util/errors.ts";
import { normalizeAxis } from "../util/shapes.ts";
import { type Numbers, numbersOf } from "./dynamic-shape.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { sliceAxis } from "./shaping.ts";

/** Each part is a tensor of its own: more of them than this are a mistake. */
const mostParts = 2 ** 24;

/**
 * @internal
 * Checks what says how an axis is cut.
 *
 * @throws {ArgumentError} If it is neither a count nor a list of integers.
 */
export function checkSections(op: string, x: Tensor, sections: number | readonly number[]): void {
  const list = typeof sections === "number" ? [sections] : sections;
  const isCount = typeof sections === "number";
  if (list.every((n) => Number.isSafeInteger(n) && (!isCount || (n > 0 && n <= mostParts)))) return;
  throw new ArgumentError(
    `${op}: expected a positive count of parts or a list of integers, got ` +
      `${describe(sections)} for shape ${formatShape(x.shape)}.`,
    { op, shapes: [x.shape] },
  );
}

/**
 * @internal
 * Parts along an axis; errors name `op`.
 *
 * @throws {ShapeError} If the axis does not divide.
 */
export function splitAlong(op: string, x: Tensor, sections: Numbers, axis: number): Tensor[] {
  const indicesOrSections = numbersOf(op, sections);
  const along = normalizeAxis(op, axis, x.ndim);
  const length = x.shape[along] as number;
  checkSections(op, x, indicesOrSections);
  let cuts: number[];
  if (typeof indicesOrSections === "number") {
    if (length % indicesOrSections !== 0) {
      throw new ShapeError(
        `${op}: axis ${along} of shape ${formatShape(x.shape)} does not divide into ` +
          `${indicesOrSections} equal parts.`,
        { op, shapes: [x.shape] },
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
}

/**
 * `x` in parts along an axis: so many equal ones, or cut at the given indices.
 *
 * @throws {ShapeError} If the axis does not divide.
 * @example
 * ops.split([1, 2, 3, 4], 2).map((x) => Array.from(x.dataSync())); // [[1, 2], [3, 4]]
 */
export const split: PublicOp<
  (x: TensorLike, indicesOrSections: Numbers, options?: { axis?: number | undefined }) => Tensor[]
> = publicOp(
  "keras.ops.split",
  { x: tensorArgument, indices_or_sections: requiredArgument, axis: 0 },
  (x, sections, { axis = 0 } = {}) => splitAlong("split", toTensor("split", x), sections, axis),
);
