import { describe, expect, test } from "vitest";
import { grad, jit, layers, ops, type Tensor, tensor, valueAndGrad } from "../../../src/index.ts";
import { setMask } from "../../../src/keras/masks.ts";
import { distance, floats } from "../../support/data.ts";
import { layerTest } from "../../support/layer-test.ts";

const sequence = {
  inputShape: [3, 4, 5],
  weights: 3,
  trainableWeights: 3,
  seedGenerators: 1,
  supportsMasking: true,
};

layerTest(layers.SimpleRNN, { ...sequence, init: [2], outputShape: [3, 2], passesMask: false });

layerTest(layers.SimpleRNN, {
  ...sequence,
  init: [
    2,
    { returnSequences: true, unroll: true, useBias: false, recurrentDropout: 0.2, seed: 1 },
  ],
  outputShape: [3, 4, 2],
  weights: 2,
  trainableWeights: 2,
});

layerTest(layers.GRU, {
  ...sequence,
  init: [2, { goBackwards: true }],
  outputShape: [3, 2],
  passesMask: false,
});

layerTest(layers.GRU, {
  ...sequence,
  init: [2, { resetAfter: false, returnSequences: true, dropout: 0.3, seed: 4 }],
  outputShape: [3, 4, 2],
});

layerTest(layers.LSTM, {
  ...sequence,
  init: [2, { returnSequences: true, kernelRegularizer: "l2" }],
  outputShape: [3, 4, 2],
  losses: 1,
});

layerTest(layers.LSTM, {
  ...sequence,
  init: [2, { dropout: 0.2, recurrentDropout: 0.3, seed: 7 }],
  outputShape: [3, 2],
  passesMask: false,
});

layerTest(layers.RNN, {
  inputShape: [3, 4, 5],
  init: () => [[new layers.LSTMCell(3), new layers.GRUCell(2, { dropout: 0.2, seed: 2 })]],
  outputShape: [3, 2],
  weights: 6,
  trainableWeights: 6,
  seedGenerators: 2,
  supportsMasking: true,
  passesMask: false,
});

layerTest(layers.Bidirectional, {
  inputShape: [3, 4, 5],
  init: () => [new layers.LSTM(2, { returnSequences: true })],
  outputShape: [3, 4, 4],
  weights: 6,
  trainableWeights: 6,
  seedGenerators: 2,
  supportsMasking: true,
});

layerTest(layers.TimeDistributed, {
  inputShape: [3, 4, 5],
  init: () => [new layers.Dense(2)],
  outputShape: [3, 4, 2],
  weights: 2,
  trainableWeights: 2,
  supportsMasking: true,
});

const images = { weights: 3, trainableWeights: 3, seedGenerators: 1, supportsMasking: true };

layerTest(layers.ConvLSTM1D, {
  ...images,
  inputShape: [2, 3, 5, 2],
  init: [2, 3, { returnSequences: true, padding: "same", dropout: 0.1, seed: 1 }],
  outputShape: [2, 3, 5, 2],
});

layerTest(layers.ConvLSTM2D, {
  ...images,
  inputShape: [2, 3, 2, 5, 4],
  init: [2, 2, { dataFormat: "channels_first" }],
  outputShape: [2, 2, 4, 3],
  passesMask: false,
});

layerTest(layers.ConvLSTM3D, {
  ...images,
  inputShape: [2, 2, 3, 3, 3, 1],
  init: [2, 2, { strides: 2, recurrentDropout: 0.2, seed: 1 }],
  outputShape: [2, 1, 1, 1, 2],
  passesMask: false,
});

const flat = async (x: Tensor): Promise<number[]> => Array.from((await x.data()) as Float32Array);
const near = async (a: Tensor, b: Tensor, most = 1e-6): Promise<void> => {
  expect([...a.shape]).toEqual([...b.shape]);
  expect(distance(await flat(a), await flat(b))).toBeLessThan(most);
};

/** A layer of each class, with the same weights whenever it is made. */
const makers: Record<string, (options?: object) => layers.RNN> = {
  SimpleRNN: (options) => new layers.SimpleRNN(3, { ...options, seed: 1 }),
  GRU: (options) => new layers.GRU(3, { ...options, seed: 1 }),
  "GRU, reset before": (options) => new layers.GRU(3, { ...options, resetAfter: false, seed: 1 }),
  LSTM: (options) => new layers.LSTM(3, { ...options, seed: 1 }),
  "RNN of two cells": (options) =>
    new layers.RNN([new layers.LSTMCell(4), new layers.SimpleRNNCell(3)], options),
};

const made = (name: string, options: object = {}): layers.RNN => {
  const layer = (makers[name] as (options: object) => layers.RNN)(options);
  layer.build([2, 5, 4]);
  layer.setWeights(layer.weights.map(({ shape }, i) => floats(shape, i + 1)));
  return layer;
};
const x = floats([2, 5, 4], 42);
const steps = (from: number, to: number): Tensor => ops.slice(x, [0, from, 0], [2, to - from, 4]);
const mask = tensor([
  [true, true, true, true, true],
  [true, true, false, false, false],
]);

for (const name of Object.keys(makers)) {
  describe(name, () => {
    test("goes through time as its cell does step by step", async () => {
      const layer = made(name, { returnSequences: true, returnState: true });
      const { cell } = layer;
      let states: unknown = layer.getInitialState(2);
      const outputs: Tensor[] = [];
      for (let i = 0; i < 5; i++) {
        const at = ops.reshape(steps(i, i + 1), [2, 4]);
        const [output, next] = (cell as layers.LSTMCell).invoke([at, states]) as [Tensor, unknown];
        outputs.push(output);
        states = next;
      }
      const [all, ...last] = layer.invoke([x]) as Tensor[];
      await near(all as Tensor, ops.stack(outputs, { axis: 1 }));
      const ends = (states as unknown[]).flat(2) as Tensor[];
      for (const [i, state] of (last.flat(2) as Tensor[]).entries()) {
        await near(state, ends[i] as Tensor);
      }
    });

    test("unrolled, compiled and the loop give the same, gradients too", async () => {
      const loop = made(name);
      const flatOut = made(name, { unroll: true });
      const loss =
        (layer: layers.RNN, options: object = {}) =>
        (input: Tensor): Tensor =>
          ops.sum(ops.square(layer.invoke([input, options]) as Tensor));
      for (const options of [{}, { mask }]) {
        const variables = (layer: layers.RNN): Tensor[] =>
          valueAndGrad(loss(layer, options), { variables: layer.weights })(x)[1] as Tensor[];
        await near(grad(loss(loop, options))(x), grad(loss(flatOut, options))(x), 1e-5);
        await near(grad(loss(loop, options))(x), jit(grad(loss(loop, options)))(x), 1e-5);
        const expected = variables(flatOut);
        for (const [i, gradient] of variables(loop).entries()) {
          await near(gradient, expected[i] as Tensor, 1e-4);
        }
      }
    });

    test("backwards: as forwards over the reversed sequence", async () => {
      const options = { returnSequences: true };
      const backward = made(name, { ...options, goBackwards: true });
      const forward = made(name, options);
      await near(backward(x), forward(ops.flip(x, { axis: 1 })));
    });

    test("masked steps pass states and outputs by", async () => {
      const options = { returnSequences: true, returnState: true };
      const masked = made(name, options);
      const [outputs, ...states] = (masked.invoke([x, { mask }]) as Tensor[]).flat(2) as [
        Tensor,
        ...Tensor[],
      ];
      const [short, ...early] = (masked.invoke([steps(0, 2)]) as Tensor[]).flat(2) as [
        Tensor,
        ...Tensor[],
      ];
      const [whole] = masked.invoke([x]) as [Tensor];
      const sample = (of: Tensor, i: number): Tensor => ops.getItem(of, [i]);
      await near(sample(outputs, 0), sample(whole, 0));
      const end = ops.getItem(short, [1, 1]);
      for (const at of [1, 2, 3, 4]) await near(ops.getItem(outputs, [1, at]), end);
      for (const [i, state] of states.entries()) {
        await near(sample(state, 1), sample(early[i] as Tensor, 1));
      }
      const last = made(name).invoke([x, { mask }]) as Tensor;
      await near(last, ops.reshape(ops.slice(outputs, [0, 4, 0], [2, 1, 3]), [2, 3]));
    });

    test("masked steps give zeros where asked to, in a loop and unrolled", async () => {
      for (const unroll of [false, true]) {
        const options = { returnSequences: true, zeroOutputForMask: true, unroll };
        const outputs = made(name, options).invoke([x, { mask }]) as Tensor;
        const whole = made(name, { returnSequences: true }).invoke([x]) as Tensor;
        const kept = ops.where(ops.expandDims(mask, -1), whole, 0);
        await near(outputs, kept);
      }
    });

    test("a mask attached to the input counts, and a step never seen gives zeros", async () => {
      const late = tensor([
        [false, true, true, true, true],
        [false, false, true, true, true],
      ]);
      const input = floats([2, 5, 4], 42);
      setMask(input, late);
      const layer = made(name, { returnSequences: true });
      const outputs = layer(input);
      expect(await flat(ops.slice(outputs, [0, 0, 0], [2, 1, 3]))).toEqual(Array(6).fill(0));
      const tail = made(name, { returnSequences: true })(steps(2, 5));
      await near(ops.slice(outputs, [1, 2, 0], [1, 3, 3]), ops.slice(tail, [1, 0, 0], [1, 3, 3]));
    });

    test("given states are where it starts, in options and by position", async () => {
      const [, ...states] = made(name, { returnState: true }).invoke([steps(0, 3)]) as Tensor[];
      const layer = made(name);
      const whole = layer(x);
      await near(layer(steps(3, 5), { initialState: states }), whole);
      await near(layer(steps(3, 5), states), whole);
    });

    test("stateful: a batch goes on where the one before ended, until it is reset", async () => {
      const layer = made(name, { stateful: true });
      const run = jit((input: Tensor): Tensor => layer(input));
      const whole = made(name)(x);
      run(steps(0, 3));
      await near(run(steps(3, 5)), whole);
      layer.resetState();
      layer(steps(0, 3));
      await near(layer(steps(3, 5)), whole);
      expect(layer.weights).toHaveLength(made(name).weights.length);
      expect(() => layer(floats([3, 5, 4]))).toThrow(/keeps the states of 2 samples/);
    });
  });
}
