/**
 * Long programs leave the event loop free.
 *
 * @module
 */
import { describe, expect, it } from "vitest";
import { jit, ops, type Tensor } from "../../src/index.ts";

describe("a long step", () => {
  it("lets a 10 ms timer tick on", async () => {
    const matrix = ops.ones([500, 500]);
    const step = jit((x: Tensor) => {
      let y = x;
      for (let i = 0; i < 100; i++) y = ops.multiply(ops.matmul(y, matrix), 1 / 500);
      return ops.mean(y);
    });
    await step.prepare(matrix);
    let ticks = 0;
    const timer = setInterval(() => {
      ticks++;
    }, 10);
    const started = performance.now();
    const submitted = step(matrix);
    const submitTime = performance.now() - started;
    await submitted.item();
    const whole = performance.now() - started;
    clearInterval(timer);
    // The call comes back long before its result, and the loop has run meanwhile.
    expect(whole).toBeGreaterThan(50);
    expect(submitTime).toBeLessThan(whole / 2);
    expect(ticks).toBeGreaterThan(whole / 10 / 3);
  });
});
