/** Tests of src/ops/cholesky.ts. */
import { beforeEach, describe, expect, test } from "vitest";
import { KernelError, ops, ShapeError, setDevice, type Tensor, tensor } from "../../src/index.ts";
import { uniform } from "../support/inputs.ts";
import {
  choleskyOf,
  eachMatrix,
  inverse,
  multiply,
  nearDiagonal,
  solvedSystems,
  systemShapes,
  transpose,
} from "../support/matrices.ts";
import type { Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";

const wide = ["float32", "float64"] as const;
const square = [
  [1, 1],
  [3, 3],
  [2, 4, 4],
  [2, 1, 3, 3],
  [0, 2, 2],
  [0, 0],
];

/** x x^T: positive definite. */
const gram = (x: Tensor): Tensor => ops.matmul(x, ops.swapaxes(x, -1, -2));
const gramOf = (x: Nd): Nd => eachMatrix(x, (a) => multiply(a, transpose(a)));
const apart = nearDiagonal((i) => 1 + 0.2 * i);

for (const upper of [false, true]) {
  opTest(`cholesky, upper ${upper}`, {
    ops: ["cholesky"],
    run: (x) => ops.cholesky(gram(x), { upper }),
    reference: (x) =>
      eachMatrix(gramOf(x), (a) => (upper ? transpose(choleskyOf(a)) : choleskyOf(a))),
    shapes: square,
    dtypes: wide,
    inputs: apart,
    length: 8,
    steps: 3,
    unknownAxes: false,
  });
  opTest(`choleskyInverse, upper ${upper}`, {
    ops: ["triangular_solve"],
    run: (x) => ops.choleskyInverse(x, { upper }),
    reference: (x) =>
      eachMatrix(x, (a) => {
        const factor = a.map((row, i) => row.map((v, j) => (upper === j >= i || i === j ? v : 0)));
        return inverse(
          upper ? multiply(transpose(factor), factor) : multiply(factor, transpose(factor)),
        );
      }),
    shapes: square,
    dtypes: wide,
    inputs: apart,
    length: 8,
    steps: 4,
    unknownAxes: false,
  });
  opTest(`solveTriangular, upper ${upper}`, {
    ops: ["triangular_solve"],
    run: (a, b) => ops.solveTriangular(a as Tensor, b as Tensor, { lower: !upper }),
    reference: (a, b) =>
      solvedSystems(
        eachMatrix(a as Nd, (rows) =>
          rows.map((row, i) => row.map((x, j) => ((upper ? j >= i : j <= i) ? x : 0))),
        ),
        b as Nd,
      ),
    shapes: systemShapes,
    dtypes: wide,
    inputs: [apart, uniform()],
    length: 8,
    steps: 3,
    unknownAxes: false,
  });
}

describe("large matrices, which are done in panels", () => {
  beforeEach(() => setDevice("cpu"));
  const n = 200;
  const values = Array.from({ length: n * n }, (_, i) => Math.sin(i * i * 0.7 + i));
  test("cholesky", async () => {
    for (const dtype of ["float32", "float64"] as const) {
      const x = tensor(values, { shape: [n, n], dtype });
      const a = ops.add(gram(x), ops.eye(n, { dtype }));
      const l = ops.cholesky(a);
      const error = Number(await ops.max(ops.abs(ops.subtract(gram(l), a))).item());
      // Relative to the diagonal, about n / 2.
      expect(error).toBeLessThan((dtype === "float32" ? 2 ** -23 : 2 ** -52) * n * 4);
      expect(Number(await ops.max(ops.abs(ops.triu(l, { k: 1 }))).item())).toBe(0);
    }
  });
  test.each([true, false])("solveTriangular, lower %s", async (lower) => {
    const dtype = "float64";
    const a = ops.add(
      ops.multiply(tensor(values, { shape: [n, n], dtype }), 0.02),
      ops.eye(n, { dtype }),
    );
    const b = tensor(values.slice(0, n * 70), { shape: [n, 70], dtype });
    const x = ops.solveTriangular(a, b, { lower });
    const triangle = lower ? ops.tril(a) : ops.triu(a);
    const error = ops.subtract(ops.matmul(triangle, x), b);
    expect(Number(await ops.max(ops.abs(error)).item())).toBeLessThan(1e-12);
  });
});

test("half types are computed in float32", async () => {
  const x = ops.cholesky(tensor([4, 2, 2, 10], { shape: [2, 2], dtype: "float16" }));
  expect(x.dtype).toBe("float16");
  expect(await x.array()).toEqual([
    [2, 0],
    [1, 3],
  ]);
});

test("only one triangle is read", async () => {
  expect(
    await ops
      .cholesky([
        [4, Number.NaN],
        [2, 10],
      ])
      .array(),
  ).toEqual([
    [2, 0],
    [1, 3],
  ]);
});

test("what cannot be", async () => {
  const failing = (fn: () => Tensor): Promise<unknown> =>
    (async () => fn().data())().catch((error: unknown) => error);
  for (const matrix of [
    [
      [1, 2],
      [2, 1],
    ],
    [
      [Number.NaN, 0],
      [0, 1],
    ],
  ]) {
    const error = await failing(() => ops.cholesky(matrix));
    expect(error).toBeInstanceOf(KernelError);
    expect(String(error)).toMatch(/cholesky.*not positive definite/);
  }
  const singular = await failing(() =>
    ops.solveTriangular(
      [
        [1, 2],
        [0, 0],
      ],
      [1, 2],
    ),
  );
  expect(singular).toBeInstanceOf(KernelError);
  expect(() => ops.cholesky([[1, 2, 3]])).toThrow(ShapeError);
  expect(() => ops.cholesky([[1, 2, 3]])).toThrow("cholesky: expected square matrices");
  expect(() => ops.cholesky([1, 2])).toThrow("got shape [2]");
  expect(() => ops.choleskyInverse([1])).toThrow(ShapeError);
  expect(() => ops.solveTriangular(ops.eye(2), [1, 2, 3])).toThrow("rows differ (2 vs 3)");
  expect(() => ops.solveTriangular(ops.ones([2, 2, 2]), ops.ones([3, 2, 1]))).toThrow(ShapeError);
});
