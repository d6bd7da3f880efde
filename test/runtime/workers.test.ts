/**
 * Worker threads: several environments on one pool, and their end.
 *
 * @module
 */
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { root, runNode } from "../support/run-node.ts";

const file = join(root, "test/runtime/trainer-worker.ts");

function start(seed: number, epochs: number): Worker {
  return new Worker(file, {
    workerData: { seed, epochs },
    execArgv: ["--import", join(root, "scripts/ts-loader.mjs")],
  });
}

function lossesOf(worker: Worker): Promise<number[]> {
  return new Promise((resolve, reject) => {
    worker.on("message", (message) => {
      if (message !== "training") resolve(message as number[]);
    });
    worker.on("error", reject);
    worker.on("exit", (code) => code !== 0 && reject(new Error(`exit code ${code}`)));
  });
}

function begunBy(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once("message", () => resolve());
    worker.once("error", reject);
  });
}

describe("worker threads", () => {
  it("train two models at once, as each alone would", { timeout: 60_000 }, async () => {
    const alone = await lossesOf(start(1, 3));
    expect(alone.length).toBe(3);
    expect(alone[2]).toBeLessThan(alone[0] as number);
    const [first, second] = await Promise.all([lossesOf(start(1, 3)), lossesOf(start(2, 3))]);
    expect(first).toEqual(alone);
    expect(second).not.toEqual(alone);
  });

  it("can be terminated in the middle of training", { timeout: 60_000 }, async () => {
    for (let i = 0; i < 3; i++) {
      const worker = start(1, 100_000);
      await begunBy(worker);
      await new Promise((resolve) => setTimeout(resolve, 50 * i));
      expect(await worker.terminate()).toBe(1);
    }
    // The pool is still good.
    expect((await lossesOf(start(1, 1))).length).toBe(1);
  });
});

describe("a process", () => {
  it("ends by itself when nothing is left to do, not before", { timeout: 60_000 }, async () => {
    const { stdout, stderr, code } = await runNode("test/runtime/ending.ts", { args: ["await"] });
    expect(code, stderr).toBe(0);
    expect(stdout.trim()).toBe("done");
  });

  it("ends at once by process.exit while a program runs", { timeout: 60_000 }, async () => {
    const { stdout, stderr, code } = await runNode("test/runtime/ending.ts", { args: ["exit"] });
    expect(code, stderr).toBe(3);
    expect(stdout.trim()).toBe("leaving");
  });
});
