import { describe, expect, test } from "vitest";
import {
  type Layer,
  layers,
  ops,
  optimizers,
  Sequential,
  StateError,
  type Tensor,
  tensor,
  type Variable,
} from "../../../src/index.ts";
import { distance } from "../../support/data.ts";
import { layerTest } from "../../support/layer-test.ts";

const given = { loraRank: 2, loraAlpha: 3 };

layerTest(layers.Dense, {
  init: [3, given],
  inputShape: [2, 5],
  outputShape: [2, 3],
  weights: 4,
  trainableWeights: 3,
  supportsMasking: true,
});
layerTest(layers.EinsumDense, {
  init: ["abc,cde->abde", [null, 2, 3], given],
  inputShape: [2, 3, 4],
  outputShape: [2, 3, 2, 3],
  weights: 3,
  trainableWeights: 2,
});
layerTest(layers.Embedding, {
  init: [10, 4, given],
  inputShape: [2, 3],
  integersBelow: 10,
  outputShape: [2, 3, 4],
  weights: 3,
  trainableWeights: 2,
});
layerTest(layers.Conv2D, {
  init: [4, 3, given],
  inputShape: [2, 5, 6, 3],
  outputShape: [2, 3, 4, 4],
  weights: 4,
  trainableWeights: 3,
});

const numbers = async (x: Tensor | Variable): Promise<number[]> =>
  Array.from((await x.data()) as Float32Array);

describe("enableLora", () => {
  const built = (): layers.Dense => {
    const layer = new layers.Dense(2, { kernelInitializer: "ones", useBias: false });
    layer.build([null, 2]);
    return layer;
  };

  test("adds a scaled product to the frozen weight", async () => {
    const layer = built();
    layer.enableLora(1, { loraAlpha: 4 });
    const x = tensor([[1, 2]]);
    // The second factor begins with zeros.
    expect(await layer(x).array()).toEqual([[3, 3]]);
    layer.loraKernelA?.assign(tensor([[1], [0]]));
    layer.loraKernelB?.assign(tensor([[0, 1]]));
    expect(await layer(x).array()).toEqual([[3, 7]]);
    expect(layer.trainableWeights.map(({ name }) => name)).toEqual([
      "lora_kernel_a",
      "lora_kernel_b",
    ]);
    expect(layer.getConfig()).toMatchObject({ lora_rank: 1, lora_alpha: 4 });
    expect(built().getConfig()).not.toHaveProperty("lora_rank");
  });

  test("trains the factors alone", async () => {
    const layer = built();
    layer.enableLora(1);
    const model = new Sequential([layer]);
    model.compile({ optimizer: new optimizers.SGD({ learningRate: 0.1 }), loss: "mse" });
    await model.fit(ops.ones([4, 2]), ops.zeros([4, 2]), { epochs: 2, verbose: 0 });
    expect(await numbers(layer.kernel)).toEqual([1, 1, 1, 1]);
    expect((await numbers(layer.loraKernelB as Variable)).every((value) => value !== 0)).toBe(true);
  });

  test("files hold the sum", async () => {
    const layer = built();
    layer.enableLora(1);
    layer.loraKernelA?.assign(tensor([[1], [0]]));
    layer.loraKernelB?.assign(tensor([[0, 1]]));
    const store: Record<string, Variable | Tensor> = {};
    layer.saveOwnVariables(store);
    expect(Object.keys(store)).toEqual(["0"]);
    expect(await numbers(store["0"] as Tensor)).toEqual([1, 2, 1, 1]);
    const x = tensor([[1, 2]]);
    const before = await numbers(layer(x));
    for (const other of [built(), layer]) {
      other.loadOwnVariables(store as Record<string, Tensor>);
      expect(distance(await numbers(other(x)), before)).toBe(0);
    }
    expect(await numbers(layer.loraKernelB as Variable)).toEqual([0, 0]);
  });

  test("refuses layers without weights, with constraints, and adapted ones", () => {
    const unbuilt: Layer & { enableLora(rank: number): void } = new layers.Dense(2);
    expect(() => unbuilt.enableLora(1)).toThrow(StateError);
    const layer = built();
    layer.enableLora(1);
    expect(() => layer.enableLora(1)).toThrow(/adapted already/);
    const held = new layers.Dense(2, { kernelConstraint: "non_neg" });
    held.build([null, 2]);
    expect(() => held.enableLora(1)).toThrow(/constraint/);
    expect(() => built().enableLora(0)).toThrow(/rank/);
    expect(() => new layers.Embedding(3, 2, { loraRank: -1 })).toThrow(/loraRank/);
  });
});
