/**
 * Ending a training in the middle, and what goes on meanwhile.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callbacks, Input, layers, memory, ops, Sequential, utils } from "../../src/index.ts";
import { devices, useDevice } from "../support/devices.ts";
import { settledMemory } from "../support/memory.ts";

function makeModel(width: number): Sequential {
  utils.setRandomSeed(3);
  const model = new Sequential([
    Input({ shape: [width] }),
    new layers.Dense(width, { activation: "relu" }),
    new layers.Dropout(0.1),
    new layers.Dense(1),
  ]);
  model.compile({ optimizer: "adam", loss: "mse" });
  return model;
}

class Counter extends callbacks.Callback {
  batches = 0;
  readonly #at: number;
  readonly #then: () => void;

  constructor(at: number, then: () => void) {
    super();
    this.#at = at;
    this.#then = then;
  }

  override get asyncSafe(): boolean {
    return true;
  }

  override onTrainBatchBegin(): void {
    this.batches++;
    if (this.batches === this.#at) this.#then();
  }
}

afterAll(() => useDevice("cpu"));

describe.each(devices)("a signal on %s", (name) => {
  beforeAll(() => useDevice(name));

  it("ends fit within a step, and the model can be used", async () => {
    const model = makeModel(8);
    const x = ops.ones([256, 8]);
    const y = ops.ones([256, 1]);
    const options = { batchSize: 8, epochs: 100, verbose: 0 as const };
    await model.fit(x, y, { ...options, epochs: 1 });
    const { storages: before } = await settledMemory();
    const controller = new AbortController();
    const counter = new Counter(5, () => controller.abort(new Error("enough")));
    const running = model.fit(x, y, {
      ...options,
      callbacks: [counter],
      signal: controller.signal,
    });
    await expect(running).rejects.toThrow("enough");
    expect(counter.batches).toBeLessThanOrEqual(6);
    expect(memory().storages).toBeLessThanOrEqual(before);
    const steps = Number(await model.optimizer?.iterations.item());
    expect(steps).toBeGreaterThanOrEqual(32 + 3);
    expect(steps).toBeLessThanOrEqual(32 + 5);
    const { history } = await model.fit(x, y, { ...options, epochs: 1 });
    expect(history["loss"]?.[0]).toBeLessThan(10);
  });

  it("that has aborted lets nothing begin", async () => {
    const model = makeModel(4);
    const x = ops.ones([8, 4]);
    const signal = AbortSignal.abort(new Error("never"));
    await expect(model.fit(x, ops.ones([8, 1]), { verbose: 0, signal })).rejects.toThrow("never");
    await expect(model.predict(x, { verbose: 0, signal })).rejects.toThrow("never");
    await expect(model.evaluate(x, ops.ones([8, 1]), { verbose: 0, signal })).rejects.toThrow(
      "never",
    );
  });

  it("may come from a timer while tiny steps run", async () => {
    const model = makeModel(4);
    const x = ops.ones([512, 4]);
    let ticks = 0;
    const timer = setInterval(() => {
      ticks++;
    }, 10);
    const started = performance.now();
    await expect(
      model.fit(x, ops.ones([512, 1]), {
        batchSize: 1,
        epochs: 1000,
        verbose: 0,
        signal: AbortSignal.timeout(300),
      }),
    ).rejects.toThrow(/timeout/i);
    clearInterval(timer);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(ticks).toBeGreaterThan(5);
  });
});
