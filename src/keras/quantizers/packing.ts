/**
 * Several small integers in one byte.
 *
 * @module
 */
import * as ops from "../../ops/index.ts";
import { type TensorLike, toTensor } from "../../ops/promote.ts";
import {
  type PublicOp,
  publicOp,
  requiredArgument,
  tensorArgument,
} from "../../tensor/public-op.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { ArgumentError, DTypeError, describe } from "../../util/errors.ts";
import { normalizeAxis } from "../../util/shapes.ts";

/** Options of the functions that pack and unpack integers. */
export interface PackOptions {
  /** The axis along which neighbours share a byte. */
  axis?: number | undefined;
  /** `"int8"` for signed integers, `"uint8"` for others. */
  dtype?: string | undefined;
}

/** The bytes, their shape, and the length of the axis before. */
export type Packed = [packed: Tensor, packedShape: number[], originalLength: number];

type Byte = "int8" | "uint8";

function checkByte(op: string, dtype: unknown): Byte {
  if (dtype !== "int8" && dtype !== "uint8") {
    throw new ArgumentError(`${op}: dtype must be "int8" or "uint8", got ${describe(dtype)}.`, {
      op,
    });
  }
  return dtype;
}

function checkBytes(op: string, x: Tensor, allowed: readonly Byte[]): Tensor {
  if (!(allowed as readonly string[]).includes(x.dtype)) {
    throw new DTypeError(
      `${op}: expected a tensor of ${allowed.join(" or ")}, got ${x.dtype}. Cast it with ops.cast.`,
      { op, dtypes: [x.dtype] },
    );
  }
  return x;
}

/** Bytes of an array, which has no dtype of its own, or of a tensor of the right dtype. */
function bytesOf(op: string, given: TensorLike, allowed: readonly Byte[]): Tensor {
  return given instanceof Tensor || !Array.isArray(given)
    ? checkBytes(op, toTensor(op, given), allowed)
    : toTensor(op, given, allowed[0] as Byte);
}

/** Packs groups of `count` neighbours along an axis; missing ones are zeros. */
function pack(
  op: string,
  x: Tensor,
  axis: number,
  count: number,
  combine: (fields: readonly Tensor[]) => Tensor,
): Packed {
  const along = normalizeAxis(op, axis, x.ndim);
  const first = ops.moveaxis(x, along, 0);
  const [length, ...rest] = first.shape as readonly [number, ...number[]];
  const groups = Math.ceil(length / count);
  const missing = groups * count - length;
  const padded =
    missing === 0
      ? first
      : ops.concatenate([first, ops.zeros([missing, ...rest], { dtype: x.dtype })]);
  const fields = ops.unstack(ops.reshape(padded, [groups, count, ...rest]), { axis: 1 });
  const packed = ops.moveaxis(combine(fields), 0, along);
  return [packed, [...packed.shape], length];
}

/** What `pack` undoes: `split` gives the fields of the bytes. */
function unpack(
  op: string,
  packed: Tensor,
  length: number,
  axis: number,
  split: (bytes: Tensor) => readonly Tensor[],
): Tensor {
  const along = normalizeAxis(op, axis, packed.ndim);
  const first = ops.moveaxis(packed, along, 0);
  const fields = split(first);
  const [groups, ...rest] = first.shape as readonly [number, ...number[]];
  const all = ops.reshape(ops.stack(fields, { axis: 1 }), [groups * fields.length, ...rest]);
  return ops.moveaxis(ops.getItem(all, { stop: length }), 0, along);
}

type PackIntegers = (arr: TensorLike, options?: PackOptions) => Packed;
type UnpackIntegers = (packed: TensorLike, origLen: number, options?: PackOptions) => Tensor;

/** Integers of `bits` bits, the first in the lowest bits. */
function integerPacking(bits: 2 | 4): [PublicOp<PackIntegers>, PublicOp<UnpackIntegers>] {
  const count = 8 / bits;
  const mask = 2 ** bits - 1;
  const signBit = 2 ** (bits - 1);
  const shifts = Array.from({ length: count }, (_, i) => i * bits);
  const [packName, unpackName] = [`pack_int${bits}`, `unpack_int${bits}`];

  const packIntegers = publicOp(
    `keras.quantizers.${packName}`,
    { arr: tensorArgument, axis: 0, dtype: "int8" },
    (arr: TensorLike, { axis = 0, dtype = "int8" }: PackOptions = {}): Packed => {
      const x = bytesOf(packName, arr, [checkByte(packName, dtype)]);
      return pack(packName, x, axis, count, (fields) =>
        fields
          .map((field, i) => ops.leftShift(ops.bitwiseAnd(field, mask), shifts[i] as number))
          .reduce((a, b) => ops.bitwiseOr(a, b)),
      );
    },
  );
  const unpackIntegers = publicOp(
    `keras.quantizers.${unpackName}`,
    { packed: tensorArgument, orig_len: requiredArgument, axis: 0, dtype: "int8" },
    (
      packed: TensorLike,
      origLen: number,
      { axis = 0, dtype = "int8" }: PackOptions = {},
    ): Tensor => {
      const as = checkByte(unpackName, dtype);
      return unpack(
        unpackName,
        bytesOf(unpackName, packed, ["int8", "uint8"]),
        origLen,
        axis,
        (x) =>
          shifts.map((shift) => {
            const field = ops.cast(ops.bitwiseAnd(ops.rightShift(x, shift), mask), as);
            // The sign bit counts negative: (f ^ s) - s.
            return as === "uint8" ? field : ops.subtract(ops.bitwiseXor(field, signBit), signBit);
          }),
      );
    },
  );
  return [packIntegers, unpackIntegers];
}

const int4 = integerPacking(4);
const int2 = integerPacking(2);

/**
 * Two 4-bit integers in each byte, the first in its low half.
 *
 * @param arr Integers from -8 to 7, or from 0 to 15 with `dtype: "uint8"`.
 * @param options.axis The axis along which neighbours share a byte (default: 0).
 * @returns The bytes, their shape, and the length of the axis before.
 * @throws {DTypeError} If `arr` is a tensor of another dtype.
 * @example
 * const [packed, shape, length] = quantizers.packInt4([-3, 2, 1]);
 * await packed.array(); // [45, 1]
 * [shape, length]; // [[2], 3]
 */
export const packInt4: PublicOp<PackIntegers> = int4[0];
/**
 * The 4-bit integers in bytes of `packInt4`.
 *
 * @param origLen The length of the axis before.
 * @example
 * const packed = tensor([45, 1], { dtype: "int8" });
 * await quantizers.unpackInt4(packed, 3).array(); // [-3, 2, 1]
 */
export const unpackInt4: PublicOp<UnpackIntegers> = int4[1];
/**
 * Four 2-bit integers in each byte, the first in its lowest bits.
 *
 * @param arr Integers from -2 to 1, or from 0 to 3 with `dtype: "uint8"`.
 * @param options.axis The axis along which neighbours share a byte (default: 0).
 * @returns The bytes, their shape, and the length of the axis before.
 * @throws {DTypeError} If `arr` is a tensor of another dtype.
 * @example
 * const [packed, shape, length] = quantizers.packInt2([-2, 0, 1, 0, -1]);
 * await packed.array(); // [18, 3]
 * [shape, length]; // [[2], 5]
 */
export const packInt2: PublicOp<PackIntegers> = int2[0];
/**
 * The 2-bit integers in bytes of `packInt2`.
 *
 * @param origLen The length of the axis before.
 * @example
 * const packed = tensor([18, 3], { dtype: "int8" });
 * await quantizers.unpackInt2(packed, 5).array(); // [-2, 0, 1, 0, -1]
 */
export const unpackInt2: PublicOp<UnpackIntegers> = int2[1];

/** Five digits of base 3 make at most 242: one byte. */
const places = [1, 3, 9, 27, 81];

/**
 * Five numbers of -1, 0 and 1 in each byte (uint8), as digits of base 3.
 *
 * @param arr Numbers of any dtype; they are rounded and clipped to -1 and 1.
 * @param options.axis The axis along which neighbours share a byte (default: 0).
 * @returns The bytes, their shape, and the length of the axis before.
 * @example
 * const [packed, shape, length] = quantizers.packTernary([1, -1, 0, 1, -1, 1]);
 * await packed.array(); // [65, 122]
 * [shape, length]; // [[2], 6]
 */
export const packTernary: PublicOp<
  (arr: TensorLike, options?: { axis?: number | undefined }) => Packed
> = publicOp(
  "keras.quantizers.pack_ternary",
  { arr: tensorArgument, axis: 0 },
  (arr: TensorLike, { axis = 0 }: { axis?: number | undefined } = {}): Packed => {
    const name = "pack_ternary";
    const trits = ops.clip(ops.cast(ops.round(toTensor(name, arr)), "int32"), -1, 1);
    return pack(name, trits, axis, places.length, (fields) =>
      ops.cast(
        fields
          .map((field, i) => ops.multiply(ops.add(field, 1), places[i] as number))
          .reduce((a, b) => ops.add(a, b)),
        "uint8",
      ),
    );
  },
);

/**
 * The numbers of -1, 0 and 1 (int8) in bytes of `packTernary`.
 *
 * @param origLen The length of the axis before.
 * @throws {DTypeError} If `packed` is a tensor of another dtype than uint8 and int8.
 * @example
 * const packed = tensor([65, 122], { dtype: "uint8" });
 * await quantizers.unpackTernary(packed, 6).array(); // [1, -1, 0, 1, -1, 1]
 */
export const unpackTernary: PublicOp<
  (packed: TensorLike, origLen: number, options?: { axis?: number | undefined }) => Tensor
> = publicOp(
  "keras.quantizers.unpack_ternary",
  { packed: tensorArgument, orig_len: requiredArgument, axis: 0 },
  (
    packed: TensorLike,
    origLen: number,
    { axis = 0 }: { axis?: number | undefined } = {},
  ): Tensor => {
    const name = "unpack_ternary";
    const bytes = bytesOf(name, packed, ["uint8", "int8"]);
    return unpack(name, bytes, origLen, axis, (x) => {
      // Bytes above 127 are negative as int8.
      const codes = ops.bitwiseAnd(ops.cast(x, "int32"), 255);
      return places.map((place) =>
        ops.cast(ops.subtract(ops.mod(ops.floorDivide(codes, place), 3), 1), "int8"),
      );
    });
  },
);
