import { describe, expect, test } from "vitest";
import { layers, ops, tensor } from "../../../src/index.ts";
import { layerTest } from "../../support/layer-test.ts";

layerTest(layers.Conv1D, {
  init: [3, 2, { strides: 2, activation: "relu" }],
  inputShape: [2, 7, 4],
  outputShape: [2, 3, 3],
  weights: 2,
  trainableWeights: 2,
});

layerTest(layers.Conv1D, {
  init: [3, 3, { padding: "causal", dilationRate: 2 }],
  inputShape: [2, 6, 2],
  outputShape: [2, 6, 3],
  weights: 2,
  trainableWeights: 2,
});

layerTest(layers.Conv2D, {
  init: [4, [3, 2], { padding: "same", groups: 2, biasRegularizer: "l2" }],
  inputShape: [2, 5, 6, 2],
  outputShape: [2, 5, 6, 4],
  weights: 2,
  trainableWeights: 2,
  losses: 1,
});

layerTest(layers.Conv2D, {
  init: [4, 3, { useBias: false, dataFormat: "channels_first" }],
  inputShape: [2, 3, 5, 6],
  outputShape: [2, 4, 3, 4],
  weights: 1,
  trainableWeights: 1,
});

layerTest(layers.Conv3D, {
  init: [2, 2],
  inputShape: [2, 3, 4, 3, 2],
  outputShape: [2, 2, 3, 2, 2],
  weights: 2,
  trainableWeights: 2,
});

describe("Conv1D", () => {
  test("adds up windows", async () => {
    const layer = new layers.Conv1D(1, 2, { kernelInitializer: "ones" });
    expect(await layer(tensor([[[1], [2], [4]]])).array()).toEqual([[[3], [6]]]);
  });

  test("causal outputs depend on no later input", async () => {
    const layer = new layers.Conv1D(1, 2, { kernelInitializer: "ones", padding: "causal" });
    expect(await layer(tensor([[[1], [2], [4]]])).array()).toEqual([[[1], [3], [6]]]);
  });
});

describe("errors", () => {
  test("rank of the input", () => {
    expect(() => new layers.Conv2D(2, 3)(ops.ones([2, 8, 8]))).toThrow(/4 axes.*\[2, 8, 8\]/);
  });
  test("groups", () => {
    expect(() => new layers.Conv2D(3, 3, { groups: 2 })).toThrow(/groups/);
  });
  test("causal in two dimensions", () => {
    expect(() => new layers.Conv2D(3, 3, { padding: "causal" })).toThrow(/causal/);
  });
  test("channels that groups do not divide", () => {
    const layer = new layers.Conv2D(4, 3, { groups: 2 });
    expect(() => layer(ops.ones([1, 5, 5, 3]))).toThrow(/group/);
  });
});
