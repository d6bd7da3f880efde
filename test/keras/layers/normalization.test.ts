import { describe, expect, test } from "vitest";
import { layers, ops, type Tensor, tensor } from "../../../src/index.ts";
import { setMask } from "../../../src/keras/masks.ts";
import { distance } from "../../support/data.ts";
import { layerTest } from "../../support/layer-test.ts";

layerTest(layers.BatchNormalization, {
  init: [],
  inputShape: [3, 4],
  outputShape: [3, 4],
  weights: 4,
  trainableWeights: 2,
  supportsMasking: true,
});

layerTest(layers.BatchNormalization, {
  init: [{ axis: 1, center: false, scale: false, momentum: 0.5 }],
  inputShape: [2, 3, 4, 4],
  outputShape: [2, 3, 4, 4],
  weights: 2,
  supportsMasking: true,
  maskAxes: 3,
});

layerTest(layers.LayerNormalization, {
  init: [],
  inputShape: [2, 3, 4],
  outputShape: [2, 3, 4],
  weights: 2,
  trainableWeights: 2,
  supportsMasking: true,
});

layerTest(layers.LayerNormalization, {
  init: [{ axis: [1, 2], center: false, gammaRegularizer: "l2" }],
  inputShape: [2, 3, 4],
  outputShape: [2, 3, 4],
  weights: 1,
  trainableWeights: 1,
  losses: 1,
  supportsMasking: true,
});

layerTest(layers.GroupNormalization, {
  init: [{ groups: 2 }],
  inputShape: [2, 3, 4],
  outputShape: [2, 3, 4],
  weights: 2,
  trainableWeights: 2,
  supportsMasking: true,
});
layerTest(layers.GroupNormalization, {
  init: [{ groups: -1, axis: 1, center: false, gammaRegularizer: "l2" }],
  inputShape: [2, 3, 4, 5],
  outputShape: [2, 3, 4, 5],
  weights: 1,
  trainableWeights: 1,
  losses: 1,
  supportsMasking: true,
});
layerTest(layers.RMSNormalization, {
  init: [],
  inputShape: [2, 3, 4],
  outputShape: [2, 3, 4],
  weights: 1,
  trainableWeights: 1,
});
layerTest(layers.RMSNormalization, {
  init: [{ axis: [-1, -2], epsilon: 0.1 }],
  inputShape: [2, 3, 4],
  outputShape: [2, 3, 4],
  weights: 1,
  trainableWeights: 1,
});
layerTest(layers.UnitNormalization, {
  init: [{ axis: [1, 2] }],
  inputShape: [2, 3, 4],
  outputShape: [2, 3, 4],
  supportsMasking: true,
});
layerTest(layers.SpectralNormalization, {
  init: () => [new layers.Dense(3), { powerIterations: 2 }],
  inputShape: [2, 4],
  outputShape: [2, 3],
  weights: 3,
  trainableWeights: 2,
});

const flat = async (x: { data(): Promise<ArrayLike<unknown>> }): Promise<number[]> =>
  Array.from((await x.data()) as ArrayLike<number>);

describe("BatchNormalization", () => {
  const x = (): Tensor =>
    tensor([
      [1, 10],
      [3, 30],
    ]);

  test("training: normalizes by the batch and moves the statistics", async () => {
    const layer = new layers.BatchNormalization({ momentum: 0.9, epsilon: 0 });
    const y = layer(x(), { training: true });
    expect(distance(await flat(y), [-1, -1, 1, 1])).toBeLessThan(1e-5);
    // moving = 0.9 * moving + 0.1 * batch
    expect(distance(await flat(layer.movingMean), [0.2, 2])).toBeLessThan(1e-6);
    expect(distance(await flat(layer.movingVariance), [0.9 + 0.1, 0.9 + 10])).toBeLessThan(1e-5);
  });

  test("inference: normalizes by the statistics and leaves them", async () => {
    const layer = new layers.BatchNormalization({ epsilon: 0 });
    const y = layer(x(), { training: false });
    expect(await flat(y)).toEqual([1, 10, 3, 30]);
    expect(await flat(layer.movingMean)).toEqual([0, 0]);
  });

  test("frozen: as in inference, whatever is asked", async () => {
    const layer = new layers.BatchNormalization({ epsilon: 0 });
    layer.build([null, 2]);
    layer.trainable = false;
    expect(await flat(layer(x(), { training: true }))).toEqual([1, 10, 3, 30]);
    expect(await flat(layer.movingMean)).toEqual([0, 0]);
  });

  test("masked steps do not count", async () => {
    const layer = new layers.BatchNormalization({ momentum: 0, epsilon: 0 });
    const input = tensor([[[1], [3], [100]]]);
    setMask(input, tensor([[true, true, false]]));
    layer(input, { training: true });
    expect(distance(await flat(layer.movingMean), [2])).toBeLessThan(1e-6);
  });

  test("an axis that is not there", () => {
    const layer = new layers.BatchNormalization({ axis: 4 });
    expect(() => layer(ops.ones([2, 3]))).toThrow(/axis/);
  });
});

describe("LayerNormalization", () => {
  test("gives each sample mean 0 and variance 1", async () => {
    const y = new layers.LayerNormalization({ epsilon: 0 })(tensor([[1, 2, 3, 6]]));
    const values = await flat(y);
    expect(values.reduce((a, b) => a + b)).toBeCloseTo(0, 5);
    expect(values.reduce((a, b) => a + b * b, 0) / 4).toBeCloseTo(1, 5);
  });
});

describe("GroupNormalization", () => {
  test("normalizes each group of each sample", async () => {
    const layer = new layers.GroupNormalization({ groups: 2, epsilon: 0 });
    const y = layer(tensor([[1, 3, 10, 30]]));
    expect(distance(await flat(y), [-1, 1, -1, 1])).toBeLessThan(1e-5);
  });

  test("refuses groups that do not fit", () => {
    expect(() => new layers.GroupNormalization({ groups: 0 })).toThrow(/groups/);
    const layer = new layers.GroupNormalization({ groups: 3 });
    expect(() => layer(ops.ones([2, 4]))).toThrow(/3 groups.*\[2, 4\]/);
  });
});

test("UnitNormalization divides by lengths", async () => {
  const y = new layers.UnitNormalization()(
    tensor([
      [3, 4],
      [0, 0],
    ]),
  );
  expect(distance(await flat(y), [0.6, 0.8, 0, 0])).toBeLessThan(1e-6);
});

test("RMSNormalization divides by the root of the mean square", async () => {
  const y = new layers.RMSNormalization({ epsilon: 0 })(tensor([[3, 4]]));
  expect(distance(await flat(y), [3 / Math.sqrt(12.5), 4 / Math.sqrt(12.5)])).toBeLessThan(1e-6);
});

describe("SpectralNormalization", () => {
  test("training divides the kernel by its largest singular value", async () => {
    const inner = new layers.Dense(2, { useBias: false });
    const layer = new layers.SpectralNormalization(inner, { powerIterations: 50 });
    layer.build([null, 2]);
    inner.kernel.assign(
      tensor([
        [3, 0],
        [0, 1],
      ]),
    );
    const x = tensor([[1, 1]]);
    expect(await flat(layer(x, { training: false }))).toEqual([3, 1]);
    expect(distance(await flat(layer(x, { training: true })), [1, 1 / 3])).toBeLessThan(1e-5);
    expect(distance(await flat(inner.kernel), [1, 0, 0, 1 / 3])).toBeLessThan(1e-5);
  });

  test("leaves a kernel of zeros", async () => {
    const inner = new layers.Dense(2, { kernelInitializer: "zeros" });
    const layer = new layers.SpectralNormalization(inner);
    expect(await flat(layer(ops.ones([1, 3]), { training: true }))).toEqual([0, 0]);
  });

  test("refuses layers without a kernel", () => {
    const layer = new layers.SpectralNormalization(new layers.ReLU());
    expect(() => layer(ops.ones([1, 3]))).toThrow(/kernel/);
  });
});
