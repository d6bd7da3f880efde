/** Tests of src/ops/solving.ts. */
import { beforeEach, describe, expect, test } from "vitest";
import {
  ArgumentError,
  KernelError,
  ops,
  ShapeError,
  setDevice,
  type Tensor,
  tensor,
  vjp,
} from "../../src/index.ts";
import { uniform } from "../support/inputs.ts";
import {
  eachMatrix,
  eachScalar,
  eliminate,
  identity,
  inverse,
  matricesOf,
  multiply,
  nearDiagonal,
  type Rows,
  solvedSystems,
  systemShapes,
} from "../support/matrices.ts";
import { count, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";

const wide = ["float32", "float64"] as const;
const square = [
  [1, 1],
  [3, 3],
  [2, 4, 4],
  [2, 1, 3, 3],
  [0, 2, 2],
];
// The larger elements are not on the diagonal: rows are swapped.
const swapped = {
  values: (
    random: { uniform(low: number, high: number): number },
    shape: readonly number[],
  ): number[] => {
    const n = shape.at(-1) as number;
    return Array.from({ length: count(shape) }, (_, at) => {
      const [i, j] = [Math.floor(at / n) % n, at % n];
      return random.uniform(-0.3, 0.3) + (j === (i + 1) % n ? 1 + 0.3 * i : 0);
    });
  },
};
const determinant = (a: Rows): number => eliminate(a, identity(a.length)).determinant;

opTest("solve", {
  ops: ["solve"],
  run: (a, b) => ops.solve(a as Tensor, b as Tensor),
  reference: (a, b) => solvedSystems(a as Nd, b as Nd),
  shapes: systemShapes,
  dtypes: wide,
  inputs: [swapped, uniform()],
  length: 8,
  steps: 4,
  unknownAxes: false,
});
opTest("inv", {
  ops: ["solve"],
  run: (x) => ops.inv(x),
  reference: (x) => eachMatrix(x, inverse),
  shapes: square,
  dtypes: wide,
  inputs: swapped,
  length: 8,
  steps: 4,
  unknownAxes: false,
});
opTest("det", {
  ops: ["det"],
  run: (x) => ops.det(x),
  reference: (x) => eachScalar(x, determinant),
  shapes: square,
  dtypes: wide,
  inputs: swapped,
  length: 8,
  steps: 4,
  unknownAxes: false,
});
opTest("slogdet", {
  ops: ["slogdet"],
  run: (x) => ops.slogdet(x),
  reference: (x) => [
    eachScalar(x, (a) => Math.sign(determinant(a))),
    eachScalar(x, (a) => Math.log(Math.abs(determinant(a)))),
  ],
  shapes: square,
  dtypes: wide,
  inputs: swapped,
  length: 8,
  steps: 4,
  cancels: 1,
  unknownAxes: false,
});
opTest("logdet", {
  run: (x) => ops.logdet(x),
  reference: (x) => eachScalar(x, (a) => Math.log(Math.abs(determinant(a)))),
  shapes: square,
  dtypes: wide,
  inputs: nearDiagonal((i) => 1 + i),
  length: 8,
  steps: 4,
  cancels: 1,
  unknownAxes: false,
});

/** The factors in one matrix, and the pivots. */
function factorise(given: Rows, columns: number): { lu: Rows; pivots: number[] } {
  const a = given.map((row) => [...row]);
  const pivots: number[] = [];
  for (let k = 0; k < Math.min(a.length, columns); k++) {
    let best = k;
    for (let i = k; i < a.length; i++) {
      if (Math.abs(a[i]?.[k] as number) > Math.abs(a[best]?.[k] as number)) best = i;
    }
    pivots.push(best);
    [a[k], a[best]] = [a[best] as number[], a[k] as number[]];
    const top = a[k] as number[];
    for (const row of a.slice(k + 1)) {
      row[k] = (row[k] as number) / (top[k] as number);
      for (let j = k + 1; j < columns; j++) {
        row[j] = (row[j] as number) - (row[k] as number) * (top[j] as number);
      }
    }
  }
  return { lu: a, pivots };
}

function luOf(x: Nd): readonly Nd[] {
  const [m, n] = x.shape.slice(-2) as [number, number];
  const factors = matricesOf(x).map((a) => factorise(a, n));
  return [
    { shape: x.shape, data: Float64Array.from(factors.flatMap(({ lu }) => lu.flat())) },
    {
      shape: [...x.shape.slice(0, -2), Math.min(m, n)],
      data: Float64Array.from(factors.flatMap(({ pivots }) => pivots)),
    },
  ];
}

opTest("luFactor", {
  ops: ["lu_factor"],
  run: (x) => ops.luFactor(x),
  reference: luOf,
  shapes: square,
  dtypes: wide,
  inputs: swapped,
  resultDType: (dtype) => [dtype, "int32"],
  length: 8,
  steps: 3,
  unknownAxes: false,
});
opTest("luFactor of other shapes", {
  run: (x) => ops.luFactor(x),
  reference: luOf,
  shapes: [
    [2, 3],
    [3, 2],
    [2, 4, 3],
    [1, 5],
    [0, 3],
    [3, 0],
  ],
  dtypes: wide,
  resultDType: (dtype) => [dtype, "int32"],
  length: 8,
  steps: 8,
  differentiable: false,
  unknownAxes: false,
});
test("luFactor of other shapes has no gradient", () => {
  expect(() => {
    const [, pull] = vjpOf(tensor([[1, 2, 3]]));
    pull();
  }).toThrow("square matrices only");
});

function vjpOf(x: Tensor): readonly [Tensor, () => unknown] {
  const [y, pull] = vjp((t: Tensor) => ops.luFactor(t)[0], x);
  return [y, () => pull(ops.onesLike(y))];
}

for (const n of [-2, 0, 1, 2, 5]) {
  opTest(`matrixPower ${n}`, {
    run: (x) => ops.matrixPower(x, n),
    reference: (x) =>
      eachMatrix(x, (a) => {
        const base = n < 0 ? inverse(a) : a;
        return Array.from({ length: Math.abs(n) }).reduce<Rows>(
          (power) => multiply(power, base),
          identity(a.length),
        );
      }),
    shapes: square,
    dtypes: wide,
    inputs: swapped,
    differentiable: n === 0 ? "zero" : true,
    length: 16,
    steps: 4,
    unknownAxes: false,
  });
}

describe("large matrices, which are done in panels", () => {
  beforeEach(() => setDevice("cpu"));
  const n = 200;
  const values = Array.from({ length: n * n }, (_, i) => Math.sin(i * i * 0.7 + i));
  test.each(["float32", "float64"] as const)("%s", async (dtype) => {
    const unit = dtype === "float32" ? 2 ** -23 : 2 ** -52;
    const a = tensor(values, { shape: [n, n], dtype });
    const [lu, pivots] = ops.luFactor(a);
    const order = Array.from({ length: n }, (_, i) => i);
    for (const [i, pivot] of Array.from(await pivots.data(), Number).entries()) {
      [order[i], order[pivot]] = [order[pivot] as number, order[i] as number];
    }
    const l = ops.add(ops.tril(lu, { k: -1 }), ops.eye(n, { dtype }));
    const residual = ops.subtract(ops.matmul(l, ops.triu(lu)), ops.take(a, order, { axis: 0 }));
    expect(Number(await ops.max(ops.abs(residual)).item())).toBeLessThan(unit * n);
    expect(Number(await ops.max(ops.abs(ops.tril(lu, { k: -1 }))).item())).toBeLessThanOrEqual(1);
    const b = tensor(values.slice(0, n * 3), { shape: [n, 3], dtype });
    const x = ops.solve(a, b);
    const error = ops.divide(
      ops.max(ops.abs(ops.subtract(ops.matmul(a, x), b))),
      ops.max(ops.abs(x)),
    );
    expect(Number(await error.item())).toBeLessThan(unit * n);
  });
});

test("singular matrices", async () => {
  const singular = [
    [1, 2],
    [2, 4],
  ];
  expect(await ops.det(singular).item()).toBe(0);
  const [sign, logarithm] = ops.slogdet(singular);
  expect(await sign.item()).toBe(0);
  expect(await logarithm.item()).toBe(Number.NEGATIVE_INFINITY);
  const error = await (async () => ops.inv(singular).data())().catch((e: unknown) => e);
  expect(error).toBeInstanceOf(KernelError);
  expect(String(error)).toContain("singular");
  expect(await ops.luFactor(singular)[0].array()).toEqual([
    [2, 4],
    [0.5, 0],
  ]);
});

test("determinants beyond the range of float32 have a logarithm", async () => {
  const [sign, logarithm] = ops.slogdet(ops.multiply(ops.eye(4), -1e30));
  expect(await sign.item()).toBe(1);
  expect(Number(await logarithm.item())).toBeCloseTo(4 * Math.log(1e30), 3);
  expect(await ops.det(ops.zeros([0, 0])).item()).toBe(1);
});

test("powers of integers stay integers", async () => {
  const x = ops.matrixPower(
    ops.array([
      [1, 1],
      [1, 0],
    ]),
    10,
  );
  expect(x.dtype).toBe("int32");
  expect(await x.array()).toEqual([
    [89, 55],
    [55, 34],
  ]);
});

test("what does not fit", () => {
  for (const fn of [ops.inv, ops.det, ops.slogdet, ops.logdet]) {
    expect(() => fn(ops.ones([2, 3]))).toThrow(ShapeError);
    expect(() => fn([1])).toThrow(ShapeError);
  }
  expect(() => ops.luFactor([1])).toThrow(ShapeError);
  expect(() => ops.solve(ops.eye(2), ops.ones([3, 1]))).toThrow("solve: rows differ (2 vs 3)");
  expect(() => ops.solve(ops.ones([2, 2, 2]), ops.ones([3, 2, 1]))).toThrow(ShapeError);
  expect(() => ops.matrixPower(ops.eye(2), 0.5)).toThrow(ArgumentError);
});
