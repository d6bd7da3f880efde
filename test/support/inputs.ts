/**
 * Random inputs for op tests.
 *
 * @module
 */
import { type DType, isFloat } from "../../src/util/dtypes.ts";
import { count } from "./nd.ts";
import type { Random } from "./random.ts";

/** How the values of one input are made. */
export interface InputSpec {
  /** Default: the dtype under test. */
  readonly dtype?: DType;
  /** The values, row-major. `shapes` are those of all inputs of the call. */
  readonly values: (
    random: Random,
    shape: readonly number[],
    dtype: DType,
    shapes: readonly (readonly number[])[],
  ) => number[];
}

/** Values one by one. */
function each(fn: (random: Random, dtype: DType) => number): InputSpec {
  return {
    values: (random, shape, dtype) => Array.from({ length: count(shape) }, () => fn(random, dtype)),
  };
}

/**
 * Values in [low, high]: integers for integer dtypes, 0 or 1 for bool.
 * Unsigned dtypes start at 0.
 */
export function uniform(low = -2, high = 2): InputSpec {
  return each((random, dtype) => {
    if (dtype === "bool") return random.integer(0, 1);
    if (isFloat(dtype)) return random.uniform(low, high);
    const least = dtype.startsWith("uint") ? Math.max(0, low) : low;
    return random.integer(Math.ceil(least), Math.floor(high));
  });
}

/** Values in [low, high] that keep a distance from points where a derivative jumps. */
export function awayFrom(
  points: readonly number[],
  { low = -2, high = 2, distance = 0.05 }: { low?: number; high?: number; distance?: number } = {},
): InputSpec {
  return each((random, dtype) => {
    if (!isFloat(dtype)) return uniform(low, high).values(random, [], dtype, [])[0] as number;
    for (;;) {
      const value = random.uniform(low, high);
      if (points.every((point) => Math.abs(value - point) > distance)) return value;
    }
  });
}

/** Different values in random order, at least `gap` apart: no ties, no kinks of max or sort. */
export function distinct(gap = 0.125): InputSpec {
  return {
    values: (random, shape, dtype) => {
      const size = count(shape);
      const step = isFloat(dtype) ? gap : 1;
      const first = dtype.startsWith("uint") || dtype === "bool" ? 0 : -Math.floor(size / 2);
      return random.permutation(size).map((rank) => (first + rank) * step);
    },
  };
}

/** Integers in [low, high], whatever the dtype. */
export function integers(low: number, high: number, dtype?: DType): InputSpec {
  return {
    ...(dtype === undefined ? {} : { dtype }),
    values: (random, shape) =>
      Array.from({ length: count(shape) }, () => random.integer(low, high)),
  };
}

/** Indices into an axis of input `of`. */
export function indicesInto(axis: number, of = 0, dtype: DType = "int32"): InputSpec {
  return {
    dtype,
    values: (random, shape, _dtype, shapes) => {
      const target = shapes[of] as readonly number[];
      const length = target.at(axis) as number;
      return Array.from({ length: count(shape) }, () => random.integer(0, length - 1));
    },
  };
}

/** One of the given values each. */
export function oneOf(values: readonly number[], dtype?: DType): InputSpec {
  return {
    ...(dtype === undefined ? {} : { dtype }),
    values: (random, shape) =>
      Array.from(
        { length: count(shape) },
        () => values[random.integer(0, values.length - 1)] as number,
      ),
  };
}
