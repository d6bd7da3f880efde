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
  Sequential,
  saving,
  type Tensor,
  tensor,
  utils,
  type Variable,
} from "../../../src/index.ts";
import type { MergeMode } from "../../../src/keras/layers/rnn/bidirectional.ts";
import { getMask } from "../../../src/keras/masks.ts";
import { distance, floats } from "../../support/data.ts";
import { folder } from "../saving/files.ts";

const flat = async (x: Tensor): Promise<number[]> => Array.from((await x.data()) as Float32Array);
const near = async (a: Tensor, b: Tensor, most = 1e-6): Promise<void> => {
  expect([...a.shape]).toEqual([...b.shape]);
  expect(distance(await flat(a), await flat(b))).toBeLessThan(most);
};
const x = floats([2, 5, 4], 42);
const mask = tensor([
  [true, true, true, true, true],
  [true, true, false, false, false],
]);

describe("Bidirectional", () => {
  const one = (options: object = {}): layers.LSTM =>
    new layers.LSTM(3, { returnSequences: true, ...options });
  const both = (options: object = {}, inner: object = {}) => {
    const layer = new layers.Bidirectional(one(inner), options);
    layer.build([2, 5, 4]);
    layer.setWeights(layer.weights.map(({ shape }, i) => floats(shape, i + 1)));
    return layer;
  };
  const directions = (layer: layers.Bidirectional): [Tensor, Tensor] => [
    layer.forwardLayer(x),
    ops.flip(layer.backwardLayer(x) as Tensor, { axis: 1 }),
  ];

  test("puts the two directions together in each of the ways", async () => {
    const merges: [MergeMode, (a: Tensor, b: Tensor) => Tensor][] = [
      ["concat", (a, b) => ops.concatenate([a, b], { axis: -1 })],
      ["sum", (a, b) => ops.add(a, b)],
      ["ave", (a, b) => ops.divide(ops.add(a, b), 2)],
      ["mul", (a, b) => ops.multiply(a, b)],
    ];
    for (const [mergeMode, merge] of merges) {
      const layer = both({ mergeMode });
      await near(layer(x), merge(...directions(layer)));
    }
    const separate = both({ mergeMode: null });
    const outputs = separate.invoke([x]) as Tensor[];
    const expected = directions(separate);
    for (const i of [0, 1]) await near(outputs[i] as Tensor, expected[i] as Tensor);
  });

  test("without sequences takes the last output of each direction", async () => {
    const layer = both({}, { returnSequences: false });
    const expected = [layer.forwardLayer(x), layer.backwardLayer(x)] as Tensor[];
    await near(layer(x), ops.concatenate(expected, { axis: -1 }));
  });

  test("returns the states of both, and takes as many", async () => {
    const layer = both({}, { returnState: true });
    const [output, ...states] = layer.invoke([x]) as Tensor[];
    expect([output, ...states].map((t) => (t as Tensor).shape.length)).toEqual([3, 2, 2, 2, 2]);
    const given = [1, 2, 3, 4].map((seed) => floats([2, 3], seed));
    const started = layer.invoke([x, { initialState: given }]) as Tensor[];
    const forward = layer.forwardLayer.invoke([x, { initialState: given.slice(0, 2) }]);
    await near(started[1] as Tensor, (forward as Tensor[])[1] as Tensor);
    const backward = layer.backwardLayer.invoke([x, { initialState: given.slice(2) }]);
    await near(started[4] as Tensor, (backward as Tensor[])[2] as Tensor);
  });

  test("masked steps are zero in both directions", async () => {
    const outputs = both()(x, { mask });
    const hidden = ops.where(ops.expandDims(mask, -1), 0, outputs);
    expect(Math.max(...(await flat(ops.abs(hidden))))).toBe(0);
  });

  test("stateful layers are reset together; others refuse", () => {
    const layer = both({}, { stateful: true });
    layer(x);
    expect(layer.states).toHaveLength(4);
    layer.resetState();
    for (const state of layer.states as Variable[]) {
      expect(state.value.dataSync().every((v) => v === 0)).toBe(true);
    }
    expect(() => both().resetState()).toThrow(/not stateful/);
  });

  test("refuses layers that go the same way or do not fit", () => {
    expect(() => new layers.Bidirectional(one(), { backwardLayer: one() })).toThrow(
      /must go forwards/,
    );
    const last = one({ returnSequences: false, goBackwards: true });
    expect(() => new layers.Bidirectional(one(), { backwardLayer: last })).toThrow(
      /same returnSequences/,
    );
    expect(() => new layers.Bidirectional(one(), { mergeMode: "max" as never })).toThrow(
      /mergeMode/,
    );
  });
});

describe("TimeDistributed", () => {
  test("applies its layer to each step", async () => {
    const layer = new layers.TimeDistributed(new layers.Conv1D(2, 2));
    const images = floats([2, 3, 5, 4], 7);
    const outputs = layer(images);
    expect(outputs.shape).toEqual([2, 3, 4, 2]);
    const second = ops.reshape(ops.slice(images, [0, 1, 0, 0], [2, 1, 5, 4]), [2, 5, 4]);
    await near(
      ops.reshape(ops.slice(outputs, [0, 1, 0, 0], [2, 1, 4, 2]), [2, 4, 2]),
      layer.layer(second) as Tensor,
    );
  });

  test("gives its layer the mask of each step, and refuses one that does not fit", () => {
    const seen: (readonly number[])[] = [];
    class Sees extends layers.Layer {
      override call(inputs: Tensor, options: { mask?: Tensor }): Tensor {
        seen.push((options.mask as Tensor).shape);
        return inputs;
      }
    }
    const layer = new layers.TimeDistributed(new Sees());
    layer(x, { mask });
    expect(seen).toEqual(Array(5).fill([2]));
    expect(() => layer(x, { mask: ops.ones([2, 3], { dtype: "bool" }) })).toThrow(/\[2, 3\]/);
    expect(() => new layers.TimeDistributed(new layers.Dense(1))(ops.ones([2, 3]))).toThrow(
      /at least 3 axes/,
    );
  });
});

/** A cell with states in a tree, and an output that is none of them. */
class Counting extends layers.Layer {
  static override readonly parameters = { units: null, ...layers.Layer.parameters };
  readonly units: number;
  readonly stateSize: unknown;
  declare kernel: Variable;

  constructor(options: { units?: number } = {}) {
    const { units = 2, ...rest } = options;
    super({ ...rest });
    this.units = units;
    this.stateSize = [units, [1]];
  }

  override get callParameters(): readonly string[] {
    return ["inputs", "states"];
  }

  override build(shape: readonly (number | null)[]): void {
    this.kernel = this.addWeight({ name: "kernel", shape: [shape.at(-1) as number, this.units] });
  }

  getInitialState(batch: number): unknown {
    return [ops.zeros([batch, this.units]), [ops.zeros([batch, 1])]];
  }

  override call(inputs: Tensor, [h, [n]]: [Tensor, [Tensor]]): unknown {
    const next = ops.tanh(ops.add(ops.matmul(inputs, this.kernel), h));
    const count = ops.add(n, 1);
    return [ops.multiply(next, count), [next, [count]]];
  }
}

describe("RNN of a cell of one's own", () => {
  test("carries a tree of states, with masks and gradients", async () => {
    const layer = new layers.RNN(new Counting() as never, {
      returnState: true,
      returnSequences: true,
    });
    const [outputs, h, [count]] = layer.invoke([x, { mask }]) as [Tensor, Tensor, [Tensor]];
    expect(outputs.shape).toEqual([2, 5, 2]);
    expect(await flat(count)).toEqual([5, 2]);
    const last = ops.reshape(ops.slice(outputs, [0, 4, 0], [2, 1, 2]), [2, 2]);
    await near(last, ops.multiply(h, count));
    const unrolled = new layers.RNN(layer.cell, { unroll: true });
    const loop = new layers.RNN(layer.cell);
    const loss =
      (of: layers.RNN) =>
      (input: Tensor): Tensor =>
        ops.sum(ops.square(of(input, { mask })));
    await near(jit(grad(loss(loop)))(x), grad(loss(unrolled))(x), 1e-5);
    expect(Math.max(...(await flat(grad(loss(loop))(x))))).toBeGreaterThan(0);
  });

  test("a subclass's own step is the one that runs", async () => {
    class Doubled extends layers.SimpleRNNCell {
      override call(...args: Parameters<layers.SimpleRNNCell["call"]>): [Tensor, Tensor[]] {
        const [output, states] = super.call(...args);
        return [ops.multiply(output, 2), states as Tensor[]];
      }
    }
    const plain = new layers.RNN(new layers.SimpleRNNCell(3, { kernelInitializer: "ones" }));
    plain.build([2, 5, 4]);
    const doubled = new layers.RNN(new Doubled(3));
    doubled.build([2, 5, 4]);
    doubled.setWeights(plain.getWeights());
    await near(doubled(x), ops.multiply(plain(x), 2));
  });

  test("refuses what is no cell", () => {
    expect(() => new layers.RNN(new layers.Dense(2) as never)).toThrow(/stateSize/);
    expect(() => new layers.StackedRNNCells([])).toThrow(/list of cells/);
  });
});

describe("dropout of recurrent layers", () => {
  test("one mask serves all steps of a sequence, and each call draws anew", async () => {
    const layer = new layers.RNN(
      new layers.SimpleRNNCell(4, {
        activation: "linear",
        kernelInitializer: "identity",
        recurrentInitializer: "zeros",
        dropout: 0.5,
        seed: 3,
      }),
      { returnSequences: true },
    );
    const ones = ops.ones([2, 5, 4]);
    const first = (await layer(ones, { training: true }).array()) as number[][][];
    for (const sample of first) for (const step of sample) expect(step).toEqual(sample[0]);
    expect(new Set(first.flat(2))).toEqual(new Set([0, 2]));
    expect(await layer(ones, { training: true }).array()).not.toEqual(first);
    expect(await layer(ones, { training: false }).array()).toEqual(await ones.array());
  });

  test("compiled, the states of random numbers go on as they do eagerly", async () => {
    const make = (): layers.RNN => {
      utils.setRandomSeed(1);
      return new layers.GRU(3, { dropout: 0.4, recurrentDropout: 0.4, seed: 9 });
    };
    const [eager, compiled] = [make(), make()];
    const run = jit((input: Tensor): Tensor => compiled(input, { training: true }));
    for (let i = 0; i < 3; i++) await near(run(x), eager(x, { training: true }));
  });

  test("a cell on its own keeps its mask until it is reset, and not that of a trace", async () => {
    const cell = new layers.LSTMCell(3, { dropout: 0.5, seed: 2 });
    const input = floats([2, 4], 1);
    const states = cell.getInitialState(2);
    const step = (given: Tensor): Tensor =>
      (cell.invoke([given, states, { training: true }]) as [Tensor])[0];
    jit(step)(input);
    const first = await flat(step(input));
    expect(await flat(step(input))).toEqual(first);
    cell.resetDropoutMask();
    expect(await flat(step(input))).not.toEqual(first);
  });
});

describe("saving", () => {
  test("a model of recurrent layers comes back from a .keras file", async () => {
    const input = Input({ shape: [5], dtype: "int32" });
    const words = new layers.Embedding(7, 4, { maskZero: true })(input);
    const [encoded, h, c] = new layers.LSTM(3, { returnSequences: true, returnState: true }).invoke(
      [words],
    ) as [KerasTensor, KerasTensor, KerasTensor];
    const decoded = new layers.LSTM(3, { returnSequences: true, dropout: 0.2, seed: 1 })(encoded, {
      initialState: [h, c],
    }) as KerasTensor;
    const stacked = new layers.RNN([new layers.GRUCell(4), new layers.SimpleRNNCell(3)], {
      returnSequences: true,
    })(decoded);
    const both = new layers.Bidirectional(new layers.GRU(2, { returnSequences: true }))(stacked);
    const output = new layers.TimeDistributed(new layers.Dense(2))(both);
    const model = new Model(input, output);
    const path = join(folder(), "recurrent.keras");
    await model.save(path);
    const loaded = await saving.loadModel(path);
    const data = tensor(
      [
        [1, 2, 3, 0, 0],
        [6, 5, 4, 3, 2],
      ],
      { dtype: "int32" },
    );
    const expected = (await model.predict(data)) as Tensor;
    await near((await loaded.predict(data)) as Tensor, expected, 1e-7);
    expect(JSON.stringify(loaded.getConfig())).toBe(JSON.stringify(model.getConfig()));
  });

  test("a convolutional one too", async () => {
    const model = new Sequential([
      Input({ shape: [3, 6, 6, 1] }),
      new layers.ConvLSTM2D(2, 3, { returnSequences: true, dropout: 0.1, seed: 1 }),
    ]);
    const path = join(folder(), "images.keras");
    await model.save(path);
    const data = floats([2, 3, 6, 6, 1], 5);
    const loaded = await saving.loadModel(path);
    await near((await loaded.predict(data)) as Tensor, (await model.predict(data)) as Tensor, 1e-7);
  });

  test("masks pass on from layer to layer where there are sequences", () => {
    const words = new layers.Embedding(7, 4, { maskZero: true });
    const sequences = new layers.LSTM(3, { returnSequences: true });
    const data = tensor([[1, 2, 0]], { dtype: "int32" });
    expect(getMask(sequences(words(data)))).not.toBeNull();
    expect(getMask(new layers.LSTM(3)(words(data)))).toBeNull();
  });
});

describe("errors of recurrent layers", () => {
  test("name the layer, what is wrong and what to do", () => {
    const long = new layers.LSTM(2, { unroll: true });
    expect(() => long(Input({ shape: [null, 3] }))).toThrow(/cannot unroll/);
    const stateful = new layers.GRU(2, { stateful: true });
    expect(() => stateful(Input({ shape: [4, 3] }))).toThrow(/fixed batch size/);
    expect(() => new layers.LSTM(2)(x, { mask: ops.ones([2, 4]) })).toThrow(/does not fit 2 seq/);
    expect(() => new layers.LSTM(0)).toThrow(/units/);
    expect(() => new layers.ConvLSTM2D(2, 3)(Input({ shape: [3, null, 6, 1] }))).toThrow(
      /known size/,
    );
    expect(() => new layers.GRU(2, { bogus: 1 } as never)).toThrow(/bogus/);
  });
});
