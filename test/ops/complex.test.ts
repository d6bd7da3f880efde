/** Tests of src/ops/complex.ts and src/tensor/complex.ts. */
import { beforeEach, describe, expect, test } from "vitest";
import {
  ArgumentError,
  ComplexTensor,
  jit,
  ops,
  ShapeError,
  setDevice,
  type Tensor,
  tensor,
  UnsupportedError,
  valueAndGrad,
} from "../../src/index.ts";

type Pair = readonly [number, number];

beforeEach(() => setDevice("cpu"));

/** Points in all quadrants, on the axes and 0. */
const points: readonly Pair[] = [
  [0.5, 1.25],
  [-0.75, 0.5],
  [-1.5, -0.25],
  [0.25, -2],
  [1.5, 0],
  [0, 0.5],
];
const complex = (values: readonly Pair[]): ComplexTensor =>
  new ComplexTensor(
    tensor(
      values.map(([a]) => a),
      { dtype: "float64" },
    ),
    tensor(
      values.map(([, b]) => b),
      { dtype: "float64" },
    ),
  );

const times = ([a, b]: Pair, [c, d]: Pair): Pair => [a * c - b * d, a * d + b * c];
const over = (x: Pair, [c, d]: Pair): Pair => times(x, [c / (c * c + d * d), -d / (c * c + d * d)]);
const plus = ([a, b]: Pair, [c, d]: Pair): Pair => [a + c, b + d];
const exp = ([a, b]: Pair): Pair => [Math.exp(a) * Math.cos(b), Math.exp(a) * Math.sin(b)];
const log = ([a, b]: Pair): Pair => [Math.log(Math.hypot(a, b)), Math.atan2(b, a)];
const scaled = ([a, b]: Pair, f: number): Pair => [a * f, b * f];
const minus = (z: Pair): Pair => scaled(z, -1);
/** By their definitions with exponentials and logarithms. */
const i: Pair = [0, 1];
const sinh = (z: Pair): Pair => scaled(plus(exp(z), minus(exp(minus(z)))), 0.5);
const cosh = (z: Pair): Pair => scaled(plus(exp(z), exp(minus(z))), 0.5);
const artanh = (z: Pair): Pair =>
  scaled(plus(log(plus([1, 0], z)), minus(log(plus([1, 0], minus(z))))), 0.5);
const back = (z: Pair): Pair => times([0, -1], z);

const functions: Record<string, (z: Pair) => Pair> = {
  copy: (z) => z,
  conj: ([a, b]) => [a, -b],
  conjugate: ([a, b]) => [a, -b],
  negative: minus,
  square: (z) => times(z, z),
  reciprocal: (z) => over([1, 0], z),
  sqrt: (z) => exp(scaled(log(z), 0.5)),
  rsqrt: (z) => exp(scaled(log(z), -0.5)),
  exp,
  expm1: (z) => plus(exp(z), [-1, 0]),
  log,
  log2: (z) => scaled(log(z), Math.LOG2E),
  log10: (z) => scaled(log(z), Math.LOG10E),
  log1p: (z) => log(plus(z, [1, 0])),
  sign: ([a, b]) => scaled([a, b], 1 / Math.hypot(a, b)),
  sin: (z) => back(sinh(times(i, z))),
  cos: (z) => cosh(times(i, z)),
  sinh,
  cosh,
  tanh: (z) => over(sinh(z), cosh(z)),
  tan: (z) => back(over(sinh(times(i, z)), cosh(times(i, z)))),
  arctan: (z) => back(artanh(times(i, z))),
  arctanh: artanh,
};

type Named = Readonly<Record<string, (...args: unknown[]) => unknown>>;
const named = ops as unknown as Named;

async function near(actual: unknown, expected: readonly Pair[]): Promise<void> {
  expect(actual).toBeInstanceOf(ComplexTensor);
  const z = actual as ComplexTensor;
  for (const [k, value] of (await z.data()).entries()) {
    const wanted = expected[k >> 1]?.[k & 1] as number;
    expect(Math.abs(value - wanted), `element ${k}: ${value}, ${wanted}`).toBeLessThan(
      1e-13 * (1 + Math.abs(wanted)),
    );
  }
}

describe("functions of complex numbers", () => {
  // artanh has a cut on the real axis beyond 1, arctan on the imaginary one.
  const within = (name: string): readonly Pair[] =>
    name.startsWith("arctan") ? points.filter(([a, b]) => a !== 1.5 && b !== 0.5) : points;
  test.each(Object.keys(functions))("%s", async (name) => {
    const given = within(name);
    const fn = functions[name] as (z: Pair) => Pair;
    await near(named[name]?.(complex(given)), given.map(fn));
  });

  test("at 0", async () => {
    const zero = complex([[0, 0]]);
    await near(ops.sqrt(zero), [[0, 0]]);
    await near(ops.sign(zero), [[0, 0]]);
    await near(ops.expm1(zero), [[0, 0]]);
    await near(ops.tanh(complex([[500, 1]])), [[1, 0]]);
    await near(ops.expm1(complex([[1e-20, 1e-20]])), [[1e-20, 1e-20]]);
  });

  test("real values", async () => {
    const z = complex(points);
    const near = async (x: unknown, fn: (z: Pair) => number): Promise<void> => {
      const values = await (x as Tensor).data();
      for (const [k, p] of points.entries()) expect(Number(values[k])).toBeCloseTo(fn(p), 13);
    };
    await near(ops.abs(z), ([a, b]) => Math.hypot(a, b));
    await near(ops.absolute(z), ([a, b]) => Math.hypot(a, b));
    await near(ops.angle(z), ([a, b]) => Math.atan2(b, a));
    await near(ops.real(z), ([a]) => a);
    await near(ops.imag(z), ([, b]) => b);
    expect(await (ops.isreal(z) as Tensor).array()).toEqual(points.map(([, b]) => b === 0));
    const odd = complex([
      [Number.NaN, 0],
      [0, Number.POSITIVE_INFINITY],
      [1, 2],
    ]);
    expect(await (ops.isnan(odd) as Tensor).array()).toEqual([true, false, false]);
    expect(await (ops.isinf(odd) as Tensor).array()).toEqual([false, true, false]);
    expect(await (ops.isfinite(odd) as Tensor).array()).toEqual([false, false, true]);
  });
});

describe("operations", () => {
  const others: readonly Pair[] = [...points].reverse();
  const operations: Record<string, (x: Pair, y: Pair) => Pair> = {
    add: plus,
    subtract: (x, y) => plus(x, minus(y)),
    multiply: times,
    divide: over,
    true_divide: over,
    power: (x, y) => exp(times(y, log(x))),
  };
  test.each(Object.keys(operations))("%s", async (name) => {
    const fn = operations[name] as (x: Pair, y: Pair) => Pair;
    const op = named[name === "true_divide" ? "trueDivide" : name];
    await near(
      op?.(complex(points), complex(others)),
      points.map((z, k) => fn(z, others[k] as Pair)),
    );
    // With a real one.
    await near(
      op?.(complex(points), 2),
      points.map((z) => fn(z, [2, 0])),
    );
  });

  test("products and sums", async () => {
    const [x, y] = [complex(points), complex(others)];
    const dot = points.map((z, k) => times(z, others[k] as Pair)).reduce(plus);
    await near(ops.matmul(x, y), [dot]);
    const inner = points.map(([a, b], k) => times([a, -b], others[k] as Pair)).reduce(plus);
    await near(ops.vdot(x, y), [inner]);
    await near(ops.sum(x), [points.reduce(plus)]);
    expect(await (ops.equal(x, y) as Tensor).array()).toEqual(points.map(() => false));
    expect(await (ops.notEqual(x, x) as Tensor).array()).toEqual(points.map(() => false));
  });

  test("what moves elements", async () => {
    const z = ops.reshape(complex(points), [2, 3]) as ComplexTensor;
    expect(z.shape).toEqual([2, 3]);
    await near(ops.ravel(z), points);
    await near(ops.concatenate([complex(points), tensor([7], { dtype: "float64" })]), [
      ...points,
      [7, 0],
    ]);
    const [first, second] = ops.split(complex(points), 2) as unknown as ComplexTensor[];
    await near(first, points.slice(0, 3));
    await near(second, points.slice(3));
    expect(ops.shape(z)).toEqual([2, 3]);
  });

  test("what has no rule says so", () => {
    expect(() => ops.relu(complex(points))).toThrow(UnsupportedError);
    expect(() => ops.relu(complex(points))).toThrow("relu: there is no rule for complex tensors");
    expect(() => ops.viewAsComplex(complex(points) as unknown as Tensor)).toThrow(ArgumentError);
  });
});

describe("complex tensors", () => {
  test("made of real ones and read", async () => {
    const z = ops.viewAsComplex([
      [
        [1, 2],
        [3, 4],
      ],
    ]);
    expect([z.shape, z.ndim, z.size, z.dtype]).toEqual([[1, 2], 2, 2, "complex64"]);
    expect(await z.array()).toEqual([
      [
        [1, 2],
        [3, 4],
      ],
    ]);
    expect(await z.data()).toEqual(new Float32Array([1, 2, 3, 4]));
    expect(z.dataSync()).toEqual(new Float32Array([1, 2, 3, 4]));
    expect(await ops.viewAsReal(z).array()).toEqual([
      [
        [1, 2],
        [3, 4],
      ],
    ]);
    expect(await ops.viewAsReal([5]).array()).toEqual([[5, 0]]);
    expect(complex(points).dtype).toBe("complex128");
    expect(await complex([[1, 2]]).item()).toEqual([1, 2]);
    await expect(z.item()).rejects.toThrow(ShapeError);
    expect(() => ops.viewAsComplex([1, 2, 3])).toThrow(ShapeError);
  });

  test("polar", async () => {
    await near(
      ops.polar(tensor([2, 3], { dtype: "float64" }), tensor([0, 1], { dtype: "float64" })),
      [
        [2, 0],
        [3 * Math.cos(1), 3 * Math.sin(1)],
      ],
    );
  });

  test("in jit: arguments and results", async () => {
    const program = jit((z: ComplexTensor) => ({ square: ops.square(z), size: ops.abs(z) }));
    const { square, size } = program(complex(points));
    await near(
      square,
      points.map((z) => times(z, z)),
    );
    expect((size as Tensor).shape).toEqual([points.length]);
  });

  test("gradients of their parts", async () => {
    // d |z|^2 = 2 a da + 2 b db.
    const [, gradient] = valueAndGrad((z: ComplexTensor) =>
      ops.sum(ops.real(ops.multiply(z, ops.conj(z))) as Tensor),
    )(complex(points));
    await near(
      gradient,
      points.map((z) => scaled(z, 2)),
    );
  });
});
