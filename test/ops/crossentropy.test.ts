/** Tests of src/ops/crossentropy.ts. */
import { ops } from "../../src/index.ts";
import { integers, uniform } from "../support/inputs.ts";
import { alongAxis, at, build, reduce, zip } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";
import { logSoftmaxRow, softplus } from "../support/special.ts";

const probabilities = uniform(0.15, 0.85);
const shapes = [
  [[4], [4]],
  [
    [3, 5],
    [3, 5],
  ],
  [
    [2, 3, 4],
    [2, 3, 4],
  ],
];
const loose = { length: 5, steps: 4, gradientSteps: 8, gradientCancels: 20 } as const;

opTest("categoricalCrossentropy of logits", {
  ...loose,
  run: (target, output) => ops.categoricalCrossentropy(target, output, { fromLogits: true }),
  reference: (target, output) =>
    reduce(
      zip(target, alongAxis(output, -1, logSoftmaxRow), (t, p) => -t * p),
      [-1],
      false,
      (values) => values.reduce((a, b) => a + b, 0),
    ),
  shapes,
  inputs: [probabilities, uniform(-4, 4)],
});
opTest("categoricalCrossentropy of probabilities", {
  ...loose,
  run: (target, output) => ops.categoricalCrossentropy(target, output),
  reference: (target, output) => {
    const sums = reduce(output, [-1], true, (values) => values.reduce((a, b) => a + b, 0));
    const normalized = zip(output, sums, (a, b) => a / b);
    return reduce(
      zip(target, normalized, (t, p) => -t * Math.log(p)),
      [-1],
      false,
      (values) => values.reduce((a, b) => a + b, 0),
    );
  },
  shapes,
  inputs: probabilities,
});
for (const fromLogits of [true, false]) {
  opTest(`sparseCategoricalCrossentropy ${fromLogits ? "of logits" : "of probabilities"}`, {
    ...loose,
    run: (target, output) => ops.sparseCategoricalCrossentropy(target, output, { fromLogits }),
    reference: (target, output) => {
      const logits = fromLogits
        ? output
        : { shape: output.shape, data: output.data.map((p) => Math.log(p)) };
      const logs = alongAxis(logits, -1, logSoftmaxRow);
      return build(target.shape, (index) => -at(logs, [...index, at(target, index)]));
    },
    shapes: [
      [[], [4]],
      [[3], [3, 5]],
      [
        [2, 3],
        [2, 3, 4],
      ],
    ],
    inputs: [integers(0, 3, "int32"), fromLogits ? uniform(-4, 4) : probabilities],
    resultDType: (dtype) => dtype,
  });
}
opTest("binaryCrossentropy of logits", {
  ...loose,
  run: (target, output) => ops.binaryCrossentropy(target, output, { fromLogits: true }),
  reference: (target, output) => zip(target, output, (t, x) => softplus(x) - t * x),
  shapes,
  inputs: [probabilities, uniform(-4, 4)],
  cancels: 8,
});
opTest("binaryCrossentropy of probabilities", {
  ...loose,
  run: (target, output) => ops.binaryCrossentropy(target, output),
  reference: (target, output) =>
    zip(target, output, (t, p) => -t * Math.log(p) - (1 - t) * Math.log(1 - p)),
  shapes,
  inputs: probabilities,
  // 1 - p near 1 loses digits that its logarithm shows.
  cancels: 8,
  gradientCancels: 400,
});
