/**
 * Training on a device that is asynchronous on purpose.
 *
 * @module
 */
import { afterAll, describe, expect, it } from "vitest";
import { callbacks, Input, layers, memory, Sequential, tensor, utils } from "../../src/index.ts";
import { registerAsyncBackend, type Wait } from "../support/async-backend.ts";
import { devices, useDevice } from "../support/devices.ts";
import { settledMemory } from "../support/memory.ts";
import { Random } from "../support/random.ts";

afterAll(() => useDevice("cpu"));

/** Images of a bright left or right half, or none, with noise. */
function pictures(count: number): { x: number[][][][]; y: number[] } {
  const random = new Random(4);
  const y = Array.from({ length: count }, (_, i) => i % 3);
  const x = y.map((label) =>
    Array.from({ length: 8 }, () =>
      Array.from({ length: 8 }, (_, column) => [
        random.next() + (label === 1 && column < 4 ? 1 : 0) + (label === 2 && column >= 4 ? 1 : 0),
      ]),
    ),
  );
  return { x, y };
}

function makeModel(): Sequential {
  utils.clearSession();
  utils.setRandomSeed(11);
  const model = new Sequential([
    Input({ shape: [8, 8, 1] }),
    new layers.Conv2D(4, 3, { activation: "relu" }),
    new layers.BatchNormalization(),
    new layers.MaxPooling2D(),
    new layers.Flatten(),
    new layers.Dropout(0.2),
    new layers.Dense(3, { activation: "softmax" }),
  ]);
  model.compile({
    optimizer: "adam",
    loss: "sparse_categorical_crossentropy",
    metrics: ["accuracy"],
  });
  return model;
}

describe("a small convnet", () => {
  const { x, y } = pictures(96);
  const options = { batchSize: 16, epochs: 4, verbose: 0 as const, validationSplit: 0.25 };

  it("trains to the same losses on every device, compiled or not", async () => {
    const histories: Record<string, readonly number[]>[] = [];
    for (const name of devices) {
      await useDevice(name);
      const { history } = await makeModel().fit(tensor(x), tensor(y, { dtype: "int32" }), options);
      histories.push(history);
    }
    const [onCpu, onAsync] = histories;
    expect(Object.keys(onCpu ?? {}).sort()).toEqual([
      "accuracy",
      "loss",
      "val_accuracy",
      "val_loss",
    ]);
    expect(onCpu?.["loss"]?.at(-1)).toBeLessThan((onCpu?.["loss"]?.[0] as number) * 0.9);
    expect(onAsync).toEqual(onCpu);
  });

  it("never makes the device wait inside an epoch", async () => {
    await useDevice("async");
    const device = registerAsyncBackend();
    const model = makeModel();
    // Once, so that everything is built and both batch sizes are compiled.
    await model.fit(tensor(x), tensor(y, { dtype: "int32" }), { ...options, epochs: 1 });
    const inside: Wait[] = [];
    const seen: number[] = [];
    class Marks extends callbacks.Callback {
      override get asyncSafe(): boolean {
        return true;
      }
      override onEpochBegin(): void {
        device.waits.length = 0;
      }
      override onTrainBatchEnd(batch: number, logs?: Record<string, number>): void {
        // Called late; the values are numbers.
        seen.push(batch);
        expect(logs?.["loss"]).toBeTypeOf("number");
        if (batch < 5) inside.push(...device.waits);
      }
    }
    await model.fit(tensor(x), tensor(y, { dtype: "int32" }), {
      batchSize: 12,
      epochs: 3,
      verbose: 0,
      callbacks: [new Marks()],
    });
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7]);
    expect(inside).toEqual([]);
  });

  it("waits where a callback must have its values at once, and says so", async () => {
    await useDevice("async");
    const device = registerAsyncBackend();
    const model = makeModel();
    await model.fit(tensor(x), tensor(y, { dtype: "int32" }), { ...options, epochs: 1 });
    class Now extends callbacks.Callback {
      override onTrainBatchEnd(): void {}
    }
    device.waits.length = 0;
    await model.fit(tensor(x), tensor(y, { dtype: "int32" }), {
      batchSize: 16,
      epochs: 1,
      verbose: 0,
      callbacks: [new Now()],
    });
    expect(device.waits.filter(({ what }) => what === "read").length).toBeGreaterThanOrEqual(6);
  });

  it("leaves nothing behind", async () => {
    await useDevice("async");
    const model = makeModel();
    const data = [tensor(x), tensor(y, { dtype: "int32" })] as const;
    await model.fit(...data, { ...options, epochs: 2 });
    const { storages, bytes } = await settledMemory();
    await model.fit(...data, { ...options, epochs: 4 });
    expect(memory().storages).toBe(storages);
    expect(memory().bytes).toBe(bytes);
  });

  it("predicts and evaluates there", async () => {
    await useDevice("async");
    const model = makeModel();
    const there = await (await model.predict(tensor(x), { verbose: 0 })).array();
    const lossThere = await model.evaluate(tensor(x), tensor(y, { dtype: "int32" }), {
      verbose: 0,
    });
    await useDevice("cpu");
    const here = makeModel();
    expect(await (await here.predict(tensor(x), { verbose: 0 })).array()).toEqual(there);
    const lossHere = await here.evaluate(tensor(x), tensor(y, { dtype: "int32" }), { verbose: 0 });
    expect(lossThere).toEqual(lossHere);
  });
});
