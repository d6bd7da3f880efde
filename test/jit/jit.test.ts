/**
 * Compiled functions.
 *
 * @module
 */
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import {
  ArgumentError,
  DisposedError,
  grad,
  jit,
  memory,
  ops,
  random,
  type Tensor,
  TraceError,
  tensor,
  Variable,
  valueAndGrad,
} from "../../src/index.ts";
import { bumpTraceEpoch } from "../../src/runtime/epoch.ts";
import { devices, useDevice } from "../support/devices.ts";
import { settledMemory } from "../support/memory.ts";

afterEach(() => vi.restoreAllMocks());

describe.each(devices)("jit on %s", (name) => {
  beforeAll(() => useDevice(name));

  it("traces once for each key and computes what the function does", async () => {
    let traces = 0;
    const f = jit((x: Tensor, k: number) => {
      traces++;
      return { sum: ops.sum(ops.multiply(x, k)), k };
    });
    expect(await f(tensor([1, 2]), 3).sum.item()).toBe(9);
    expect(await f(tensor([5, 6]), 3).sum.item()).toBe(33);
    expect(traces).toBe(1);
    expect(f(tensor([1, 2]), 4).k).toBe(4);
    expect(traces).toBe(2);
    f(tensor([1, 2, 3]), 3);
    f(tensor([1, 2], { dtype: "float16" }), 3);
    expect(traces).toBe(4);
    f(tensor([7, 8]), 3);
    expect(traces).toBe(4);
    bumpTraceEpoch();
    f(tensor([7, 8]), 3);
    expect(traces).toBe(5);
  });

  it("tells trees of arguments apart", async () => {
    const f = jit((tree: { a: Tensor; b?: Tensor } | Tensor[]) =>
      Array.isArray(tree) ? ops.add(tree[0] as Tensor, 1) : tree.a,
    );
    expect(await f([tensor([1])]).array()).toEqual([2]);
    expect(await f({ a: tensor([1]) }).array()).toEqual([1]);
    expect(await f({ a: tensor([1]), b: tensor([1]) }).array()).toEqual([1]);
  });

  it("warns once when it retraces", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const f = jit((n: number) => ops.add(tensor([1]), n), { name: "grower" });
    for (let i = 0; i < 12; i++) f(i);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(String(warn.mock.calls[0]?.[0])).toContain("grower");
  });

  it("keeps few versions and their memory", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const captured = tensor([1, 2, 3]);
    const { storages: before } = await settledMemory();
    const f = jit((n: number) => ops.add(captured, n));
    for (let i = 0; i < 20; i++) {
      const result = f(i);
      await result.data();
      result.dispose();
    }
    f.clear();
    expect(memory().storages).toBe(before);
    expect(await captured.array()).toEqual([1, 2, 3]);
  });

  it("reads and assigns variables by reference", async () => {
    const v = new Variable([1, 1]);
    let traces = 0;
    const f = jit((x: Tensor) => {
      traces++;
      v.assign(ops.add(v.value, x));
      return ops.multiply(v.value, 2);
    });
    expect(await f(tensor([1, 2])).array()).toEqual([4, 6]);
    v.assign([10, 10]);
    expect(await f(tensor([1, 2])).array()).toEqual([22, 24]);
    expect(await v.array()).toEqual([11, 12]);
    expect(traces).toBe(1);
  });

  it("captures tensors as they are, not as constants", async () => {
    const captured = tensor([5]);
    const f = jit((x: Tensor) => ops.add(x, captured));
    expect(await f(tensor([1])).array()).toEqual([6]);
    captured.dispose();
    expect(await f(tensor([2])).array()).toEqual([7]);
  });

  it("returns arguments, constants, variables and the same value twice", async () => {
    const v = new Variable([3]);
    const f = jit((x: Tensor) => {
      const y = ops.add(x, 1);
      return [x, y, y, v, ops.ones([1]), "text", null];
    });
    const [x, y, z, w, one, text, nothing] = f(tensor([1])) as Tensor[];
    expect(await x?.array()).toEqual([1]);
    expect(await y?.array()).toEqual([2]);
    expect(await z?.array()).toEqual([2]);
    expect(await w?.array()).toEqual([3]);
    expect(await one?.array()).toEqual([1]);
    expect(text).toBe("text");
    expect(nothing).toBe(null);
  });

  it("undoes everything when tracing throws", async () => {
    const v = new Variable([1]);
    const x = tensor([1], { dtype: "int32" });
    const { storages: before } = await settledMemory();
    let made: Variable | null = null;
    const f = jit((y: Tensor) => {
      v.assign(ops.add(v.value, y));
      made = new Variable([1, 2, 3]);
      throw new Error("in the middle");
    });
    expect(() => f(x)).toThrow("in the middle");
    expect(memory().storages).toBe(before);
    expect(() => (made as unknown as Variable).value).toThrow(DisposedError);
    expect(await v.array()).toEqual([1]);
  });

  it("refuses reads, promises and tensors of other traces", () => {
    expect(() => jit((x: Tensor) => x.arraySync())(tensor([1]))).toThrow(TraceError);
    expect(() => jit((x: Tensor) => x.arraySync())(tensor([1]))).toThrow(/traced/);
    expect(() => jit((async (x: Tensor) => x) as () => unknown)()).toThrow(ArgumentError);
    let leaked: Tensor | null = null;
    jit((x: Tensor) => {
      leaked = ops.add(x, 1);
      return x;
    })(tensor([1]));
    expect(() => ops.add(leaked as unknown as Tensor, 1)).toThrow(TraceError);
    expect(() => jit(() => ops.add(leaked as unknown as Tensor, 1))()).toThrow(TraceError);
  });

  it("is inlined in a trace and under a gradient", async () => {
    let inner = 0;
    const square = jit((x: Tensor) => {
      inner++;
      return ops.square(x);
    });
    const outer = jit((x: Tensor) => ops.sum(square(x)));
    expect(await outer(tensor([1, 2])).item()).toBe(5);
    outer(tensor([3, 4]));
    expect(inner).toBe(1);
    expect(await grad((x: Tensor) => ops.sum(square(x)))(tensor([3])).array()).toEqual([6]);
    expect(await jit(grad((x: Tensor) => ops.sum(square(x))))(tensor([3])).array()).toEqual([6]);
  });

  it("differentiates by variables inside", async () => {
    const w = new Variable([2, 3], { dtype: "float32" });
    const unused = new Variable([1]);
    const step = jit((x: Tensor) => {
      const [loss, [dw, du]] = valueAndGrad(
        (y: Tensor) => ops.sum(ops.multiply(ops.square(w.value), y)),
        { variables: [w, unused] },
      )(x) as [Tensor, [Tensor, null]];
      expect(du).toBe(null);
      w.assignSub(ops.multiply(dw, 0.5));
      return loss;
    });
    expect(await step(tensor([1, 1])).item()).toBe(13);
    expect(await w.array()).toEqual([0, 0]);
  });

  it("draws new random numbers at each call, as eagerly", async () => {
    const draw = jit((generator: random.SeedGenerator) => random.uniform([4], { seed: generator }));
    const a = new random.SeedGenerator(7);
    const b = new random.SeedGenerator(7);
    const compiled = [await draw(a).array(), await draw(a).array()];
    const eager = [
      await random.uniform([4], { seed: b }).array(),
      await random.uniform([4], { seed: b }).array(),
    ];
    expect(compiled).toEqual(eager);
    expect(compiled[0]).not.toEqual(compiled[1]);
  });

  it("leaves nothing behind", async () => {
    const w = new Variable(ops.ones([64]));
    const step = jit((x: Tensor) => {
      w.assign(ops.multiply(ops.add(w.value, x), 0.5));
      return ops.sum(w.value);
    });
    const x = tensor(new Float32Array(64));
    step(x).dispose();
    const { storages, bytes } = await settledMemory();
    for (let i = 0; i < 200; i++) step(x).dispose();
    await x.data();
    expect(memory().storages).toBe(storages);
    expect(memory().bytes).toBe(bytes);
  });

  it("explains what becomes of a function, and does none of it", async () => {
    const v = new Variable([1, 2], { dtype: "float32", name: "total" });
    const given = tensor([1, 2]);
    const { storages } = await settledMemory();
    let made: Variable | null = null;
    const f = jit((x: Tensor) => {
      ops.cos(x);
      made = new Variable([3]);
      v.assign(ops.add(v.value, x));
      return ops.multiply(ops.exp(x), ops.broadcastTo(ops.sum(x), [2]));
    });
    const text = f.explain(given);
    expect(memory().storages).toBe(storages);
    const [traced, ...after] = text.split("\n\n") as [string, ...string[]];
    expect(traced).toContain("= cos argument0");
    expect(traced).toMatch(/%\d+ float32 \[2\] = exp argument0/);
    expect(traced).toMatch(/total := %\d+/);
    expect(traced).toMatch(/return %\d+/);
    expect(after.map((part) => part.split("\n")[0])).toEqual([
      "dead code",
      "rewrites: no change",
      "common subexpressions: no change",
      "broadcasts folded",
      "constants computed: no change",
      "dead code again",
      "elementwise chains fused",
      "sums fused: no change",
      "dead steps: no change",
      "cheap values computed again: no change",
    ]);
    expect(after[0]).not.toContain("cos");
    expect(after.at(-4)).toMatch(/= fused .*\n {4}%\d+ float32 \[2\] = exp/);
    expect(await v.array()).toEqual([1, 2]);
    expect(() => (made as unknown as Variable).value).toThrow(DisposedError);
  });

  it("prepares ahead, so that the call does not wait", async () => {
    const f = jit((x: Tensor) => ops.exp(x));
    expect(f.program(tensor([1]))).toBe(undefined);
    await f.prepare(tensor([1]));
    expect(f.program(tensor([1]))).toBeDefined();
    expect(await f(tensor([0])).array()).toEqual([1]);
  });
});
