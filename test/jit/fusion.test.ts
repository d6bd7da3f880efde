/**
 * Fused loops: the same bits as the ops one by one, whatever the shapes, the
 * dtypes, the number of threads and where the results go.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { requireAddon } from "../../src/backends/native/loader.ts";
import { jit, ops, setDevice, type Tensor, tensor, Variable } from "../../src/index.ts";
import { traceFunction } from "../../src/jit/jit.ts";
import { optimize } from "../../src/jit/optimize.ts";
import { numbers } from "../support/data.ts";
import { devices, useDevice } from "../support/devices.ts";

const floats = (shape: number[], seed: number): Tensor =>
  tensor(
    numbers(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
    { shape },
  );

/** That `fn` is one loop and gives what it gives eagerly. */
async function expectSameBits(
  fn: (...x: Tensor[]) => readonly Tensor[],
  ...inputs: Tensor[]
): Promise<void> {
  const { graph, trace } = traceFunction(fn, inputs, "loop");
  expect(optimize(graph).nodes.map(({ op }) => op.name)).toEqual(["fused"]);
  trace.release();
  const compiled = jit(fn);
  const eager = fn(...inputs);
  for (let round = 0; round < 2; round++) {
    for (const [i, result] of compiled(...inputs).entries()) {
      expect(result.dtype).toBe(eager[i]?.dtype);
      expect(await result.data()).toEqual(await (eager[i] as Tensor).data());
    }
  }
}

describe.each(devices)("a fused loop on %s", (name) => {
  beforeEach(() => useDevice(name));

  it("has blocks of any length", async () => {
    for (const length of [1, 2, 1023, 1024, 1025, 5000, 40_000]) {
      await expectSameBits(
        (x, y) => [ops.multiply(ops.tanh(ops.add(x, y)), ops.exp(x))],
        floats([length], 1),
        floats([length], 2),
      );
    }
  });

  it("broadcasts what is smaller", async () => {
    const x = floats([7, 6, 50], 1);
    for (const shape of [[], [1], [50], [6, 1], [6, 50], [7, 1, 1], [7, 1, 50], [1, 6, 50]]) {
      await expectSameBits(
        (a, b) => [ops.subtract(ops.multiply(a, b), ops.square(ops.add(b, a)))],
        x,
        floats(shape, 3),
      );
    }
    await expectSameBits(
      (a, b) => [ops.sin(ops.add(a, b))],
      floats([300, 1], 4),
      floats([1, 17], 5),
    );
  });

  it("changes dtypes on its way", async () => {
    await expectSameBits(
      (x, y) => {
        const positive = ops.greater(x, y);
        const larger = ops.where(positive, x, y);
        const rounded = ops.cast(ops.floor(ops.multiply(larger, 10)), "int32");
        const half = ops.cast(larger, "float16");
        return [rounded, positive, ops.add(half, half)];
      },
      floats([2100], 1),
      floats([2100], 2),
    );
  });

  it("gives what is needed on the way, too", async () => {
    await expectSameBits(
      (x, y) => {
        const a = ops.add(x, y);
        const b = ops.sin(a);
        const c = ops.multiply(b, y);
        return [a, b, c, ops.subtract(c, x)];
      },
      floats([33, 65], 1),
      floats([65], 2),
    );
  });

  it("writes variables that it reads", async () => {
    const train = (run: (step: () => void) => () => void): Promise<unknown[]> => {
      const w = new Variable(floats([3000], 1));
      const m = new Variable(ops.zeros([3000]));
      const v = new Variable(ops.zeros([3000]));
      const step = run(() => {
        const g = ops.sin(w.value);
        m.assign(ops.add(ops.multiply(m.value, 0.9), ops.multiply(g, 0.1)));
        v.assign(ops.add(ops.multiply(v.value, 0.99), ops.multiply(ops.square(g), 0.01)));
        w.assign(ops.subtract(w.value, ops.divide(m.value, ops.add(ops.sqrt(v.value), 1e-3))));
      });
      for (let i = 0; i < 4; i++) step();
      return Promise.all([w, m, v].map((variable) => variable.data()));
    };
    expect(await train((step) => jit(step))).toEqual(await train((step) => step));
  });

  it("swaps variables", async () => {
    const a = new Variable(floats([1500], 1));
    const b = new Variable(floats([1500], 2));
    const [oldA, oldB] = [await a.data(), await b.data()];
    jit(() => {
      const [x, y] = [ops.negative(a.value), ops.negative(b.value)];
      const sum = ops.add(x, y);
      a.assign(ops.subtract(sum, x));
      b.assign(ops.subtract(sum, y));
    })();
    const close = (x: ArrayLike<number>, y: ArrayLike<number>): void => {
      for (let i = 0; i < x.length; i++) expect(x[i]).toBeCloseTo(-(y[i] as number), 5);
    };
    close((await a.data()) as Float32Array, oldB as Float32Array);
    close((await b.data()) as Float32Array, oldA as Float32Array);
  });

  it("runs inside of loops", async () => {
    const fn = (x: Tensor): Tensor =>
      ops.foriLoop(0, 5, (_: Tensor, y: Tensor) => ops.sin(ops.add(ops.multiply(y, 1.5), x)), x);
    const x = floats([2000], 1);
    expect(await jit(fn)(x).data()).toEqual(await fn(x).data());
  });
});

describe("threads", () => {
  const addon = requireAddon();
  const { threads } = addon.info();
  beforeEach(() => setDevice("cpu"));
  afterEach(() => void addon.setThreads(threads));

  it("do not change a bit, however many there are when it is prepared or run", async () => {
    const fn = (x: Tensor, y: Tensor): Tensor => ops.exp(ops.multiply(ops.sin(x), ops.add(x, y)));
    const inputs = [floats([300, 301], 1), floats([301], 2)] as const;
    const expected = await fn(...inputs).data();
    for (const [prepared, run] of [
      [1, 3],
      [3, 1],
      [2, 2],
    ] as const) {
      addon.setThreads(prepared);
      const compiled = jit(fn);
      compiled.program(...inputs);
      addon.setThreads(run);
      expect(await compiled(...inputs).data()).toEqual(expected);
    }
  });
});
