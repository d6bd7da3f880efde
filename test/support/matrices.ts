/**
 * Matrices in float64 for references: rows of numbers, plain loops.
 *
 * @module
 */
import type { InputSpec } from "./inputs.ts";
import { count, type Nd } from "./nd.ts";

/** A matrix by rows. */
export type Rows = number[][];

/** The matrices in the last two axes. */
export function matricesOf(x: Nd): Rows[] {
  const [m, n] = x.shape.slice(-2) as [number, number];
  return Array.from({ length: count(x.shape.slice(0, -2)) }, (_, b) =>
    Array.from({ length: m }, (_, i) => {
      const begin = (b * m + i) * n;
      return Array.from(x.data.subarray(begin, begin + n));
    }),
  );
}

/** An array of these batch axes whose matrices (`shape`: rows and columns) these are. */
export function ndOf(
  batch: readonly number[],
  shape: readonly [number, number],
  matrices: readonly Rows[],
): Nd {
  return { shape: [...batch, ...shape], data: Float64Array.from(matrices.flat(2)) };
}

/** A function of each matrix, which gives one of its own shape or of `shape`. */
export function eachMatrix(x: Nd, fn: (a: Rows) => Rows, shape?: readonly [number, number]): Nd {
  const own = x.shape.slice(-2) as [number, number];
  return ndOf(x.shape.slice(0, -2), shape ?? own, matricesOf(x).map(fn));
}

/** A number of each matrix. */
export function eachScalar(x: Nd, fn: (a: Rows) => number): Nd {
  return { shape: x.shape.slice(0, -2), data: Float64Array.from(matricesOf(x).map(fn)) };
}

export function transpose(a: Rows): Rows {
  return Array.from({ length: a[0]?.length ?? 0 }, (_, j) => a.map((row) => row[j] as number));
}

export function multiply(a: Rows, b: Rows): Rows {
  return a.map((row) =>
    Array.from({ length: b[0]?.length ?? 0 }, (_, j) =>
      row.reduce((total, value, k) => total + value * (b[k]?.[j] as number), 0),
    ),
  );
}

/** x with a x = b, and the determinant of a: Gauss and Jordan with the largest pivots. */
export function eliminate(a: Rows, b: Rows): { solution: Rows; determinant: number } {
  const n = a.length;
  const rows = a.map((row, i) => [...row, ...(b[i] as number[])]);
  let determinant = 1;
  for (let k = 0; k < n; k++) {
    let best = k;
    for (let i = k; i < n; i++) {
      if (Math.abs(rows[i]?.[k] as number) > Math.abs(rows[best]?.[k] as number)) best = i;
    }
    if (best !== k) {
      [rows[k], rows[best]] = [rows[best] as number[], rows[k] as number[]];
      determinant = -determinant;
    }
    const top = rows[k] as number[];
    const pivot = top[k] as number;
    determinant *= pivot;
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const row = rows[i] as number[];
      const factor = (row[k] as number) / pivot;
      for (let j = k; j < row.length; j++) {
        row[j] = (row[j] as number) - factor * (top[j] as number);
      }
    }
    for (let j = k + 1; j < top.length; j++) top[j] = (top[j] as number) / pivot;
  }
  return { solution: rows.map((row) => row.slice(n)), determinant };
}

export function identity(n: number): Rows {
  return Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => Number(i === j)));
}

export function inverse(a: Rows): Rows {
  return eliminate(a, identity(a.length)).solution;
}

/** The lower factor of a symmetric positive definite matrix. */
export function choleskyOf(a: Rows): Rows {
  const l = a.map((row) => row.map(() => 0));
  for (const [i, row] of l.entries()) {
    for (let j = 0; j <= i; j++) {
      const other = l[j] as number[];
      let sum = a[i]?.[j] as number;
      for (let k = 0; k < j; k++) sum -= (row[k] as number) * (other[k] as number);
      row[j] = i === j ? Math.sqrt(sum) : sum / (other[j] as number);
    }
  }
  return l;
}

/** Eigenvalues, ascending, and eigenvectors (in columns) of a symmetric matrix, by Jacobi's method. */
export function symmetricEigen(given: Rows): { values: number[]; vectors: Rows } {
  const n = given.length;
  const a = given.map((row) => [...row]);
  const v = identity(n);
  const at = (i: number, j: number): number => a[i]?.[j] as number;
  for (let sweep = 0; sweep < 60; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (at(p, q) === 0) continue;
        const theta = (at(q, q) - at(p, p)) / (2 * at(p, q));
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const c = 1 / Math.hypot(t, 1);
        const s = t * c;
        const turn = (x: number[][], i: number, j: number, k: number, l: number): void => {
          const [g, h] = [x[i]?.[j] as number, x[k]?.[l] as number];
          (x[i] as number[])[j] = c * g - s * h;
          (x[k] as number[])[l] = s * g + c * h;
        };
        for (let k = 0; k < n; k++) turn(a, p, k, q, k);
        for (let k = 0; k < n; k++) {
          turn(a, k, p, k, q);
          turn(v, k, p, k, q);
        }
      }
    }
  }
  const order = identity(n)
    .map((_, i) => i)
    .sort((i, j) => at(i, i) - at(j, j));
  return {
    values: order.map((i) => at(i, i)),
    vectors: v.map((row) => order.map((i) => row[i] as number)),
  };
}

/** Matrices with `diagonal(i)` on the diagonal and noise all over: well apart from singular. */
export function nearDiagonal(diagonal: (i: number) => number, noise = 0.3): InputSpec {
  return {
    values: (random, shape) => {
      const [m, n] = shape.slice(-2) as [number, number];
      return Array.from({ length: count(shape) }, (_, at) => {
        const [i, j] = [Math.floor(at / n) % m, at % n];
        return random.uniform(-noise, noise) + (i === j ? diagonal(i) : 0);
      });
    },
  };
}

/** Shapes of linear systems: square matrices and right sides, several or one. */
export const systemShapes: readonly (readonly (readonly number[])[])[] = [
  [
    [1, 1],
    [1, 1],
  ],
  [
    [3, 3],
    [3, 2],
  ],
  [[4, 4], [4]],
  [
    [2, 3, 3],
    [2, 3, 5],
  ],
  [
    [2, 3, 3],
    [2, 3],
  ],
  [
    [0, 3, 3],
    [0, 3, 2],
  ],
];

/** x of a x = b for each matrix; b holds columns or, with an axis less, one. */
export function solvedSystems(a: Nd, b: Nd): Nd {
  const isVector = b.shape.length < a.shape.length;
  const sides = matricesOf(isVector ? { ...b, shape: [...b.shape, 1] } : b);
  const solved = matricesOf(a).map((m, k) => eliminate(m, sides[k] as Rows).solution);
  return { shape: b.shape, data: Float64Array.from(solved.flat(2)) };
}
