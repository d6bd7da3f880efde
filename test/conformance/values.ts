/**
 * Values of the cases: what their JSON stands for, and comparison with ours.
 *
 * @module
 */

import {
  asFloat,
  ComplexTensor,
  Tensor,
  tensor,
  UnsupportedError,
  Variable,
} from "../../src/index.ts";
import { fromStored } from "../../src/tensor/create.ts";
import {
  type DType,
  isDType,
  isFloat,
  isHalf,
  storedArray,
  type TypedArray,
} from "../../src/util/dtypes.ts";
import { fromBFloat16Bits, fromFloat16Bits } from "../../src/util/half.ts";
import { namedFunction } from "./functions.ts";

/** An array of a case. */
export interface CaseArray {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data?: string;
  readonly values?: readonly string[];
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export type { Json };

/** The one key of a tagged object, or undefined. */
export function tagOf(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const keys = Object.keys(value);
  return keys.length === 1 && (keys[0] as string).startsWith("$") ? keys[0] : undefined;
}

export function isArrayCase(value: unknown): value is { $array: CaseArray } {
  return tagOf(value) === "$array";
}

/** The stored bytes of an array. */
function storedOf(array: CaseArray): ReturnType<typeof storedArray> {
  const dtype = array.dtype;
  if (!isDType(dtype)) {
    throw new UnsupportedError(`dtype ${dtype} is not supported`, { dtypes: [dtype] });
  }
  const bytes = Buffer.from(array.data ?? "", "base64");
  return storedArray(dtype, bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/** The dtype of the parts of complex arrays. */
const partDTypes: Readonly<Record<string, "float32" | "float64">> = {
  complex64: "float32",
  complex128: "float64",
};

/** Real and imaginary part of each element of a complex array, flat. */
function interleavedOf(array: CaseArray): number[] | null {
  const dtype = partDTypes[array.dtype];
  return dtype === undefined ? null : elements(dtype, storedOf({ ...array, dtype })).map(Number);
}

/** The complex tensor of parts side by side, of the shape and dtype of an array. */
function complexOf(interleaved: readonly number[], array: CaseArray): ComplexTensor {
  const dtype = partDTypes[array.dtype] as "float32" | "float64";
  const part = (at: number): Tensor =>
    tensor(
      interleaved.filter((_, i) => i % 2 === at),
      { shape: array.shape, dtype },
    );
  return new ComplexTensor(part(0), part(1));
}

/** A tensor of an array, complex or not. */
export function toInput(array: CaseArray): Tensor | ComplexTensor {
  const interleaved = interleavedOf(array);
  return interleaved === null ? toTensor(array) : complexOf(interleaved, array);
}

/** A tensor of an array. */
export function toTensor(array: CaseArray): Tensor {
  return fromStored(storedOf(array), [...array.shape], array.dtype as DType);
}

/** The elements of an array of a case, real and imaginary parts of complex ones side by side. */
export function numbersOf(array: CaseArray): number[] {
  return interleavedOf(array) ?? elements(array.dtype, storedOf(array)).map(Number);
}

/** Elements as numbers (bigints for 64-bit integers). */
export function elements(dtype: string, stored: ArrayLike<number | bigint>): (number | bigint)[] {
  if (dtype === "float16") return Array.from(stored as ArrayLike<number>, fromFloat16Bits);
  if (dtype === "bfloat16") return Array.from(stored as ArrayLike<number>, fromBFloat16Bits);
  return Array.from(stored);
}

/** What a JSON value of an argument stands for here. */
export function decode(value: Json, array: (array: CaseArray) => unknown = toInput): unknown {
  if (Array.isArray(value)) return value.map((item) => decode(item, array));
  if (typeof value !== "object" || value === null) return value;
  const object = value as { readonly [key: string]: Json };
  if (typeof object["$fn"] === "string") {
    const fn = namedFunction(object["$fn"]) as (...args: unknown[]) => unknown;
    const first = ((object["over"] ?? []) as Json[]).map((item) => decode(item, array));
    return (...rest: unknown[]) => fn(...first, ...rest);
  }
  switch (tagOf(value)) {
    case "$array":
      return array(object["$array"] as unknown as CaseArray);
    case "$float":
      return decodeFloat(object["$float"] as string);
    case "$tuple":
      return (object["$tuple"] as Json[]).map((item) => decode(item, array));
    case "$dtype":
      return object["$dtype"];
    case "$slice": {
      const [start, stop, step] = object["$slice"] as (number | null)[];
      return { start, stop, step };
    }
    case "$ones": {
      const shape = object["$ones"] as number[];
      return tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1), { shape });
    }
    case "$keras":
      return object;
    default:
      return Object.fromEntries(Object.entries(object).map(([k, v]) => [k, decode(v, array)]));
  }
}

function decodeFloat(text: string): unknown {
  if (text === "nan") return Number.NaN;
  if (text === "inf") return Number.POSITIVE_INFINITY;
  if (text === "-inf") return Number.NEGATIVE_INFINITY;
  return asFloat(Number(text));
}

/** The elements of an array as a plain list. */
export function listOf(array: CaseArray): number[] {
  return elements(array.dtype as DType, toTensor(array).dataSync()).map(Number);
}

/** Every array in a value, depth first. */
export function arraysIn(value: Json): CaseArray[] {
  if (isArrayCase(value)) return [value.$array];
  if (Array.isArray(value)) return value.flatMap(arraysIn);
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(arraysIn);
  return [];
}

/** How far a result may be off. */
export interface Tolerance {
  readonly atol: number;
  readonly rtol: number;
}

/** The format's default, by the dtypes of a case's results. */
export function defaultTolerance(dtypes: Iterable<string>): Tolerance {
  const all = new Set(dtypes);
  if (all.has("bfloat16")) return { atol: 1e-2, rtol: 2e-2 };
  if (all.has("float16")) return { atol: 2e-3, rtol: 2e-3 };
  return { atol: 1e-4, rtol: 1e-4 };
}

/** What holds for a value: the case's tolerance, else that of its own dtype. */
export function toleranceFor(dtype: string, given: Tolerance | undefined): Tolerance {
  return given ?? defaultTolerance([dtype]);
}

/** What a case holds beside its results. */
const inputs = new Set([
  "args",
  "kwargs",
  "inputs",
  "input_masks",
  "call_kwargs",
  "weights",
  "cotangent",
  "y_true",
  "y_pred",
  "sample_weight",
  "mask",
  "updates",
  "variables",
  "steps",
  "input",
  "data",
]);

/** The tolerance of a case: where a result is a half type, that holds for all of them. */
export function toleranceOfCase(test: Readonly<Record<string, unknown>>): Tolerance {
  if (test["tol"] !== undefined) return test["tol"] as Tolerance;
  const results = Object.entries(test).filter(([key]) => !inputs.has(key));
  return defaultTolerance(
    results.flatMap(([, value]) => arraysIn(value as Json)).map(({ dtype }) => dtype),
  );
}

/** Why two values differ; null if they agree. */
export async function difference(
  actual: unknown,
  expected: Json,
  tol: Tolerance | undefined,
  where = "output",
): Promise<string | null> {
  if (expected === null) {
    return actual === null || actual === undefined ? null : `${where}: expected null, got a value`;
  }
  const tag = tagOf(expected);
  if (tag === "$tuple")
    return difference(actual, (expected as { $tuple: Json }).$tuple, tol, where);
  if (tag === "$float") {
    const wanted = decodeFloat((expected as { $float: string }).$float);
    const number = typeof wanted === "number" ? wanted : (wanted as { value: number }).value;
    return differenceOfNumbers(
      [await scalarOf(actual)],
      [number],
      toleranceFor("float32", tol),
      where,
    );
  }
  if (tag === "$dtype")
    return actual === (expected as { $dtype: string }).$dtype
      ? null
      : `${where}: ${String(actual)}`;
  if (isArrayCase(expected)) {
    // What has left the tensors has lost its shape; half types come as float32.
    const { dtype, shape } = expected.$array;
    const isOutside = ArrayBuffer.isView(actual) && isDType(dtype);
    const found = isOutside
      ? tensor(actual as TypedArray, { shape, ...(isHalf(dtype) && { dtype }) })
      : ArrayBuffer.isView(actual) && partDTypes[dtype] !== undefined
        ? complexOf(Array.from(actual as unknown as ArrayLike<number>), expected.$array)
        : actual;
    return differenceOfArray(found, expected.$array, tol, where);
  }
  if (Array.isArray(expected)) {
    // A shape or a list of numbers may come as an array or a tensor.
    if (!Array.isArray(actual)) {
      return actual instanceof Tensor && expected.every((e) => typeof e === "number")
        ? differenceOfNumbers(
            elements(actual.dtype, await actual.data()),
            expected as number[],
            toleranceFor("float32", tol),
            where,
          )
        : `${where}: expected a list of ${expected.length}, got ${describe(actual)}`;
    }
    if (actual.length !== expected.length) {
      return `${where}: expected ${expected.length} items, got ${actual.length}`;
    }
    for (const [i, item] of expected.entries()) {
      const reason = await difference(actual[i], item, tol, `${where}[${i}]`);
      if (reason !== null) return reason;
    }
    return null;
  }
  if (typeof expected === "object") {
    for (const [key, item] of Object.entries(expected)) {
      const own = (actual as Record<string, unknown> | null)?.[key];
      const reason = await difference(own, item, tol, `${where}.${key}`);
      if (reason !== null) return reason;
    }
    return null;
  }
  if (typeof expected === "number") {
    return differenceOfNumbers(
      [await scalarOf(actual)],
      [expected],
      toleranceFor("float32", tol),
      where,
    );
  }
  const own = actual instanceof Tensor ? await actual.item() : actual;
  return own === expected ? null : `${where}: expected ${String(expected)}, got ${describe(own)}`;
}

async function scalarOf(actual: unknown): Promise<number | bigint> {
  if (actual instanceof Tensor) return Number(await actual.item());
  if (actual instanceof Variable) return Number(await actual.value.item());
  return Number(actual);
}

function describe(value: unknown): string {
  return value instanceof Tensor || value instanceof ComplexTensor
    ? `${value.dtype} [${value.shape.join(", ")}]`
    : String(value);
}

async function differenceOfArray(
  given: unknown,
  expected: CaseArray,
  tol: Tolerance | undefined,
  where: string,
): Promise<string | null> {
  const actual = given instanceof Variable ? given.value : given;
  if (!(actual instanceof Tensor || actual instanceof ComplexTensor))
    return `${where}: expected an array, got ${describe(actual)}`;
  if (actual.dtype !== expected.dtype) {
    return `${where}: expected dtype ${expected.dtype}, got ${actual.dtype}`;
  }
  if (actual.shape.join() !== expected.shape.join()) {
    return `${where}: expected shape [${expected.shape.join(", ")}], got [${actual.shape.join(", ")}]`;
  }
  const wanted = interleavedOf(expected) ?? elements(expected.dtype, storedOf(expected));
  return differenceOfNumbers(
    Array.from((await actual.data()) as Iterable<number | bigint>),
    wanted,
    isFloat(expected.dtype) || actual instanceof ComplexTensor
      ? toleranceFor(expected.dtype, tol)
      : { atol: 0, rtol: 0 },
    where,
  );
}

/** Why numbers differ by more than the tolerance. */
export function differenceOfNumbers(
  actual: readonly (number | bigint)[],
  expected: readonly (number | bigint)[],
  { atol, rtol }: Tolerance,
  where: string,
): string | null {
  if (actual.length !== expected.length) {
    return `${where}: expected ${expected.length} numbers, got ${actual.length}`;
  }
  let worst = 0;
  let at = -1;
  for (let i = 0; i < actual.length; i++) {
    const a = actual[i] as number | bigint;
    const e = expected[i] as number | bigint;
    if (a === e || Object.is(Number(a), Number(e))) continue;
    const x = Number(a);
    const y = Number(e);
    const over = Math.abs(x - y) - (atol + rtol * Math.abs(y));
    if (!(over <= 0) && !(over <= worst)) {
      worst = Number.isNaN(over) ? Number.POSITIVE_INFINITY : over;
      at = i;
    }
  }
  return at < 0
    ? null
    : `${where}: element ${at} of ${actual.length} is ${String(actual[at])}, expected ${String(expected[at])}`;
}
