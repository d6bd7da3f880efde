import { describe, expect, test } from "vitest";
import { type Layer, layers, ops, Sequential, type Tensor, tensor } from "../../../src/index.ts";
import { layerTest } from "../../support/layer-test.ts";

const kept = { inputShape: [4, 3, 5], outputShape: [4, 3, 5], supportsMasking: true };

layerTest(layers.AlphaDropout, { init: [0.3, { seed: 1 }], seedGenerators: 1, ...kept });
layerTest(layers.AlphaDropout, {
  init: [0.3, { seed: 1, noiseShape: [null, 1, null] }],
  seedGenerators: 1,
  ...kept,
});
layerTest(layers.GaussianDropout, { init: [0.3, { seed: 1 }], seedGenerators: 1, ...kept });
layerTest(layers.GaussianNoise, { init: [0.3, { seed: 1 }], seedGenerators: 1, ...kept });
layerTest(layers.GaussianNoise, { init: [0], ...kept });
layerTest(layers.SpatialDropout1D, { init: [0.3, { seed: 1 }], seedGenerators: 1, ...kept });
layerTest(layers.SpatialDropout2D, {
  init: [0.3, { seed: 1, dataFormat: "channels_first" }],
  inputShape: [2, 3, 4, 5],
  outputShape: [2, 3, 4, 5],
  seedGenerators: 1,
  supportsMasking: true,
});
layerTest(layers.SpatialDropout3D, {
  init: [0.3, { seed: 1 }],
  inputShape: [2, 2, 3, 4, 5],
  outputShape: [2, 2, 3, 4, 5],
  seedGenerators: 1,
  supportsMasking: true,
});
layerTest(layers.ActivityRegularization, { init: [{ l1: 0.1, l2: 0.2 }], losses: 1, ...kept });

const numbers = async (x: Tensor): Promise<number[]> =>
  Array.from((await x.data()) as Float32Array);

/** Mean and standard deviation of what comes of many zeros or ones. */
async function moments(layer: Layer, x: Tensor): Promise<[mean: number, std: number]> {
  const values = await numbers(layer(x, { training: true }));
  const mean = values.reduce((a, b) => a + b) / values.length;
  return [mean, Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length)];
}

describe("noise", () => {
  const count = 20_000;

  test("GaussianNoise adds its deviation", async () => {
    const [mean, std] = await moments(
      new layers.GaussianNoise(0.5, { seed: 3 }),
      ops.ones([count]),
    );
    expect(Math.abs(mean - 1)).toBeLessThan(0.02);
    expect(Math.abs(std - 0.5)).toBeLessThan(0.02);
  });

  test("GaussianDropout multiplies by noise of variance rate / (1 - rate)", async () => {
    const [mean, std] = await moments(
      new layers.GaussianDropout(0.2, { seed: 3 }),
      ops.ones([count]),
    );
    expect(Math.abs(mean - 1)).toBeLessThan(0.02);
    expect(Math.abs(std - 0.5)).toBeLessThan(0.02);
  });

  test("AlphaDropout keeps mean 0 and variance 1", async () => {
    const x = new layers.GaussianNoise(1, { seed: 5 })(ops.zeros([count]), { training: true });
    const [mean, std] = await moments(new layers.AlphaDropout(0.3, { seed: 3 }), x);
    expect(Math.abs(mean)).toBeLessThan(0.04);
    expect(Math.abs(std - 1)).toBeLessThan(0.04);
  });

  test("SpatialDropout1D drops whole channels", async () => {
    const layer = new layers.SpatialDropout1D(0.5, { seed: 2 });
    const y = layer(ops.ones([20, 3, 4]), { training: true });
    const perStep = ops.transpose(y, { axes: [0, 2, 1] });
    const rows = (await ops.reshape(perStep, [80, 3]).array()) as number[][];
    for (const row of rows) expect(new Set(row).size).toBe(1);
    expect(new Set(rows.flat())).toEqual(new Set([0, 2]));
  });

  test("only in training", async () => {
    for (const layer of [
      new layers.GaussianNoise(0.5),
      new layers.GaussianDropout(0.5),
      new layers.AlphaDropout(0.5),
      new layers.SpatialDropout1D(0.5),
    ]) {
      expect(new Set(await numbers(layer(ops.ones([2, 3, 4]), { training: false })))).toEqual(
        new Set([1]),
      );
    }
  });

  test("refuses amounts that are none", () => {
    expect(() => new layers.GaussianNoise(2)).toThrow(/stddev/);
    expect(() => new layers.GaussianDropout(-1)).toThrow(/rate/);
    expect(() => new layers.SpatialDropout2D(1.5)).toThrow(/SpatialDropout2D: rate/);
    expect(() => new layers.AlphaDropout(0.5, { noiseShape: [0] })).toThrow(
      /AlphaDropout: noiseShape/,
    );
  });

  test("configs of SpatialDropout hold what Keras's constructors take", () => {
    const config = new layers.SpatialDropout2D(0.5, { name: "drop" }).getConfig();
    expect(Object.keys(config).sort()).toEqual(["data_format", "dtype", "name", "rate", "seed"]);
  });
});

test("ActivityRegularization penalizes its input", async () => {
  const layer = new layers.ActivityRegularization({ l1: 0.5, l2: 2 });
  layer(
    tensor([
      [1, -3],
      [0, 0],
    ]),
  );
  // (0.5 * 4 + 2 * 10) / 2 samples
  expect(await layer.losses[0]?.item()).toBe(11);
  const model = new Sequential([new layers.ActivityRegularization({ l1: 1 })]);
  model(ops.ones([1, 2]));
  expect(await model.losses[0]?.item()).toBe(2);
});
