/**
 * Plain float64 references that are quick enough for many elements.
 *
 * @module
 */
import { count, type Nd } from "../support/nd.ts";

/** The elements along some axes (not negative), in row-major order, for each of the others. */
export function groups(x: Nd, axes: readonly number[]): { shape: number[]; rows: number[][] } {
  const kept = x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim));
  const rows: number[][] = Array.from({ length: count(kept) }, () => []);
  const steps = new Array<number>(kept.length).fill(0);
  let step = 1;
  for (let axis = kept.length - 1; axis >= 0; axis--) {
    steps[axis] = axes.includes(axis) ? 0 : step;
    step *= kept[axis] as number;
  }
  const index = new Array<number>(x.shape.length).fill(0);
  let target = 0;
  for (const value of x.data) {
    (rows[target] as number[]).push(value);
    for (let axis = index.length - 1; axis >= 0; axis--) {
      target += steps[axis] as number;
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (x.shape[axis] as number)) break;
      target -= (steps[axis] as number) * (x.shape[axis] as number);
      index[axis] = 0;
    }
  }
  return { shape: kept, rows };
}

/** One number for each group. */
export function reduceOver(
  x: Nd,
  axes: readonly number[],
  keepdims: boolean,
  fn: (values: readonly number[]) => number,
): Nd {
  const { shape, rows } = groups(x, axes);
  return {
    shape: keepdims ? shape : shape.filter((_, i) => !axes.includes(i)),
    data: Float64Array.from(rows, fn),
  };
}

/** Each row along an axis (not negative) replaced by another, all of one length. */
export function mapRows(
  x: Nd,
  axis: number,
  made: number,
  fn: (row: readonly number[]) => readonly number[],
): Nd {
  const { rows } = groups(x, [axis]);
  const shape = x.shape.map((dim, i) => (i === axis ? made : dim));
  const inner = count(x.shape.slice(axis + 1));
  const data = new Float64Array(count(shape));
  for (const [g, row] of rows.entries()) {
    const outer = Math.floor(g / inner);
    const rest = g % inner;
    for (const [i, value] of fn(row).entries()) data[(outer * made + i) * inner + rest] = value;
  }
  return { shape, data };
}

/** Each element from its index; the index is one array, reused. */
export function fromIndex(shape: readonly number[], fn: (index: readonly number[]) => number): Nd {
  const size = count(shape);
  const data = new Float64Array(size);
  const index = new Array<number>(shape.length).fill(0);
  for (let flat = 0; flat < size; flat++) {
    data[flat] = fn(index);
    for (let axis = index.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (shape[axis] as number)) break;
      index[axis] = 0;
    }
  }
  return { shape, data };
}

/** The element at an index that is within the shape. */
export function get(x: Nd, index: readonly number[]): number {
  let flat = 0;
  for (let axis = 0; axis < index.length; axis++) {
    flat = flat * (x.shape[axis] as number) + (index[axis] as number);
  }
  return x.data[flat] as number;
}
