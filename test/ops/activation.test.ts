/** Tests of src/ops/activation.ts. */
import { expect, test } from "vitest";
import { ops } from "../../src/index.ts";
import { unaryTest } from "../support/elementwise.ts";
import { awayFrom, uniform } from "../support/inputs.ts";
import { alongAxis, map, type Nd, reduce, zip } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";
import { numberDTypes } from "../support/shapes.ts";
import { erf, logSoftmaxRow, sigmoid, softmaxRow, softplus } from "../support/special.ts";

const kinked = awayFrom([0]);
const wide = uniform(-6, 6);

unaryTest("relu", ops.relu, (x) => Math.max(x, 0), {
  ops: ["relu"],
  inputs: kinked,
  dtypes: numberDTypes,
});
unaryTest("relu6", ops.relu6, (x) => Math.min(Math.max(x, 0), 6), {
  ops: ["relu6"],
  inputs: awayFrom([0, 6], { low: -2, high: 8 }),
  dtypes: numberDTypes,
});
unaryTest("silu", ops.silu, (x) => x * sigmoid(x), { ops: ["silu"], inputs: wide });
unaryTest("logSigmoid", ops.logSigmoid, (x) => -softplus(-x), {
  ops: ["log_sigmoid"],
  inputs: awayFrom([0], { low: -6, high: 6 }),
});
unaryTest("softsign", ops.softsign, (x) => x / (1 + Math.abs(x)), {
  ops: ["softsign"],
  inputs: kinked,
});
unaryTest("tanhShrink", ops.tanhShrink, (x) => x - Math.tanh(x), {
  steps: 2,
  cancels: 1,
  gradientCancels: 1,
});
unaryTest("sparseSigmoid", ops.sparseSigmoid, (x) => Math.min(1, Math.max(0, (x + 1) / 2)), {
  inputs: awayFrom([-1, 1]),
  steps: 2,
  cancels: true,
});
unaryTest("sparsePlus", ops.sparsePlus, (x) => (x <= -1 ? 0 : x < 1 ? (x + 1) ** 2 / 4 : x), {
  inputs: awayFrom([-1, 1]),
  steps: 3,
  cancels: true,
});
const hardSigmoid = (x: number): number => Math.min(6, Math.max(0, x + 3)) / 6;
unaryTest("hardSigmoid", ops.hardSigmoid, hardSigmoid, {
  inputs: awayFrom([-3, 3], { low: -5, high: 5 }),
  steps: 2,
  cancels: true,
});
unaryTest("hardSilu", ops.hardSilu, (x) => x * hardSigmoid(x), {
  inputs: awayFrom([-3, 3], { low: -5, high: 5 }),
  steps: 3,
  cancels: true,
});
unaryTest("hardTanh", ops.hardTanh, (x) => Math.min(1, Math.max(-1, x)), {
  inputs: awayFrom([-1, 1]),
});
const elu =
  (alpha: number) =>
  (x: number): number =>
    x > 0 ? x : alpha * Math.expm1(x);
unaryTest("elu", ops.elu, elu(1), { ops: ["elu"], inputs: kinked, steps: 2 });
unaryTest("elu, alpha 0.5", (x) => ops.elu(x, { alpha: 0.5 }), elu(0.5), {
  inputs: kinked,
  steps: 2,
});
unaryTest("selu", ops.selu, (x) => 1.0507009873554805 * elu(1.6732632423543772)(x), {
  inputs: kinked,
  steps: 3,
});
unaryTest(
  "celu",
  (x) => ops.celu(x, { alpha: 0.5 }),
  (x) => Math.max(x, 0) + 0.5 * Math.expm1(Math.min(x, 0) / 0.5),
  { inputs: kinked, steps: 3 },
);
unaryTest(
  "leakyRelu",
  (x) => ops.leakyRelu(x, { negativeSlope: 0.25 }),
  (x) => (x > 0 ? x : 0.25 * x),
  { ops: ["leaky_relu"], inputs: kinked },
);
unaryTest("softShrink", ops.softShrink, (x) => Math.sign(x) * Math.max(0, Math.abs(x) - 0.5), {
  inputs: awayFrom([-0.5, 0.5]),
});
unaryTest("hardShrink", ops.hardShrink, (x) => (Math.abs(x) > 0.5 ? x : 0), {
  inputs: awayFrom([-0.5, 0.5]),
});
unaryTest(
  "threshold",
  (x) => ops.threshold(x, 0.25, -3),
  (x) => (x > 0.25 ? x : -3),
  {
    inputs: awayFrom([0.25]),
  },
);
unaryTest("squareplus", ops.squareplus, (x) => (x + Math.sqrt(x * x + 4)) / 2, {
  steps: 4,
  cancels: true,
});
unaryTest(
  "gelu",
  ops.gelu,
  (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  { steps: 6, gradientSteps: 12, cancels: true },
);
unaryTest(
  "gelu by erf",
  (x) => ops.gelu(x, { approximate: false }),
  (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
  { steps: 5, gradientSteps: 8, cancels: true },
);

opTest("glu", {
  run: (x) => ops.glu(x),
  reference: (x) =>
    alongAxis(x, -1, (row) => {
      const half = row.length / 2;
      return Array.from(
        { length: half },
        (_, i) => (row[i] as number) * sigmoid(row[i + half] as number),
      );
    }),
  shapes: [
    [3, 6],
    [2, 0, 4],
    [2, 1, 2, 1, 2, 2],
  ],
  steps: 2,
});
opTest("glu, axis 0", {
  run: (x) => ops.glu(x, { axis: 0 }),
  reference: (x) =>
    alongAxis(x, 0, (row) =>
      row.slice(0, row.length / 2).map((v, i) => v * sigmoid(row[i + row.length / 2] as number)),
    ),
  shapes: [[4], [6, 3]],
  steps: 2,
  // The axis has to be even.
  unknownAxes: false,
});

const rows = [[1], [7], [3, 5], [2, 0], [0, 4], [4, 129], [2, 3, 1, 4], [1, 2, 1, 2, 1, 5]];
for (const [name, op, row] of [
  ["softmax", ops.softmax, softmaxRow],
  ["logSoftmax", ops.logSoftmax, logSoftmaxRow],
] as const) {
  const primitive = name === "softmax" ? "softmax" : "log_softmax";
  const lengths = { length: (shape: readonly number[] = []): number => shape.at(-1) ?? 1 };
  opTest(name, {
    ops: [primitive],
    run: (x) => op(x),
    reference: (x) => alongAxis(x, -1, row),
    shapes: rows,
    inputs: uniform(-4, 4),
    gradientCancels: 0.5,
    ...lengths,
  });
  opTest(`${name}, axis 0`, {
    ops: [primitive],
    run: (x) => op(x, { axis: 0 }),
    reference: (x) => alongAxis(x, 0, row),
    shapes: [[5], [7, 3], [2, 3, 4], [3, 1, 2, 1, 2, 5]],
    inputs: uniform(-4, 4),
    gradientCancels: 0.5,
    length: 7,
  });
  opTest(`${name}, axis 1 of 3`, {
    run: (x) => op(x, { axis: 1 }),
    reference: (x) => alongAxis(x, 1, row),
    shapes: [[2, 5, 3]],
    inputs: uniform(-4, 4),
    gradientCancels: 0.5,
    length: 5,
  });
  opTest(`${name} of all elements`, {
    run: (x) => op(x, { axis: null }),
    reference: (x): Nd => ({ shape: x.shape, data: Float64Array.from(row([...x.data])) }),
    shapes: [[], [5], [2, 3, 4]],
    inputs: uniform(-4, 4),
    gradientCancels: 0.5,
    length: 24,
  });
}
// Far apart: nothing may overflow.
opTest("softmax of large numbers", {
  run: (x) => ops.softmax(x),
  reference: (x) => alongAxis(x, -1, softmaxRow),
  shapes: [[3, 5]],
  inputs: uniform(-30000, 30000),
  differentiable: false,
  length: 5,
});

/** As Keras computes it: a threshold from the running sums of the sorted row. */
function sparsemaxRow(row: readonly number[]): number[] {
  const sorted = [...row].sort((a, b) => b - a);
  let total = 0;
  let kept = 0;
  let size = 0;
  for (const [i, v] of sorted.entries()) {
    total += v;
    if (v - (total - 1) / (i + 1) > 0) {
      kept += total;
      size++;
    }
  }
  const tau = (kept - 1) / size;
  return row.map((v) => Math.max(0, v - tau));
}
opTest("sparsemax", {
  run: (x) => ops.sparsemax(x),
  reference: (x) => alongAxis(x, -1, sparsemaxRow),
  shapes: [[5], [3, 4], [2, 1, 3]],
  dtypes: ["float32", "float64"],
  steps: 6,
  cancels: true,
  gradientSteps: 8,
});
unaryTest("relu of NaN", ops.relu, () => Number.NaN, {
  inputs: { values: (_, shape) => new Array(shape.reduce((a, b) => a * b, 1)).fill(Number.NaN) },
  differentiable: false,
});
opTest("softmax of integers", {
  run: (x) => ops.softmax(x),
  reference: (x) =>
    alongAxis(
      map(x, (v) => v),
      -1,
      softmaxRow,
    ),
  shapes: [[3, 5]],
  dtypes: ["int32"],
  inputs: uniform(-4, 4),
  resultDType: "float32",
  length: 5,
});

for (const axis of [
  [0, 2],
  [1, -1],
  [2, 0, 1],
]) {
  opTest(`softmax over ${axis.join()}`, {
    run: (x) => [ops.softmax(x, { axis }), ops.logSoftmax(x, { axis })],
    reference: (x) => {
      const sums = reduce(x, axis, true, (values) =>
        values.reduce((total, v) => total + Math.exp(v), 0),
      );
      return [
        zip(x, sums, (v, sum) => Math.exp(v) / sum),
        zip(x, sums, (v, sum) => v - Math.log(sum)),
      ];
    },
    shapes: [[2, 3, 4]],
    length: 24,
    cancels: 4,
  });
}
test("sparseSigmoid of what is no number", async () => {
  const y = ops.sparseSigmoid([Number.NaN, 3, -3]);
  expect(await y.array()).toEqual([Number.NaN, 1, 0]);
});
