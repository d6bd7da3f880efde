/**
 * Numbers for tests: the same in each run, and independent of what is tested.
 *
 * @module
 */
import { type Tensor, tensor } from "../../src/index.ts";

/** Numbers in [-1, 1), by a linear congruential generator. */
export function numbers(count: number, seed = 1): Float32Array {
  let state = (seed * 2654435761) >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, dim) => size * dim, 1);
}

/** A float32 tensor of numbers in [-1, 1). */
export function floats(shape: readonly number[], seed = 1): Tensor {
  return tensor(numbers(sizeOf(shape), seed), { shape: [...shape] });
}

/** An int32 tensor of integers below `limit`. */
export function integers(shape: readonly number[], limit: number, seed = 1): Tensor {
  const values = numbers(sizeOf(shape), seed).map((x) => Math.floor(((x + 1) / 2) * limit));
  return tensor(Int32Array.from(values), { shape: [...shape] });
}

/** The largest absolute difference of two arrays. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const d = Math.abs((a[i] as number) - (b[i] as number));
    // NaN on one side only is no agreement.
    if (!(d <= most)) most = Number.isNaN(d) ? Number.POSITIVE_INFINITY : d;
  }
  return most;
}
