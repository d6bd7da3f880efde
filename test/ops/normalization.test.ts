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
/** The statistics over some axes, gamma and beta at the same places. */
function layerNorm(x: Nd, axes: readonly number[], gamma?: Nd, beta?: Nd): Nd {
  const m = reduce(x, axes, true, mean);
  const v = reduce(x, axes, true, variance);
  const normal = zip(
    zip(x, m, (a, b) => a - b),
    v,
    (a, b) => a / Math.sqrt(b + 1e-2),
  );
  const scaled = gamma === undefined ? normal : zip(normal, gamma, (a, b) => a * b);
  return beta === undefined ? scaled : zip(scaled, beta, (a, b) => a + b);
}
function rmsNorm(x: Nd, axes: readonly number[]): Nd {
  const squares = reduce(x, axes, true, (values) => mean(values.map((v) => v * v)));
  return zip(x, squares, (a, m) => a / Math.sqrt(m + 1e-2));
}
const layerNormOps = ["layer_norm", "layer_norm_backward"];
const rmsNormOps = ["rms_norm", "rms_norm_backward"];
opTest("layerNormalization", {
  ...loose,
  ops: layerNormOps,
  run: (x, gamma, beta) => ops.layerNormalization(x, { gamma, beta, epsilon: 1e-2 }),
  reference: (x, gamma, beta) => layerNorm(x, [-1], gamma, beta),
  shapes: [
    [[3, 6], [6], [6]],
    [[2, 3, 5], [5], [5]],
    [[7], [7], [7]],
    [[0, 4], [4], [4]],
  ],
  inputs: [uniform(), uniform(0.5, 2), uniform()],
});
opTest("layerNormalization of long rows", {
  ...loose,
  ops: layerNormOps,
  run: (x, gamma, beta) => ops.layerNormalization(x, { gamma, beta, epsilon: 1e-2 }),
  reference: (x, gamma, beta) => layerNorm(x, [-1], gamma, beta),
  shapes: [[[130, 67], [67], [67]]],
  inputs: [uniform(), uniform(0.5, 2), uniform()],
  length: 130,
  cancels: 8,
  gradientCancels: 8,
  secondDerivative: false,
});
opTest("layerNormalization over the last two axes", {
  ...loose,
  ops: layerNormOps,
  run: (x, gamma, beta) =>
    ops.layerNormalization(x, { gamma, beta, axis: [-1, -2], epsilon: 1e-2 }),
  reference: (x, gamma, beta) => layerNorm(x, [1, 2], gamma, beta),
  shapes: [
    [
      [3, 2, 4],
      [2, 4],
      [2, 4],
    ],
  ],
  inputs: [uniform(), uniform(0.5, 2), uniform()],
});
opTest("layerNormalization over the first axis", {
  ...loose,
  run: (x, gamma) => ops.layerNormalization(x, { gamma, axis: 0, epsilon: 1e-2 }),
  reference: (x, gamma) => zip(layerNorm(x, [0]), gamma as Nd, (a, b) => a * b),
  shapes: [
    [
      [5, 3],
      [5, 1],
    ],
  ],
  inputs: [uniform(), uniform(0.5, 2)],
  unknownAxes: false,
});
opTest("layerNormalization without gamma", {
  ...loose,
  ops: layerNormOps,
  run: (x, beta) => ops.layerNormalization(x, { beta, epsilon: 1e-2 }),
  reference: (x, beta) => layerNorm(x, [-1], undefined, beta),
  shapes: [[[3, 6], [6]]],
});
opTest("layerNormalization without gamma and beta", {
  ...loose,
  ops: layerNormOps,
  run: (x) => ops.layerNormalization(x, { epsilon: 1e-2 }),
  reference: (x) => layerNorm(x, [-1]),
  shapes: [[3, 6]],
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

for (const [axis, shape] of [
  [-1, [4]],
  [0, [4]],
  [
    [1, 2],
    [2, 4],
  ],
  [[1, 2], [4]],
] as const) {
  const axes = typeof axis === "number" ? [axis] : axis;
  const isOfRows = axes.length === shape.length && axis !== 0;
  opTest(`rmsNormalization over ${axes.join()}, scale ${shape.join("x")}`, {
    ...loose,
    ...(isOfRows ? { ops: rmsNormOps } : {}),
    run: (x, scale) => ops.rmsNormalization(x, { scale, axis, epsilon: 1e-2 }),
    reference: (x, scale) => zip(rmsNorm(x, axes), scale as Nd, (a, b) => a * b),
    shapes: [[[3, 2, 4], shape]],
    inputs: [uniform(), uniform(0.5, 2)],
  });
}
opTest("rmsNormalization without a scale", {
  ...loose,
  ops: rmsNormOps,
  run: (x) => ops.rmsNormalization(x, { epsilon: 1e-2 }),
  reference: (x) => rmsNorm(x, [-1]),
  shapes: [[3, 6], [21], [0, 4]],
});
