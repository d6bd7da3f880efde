/**
 * Tensors from JavaScript values.
 *
 * @module
 */
import type { Backend } from "../runtime/backend.ts";
import { currentBackend } from "../runtime/device.ts";
import { floatx } from "../runtime/precision.ts";
import { Storage } from "../runtime/storage.ts";
import {
  type DType,
  dtypeOfArray,
  isFloat,
  isTypedArray,
  newStoredArray,
  standardizeDType,
  type TypedArray,
} from "../util/dtypes.ts";
import {
  ArgumentError,
  DTypeError,
  describe,
  formatShape,
  ShapeError,
  UnsupportedError,
} from "../util/errors.ts";
import { toBFloat16Bits, toFloat16Bits } from "../util/half.ts";
import { checkShape, type Shape, sizeOf } from "../util/shapes.ts";
import { state } from "./context.ts";
import { Tensor } from "./tensor.ts";

/** A Python float of integral value, where a bare number would count as an int. */
export class WeakFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** Numbers, booleans, bigints, and arrays of them, nested to any depth. */
export type ArrayLike = number | bigint | boolean | TypedArray | readonly ArrayLike[];

/** What ops take where Keras takes a tensor. */
export type TensorLike = Tensor | ArrayLike;

/** Options of `tensor`. */
export interface TensorOptions {
  /** Default: that of a typed array; float32, of booleans bool, of bigints int64. */
  dtype?: DType | "float" | "int" | undefined;
  /** Default: that of the nesting. */
  shape?: Shape | undefined;
}

/** @throws {UnsupportedError} If the backend has no such dtype. */
export function checkDType(backend: Backend, dtype: DType, op: string): void {
  if (!backend.dtypes.has(dtype)) {
    throw new UnsupportedError(
      `${op}: the device "${backend.name}" has no ${dtype}. ` +
        `It has ${[...backend.dtypes].join(", ")}; cast to one of them.`,
      { op, dtypes: [dtype] },
    );
  }
}

/** @internal A tensor on the current device, its elements given in stored form. */
export function fromStored(stored: TypedArray, shape: Shape, dtype: DType): Tensor {
  const backend = currentBackend();
  checkDType(backend, dtype, "tensor");
  const storage = new Storage(backend, stored.byteLength);
  backend.create(storage, stored);
  return new Tensor(shape, dtype, storage, null);
}

/** What was found in nested JavaScript values. */
interface Flattened {
  readonly values: readonly (number | bigint | boolean)[] | TypedArray;
  readonly shape: Shape;
  readonly kind: "bool" | "int" | "float" | "bigint" | DType;
}

/**
 * Nested values as a flat list and a shape.
 *
 * @throws {ShapeError} If rows differ in length.
 * @throws {DTypeError} If there is anything but numbers, booleans and bigints.
 */
export function flattenArray(value: unknown, what: string): Flattened {
  if (isTypedArray(value))
    return { values: value, shape: [value.length], kind: dtypeOfArray(value) };
  const values: (number | bigint | boolean)[] = [];
  const shape: number[] = [];
  for (let at: unknown = value; Array.isArray(at) || isTypedArray(at); at = at[0]) {
    shape.push(at.length);
    if (at.length === 0) break;
  }
  let bools = 0;
  let bigints = 0;
  let integral = true;
  const visit = (at: unknown, axis: number): void => {
    if (Array.isArray(at) || isTypedArray(at)) {
      if (axis >= shape.length || at.length !== shape[axis]) {
        throw new ShapeError(
          `${what}: rows differ in length: expected ${formatShape(shape)} throughout, ` +
            `found an array of ${at.length} at depth ${axis}. Pad the rows to one length.`,
          { op: what, shapes: [shape] },
        );
      }
      for (const item of at) visit(item, axis + 1);
      return;
    }
    if (axis < shape.length) {
      throw new ShapeError(
        `${what}: rows differ in depth: found ${describe(at)} where an array of ` +
          `${shape[axis]} was expected.`,
        { op: what, shapes: [shape] },
      );
    }
    if (typeof at === "boolean") bools++;
    else if (typeof at === "bigint") bigints++;
    else if (typeof at === "number") integral &&= Number.isInteger(at);
    else if (at instanceof WeakFloat) {
      integral = false;
      values.push(at.value);
      return;
    } else {
      throw new DTypeError(`${what}: expected numbers, booleans or bigints, got ${describe(at)}.`, {
        op: what,
      });
    }
    values.push(at);
  };
  visit(value, 0);
  const kind =
    values.length === 0
      ? "float"
      : bools === values.length
        ? "bool"
        : bigints > 0
          ? "bigint"
          : integral
            ? "int"
            : "float";
  return { values, shape, kind };
}

/** Values as the stored bytes of a dtype. @throws {DTypeError} For a bigint that does not fit. */
export function toStored(
  values: readonly (number | bigint | boolean)[] | TypedArray,
  dtype: DType,
): TypedArray {
  const length = values.length;
  const stored = newStoredArray(dtype, length);
  if (isTypedArray(values) && !isBig(values) && dtype === dtypeOfArray(values)) {
    stored.set(values as never);
    return stored;
  }
  if (stored instanceof BigInt64Array || stored instanceof BigUint64Array) {
    for (let i = 0; i < length; i++) {
      const value = values[i] as number | bigint | boolean;
      stored[i] = typeof value === "bigint" ? value : BigInt(Math.trunc(Number(value)));
    }
    return stored;
  }
  const convert =
    dtype === "float16"
      ? toFloat16Bits
      : dtype === "bfloat16"
        ? toBFloat16Bits
        : dtype === "bool"
          ? (value: number) => (value !== 0 ? 1 : 0)
          : null;
  for (let i = 0; i < length; i++) {
    const value = Number(values[i]);
    stored[i] = convert === null ? value : convert(value);
  }
  return stored;
}

function isBig(values: TypedArray): boolean {
  return values instanceof BigInt64Array || values instanceof BigUint64Array;
}

/**
 * A tensor of the given values, which are copied.
 *
 * Numbers give float32, so that literals differentiate; booleans bool,
 * bigints int64, a typed array its own dtype.
 *
 * @throws {ShapeError} If rows differ in length, or `shape` does not fit.
 * @throws {DTypeError} If there is no such dtype.
 * @example
 * await tensor([[1, 2], [3, 4]]).array(); // [[1, 2], [3, 4]]
 * tensor(new Int32Array(6), { shape: [2, 3] }).shape; // [2, 3]
 */
export function tensor(value: TensorLike, options: TensorOptions = {}): Tensor {
  if (value instanceof Tensor) {
    throw new ArgumentError("tensor: this is a tensor already. Use ops.cast or ops.reshape.");
  }
  const { values, shape: found, kind } = flattenArray(value, "tensor");
  const byDefault: DType =
    kind === "float" || kind === "int" ? floatx() : kind === "bigint" ? "int64" : kind;
  const dtype = options.dtype === undefined ? byDefault : standardizeDType(options.dtype, floatx());
  return make(values, options.shape ?? found, dtype, "tensor");
}

/**
 * A tensor of the given values with Python's dtypes: all integral int32, else
 * floatx. This is what ops do with JavaScript arrays.
 */
export function convertArray(value: ArrayLike, dtype: DType | undefined, what: string): Tensor {
  const { values, shape, kind } = flattenArray(value, what);
  const byDefault: DType =
    kind === "float" ? floatx() : kind === "int" ? "int32" : kind === "bigint" ? "int64" : kind;
  return make(values, shape, dtype ?? byDefault, what);
}

function make(values: Flattened["values"], shape: Shape, dtype: DType, what: string): Tensor {
  checkShape(what, shape);
  if (sizeOf(shape) !== values.length) {
    throw new ShapeError(
      `${what}: ${values.length} values do not fill shape ${formatShape(shape)} ` +
        `(${sizeOf(shape)} elements).`,
      { op: what, shapes: [shape] },
    );
  }
  return fromStored(toStored(values, dtype), [...shape], dtype);
}

/** Scalars that eager code has used lately, so that `x + 2` does not make a tensor each time. */
const scalars = new Map<Backend, Map<string, Tensor>>();
const maxScalars = 256;

/** A constant of rank 0: in a trace a constant of the program. */
export function scalar(value: number | bigint | boolean, dtype: DType): Tensor {
  const number = typeof value === "boolean" ? Number(value) : value;
  if (state.tracer !== null) return state.tracer.constant({ shape: [], dtype }, number);
  const backend = currentBackend();
  let known = scalars.get(backend);
  if (known === undefined) {
    known = new Map();
    scalars.set(backend, known);
  }
  // -0 and 0 are written alike.
  const key = `${dtype} ${Object.is(number, -0) ? "-0" : number}`;
  const found = known.get(key);
  if (found !== undefined && !found.isDisposed) return found;
  const { scope } = state;
  state.scope = null;
  try {
    if (known.size >= maxScalars) known.delete(known.keys().next().value as string);
    const made = fromStored(toStored([number], dtype), [], dtype);
    known.set(key, made);
    return made;
  } finally {
    state.scope = scope;
  }
}

/**
 * A weak Python float: `ops.add(intTensor, asFloat(2))` is a float, where
 * `ops.add(intTensor, 2)` is an integer.
 *
 * @example
 * ops.add(tensor([1], { dtype: "int32" }), asFloat(2)).dtype; // "float32"
 */
export function asFloat(value: number): WeakFloat {
  return new WeakFloat(value);
}

/** Whether a plain value counts as a Python float. */
export function isPythonFloat(value: number | bigint | boolean | WeakFloat): boolean {
  return value instanceof WeakFloat || (typeof value === "number" && !Number.isInteger(value));
}

/** Bits of a value in stored form, for constants of plans. */
export function scalarBytes(value: number | bigint, dtype: DType): Uint8Array {
  const stored = toStored([isFloat(dtype) ? Number(value) : value], dtype);
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}
