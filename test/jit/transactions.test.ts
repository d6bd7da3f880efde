/**
 * A step is all or nothing: faults and cancellation at every instruction.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NativeBackend } from "../../src/backends/native/backend.ts";
import {
  CancelledError,
  jit,
  KernelError,
  layers,
  losses,
  metrics,
  ops,
  optimizers,
  random,
  Sequential,
  type Tensor,
  tensor,
  Variable,
  valueAndGrad,
} from "../../src/index.ts";
import { currentBackend } from "../../src/runtime/device.ts";
import { type AsyncBackend, registerAsyncBackend } from "../support/async-backend.ts";
import { devices, useDevice } from "../support/devices.ts";

/** Ends the next program of a device before an instruction. */
function interrupt(device: string, instruction: number, cancels: boolean): void {
  if (device === "async") registerAsyncBackend().fault = { instruction, cancels };
  else (currentBackend() as NativeBackend).addon.injectFault(instruction, cancels);
}

/** A whole training step: dropout, batch statistics, clipping, Adam, a metric. */
function makeStep(): { step: (x: Tensor, y: Tensor) => Tensor; variables: Variable[] } {
  const seed = new random.SeedGenerator(3);
  const dropout = new layers.Dropout(0.25, { seed: 5 });
  const normalization = new layers.BatchNormalization();
  const model = new Sequential([
    new layers.Dense(8, { activation: "relu" }),
    normalization,
    dropout,
    new layers.Dense(3),
  ]);
  model.build([4, 5]);
  const optimizer = new optimizers.Adam({ learningRate: 0.01, globalClipnorm: 1 });
  optimizer.build(model.trainableVariables);
  const accuracy = new metrics.SparseCategoricalAccuracy();
  const loss = new losses.SparseCategoricalCrossentropy({ fromLogits: true });
  const warm = ops.zeros([4, 3]);
  accuracy.updateState(tensor([0, 1, 2, 0]), warm);
  accuracy.resetState();
  const step = (x: Tensor, y: Tensor): Tensor => {
    const { trainableVariables } = model;
    const [[value, logits], gradients] = valueAndGrad(
      () => {
        const noisy = ops.add(x, random.normal([4, 5], { seed }));
        const out = model(noisy, { training: true }) as Tensor;
        return [loss(y, out) as Tensor, out] as [Tensor, Tensor];
      },
      { variables: trainableVariables, hasAux: true },
    )();
    optimizer.apply(gradients, trainableVariables);
    accuracy.updateState(y, logits);
    return value;
  };
  return {
    step,
    variables: [
      ...model.variables,
      ...optimizer.variables,
      ...accuracy.variables,
      seed.state,
      ...dropout.variables,
    ],
  };
}

async function valuesOf(variables: readonly Variable[]): Promise<unknown[]> {
  return Promise.all(variables.map((variable) => variable.array()));
}

describe.each(devices)("a training step on %s", (name) => {
  const x = [
    [1, 2, 3, 4, 5],
    [2, 1, 0, 1, 2],
    [0, 1, 0, 1, 0],
    [5, 4, 3, 2, 1],
  ];
  const y = [0, 2, 1, 1];
  beforeAll(() => useDevice(name));
  afterAll(() => useDevice("cpu"));

  it.each([
    ["fails", false, KernelError],
    ["is cancelled", true, CancelledError],
  ] as const)("changes nothing when it %s at any instruction", async (_, cancels, errorClass) => {
    const { step, variables } = makeStep();
    const fn = jit(step);
    const inputs = [tensor(x), tensor(y, { dtype: "int32" })] as const;
    await fn(...inputs).data();
    const { plan } = fn.program(...inputs) as NonNullable<ReturnType<typeof fn.program>>;
    expect(plan.commitStart).toBeGreaterThan(50);
    // Weights, moments, iteration, statistics, metric, seeds.
    expect(variables.length).toBeGreaterThan(15);
    const before = await valuesOf(variables);
    for (let i = 0; i <= plan.commitStart; i++) {
      interrupt(name, i, cancels);
      // Where programs run at once the call throws, else the read does.
      await expect(async () => fn(...inputs).data(), `instruction ${i}`).rejects.toThrow(
        errorClass,
      );
      if (i % 16 === 0 || i === plan.commitStart) {
        expect(await valuesOf(variables), `instruction ${i}`).toEqual(before);
      }
    }
    // It goes on as if nothing had been.
    expect(await valuesOf(variables)).toEqual(before);
    expect(Number(await fn(...inputs).item())).toBeGreaterThan(0);
    expect(await valuesOf(variables)).not.toEqual(before);
  });

  it("fails everything that needs its result, with one error", async () => {
    const f = jit((a: Tensor) => ops.multiply(a, 2));
    const g = jit((a: Tensor) => ops.add(a, 1));
    const a = tensor([1, 2]);
    await f(a).data();
    await g(a).data();
    if (name === "cpu") (currentBackend() as NativeBackend).submitMode = "queued";
    try {
      interrupt(name, 0, false);
      const failed = f(a);
      const error = await failed.data().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(KernelError);
      await expect(failed.data()).rejects.toBe(error);
      await expect(async () => g(failed).data()).rejects.toBe(error);
      await expect(async () => ops.add(failed, 1).data()).rejects.toBe(error);
      expect(await f(a).array()).toEqual([2, 4]);
    } finally {
      if (name === "cpu") (currentBackend() as NativeBackend).submitMode = "auto";
    }
  });

  it("can be cancelled before it has begun", async () => {
    const v = new Variable([0], { dtype: "float32" });
    const heavy = ops.ones([300, 300]);
    const fn = jit((a: Tensor) => {
      let b = a;
      for (let i = 0; i < 20; i++) b = ops.multiply(ops.matmul(b, heavy), 1 / 300);
      v.assignAdd(1);
      return ops.sum(b);
    });
    await fn.run(heavy).submission?.done();
    if (name === "cpu") (currentBackend() as NativeBackend).submitMode = "queued";
    const first = fn.run(heavy);
    const second = fn.run(heavy);
    second.submission?.cancel();
    await first.submission?.done();
    await expect(second.submission?.done()).rejects.toThrow(CancelledError);
    await expect(second.result.data()).rejects.toThrow(CancelledError);
    expect(await v.array()).toEqual([2]);
    if (name === "cpu") (currentBackend() as NativeBackend).submitMode = "auto";
  });
});

describe("a layer built in a trace that fails", () => {
  it("is as it was before, and can be built again", async () => {
    await useDevice("cpu");
    const dense = new layers.Dense(3);
    let broken = true;
    const call = jit((x: Tensor) => {
      const y = dense(x) as Tensor;
      if (broken) throw new Error("after the layer");
      return y;
    });
    expect(() => call(ops.ones([2, 4]))).toThrow("after the layer");
    expect(dense.built).toBe(false);
    expect(dense.weights).toEqual([]);
    broken = false;
    expect(call(ops.ones([2, 5])).shape).toEqual([2, 3]);
    expect(dense.built).toBe(true);
    expect(dense.weights.map(({ shape }) => shape)).toEqual([[5, 3], [3]]);
  });
});

describe("the asynchronous device", () => {
  it("reports what waited", async () => {
    await useDevice("async");
    const device: AsyncBackend = registerAsyncBackend();
    device.waits.length = 0;
    const f = jit((a: Tensor) => ops.exp(a));
    f(tensor([1]));
    expect(device.waits.map(({ what }) => what)).toEqual(["prepare"]);
    await f.prepare(tensor([1]));
    const early = f(tensor([1]));
    f(tensor([2]));
    await early.data();
    expect(device.waits.length).toBe(1);
    await f(tensor([3])).data();
    expect(device.waits.map(({ what }) => what)).toEqual(["prepare", "read"]);
    await useDevice("cpu");
  });
});
