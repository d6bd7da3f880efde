import { describe, expect, test } from "vitest";
import { layers, ops, type Tensor, tensor } from "../../../src/index.ts";
import { getMask, setMask } from "../../../src/keras/masks.ts";
import { layerTest } from "../../support/layer-test.ts";

const merges = [
  [layers.Add, [4, 6]],
  [layers.Subtract, [-2, -2]],
  [layers.Multiply, [3, 8]],
  [layers.Average, [2, 3]],
  [layers.Maximum, [3, 4]],
  [layers.Minimum, [1, 2]],
] as const;

for (const [Class, expected] of merges) {
  layerTest(Class, {
    init: [],
    inputShape: [
      [2, 3, 4],
      [2, 3, 4],
    ],
    outputShape: [2, 3, 4],
    supportsMasking: true,
  });

  describe(Class.name, () => {
    test("merges element by element", async () => {
      const y = new Class()([tensor([[1, 2]]), tensor([[3, 4]])]);
      expect(await y.array()).toEqual([expected]);
    });

    test("broadcasts", () => {
      expect(new Class()([ops.ones([2, 3, 4]), ops.ones([2, 1, 4])]).shape).toEqual([2, 3, 4]);
    });

    test("refuses what is no list, and shapes that do not go together", () => {
      expect(() => new Class()(ops.ones([2, 3]))).toThrow(/list/);
      expect(() => new Class()([ops.ones([2, 3]), ops.ones([2, 4])])).toThrow(/\[2, 3\].*\[2, 4\]/);
    });
  });
}

layerTest(layers.Concatenate, {
  init: [{ axis: 1 }],
  inputShape: [
    [2, 3, 4],
    [2, 5, 4],
  ],
  outputShape: [2, 8, 4],
  supportsMasking: true,
});

describe("Concatenate", () => {
  test("joins masks as it joins values", async () => {
    const [a, b] = [ops.ones([1, 2, 3]), ops.ones([1, 1, 3])];
    setMask(a, tensor([[true, false]]));
    const y = new layers.Concatenate({ axis: 1 })([a, b]);
    expect(await (getMask(y) as Tensor).array()).toEqual([[true, false, true]]);
  });

  test("refuses shapes that differ beside the axis", () => {
    const layer = new layers.Concatenate({ axis: 1 });
    expect(() => layer([ops.ones([2, 3, 4]), ops.ones([2, 3, 5])])).toThrow(/\[2, 3, 5\]/);
  });
});
