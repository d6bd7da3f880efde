/**
 * Arrays of float64 for references: plain loops, nothing of the library.
 *
 * @module
 */

/** A row-major array. */
export interface Nd {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** The number of elements of a shape. */
export function count(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/** All indices of a shape, row by row. */
export function* indicesOf(shape: readonly number[]): Generator<number[]> {
  const size = count(shape);
  for (let flat = 0; flat < size; flat++) yield unravel(flat, shape);
}

/** The index of a flat position. */
export function unravel(flat: number, shape: readonly number[]): number[] {
  const index = new Array<number>(shape.length);
  let rest = flat;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const dim = shape[axis] as number;
    index[axis] = rest % dim;
    rest = Math.floor(rest / dim);
  }
  return index;
}

/** The element at an index; axes align at the end and those of length 1 repeat. */
export function at(x: Nd, index: readonly number[]): number {
  const offset = index.length - x.shape.length;
  let flat = 0;
  for (const [axis, dim] of x.shape.entries()) {
    flat = flat * dim + (dim === 1 ? 0 : (index[axis + offset] as number));
  }
  return x.data[flat] as number;
}

/** An array of the given shape, each element from its index. */
export function build(shape: readonly number[], fn: (index: number[]) => number): Nd {
  const data = new Float64Array(count(shape));
  let flat = 0;
  for (const index of indicesOf(shape)) data[flat++] = fn(index);
  return { shape, data };
}

/** A function of each element. */
export function map(x: Nd, fn: (value: number) => number): Nd {
  return { shape: x.shape, data: x.data.map((value) => fn(value)) };
}

/** The shape of two arrays together. */
export function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    return x === 1 ? y : x;
  });
}

/** A function of the elements of two arrays, which broadcast. */
export function zip(a: Nd, b: Nd, fn: (x: number, y: number) => number): Nd {
  return build(broadcast(a.shape, b.shape), (index) => fn(at(a, index), at(b, index)));
}

/** A function of all elements along some axes, in row-major order. */
export function reduce(
  x: Nd,
  axes: readonly number[] | null,
  keepdims: boolean,
  fn: (values: number[]) => number,
): Nd {
  const rank = x.shape.length;
  const over = new Set((axes ?? x.shape.map((_, i) => i)).map((a) => (a < 0 ? a + rank : a)));
  const kept = x.shape.map((dim, i) => (over.has(i) ? 1 : dim));
  const inner = x.shape.map((dim, i) => (over.has(i) ? dim : 1));
  const { data } = build(kept, (index) => {
    const values: number[] = [];
    for (const step of indicesOf(inner)) {
      values.push(
        at(
          x,
          index.map((n, i) => n + (step[i] as number)),
        ),
      );
    }
    return fn(values);
  });
  return { shape: keepdims ? kept : x.shape.filter((_, i) => !over.has(i)), data };
}

/** A function of each row along an axis that gives a row. */
export function alongAxis(x: Nd, axis: number, fn: (row: number[]) => readonly number[]): Nd {
  const along = axis < 0 ? axis + x.shape.length : axis;
  const length = x.shape[along] as number;
  const outer = x.shape.map((dim, i) => (i === along ? 1 : dim));
  const rows = new Map<string, readonly number[]>();
  const made = fn(new Array<number>(length).fill(0)).length;
  for (const index of indicesOf(outer)) {
    const row = Array.from({ length }, (_, i) =>
      at(
        x,
        index.map((n, a) => (a === along ? i : n)),
      ),
    );
    rows.set(index.join(), fn(row));
  }
  const shape = x.shape.map((dim, i) => (i === along ? made : dim));
  return build(shape, (index) => {
    const row = rows.get(index.map((n, a) => (a === along ? 0 : n)).join());
    return row?.[index[along] as number] as number;
  });
}
