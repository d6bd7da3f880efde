/**
 * The dtypes, their sizes, and Keras's promotion lattice.
 *
 * @module
 */
import { ArgumentError, DTypeError, describe, UnsupportedError } from "./errors.ts";

/** In the order of the plan format (`native/kernel.h`). */
export const dtypes = [
  "bool",
  "uint8",
  "int8",
  "uint16",
  "int16",
  "uint32",
  "int32",
  "uint64",
  "int64",
  "float16",
  "bfloat16",
  "float32",
  "float64",
] as const;

/** A dtype that a tensor can have. */
export type DType = (typeof dtypes)[number];

/** The typed array that holds the elements of a dtype. */
export type TypedArrayOf<D extends DType> = D extends "bool" | "uint8"
  ? Uint8Array
  : D extends "int8"
    ? Int8Array
    : D extends "uint16"
      ? Uint16Array
      : D extends "int16"
        ? Int16Array
        : D extends "uint32"
          ? Uint32Array
          : D extends "int32"
            ? Int32Array
            : D extends "uint64"
              ? BigUint64Array
              : D extends "int64"
                ? BigInt64Array
                : D extends "float64"
                  ? Float64Array
                  : Float32Array;

/** Any array that a tensor's data can come in. */
export type TypedArray =
  | Uint8Array
  | Uint8ClampedArray
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

const ids = new Map<string, number>(dtypes.map((dtype, i) => [dtype, i]));
const sizes = [1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 2, 4, 8] as const;

/** The number of a dtype in plans and kernels. */
export function dtypeId(dtype: DType): number {
  return ids.get(dtype) as number;
}

/** Bytes of one element. */
export function itemSize(dtype: DType): number {
  return sizes[dtypeId(dtype)] as number;
}

/** Whether `value` names a dtype. */
export function isDType(value: unknown): value is DType {
  return typeof value === "string" && ids.has(value);
}

/** What Keras has beside our own dtypes. */
const kerasOnly: ReadonlySet<string> = new Set([
  "string",
  "complex64",
  "complex128",
  "float8_e4m3fn",
  "float8_e5m2",
]);

/**
 * The dtype that a user named: `"int"` is int32 and `"float"` is
 * `floatName`, as in Keras.
 *
 * @throws {DTypeError} If there is no such dtype.
 * @throws {UnsupportedError} If only Keras has it.
 */
export function standardizeDType(value: unknown, floatName: DType): DType {
  if (value === undefined || value === null || value === "float") return floatName;
  if (value === "int") return "int32";
  if (isDType(value)) return value;
  if (typeof value === "string" && kerasOnly.has(value)) {
    throw new UnsupportedError(`The dtype ${value} of Keras is not supported.`, {
      dtypes: [value],
    });
  }
  throw new DTypeError(`No such dtype: ${describe(value)}. Expected one of ${dtypes.join(", ")}.`);
}

/** float16, bfloat16, float32 or float64. */
export function isFloat(dtype: string): boolean {
  return dtype.startsWith("float") || dtype === "bfloat16";
}

/** A signed or unsigned integer. */
export function isInteger(dtype: string): boolean {
  return dtype.startsWith("int") || dtype.startsWith("uint");
}

/** float16 or bfloat16. */
export function isHalf(dtype: string): boolean {
  return dtype === "float16" || dtype === "bfloat16";
}

/** What values of a dtype are computed in: float64 in itself, all else in float32. */
export function computedIn(dtype: DType): "float32" | "float64" {
  return dtype === "float64" ? "float64" : "float32";
}

/** float64, int64 or uint64. */
export function isWide(dtype: string): boolean {
  return dtype.endsWith("64");
}

/** The binary digits of every number that a dtype holds exactly. */
const digits: Readonly<Record<string, number>> = {
  bool: 1,
  float16: 11,
  bfloat16: 8,
  float32: 24,
  float64: 53,
};

function digitsOf(dtype: DType): number {
  return digits[dtype] ?? 8 * itemSize(dtype) - (dtype.startsWith("uint") ? 0 : 1);
}

/** Whether `dtype` has every value of `other`. */
export function holdsAll(dtype: DType, other: DType): boolean {
  if (dtype === other) return true;
  if (isFloat(other)) return isFloat(dtype) && !isHalf(dtype) && itemSize(dtype) > itemSize(other);
  const isSigned = other.startsWith("int");
  if (isSigned && (dtype.startsWith("uint") || dtype === "bool")) return false;
  return digitsOf(dtype) >= digitsOf(other);
}

const floatRanges: Readonly<Record<string, number>> = {
  float16: 65504,
  // (2 - 2⁻⁷) · 2¹²⁷ and (2 - 2⁻²³) · 2¹²⁷.
  bfloat16: (2 - 2 ** -7) * 2 ** 127,
  float32: (2 - 2 ** -23) * 2 ** 127,
  float64: Number.MAX_VALUE,
};

/** The smallest and the largest finite value of a dtype (of 64-bit integers, rounded). */
export function rangeOf(dtype: DType): readonly [low: number, high: number] {
  const largest = floatRanges[dtype];
  if (largest !== undefined) return [-largest, largest];
  if (dtype === "bool") return [0, 1];
  const bits = 8 * itemSize(dtype);
  return dtype.startsWith("u") ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
}

/** A Python scalar's dtype: weaker than that of any tensor of its kind. */
export type WeakDType = "int" | "float";

/** What promotion takes. */
export type PromotionDType = DType | WeakDType;

// Each dtype and those directly above it; the join of two is their least
// common upper bound. Source: keras/src/backend/common/dtypes.py (the lattice
// of JAX's type promotion).
const above: Readonly<Record<PromotionDType, readonly PromotionDType[]>> = {
  bool: ["int"],
  int: ["uint8", "int8"],
  uint8: ["int16", "uint16"],
  uint16: ["int32", "uint32"],
  uint32: ["int64", "uint64"],
  uint64: ["float"],
  int8: ["int16"],
  int16: ["int32"],
  int32: ["int64"],
  int64: ["float"],
  float: ["bfloat16", "float16"],
  bfloat16: ["float32"],
  float16: ["float32"],
  float32: ["float64"],
  float64: [],
};

const upperBounds = new Map<PromotionDType, ReadonlySet<PromotionDType>>();

function boundsOf(dtype: PromotionDType): ReadonlySet<PromotionDType> {
  let bounds = upperBounds.get(dtype);
  if (bounds === undefined) {
    bounds = new Set([dtype, ...above[dtype].flatMap((up) => [...boundsOf(up)])]);
    upperBounds.set(dtype, bounds);
  }
  return bounds;
}

const joins = new Map<string, PromotionDType>();

function join(a: PromotionDType, b: PromotionDType): PromotionDType {
  if (a === b) return a;
  const key = `${a} ${b}`;
  let result = joins.get(key);
  if (result === undefined) {
    const common = [...boundsOf(a)].filter((dtype) => boundsOf(b).has(dtype));
    // The least: the one below all others.
    result = common.find((dtype) => common.every((other) => boundsOf(dtype).has(other)));
    if (result === undefined) throw new DTypeError(`No common dtype of ${a} and ${b}.`);
    joins.set(key, result);
  }
  return result;
}

/**
 * The dtype of a computation on `inputs`, as `keras.backend.result_type`
 * gives it: tensors of one dtype keep it; Python scalars (`"int"`, `"float"`)
 * bend to the tensors; alone they become int32 and `floatName`.
 */
export function resultType(inputs: readonly PromotionDType[], floatName: DType): DType {
  const [first, ...rest] = inputs;
  if (first === undefined) {
    throw new ArgumentError("resultType: expected at least one dtype, got none.");
  }
  let result = first;
  for (const dtype of rest) result = join(result, dtype);
  if (result === "int") return "int32";
  // Weak floats take the precision of floatx.
  if (result === "float") return floatName;
  return result;
}

type ArrayConstructor = {
  new (length: number): TypedArray;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): TypedArray;
};

const arrays: readonly ArrayConstructor[] = [
  Uint8Array,
  Uint8Array,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  BigUint64Array,
  BigInt64Array,
  Uint16Array,
  Uint16Array,
  Float32Array,
  Float64Array,
];

/** An array over the stored bytes; halves are stored as Uint16Array. */
export function storedArray(dtype: DType, buffer: ArrayBufferLike): TypedArray {
  const Constructor = arrays[dtypeId(dtype)] as ArrayConstructor;
  return new Constructor(buffer);
}

/** A zeroed array of the stored form. */
export function newStoredArray(dtype: DType, length: number): TypedArray {
  const Constructor = arrays[dtypeId(dtype)] as ArrayConstructor;
  return new Constructor(length);
}

/** The dtype that a typed array holds. */
export function dtypeOfArray(array: TypedArray): DType {
  if (array instanceof Float32Array) return "float32";
  if (array instanceof Int32Array) return "int32";
  if (array instanceof Uint8Array || array instanceof Uint8ClampedArray) return "uint8";
  if (array instanceof Float64Array) return "float64";
  if (array instanceof Int8Array) return "int8";
  if (array instanceof Uint16Array) return "uint16";
  if (array instanceof Int16Array) return "int16";
  if (array instanceof Uint32Array) return "uint32";
  if (array instanceof BigInt64Array) return "int64";
  return "uint64";
}

/** Whether `value` is a typed array that a tensor can hold. */
export function isTypedArray(value: unknown): value is TypedArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}
