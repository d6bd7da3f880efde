/** Tests of src/ops/spectral.ts, and of `eig`. */
import { beforeEach, describe, expect, test } from "vitest";
import { ComplexTensor, KernelError, ops, ShapeError, setDevice, tensor } from "../../src/index.ts";
import { symmetrized } from "../../src/ops/matrices.ts";
import { eigenParts } from "../../src/ops/spectral.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import {
  eachMatrix,
  matricesOf,
  nearDiagonal,
  type Rows,
  symmetricEigen,
  transpose,
} from "../support/matrices.ts";
import type { Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";

const wide = ["float32", "float64"] as const;
const shapes = [
  [1, 1],
  [3, 3],
  [2, 4, 4],
  [2, 1, 3, 3],
  [0, 2, 2],
];
// Eigenvalues about 1 apart: vectors turn by the error over that.
const apart = nearDiagonal((i) => i * 1.5 - 2);

const symmetric = (x: Nd): Nd =>
  eachMatrix(x, (a) => {
    const t = transpose(a);
    return a.map((row, i) => row.map((v, j) => (v + (t[i]?.[j] as number)) / 2));
  });

opTest("eigh", {
  ops: ["eigh"],
  // Vectors are determined up to their sign: their squares.
  run: (x) => {
    const [values, vectors] = ops.eigh(symmetrized(x));
    return [values, ops.square(vectors)];
  },
  reference: (given) => {
    const x = symmetric(given);
    const found = matricesOf(x).map(symmetricEigen);
    return [
      {
        shape: x.shape.slice(0, -1),
        data: Float64Array.from(found.flatMap(({ values }) => values)),
      },
      eachMatrix(x, (a) => symmetricEigen(a).vectors.map((row) => row.map((v) => v * v))),
    ];
  },
  shapes,
  dtypes: wide,
  inputs: apart,
  length: 4,
  steps: 3,
  cancels: 4,
  gradientCancels: 4,
  unknownAxes: false,
  internal: true,
});

const sumOf = (x: Tensor): Tensor => ops.sum(x, { axis: -1 });
const traceOf = (x: Nd): Nd => ({
  shape: x.shape.slice(0, -2),
  data: Float64Array.from(
    matricesOf(x).map((a) => a.reduce((total, row, i) => total + (row[i] as number), 0)),
  ),
});

/** What tells of eigenvalues and eigenvectors without regard to order and phase. */
function invariants(x: Tensor): Tensor[] {
  const [re, im, vectorRe, vectorIm] = eigenParts(x);
  const rows = (t: Tensor): Tensor => ops.expandDims(t, -2);
  const scaled = (a: Tensor, b: Tensor): Tensor => ops.multiply(a, rows(b));
  return [
    // A V - V diag(w)
    ops.subtract(ops.matmul(x, vectorRe), ops.subtract(scaled(vectorRe, re), scaled(vectorIm, im))),
    ops.subtract(ops.matmul(x, vectorIm), ops.add(scaled(vectorRe, im), scaled(vectorIm, re))),
    ops.sum(ops.add(ops.square(vectorRe), ops.square(vectorIm)), { axis: -2 }),
    sumOf(re),
    sumOf(im),
    sumOf(ops.subtract(ops.square(re), ops.square(im))),
  ];
}

opTest("eig", {
  ops: ["eig"],
  run: invariants,
  reference: (x) => {
    const zeros = { shape: x.shape, data: new Float64Array(x.data.length) };
    const n = x.shape.at(-1) as number;
    const squares = eachMatrix(x, (a) =>
      a.map((row) => row.map((_, j) => row.reduce((t, v, k) => t + v * (a[k]?.[j] as number), 0))),
    );
    const batch = x.shape.slice(0, -2);
    return [
      zeros,
      zeros,
      { shape: [...batch, n], data: new Float64Array(x.data.length / n).fill(1) },
      traceOf(x),
      { shape: batch, data: new Float64Array(x.data.length / (n * n)) },
      traceOf(squares),
    ];
  },
  shapes: [...shapes.slice(0, -1), [7, 7], [3, 12, 12]],
  dtypes: wide,
  length: 12,
  steps: 4,
  // Elements up to 2, sums of squares of up to 12 of them.
  cancels: 16,
  differentiable: "throws",
  unknownAxes: false,
  internal: true,
});

describe("special matrices", () => {
  beforeEach(() => setDevice("cpu"));
  const largest = async (x: Tensor): Promise<number> => Number(await ops.max(ops.abs(x)).item());
  const matrices: Record<string, Rows> = {
    zero: [
      [0, 0],
      [0, 0],
    ],
    identity: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
    "a Jordan block": [
      [2, 1, 0],
      [0, 2, 1],
      [0, 0, 2],
    ],
    "a rotation": [
      [0, -1, 0],
      [1, 0, 0],
      [0, 0, 1],
    ],
    "a cycle, on which unshifted steps stand still": [
      [0, 0, 0, 1],
      [1, 0, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
    ],
    "badly scaled": [
      [1, 1e8, 1e16],
      [1e-8, 2, 1e8],
      [1e-16, 1e-8, 3],
    ],
    nilpotent: [
      [0, 1],
      [0, 0],
    ],
  };
  test.each(Object.keys(matrices))("eig of %s", async (name) => {
    const rows = matrices[name] as Rows;
    const x = tensor(rows, { dtype: "float64" });
    const [re, im, lengths, trace, , squares] = invariants(x) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    const size = Math.max(1, await largest(x));
    expect(await largest(re)).toBeLessThan(1e-14 * size);
    expect(await largest(im)).toBeLessThan(1e-14 * size);
    expect(await largest(ops.subtract(lengths, 1))).toBeLessThan(1e-14);
    expect(await trace.item()).toBeCloseTo(
      rows.reduce((total, row, i) => total + (row[i] as number), 0),
      7,
    );
    expect(Number.isFinite(Number(await squares.item()))).toBe(true);
  });

  test("eigenvalues of wide range", async () => {
    const diagonal = [1e-12, 1, 1e12, -1e5, 3e-7];
    const x = ops.diag(tensor(diagonal, { dtype: "float64" }));
    const [values] = ops.eigh(x);
    const sorted = [...diagonal].sort((a, b) => a - b);
    expect(await values.array()).toEqual(sorted);
    const [complex] = ops.eig(x);
    expect(Array.from(await complex.real.data(), Number).sort((a, b) => a - b)).toEqual(sorted);
    expect(await largest(complex.imag)).toBe(0);
  });

  test.each([true, false])("a large matrix, symmetric %s", async (isSymmetric) => {
    const n = 120;
    const values = Array.from({ length: n * n }, (_, i) => Math.sin(i * i * 0.7 + i));
    const raw = tensor(values, { shape: [n, n], dtype: "float64" });
    if (!isSymmetric) {
      const [re, im] = invariants(raw);
      expect(await largest(re as Tensor)).toBeLessThan(1e-12);
      expect(await largest(im as Tensor)).toBeLessThan(1e-12);
      return;
    }
    const x = symmetrized(raw);
    const [w, v] = ops.eigh(x);
    const product = ops.matmul(v, ops.transpose(v));
    expect(await largest(ops.subtract(product, ops.eye(n, { dtype: "float64" })))).toBeLessThan(
      1e-12,
    );
    const back = ops.matmul(ops.multiply(v, w), ops.transpose(v));
    expect(await largest(ops.subtract(back, x))).toBeLessThan(1e-12);
  });

  test("eig gives complex tensors, in jit too", async () => {
    const [values, vectors] = ops.eig([
      [0, -1],
      [1, 0],
    ]);
    expect(values).toBeInstanceOf(ComplexTensor);
    expect(values.dtype).toBe("complex64");
    expect(await values.array()).toEqual([
      [0, 1],
      [0, -1],
    ]);
    expect(vectors.shape).toEqual([2, 2]);
  });

  test("what cannot be", async () => {
    const bad = [
      [1, Number.NaN],
      [Number.NaN, 1],
    ];
    for (const run of [() => ops.eigh(bad)[0], () => ops.eig(bad)[0].real]) {
      const error = await (async () => run().data())().catch((e: unknown) => e);
      expect(error).toBeInstanceOf(KernelError);
      expect(String(error)).toContain("not finite");
    }
    expect(() => ops.eigh([[1, 2]])).toThrow(ShapeError);
    expect(() => ops.eig([[1, 2]])).toThrow("eig: expected square matrices");
  });
});
