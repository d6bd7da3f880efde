/** Recurrent layers whose sequence is one op, against the same cells step by step. */
import { describe, expect, test } from "vitest";
import { grad, jit, layers, ops, type Tensor, tensor, valueAndGrad } from "../../../src/index.ts";
import type { RecurrentCell } from "../../../src/keras/layers/rnn/recurrent-cell.ts";
import { distance, floats } from "../../support/data.ts";

// A subclass's own steps are what a layer goes by.
class SteppingLSTMCell extends layers.LSTMCell {
  override stepper(...args: Parameters<layers.LSTMCell["stepper"]>) {
    return super.stepper(...args);
  }
}
class SteppingGRUCell extends layers.GRUCell {
  override stepper(...args: Parameters<layers.GRUCell["stepper"]>) {
    return super.stepper(...args);
  }
}
class SteppingSimpleRNNCell extends layers.SimpleRNNCell {
  override stepper(...args: Parameters<layers.SimpleRNNCell["stepper"]>) {
    return super.stepper(...args);
  }
}

type Make = (options: object) => RecurrentCell;

/** A cell whose sequences are one op, and one that computes the same in steps. */
const pairs: Readonly<Record<string, readonly [fused: Make, stepping: Make]>> = {
  LSTM: [(o) => new layers.LSTMCell(3, o), (o) => new SteppingLSTMCell(3, o)],
  GRU: [(o) => new layers.GRUCell(3, o), (o) => new SteppingGRUCell(3, o)],
  "GRU, reset before": [
    (o) => new layers.GRUCell(3, { ...o, resetAfter: false }),
    (o) => new SteppingGRUCell(3, { ...o, resetAfter: false }),
  ],
  SimpleRNN: [(o) => new layers.SimpleRNNCell(3, o), (o) => new SteppingSimpleRNNCell(3, o)],
  "SimpleRNN, relu": [
    (o) => new layers.SimpleRNNCell(3, { ...o, activation: "relu" }),
    (o) => new SteppingSimpleRNNCell(3, { ...o, activation: "relu" }),
  ],
};

interface Given {
  readonly cell?: object;
  readonly layer?: object;
  readonly mask?: Tensor;
  readonly hasState?: boolean;
  readonly training?: boolean;
  /** Of outputs and gradients, which the steps of half types round each for itself. */
  readonly most?: number;
}

const x = floats([4, 5, 6], 42);
const mask = tensor([
  [true, true, true, true, true],
  [true, true, false, false, false],
  [false, false, true, false, true],
  [false, false, false, false, false],
]);

const cases: Readonly<Record<string, Given>> = {
  "the last output": {},
  "all outputs": { layer: { returnSequences: true, returnState: true } },
  backwards: { layer: { returnSequences: true, goBackwards: true } },
  unrolled: { layer: { returnSequences: true, unroll: true } },
  "no bias": { cell: { useBias: false } },
  "from given states": { hasState: true },
  masked: { mask },
  "masked, all outputs": { mask, layer: { returnSequences: true, returnState: true } },
  "masked, backwards": { mask, layer: { returnSequences: true, goBackwards: true } },
  "masked, from given states": { mask, hasState: true },
  "masked, all outputs from given states": {
    mask,
    hasState: true,
    layer: { returnSequences: true, returnState: true },
  },
  "masked with zeros": { mask, layer: { zeroOutputForMask: true } },
  "masked with zeros, all outputs": {
    mask,
    layer: { zeroOutputForMask: true, returnSequences: true },
  },
  "masked with zeros, backwards": {
    mask,
    layer: { zeroOutputForMask: true, returnSequences: true, goBackwards: true },
  },
  "inputs dropped": { cell: { dropout: 0.4 }, training: true },
  "dropout at rest": { cell: { dropout: 0.4, recurrentDropout: 0.3 } },
  float64: { cell: { dtype: "float64" }, layer: { dtype: "float64" } },
  mixed_bfloat16: {
    cell: { dtype: "mixed_bfloat16" },
    layer: { dtype: "mixed_bfloat16", returnSequences: true },
    most: 0.1,
  },
  mixed_float16: {
    cell: { dtype: "mixed_float16" },
    layer: { dtype: "mixed_float16", returnSequences: true },
    most: 0.01,
  },
};

interface Run {
  readonly layer: layers.RNN;
  readonly loss: (input: Tensor) => Tensor;
  readonly outputs: (input: Tensor) => Tensor[];
}

function runOf(make: Make, { cell, layer: rules, mask: seen, hasState, training }: Given): Run {
  const layer = new layers.RNN(make({ ...cell, seed: 3 }), rules);
  layer.build([4, 5, 6]);
  layer.setWeights(layer.weights.map(({ shape }, i) => floats(shape, i + 1)));
  const options = {
    ...(seen === undefined ? {} : { mask: seen }),
    ...(training === undefined ? {} : { training }),
    ...(hasState === true
      ? { initialState: layer.stateSize.map((_, i) => floats([4, 3], i + 7)) }
      : {}),
  };
  const outputs = (input: Tensor): Tensor[] => [layer.invoke([input, options])].flat(2) as Tensor[];
  const loss = (input: Tensor): Tensor =>
    outputs(input)
      .map((y, i) => ops.sum(ops.multiply(ops.cast(y, "float32"), floats(y.shape, i + 20))))
      .reduce((a, b) => ops.add(a, b));
  return { layer, loss, outputs };
}

async function expectNear(a: Tensor, b: Tensor, most: number): Promise<void> {
  expect([a.dtype, [...a.shape]]).toEqual([b.dtype, [...b.shape]]);
  const [left, right] = await Promise.all(
    [a, b].map((x) => ops.cast(x, "float64").data() as Promise<Float64Array>),
  );
  expect(distance(left as Float64Array, right as Float64Array)).toBeLessThan(most);
}

/** Whether a call is one op. */
const isFused = ({ outputs }: Run): boolean => /_sequence /.test(jit(outputs).explain(x));

for (const [name, [fusedCell, steppingCell]] of Object.entries(pairs)) {
  describe(name, () => {
    for (const [what, given] of Object.entries(cases)) {
      test(what, async () => {
        const { most = 1e-5 } = given;
        const make = (): Run => runOf(fusedCell, given);
        const steps = (): Run => runOf(steppingCell, given);
        expect(isFused(make())).toBe(true);
        expect(isFused(steps())).toBe(false);
        const expected = steps().outputs(x);
        for (const [i, y] of make().outputs(x).entries()) {
          await expectNear(y, expected[i] as Tensor, most);
        }
        const { layer, loss } = make();
        const other = steps();
        const gradients = valueAndGrad(loss, { variables: layer.weights })(x)[1];
        const wanted = valueAndGrad(other.loss, { variables: other.layer.weights })(x)[1];
        for (const [i, gradient] of gradients.entries()) {
          await expectNear(gradient as Tensor, wanted[i] as Tensor, 4 * most);
        }
        await expectNear(grad(make().loss)(x), grad(steps().loss)(x), 4 * most);
      });

      test(`${what}, compiled as eagerly`, async () => {
        const eager = grad(runOf(fusedCell, given).loss)(x);
        const compiled = jit(grad(runOf(fusedCell, given).loss))(x);
        expect(await compiled.array()).toEqual(await eager.array());
      });
    }

    test("stateful: goes on where it ended", async () => {
      const [a, b] = [fusedCell, steppingCell].map((make) => {
        const { layer } = runOf(make, { layer: { stateful: true } });
        layer(x);
        return layer(x);
      });
      await expectNear(a as Tensor, b as Tensor, 1e-5);
    });
  });
}

describe("one op where it does the same", () => {
  const isOne = (layer: layers.Layer, options: object = {}): boolean => {
    layer(x);
    return /_sequence /.test(jit((input: Tensor) => layer(input, options)).explain(x));
  };
  test("in the layers of one cell, and both ways", () => {
    expect(isOne(new layers.LSTM(3))).toBe(true);
    expect(isOne(new layers.GRU(3, { resetAfter: false }))).toBe(true);
    expect(isOne(new layers.SimpleRNN(3))).toBe(true);
    expect(isOne(new layers.Bidirectional(new layers.LSTM(3)))).toBe(true);
  });
  test("not with other activations", () => {
    expect(isOne(new layers.LSTM(3, { activation: "relu" }))).toBe(false);
    expect(isOne(new layers.GRU(3, { recurrentActivation: "hard_sigmoid" }))).toBe(false);
    expect(isOne(new layers.SimpleRNN(3, { activation: null }))).toBe(false);
  });
  test("not where states or gates have dropout masks of their own", () => {
    const training = { training: true };
    expect(isOne(new layers.LSTM(3, { recurrentDropout: 0.2 }), training)).toBe(false);
    expect(isOne(new layers.LSTM(3, { recurrentDropout: 0.2 }))).toBe(true);
    expect(isOne(new layers.GRU(3, { dropout: 0.2, implementation: 1 }), training)).toBe(false);
    expect(isOne(new layers.GRU(3, { dropout: 0.2 }), training)).toBe(true);
  });
});
