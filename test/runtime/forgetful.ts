/**
 * A program that forgets every tensor it makes, in one synchronous function.
 *
 *   node [--expose-gc] --import ./scripts/ts-loader.mjs test/runtime/forgetful.ts KIND COUNT WHERE
 *
 * KIND is `large` (1 MB each) or `small` (16 elements), WHERE is `main` or
 * `worker`. Prints `{ growth, live }`: the growth of the process's resident
 * memory at its highest, and the live bytes, in bytes.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { memory, ops, type Tensor } from "../../src/index.ts";

interface Task {
  readonly kind: string;
  readonly count: number;
}

/** What it measured. */
export interface Measured {
  readonly growth: number;
  readonly live: number;
}

function forget({ kind, count }: Task): Measured {
  const size = kind === "large" ? 262_144 : 16;
  const one = ops.ones([size]);
  let x: Tensor = one;
  // Everything that is made once: pools, the first pages of the allocator.
  for (let i = 0; i < 10; i++) x = ops.add(x, one);
  const before = process.memoryUsage.rss();
  let highest = before;
  const every = Math.max(1, Math.floor(count / 200));
  for (let i = 0; i < count; i++) {
    x = ops.add(x, one);
    if (i % every === 0) highest = Math.max(highest, process.memoryUsage.rss());
  }
  highest = Math.max(highest, process.memoryUsage.rss());
  if (x.dataSync()[0] !== 11 + count) throw new Error(`wrong sum ${x.dataSync()[0]}`);
  return { growth: highest - before, live: memory().bytes };
}

const [kind = "small", count = "1000", where = "main"] = process.argv.slice(2);
if (!isMainThread) {
  parentPort?.postMessage(forget(workerData as Task));
} else if (where === "worker") {
  const worker = new Worker(fileURLToPath(import.meta.url), {
    workerData: { kind, count: Number(count) },
  });
  worker.on("message", (measured) => console.log(JSON.stringify(measured)));
} else {
  console.log(JSON.stringify(forget({ kind, count: Number(count) })));
}
