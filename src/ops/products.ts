/**
 * Products of vectors and matrices beyond `matmul`.
 *
 * @module
 */
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import { type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isFloat } from "../util/dtypes.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../util/errors.ts";
import { broadcastShapes, dimAt, normalizeAxis } from "../util/shapes.ts";
import { multiply, subtract } from "./arithmetic.ts";
import { broadcastOver, reshapeTo } from "./broadcasting.ts";
import { conv } from "./convolution.ts";
import { type Binary, publicBinary } from "./elementwise-define.ts";
import { stack } from "./joining.ts";
import { matmul, tensordot } from "./linear.ts";
import { promotedDType, promoteTensors, type TensorLike, toTensor } from "./promote.ts";
import { flipOver, padWith, sliceAxis } from "./shaping.ts";

/**
 * All products of an element of x1 (rows) and one of x2 (columns), both flat.
 *
 * @example
 * await ops.outer([1, 2], [3, 4]).array(); // [[3, 4], [6, 8]]
 */
export const outer: PublicOp<Binary> = publicBinary("outer", (x1, x2) => {
  const [a, b] = promoteTensors("outer", x1, x2);
  return multiply(reshapeTo(a, [a.size, 1]), reshapeTo(b, [1, b.size]));
});

/**
 * The sums of products over the last axis of both.
 *
 * @throws {ShapeError} If these differ.
 * @example
 * await ops.inner([1, 2], [3, 4]).item(); // 11
 */
export const inner: PublicOp<Binary> = publicBinary("inner", (x1, x2) => {
  const [a, b] = promoteTensors("inner", x1, x2);
  if (a.ndim === 0 || b.ndim === 0) return multiply(a, b);
  if (dimAt(a.shape, -1) !== dimAt(b.shape, -1)) {
    throw new ShapeError(
      `inner: last axes differ: ${formatShape(a.shape)} and ${formatShape(b.shape)} ` +
        `(${dimAt(a.shape, -1)} vs ${dimAt(b.shape, -1)}).`,
      { op: "inner", shapes: [a.shape, b.shape] },
    );
  }
  if (a.ndim === 1 && b.ndim === 1) return castTo(matmul(a, b), a.dtype);
  const isBool = a.dtype === "bool";
  const sums = tensordot(isBool ? castTo(a, "int32") : a, isBool ? castTo(b, "int32") : b, {
    axes: [[-1], [-1]],
  });
  return isBool ? castTo(sums, "bool") : sums;
});

/**
 * The sum of products of all elements, both flat.
 *
 * @throws {ShapeError} If the sizes differ.
 * @example
 * await ops.vdot([[1], [2]], [3, 4]).item(); // 11
 */
export const vdot: PublicOp<Binary> = publicBinary("vdot", (x1, x2) => {
  const [a, b] = promoteTensors("vdot", x1, x2);
  if (a.size !== b.size) {
    throw new ShapeError(
      `vdot: shapes ${formatShape(a.shape)} and ${formatShape(b.shape)} have ${a.size} and ` +
        `${b.size} elements.`,
      { op: "vdot", shapes: [a.shape, b.shape] },
    );
  }
  return castTo(matmul(reshapeTo(a, [a.size]), reshapeTo(b, [b.size])), a.dtype);
});

/**
 * Each element of x1 times all of x2, as blocks.
 *
 * @example
 * await ops.kron([1, 10], [1, 2]).array(); // [1, 2, 10, 20]
 */
export const kron: PublicOp<Binary> = publicBinary("kron", (x1, x2) => {
  const [a, b] = promoteTensors("kron", x1, x2);
  const rank = Math.max(a.ndim, b.ndim);
  const full = (x: Tensor): number[] => [...new Array<number>(rank - x.ndim).fill(1), ...x.shape];
  const left = full(a);
  const right = full(b);
  const blocks = multiply(
    reshapeTo(
      a,
      left.flatMap((dim) => [dim, 1]),
    ),
    reshapeTo(
      b,
      right.flatMap((dim) => [1, dim]),
    ),
  );
  return reshapeTo(
    blocks,
    left.map((dim, i) => dim * (right[i] as number)),
  );
});

/** Options of `cross`. */
export interface CrossOptions {
  /** The axis of x1 with its vectors. */
  axisa?: number | undefined;
  /** The axis of x2 with its vectors. */
  axisb?: number | undefined;
  /** The axis of the result with its vectors. */
  axisc?: number | undefined;
  /** All three. */
  axis?: number | null | undefined;
}

/**
 * The cross product of vectors of 2 or 3 elements (the third then counts as
 * 0); of two elements both, the third component alone.
 *
 * @throws {ShapeError} For vectors of any other length.
 * @example
 * await ops.cross([1, 0, 0], [0, 1, 0]).array(); // [0, 0, 1]
 */
export const cross: PublicOp<(x1: TensorLike, x2: TensorLike, options?: CrossOptions) => Tensor> =
  publicOp(
    "keras.ops.cross",
    { x1: tensorArgument, x2: tensorArgument, axisa: -1, axisb: -1, axisc: -1, axis: null },
    (x1, x2, { axisa = -1, axisb = -1, axisc = -1, axis } = {}) => {
      const [a, b] = promoteTensors("cross", x1, x2);
      const left = components(a, axis ?? axisa);
      const right = components(b, axis ?? axisb);
      const shape = broadcastShapes("cross", (left[0] as Tensor).shape, (right[0] as Tensor).shape);
      const zero = scalar(0, a.dtype);
      const [x, y, z = zero] = left as [Tensor, Tensor, Tensor?];
      const [u, v, w = zero] = right as [Tensor, Tensor, Tensor?];
      const third = subtract(multiply(x, v), multiply(y, u));
      if (left.length === 2 && right.length === 2) return third;
      const parts = [
        subtract(multiply(y, w), multiply(z, v)),
        subtract(multiply(z, u), multiply(x, w)),
        third,
      ].map((part) => broadcastOver(part, shape));
      return stack(parts, { axis: axis ?? axisc });
    },
  );

function components(x: Tensor, axis: number): Tensor[] {
  const along = normalizeAxis("cross", axis, x.ndim);
  const length = x.shape[along] as number;
  if (length !== 2 && length !== 3) {
    throw new ShapeError(
      `cross: expected vectors of 2 or 3 elements along axis ${axis}, got shape ` +
        `${formatShape(x.shape)}.`,
      { op: "cross", shapes: [x.shape] },
    );
  }
  const rest = x.shape.filter((_, i) => i !== along);
  return Array.from({ length }, (_, i) => reshapeTo(sliceAxis(x, along, i, i + 1), rest));
}

/** Options of `correlate`. */
export interface CorrelateOptions {
  /** `"valid"`: where they overlap wholly; `"same"`: as long as the longer; `"full"`: wherever they overlap. */
  mode?: "valid" | "same" | "full" | undefined;
}

/**
 * The sums of products of two vectors, for each shift of the one against the other.
 *
 * @example
 * await ops.correlate([1, 2, 3], [1, 1]).array(); // [3, 5]
 */
export const correlate: PublicOp<
  (x1: TensorLike, x2: TensorLike, options?: CorrelateOptions) => Tensor
> = publicOp(
  "keras.ops.correlate",
  { x1: tensorArgument, x2: tensorArgument, mode: "valid" },
  (x1, x2, { mode = "valid" } = {}) => {
    if (mode !== "valid" && mode !== "same" && mode !== "full") {
      throw new ArgumentError(
        `correlate: mode must be "valid", "same" or "full", got ${describe(mode)}.`,
        { op: "correlate" },
      );
    }
    const promoted = promotedDType("correlate", [x1, x2]);
    const dtype = promoted === "int64" ? "float64" : isFloat(promoted) ? promoted : "float32";
    const a = toTensor("correlate", x1, dtype);
    const b = toTensor("correlate", x2, dtype);
    if (a.ndim !== 1 || b.ndim !== 1 || a.size === 0 || b.size === 0) {
      throw new ShapeError(
        `correlate: expected two vectors, got ${formatShape(a.shape)} and ${formatShape(b.shape)}.`,
        { op: "correlate", shapes: [a.shape, b.shape] },
      );
    }
    // The shorter one slides along the longer; swapped, the shifts count backwards.
    const isSwapped = b.size > a.size;
    const [long, short] = isSwapped ? [b, a] : [a, b];
    const n = short.size;
    const low = mode === "valid" ? 0 : mode === "full" ? n - 1 : Math.floor(n / 2);
    const high = mode === "valid" ? 0 : n - 1 - (mode === "full" ? 0 : low);
    const padded = padWith(long, 0, [low], [mode === "full" ? n - 1 : high]);
    const sums = conv(reshapeTo(padded, [1, padded.size, 1]), reshapeTo(short, [n, 1, 1]));
    const flat = reshapeTo(sums, [sums.size]);
    return isSwapped ? flipOver(flat, [0]) : flat;
  },
);
