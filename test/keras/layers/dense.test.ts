import { expect, test } from "vitest";
import { layers, ops, type ShapeError, tensor } from "../../../src/index.ts";
import { layerTest } from "../../support/layer-test.ts";

layerTest(layers.Dense, {
  init: [3, { activation: "relu" }],
  inputShape: [2, 5],
  outputShape: [2, 3],
  weights: 2,
  trainableWeights: 2,
  supportsMasking: true,
});

layerTest(layers.Dense, {
  init: [4, { useBias: false, kernelRegularizer: "l2", activityRegularizer: "l1" }],
  inputShape: [2, 3, 5],
  outputShape: [2, 3, 4],
  weights: 1,
  trainableWeights: 1,
  losses: 2,
  supportsMasking: true,
});

layerTest(layers.Dense, {
  init: [2, { trainable: false }],
  inputShape: [3, 4],
  outputShape: [3, 2],
  weights: 2,
  supportsMasking: true,
});

test("computes activation(x · kernel + bias)", async () => {
  const layer = new layers.Dense(2, { activation: "relu" });
  layer.build([null, 2]);
  layer.setWeights([
    [
      [1, -1],
      [2, -2],
    ],
    [0.5, 1],
  ]);
  expect(await layer(tensor([[1, 1]])).array()).toEqual([[3.5, 0]]);
});

test("says what it was built for when the last axis differs", () => {
  const layer = new layers.Dense(2, { name: "head" });
  layer(ops.ones([1, 4]));
  let error: ShapeError | undefined;
  try {
    layer(ops.ones([1, 3]));
  } catch (caught) {
    error = caught as ShapeError;
  }
  expect(error?.name).toBe("ShapeError");
  expect(error?.layer).toBe("head");
  expect(error?.shapes).toEqual([[1, 3]]);
});

test("refuses what is no number of units", () => {
  expect(() => new layers.Dense(0)).toThrow(/Dense.*units/);
  expect(() => new layers.Dense(1.5)).toThrow(/units/);
  // @ts-expect-error: no such option
  expect(() => new layers.Dense(2, { actvation: "relu" })).toThrow(/no option "actvation"/);
});
