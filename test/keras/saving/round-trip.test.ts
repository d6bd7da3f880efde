/** What is saved comes back, and training goes on as if it had never stopped. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  callbacks,
  Input,
  type KerasTensor,
  layers,
  Model,
  ops,
  optimizers,
  Sequential,
  saving,
} from "../../../src/index.ts";
import { floats } from "../../support/data.ts";
import { folder, makeModel, stateOf, train } from "./files.ts";

const made: Record<string, () => unknown> = {
  adam: () => new optimizers.Adam({ learningRate: 0.01, amsgrad: true }),
  "sgd with momentum": () => new optimizers.SGD({ learningRate: 0.05, momentum: 0.9 }),
  "a schedule": () =>
    new optimizers.SGD({
      learningRate: new optimizers.schedules.ExponentialDecay(0.1, 3, 0.5) as never,
    }),
  "an average of weights": () => new optimizers.RMSprop({ useEma: true, emaMomentum: 0.5 }),
  "loss scaling": () => new optimizers.LossScaleOptimizer(new optimizers.SGD()),
};

describe("training resumed equals training that went on", () => {
  for (const [name, optimizer] of Object.entries(made)) {
    for (const ending of [".keras", ".weights.h5", ".h5"]) {
      test(`${name}, ${ending}`, async () => {
        const path = join(folder(), `model${ending}`);
        const whole = makeModel(optimizer());
        whole.setWeights(whole.weights.map(({ shape }, i) => floats(shape, i + 1)));
        const losses = await train(whole, 0, 2);
        if (ending === ".weights.h5") await whole.saveWeights(path);
        else await whole.save(path);
        let resumed: Model;
        if (ending === ".weights.h5") {
          resumed = makeModel(optimizer());
          resumed.optimizer?.build(resumed.trainableVariables);
          await resumed.loadWeights(path);
        } else {
          resumed = await saving.loadModel(path);
        }
        if (ending === ".h5") {
          // Keras's older format does not hold the states of random numbers.
          for (const model of [whole, resumed]) {
            const drop = model.getLayer("drop") as layers.Dropout;
            drop.seedGenerator.state.assign(new Uint32Array([1, 2]));
          }
        }
        expect(await stateOf(resumed)).toEqual(await stateOf(whole));
        expect(losses).toHaveLength(2);
        expect(await train(resumed, 2, 4)).toEqual(await train(whole, 2, 4));
        expect(await stateOf(resumed)).toEqual(await stateOf(whole));
      });
    }
  }
});

describe("models come back", () => {
  const same = async (model: Model, x: unknown): Promise<Model> => {
    const copy = await saving.loadModel(await saving.packModel(model));
    const [a, b] = [await model.predict(x, { verbose: 0 }), await copy.predict(x, { verbose: 0 })];
    expect(await b.array()).toEqual(await a.array());
    expect(JSON.stringify(copy.getConfig())).toBe(JSON.stringify(model.getConfig()));
    expect(copy.constructor).toBe(model.constructor);
    return copy;
  };

  test("with several inputs, shared layers and ops", async () => {
    const [a, b] = [Input({ shape: [3], name: "a" }), Input({ shape: [3], name: "b" })];
    const shared = new layers.Dense(4, { activation: "tanh" });
    const joined = new layers.Concatenate()([shared(a), shared(b)]);
    const model = new Model(
      [a, b],
      ops.relu(ops.add(joined as never, 1)) as unknown as KerasTensor,
    );
    await same(model, [floats([5, 3], 1), floats([5, 3], 2)]);
  });

  test("with models inside", async () => {
    const inner = new Sequential([
      Input({ shape: [4] }),
      new layers.Dense(3),
      new layers.BatchNormalization(),
    ]);
    const x = Input({ shape: [4] });
    await same(new Model(x, new layers.Dense(2)(inner(x))), floats([5, 4]));
  });

  test("with frozen layers", async () => {
    const model = makeModel();
    model.getLayer("first").trainable = false;
    const copy = await same(model, floats([3, 4]));
    expect(copy.trainableWeights.length).toBe(model.trainableWeights.length);
  });

  test("with embeddings", async () => {
    const model = new Sequential([
      Input({ shape: [3], dtype: "int32" }),
      new layers.Embedding(5, 4, { maskZero: true }),
      new layers.GlobalAveragePooling1D(),
    ]);
    await same(model, ops.cast(ops.abs(ops.multiply(floats([6, 3]), 5)), "int32"));
  });

  for (const dtype of ["float16", "bfloat16", "mixed_float16", "float64"]) {
    test(`in ${dtype}`, async () => {
      const model = new Sequential([Input({ shape: [4] }), new layers.Dense(3, { dtype })]);
      const copy = await same(model, floats([5, 4]));
      expect(copy.weights.map(({ storageDtype }) => storageDtype)).toEqual(
        model.weights.map(({ storageDtype }) => storageDtype),
      );
    });
  }

  test("compiled as they were, or not", async () => {
    const bytes = await saving.packModel(makeModel());
    expect((await saving.loadModel(bytes)).compiled).toBe(true);
    expect((await saving.loadModel(bytes, { compile: false })).compiled).toBe(false);
  });

  test("of classes of the user, when they are named", async () => {
    class Twice extends layers.Layer {
      override call(x: ReturnType<typeof floats>): unknown {
        return ops.multiply(x, 2);
      }
    }
    const model = new Sequential([Input({ shape: [2] }), new Twice()]);
    const bytes = await saving.packModel(model);
    await expect(saving.loadModel(bytes)).rejects.toThrow(/Twice.*registerKerasSerializable/s);
    const copy = await saving.loadModel(bytes, { customObjects: { Twice } });
    expect(copy.layers[0]).toBeInstanceOf(Twice);
  });
});

describe("ModelCheckpoint", () => {
  test("writes models that can be trained on", async () => {
    const dir = folder();
    const model = makeModel();
    const checkpoint = new callbacks.ModelCheckpoint(join(dir, "sub", "m-{epoch:02d}.keras"));
    await model.fit(floats([16, 4]), floats([16, 2]), {
      epochs: 3,
      verbose: 0,
      callbacks: [checkpoint],
    });
    expect(readdirSync(join(dir, "sub")).sort()).toEqual([
      "m-01.keras",
      "m-02.keras",
      "m-03.keras",
    ]);
    const last = await saving.loadModel(join(dir, "sub", "m-03.keras"));
    expect(await stateOf(last)).toEqual(await stateOf(model));
  });

  test("the same model gives the same bytes but for the date", async () => {
    const dir = folder();
    const model = makeModel();
    await model.saveWeights(join(dir, "a.weights.h5"));
    await model.saveWeights(join(dir, "b.weights.h5"));
    const [a, b] = ["a", "b"].map((name) => statSync(join(dir, `${name}.weights.h5`)).size);
    expect(a).toBe(b);
  });
});
