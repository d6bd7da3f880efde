import { expect, test } from "vitest";
import { layers, type Tensor, tensor } from "../../../src/index.ts";
import { getMask } from "../../../src/keras/masks.ts";
import { layerTest } from "../../support/layer-test.ts";

layerTest(layers.Embedding, {
  init: [6, 3],
  inputShape: [2, 4],
  integersBelow: 6,
  outputShape: [2, 4, 3],
  weights: 1,
  trainableWeights: 1,
});

layerTest(layers.Embedding, {
  init: [6, 3, { maskZero: true, embeddingsRegularizer: "l2" }],
  inputShape: [2, 4],
  integersBelow: 6,
  outputShape: [2, 4, 3],
  weights: 1,
  trainableWeights: 1,
  losses: 1,
  supportsMasking: true,
});

test("looks rows up, and masks zeros", async () => {
  const layer = new layers.Embedding(3, 2, {
    weights: [
      [0, 0],
      [1, 2],
      [3, 4],
    ],
    maskZero: true,
  });
  const y = layer(tensor([[1, 0, 2]], { dtype: "int32" }));
  expect(await y.array()).toEqual([
    [
      [1, 2],
      [0, 0],
      [3, 4],
    ],
  ]);
  expect(await (getMask(y) as Tensor).array()).toEqual([[true, false, true]]);
});

test("takes configs of older files", () => {
  const config = { input_dim: 4, output_dim: 2, input_length: 7 };
  expect(layers.Embedding.fromConfig(config).outputDim).toBe(2);
  expect(layers.ReversibleEmbedding.fromConfig(config).inputDim).toBe(4);
});
