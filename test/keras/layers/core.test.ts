import { describe, expect, test } from "vitest";
import {
  Input,
  type Layer,
  layers,
  Model,
  ops,
  SerializationError,
  saving,
  type Tensor,
  tensor,
  utils,
  valueAndGrad,
} from "../../../src/index.ts";
import { getMask, setMask } from "../../../src/keras/masks.ts";
import { layerTest } from "../../support/layer-test.ts";

const kept = { inputShape: [2, 3, 4], outputShape: [2, 3, 4], supportsMasking: true };

layerTest(layers.Identity, { init: [], ...kept });
layerTest(layers.Masking, { init: [{ maskValue: 1 }], ...kept });
layerTest(layers.Lambda, {
  init: [ops.relu],
  inputShape: [2, 3, 4],
  outputShape: [2, 3, 4],
});
layerTest(layers.EinsumDense, {
  init: ["abc,cd->abd", [null, 5], { biasAxes: "d", activation: "relu" }],
  inputShape: [2, 3, 4],
  outputShape: [2, 3, 5],
  weights: 2,
  trainableWeights: 2,
});
layerTest(layers.EinsumDense, {
  init: ["...x,xy->...y", 5, { kernelRegularizer: "l2" }],
  inputShape: [2, 3, 4],
  outputShape: [2, 3, 5],
  weights: 1,
  trainableWeights: 1,
  losses: 1,
});
layerTest(layers.EinsumDense, {
  init: ["ab...,bcd->acd...", [5, 6], { biasAxes: "cd" }],
  inputShape: [2, 3, 4],
  outputShape: [2, 5, 6, 4],
  weights: 2,
  trainableWeights: 2,
});
layerTest(layers.TernaryDense, {
  init: [3, { activation: "tanh" }],
  inputShape: [2, 5],
  outputShape: [2, 3],
  weights: 2,
  trainableWeights: 2,
  supportsMasking: true,
});
layerTest(layers.ReversibleEmbedding, {
  init: [10, 4],
  inputShape: [2, 3],
  integersBelow: 10,
  outputShape: [2, 3, 4],
  weights: 1,
  trainableWeights: 1,
});

describe("Identity", () => {
  test("takes trees", async () => {
    const [a, b] = [tensor([1]), tensor([2])];
    const [x, y] = new layers.Identity()<[Tensor, Tensor]>([a, b]);
    expect([await x.array(), await y.array()]).toEqual([[1], [2]]);
  });
});

describe("Masking", () => {
  test("masks steps of the mask value and sets them to 0", async () => {
    const y = new layers.Masking({ maskValue: 9 })(
      tensor([
        [
          [9, 9],
          [9, 1],
        ],
      ]),
    );
    expect(await y.array()).toEqual([
      [
        [0, 0],
        [9, 1],
      ],
    ]);
    expect(await (getMask(y) as Tensor).array()).toEqual([[false, true]]);
  });
});

test("Masking takes a value for each feature, which configs hold", async () => {
  const x = tensor([
    [
      [1, 2],
      [2, 2],
      [1, 1],
    ],
  ]);
  const layer = new layers.Masking({ maskValue: tensor([1, 2]) });
  const copy = layers.Masking.fromConfig(JSON.parse(JSON.stringify(layer.getConfig())));
  for (const one of [layer, copy]) {
    expect(await one.computeMask(x).array()).toEqual([[false, true, true]]);
  }
});

describe("Lambda", () => {
  test("passes its arguments, the mask and training", () => {
    const calls: unknown[] = [];
    const layer = new layers.Lambda(
      (x: Tensor, options: object) => {
        calls.push(options);
        return x;
      },
      { arguments: { some_factor: 2 } },
    );
    const x = ops.ones([2, 3]);
    const mask = ops.ones([2], { dtype: "bool" });
    layer.call(x, { training: true, mask });
    expect(calls).toEqual([{ someFactor: 2, training: true, mask }]);
  });

  test("passes ops what they take", async () => {
    const layer = new layers.Lambda(ops.leakyRelu, { arguments: { negative_slope: 0.5 } });
    expect(await layer(tensor([-2, 2]), { training: true }).array()).toEqual([-1, 2]);
  });

  test("infers its shape, or goes by the given one", () => {
    const x = Input({ shape: [3, 4] });
    const sum = new layers.Lambda((y: Tensor) => ops.sum(y, { axis: 2 }));
    expect(sum(x).shape).toEqual([null, 3]);
    expect(sum.computeOutputShape([2, 3, 4])).toEqual([2, 3]);
    const told = new layers.Lambda((y: Tensor) => y, { outputShape: [12] });
    expect(told(x).shape).toEqual([null, 12]);
    const counted = new layers.Lambda((y: Tensor) => y, {
      outputShape: ([batch, a, b]: number[]) => [batch, (a as number) * (b as number)],
    });
    expect(counted.computeOutputShape([2, 3, 4])).toEqual([2, 12]);
  });

  test("computes its mask", async () => {
    const x = ops.ones([1, 2, 3]);
    setMask(x, tensor([[true, false]]));
    const layer = new layers.Lambda((y: Tensor) => ops.abs(y), {
      mask: (_: unknown, mask: Tensor) => ops.logicalNot(mask),
    });
    expect(await (getMask(layer(x)) as Tensor).array()).toEqual([[false, true]]);
    expect(getMask(new layers.Lambda((y: Tensor) => ops.abs(y))(ops.ones([2])))).toBeNull();
  });

  test("names Keras's functions as Keras does, and registered ones", () => {
    const config = new layers.Lambda(ops.relu).getConfig();
    expect(config["function"]).toEqual({
      module: "builtins",
      class_name: "function",
      config: "relu",
      registered_name: "function",
    });
    const twice = saving.registerKerasSerializable("core_test")(function twice(x: Tensor) {
      return ops.multiply(x, 2);
    });
    const layer = layers.Lambda.fromConfig(new layers.Lambda(twice).getConfig());
    expect(layer.function).toBe(twice);
  });

  test("functions without a name cannot be saved, ones in a file are never run", () => {
    expect(() => new layers.Lambda((x: Tensor) => x).getConfig()).toThrow(SerializationError);
    expect(() => new layers.Lambda(ops.cumsum).getConfig()).toThrow(/register/i);
    const marshalled = { class_name: "__lambda__", config: { code: "4wEAAAA=" } };
    expect(() => layers.Lambda.fromConfig({ function: marshalled })).toThrow(SerializationError);
  });

  test("refuses what is no function", () => {
    expect(() => new layers.Lambda(3 as never)).toThrow(/function/);
  });
});

describe("Wrapper", () => {
  class Twice extends layers.Wrapper {
    override call(x: Tensor): Tensor {
      return this.layer(this.layer(x));
    }
  }

  test("builds, holds and saves the layer in it", async () => {
    const inner = new layers.Dense(2, { kernelInitializer: "ones" });
    const twice = new Twice(inner);
    expect(await twice(tensor([[1, 2]])).array()).toEqual([[6, 6]]);
    expect(twice.weights).toEqual(inner.weights);
    const copy = Twice.fromConfig(twice.getConfig());
    expect(copy.layer).toBeInstanceOf(layers.Dense);
    expect(copy.layer.getConfig()).toEqual(inner.getConfig());
  });

  test("refuses what is no layer", () => {
    expect(() => new Twice("dense" as unknown as Layer)).toThrow(/layer/);
  });
});

describe("EinsumDense", () => {
  test("sums over the letters that the output lacks", async () => {
    const layer = new layers.EinsumDense("ab,bc->ac", 2, { kernelInitializer: "ones" });
    expect(await layer(tensor([[1, 2, 3]])).array()).toEqual([[6, 6]]);
  });

  test("its initializer counts the axes summed over as inputs", async () => {
    utils.setRandomSeed(1);
    const kernel = async (seed: number): Promise<Float32Array> => {
      const layer = new layers.EinsumDense("abc,cde->abde", [null, 30, 20], {
        kernelInitializer: { class_name: "GlorotUniform", config: { seed } },
      });
      layer.build([null, 7, 10]);
      return (await layer.kernel.data()) as Float32Array;
    };
    // sqrt(6 / (fanIn + fanOut)) with fans 10 and 600
    const limit = Math.sqrt(6 / 610);
    const largest = Math.max(...(await kernel(3)).map(Math.abs));
    expect(largest).toBeLessThanOrEqual(limit);
    expect(largest).toBeGreaterThan(0.99 * limit);
  });

  test("refuses equations and shapes that do not fit", () => {
    expect(() => new layers.EinsumDense("ab-ac", 2)(ops.ones([2, 3]))).toThrow(/equation.*"ab-ac"/);
    expect(() => new layers.EinsumDense("abc,cd->abd", 2)(ops.ones([2, 3]))).toThrow(/\[2, 3\]/);
    expect(() => new layers.EinsumDense("ab,bc->ad", 2)(ops.ones([2, 3]))).toThrow(/"d"/);
    expect(() => new layers.EinsumDense("abc,cd->abd", [4, 5])(ops.ones([2, 3, 4]))).toThrow(
      /"b".*3.*4/,
    );
    const bias = new layers.EinsumDense("ab,bc->ac", 2, { biasAxes: "z" });
    expect(() => bias(ops.ones([2, 3]))).toThrow(/biasAxes/);
  });
});

describe("TernaryDense", () => {
  test("weights count as -1, 0 and 1, gradients pass through", async () => {
    const layer = new layers.TernaryDense(1, { threshold: 0.5 });
    layer.build([null, 3]);
    layer.kernel.assign(tensor([[0.2], [-3], [0.7]]));
    const x = tensor([[1, 2, 4]]);
    expect(await layer(x).array()).toEqual([[2]]);
    const loss = (input: Tensor): Tensor => ops.sum(layer(input));
    const [, [gradient]] = valueAndGrad(loss, { variables: [layer.kernel] })(x);
    expect(await (gradient as Tensor).array()).toEqual([[1], [2], [4]]);
  });

  test("without a threshold outputs are scaled by the mean weight", async () => {
    const layer = new layers.TernaryDense(1);
    layer.build([null, 2]);
    layer.kernel.assign(tensor([[-3], [1]]));
    // mean 2, threshold 1: 1 does not count
    expect(await layer(tensor([[1, 5]])).array()).toEqual([[-2]]);
  });
});

describe("ReversibleEmbedding", () => {
  test("goes back by the same table, or by one of its own", async () => {
    const tied = new layers.ReversibleEmbedding(3, 2);
    tied.build();
    tied.embeddings.assign(
      tensor([
        [1, 0],
        [0, 1],
        [2, 2],
      ]),
    );
    expect(await tied(tensor([[3, 4]]), { reverse: true }).array()).toEqual([[3, 4, 14]]);
    const own = new layers.ReversibleEmbedding(3, 2, { tieWeights: false });
    own.build();
    expect(own.weights.map(({ shape }) => shape)).toEqual([
      [3, 2],
      [2, 3],
    ]);
    own.reverseEmbeddings.assign(ops.ones([2, 3]));
    expect(await own(tensor([[3, 4]]), { reverse: true }).array()).toEqual([[7, 7, 7]]);
  });

  test("holds logits", async () => {
    const layer = new layers.ReversibleEmbedding(1, 1, {
      logitSoftCap: 2,
      embeddingsInitializer: "ones",
    });
    layer.build();
    const [y] = (await layer(tensor([[100]]), { reverse: true }).data()) as Float32Array;
    expect(y).toBeCloseTo(2, 6);
  });

  test("in a functional model both ways", () => {
    const layer = new layers.ReversibleEmbedding(7, 4, { maskZero: true });
    const tokens = Input({ shape: [5], dtype: "int32" });
    const model = new Model(tokens, layer(layer(tokens), { reverse: true }));
    expect(model.outputShape).toEqual([null, 5, 7]);
    expect(getMask(layer(tensor([[1, 0]], { dtype: "int32" })))).not.toBeNull();
  });
});
