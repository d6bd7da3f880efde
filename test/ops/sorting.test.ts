/** Tests of src/ops/sorting.ts. */
import { expect, test } from "vitest";
import { apply, grad, ops, type Tensor, tensor } from "../../src/index.ts";
import { awayFrom, distinct, integers, uniform } from "../support/inputs.ts";
import { alongAxis, at, build, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";
import { numberDTypes, primitive } from "../support/shapes.ts";

const running = (row: readonly number[]): number[] => {
  let total = 0;
  return row.map((v) => {
    total += v;
    return total;
  });
};
const products = (row: readonly number[]): number[] => {
  let total = 1;
  return row.map((v) => {
    total *= v;
    return total;
  });
};
const order = (row: readonly number[]): number[] =>
  row.map((_, i) => i).sort((a, b) => (row[a] as number) - (row[b] as number) || a - b);
const sorted = (row: readonly number[]): number[] => order(row).map((i) => row[i] as number);
const flat = (x: Nd): Nd => ({ shape: [x.data.length], data: x.data });

for (const axis of [0, 1, -1]) {
  const shapes = [
    [5, 3],
    [3, 37],
    [2, 0],
    [2, 3, 4],
    [2, 3, 1, 2, 1, 2],
  ];
  opTest(`cumsum, axis ${axis}`, {
    ops: ["cumsum"],
    run: (x) => ops.cumsum(x, { axis }),
    reference: (x) => alongAxis(x, axis, running),
    shapes,
    length: 37,
  });
  opTest(`cumsum of integers, axis ${axis}`, {
    run: (x) => ops.cumsum(x, { axis }),
    reference: (x) => alongAxis(x, axis, running),
    shapes,
    dtypes: numberDTypes.filter((dtype) => dtype.includes("int")),
    inputs: uniform(-3, 3),
  });
  opTest(`cumprod, axis ${axis}`, {
    ops: ["cumprod"],
    run: (x) => ops.cumprod(x, { axis }),
    reference: (x) => alongAxis(x, axis, products),
    shapes: [
      [5, 3],
      [3, 7],
      [2, 0],
      [2, 3, 4],
    ],
    inputs: awayFrom([0], { low: -1.5, high: 1.5, distance: 0.5 }),
    // Each product on the way is rounded, among them such as are nearly 0.
    steps: (x) => Math.max(1, x.at(axis) ?? 1),
    gradientSteps: 24,
  });
  opTest(`cumprod of integers, axis ${axis}`, {
    ops: ["cumprod"],
    run: (x) => ops.cumprod(x, { axis }),
    reference: (x) => alongAxis(x, axis, products),
    shapes: [
      [5, 3],
      [3, 5],
      [2, 0],
    ],
    dtypes: numberDTypes.filter((dtype) => dtype.includes("int")),
    inputs: uniform(-3, 3),
  });
  opTest(`reverse cumsum, axis ${axis}`, {
    ops: ["cumsum"],
    run: (x) =>
      apply(primitive("cumsum"), [x], {
        axis: axis < 0 ? axis + x.ndim : axis,
        reverse: true,
      } as never),
    reference: (x) => alongAxis(x, axis, (row) => running([...row].reverse()).reverse()),
    shapes,
    length: 37,
    internal: true,
  });
  opTest(`sort, axis ${axis}`, {
    ops: ["sort", "argsort"],
    run: (x) => ops.sort(x, { axis }),
    reference: (x) => alongAxis(x, axis, sorted),
    shapes,
    inputs: distinct(0.0625),
    dtypes: ["float32", "float64", "float16"],
  });
  opTest(`sort with ties, axis ${axis}`, {
    ops: ["sort"],
    run: (x) => ops.sort(x, { axis }),
    reference: (x) => alongAxis(x, axis, sorted),
    shapes,
    inputs: integers(0, 5),
    dtypes: numberDTypes,
    differentiable: false,
  });
  opTest(`argsort, axis ${axis}`, {
    ops: ["argsort"],
    run: (x) => ops.argsort(x, { axis }),
    reference: (x) => alongAxis(x, axis, order),
    shapes,
    // Equal elements keep their order.
    inputs: integers(0, 5),
    dtypes: numberDTypes,
    resultDType: "int32",
    differentiable: "zero",
  });
}
opTest("cumsum, flat", {
  run: (x) => ops.cumsum(x),
  reference: (x) => alongAxis(flat(x), 0, running),
  shapes: [[], [5], [2, 3], [3000]],
  length: 3000,
  dtypes: ["float32", "float64"],
});
opTest("sort, flat", {
  run: (x) => ops.sort(x, { axis: null }),
  reference: (x) => alongAxis(flat(x), 0, sorted),
  shapes: [[], [2, 3]],
  inputs: distinct(),
});
opTest("argsort, flat, long", {
  run: (x) => ops.argsort(x, { axis: null }),
  reference: (x) => alongAxis(flat(x), 0, order),
  shapes: [[], [2, 3], [2000]],
  inputs: integers(0, 500),
  dtypes: ["float32", "int32"],
  resultDType: "int32",
  differentiable: false,
});
opTest("sort with NaN", {
  run: (x) => ops.sort(x),
  reference: (x) =>
    alongAxis(x, -1, (row) => {
      const numbers = row.filter((v) => !Number.isNaN(v)).sort((a, b) => a - b);
      return row.map((_, i) => numbers[i] ?? Number.NaN);
    }),
  shapes: [[3, 40]],
  inputs: {
    values: (random, shape) =>
      Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () =>
        random.next() < 0.3 ? Number.NaN : random.integer(-9, 9),
      ),
  },
  differentiable: false,
});

const best = (row: readonly number[], k: number): number[] =>
  row
    .map((_, i) => i)
    .sort((a, b) => (row[b] as number) - (row[a] as number) || a - b)
    .slice(0, k);
for (const k of [1, 3]) {
  const reference = (x: Nd): readonly Nd[] => [
    alongAxis(x, -1, (row) => best(row, k).map((i) => row[i] as number)),
    alongAxis(x, -1, (row) => best(row, k)),
  ];
  opTest(`topK, k ${k}`, {
    ops: ["top_k", "top_k_backward"],
    run: (x) => ops.topK(x, k),
    reference,
    shapes: [[5], [3, 7], [0, 4], [2, 1, 3, 4]],
    inputs: distinct(0.0625),
    dtypes: ["float32", "float64", "float16"],
    resultDType: (dtype) => [dtype, "int32"],
    unknownAxes: false,
  });
  opTest(`topK with ties, k ${k}`, {
    run: (x) => ops.topK(x, k),
    reference,
    shapes: [[9], [3, 7]],
    inputs: integers(0, 3),
    dtypes: numberDTypes,
    resultDType: (dtype) => [dtype, "int32"],
    differentiable: false,
    unknownAxes: false,
  });
}
opTest("topK of a batch", {
  run: (x) => ops.topK(x, 2),
  reference: (x) => [
    alongAxis(x, -1, (row) => best(row, 2).map((i) => row[i] as number)),
    alongAxis(x, -1, (row) => best(row, 2)),
  ],
  shapes: [[3, 7]],
  inputs: distinct(),
  dtypes: ["float32"],
  resultDType: (dtype) => [dtype, "int32"],
});
opTest("top_k_backward", {
  ops: ["top_k_backward"],
  run: (indices, dy) =>
    apply(primitive("top_k_backward"), [indices, dy], { axis: 1, length: 5 } as never),
  reference: (indices, dy) =>
    build([dy.shape[0] as number, 5], ([i, j]) => {
      let sum = 0;
      for (let n = 0; n < (dy.shape[1] as number); n++) {
        if (at(indices, [i as number, n]) === j) sum += at(dy, [i as number, n]);
      }
      return sum;
    }),
  shapes: [
    [
      [3, 2],
      [3, 2],
    ],
  ],
  inputs: [integers(0, 4, "int32"), uniform()],
  resultDType: (dtype) => dtype,
  length: 2,
  internal: true,
});
opTest("inTopK", {
  run: (targets, predictions) => ops.inTopK(targets, predictions, 2),
  reference: (targets, predictions) =>
    build(targets.shape, ([i]) => {
      const row = [0, 1, 2, 3].map((c) => at(predictions, [i as number, c]));
      const score = row[at(targets, [i as number])] as number;
      return Number(row.filter((v) => v > score).length < 2);
    }),
  shapes: [[[5], [5, 4]]],
  inputs: [integers(0, 3, "int32"), uniform()],
  resultDType: "bool",
  differentiable: false,
});

opTest("cumprod with one zero", {
  ops: ["cumprod"],
  run: (x) =>
    ops.cumprod(ops.multiply(x, tensor([1, 1, 0, 1, 1], { dtype: x.dtype })), { axis: 1 }),
  reference: (x) => alongAxis(x, 1, (row) => products(row.map((v, i) => (i === 2 ? 0 : v)))),
  shapes: [[3, 5]],
  inputs: awayFrom([0], { distance: 0.5 }),
  dtypes: ["float32", "float64"],
  steps: 7,
});

test("cumprod: gradients at zeros", async () => {
  const gradients = async (values: number[]): Promise<unknown> =>
    (await grad((x: Tensor) => ops.sum(ops.cumprod(x)))(tensor(values))).array();
  // sum of x0, x0 x1, x0 x1 x2, x0 x1 x2 x3
  expect(await gradients([2, 0, 3, 4])).toEqual([1, 2 + 2 * 3 + 2 * 3 * 4, 0, 0]);
  expect(await gradients([2, 0, 0, 4])).toEqual([1, 2, 0, 0]);
  expect(await gradients([0, 5, 0, 4])).toEqual([1 + 5, 0, 0, 0]);
});

test("argpartition parts at kth", async () => {
  const x = tensor([5, 1, 4, 2, 3]);
  const [low, high] = ops.split(ops.argpartition(x, 2), [3]) as [Tensor, Tensor];
  expect(await ops.sort(low).array()).toEqual([1, 3, 4]);
  expect(await ops.sort(high).array()).toEqual([0, 2]);
  expect(() => ops.argpartition(x, 5)).toThrow(/kth is 5/);
});
