/**
 * Diagonals.
 *
 * @module
 */
import { floatx } from "../runtime/precision.ts";
import { castTo } from "../tensor/cast.ts";
import { type PublicOp, publicOp, requiredArgument, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { standardizeDType } from "../util/dtypes.ts";
import { formatShape, ShapeError } from "../util/errors.ts";
import { checkInteger, checkShape, normalizeAxis, sizeOf } from "../util/shapes.ts";
import { reshapeTo, sumOver } from "./broadcasting.ts";
import { lessEqual } from "./comparison.ts";
import { type DTypeOptions, iota } from "./creation.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { accumulatorDType } from "./reduction.ts";
import { padWith, permute, sliceStrided } from "./shaping.ts";

/**
 * The diagonal of matrices in the last two axes, `offset` above the main one.
 * In memory its elements lie a row and one apart: one strided slice.
 */
export function diagonalOfLast(x: Tensor, offset = 0): Tensor {
  const batch = x.shape.slice(0, -2);
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const length = Math.max(0, Math.min(rows + Math.min(offset, 0), columns - Math.max(offset, 0)));
  const flat = reshapeTo(x, [...batch, rows * columns]);
  const start = length === 0 ? 0 : offset >= 0 ? offset : -offset * columns;
  const limit = length === 0 ? 0 : start + (length - 1) * (columns + 1) + 1;
  const none = batch.map(() => 0);
  return sliceStrided(
    flat,
    [...none, start],
    [...batch, limit],
    [...batch.map(() => 1), columns + 1],
  );
}

/** Matrices with the last axis of `x` as a diagonal, zeros elsewhere. */
export function onDiagonal(x: Tensor, offset = 0): Tensor {
  const batch = x.shape.slice(0, -1);
  const length = x.shape.at(-1) as number;
  const n = length + Math.abs(offset);
  checkShape("diag", [...batch, n, n]);
  // Between neighbours of the diagonal lie n elements.
  const low = offset >= 0 ? offset : -offset * n;
  const covered = length === 0 ? 0 : (length - 1) * (n + 1) + 1;
  const none = batch.map(() => 0);
  const flat = padWith(x, 0, [...none, low], [...none, n * n - low - covered], [...none, n]);
  return reshapeTo(flat, [...batch, n, n]);
}

/** Options of `diagonal` and `trace`. */
export interface DiagonalOptions {
  /** How far above the main diagonal. */
  offset?: number | undefined;
  axis1?: number | undefined;
  axis2?: number | undefined;
}

function planeLast(op: string, x: Tensor, { axis1 = 0, axis2 = 1 }: DiagonalOptions): Tensor {
  if (x.ndim < 2) {
    throw new ShapeError(`${op}: expected at least 2 axes, got shape ${formatShape(x.shape)}.`, {
      op,
      shapes: [x.shape],
    });
  }
  const a = normalizeAxis(op, axis1, x.ndim);
  const b = normalizeAxis(op, axis2, x.ndim);
  if (a === b) {
    throw new ShapeError(
      `${op}: axis1 and axis2 are both ${a}; a diagonal lies between two axes.`,
      {
        op,
        shapes: [x.shape],
      },
    );
  }
  const rest = x.shape.map((_, i) => i).filter((i) => i !== a && i !== b);
  return permute(x, [...rest, a, b]);
}

/**
 * The diagonal between two axes, as the last axis of the result.
 *
 * @example
 * await ops.diagonal([[1, 2], [3, 4]]).array(); // [1, 4]
 */
export const diagonal: PublicOp<(x: TensorLike, options?: DiagonalOptions) => Tensor> = publicOp(
  "keras.ops.diagonal",
  { x: tensorArgument, offset: 0, axis1: 0, axis2: 1 },
  (x, options = {}) =>
    diagonalOfLast(
      planeLast("diagonal", toTensor("diagonal", x), options),
      checkInteger("diagonal", "offset", options.offset ?? 0),
    ),
);

/**
 * The sum of the diagonal between two axes. Booleans and small integers are summed in 32 bits.
 *
 * @example
 * await ops.trace([[1, 2], [3, 4]]).item(); // 5
 */
export const trace: PublicOp<(x: TensorLike, options?: DiagonalOptions) => Tensor> = publicOp(
  "keras.ops.trace",
  { x: tensorArgument, offset: 0, axis1: 0, axis2: 1 },
  (given, options = {}) => {
    const x = toTensor("trace", given);
    const on = diagonalOfLast(
      planeLast("trace", x, options),
      checkInteger("trace", "offset", options.offset ?? 0),
    );
    return sumOver(castTo(on, accumulatorDType(x.dtype)), [on.ndim - 1]);
  },
);

/**
 * Of a vector the matrix with it on a diagonal, of a matrix its diagonal.
 *
 * @throws {ShapeError} For any other number of axes.
 * @example
 * await ops.diag([1, 2]).array(); // [[1, 0], [0, 2]]
 */
export const diag: PublicOp<(x: TensorLike, options?: { k?: number | undefined }) => Tensor> =
  publicOp("keras.ops.diag", { x: tensorArgument, k: 0 }, (given, { k = 0 } = {}) => {
    const x = toTensor("diag", given);
    if (x.ndim === 1) return onDiagonal(x, k);
    if (x.ndim === 2) return diagonalOfLast(x, k);
    throw new ShapeError(
      `diag: expected a vector or a matrix, got shape ${formatShape(x.shape)}.`,
      { op: "diag", shapes: [x.shape] },
    );
  });

/**
 * The matrix with all elements of `x` on a diagonal.
 *
 * @example
 * await ops.diagflat([[1], [2]]).array(); // [[1, 0], [0, 2]]
 */
export const diagflat: PublicOp<(x: TensorLike, options?: { k?: number | undefined }) => Tensor> =
  publicOp("keras.ops.diagflat", { x: tensorArgument, k: 0 }, (given, { k = 0 } = {}) => {
    const x = toTensor("diagflat", given);
    return onDiagonal(reshapeTo(x, [sizeOf(x.shape)]), k);
  });

/**
 * Ones on and below a diagonal (`k` above the main one), zeros above.
 *
 * @example
 * await ops.tri(3).array(); // [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
 */
export const tri: PublicOp<
  (
    N: number,
    options?: { M?: number | null | undefined; k?: number | undefined } & DTypeOptions,
  ) => Tensor
> = publicOp(
  "keras.ops.tri",
  { N: requiredArgument, M: null, k: 0, dtype: null },
  (rows, { M, k = 0, dtype } = {}) => {
    const shape = checkShape("tri", [rows, M ?? rows]);
    const below = lessEqual(iota(shape, "int32", 1), iota(shape, "int32", 0, k));
    return castTo(below, standardizeDType(dtype, floatx()));
  },
);
