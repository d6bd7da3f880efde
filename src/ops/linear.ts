/**
 * Matrix products.
 *
 * @module
 */
import { apply } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { fromStored } from "../tensor/create.ts";
import { defineOp, type OpDefinition, type TracedValue } from "../tensor/define-op.ts";
import { type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isHalf } from "../util/dtypes.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../util/errors.ts";
import { broadcastShapes, dimAt, normalizeAxis, sizeOf } from "../util/shapes.ts";
import { multiply } from "./arithmetic.ts";
import { reshapeTo, unbroadcast } from "./broadcasting.ts";
import { promotePair, type TensorLike, toTensor } from "./promote.ts";
import { permute, transposedMatrices } from "./shaping.ts";

interface MatmulAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly [name: string]: boolean;
}

/**
 * So few rows or columns of a product are added up along the axis of the other
 * operand that is contiguous: a transposed one would have other bits.
 */
const narrow = 4;

const matmulOp: OpDefinition<MatmulAttributes> = defineOp<MatmulAttributes>({
  name: "matmul",
  attributes: { transposeA: "bool", transposeB: "bool" },
  infer: ([a, b], { transposeA, transposeB }) => {
    const x = a as Tensor;
    const y = b as Tensor;
    return {
      shape: [
        ...broadcastShapes("matmul", x.shape.slice(0, -2), y.shape.slice(0, -2)),
        dimAt(x.shape, transposeA ? -1 : -2),
        dimAt(y.shape, transposeB ? -2 : -1),
      ],
      dtype: x.dtype,
    };
  },
  // With y = a b: da = dy b^T, db = a^T dy. A stored transpose swaps the factors.
  vjp: ({ inputs: [a, b], grads: [dy], needs }, { transposeA, transposeB }) => {
    const x = a as Tensor;
    const y = b as Tensor;
    const d = dy as Tensor;
    const da = (): Tensor =>
      transposeA ? matrixProduct(y, d, transposeB, true) : matrixProduct(d, y, false, !transposeB);
    const db = (): Tensor =>
      transposeB ? matrixProduct(d, x, true, transposeA) : matrixProduct(x, d, !transposeA, false);
    return [
      needs(0) ? unbroadcast(da(), x.shape) : null,
      needs(1) ? unbroadcast(db(), y.shape) : null,
    ];
  },
  rewrite: ([a, b], { transposeA, transposeB }, { shape }) => {
    if (shape.slice(-2).some((length) => length <= narrow)) return null;
    const [left, right] = [a, b].map((x) => transposedMatrices(x as TracedValue));
    if (left === null && right === null) return null;
    return {
      op: matmulOp as unknown as OpDefinition,
      inputs: [left ?? a, right ?? b] as TracedValue[],
      attributes: {
        transposeA: transposeA !== (left !== null),
        transposeB: transposeB !== (right !== null),
      },
    };
  },
});

/**
 * @internal
 * Products of matrices in the last two axes, of one dtype; a flag says that an
 * operand is stored transposed.
 */
export function matrixProduct(
  a: Tensor,
  b: Tensor,
  transposeA = false,
  transposeB = false,
): Tensor {
  return apply(matmulOp, [a, b], { transposeA, transposeB });
}

/** What `matmul` and `dot` share. @throws {ShapeError} If the operands do not fit. */
function multiplyMatrices(op: string, x1: TensorLike, x2: TensorLike): Tensor {
  const given = [toTensor(op, x1), toTensor(op, x2)] as const;
  const bothBytes = given.every((x) => x.dtype === "int8");
  let [a, b] = promotePair(op, ...given);
  if (a.ndim === 0 || b.ndim === 0) {
    throw new ShapeError(
      `${op}: expected matrices or vectors, got ${formatShape(a.shape)} x ` +
        `${formatShape(b.shape)}. Use multiply for scalars.`,
      { op, shapes: [a.shape, b.shape] },
    );
  }
  const inner = dimAt(a.shape, -1);
  const other = dimAt(b.shape, b.ndim === 1 ? 0 : -2);
  if (inner !== other) {
    throw new ShapeError(
      `${op}: inner axes differ: ${formatShape(a.shape)} x ${formatShape(b.shape)} ` +
        `(${inner} vs ${other}).`,
      { op, shapes: [a.shape, b.shape] },
    );
  }
  checkBatches(op, a, b);
  // Products of bytes would overflow at once.
  const dtype = a.dtype === "int8" && bothBytes ? "int32" : a.dtype;
  // Booleans are counted: true where any pair is.
  if (dtype === "bool" || dtype === "int32") {
    [a, b] = [castTo(a, "int32"), castTo(b, "int32")];
  }
  const rowA = a.ndim === 1;
  const columnB = b.ndim === 1;
  const left = rowA ? reshapeTo(a, [1, inner]) : a;
  const right = columnB ? reshapeTo(b, [inner, 1]) : b;
  // A matrix on the right of a batch: one product of all rows.
  const product =
    left.ndim > 2 && right.ndim === 2
      ? reshapeTo(matrixProduct(reshapeTo(left, [sizeOf(left.shape.slice(0, -1)), inner]), right), [
          ...left.shape.slice(0, -1),
          dimAt(right.shape, -1),
        ])
      : matrixProduct(left, right);
  const shape = product.shape.filter(
    (_, i) => !(rowA && i === product.ndim - 2) && !(columnB && i === product.ndim - 1),
  );
  return castTo(reshapeTo(product, shape), dtype);
}

/** @throws {ShapeError} If the axes before the matrices do not broadcast. */
function checkBatches(op: string, a: Tensor, b: Tensor): void {
  const [left, right] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  for (let i = 1; i <= Math.min(left.length, right.length); i++) {
    const [m, n] = [left.at(-i), right.at(-i)];
    if (m !== n && m !== 1 && n !== 1) {
      throw new ShapeError(
        `${op}: the batch axes of ${formatShape(a.shape)} x ${formatShape(b.shape)} do not ` +
          `broadcast (${m} vs ${n}).`,
        { op, shapes: [a.shape, b.shape] },
      );
    }
  }
}

/**
 * @internal
 * Each element along `axis` (normalized) as a mixture of those there are:
 * y[o] = sum_n weights[o * length + n] * x[n]. Half types are computed in float32.
 */
export function mixAlong(x: Tensor, axis: number, weights: Float64Array, outputs: number): Tensor {
  const { shape, dtype } = x;
  const length = shape[axis] as number;
  const compute = isHalf(dtype) ? "float32" : dtype;
  const values = compute === "float64" ? weights : Float32Array.from(weights);
  const matrix = fromStored(values, [outputs, length], compute);
  const outer = sizeOf(shape.slice(0, axis));
  const inner = sizeOf(shape.slice(axis + 1));
  const wide = castTo(x, compute);
  const y =
    inner === 1
      ? matrixProduct(reshapeTo(wide, [outer, length]), matrix, false, true)
      : matrixProduct(matrix, reshapeTo(wide, [outer, length, inner]));
  return castTo(reshapeTo(y, [...shape.slice(0, axis), outputs, ...shape.slice(axis + 1)]), dtype);
}

/**
 * The matrix product over the last two axes, the others broadcasting. A vector
 * counts as a row on the left and as a column on the right.
 *
 * @throws {ShapeError} If the inner axes differ, or an operand is a scalar.
 * @example
 * await ops.matmul([[1, 2], [3, 4]], [1, 10]).array(); // [21, 43]
 */
export const matmul: PublicOp<(x1: TensorLike, x2: TensorLike) => Tensor> = publicOp(
  "keras.ops.matmul",
  { x1: tensorArgument, x2: tensorArgument },
  (x1, x2) => multiplyMatrices("matmul", x1, x2),
);

/**
 * The sum of products over the last axis of `x1` and the last but one of `x2`
 * (its only one, if it is a vector).
 *
 * @throws {ShapeError} If these differ.
 * @example
 * await ops.dot([1, 2], [3, 4]).item(); // 11
 */
export const dot: PublicOp<(x1: TensorLike, x2: TensorLike) => Tensor> = publicOp(
  "keras.ops.dot",
  { x1: tensorArgument, x2: tensorArgument },
  (x1, x2) => {
    const [a, b] = promotePair("dot", x1, x2);
    if (a.ndim === 0 || b.ndim === 0) return multiply(a, b);
    if (b.ndim <= 2) return multiplyMatrices("dot", a, b);
    return tensordot(a, b, { axes: [[-1], [-2]] });
  },
);

/** Options of `tensordot`. */
export interface TensordotOptions {
  /** How many axes, last ones of `x1` with first ones of `x2`; or two lists of axes. */
  axes?: number | readonly [number | readonly number[], number | readonly number[]] | undefined;
}

/**
 * The sum of products over pairs of axes.
 *
 * @throws {ShapeError} If a pair differs.
 * @example
 * await ops.tensordot([[1, 2], [3, 4]], [1, 10], { axes: 1 }).array(); // [21, 43]
 */
export const tensordot: PublicOp<
  (x1: TensorLike, x2: TensorLike, options?: TensordotOptions) => Tensor
> = publicOp(
  "keras.ops.tensordot",
  { x1: tensorArgument, x2: tensorArgument, axes: 2 },
  (x1, x2, { axes = 2 } = {}) => {
    const [a, b] = promotePair("tensordot", x1, x2);
    const list = (axis: number | readonly number[], rank: number): number[] =>
      (typeof axis === "number" ? [axis] : [...axis]).map((n) =>
        normalizeAxis("tensordot", n, rank),
      );
    const count = typeof axes === "number" ? axes : 0;
    if (!Number.isInteger(count) || count < 0 || count > Math.min(a.ndim, b.ndim)) {
      throw new ArgumentError(
        `tensordot: ${describe(axes)} axes of shapes ${formatShape(a.shape)} and ` +
          `${formatShape(b.shape)} cannot be summed over. Give a count up to the smaller rank, ` +
          "or two lists of axes.",
        { op: "tensordot", shapes: [a.shape, b.shape] },
      );
    }
    const [fromA, fromB] =
      typeof axes === "number"
        ? [
            Array.from({ length: count }, (_, i) => a.ndim - count + i),
            Array.from({ length: count }, (_, i) => i),
          ]
        : [list(axes[0], a.ndim), list(axes[1], b.ndim)];
    if (fromA.length !== fromB.length) {
      throw new ArgumentError(
        `tensordot: ${fromA.length} axes of x1 do not pair with ${fromB.length} of x2.`,
        { op: "tensordot" },
      );
    }
    for (const [x, axesOf] of [
      [a, fromA],
      [b, fromB],
    ] as const) {
      if (new Set(axesOf).size < axesOf.length) {
        throw new ShapeError(
          `tensordot: axes ${describe(axes)} name one of shape ${formatShape(x.shape)} twice.`,
          { op: "tensordot", shapes: [a.shape, b.shape] },
        );
      }
    }
    for (const [i, axis] of fromA.entries()) {
      const left = a.shape[axis];
      const right = b.shape[fromB[i] as number];
      if (left !== right) {
        throw new ShapeError(
          `tensordot: axis ${axis} of ${formatShape(a.shape)} and axis ${fromB[i]} of ` +
            `${formatShape(b.shape)} differ (${left} vs ${right}).`,
          { op: "tensordot", shapes: [a.shape, b.shape] },
        );
      }
    }
    const freeA = a.shape.map((_, i) => i).filter((i) => !fromA.includes(i));
    const freeB = b.shape.map((_, i) => i).filter((i) => !fromB.includes(i));
    const dims = (x: Tensor, of: readonly number[]): number[] =>
      of.map((i) => x.shape[i] as number);
    const inner = sizeOf(dims(a, fromA));
    const left = reshapeTo(permute(a, [...freeA, ...fromA]), [sizeOf(dims(a, freeA)), inner]);
    const right = reshapeTo(permute(b, [...fromB, ...freeB]), [inner, sizeOf(dims(b, freeB))]);
    return reshapeTo(matrixProduct(left, right), [...dims(a, freeA), ...dims(b, freeB)]);
  },
);
