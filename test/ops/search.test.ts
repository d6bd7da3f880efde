/** Tests of src/ops/search.ts, selection.ts, unique.ts and dynamic-shape.ts. */
import { beforeEach, describe, expect, test } from "vitest";
import { jit, ops, setDevice, type Tensor, tensor, UnsupportedError } from "../../src/index.ts";
import { type InputSpec, integers, uniform } from "../support/inputs.ts";
import { map, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";
import { numberDTypes } from "../support/shapes.ts";

// Op tests leave the device of the last backend; lengths are read at once here.
beforeEach(async () => {
  await setDevice("cpu");
});

/** Sorted numbers from a few, so that many are equal. */
const sorted: InputSpec = {
  values: (random, shape, dtype, shapes) =>
    integers(0, 20)
      .values(random, shape, dtype, shapes)
      .sort((a, b) => a - b),
};

for (const side of ["left", "right"] as const) {
  opTest(`searchsorted, ${side}`, {
    ops: ["searchsorted"],
    run: (sequence, values) => ops.searchsorted(sequence, values, { side }),
    reference: (sequence, values) =>
      map(values, (v) => sequence.data.filter((s) => (side === "left" ? s < v : s <= v)).length),
    shapes: [
      [[7], [5]],
      [[64], [3, 9]],
      [[1], [4]],
      [[0], [3]],
      [[5], [2, 0]],
    ],
    inputs: [sorted, integers(0, 21)],
    dtypes: numberDTypes,
    resultDType: "int32",
    differentiable: "zero",
    // The sequence is a vector; one of unknown length is sorted, too.
    layouts: ["contiguous"],
  });
}

test("searchsorted: NaN is behind everything", async () => {
  const sequence = tensor([1, 2, Number.NaN]);
  const values = tensor([Number.NaN, 3]);
  expect(await ops.searchsorted(sequence, values).array()).toEqual([2, 2]);
  expect(await ops.searchsorted(sequence, values, { side: "right" }).array()).toEqual([3, 2]);
});

test("digitize", async () => {
  expect(await ops.digitize([-1, 0, 0.5, 9], [0, 0.5, 1]).array()).toEqual([0, 1, 2, 3]);
});

test("isin", async () => {
  const x = tensor([1, 5, Number.NaN, 2]);
  expect(await ops.isin(x, [2, 1, Number.NaN]).array()).toEqual([true, false, false, true]);
  expect(await ops.isin(x, [2], { invert: true }).array()).toEqual([true, true, true, false]);
  expect(await ops.isin(x, tensor(new Float32Array(0))).array()).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

opTest("unique rows are in the order of words", {
  ops: ["lexsort"],
  run: (x) => ops.unique(x, { axis: 0, size: 6, fillValue: 9 }) as Tensor,
  reference: (x) => uniqueRows(x, 6, 9),
  shapes: [
    [5, 2],
    [8, 1],
    [6, 3],
  ],
  inputs: integers(-1, 1),
  dtypes: ["float32", "float64", "int32", "int8", "int64", "float16"],
  differentiable: false,
  unknownAxes: false,
});

function uniqueRows(x: Nd, size: number, fill: number): Nd {
  const [rows, width] = x.shape as [number, number];
  const list = Array.from({ length: rows }, (_, i) =>
    Array.from(x.data.slice(i * width, (i + 1) * width)),
  ).sort((a, b) => {
    const i = a.findIndex((v, k) => v !== b[k]);
    return i < 0 ? 0 : (a[i] as number) - (b[i] as number);
  });
  const distinct = list.filter((row, i) => i === 0 || row.join() !== list[i - 1]?.join());
  const filled = Array.from({ length: size }, (_, i) =>
    i < distinct.length ? (distinct[i] as number[]) : new Array<number>(width).fill(fill),
  );
  return { shape: [size, width], data: Float64Array.from(filled.flat()) };
}

describe("unique", () => {
  test("indices, inverse and counts", async () => {
    const x = tensor(
      [
        [3, 1],
        [3, 2],
      ],
      { dtype: "int32" },
    );
    const [values, index, inverse, counts] = ops.unique(x, {
      returnIndex: true,
      returnInverse: true,
      returnCounts: true,
    }) as Tensor[];
    expect(await values?.array()).toEqual([1, 2, 3]);
    expect(await index?.array()).toEqual([1, 3, 0]);
    expect(await inverse?.array()).toEqual([
      [2, 0],
      [2, 1],
    ]);
    expect(await counts?.array()).toEqual([1, 1, 2]);
  });

  test("along an axis that is not the first", async () => {
    const x = tensor([
      [2, 1, 2],
      [0, 5, 0],
    ]);
    const [values, inverse] = ops.unique(x, { axis: 1, returnInverse: true }) as Tensor[];
    expect(await values?.array()).toEqual([
      [1, 2],
      [5, 0],
    ]);
    expect(await inverse?.array()).toEqual([1, 0, 1]);
  });

  test("every NaN is one of its own", async () => {
    const x = tensor([Number.NaN, 1, Number.NaN]);
    expect(await (ops.unique(x) as Tensor).array()).toEqual([1, Number.NaN, Number.NaN]);
  });

  test("nothing", async () => {
    const x = tensor(new Float32Array(0));
    expect((ops.unique(x) as Tensor).shape).toEqual([0]);
    expect(await (ops.unique(x, { size: 2 }) as Tensor).array()).toEqual([0, 0]);
  });

  test("a size makes it traceable: cut off or filled up", async () => {
    const distinct = (size: number) =>
      jit((x: Tensor) => ops.unique(x, { size, fillValue: -1 }) as Tensor);
    expect(await distinct(2)(tensor([3, 1, 2, 1])).array()).toEqual([1, 2]);
    expect(await distinct(5)(tensor([3, 1, 2, 1])).array()).toEqual([1, 2, 3, -1, -1]);
  });
});

describe("shapes that depend on values", () => {
  const x = tensor([
    [0, 2],
    [3, 0],
  ]);

  test("nonzero and where", async () => {
    const places = [
      [0, 1],
      [1, 0],
    ];
    expect(await Promise.all(ops.nonzero(x).map((i) => i.array()))).toEqual(places);
    expect(await Promise.all(ops.where(x).map((i) => i.array()))).toEqual(places);
    expect(await Promise.all((await ops.nonzeroAsync(x)).map((i) => i.array()))).toEqual(places);
    expect(ops.nonzero(tensor([0, 0])).map((i) => i.shape)).toEqual([[0]]);
  });

  test.each([
    ["nonzero", (t: Tensor) => ops.nonzero(t)[0] as Tensor, /nonzeroAsync/],
    ["where", (t: Tensor) => ops.where(t)[0] as Tensor, /both branches/],
    ["unique", (t: Tensor) => ops.unique(t) as Tensor, /`size`/],
    ["bincount", (t: Tensor) => ops.bincount(ops.cast(t, "int32")), /oneHot/],
  ] as const)("%s in a trace says what to write instead", (op, run, remedy) => {
    let error: unknown;
    try {
      jit(run)(tensor([1, 2]));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(UnsupportedError);
    expect(error).toMatchObject({ op, message: expect.stringMatching(remedy) });
  });

  test("one branch of where alone", () => {
    expect(() => ops.where(x, x, null as never)).toThrow(/both branches/);
  });
});

opTest("select", {
  run: (a, b, c) =>
    ops.select([ops.greater(a, 0), ops.greater(b, 0)], [a, ops.multiply(b, 2)], { default: c }),
  reference: (a, b, c) => ({
    shape: a.shape,
    data: a.data.map((v, i) => {
      const w = b.data[i] as number;
      return v > 0 ? v : w > 0 ? 2 * w : (c.data[i] as number);
    }),
  }),
  shapes: [
    [[7], [7], [7]],
    [
      [2, 3],
      [2, 3],
      [2, 3],
    ],
  ],
  inputs: uniform(),
});

test("unravelIndex", async () => {
  const parts = ops.unravelIndex(tensor([0, 5, 11], { dtype: "int32" }), [3, 4]);
  expect(await Promise.all(parts.map((i) => i.array()))).toEqual([
    [0, 1, 2],
    [0, 1, 3],
  ]);
});
