/**
 * Tensors put together by NumPy's shorthands.
 *
 * @module
 */
import {
  type PublicOp,
  publicOp,
  requiredArgument,
  tensorArgument,
  variadicArgument,
} from "../tensor/public-op.ts";
import { Tensor } from "../tensor/tensor.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../util/errors.ts";
import { normalizeAxis } from "../util/shapes.ts";
import { broadcastOver, reshapeTo } from "./broadcasting.ts";
import { type Numbers, numbersOf } from "./dynamic-shape.ts";
import { joinAlong } from "./joining.ts";
import { promoteAll, type TensorLike, toTensor } from "./promote.ts";
import { permute, sliceAxis } from "./shaping.ts";
import { checkSections, splitAlong } from "./splitting.ts";

/** The type of `hstack` and its like. */
export type Stack = (xs: readonly TensorLike[]) => Tensor;

function stackOp(
  name: string,
  view: (x: Tensor) => Tensor,
  axisOf: (parts: readonly Tensor[]) => number,
): PublicOp<Stack> {
  return publicOp(`keras.ops.${name}`, { xs: tensorArgument }, (xs) => {
    const given = promoteAll(name, xs);
    const parts = given.map(view);
    return joinAlong(
      name,
      parts,
      axisOf(parts),
      given.map((x) => x.shape),
    );
  });
}

/** With at least `rank` axes: ones are added in front. */
function atLeast(x: Tensor, rank: number): Tensor {
  if (x.ndim >= rank) return x;
  return reshapeTo(x, [...new Array<number>(rank - x.ndim).fill(1), ...x.shape]);
}

/**
 * Tensors one below the other, along the first axis; vectors end to end, as Keras has it.
 *
 * @example
 * await ops.vstack([[[1, 2]], [[3, 4]]]).array(); // [[1, 2], [3, 4]]
 */
export const vstack: PublicOp<Stack> = stackOp(
  "vstack",
  (x) => atLeast(x, 1),
  () => 0,
);

/**
 * Tensors side by side; vectors end to end.
 *
 * @example
 * await ops.hstack([[[1], [2]], [[3], [4]]]).array(); // [[1, 3], [2, 4]]
 */
export const hstack: PublicOp<Stack> = stackOp(
  "hstack",
  (x) => atLeast(x, 1),
  (parts) => ((parts[0] as Tensor).ndim === 1 ? 0 : 1),
);

/**
 * Tensors behind each other along the third axis.
 *
 * @example
 * ops.dstack([[1, 2], [3, 4]]).shape; // [1, 2, 2]
 */
export const dstack: PublicOp<Stack> = stackOp(
  "dstack",
  (x) => {
    const matrix = atLeast(x, 2);
    return matrix.ndim > 2 ? matrix : reshapeTo(matrix, [...matrix.shape, 1]);
  },
  () => 2,
);

/**
 * Vectors as the columns of a matrix; matrices side by side.
 *
 * @example
 * await ops.columnStack([[1, 2], [3, 4]]).array(); // [[1, 3], [2, 4]]
 */
export const columnStack: PublicOp<Stack> = stackOp(
  "column_stack",
  (x) => (x.ndim >= 2 ? x : reshapeTo(x, [x.size, 1])),
  () => 1,
);

/**
 * x2 behind x1 along an axis; both flat without one.
 *
 * @example
 * await ops.append([1, 2], [3]).array(); // [1, 2, 3]
 */
export const append: PublicOp<
  (x1: TensorLike, x2: TensorLike, options?: { axis?: number | null | undefined }) => Tensor
> = publicOp(
  "keras.ops.append",
  { x1: tensorArgument, x2: tensorArgument, axis: null },
  (x1, x2, { axis } = {}) => {
    const parts = promoteAll("append", [toTensor("append", x1), toTensor("append", x2)]);
    if (axis !== undefined && axis !== null) return joinAlong("append", parts, axis);
    return joinAlong(
      "append",
      parts.map((x) => reshapeTo(x, [x.size])),
      0,
    );
  },
);

/** The type of `hsplit` and its like. */
export type Split = (x: TensorLike, indicesOrSections: Numbers) => Tensor[];

function splitOp(name: string, least: number, axisOf: (x: Tensor) => number): PublicOp<Split> {
  return publicOp(
    `keras.ops.${name}`,
    { x: tensorArgument, indices_or_sections: requiredArgument },
    (given: TensorLike, indicesOrSections: Numbers) => {
      const x = toTensor(name, given);
      if (x.ndim < least) {
        throw new ShapeError(
          `${name}: expected at least ${least} ${least === 1 ? "axis" : "axes"}, got shape ` +
            `${formatShape(x.shape)}.`,
          { op: name, shapes: [x.shape] },
        );
      }
      return splitAlong(name, x, indicesOrSections, axisOf(x));
    },
  );
}

/**
 * Parts along the first axis.
 *
 * @example
 * ops.vsplit(ops.zeros([4, 2]), 2)[0].shape; // [2, 2]
 */
export const vsplit: PublicOp<Split> = splitOp("vsplit", 2, () => 0);
/**
 * Parts along the second axis, of a vector along its only one.
 *
 * @example
 * ops.hsplit(ops.zeros([2, 4]), 2)[0].shape; // [2, 2]
 */
export const hsplit: PublicOp<Split> = splitOp("hsplit", 1, (x) => (x.ndim === 1 ? 0 : 1));
/**
 * Parts along the third axis.
 *
 * @example
 * ops.dsplit(ops.zeros([1, 2, 4]), 2)[0].shape; // [1, 2, 2]
 */
export const dsplit: PublicOp<Split> = splitOp("dsplit", 3, () => 2);

/**
 * Parts along an axis as `split` gives them, but so many of about equal
 * length: the first ones are longer by one where the axis does not divide.
 *
 * @example
 * ops.arraySplit([1, 2, 3], 2).map((x) => Array.from(x.dataSync())); // [[1, 2], [3]]
 */
export const arraySplit: PublicOp<
  (x: TensorLike, indicesOrSections: Numbers, options?: { axis?: number | undefined }) => Tensor[]
> = publicOp(
  "keras.ops.array_split",
  { x: tensorArgument, indices_or_sections: requiredArgument, axis: 0 },
  (given, sections, { axis = 0 } = {}) => {
    const x = toTensor("array_split", given);
    const indicesOrSections = numbersOf("array_split", sections);
    if (typeof indicesOrSections !== "number") {
      return splitAlong("array_split", x, indicesOrSections, axis);
    }
    checkSections("array_split", x, indicesOrSections);
    const along = normalizeAxis("array_split", axis, x.ndim);
    const length = x.shape[along] as number;
    const short = Math.floor(length / indicesOrSections);
    const longer = length % indicesOrSections;
    let start = 0;
    return Array.from({ length: indicesOrSections }, (_, i) => {
      const end = start + short + (i < longer ? 1 : 0);
      const part = sliceAxis(x, along, start, end);
      start = end;
      return part;
    });
  },
);

/** Options of `meshgrid`. */
export interface MeshgridOptions {
  /** `"xy"`: the first two vectors run along columns, then rows; `"ij"`: in order. */
  indexing?: "xy" | "ij" | undefined;
}

/**
 * Coordinates of a grid from those of its axes.
 *
 * @example
 * ops.meshgrid([1, 2, 3], [4, 5])[0].shape; // [2, 3]
 */
export const meshgrid: PublicOp<(...args: (TensorLike | MeshgridOptions)[]) => Tensor[]> = publicOp(
  "keras.ops.meshgrid",
  { x: variadicArgument, indexing: "xy" },
  (...args) => {
    const last = args.at(-1);
    const hasOptions = isMeshgridOptions(last);
    const indexing = hasOptions ? (last.indexing ?? "xy") : "xy";
    if (indexing !== "xy" && indexing !== "ij") {
      throw new ArgumentError(
        `meshgrid: indexing must be "xy" or "ij", got ${describe(indexing)}.`,
        {
          op: "meshgrid",
        },
      );
    }
    const axes = (hasOptions ? args.slice(0, -1) : args).map((x) => {
      const vector = toTensor("meshgrid", x as TensorLike);
      return reshapeTo(vector, [vector.size]);
    });
    const shape = axes.map((x) => x.size);
    return axes.map((x, i) => {
      const along = shape.map((_, k) => (k === i ? x.size : 1));
      const grid = broadcastOver(reshapeTo(x, along), shape);
      if (indexing === "ij" || shape.length < 2) return grid;
      return permute(grid, [1, 0, ...shape.map((_, k) => k).slice(2)]);
    });
  },
);

function isMeshgridOptions(value: unknown): value is MeshgridOptions {
  return (
    typeof value === "object" &&
    value !== null &&
    !(value instanceof Tensor) &&
    !Array.isArray(value) &&
    "indexing" in value
  );
}
