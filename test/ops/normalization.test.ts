/** Tests of src/ops/normalization.ts. */
import { ops } from "../../src/index.ts";
import { awayFrom, uniform } from "../support/inputs.ts";
import { at, build, type Nd, reduce, zip } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";

const mean = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / values.length;
const variance = (values: readonly number[]): number => {
  const m = mean(values);
  return mean(values.map((v) => (v - m) ** 2));
};
const loose = { steps: 4, gradientSteps: 16, length: 12, cancels: 4, gradientCancels: 4 } as const;

for (const keepdims of [false, true]) {
  for (const axes of [[0], [-1], [0, 1]]) {
    opTest(`moments over ${axes.join()}, keepdims ${keepdims}`, {
      ...loose,
      run: (x) => ops.moments(x, axes, { keepdims }),
      reference: (x) => [reduce(x, axes, keepdims, mean), reduce(x, axes, keepdims, variance)],
      shapes: [
        [3, 4],
        [2, 3, 2],
      ],
    });
  }
}
opTest("batchNormalization", {
  ...loose,
  run: (x, m, v, offset, scale) => ops.batchNormalization(x, m, v, 1, { offset, scale }),
  reference: (x, m, v, offset, scale) =>
    build(x.shape, (index) => {
      const c = [index[1] as number];
      const inverse = at(scale as Nd, c) / Math.sqrt(at(v as Nd, c) + 1e-3);
      return (at(x as Nd, index) - at(m as Nd, c)) * inverse + at(offset as Nd, c);
    }),
  shapes: [
    [[5, 3], [3], [3], [3], [3]],
    [[2, 3, 4], [3], [3], [3], [3]],
  ],
  inputs: [uniform(), uniform(), uniform(0.5, 2), uniform(), uniform(0.5, 2)],
});
opTest("layerNormalization", {
  ...loose,
  run: (x, gamma, beta) => ops.layerNormalization(x, { gamma, beta, epsilon: 1e-2 }),
  reference: (x, gamma, beta) => {
    const m = reduce(x, [-1], true, mean);
    const v = reduce(x, [-1], true, variance);
    return build(x.shape, (index) => {
      const c = [index.at(-1) as number];
      const normal = (at(x, index) - at(m, index)) / Math.sqrt(at(v, index) + 1e-2);
      return normal * at(gamma as Nd, c) + at(beta as Nd, c);
    });
  },
  shapes: [
    [[3, 6], [6], [6]],
    [[2, 3, 5], [5], [5]],
  ],
  inputs: [uniform(), uniform(0.5, 2), uniform()],
});
opTest("layerNormalization, root mean square", {
  ...loose,
  run: (x) => ops.layerNormalization(x, { rmsScaling: true, epsilon: 1e-2 }),
  // Keras divides by the deviation, not by the mean of squares.
  reference: (x) => zip(x, reduce(x, [-1], true, variance), (a, v) => a / Math.sqrt(v + 1e-2)),
  shapes: [[3, 6]],
});
for (const order of [1, 2, 3]) {
  opTest(`normalize, order ${order}`, {
    ...loose,
    run: (x) => ops.normalize(x, { order }),
    reference: (x) => {
      const norms = reduce(
        x,
        [-1],
        true,
        (values) => values.reduce((sum, v) => sum + Math.abs(v) ** order, 0) ** (1 / order),
      );
      return zip(x, norms, (a, n) => a / n);
    },
    shapes: [[5], [3, 4], [2, 2, 3]],
    inputs: awayFrom([0], { distance: 0.2 }),
  });
}

for (const axis of [-1, 0, [1, 2]]) {
  const axes = typeof axis === "number" ? [axis] : axis;
  opTest(`rmsNormalization over ${axes.join()}`, {
    ...loose,
    run: (x, scale) => ops.rmsNormalization(x, { scale, axis, epsilon: 1e-2 }),
    reference: (x, scale) => {
      const squares = reduce(x, axes, true, (values) => mean(values.map((v) => v * v)));
      return zip(
        zip(x, squares, (a, m) => a / Math.sqrt(m + 1e-2)),
        scale as Nd,
        (a, b) => a * b,
      );
    },
    shapes: [[[3, 2, 4], [4]]],
    inputs: [uniform(), uniform(0.5, 2)],
  });
}
