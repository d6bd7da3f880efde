/**
 * Random sizes, shapes and values for fuzzing.
 *
 * @module
 */
import { type DType, isFloat } from "../../src/util/dtypes.ts";
import { count } from "../support/nd.ts";
import type { Random } from "../support/random.ts";
import { floatDTypes, integerDTypes, numberDTypes } from "../support/shapes.ts";

/** Around the widths of vectors, of blocks and of tiles. */
const edges = [
  1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 13, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 129,
];
/** So many elements are split among threads. */
const large = 120_000;
const usual = 3_000;

/** One of a list. */
export function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.integer(0, list.length - 1)] as T;
}

/** True with the given probability. */
export function chance(random: Random, probability: number): boolean {
  return random.next() < probability;
}

/** How many elements the largest tensor of a case may have. */
export function budget(random: Random): number {
  return chance(random, 0.03) ? large : chance(random, 0.3) ? 60 : usual;
}

/** A length from `least` to `most`. */
export function length(random: Random, least: number, most: number): number {
  if (most <= least) return least;
  if (least === 0 && chance(random, 0.04)) return 0;
  if (most > 1000 && chance(random, 0.5)) return random.integer(most >> 2, most);
  const fitting = edges.filter((n) => n >= least && n <= most);
  return fitting.length > 0 && chance(random, 0.8)
    ? pick(random, fitting)
    : random.integer(Math.max(1, least), most);
}

/** What a shape may be. */
export interface ShapeOptions {
  readonly rank?: number;
  /** The shortest axis; default 0. */
  readonly least?: number;
  readonly elements?: number;
}

/** A shape of rank 0 to 5, or of the given one. */
export function shape(random: Random, options: ShapeOptions = {}): number[] {
  const { least = 0, elements = budget(random) } = options;
  const rank = options.rank ?? pick(random, [0, 1, 1, 2, 2, 2, 3, 3, 4, 5]);
  const result = new Array<number>(rank).fill(1);
  let left = elements;
  for (const axis of random.permutation(rank)) {
    result[axis] = length(random, least, left);
    left = Math.floor(left / Math.max(1, result[axis] as number));
  }
  return result;
}

/** A shape that broadcasts to `to`. */
export function broadcasting(random: Random, to: readonly number[]): number[] {
  const kept = chance(random, 0.6) ? to : to.slice(random.integer(0, to.length));
  return kept.map((dim) => (chance(random, 0.3) ? 1 : dim));
}

/** Different axes in random order, some negative. */
export function axes(random: Random, rank: number, least = 0): number[] {
  const number = random.integer(Math.min(least, rank), rank);
  return random
    .permutation(rank)
    .slice(0, number)
    .map((axis) => (chance(random, 0.3) ? axis - rank : axis));
}

/** An axis, counted from either end. */
export function axis(random: Random, rank: number): number {
  return random.integer(-rank, rank - 1);
}

/** Mostly float32. */
export function floatDType(random: Random): DType {
  return chance(random, 0.5) ? "float32" : pick(random, floatDTypes);
}

/** Any dtype of numbers. */
export function numberDType(random: Random): DType {
  return chance(random, 0.6) ? floatDType(random) : pick(random, integerDTypes);
}

/** Any dtype at all. */
export function anyDType(random: Random): DType {
  return pick(random, [...numberDTypes, "bool"]);
}

const smallest: Readonly<Record<string, number>> = {
  float16: 2 ** -24,
  bfloat16: 2 ** -133,
  float32: 2 ** -149,
  float64: 2 ** -1074,
};

/** Zeros of both signs, infinities, NaN and the smallest numbers. */
export function specials(dtype: DType): number[] {
  if (!isFloat(dtype)) return [0, 1];
  const tiny = smallest[dtype] as number;
  const { POSITIVE_INFINITY: inf, NaN: nan } = Number;
  return [0, -0, inf, -inf, nan, tiny, -tiny, tiny * 7, 1, -1];
}

/** Values in [-2, 2], integers where the dtype is one; sprinkled with special ones. */
export function values(
  random: Random,
  shape: readonly number[],
  dtype: DType,
  special = 0,
): number[] {
  const extra = specials(dtype);
  const low = dtype.startsWith("uint") || dtype === "bool" ? 0 : -2;
  const high = dtype === "bool" ? 1 : 2;
  return Array.from({ length: count(shape) }, () => {
    if (special > 0 && chance(random, special)) return pick(random, extra);
    return isFloat(dtype) ? random.uniform(-2, 2) : random.integer(low, high);
  });
}

/** No special values in most cases, some in one of three. */
export function someSpecial(random: Random): number {
  return chance(random, 0.33) ? 0.15 : 0;
}
