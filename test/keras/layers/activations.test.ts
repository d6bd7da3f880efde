import { describe, expect, test } from "vitest";
import { layers, ops, tensor } from "../../../src/index.ts";
import { layerTest } from "../../support/layer-test.ts";

layerTest(layers.Activation, {
  init: ["tanh"],
  inputShape: [2, 3],
  outputShape: [2, 3],
  supportsMasking: true,
});

layerTest(layers.Activation, {
  init: [ops.relu],
  inputShape: [2, 3, 4],
  outputShape: [2, 3, 4],
  supportsMasking: true,
});

test("applies its function", async () => {
  expect(await new layers.Activation("relu")(tensor([-1, 0, 2])).array()).toEqual([0, 0, 2]);
});

test("refuses unknown names with those it knows", () => {
  expect(() => new layers.Activation("rellu")).toThrow(/"rellu".*relu/);
});

const passed = { inputShape: [2, 3, 4], outputShape: [2, 3, 4], supportsMasking: true };

layerTest(layers.ReLU, { init: [], ...passed });
layerTest(layers.ReLU, { init: [{ maxValue: 2, negativeSlope: 0.1, threshold: 0.5 }], ...passed });
layerTest(layers.LeakyReLU, { init: [{ negativeSlope: 0.1 }], ...passed });
layerTest(layers.ELU, { init: [{ alpha: 0.5 }], ...passed });
layerTest(layers.PReLU, { init: [], weights: 1, trainableWeights: 1, ...passed });
layerTest(layers.PReLU, {
  init: [{ sharedAxes: [1], alphaRegularizer: "l2", alphaInitializer: "ones" }],
  ...passed,
  weights: 1,
  trainableWeights: 1,
  losses: 1,
});
layerTest(layers.Softmax, {
  init: [],
  inputShape: [2, 3],
  outputShape: [2, 3],
  supportsMasking: true,
});
layerTest(layers.Softmax, { init: [{ axis: [1, 2] }], ...passed, maskAxes: 3 });

describe("ReLU", () => {
  test("cuts at its threshold and its maximum", async () => {
    const layer = new layers.ReLU({ maxValue: 3, negativeSlope: 0.5, threshold: 1 });
    expect(await layer(tensor([-3, 0.5, 2, 9])).array()).toEqual([-2, -0.25, 2, 3]);
  });

  test("refuses what is negative", () => {
    expect(() => new layers.ReLU({ maxValue: -1 })).toThrow(/maxValue.*-1/);
    expect(() => new layers.ReLU({ negativeSlope: -1 })).toThrow(/negativeSlope/);
    expect(() => new layers.LeakyReLU({ negativeSlope: -1 })).toThrow(/negativeSlope/);
  });
});

test("LeakyReLU takes the slope of older configs", () => {
  expect(layers.LeakyReLU.fromConfig({ alpha: 0.25 }).negativeSlope).toBe(0.25);
  expect(layers.LeakyReLU.fromConfig({ negative_slope: 0.5 }).negativeSlope).toBe(0.5);
});

describe("PReLU", () => {
  test("has a slope for each element but along shared axes", async () => {
    const layer = new layers.PReLU({ sharedAxes: 1 });
    layer.build([null, null, 2]);
    expect(layer.alpha.shape).toEqual([1, 2]);
    layer.alpha.assign(tensor([[0.5, 2]]));
    const x = tensor([
      [
        [-2, -2],
        [4, -1],
      ],
    ]);
    expect(await layer(x).array()).toEqual([
      [
        [-1, -4],
        [4, -2],
      ],
    ]);
  });

  test("refuses an axis of unknown length", () => {
    expect(() => new layers.PReLU().build([null, null, 2])).toThrow(/\[null, null, 2\]/);
    expect(() => new layers.PReLU({ sharedAxes: [0] })).toThrow(/sharedAxes/);
  });
});

describe("Softmax", () => {
  test("leaves out what is masked", async () => {
    const x = tensor([[1, 1, 9]]);
    const mask = tensor([[true, true, false]]);
    const expected = [[0.5, 0.5, 0]];
    expect(await new layers.Softmax()(x, { mask }).array()).toEqual(expected);
    expect(await new layers.Softmax()(x, { mask: tensor([[1, 1, 0]]) }).array()).toEqual(expected);
  });

  test("refuses a mask that does not fit", () => {
    const mask = ops.ones([2, 2], { dtype: "bool" });
    expect(() => new layers.Softmax()(ops.ones([2, 3]), { mask })).toThrow(/\[2, 2\].*\[2, 3\]/);
  });
});
