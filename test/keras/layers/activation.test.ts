import { expect, test } from "vitest";
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
