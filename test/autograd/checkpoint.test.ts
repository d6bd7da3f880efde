/**
 * Computing again instead of remembering.
 *
 * @module
 */
import { beforeAll, describe, expect, it } from "vitest";
import type { NativeBackend } from "../../src/backends/native/backend.ts";
import {
  checkpoint,
  grad,
  jit,
  ops,
  random,
  type Tensor,
  tensor,
  Variable,
} from "../../src/index.ts";
import { traceFunction } from "../../src/jit/jit.ts";
import { optimize } from "../../src/jit/optimize.ts";
import { makePlan } from "../../src/jit/plan.ts";
import { currentBackend } from "../../src/runtime/device.ts";
import { devices, useDevice } from "../support/devices.ts";

describe.each(devices)("checkpoint on %s", (name) => {
  beforeAll(() => useDevice(name));

  function pieces(): { f: (x: Tensor) => Tensor; w: Variable; reset: () => void; seed: Variable } {
    const w = new Variable([2], { dtype: "float32" });
    const outside = tensor([3]);
    const seed = new random.SeedGenerator(4);
    const f = (x: Tensor): Tensor => {
      const noise = random.uniform([1], { seed });
      const y = ops.multiply(ops.multiply(ops.exp(x), ops.multiply(w.value, outside)), noise);
      w.assignAdd([1]);
      return ops.sum(y);
    };
    const reset = (): void => {
      w.assign([2]);
      seed.state.assign([4, 0]);
    };
    return { f, w, reset, seed: seed.state };
  }

  it("changes neither gradients nor what is assigned", async () => {
    const { f, w, reset, seed } = pieces();
    const results: unknown[][] = [];
    for (const g of [f, checkpoint(f)]) {
      const found: unknown[] = [];
      for (const compute of [
        grad(g),
        jit(grad(g)),
        grad((x: Tensor) => ops.sum(grad(g)(x))),
        jit(grad((x: Tensor) => ops.sum(grad(g)(x)))),
        (x: Tensor) => grad(g, { variables: [w] })(x)[0] as Tensor,
      ]) {
        reset();
        found.push(await compute(tensor([0.5])).array(), await w.array(), await seed.array());
      }
      results.push(found);
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[0]?.[1]).toEqual([3]);
  });
});

describe("a chain of checkpoints", () => {
  it("needs much less memory for its gradient", async () => {
    await useDevice("cpu");
    const peak = (wrap: (f: (x: Tensor) => Tensor) => (x: Tensor) => Tensor): number => {
      const block = wrap((x) => ops.sin(ops.exp(ops.sin(ops.exp(ops.sin(ops.exp(x)))))));
      const fn = grad((x: Tensor) => {
        let y = x;
        for (let i = 0; i < 8; i++) y = block(y);
        return ops.sum(y);
      });
      const { graph, trace } = traceFunction(fn, [ops.zeros([4096])], "chain");
      const plan = makePlan(optimize(graph), currentBackend() as NativeBackend);
      trace.release();
      return plan.arena as number;
    };
    expect(peak(checkpoint)).toBeLessThan(0.5 * peak((f) => f));
  });
});
