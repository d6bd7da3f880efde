/** Tests of src/ops/adaptive-pooling.ts. */
import { expect, test } from "vitest";
import { ArgumentError, ops, ShapeError } from "../../src/index.ts";
import { distinct } from "../support/inputs.ts";
import { at, build, indicesOf, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";

/** [batch, spatial…, channels] in so many parts. */
function pooled(x: Nd, parts: readonly number[], fn: (values: number[]) => number): Nd {
  const size = x.shape.slice(1, -1);
  return build([x.shape[0] as number, ...parts, x.shape.at(-1) as number], (index) => {
    const windows = size.map((n, axis) => {
      const [i, o] = [index[axis + 1] as number, parts[axis] as number];
      return [Math.floor((i * n) / o), Math.ceil(((i + 1) * n) / o)] as const;
    });
    const values: number[] = [];
    for (const step of indicesOf(windows.map(([from, to]) => to - from))) {
      const place = step.map((n, axis) => n + (windows[axis]?.[0] as number));
      values.push(at(x, [index[0] as number, ...place, index.at(-1) as number]));
    }
    return fn(values);
  });
}

const mean = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / values.length;
const cases: readonly { shape: readonly number[]; parts: readonly number[] }[] = [
  { shape: [2, 7, 3], parts: [3] },
  { shape: [1, 6, 5, 2], parts: [2, 3] },
  { shape: [1, 3, 4, 1], parts: [5, 4] },
  { shape: [1, 4, 5, 6, 2], parts: [2, 3, 1] },
];
for (const { shape, parts } of cases) {
  const size = parts.length === 1 ? (parts[0] as number) : parts;
  opTest(`adaptiveAveragePool ${shape.join("x")} to ${parts.join("x")}`, {
    run: (x) => ops.adaptiveAveragePool(x, size),
    reference: (x) => pooled(x, parts, mean),
    shapes: [shape],
    length: 64,
    steps: 3,
  });
  opTest(`adaptiveMaxPool ${shape.join("x")} to ${parts.join("x")}`, {
    run: (x) => ops.adaptiveMaxPool(x, size),
    reference: (x) => pooled(x, parts, (values) => Math.max(...values)),
    shapes: [shape],
    inputs: distinct(),
    gradientSteps: 8,
  });
}
opTest("adaptive pooling, channels first", {
  run: (x) => ops.adaptiveAveragePool(x, [2, 1], { dataFormat: "channels_first" }),
  reference: (x) => {
    const [n, c, h, w] = x.shape as [number, number, number, number];
    const last = build([n, h, w, c], ([b, i, j, k]) => at(x, [b, k, i, j] as number[]));
    const y = pooled(last, [2, 1], mean);
    return build([n, c, 2, 1], ([b, k, i, j]) => at(y, [b, i, j, k] as number[]));
  },
  shapes: [[2, 3, 5, 4]],
  length: 12,
  steps: 3,
});

test("what does not fit", () => {
  expect(() => ops.adaptiveMaxPool([[1]], 1)).toThrow(ShapeError);
  expect(() => ops.adaptiveMaxPool([[[1]]], 0)).toThrow(ArgumentError);
  expect(() => ops.adaptiveAveragePool([[[1]]], [1, 1])).toThrow(/adaptive_average_pool/);
  expect(() => ops.adaptiveAveragePool([[], []], 1)).toThrow(ShapeError);
});
