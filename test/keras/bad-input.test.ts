/** Data, labels and options that are wrong: typed errors, and a model that is as it was. */
import { describe, expect, test, vi } from "vitest";
import {
  ArgumentError,
  callbacks,
  Input,
  type KeratinError,
  layers,
  type Model,
  memory,
  ops,
  Sequential,
  ShapeError,
  StateError,
  tensor,
} from "../../src/index.ts";
import { floats, numbers } from "../support/data.ts";
import { failure } from "../support/failing.ts";
import { settledMemory } from "../support/memory.ts";
import { stateOf } from "./saving/files.ts";

const quiet = { verbose: 0 } as const;

function makeModel(): Sequential {
  const model = new Sequential([
    Input({ shape: [4] }),
    new layers.Dense(3, { activation: "relu" }),
    new layers.BatchNormalization(),
    new layers.Dense(2),
  ]);
  model.compile({ optimizer: "adam", loss: "mse" });
  return model;
}

/** A trained model, so that the optimizer has state to lose. */
async function trained(): Promise<Model> {
  const model = makeModel();
  await model.fit(floats([8, 4], 1), floats([8, 2], 2), quiet);
  return model;
}

type Case = readonly [
  what: string,
  error: abstract new (...args: never[]) => KeratinError,
  message: RegExp,
  run: (model: Model) => unknown,
];

const x = (): ReturnType<typeof floats> => floats([8, 4], 1);
const y = (): ReturnType<typeof floats> => floats([8, 2], 2);

const cases: readonly Case[] = [
  ["x of another width", ShapeError, /\[8, 5\].*|5/, (m) => m.fit(floats([8, 5]), y(), quiet)],
  ["x of another rank", ShapeError, /\[8, 4, 4\]/, (m) => m.fit(floats([8, 4, 4]), y(), quiet)],
  ["a scalar x", ShapeError, /axis for the samples/, (m) => m.fit(tensor(1), y(), quiet)],
  [
    "x and y of different lengths",
    ShapeError,
    /same number of samples.*\[8, 4\].*\[7, 2\]/,
    (m) => m.fit(x(), floats([7, 2]), quiet),
  ],
  ["labels of another width", ShapeError, /\[8, 3\]/, (m) => m.fit(x(), floats([8, 3]), quiet)],
  ["too many labels", ShapeError, /structure/, (m) => m.fit(x(), [y(), y()], quiet)],
  ["too many inputs", ShapeError, /1 inputs, got 2/, (m) => m.fit([x(), x()], y(), quiet)],
  [
    "weights of another length",
    ShapeError,
    /same number of samples/,
    (m) => m.fit(x(), y(), { ...quiet, sampleWeight: [1, 2, 3] }),
  ],
  ["no data", ShapeError, /There is no data/, (m) => m.predict([], quiet)],
  ["strings", ArgumentError, /x: expected.*"a"/, (m) => m.fit("a", y(), quiet)],
  ["strings in arrays", ArgumentError, /expected/, (m) => m.fit([["a"]], y(), quiet)],
  ["ragged arrays", ShapeError, /\[/, (m) => m.fit([[1, 2, 3, 4], [1]], [[1], [2]], quiet)],
  ["a batch size of 0", ArgumentError, /batchSize/, (m) => m.fit(x(), y(), { batchSize: 0 })],
  ["half a batch", ArgumentError, /batchSize/, (m) => m.fit(x(), y(), { batchSize: 2.5 })],
  ["negative epochs", ArgumentError, /epochs/, (m) => m.fit(x(), y(), { ...quiet, epochs: -1 })],
  ["epochs of NaN", ArgumentError, /epochs/, (m) => m.fit(x(), y(), { ...quiet, epochs: NaN })],
  [
    "half a step",
    ArgumentError,
    /stepsPerEpoch/,
    (m) => m.fit(x(), y(), { ...quiet, stepsPerEpoch: 0.5 }),
  ],
  ["no steps", ArgumentError, /steps/, (m) => m.evaluate(x(), y(), { ...quiet, steps: 0 })],
  [
    "a validation split that leaves nothing",
    ArgumentError,
    /validationSplit of 1/,
    (m) => m.fit(x(), y(), { ...quiet, validationSplit: 1 }),
  ],
  [
    "a negative validation split",
    ArgumentError,
    /validationSplit/,
    (m) => m.fit(x(), y(), { ...quiet, validationSplit: -0.5 }),
  ],
  [
    "a validation split of an iterable",
    ArgumentError,
    /validationSplit|x: expected/,
    (m) => m.fit((async function* () {})(), undefined, { ...quiet, validationSplit: 0.5 }),
  ],
  [
    "validation data of another shape",
    ShapeError,
    /5/,
    (m) => m.evaluate(floats([8, 5]), y(), quiet),
  ],
  [
    "labels beside an iterable",
    ArgumentError,
    /comes with its batches/,
    (m) => m.fit([[x(), y()]][Symbol.iterator](), y(), quiet),
  ],
  [
    "class weights and sample weights",
    ArgumentError,
    /do not go together/,
    (m) => m.fit(x(), y(), { ...quiet, classWeight: { 0: 1 }, sampleWeight: numbers(8) }),
  ],
  [
    "an unknown optimizer",
    ArgumentError,
    /"adm"/,
    (m) => m.compile({ optimizer: "adm", loss: "mse" }),
  ],
  [
    "an unknown loss",
    ArgumentError,
    /"mze"/,
    async (m) => {
      m.compile({ loss: "mze" });
      await m.fit(x(), y(), quiet);
    },
  ],
  [
    "no steps at a time",
    ArgumentError,
    /stepsPerExecution/,
    (m) => m.compile({ stepsPerExecution: 0 }),
  ],
];

describe("refused, with everything as it was", () => {
  for (const [what, Class, message, run] of cases) {
    test(what, async () => {
      const model = await trained();
      const before = await stateOf(model);
      const error = await failure(Class, () => run(model));
      expect(error.message).toMatch(message);
      if (!what.startsWith("an unknown") && !what.startsWith("no steps")) {
        expect(await stateOf(model)).toEqual(before);
        // And it can go on.
        await model.fit(x(), y(), quiet);
      }
    });
  }

  test("a model that has not been compiled, or has no loss", async () => {
    const model = new Sequential([Input({ shape: [4] }), new layers.Dense(2)]);
    expect((await failure(StateError, () => model.fit(x(), y()))).message).toMatch(/compile/);
    expect((await failure(StateError, () => model.evaluate(x(), y()))).message).toMatch(/compile/);
    model.compile({ optimizer: "sgd" });
    expect((await failure(StateError, () => model.fit(x(), y(), quiet))).message).toMatch(/loss/);
  });

  test("an error names the layer, and the shapes that the user passed", async () => {
    const model = makeModel();
    const error = await failure(ShapeError, () => model(ops.ones([8, 5])));
    expect(error.layer).toBeDefined();
    expect(error.shapes?.[0]).toEqual([8, 5]);
  });
});

describe("data that ends badly", () => {
  const broken = new Error("the disk is gone");

  test("an iterable that throws midway: its own error; steps before it count", async () => {
    const model = await trained();
    const iterations = Number(
      await (model.optimizer as NonNullable<typeof model.optimizer>).iterations.item(),
    );
    let closed = 0;
    async function* data(): AsyncGenerator<unknown> {
      try {
        yield [x(), y()];
        yield [x(), y()];
        throw broken;
      } finally {
        closed++;
      }
    }
    await expect(model.fit(data(), undefined, quiet)).rejects.toBe(broken);
    expect(closed).toBe(1);
    expect(await model.optimizer?.iterations.item()).toBe(iterations + 2);
    await model.fit(x(), y(), quiet);
  });

  test("an iterable that is not used up is closed", async () => {
    const model = await trained();
    let closed = 0;
    async function* data(): AsyncGenerator<unknown> {
      try {
        for (;;) yield [x(), y()];
      } finally {
        closed++;
      }
    }
    await model.fit(data(), undefined, { ...quiet, stepsPerEpoch: 2 });
    await model.evaluate(data(), undefined, { ...quiet, steps: 2 });
    await model.predict(data(), { ...quiet, steps: 2 });
    const stop = new callbacks.LambdaCallback({
      onTrainBatchEnd: () => {
        model.stopTraining = true;
      },
    });
    await model.fit(data(), undefined, { ...quiet, callbacks: [stop] });
    expect(closed).toBe(4);
  });

  test("a batch of another shape midway", async () => {
    const model = await trained();
    const data = [
      [x(), y()],
      [floats([8, 5]), y()],
    ];
    await failure(ShapeError, () => model.fit(data.values(), undefined, quiet));
    await model.fit(x(), y(), quiet);
  });

  test("data that runs out says so, and ends", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const model = await trained();
    const data = [[x(), y()]];
    await model.fit(data.values(), undefined, { ...quiet, stepsPerEpoch: 5 });
    expect(warn.mock.calls.flat().join()).toMatch(/ran out after 1 of 5/);
    warn.mockRestore();
  });

  test("a callback that throws: its own error, and nothing is kept", async () => {
    const model = await trained();
    const hooks = [
      "onTrainBegin",
      "onEpochBegin",
      "onTrainBatchBegin",
      "onTrainBatchEnd",
      "onEpochEnd",
    ] as const;
    const [data, labels] = [numbers(32), y()];
    const nested = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => [...data.subarray(i * 4, i * 4 + 4)]);
    for (const hook of hooks) {
      for (const isAsync of [false, true]) {
        const thrower = new callbacks.LambdaCallback({
          [hook]: () => {
            if (isAsync) return Promise.reject(broken);
            throw broken;
          },
        });
        const attempt = (): Promise<unknown> =>
          model.fit(nested, labels, { ...quiet, batchSize: 4, callbacks: [thrower] });
        await expect(attempt(), hook).rejects.toBe(broken);
        const { storages, bytes } = await settledMemory();
        await expect(attempt()).rejects.toBe(broken);
        expect(memory(), hook).toMatchObject({ storages, bytes });
      }
    }
    await model.fit(x(), y(), quiet);
  });
});

describe("numbers that are none", () => {
  test("NaN in the data gives a loss of NaN, which TerminateOnNaN stops at", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const model = makeModel();
    const data = numbers(32 * 4);
    data[16 * 4] = Number.NaN;
    const given = tensor(data, { shape: [32, 4] });
    const labels = floats([32, 2]);
    let batches = 0;
    const counter = new callbacks.LambdaCallback({ onTrainBatchEnd: () => void batches++ });
    const { history } = await model.fit(given, labels, {
      ...quiet,
      batchSize: 8,
      epochs: 3,
      shuffle: false,
      callbacks: [new callbacks.TerminateOnNaN(), counter],
    });
    expect(history["loss"]).toHaveLength(1);
    expect(history["loss"]?.[0]).toBeNaN();
    // The third batch holds it.
    expect(batches).toBe(3);
    expect(warn.mock.calls.flat().join()).toMatch(/Batch 2: Invalid loss/);
    warn.mockRestore();
  });

  test("a mixed_float16 model skips the step", async () => {
    const model = new Sequential([
      Input({ shape: [4] }),
      new layers.Dense(2, { dtype: "mixed_float16" }),
    ]);
    model.dtypePolicy = "mixed_float16";
    model.compile({ optimizer: "sgd", loss: "mse" });
    await model.fit(x(), y(), quiet);
    const before = await model.getWeights()[0]?.array();
    await model.fit(ops.multiply(x(), Number.NaN), y(), quiet);
    expect(await model.getWeights()[0]?.array()).toEqual(before);
  });
});
