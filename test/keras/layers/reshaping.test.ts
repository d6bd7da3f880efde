import { expect, test } from "vitest";
import { Input, layers, ops } from "../../../src/index.ts";
import { layerTest } from "../../support/layer-test.ts";

layerTest(layers.Flatten, { init: [], inputShape: [2, 3, 4], outputShape: [2, 12] });
layerTest(layers.Flatten, {
  init: [{ dataFormat: "channels_first" }],
  inputShape: [2, 3, 4, 5],
  outputShape: [2, 60],
});
layerTest(layers.Reshape, { init: [[6, 2]], inputShape: [2, 3, 4], outputShape: [2, 6, 2] });
layerTest(layers.Reshape, { init: [[-1]], inputShape: [2, 3, 4], outputShape: [2, 12] });

test("Flatten gives vectors one axis", () => {
  expect(new layers.Flatten()(ops.ones([3])).shape).toEqual([3, 1]);
});

test("Flatten and Reshape keep unknown lengths unknown", () => {
  const x = Input({ shape: [null, 4] });
  expect(new layers.Flatten()(x).shape).toEqual([null, null]);
  expect(new layers.Reshape([-1, 2])(x).shape).toEqual([null, null, 2]);
});

test("Reshape refuses what does not fit", () => {
  expect(() => new layers.Reshape([5])(ops.ones([2, 3]))).toThrow(/\[2, 3\]/);
  expect(() => new layers.Reshape([-1, -1])(ops.ones([2, 3]))).toThrow(/-1/);
});
