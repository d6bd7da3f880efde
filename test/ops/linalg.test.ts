/** Tests of src/ops/linalg.ts. */
import { expect, test } from "vitest";
import { ArgumentError, ops, ShapeError } from "../../src/index.ts";
import { awayFrom, oneOf } from "../support/inputs.ts";
import {
  matricesOf,
  multiply,
  nearDiagonal,
  symmetricEigen,
  transpose,
} from "../support/matrices.ts";
import { at, build, indicesOf, type Nd, reduce } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";

/** Householder's QR with LAPACK's signs: v = x + sign(x0) |x| e0. */
function qr(x: Nd, complete: boolean): readonly Nd[] {
  const batch = x.shape.slice(0, -2);
  const [m, n] = x.shape.slice(-2) as [number, number];
  const k = complete ? m : Math.min(m, n);
  const q = { shape: [...batch, m, k], data: new Float64Array(product([...batch, m, k])) };
  const r = { shape: [...batch, k, n], data: new Float64Array(product([...batch, k, n])) };
  let which = 0;
  for (const index of indicesOf(batch)) {
    const a = Array.from({ length: m }, (_, i) =>
      Array.from({ length: n }, (_, j) => at(x, [...index, i, j])),
    );
    const full = Array.from({ length: m }, (_, i) =>
      Array.from({ length: m }, (_, j) => Number(i === j)),
    );
    for (let c = 0; c < Math.min(m - 1, n); c++) {
      const v = a.map((row, i) => (i < c ? 0 : (row[c] as number)));
      // Nothing to eliminate: no reflection.
      if (v.every((e, i) => i <= c || e === 0)) continue;
      const norm = Math.hypot(...v);
      v[c] = (v[c] as number) + ((v[c] as number) < 0 ? -norm : norm);
      const length = v.reduce((sum, e) => sum + e * e, 0);
      // A <- (1 - 2 v v^T / |v|^2) A, Q <- Q (1 - 2 v v^T / |v|^2).
      for (let j = 0; j < n; j++) {
        const s = v.reduce((sum, e, i) => sum + e * (a[i]?.[j] as number), 0);
        for (const [i, row] of a.entries()) {
          row[j] = (row[j] as number) - (2 * s * (v[i] as number)) / length;
        }
      }
      for (const row of full) {
        const s = v.reduce((sum, e, j) => sum + e * (row[j] as number), 0);
        for (let j = 0; j < m; j++) {
          row[j] = (row[j] as number) - (2 * s * (v[j] as number)) / length;
        }
      }
    }
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < k; j++) q.data[(which * m + i) * k + j] = full[i]?.[j] as number;
    }
    for (let i = 0; i < k; i++) {
      for (let j = i; j < n; j++) r.data[(which * k + i) * n + j] = a[i]?.[j] as number;
    }
    which++;
  }
  return [q, r];
}

function product(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

for (const mode of ["reduced", "complete"] as const) {
  opTest(`qr, ${mode}`, {
    ops: ["qr"],
    run: (x) => ops.qr(x, { mode }),
    reference: (x) => qr(x, mode === "complete"),
    shapes: [
      [1, 1],
      [3, 3],
      ...(mode === "reduced"
        ? [
            [5, 3],
            [2, 4, 3],
          ]
        : []),
      [3, 5],
      [2, 1, 3, 3],
      [0, 3, 3],
    ],
    dtypes: ["float32", "float64"],
    // No pivot is near 0, through which the gradient divides.
    inputs: nearDiagonal((i) => 2 + i),
    length: 25,
    steps: 4,
    unknownAxes: false,
  });
}
opTest("qr, complete, of more rows than columns", {
  run: (x) => ops.qr(x, { mode: "complete" }),
  reference: (x) => qr(x, true),
  shapes: [
    [5, 3],
    [2, 4, 3],
    [0, 3, 2],
  ],
  dtypes: ["float32", "float64"],
  length: 25,
  steps: 4,
  differentiable: "throws",
  unknownAxes: false,
});
opTest("diagonal matrices by qr", {
  run: (x) => ops.qr(ops.multiply(x, ops.eye(3, { dtype: x.dtype }))),
  reference: (x) =>
    qr(
      build([3, 3], (index) => (index[0] === index[1] ? at(x, index) : 0)),
      false,
    ),
  shapes: [[3, 3]],
  dtypes: ["float64"],
  steps: 4,
  length: 9,
  differentiable: false,
  unknownAxes: false,
});

const vectorNorms: Record<string, (v: readonly number[]) => number> = {
  "2": (v) => Math.hypot(...v),
  "1": (v) => v.reduce((t, e) => t + Math.abs(e), 0),
  "3": (v) => v.reduce((t, e) => t + Math.abs(e) ** 3, 0) ** (1 / 3),
  "-2": (v) => v.reduce((t, e) => t + Math.abs(e) ** -2, 0) ** -0.5,
  Infinity: (v) => Math.max(...v.map(Math.abs)),
  "-Infinity": (v) => Math.min(...v.map(Math.abs)),
};
const apart = awayFrom([0]);

for (const [ord, fn] of Object.entries(vectorNorms)) {
  opTest(`norm of vectors, ord ${ord}`, {
    run: (x) => ops.norm(x, { ord: Number(ord), axis: -1, keepdims: true }),
    reference: (x) => reduce(x, [x.shape.length - 1], true, fn),
    shapes: [[5], [3, 4], [2, 3, 2], [0, 3]],
    inputs: apart,
    length: 5,
    steps: 4,
  });
}
opTest("norm of vectors, ord 0", {
  run: (x) => ops.norm(x, { ord: 0, axis: 0 }),
  reference: (x) => reduce(x, [0], false, (v) => v.filter((e) => e !== 0).length),
  shapes: [[5], [3, 4]],
  inputs: oneOf([0, 1, -2]),
  differentiable: "zero",
});
opTest("norm of everything", {
  run: (x) => ops.norm(x),
  reference: (x) => reduce(x, null, false, (v) => Math.hypot(...v)),
  shapes: [[5], [3, 4], [2, 3, 2]],
  inputs: apart,
  length: 12,
  steps: 4,
});

const singular = (a: number[][]): number[] =>
  symmetricEigen(multiply(a, transpose(a)))
    .values.reverse()
    .slice(0, Math.min(a.length, a[0]?.length ?? 0))
    .map(Math.sqrt);
const sums = (a: number[][]): number[] => a.map((row) => row.reduce((t, e) => t + Math.abs(e), 0));
const matrixNorms: Record<string, (a: number[][]) => number> = {
  fro: (a) => Math.hypot(...a.flat()),
  nuc: (a) => singular(a).reduce((t, e) => t + e, 0),
  "2": (a) => singular(a)[0] as number,
  "-2": (a) => singular(a).at(-1) as number,
  "1": (a) => Math.max(...sums(transpose(a))),
  "-1": (a) => Math.min(...sums(transpose(a))),
  Infinity: (a) => Math.max(...sums(a)),
  "-Infinity": (a) => Math.min(...sums(a)),
};

for (const [ord, fn] of Object.entries(matrixNorms)) {
  opTest(`norm of matrices, ord ${ord}`, {
    run: (x) => {
      const given = ord === "fro" || ord === "nuc" ? ord : Number(ord);
      return ops.norm(x, { ord: given, axis: [-2, -1] });
    },
    reference: (x) => ({
      shape: x.shape.slice(0, -2),
      data: Float64Array.from(matricesOf(x).map(fn)),
    }),
    shapes: [
      [3, 3],
      [3, 4],
      [2, 4, 3],
    ],
    inputs: nearDiagonal((i) => 1 + 1.3 * i),
    dtypes: ["float32", "float64"],
    length: 12,
    steps: 4,
    cancels: 4,
    gradientCancels: 4,
    unknownAxes: false,
  });
}

test("axes of norm", async () => {
  const x = ops.reshape(ops.arange(24, null, null, { dtype: "float32" }), [2, 3, 4]);
  expect(ops.norm(x, { ord: 1, axis: [0, 2], keepdims: true }).shape).toEqual([1, 3, 1]);
  // The first of the axes holds the rows.
  const one = await ops.norm(x, { ord: 1, axis: [0, 2] }).array();
  const infinity = await ops.norm(x, { ord: Number.POSITIVE_INFINITY, axis: [2, 0] }).array();
  expect(one).toEqual(infinity);
  expect(ops.norm(x, { ord: "nuc", axis: [2, 0], keepdims: true }).shape).toEqual([1, 3, 1]);
});

test("norms that there are not", () => {
  const x = ops.ones([2, 3, 4]);
  expect(() => ops.norm(x, { ord: 2 })).toThrow("got 3 axes");
  expect(() => ops.norm(x, { ord: 3, axis: [0, 1] })).toThrow(ArgumentError);
  expect(() => ops.norm(x, { ord: "fro", axis: 0 })).toThrow(ArgumentError);
  expect(() => ops.norm(x, { axis: 3 })).toThrow(ShapeError);
  expect(() => ops.norm(x, { axis: [0, 0] })).toThrow(ShapeError);
  expect(() => ops.qr([1, 2])).toThrow(ShapeError);
});
