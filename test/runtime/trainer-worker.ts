/**
 * A worker thread that trains a small model, on the pool that all share.
 * Posts the losses of its epochs, or trains until it is terminated.
 *
 * @module
 */
import { parentPort, workerData } from "node:worker_threads";
import { Input, layers, Sequential, utils } from "../../src/index.ts";

const { seed, epochs } = workerData as { seed: number; epochs: number };
utils.setRandomSeed(seed);
const model = new Sequential([
  Input({ shape: [16] }),
  new layers.Dense(256, { activation: "relu" }),
  new layers.Dense(256, { activation: "relu" }),
  new layers.Dense(1),
]);
model.compile({ optimizer: "adam", loss: "mse" });
const x = new Float32Array(512 * 16).map((_, i) => Math.sin(i * (seed + 1)));
const y = new Float32Array(512).map((_, i) => Math.cos(i));
parentPort?.postMessage("training");
const { history } = await model.fit(
  Array.from({ length: 512 }, (_, i) => [...x.subarray(i * 16, i * 16 + 16)]),
  [...y].map((value) => [value]),
  { epochs, batchSize: 64, verbose: 0 },
);
parentPort?.postMessage(history["loss"]);
