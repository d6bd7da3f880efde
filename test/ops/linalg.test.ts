/** Tests of src/ops/linalg.ts. */
import { ops } from "../../src/index.ts";
import { at, build, indicesOf, type Nd } from "../support/nd.ts";
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
      [5, 3],
      [3, 5],
      [2, 4, 3],
      [2, 1, 3, 3],
      [0, 3, 2],
    ],
    dtypes: ["float32", "float64"],
    length: 25,
    steps: 4,
    differentiable: "throws",
    unknownAxes: false,
  });
}
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
