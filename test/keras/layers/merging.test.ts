import { describe, expect, test } from "vitest";
import { Input, layers, Model, ops, type Tensor, tensor } from "../../../src/index.ts";
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

layerTest(layers.Dot, {
  init: [[2, 1]],
  inputShape: [
    [2, 3, 4],
    [2, 4, 5],
  ],
  outputShape: [2, 3, 5],
  supportsMasking: true,
  passesMask: false,
});
layerTest(layers.Dot, {
  init: [-1, { normalize: true }],
  inputShape: [
    [2, 4],
    [2, 4],
  ],
  outputShape: [2, 1],
  supportsMasking: true,
  passesMask: false,
});

describe("Dot", () => {
  test("multiplies along an axis of each", async () => {
    const [a, b] = [
      tensor([[[1, 2]], [[3, 4]]]),
      tensor([
        [5, 6],
        [7, 8],
      ]),
    ];
    expect(await new layers.Dot([2, 1])([a, b]).array()).toEqual([[17], [53]]);
  });

  test("gives cosines", async () => {
    const layer = new layers.Dot(1, { normalize: true });
    const y = layer([tensor([[3, 4]]), tensor([[4, 3]])]);
    expect((await y.data())[0]).toBeCloseTo(0.96, 6);
  });

  test("refuses other lengths, numbers of inputs and the axis of samples", () => {
    expect(() => new layers.Dot(1)([ops.ones([2, 3]), ops.ones([2, 4])])).toThrow(
      /\[2, 3\].*\[2, 4\]/,
    );
    expect(() => new layers.Dot(1)([ops.ones([2, 3])])).toThrow(/two inputs/);
    expect(() => new layers.Dot(0)([ops.ones([2, 3]), ops.ones([2, 3])])).toThrow(/axis 0/);
    expect(() => new layers.Dot([1, 1, 1])).toThrow(/axes/);
  });
});

describe("functions", () => {
  const functions = [
    ["add", [4, 6]],
    ["subtract", [-2, -2]],
    ["multiply", [3, 8]],
    ["average", [2, 3]],
    ["maximum", [3, 4]],
    ["minimum", [1, 2]],
    ["concatenate", [1, 2, 3, 4]],
    ["dot", [11]],
  ] as const;
  for (const [name, expected] of functions) {
    test(name, async () => {
      const [a, b] = [tensor([[1, 2]]), tensor([[3, 4]])];
      const merge = layers[name] as typeof layers.add;
      expect(await merge([a, b]).array()).toEqual([expected]);
      const inputs = [Input({ shape: [2] }), Input({ shape: [2] })];
      const model = new Model(inputs, merge(inputs));
      expect(await model([a, b]).array()).toEqual([expected]);
    });
  }

  test("take the options of their layers", async () => {
    const [a, b] = [ops.ones([2, 1, 3]), ops.ones([2, 2, 3])];
    expect(layers.concatenate([a, b], { axis: 1 }).shape).toEqual([2, 3, 3]);
    expect(layers.dot([a, b], { axes: 2 }).shape).toEqual([2, 1, 2]);
  });
});
