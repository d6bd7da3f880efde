/** Tests of src/ops/quantiles.ts, statistics.ts and nan-reductions.ts. */
import { beforeEach, describe, expect, test } from "vitest";
import { ops, setDevice, type Tensor, tensor } from "../../src/index.ts";
import { distinct, type InputSpec, uniform } from "../support/inputs.ts";
import { type Nd, reduce } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";

// Op tests leave the device of the last backend; lengths are read at once here.
beforeEach(async () => {
  await setDevice("cpu");
});

type Method = "linear" | "lower" | "higher" | "nearest" | "midpoint";

function quantileOf(values: readonly number[], q: number, method: Method): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = q * (sorted.length - 1);
  const low = sorted[Math.floor(place)] as number;
  const high = sorted[Math.ceil(place)] as number;
  const part = place - Math.floor(place);
  switch (method) {
    case "lower":
      return low;
    case "higher":
      return high;
    case "nearest":
      return part < 0.5 || (part === 0.5 && Math.floor(place) % 2 === 0) ? low : high;
    case "midpoint":
      return (low + high) / 2;
    default:
      return low + part * (high - low);
  }
}

const shapes = [[9], [3, 5], [4, 7]];
for (const method of ["linear", "lower", "higher", "nearest", "midpoint"] as const) {
  opTest(`quantile, ${method}`, {
    run: (x) => ops.quantile(x, 0.4, { axis: -1, method }),
    reference: (x) => reduce(x, [-1], false, (row) => quantileOf(row, 0.4, method)),
    shapes,
    inputs: distinct(0.0625),
    dtypes: ["float32", "float64"],
    // Differences cross from one pair of neighbours to the next.
    secondDerivative: false,
    cancels: 4,
  });
}

opTest("median of all", {
  run: (x) => ops.median(x),
  reference: (x) => reduce(x, null, false, (values) => quantileOf(values, 0.5, "linear")),
  shapes,
  inputs: distinct(0.0625),
  dtypes: ["float32", "float64", "float16", "bfloat16"],
  cancels: 4,
  secondDerivative: false,
});

describe("quantiles", () => {
  test("several at once stand in front", async () => {
    const x = tensor([
      [1, 2, 3, 4, 5],
      [10, 20, 30, 40, 50],
    ]);
    const q = tensor([0, 0.25, 1]);
    const all = ops.quantile(x, q, { axis: 1, keepdims: true });
    expect(all.shape).toEqual([3, 2, 1]);
    expect(await ops.reshape(all, [3, 2]).array()).toEqual([
      [1, 10],
      [2, 20],
      [5, 50],
    ]);
    expect(await ops.percentile(x, [0, 50], { axis: [0, 1] }).array()).toEqual([1, 7.5]);
  });

  test("NaN: kept, or left out", async () => {
    const x = tensor([
      [1, Number.NaN, 3],
      [Number.NaN, Number.NaN, Number.NaN],
    ]);
    expect(await ops.median(x, { axis: 1 }).array()).toEqual([Number.NaN, Number.NaN]);
    expect(await ops.nanmedian(x, { axis: 1 }).array()).toEqual([2, Number.NaN]);
    expect(await ops.nanpercentile(x, 50).item()).toBe(2);
    expect(await ops.nanquantile(x, tensor([0, 1]), { axis: 1 }).array()).toEqual([
      [1, Number.NaN],
      [3, Number.NaN],
    ]);
  });

  test("an unknown method", () => {
    expect(() => ops.quantile([1, 2], 0.5, { method: "middle" as never })).toThrow(/method/);
  });
});

const nan = Number.NaN;
const withNan: InputSpec = {
  values: (...given) =>
    uniform()
      .values(...given)
      .map((v, i) => (i % 4 === 1 ? nan : v)),
};
const known = (values: readonly number[]): number[] => values.filter((v) => !Number.isNaN(v));
const mean = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / values.length;
const variance = (values: readonly number[]): number =>
  mean(values.map((v) => (v - mean(values)) ** 2));

const reductions: readonly (readonly [
  string,
  (x: Tensor, options: { axis: number }) => Tensor,
  (values: readonly number[]) => number,
])[] = [
  ["nansum", ops.nansum, (v) => v.reduce((a, b) => a + b, 0)],
  ["nanprod", ops.nanprod, (v) => v.reduce((a, b) => a * b, 1)],
  ["nanmax", ops.nanmax, (v) => (v.length === 0 ? nan : Math.max(...v))],
  ["nanmin", ops.nanmin, (v) => (v.length === 0 ? nan : Math.min(...v))],
  ["nanmean", ops.nanmean, mean],
  ["nanvar", ops.nanvar, variance],
  ["nanstd", ops.nanstd, (v) => Math.sqrt(variance(v))],
];
for (const [name, run, fn] of reductions) {
  opTest(name, {
    run: (x) => run(x, { axis: 1 }),
    reference: (x: Nd) => reduce(x, [1], false, (row) => fn(known(row))),
    shapes: [
      [3, 5],
      [2, 9],
    ],
    inputs: withNan,
    length: 9,
    steps: 2,
    // Differences of NaN are none: conformance has the gradients.
    differentiable: false,
  });
}

test("nanargmax, nanargmin and running forms", async () => {
  const x = tensor([
    [nan, 2, 1],
    [nan, nan, nan],
  ]);
  expect(await ops.nanargmax(x, { axis: 1 }).array()).toEqual([1, -1]);
  expect(await ops.nanargmin(x, { axis: 1 }).array()).toEqual([2, -1]);
  expect(await ops.nancumsum(tensor([1, nan, 2])).array()).toEqual([1, 1, 3]);
  expect(await ops.nancumprod(tensor([2, nan, 3])).array()).toEqual([2, 2, 6]);
});

describe("statistics", () => {
  test("bincount", async () => {
    const x = tensor([1, 3, 1], { dtype: "int32" });
    expect(await ops.bincount(x).array()).toEqual([0, 2, 0, 1]);
    expect(await ops.bincount(x, { minlength: 6 }).array()).toEqual([0, 2, 0, 1, 0, 0]);
    expect(await ops.bincount(x, { weights: tensor([0.5, 1, 2]) }).array()).toEqual([0, 2.5, 0, 1]);
    const rows = tensor(
      [
        [0, 1],
        [2, 2],
      ],
      { dtype: "int32" },
    );
    expect(await (await ops.bincountAsync(rows)).array()).toEqual([
      [1, 1, 0],
      [0, 0, 2],
    ]);
  });

  test("histogram: the last bin includes its edge, what is outside does not count", async () => {
    const [counts, edges] = ops.histogram(tensor([0, 1, 2, 3, 4, nan]), { bins: 2, range: [0, 3] });
    expect(await counts.array()).toEqual([2, 2]);
    expect(await edges.array()).toEqual([0, 1.5, 3]);
    const [same, around] = ops.histogram(tensor([2, 2]), { bins: 2 });
    expect(await same.array()).toEqual([0, 2]);
    expect(await around.array()).toEqual([1.5, 2, 2.5]);
  });

  test("corrcoef of opposite rows", async () => {
    expect(
      await ops
        .corrcoef(
          tensor([
            [1, 2, 3],
            [3, 2, 1],
          ]),
        )
        .array(),
    ).toEqual([
      [1, -1],
      [-1, 1],
    ]);
  });

  test("weights that fit nothing", () => {
    expect(() =>
      ops.average(
        tensor([
          [1, 2],
          [3, 4],
        ]),
        { axis: 0, weights: [1, 2, 3] },
      ),
    ).toThrow(/fit neither/);
  });
});

opTest("average with weights along an axis", {
  run: (x, w) => ops.average(x, { axis: 1, weights: w }),
  reference: (x, w) =>
    reduce(x, [1], false, (row) => {
      const total = w.data.reduce((a, b) => a + b, 0);
      return row.reduce((sum, v, i) => sum + v * (w.data[i] as number), 0) / total;
    }),
  shapes: [
    [[3, 5], [5]],
    [[2, 9], [9]],
  ],
  inputs: [uniform(), uniform(0.5, 2)],
  length: 9,
  steps: 3,
});

opTest("ptp", {
  run: (x) => ops.ptp(x, { axis: 1 }),
  reference: (x) => reduce(x, [1], false, (row) => Math.max(...row) - Math.min(...row)),
  shapes: [
    [3, 5],
    [2, 9],
  ],
  inputs: distinct(0.125),
});

test("ptp keeps integers", () => {
  expect(ops.ptp(tensor([3, 9], { dtype: "int16" })).dtype).toBe("int16");
});
