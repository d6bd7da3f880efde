/**
 * Writing at given places.
 *
 * @module
 */
import { apply } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import { fill, onesLike, zerosLike } from "../tensor/fill.ts";
import { type PublicOp, publicOp, requiredArgument, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isFloat } from "../util/dtypes.ts";
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from "../util/errors.ts";
import { checkShape, type Shape, sameShape, sizeOf } from "../util/shapes.ts";
import { divide, multiply } from "./arithmetic.ts";
import { equal, less, logicalAnd, select } from "./comparison.ts";
import { iota } from "./creation.ts";
import { takeSlices } from "./indexing.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { reshape } from "./shaping.ts";

/** How updates are combined with what is there, in order. */
export type ScatterReduction = "add" | "max" | "min" | "mul";
const reductions = ["set", "add", "max", "min", "mul"] as const;

/** A boolean as 0 and 1 in the dtype of `like`. */
function indicator(condition: Tensor, like: Tensor): Tensor {
  return castTo(condition, like.dtype);
}

const scatterUpdateOp: OpDefinition<{ reduction: (typeof reductions)[number] }> = defineOp({
  name: "scatter_update",
  attributes: { reduction: reductions },
  infer: ([x]) => ({ shape: (x as Tensor).shape, dtype: (x as Tensor).dtype }),
  vjp: ({ inputs, outputs, grads }, { reduction }) => {
    const [x, indices, updates] = inputs as [Tensor, Tensor, Tensor];
    const [y] = outputs as [Tensor];
    const [dy] = grads as [Tensor];
    // Rows of updates that were left out are zeros.
    const outside = less(indices, zerosLike(indices)) as Tensor;
    const isLeftOut = reshape(outside, [indices.size, 1]) as Tensor;
    const rowsOf = (all: Tensor): Tensor => {
      const rows = takeSlices(all, indices, 0);
      return select(isLeftOut, zerosLike(rows), rows);
    };
    switch (reduction) {
      case "set": {
        // Of several updates of a row the last stays.
        const count = updates.shape[0] as number;
        const order = reshape(iota([count], "int32", 0), [count, 1]) as Tensor;
        const nobody = fill([x.shape[0] as number, 1], "int32", -1);
        const last = rowsOf(scatterRows(nobody, indices, order, "set"));
        const stays = indicator(equal(last, order) as Tensor, updates);
        return [
          scatterRows(dy, indices, zerosLike(updates), "set"),
          null,
          multiply(rowsOf(dy), stays) as Tensor,
        ];
      }
      case "add":
        return [dy, null, rowsOf(dy)];
      case "mul": {
        // dx = dy · Π u; du = dy · x · Π of the other updates of the row: with
        // P the product of those that are not 0 and z the number of zeros it is
        // P / u for z = 0, P where u is the only zero, else 0.
        const isZero = equal(updates, zerosLike(updates)) as Tensor;
        const nonzero = select(isZero, onesLike(updates), updates);
        const products = rowsOf(scatterRows(onesLike(x), indices, nonzero, "mul"));
        const zeros = rowsOf(scatterRows(zerosLike(x), indices, indicator(isZero, x), "add"));
        const one = onesLike(updates);
        const none = less(zeros, one) as Tensor;
        const only = logicalAnd(isZero, equal(zeros, one) as Tensor) as Tensor;
        const others = select(
          none,
          divide(products, nonzero) as Tensor,
          select(only, products, zerosLike(updates)),
        );
        return [
          multiply(dy, scatterRows(onesLike(x), indices, updates, "mul")) as Tensor,
          null,
          multiply(multiply(rowsOf(dy), rowsOf(x)), others) as Tensor,
        ];
      }
      default: {
        // Shared among all that reach the extreme.
        const ofX = indicator(equal(x, y) as Tensor, x);
        const ofUpdates = indicator(equal(updates, rowsOf(y)) as Tensor, updates);
        const share = divide(dy, scatterRows(ofX, indices, ofUpdates, "add")) as Tensor;
        return [multiply(ofX, share) as Tensor, null, multiply(ofUpdates, rowsOf(share)) as Tensor];
      }
    }
  },
});

/**
 * @internal Rows of `x`, [rows, width], combined with updates [n, width] at
 * indices [n]; indices out of range are left out.
 */
export function scatterRows(
  x: Tensor,
  indices: Tensor,
  updates: Tensor,
  reduction: (typeof reductions)[number],
): Tensor {
  return apply(scatterUpdateOp, [x, indices, updates], { reduction });
}

const ravelIndexOp: OpDefinition<{ shape: readonly number[] }> = defineOp({
  name: "ravel_index",
  attributes: { shape: "ints" },
  infer: ([indices], { shape }) => ({
    shape: [sizeOf((indices as Tensor).shape) / Math.max(1, shape.length)],
    dtype: "int32",
  }),
  vjp: null,
});

/**
 * @internal The flat number of the slice that each row of integer `indices`,
 * `[..., k]`, names in a shape; -1: there is none.
 *
 * @throws {ShapeError} If k is greater than the number of axes.
 */
export function slicesAt(op: string, indices: Tensor, shape: Shape): Tensor {
  const depth = indices.shape.at(-1);
  if (depth === undefined || depth > shape.length) {
    throw new ShapeError(
      `${op}: the last axis of indices holds ${depth ?? "no"} positions, for a tensor of ` +
        `${shape.length} axes: indices ${formatShape(indices.shape)}, shape ${formatShape(shape)}.`,
      { op, shapes: [indices.shape, shape] },
    );
  }
  if (depth === 0) return fill([sizeOf(indices.shape.slice(0, -1))], "int32", 0);
  const wide =
    indices.dtype === "int32" || indices.dtype === "int64" ? indices : castTo(indices, "int32");
  return apply(ravelIndexOp, [wide], { shape: shape.slice(0, depth) });
}

function checkIndices(op: string, indices: Tensor): Tensor {
  if (isFloat(indices.dtype) || indices.dtype === "bool") {
    throw new DTypeError(`${op}: indices must be integers, got ${indices.dtype}.`, {
      op,
      dtypes: [indices.dtype],
    });
  }
  return indices;
}

function scatterInto(
  op: string,
  x: Tensor,
  indices: Tensor,
  updates: Tensor,
  reduction: (typeof reductions)[number],
): Tensor {
  const at = slicesAt(op, checkIndices(op, indices), x.shape);
  const depth = indices.shape.at(-1) as number;
  const slice = x.shape.slice(depth);
  const wanted = [...indices.shape.slice(0, -1), ...slice];
  if (!sameShape(updates.shape, wanted)) {
    throw new ShapeError(
      `${op}: indices ${formatShape(indices.shape)} into ${formatShape(x.shape)} take updates of ` +
        `shape ${formatShape(wanted)}, got ${formatShape(updates.shape)}.`,
      { op, shapes: [indices.shape, x.shape, updates.shape] },
    );
  }
  const width = sizeOf(slice);
  const rows = sizeOf(x.shape.slice(0, depth));
  const result = scatterRows(
    reshape(x, [rows, width]) as Tensor,
    at,
    reshape(updates, [at.shape[0] as number, width]) as Tensor,
    reduction,
  );
  return reshape(result, x.shape) as Tensor;
}

/**
 * Zeros of a shape with values added at places; those of one place add up.
 *
 * @param indices Integers `[..., k]`: the first k positions of each value.
 * @param values Of shape `[..., ...shape.slice(k)]`.
 * @throws {ShapeError} If values and indices do not fit the shape.
 * @example
 * await ops.scatter([[1], [3], [1]], [5, 6, 7], [4]).array(); // [0, 12, 0, 6]
 */
export const scatter: PublicOp<(indices: TensorLike, values: TensorLike, shape: Shape) => Tensor> =
  publicOp(
    "keras.ops.scatter",
    { indices: tensorArgument, values: tensorArgument, shape: requiredArgument },
    (indices: TensorLike, values: TensorLike, shape: Shape): Tensor => {
      checkShape("scatter", shape);
      const updates = toTensor("scatter", values);
      const base = fill([...shape], updates.dtype, 0);
      return scatterInto("scatter", base, toTensor("scatter", indices), updates, "add");
    },
  );

/** Options of `scatterUpdate`. */
export interface ScatterUpdateOptions {
  /** Default: updates replace, the last of several staying. */
  reduction?: ScatterReduction | null | undefined;
}

/**
 * The inputs with values put, or combined, at places.
 *
 * @param indices Integers `[..., k]`: the first k positions of each update.
 * @param updates Of shape `[..., ...inputs.shape.slice(k)]`.
 * @throws {ShapeError} If updates and indices do not fit the inputs.
 * @example
 * await ops.scatterUpdate([1, 2, 3], [[0], [2]], [9, 8]).array(); // [9, 2, 8]
 */
export const scatterUpdate: PublicOp<
  (
    inputs: TensorLike,
    indices: TensorLike,
    updates: TensorLike,
    options?: ScatterUpdateOptions,
  ) => Tensor
> = publicOp(
  "keras.ops.scatter_update",
  {
    inputs: tensorArgument,
    indices: tensorArgument,
    updates: tensorArgument,
    reduction: null,
  },
  (
    inputs: TensorLike,
    indices: TensorLike,
    updates: TensorLike,
    { reduction }: ScatterUpdateOptions = {},
  ): Tensor => {
    const how = reduction ?? "set";
    if (!reductions.includes(how)) {
      throw new ArgumentError(
        `scatter_update: reduction must be add, max, min, mul or null, got ${describe(reduction)}.`,
        { op: "scatter_update" },
      );
    }
    const x = toTensor("scatter_update", inputs);
    return scatterInto(
      "scatter_update",
      x,
      toTensor("scatter_update", indices),
      castTo(toTensor("scatter_update", updates), x.dtype),
      how,
    );
  },
);
