/**
 * Files for tests: folders that go away, archives with anything in them.
 *
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync, zipSync } from "fflate";
import { onTestFinished } from "vitest";
import { Input, layers, type Model, Sequential } from "../../../src/index.ts";
import { floats } from "../../support/data.ts";

/** An empty folder, gone after the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "keratin-test-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** An archive with some members replaced, added, or (null) left out. */
export function repacked(
  archive: Uint8Array,
  changes: Readonly<Record<string, Uint8Array | string | null>>,
  level: 0 | 9 = 0,
): Uint8Array {
  const files: Record<string, Uint8Array> = unzipSync(archive);
  for (const [name, contents] of Object.entries(changes)) {
    if (contents === null) delete files[name];
    else files[name] = typeof contents === "string" ? new TextEncoder().encode(contents) : contents;
  }
  return zipSync(files, { level });
}

/** The config in an archive. */
export function configOf(archive: Uint8Array): Record<string, unknown> {
  const text = new TextDecoder().decode(unzipSync(archive)["config.json"]);
  return JSON.parse(text) as Record<string, unknown>;
}

/** The weights in an archive. */
export function weightsOf(archive: Uint8Array): Uint8Array {
  return unzipSync(archive)["model.weights.h5"] as Uint8Array;
}

/** A copy with bytes changed. */
export function patched(data: Uint8Array, at: number, ...bytes: number[]): Uint8Array {
  const copy = data.slice();
  copy.set(bytes, at);
  return copy;
}

/** Where some bytes first stand. */
export function find(data: Uint8Array, bytes: ArrayLike<number>, from = 0): number {
  for (let at = from; at + bytes.length <= data.length; at++) {
    let i = 0;
    while (i < bytes.length && data[at + i] === bytes[i]) i++;
    if (i === bytes.length) return at;
  }
  throw new Error("These bytes are not there.");
}

/** A model with state of every kind: weights, statistics, seeds, slots of an optimizer. */
export function makeModel(optimizer: unknown = "adam"): Sequential {
  const model = new Sequential(
    [
      Input({ shape: [4] }),
      new layers.Dense(5, { activation: "relu", name: "first" }),
      new layers.BatchNormalization({ name: "norm" }),
      new layers.Dropout(0.3, { seed: 4, name: "drop" }),
      new layers.Dense(2, { name: "last" }),
    ],
    { name: "saved" },
  );
  model.compile({ optimizer: optimizer as "adam", loss: "mse", metrics: ["mae"] });
  return model;
}

/** Trains for some epochs, the same each time. */
export async function train(model: Model, from: number, to: number): Promise<number[]> {
  const { history } = await model.fit(floats([24, 4], 1), floats([24, 2], 2), {
    batchSize: 8,
    initialEpoch: from,
    epochs: to,
    shuffle: false,
    verbose: 0,
  });
  return history["loss"] as number[];
}

/** Everything that training changes. */
export async function stateOf(model: Model): Promise<number[][]> {
  const variables = [...model.variables, ...(model.optimizer?.variables ?? [])];
  return Promise.all(
    variables.map(async (v) => Array.from((await v.data()) as ArrayLike<number>, Number)),
  );
}
