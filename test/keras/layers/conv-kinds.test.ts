import { describe, expect, test } from "vitest";
import { layers, ops, tensor } from "../../../src/index.ts";
import { layerTest } from "../../support/layer-test.ts";

layerTest(layers.DepthwiseConv1D, {
  init: [3, { depthMultiplier: 2, activation: "relu" }],
  inputShape: [2, 6, 3],
  outputShape: [2, 4, 6],
  weights: 2,
  trainableWeights: 2,
});

layerTest(layers.DepthwiseConv2D, {
  init: [[3, 2], { strides: 2, padding: "same", depthwiseRegularizer: "l2" }],
  inputShape: [2, 5, 6, 3],
  outputShape: [2, 3, 3, 3],
  weights: 2,
  trainableWeights: 2,
  losses: 1,
});

layerTest(layers.DepthwiseConv2D, {
  init: [3, { dataFormat: "channels_first", depthMultiplier: 2, dilationRate: 2 }],
  inputShape: [2, 3, 6, 7],
  outputShape: [2, 6, 2, 3],
  weights: 2,
  trainableWeights: 2,
});

layerTest(layers.SeparableConv1D, {
  init: [4, 3, { padding: "same", depthMultiplier: 2 }],
  inputShape: [2, 6, 3],
  outputShape: [2, 6, 4],
  weights: 3,
  trainableWeights: 3,
});

layerTest(layers.SeparableConv2D, {
  init: [4, 3, { useBias: false, dataFormat: "channels_first", pointwiseRegularizer: "l1" }],
  inputShape: [2, 3, 5, 6],
  outputShape: [2, 4, 3, 4],
  weights: 2,
  trainableWeights: 2,
  losses: 1,
});

layerTest(layers.Conv1DTranspose, {
  init: [4, 3, { strides: 2, outputPadding: 1 }],
  inputShape: [2, 5, 3],
  outputShape: [2, 12, 4],
  weights: 2,
  trainableWeights: 2,
});

layerTest(layers.Conv2DTranspose, {
  init: [4, 3, { strides: 2, padding: "same", activation: "relu" }],
  inputShape: [2, 3, 4, 3],
  outputShape: [2, 6, 8, 4],
  weights: 2,
  trainableWeights: 2,
});

layerTest(layers.Conv2DTranspose, {
  init: [4, 3, { dataFormat: "channels_first", dilationRate: 2 }],
  inputShape: [2, 3, 4, 5],
  outputShape: [2, 4, 8, 9],
  weights: 2,
  trainableWeights: 2,
});

layerTest(layers.Conv3DTranspose, {
  init: [2, 2, { useBias: false }],
  inputShape: [1, 3, 3, 4, 2],
  outputShape: [1, 4, 4, 5, 2],
  weights: 1,
  trainableWeights: 1,
});

describe("values", () => {
  const x = (): ReturnType<typeof tensor> =>
    tensor([
      [
        [1, 10],
        [2, 20],
        [4, 40],
      ],
    ]);

  test("DepthwiseConv1D keeps channels apart", async () => {
    const layer = new layers.DepthwiseConv1D(2, { depthwiseInitializer: "ones" });
    expect(await layer(x()).array()).toEqual([
      [
        [3, 30],
        [6, 60],
      ],
    ]);
  });

  test("SeparableConv1D mixes them afterwards", async () => {
    const layer = new layers.SeparableConv1D(1, 2, {
      depthwiseInitializer: "ones",
      pointwiseInitializer: "ones",
      biasInitializer: "ones",
    });
    expect(await layer(x()).array()).toEqual([[[34], [67]]]);
  });

  test("Conv1DTranspose spreads each step", async () => {
    const layer = new layers.Conv1DTranspose(1, 2, { strides: 2, kernelInitializer: "ones" });
    expect(await layer(tensor([[[1], [2]]])).array()).toEqual([[[1], [1], [2], [2]]]);
  });
});

describe("errors", () => {
  test("multipliers that are none", () => {
    expect(() => new layers.DepthwiseConv2D(3, { depthMultiplier: 0 })).toThrow(/depthMultiplier/);
    expect(() => new layers.SeparableConv2D(2, 3, { depthMultiplier: -1 })).toThrow(
      /depthMultiplier/,
    );
  });
  test("output padding that is not below the strides", () => {
    expect(() => new layers.Conv2DTranspose(2, 3, { strides: 2, outputPadding: 2 })).toThrow(
      /outputPadding.*strides/,
    );
  });
  test("strides with dilation", () => {
    expect(() => new layers.Conv1DTranspose(2, 3, { strides: 2, dilationRate: 2 })).toThrow(
      /dilation/,
    );
  });
  test("another number of channels than it was built for", () => {
    const layer = new layers.DepthwiseConv2D(3);
    layer(ops.ones([1, 4, 4, 3]));
    expect(() => layer(ops.ones([1, 4, 4, 2]))).toThrow(/axis -1.*3.*\[1, 4, 4, 2\]/);
  });
});
