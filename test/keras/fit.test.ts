/** fit, evaluate and predict: what they take, what they call, what they give. */
import { describe, expect, test, vi } from "vitest";
import {
  callbacks,
  Input,
  layers,
  Model,
  memory,
  ops,
  optimizers,
  Sequential,
  type Tensor,
  tensor,
  utils,
} from "../../src/index.ts";
import { distance, floats, integers, numbers } from "../support/data.ts";
import { stateOf } from "./saving/files.ts";

const quiet = { verbose: 0, shuffle: false } as const;
const rows = 20;

function makeModel(options: Parameters<Model["compile"]>[0] = {}): Sequential {
  utils.setRandomSeed(3);
  const model = new Sequential([
    Input({ shape: [4] }),
    new layers.Dense(6, { activation: "tanh" }),
    new layers.BatchNormalization(),
    new layers.Dropout(0.2),
    new layers.Dense(2),
  ]);
  model.compile({ optimizer: "adam", loss: "mse", metrics: ["mae"], ...options });
  return model;
}

const x = (): Tensor => floats([rows, 4], 1);
const y = (): Tensor => floats([rows, 2], 2);

async function nestedOf(t: Tensor): Promise<number[][]> {
  return (await t.array()) as number[][];
}

describe("data of every kind gives the same training", () => {
  const trained = async (data: (model: Model) => Promise<unknown>): Promise<number[][]> => {
    const model = makeModel();
    await data(model);
    return stateOf(model);
  };
  const options = { ...quiet, batchSize: 8, epochs: 2 };
  const batches = async (): Promise<[Tensor, Tensor][]> => {
    const [a, b] = [await nestedOf(x()), await nestedOf(y())];
    return [0, 8, 16].map((at) => [tensor(a.slice(at, at + 8)), tensor(b.slice(at, at + 8))]);
  };
  const kinds: Record<string, (model: Model) => Promise<unknown>> = {
    "nested arrays": async (m) => m.fit(await nestedOf(x()), await nestedOf(y()), options),
    "arrays of typed arrays": async (m) => m.fit(x(), (await nestedOf(y())) as never, options),
    "float64 tensors": (m) => m.fit(ops.cast(x(), "float64"), ops.cast(y(), "float64"), options),
    "an object by input name": (m) =>
      m.fit({ [(m.inputs[0] as { name: string }).name]: x() }, y(), options),
    "an iterable of batches": async (m) => {
      const all = await batches();
      await m.fit({ [Symbol.iterator]: () => all.values() }, undefined, { ...quiet, epochs: 2 });
    },
    "an async iterable of batches": async (m) => {
      const all = await batches();
      const data = {
        async *[Symbol.asyncIterator]() {
          yield* all;
        },
      };
      await m.fit(data, undefined, { ...quiet, epochs: 2 });
    },
    "an endless generator, by steps": async (m) => {
      const all = await batches();
      async function* forever(): AsyncGenerator<[Tensor, Tensor]> {
        for (;;) yield* all;
      }
      await m.fit(forever(), undefined, { ...quiet, epochs: 2, stepsPerEpoch: 3 });
    },
    "a dataset by index": async (m) => {
      const all = await batches();
      const data = { length: 3, getItem: async (i: number) => all[i] };
      await m.fit(data, undefined, { ...quiet, epochs: 2 });
    },
    "weights of one": (m) =>
      m.fit(x(), y(), { ...options, sampleWeight: new Float32Array(rows).fill(1) }),
    "batches one by one": async (m) => {
      for (let epoch = 0; epoch < 2; epoch++) {
        m.resetMetrics();
        for (const [a, b] of await batches()) await m.trainOnBatch(a, b);
      }
    },
    eagerly: (m) => {
      m.runEagerly = true;
      return m.fit(x(), y(), options);
    },
    "three steps at a time": (m) => {
      m.compile({ optimizer: "adam", loss: "mse", stepsPerExecution: 3 });
      return m.fit(x(), y(), options);
    },
  };
  for (const [kind, data] of Object.entries(kinds)) {
    test(kind, async () => {
      const expected = await trained((m) => m.fit(x(), y(), options));
      const found = await trained(data);
      expect(found.length).toBe(expected.length);
      for (const [i, values] of found.entries()) {
        expect(distance(values, expected[i] as number[])).toBeLessThan(1e-6);
      }
    });
  }
});

describe("fit", () => {
  test("gives a history of numbers", async () => {
    const { history, epoch } = await makeModel().fit(x(), y(), {
      ...quiet,
      epochs: 3,
      initialEpoch: 1,
      validationData: [x(), y()],
      validationFreq: 2,
    });
    expect(epoch).toEqual([1, 2]);
    expect(Object.keys(history)).toEqual(["loss", "mae", "val_loss", "val_mae"]);
    expect(history["loss"]).toHaveLength(2);
    expect(history["val_loss"]).toHaveLength(1);
    for (const values of Object.values(history)) {
      for (const value of values) expect(typeof value).toBe("number");
    }
  });

  test("validates with the end of the data, which it does not train on", async () => {
    const split = makeModel();
    const a = await split.fit(x(), y(), { ...quiet, validationSplit: 0.25 });
    const whole = makeModel();
    const [xs, ys] = [await nestedOf(x()), await nestedOf(y())];
    const b = await whole.fit(xs.slice(0, 15), ys.slice(0, 15), {
      ...quiet,
      validationData: [xs.slice(15), ys.slice(15)],
    });
    expect(a.history).toEqual(b.history);
  });

  test("the loss of an epoch is the mean over samples, also with a smaller last batch", async () => {
    const model = new Sequential([Input({ shape: [4] }), new layers.Dense(2)]);
    model.compile({ optimizer: new optimizers.SGD({ learningRate: 0 }), loss: "mse" });
    const { history } = await model.fit(x(), y(), { ...quiet, batchSize: 8 });
    const whole = (await model.evaluate(x(), y(), { verbose: 0, batchSize: rows })) as number;
    expect(history["loss"]?.[0]).toBeCloseTo(whole, 6);
  });

  test("weights of samples and of classes weigh", async () => {
    const make = (): Sequential => {
      utils.setRandomSeed(1);
      const model = new Sequential([
        Input({ shape: [4] }),
        new layers.Dense(3, { activation: "softmax" }),
      ]);
      model.compile({ optimizer: "sgd", loss: "sparse_categorical_crossentropy" });
      return model;
    };
    const labels = integers([rows], 3, 5);
    const values = Array.from((await labels.data()) as Int32Array);
    const byClass = make();
    await byClass.fit(x(), labels, { ...quiet, classWeight: { 0: 1, 1: 2, 2: 0 } });
    const bySample = make();
    const sampleWeight = values.map((label) => [1, 2, 0][label] as number);
    await bySample.fit(x(), labels, { ...quiet, sampleWeight });
    expect(await stateOf(byClass)).toEqual(await stateOf(bySample));
    const plain = make();
    await plain.fit(x(), labels, quiet);
    expect(await stateOf(plain)).not.toEqual(await stateOf(bySample));
  });

  test("shuffles: every sample once an epoch, in another order", async () => {
    const seen: number[][] = [];
    class Spy extends Model {
      override trainStep(data: Parameters<Model["trainStep"]>[0]): ReturnType<Model["trainStep"]> {
        seen.push(Array.from((data[0] as Tensor).dataSync() as Float32Array));
        return super.trainStep(data);
      }
    }
    const input = Input({ shape: [1] });
    const model = new Spy(input, new layers.Dense(1)(input));
    model.compile({ optimizer: "sgd", loss: "mse", runEagerly: true });
    const data = Float32Array.from({ length: 10 }, (_, i) => i);
    const given = tensor(data, { shape: [10, 1] });
    await model.fit(given, given, { verbose: 0, batchSize: 4, epochs: 2 });
    const epochs = [seen.slice(0, 3).flat(), seen.slice(3).flat()];
    for (const order of epochs) expect([...order].sort((a, b) => a - b)).toEqual([...data]);
    expect(epochs[0]).not.toEqual(epochs[1]);
    seen.length = 0;
    await model.fit(given, given, { verbose: 0, batchSize: 4, epochs: 3, shuffle: "batch" });
    const batch = (n: number): number[] => [...data].slice(n * 4, n * 4 + 4);
    for (const [i, values] of seen.entries()) {
      expect([...values].sort((a, b) => a - b)).toEqual(batch(i % 3));
    }
    expect(seen).not.toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2].map(batch));
  });

  test("the same seed gives the same training", async () => {
    const run = async (seed: number): Promise<number[][]> => {
      utils.clearSession();
      utils.setRandomSeed(seed);
      const model = new Sequential([
        Input({ shape: [4] }),
        new layers.Dense(6),
        new layers.Dropout(0.5),
        new layers.Dense(2),
      ]);
      model.compile({ optimizer: "adam", loss: "mse" });
      await model.fit(x(), y(), { verbose: 0, batchSize: 6, epochs: 2 });
      return stateOf(model);
    };
    const first = await run(5);
    expect(await run(5)).toEqual(first);
    expect(await run(6)).not.toEqual(first);
  });

  test("BatchNormalization: statistics move in fit, and only there", async () => {
    const layer = new layers.BatchNormalization({ momentum: 0.5 });
    const model = new Sequential([Input({ shape: [1] }), layer]);
    model.compile({ optimizer: new optimizers.SGD({ learningRate: 0 }), loss: "mse" });
    const data = [[1], [3]];
    const mean = async (): Promise<number> => Number((await layer.movingMean.data())[0]);
    await model.fit(data, data, quiet);
    expect(await mean()).toBeCloseTo(1, 6);
    await model.fit(data, data, quiet);
    expect(await mean()).toBeCloseTo(1.5, 6);
    await model.evaluate(data, data, { verbose: 0 });
    await model.predict(data, { verbose: 0 });
    expect(await mean()).toBeCloseTo(1.5, 6);
    layer.trainable = false;
    await model.fit(data, data, quiet);
    expect(await mean()).toBeCloseTo(1.5, 6);
  });
});

describe("traces", () => {
  /** How often a step is traced: its own code runs only then. */
  function counting(): { model: Model; traces: () => number } {
    let traces = 0;
    class Counting extends Model {
      override trainStep(data: Parameters<Model["trainStep"]>[0]): ReturnType<Model["trainStep"]> {
        traces++;
        return super.trainStep(data);
      }
    }
    const input = Input({ shape: [4] });
    const hidden = new layers.Dense(3, { name: "hidden" });
    const model = new Counting(input, new layers.Dense(2)(hidden(input)));
    model.compile({ optimizer: "sgd", loss: "mse" });
    return { model, traces: () => traces };
  }

  test("one for each shape of batches", async () => {
    const { model, traces } = counting();
    await model.fit(x(), y(), { ...quiet, batchSize: 8, epochs: 5 });
    expect(traces()).toBe(2);
    await model.fit(x(), y(), { ...quiet, batchSize: 8, validationData: [x(), y()] });
    expect(traces()).toBe(2);
  });

  test("none for another learning rate", async () => {
    const { model, traces } = counting();
    const optimizer = model.optimizer as NonNullable<typeof model.optimizer>;
    await model.fit(x(), y(), { ...quiet, batchSize: rows });
    const before = await stateOf(model);
    optimizer.learningRate = 0;
    await model.fit(x(), y(), { ...quiet, batchSize: rows });
    const weights = model.weights.length;
    expect((await stateOf(model)).slice(0, weights)).toEqual(before.slice(0, weights));
    optimizer.learningRate = 0.5;
    await model.fit(x(), y(), { ...quiet, batchSize: rows });
    expect((await stateOf(model))[0]).not.toEqual(before[0]);
    expect(traces()).toBe(1);
  });

  test("again when layers are frozen", async () => {
    const { model, traces } = counting();
    await model.fit(x(), y(), { ...quiet, batchSize: rows });
    const layer = model.getLayer("hidden");
    layer.trainable = false;
    const before = await layer.getWeights()[0]?.array();
    await model.fit(x(), y(), { ...quiet, batchSize: rows });
    expect(traces()).toBe(2);
    expect(await layer.getWeights()[0]?.array()).toEqual(before);
  });
});

describe("evaluate and predict", () => {
  test("evaluate gives values in order, by name, or one number", async () => {
    const model = makeModel();
    const [loss, mae] = (await model.evaluate(x(), y(), { verbose: 0 })) as number[];
    const named = await model.evaluate(x(), y(), { verbose: 0, returnDict: true });
    expect(named).toEqual({ loss, mae });
    model.compile({ loss: "mse" });
    expect(await model.evaluate(x(), y(), { verbose: 0 })).toBeCloseTo(loss as number, 6);
  });

  test("evaluate: the mean over samples, weighted, whatever the batches", async () => {
    const model = makeModel();
    const sampleWeight = numbers(rows, 9).map(Math.abs);
    const whole = await model.evaluate(x(), y(), { verbose: 0, batchSize: rows });
    const parts = await model.evaluate(x(), y(), { verbose: 0, batchSize: 7 });
    expect(distance(parts as number[], whole as number[])).toBeLessThan(1e-5);
    const weighted = await model.evaluate(x(), y(), { verbose: 0, batchSize: rows, sampleWeight });
    expect(weighted).not.toEqual(whole);
  });

  test("predict joins batches, in trees", async () => {
    const input = Input({ shape: [4] });
    const outputs = { a: new layers.Dense(2)(input), b: new layers.Dense(3)(input) };
    const model = new Model(input, outputs);
    const { a, b } = await model.predict<{ a: Tensor; b: Tensor }>(x(), {
      verbose: 0,
      batchSize: 6,
    });
    expect([a.shape, b.shape]).toEqual([
      [rows, 2],
      [rows, 3],
    ]);
    const direct = model<{ a: Tensor; b: Tensor }>(x());
    expect(
      distance((await a.data()) as Float32Array, (await direct.a.data()) as Float32Array),
    ).toBeLessThan(1e-6);
  });

  test("predictOnBatch and testOnBatch", async () => {
    const model = makeModel();
    const all = await model.predict(x(), { verbose: 0 });
    expect(await (await model.predictOnBatch(x())).array()).toEqual(await all.array());
    const [loss] = (await model.testOnBatch(x(), y())) as number[];
    const [expected] = (await model.evaluate(x(), y(), { verbose: 0 })) as number[];
    expect(loss).toBeCloseTo(expected as number, 6);
  });
});

describe("callbacks", () => {
  /** Notes each hook that is called. */
  class Log extends callbacks.Callback {
    readonly calls: string[] = [];
    readonly logs: Record<string, unknown>[] = [];
    #note(name: string, logs?: Record<string, number>): void {
      this.calls.push(name);
      if (logs !== undefined) this.logs.push(logs);
    }
    override onTrainBegin(): void {
      this.#note("train begin");
    }
    override onTrainEnd(logs?: Record<string, number>): void {
      this.#note("train end", logs);
    }
    override onEpochBegin(epoch: number): void {
      this.#note(`epoch ${epoch} begin`);
    }
    override onEpochEnd(epoch: number, logs?: Record<string, number>): void {
      this.#note(`epoch ${epoch} end`, logs);
    }
    override onTrainBatchBegin(batch: number): void {
      this.#note(`batch ${batch} begin`);
    }
    override async onTrainBatchEnd(batch: number, logs?: Record<string, number>): Promise<void> {
      await new Promise((resolve) => setTimeout(resolve, 1));
      this.#note(`batch ${batch} end`, logs);
    }
    override onTestBegin(): void {
      this.#note("test begin");
    }
    override onTestEnd(logs?: Record<string, number>): void {
      this.#note("test end", logs);
    }
    override onTestBatchEnd(batch: number, logs?: Record<string, number>): void {
      this.#note(`test batch ${batch} end`, logs);
    }
    override onPredictBegin(): void {
      this.#note("predict begin");
    }
    override onPredictBatchEnd(batch: number): void {
      this.#note(`predict batch ${batch} end`);
    }
    override onPredictEnd(): void {
      this.#note("predict end");
    }
  }

  test("are called in Keras's order, awaited, with numbers", async () => {
    const log = new Log();
    const model = makeModel();
    await model.fit(x(), y(), {
      ...quiet,
      batchSize: 10,
      epochs: 2,
      validationData: [x(), y()],
      callbacks: [log],
    });
    const epoch = (n: number): string[] => [
      `epoch ${n} begin`,
      "batch 0 begin",
      "batch 0 end",
      "batch 1 begin",
      "batch 1 end",
      "test begin",
      "test batch 0 end",
      "test batch 1 end",
      "test end",
      `epoch ${n} end`,
    ];
    expect(log.calls).toEqual(["train begin", ...epoch(0), ...epoch(1), "train end"]);
    for (const logs of log.logs) {
      expect(Object.keys(logs).length).toBeGreaterThan(0);
      for (const value of Object.values(logs)) expect(typeof value).toBe("number");
    }
    expect(Object.keys(log.logs.at(-1) as object)).toContain("val_loss");
    expect(log.params).toMatchObject({ epochs: 2, steps: 2, verbose: 0 });
  });

  test("are called by evaluate and predict", async () => {
    const log = new Log();
    const model = makeModel();
    await model.evaluate(x(), y(), { verbose: 0, callbacks: [log], batchSize: rows });
    await model.predict(x(), { verbose: 0, callbacks: [log], batchSize: rows });
    expect(log.calls).toEqual([
      ...["test begin", "test batch 0 end", "test end"],
      ...["predict begin", "predict batch 0 end", "predict end"],
    ]);
  });

  test("that are asyncSafe come late, in order, each once", async () => {
    const seen: number[] = [];
    class Late extends callbacks.Callback {
      override get asyncSafe(): boolean {
        return true;
      }
      override onTrainBatchEnd(batch: number, logs: Record<string, number> = {}): void {
        expect(typeof logs["loss"]).toBe("number");
        seen.push(batch);
      }
    }
    const options = { ...quiet, batchSize: 2, epochs: 2, callbacks: [new Late()] };
    await makeModel().fit(x(), y(), options);
    expect(seen).toEqual([...Array(10).keys(), ...Array(10).keys()]);
  });

  test("EarlyStopping stops, and brings the best weights back", async () => {
    const model = makeModel({ optimizer: new optimizers.SGD({ learningRate: 5 }) });
    let best: unknown;
    const keep = new callbacks.LambdaCallback({
      onEpochEnd: async (epoch) => {
        if (epoch === stop.bestEpoch) best = await model.getWeights()[0]?.array();
      },
    });
    const stop = new callbacks.EarlyStopping({
      monitor: "loss",
      patience: 2,
      restoreBestWeights: true,
    });
    const { epoch } = await model.fit(x(), y(), {
      ...quiet,
      epochs: 50,
      callbacks: [stop, keep],
    });
    expect(epoch.length).toBe(stop.bestEpoch + 3);
    expect(await model.getWeights()[0]?.array()).toEqual(best);
  });

  test("History gathers; ProgbarLogger draws Keras's bar", async () => {
    const written: string[] = [];
    const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
    const model = makeModel();
    const { history } = await model
      .fit(x(), y(), { verbose: 1, shuffle: false, epochs: 2, batchSize: 10 })
      .finally(() => write.mockRestore());
    const text = written.join("");
    expect(text).toMatch(/Epoch 1\/2\n/);
    expect(text).toMatch(/2\/2 ━{20} 0s \d+[mu]?s\/step - loss: \d+\.\d{4} - mae: \d+\.\d{4}\n/);
    expect(text).toContain(`loss: ${history["loss"]?.[1]?.toFixed(4)}`);
  });

  test("verbose 2 writes a line for each epoch", async () => {
    const written: string[] = [];
    const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
    await makeModel()
      .fit(x(), y(), { verbose: 2, batchSize: 10 })
      .finally(() => write.mockRestore());
    expect(written.join("")).toMatch(/^2\/2 - 0s - \d+[mu]?s\/step - loss: /);
  });

  test("stopTraining ends after the batch", async () => {
    let batches = 0;
    const model = makeModel();
    const stop = new callbacks.LambdaCallback({
      onTrainBatchEnd: () => {
        model.stopTraining = ++batches === 3;
      },
    });
    await model.fit(x(), y(), { ...quiet, batchSize: 2, epochs: 4, callbacks: [stop] });
    expect(batches).toBe(3);
    expect(await model.optimizer?.iterations.item()).toBe(3);
  });
});

test("a fit that nobody waits for yet does not see later changes of its data", async () => {
  const make = (): Model => makeModel();
  const data = numbers(rows * 4, 1);
  const nested = Array.from({ length: rows }, (_, i) => data.subarray(i * 4, i * 4 + 4));
  const expected = make();
  await expected.fit(x(), y(), quiet);
  const model = make();
  const labels = (await y().data()) as Float32Array;
  const given = tensor(data, { shape: [rows, 4] });
  const training = model.fit(given, tensor(labels, { shape: [rows, 2] }), quiet);
  data.fill(0);
  labels.fill(0);
  await training;
  expect(nested[0]?.[0]).toBe(0);
  expect(await stateOf(model)).toEqual(await stateOf(expected));
  expect(memory().storages).toBeGreaterThan(0);
});
