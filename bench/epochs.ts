/**
 * Whole epochs of `fit`, the feeding of data included, and cold starts: from
 * starting the process to the end of its first training step.
 *
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { type Model, Sequential, type Tensor, tensor } from "../src/index.ts";
import { besidePeers, type Figure, processMilliseconds } from "./measure.ts";
import { convnetLayers, models } from "./models.ts";
import { findTrainingPeers } from "./peers/training.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const text = process.env["KERATIN_TEXT"] ?? join(root, "../shared/data/tinyshakespeare.txt");

interface Epoch {
  readonly model: Model;
  readonly x: Tensor;
  readonly y: Tensor;
  readonly batchSize: number;
}

/** The network of the quickstart on its 8,000 digits. */
function digits(): Epoch {
  const read = (name: string, header: number): Buffer =>
    gunzipSync(readFileSync(join(root, "examples/data", name))).subarray(header);
  const count = 8000;
  const pixels = read("t10k-images-idx3-ubyte.gz", 16).subarray(0, count * 784);
  const labels = read("t10k-labels-idx1-ubyte.gz", 8).subarray(0, count);
  const model = new Sequential(convnetLayers([16, 32], 0.3, "softmax"));
  model.compile({
    optimizer: "adam",
    loss: "sparse_categorical_crossentropy",
    metrics: ["accuracy"],
  });
  return {
    model,
    x: tensor(
      Float32Array.from(pixels, (byte) => byte / 255),
      { shape: [count, 28, 28, 1] },
    ),
    y: tensor(Int32Array.from(labels)),
    batchSize: 64,
  };
}

/** The transformer of the training steps on the first 262,144 letters of a text. */
function letters(): Epoch {
  const all = readFileSync(text, "utf8");
  const alphabet = [...new Set(all)].sort();
  const codes = new Map(alphabet.map((letter, i) => [letter, i]));
  const [rows, length] = [2048, 128];
  const at = (shift: number): Tensor =>
    tensor(
      Int32Array.from(
        { length: rows * length },
        (_, i) => codes.get(all[i + shift] as string) as number,
      ),
      { shape: [rows, length] },
    );
  const { model } = (models["gpt"] as NonNullable<(typeof models)[string]>)();
  return { model, x: at(0), y: at(1), batchSize: 32 };
}

const epochs: Readonly<Record<string, () => Epoch>> = {
  digits,
  ...(existsSync(text) ? { letters } : {}),
};

/** Seconds of an epoch at best, and the longest that a timer had to wait in it, in milliseconds. */
async function timeEpoch(make: () => Epoch): Promise<{ seconds: number; delay: number }> {
  const { model, x, y, batchSize } = make();
  await model.fit(x, y, { batchSize, epochs: 1, verbose: 0 });
  let seconds = Number.POSITIVE_INFINITY;
  const delays: number[] = [];
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    delays.push(now - last - 1);
    last = now;
  }, 1);
  for (let round = 0; round < 3; round++) {
    const start = performance.now();
    await model.fit(x, y, { batchSize, epochs: 1, verbose: 0 });
    seconds = Math.min(seconds, (performance.now() - start) / 1000);
  }
  clearInterval(timer);
  delays.sort((a, b) => a - b);
  return { seconds, delay: delays[Math.floor(0.99 * delays.length)] as number };
}

/** The process that `keratin` is imported in, from its start to its end. */
function coldStart(): number | null {
  const entry = join(root, "dist/index.js");
  if (!existsSync(entry)) return null;
  const code = `
    const { Input, layers, Sequential, ops } = await import(${JSON.stringify(entry)});
    const model = new Sequential([
      Input({ shape: [784] }),
      new layers.Dense(512, { activation: "relu" }),
      new layers.Dense(512, { activation: "relu" }),
      new layers.Dense(10),
    ]);
    model.compile({ optimizer: "adam", loss: "mse" });
    await model.trainOnBatch(ops.ones([128, 784]), ops.ones([128, 10]));`;
  return processMilliseconds(process.execPath, ["--input-type=module", "-e", code], {
    rounds: 5,
  });
}

/** Epochs and cold start, ours and those of the peers that have `fit`. */
export async function epochsBench(filter: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  if (!existsSync(text)) console.log(`letters is skipped: there is no ${text} (KERATIN_TEXT)`);
  const peers = findTrainingPeers().flatMap(({ name, keras, close }) =>
    keras === null ? [] : [{ name, keras, close }],
  );
  for (const [name, make] of Object.entries(epochs)) {
    if (!name.includes(filter)) continue;
    const { seconds, delay } = await timeEpoch(make);
    const theirs: [string, number][] = [];
    for (const { name: peer, keras } of peers) theirs.push([peer, await keras.fit(name, text)]);
    figures.push(...besidePeers({ name: `${name}, epoch`, value: seconds, unit: "s" }, theirs), {
      name: `${name}, delay of timers, 99th percentile`,
      value: delay,
      unit: "ms",
      reach: 20,
    });
  }
  if ("cold start".includes(filter)) {
    const value = coldStart();
    if (value === null) console.log("cold start is skipped: there is no dist (npm run build)");
    else {
      const theirs = peers.map(({ name, keras }) => [name, keras.coldStart()] as const);
      figures.push(...besidePeers({ name: "cold start of mlp", value, unit: "ms" }, theirs));
    }
  }
  for (const peer of peers) peer.close();
  return figures;
}
