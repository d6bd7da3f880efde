import { describe, expect, test } from "vitest";
import { Input, KerasTensor, layers, ops } from "../../../src/index.ts";

describe("Input", () => {
  test("gives a symbolic tensor of an open batch", () => {
    const x = Input({ shape: [4, null], dtype: "int32", name: "ids" });
    expect(x).toBeInstanceOf(KerasTensor);
    expect([x.shape, x.dtype, x.name]).toEqual([[null, 4, null], "int32", "ids"]);
  });

  test("takes a batch size", () => {
    expect(Input({ shape: [4], batchSize: 8 }).shape).toEqual([8, 4]);
    expect(Input({ batchShape: [2, 3] }).shape).toEqual([2, 3]);
  });

  test("refuses shapes that are none", () => {
    expect(() => Input({})).toThrow(/shape of one sample/);
    expect(() => Input({ shape: [-1] })).toThrow(/shape/);
    expect(() => Input({ shape: [2], batchShape: [1, 2] })).toThrow(/batchShape/);
    expect(() => Input({ shape: [2], sparse: true })).toThrow(/sparse/);
  });
});

describe("InputLayer", () => {
  test("passes tensors through and comes back from its config", () => {
    const layer = new layers.InputLayer({ shape: [3], dtype: "float16", optional: true });
    const x = ops.ones([2, 3], { dtype: "float16" });
    expect(layer.call(x)).toBe(x);
    const config = layer.getConfig();
    expect(config).toEqual({
      batch_shape: [null, 3],
      dtype: "float16",
      sparse: false,
      ragged: false,
      name: layer.name,
      optional: true,
    });
    expect(layers.InputLayer.fromConfig(config).getConfig()).toEqual(config);
  });
});
