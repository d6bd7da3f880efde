import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  grad,
  Input,
  jit,
  type KerasTensor,
  layers,
  Model,
  ops,
  saving,
  type Tensor,
  tensor,
} from "../../../src/index.ts";
import { getMask, setMask } from "../../../src/keras/masks.ts";
import { distance, floats } from "../../support/data.ts";
import { layerTest } from "../../support/layer-test.ts";
import { folder } from "../saving/files.ts";

layerTest(layers.Attention, {
  init: [{ dropout: 0.3, seed: 1 }],
  inputShape: [
    [2, 3, 4],
    [2, 5, 4],
  ],
  outputShape: [2, 3, 4],
  seedGenerators: 1,
  supportsMasking: true,
});

layerTest(layers.Attention, {
  init: [{ useScale: true, scoreMode: "concat" }],
  inputShape: [
    [2, 3, 4],
    [2, 5, 4],
    [2, 5, 4],
  ],
  outputShape: [2, 3, 4],
  weights: 2,
  trainableWeights: 2,
  supportsMasking: true,
});

layerTest(layers.AdditiveAttention, {
  init: [],
  inputShape: [
    [2, 3, 4],
    [2, 5, 4],
  ],
  outputShape: [2, 3, 4],
  weights: 1,
  trainableWeights: 1,
  supportsMasking: true,
});

const heads = {
  byPosition: true,
  inputShape: [
    [2, 3, 4],
    [2, 5, 4],
  ],
  outputShape: [2, 3, 4],
  weights: 8,
  trainableWeights: 8,
  supportsMasking: true,
} as const;

layerTest(layers.MultiHeadAttention, { ...heads, init: [2, 3] });

layerTest(layers.MultiHeadAttention, {
  ...heads,
  init: [2, 3, { valueDim: 5, useBias: false, useGate: true, dropout: 0.2, seed: 1 }],
  weights: 5,
  trainableWeights: 5,
  seedGenerators: 1,
});

layerTest(layers.MultiHeadAttention, {
  ...heads,
  init: [2, 3, { attentionAxes: 2, outputShape: [7] }],
  inputShape: [
    [2, 2, 3, 4],
    [2, 2, 5, 4],
  ],
  outputShape: [2, 2, 3, 7],
  maskAxes: 3,
});

layerTest(layers.GroupQueryAttention, { ...heads, init: [3, 4, 2] });

layerTest(layers.GroupQueryAttention, {
  ...heads,
  init: [3, 4, 2, { useBias: false, useGate: true, slidingWindow: 2 }],
  weights: 5,
  trainableWeights: 5,
});

const flat = async (x: Tensor): Promise<number[]> => Array.from((await x.data()) as Float32Array);
const near = async (a: Tensor, b: Tensor, most = 1e-6): Promise<void> => {
  expect([...a.shape]).toEqual([...b.shape]);
  expect(distance(await flat(a), await flat(b))).toBeLessThan(most);
};

describe("Attention", () => {
  test("weighs values by softmax(q · k), the key being the value by default", async () => {
    const [q, v, k] = [floats([2, 3, 4], 1), floats([2, 5, 4], 2), floats([2, 5, 4], 3)];
    const weights = ops.softmax(ops.matmul(q, ops.transpose(k, { axes: [0, 2, 1] })));
    const [output, scores] = new layers.Attention().invoke([
      [q, v, k],
      { returnAttentionScores: true },
    ]) as [Tensor, Tensor];
    await near(scores, weights);
    await near(output, ops.matmul(weights, v));
    await near(new layers.Attention()([q, v]), new layers.Attention()([q, v, v]));
  });

  test("masks: values that do not count, queries that give zeros, and later ones", async () => {
    const [q, v] = [floats([1, 3, 4], 1), floats([1, 3, 4], 2)];
    const queryMask = tensor([[true, true, false]]);
    const valueMask = tensor([[true, false, true]]);
    const [output, scores] = new layers.Attention().invoke([
      [q, v],
      { mask: [queryMask, valueMask], useCausalMask: true, returnAttentionScores: true },
    ]) as [Tensor, Tensor];
    const rows = (await scores.array()) as number[][][];
    expect(rows[0]?.map((row) => row.map((w) => w > 0))).toEqual([
      [true, false, false],
      [true, false, false],
      [true, false, true],
    ]);
    expect((await flat(output)).slice(8)).toEqual([0, 0, 0, 0]);
  });

  test("refuses what is no list of two or three", () => {
    const x = ops.ones([2, 3, 4]);
    expect(() => new layers.Attention()(x)).toThrow(/takes a list/);
    expect(() => new layers.Attention()([x])).toThrow(/takes a list/);
    expect(() => new layers.Attention()([x, x], { mask: x })).toThrow(/masks as a list/);
    expect(() => new layers.Attention({ scoreMode: "sum" as never })).toThrow(/scoreMode/);
  });
});

describe("MultiHeadAttention", () => {
  const [query, value] = [floats([2, 4, 6], 1), floats([2, 5, 6], 2)];
  const make = (options: object = {}): layers.MultiHeadAttention => {
    const layer = new layers.MultiHeadAttention(2, 3, options);
    layer.build([2, 4, 6], [2, 5, 6]);
    layer.setWeights(layer.weights.map(({ shape }, i) => floats(shape, i + 1)));
    return layer;
  };
  const outputOf = (layer: layers.Layer, options: object): Tensor =>
    (layer.invoke([query, value, { ...options, returnAttentionScores: true }]) as [Tensor])[0];

  test("the fused op and explicit scores give the same, gradients too", async () => {
    const layer = make();
    const attentionMask = ops.greater(floats([2, 4, 5], 9), -0.5);
    for (const options of [{}, { useCausalMask: true }, { attentionMask }]) {
      await near(layer(query, value, options), outputOf(layer, options), 1e-5);
      const fused = grad((v: Tensor) => ops.sum(ops.square(layer(query, v, options))));
      const explicit = grad((v: Tensor) =>
        ops.sum(
          ops.square(
            (layer.invoke([query, v, { ...options, returnAttentionScores: true }]) as [Tensor])[0],
          ),
        ),
      );
      await near(fused(value), explicit(value), 1e-4);
      await near(jit(fused)(value), explicit(value), 1e-4);
    }
  });

  test("a window hides what is far away", async () => {
    const [, scores] = make({ slidingWindow: 2 }).invoke([
      query,
      value,
      { returnAttentionScores: true },
    ]) as [Tensor, Tensor];
    const first = ((await scores.array()) as number[][][][])[0]?.[0] as number[][];
    expect(first.map((row) => row.map((w) => w > 0))).toEqual([
      [true, true, false, false, false],
      [true, true, true, false, false],
      [false, true, true, true, false],
      [false, false, true, true, true],
    ]);
  });

  test("masks attached to inputs count, and the query's passes on", async () => {
    const layer = make();
    const valueMask = tensor([
      [true, true, true, false, false],
      [true, true, true, true, false],
    ]);
    const queryMask = tensor([
      [true, true, true, false],
      [true, true, true, true],
    ]);
    const [q, v] = [floats([2, 4, 6], 1), floats([2, 5, 6], 2)];
    setMask(q, queryMask);
    setMask(v, valueMask);
    const output = layer(q, v);
    expect(getMask(output)).toBe(queryMask);
    const attentionMask = ops.logicalAnd(
      ops.expandDims(queryMask, -1),
      ops.expandDims(valueMask, -2),
    );
    await near(output, layer(query, value, { attentionMask }));
  });

  test("symbolic outputs know their shapes, scores too", () => {
    const [q, v] = [Input({ shape: [4, 6] }), Input({ shape: [5, 6] })];
    const layer = new layers.MultiHeadAttention(2, 3);
    const [output, scores] = layer.invoke([q, v, { returnAttentionScores: true }]) as KerasTensor[];
    expect([output?.shape, scores?.shape]).toEqual([
      [null, 4, 6],
      [null, 2, 4, 5],
    ]);
  });

  test("flash attention has no scores to give or drop", () => {
    expect(() => make({ flashAttention: true, dropout: 0.1 })).toThrow(/cannot drop/);
    expect(() => outputOf(make({ flashAttention: true }), {})).toThrow(/no scores to return/);
  });

  test("refuses values and keys of different lengths", () => {
    const layer = new layers.MultiHeadAttention(2, 3);
    expect(() => layer(query, value, query)).toThrow(/value and key must have the same/);
  });
});

describe("GroupQueryAttention", () => {
  test("shares heads of key and value as repeated heads would be", async () => {
    const x = floats([2, 4, 6], 1);
    const layer = new layers.GroupQueryAttention(3, 4, 2);
    layer.build([2, 4, 6], [2, 4, 6]);
    layer.setWeights(layer.weights.map(({ shape }, i) => floats(shape, i + 1)));
    const options = { returnAttentionScores: true, useCausalMask: true };
    const [output, scores] = layer.invoke([x, x, options]) as [Tensor, Tensor];
    expect(scores.shape).toEqual([2, 4, 4, 4]);
    await near(layer(x, x, { useCausalMask: true }), output, 1e-5);
    expect(() => new layers.GroupQueryAttention(3, 4, 3)).toThrow(/divide into groups/);
  });
});

describe("saving attention", () => {
  test("a model comes back from a .keras file, under Keras's names", async () => {
    const input = Input({ shape: [4, 6] });
    const a = new layers.MultiHeadAttention(2, 3, { useGate: true })(input, input, {
      useCausalMask: true,
    }) as KerasTensor;
    const b = new layers.GroupQueryAttention(3, 4, 2, { useGate: true })(a, a) as KerasTensor;
    const c = new layers.AdditiveAttention()([b, a]) as KerasTensor;
    const model = new Model(input, new layers.Attention({ useScale: true })([c, b]) as KerasTensor);
    const path = join(folder(), "attention.keras");
    await model.save(path);
    const loaded = await saving.loadModel(path);
    const data = floats([2, 4, 6], 3);
    await near((await loaded.predict(data)) as Tensor, (await model.predict(data)) as Tensor, 1e-7);
    const names = (model.getConfig()["layers"] as { class_name: string }[]).map(
      ({ class_name: name }) => name,
    );
    expect(names).toContain("GroupQueryAttention");
    expect(loaded.layers.map(({ name }) => name).join()).toContain("grouped_query_attention");
  });
});
