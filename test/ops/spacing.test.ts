/** Tests of spacing.ts, signal-windows.ts, calculus.ts, products.ts and vectorize.ts. */
import { beforeEach, describe, expect, test } from "vitest";
import { grad, Input, jit, ops, setDevice, type Tensor, tensor } from "../../src/index.ts";
import { oneOf, uniform } from "../support/inputs.ts";
import { at, build, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";

// Op tests leave the device of the last backend; lengths are read at once here.
beforeEach(async () => {
  await setDevice("cpu");
});

opTest("linspace between tensors", {
  run: (a, b) => ops.linspace(a, b, { num: 5 }),
  reference: (a, b) =>
    build([5, ...a.shape], ([k, ...index]) => {
      const from = at(a, index);
      return from + ((at(b, index) - from) * (k as number)) / 4;
    }),
  shapes: [
    [[3], [3]],
    [
      [2, 2],
      [2, 2],
    ],
  ],
  steps: 3,
  cancels: 4,
});
opTest("geomspace between tensors", {
  run: (a, b) => ops.geomspace(a, b, { num: 4, endpoint: false, axis: -1 }),
  reference: (a, b) =>
    build([...a.shape, 4], (index) => {
      const place = index.slice(0, -1);
      const from = at(a, place);
      return from * (at(b, place) / from) ** ((index.at(-1) as number) / 4);
    }),
  shapes: [[[3], [3]]],
  inputs: [uniform(0.5, 2), uniform(3, 9)],
  steps: 4,
});
opTest("logspace between tensors", {
  run: (a, b) => ops.logspace(a, b, { num: 3, base: 2 }),
  reference: (a, b) =>
    build([3, ...a.shape], ([k, ...index]) => {
      const from = at(a, index);
      return 2 ** (from + ((at(b, index) - from) * (k as number)) / 2);
    }),
  shapes: [[[3], [3]]],
  inputs: oneOf([-1, 0, 1, 2]),
  steps: 4,
});

describe("between numbers", () => {
  test("ends are met", async () => {
    expect(await ops.linspace(0, 1, { num: 3 }).array()).toEqual([0, 0.5, 1]);
    expect(await ops.linspace(5, 9, { num: 1 }).array()).toEqual([5]);
    expect(await ops.geomspace(1, 1000, { num: 4 }).array()).toEqual([1, 10, 100, 1000]);
    expect(await ops.logspace(0, 2, { num: 3 }).array()).toEqual([1, 10, 100]);
    const tenth = (await ops.linspace(0, 0.1, { num: 7 }).array()) as number[];
    expect(tenth.at(-1)).toBe(Math.fround(0.1));
  });

  test("with the step", async () => {
    const [values, step] = ops.linspace(0, 10, { num: 5, endpoint: false, retstep: true });
    expect(await values.array()).toEqual([0, 2, 4, 6, 8]);
    expect(await step.item()).toBe(2);
  });

  test("a negative count", () => {
    expect(() => ops.linspace(0, 1, { num: -1 })).toThrow(/num must be a count/);
  });
});

describe("windows", () => {
  test.each([
    ["bartlett", [0, 2 / 3, 2 / 3, 0]],
    ["hanning", [0, 0.75, 0.75, 0]],
    ["hamming", [0.08, 0.77, 0.77, 0.08]],
    ["blackman", [0, 0.63, 0.63, 0]],
  ] as const)("%s", async (name, expected) => {
    const values = (await ops[name](4).array()) as number[];
    for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected[i] as number, 6);
    expect(await ops[name](1).array()).toEqual([1]);
    expect(ops[name](0).shape).toEqual([0]);
  });

  test("kaiser is a ratio of Bessel functions", async () => {
    const beta = 5;
    const n = 9;
    const t = ops.linspace(-1, 1, { num: n, dtype: "float64" });
    const root = ops.sqrt(ops.maximum(ops.subtract(1, ops.square(t)), 0));
    const expected = ops.divide(
      ops.i0(ops.multiply(root, beta)),
      ops.i0(tensor([beta], { dtype: "float64" })),
    );
    const wanted = (await expected.array()) as number[];
    const got = (await ops.kaiser(n, beta).array()) as number[];
    for (const [i, value] of got.entries()) expect(value).toBeCloseTo(wanted[i] as number, 6);
    // Of a beta whose Bessel function overflows.
    expect(await ops.kaiser(3, 1000).array()).toEqual([0, 1, 0]);
  });

  test("a length from a tensor is read, outside of traces", () => {
    const length = tensor([4], { dtype: "int32" });
    expect(ops.hanning(ops.squeeze(length)).shape).toEqual([4]);
    expect(() => jit((n: Tensor) => ops.hanning(n))(ops.squeeze(length))).toThrow(/as a number/);
  });
});

opTest("diff, twice", {
  run: (x) => ops.diff(x, { n: 2, axis: 1 }),
  reference: (x) =>
    build([x.shape[0] as number, Math.max(0, (x.shape[1] as number) - 2)], ([i, j]) => {
      const v = (k: number): number => at(x, [i as number, (j as number) + k]);
      return v(2) - 2 * v(1) + v(0);
    }),
  shapes: [
    [3, 5],
    [2, 2],
    [2, 1],
  ],
  steps: 2,
  cancels: 4,
});
opTest("trapezoid over places", {
  run: (y, x) => ops.trapezoid(y, { x, axis: 1 }),
  reference: (y, x) =>
    build([y.shape[0] as number], ([i]) => {
      let sum = 0;
      for (let j = 1; j < (y.shape[1] as number); j++) {
        const width = (x.data[j] as number) - (x.data[j - 1] as number);
        sum += (width * (at(y, [i as number, j]) + at(y, [i as number, j - 1]))) / 2;
      }
      return sum;
    }),
  shapes: [[[3, 5], [5]]],
  length: 4,
  steps: 3,
  cancels: 8,
  // Keras keeps x in the operation's config: it cannot be symbolic.
  internal: true,
});

test("trapezoid over symbolic places is refused", () => {
  const y = Input({ shape: [5] });
  expect(() => ops.trapezoid(y, { x: Input({ shape: [5] }) as never })).toThrow(/config/);
  expect(ops.trapezoid(y, { dx: 0.5 }).shape).toEqual([null]);
});
opTest("vander", {
  run: (x) => ops.vander(x, { N: 4 }),
  reference: (x) =>
    build([x.data.length, 4], ([i, j]) => (x.data[i as number] as number) ** (3 - (j as number))),
  shapes: [[3], [5]],
  inputs: oneOf([-2, -1, 0.5, 1, 2]),
  dtypes: ["float32", "float64", "int32"],
});

opTest("outer", {
  run: (a, b) => ops.outer(a, b),
  reference: (a, b) =>
    build(
      [a.data.length, b.data.length],
      ([i, j]) => (a.data[i as number] as number) * (b.data[j as number] as number),
    ),
  shapes: [
    [[3], [4]],
    [[2, 2], [3]],
  ],
});
opTest("inner", {
  run: (a, b) => ops.inner(a, b),
  reference: (a, b) =>
    build([a.shape[0] as number, b.shape[0] as number], ([i, j]) => {
      let sum = 0;
      for (let k = 0; k < (a.shape[1] as number); k++) {
        sum += at(a, [i as number, k]) * at(b, [j as number, k]);
      }
      return sum;
    }),
  shapes: [
    [
      [3, 5],
      [2, 5],
    ],
  ],
  length: 5,
});
opTest("kron", {
  run: (a, b) => ops.kron(a, b),
  reference: (a, b) =>
    build(
      a.shape.map((dim, i) => dim * (b.shape[i] as number)),
      (index) =>
        at(
          a,
          index.map((n, i) => Math.floor(n / (b.shape[i] as number))),
        ) *
        at(
          b,
          index.map((n, i) => n % (b.shape[i] as number)),
        ),
    ),
  shapes: [
    [
      [2, 3],
      [3, 2],
    ],
  ],
});
const crossOf = (a: Nd, b: Nd): Nd =>
  build(a.shape, ([i, k]) => {
    const u = (n: number): number => at(a, [i as number, n % 3]);
    const v = (n: number): number => at(b, [i as number, n % 3]);
    const n = k as number;
    return u(n + 1) * v(n + 2) - u(n + 2) * v(n + 1);
  });
opTest("cross", {
  run: (a, b) => ops.cross(a, b),
  reference: crossOf,
  shapes: [
    [
      [4, 3],
      [4, 3],
    ],
  ],
  steps: 2,
  cancels: 8,
});
for (const mode of ["valid", "same", "full"] as const) {
  for (const [n, m] of [
    [7, 3],
    [3, 7],
    [4, 4],
    [5, 2],
  ] as const) {
    opTest(`correlate, ${mode}, ${n} with ${m}`, {
      run: (a, b) => ops.correlate(a, b, { mode }),
      reference: (a, b) => {
        // Shift s: the sum of a[i + s] b[i].
        const sums: number[] = [];
        for (let s = -(m - 1); s < n; s++) {
          let sum = 0;
          for (let i = 0; i < m; i++) sum += (a.data[i + s] ?? 0) * (b.data[i] as number);
          sums.push(sum);
        }
        const length =
          mode === "full" ? n + m - 1 : mode === "same" ? Math.max(n, m) : Math.abs(n - m) + 1;
        const cut = sums.length - length;
        const low =
          mode === "valid" ? Math.min(n, m) - 1 : n >= m ? Math.floor(cut / 2) : Math.ceil(cut / 2);
        return { shape: [length], data: Float64Array.from(sums.slice(low, low + length)) };
      },
      shapes: [[[n], [m]]],
      dtypes: ["float32", "float64"],
      length: 7,
      unknownAxes: false,
    });
  }
}

describe("vectorize", () => {
  test("calls the function for each element, arguments broadcast", async () => {
    let calls = 0;
    const larger = ops.vectorize((a: Tensor, b: Tensor) => {
      calls++;
      expect(a.shape).toEqual([]);
      return ops.maximum(a, b);
    });
    expect(await larger(tensor([[1, 5]]), tensor([[3], [4]])).array()).toEqual([
      [3, 5],
      [4, 5],
    ]);
    expect(calls).toBe(4);
  });

  test("with a signature: for each sub-array, and it differentiates", async () => {
    const dots = ops.vectorize((a: Tensor, b: Tensor) => ops.sum(ops.multiply(a, b)), {
      signature: "(n),(n)->()",
    });
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    expect(await dots(x, tensor([10, 1])).array()).toEqual([12, 34]);
    const gradient = grad((t: Tensor) => ops.sum(dots(t, tensor([10, 1]))))(x);
    expect(await gradient.array()).toEqual([
      [10, 1],
      [10, 1],
    ]);
    expect(() => dots(x, tensor([1, 2, 3]))).toThrow(/n = 2/);
  });

  test("leaves excluded arguments alone", async () => {
    const scaled = ops.vectorize((x: Tensor, by: number) => ops.multiply(x, by), { excluded: [1] });
    expect(await scaled(tensor([1, 2]), 3).array()).toEqual([3, 6]);
  });

  test("a malformed signature", () => {
    expect(() => ops.vectorize((x: Tensor) => x, { signature: "n->n" })).toThrow(/no signature/);
  });
});
