/**
 * What is alive, without what earlier tests left to the garbage collector.
 *
 * @module
 */
import { setImmediate } from "node:timers/promises";
import { requireAddon } from "../../src/backends/native/loader.ts";
import { memory } from "../../src/runtime/device.ts";

/** Storages and bytes that are alive once all garbage is gone: what a leak is counted from. */
export async function settledMemory(): Promise<{ storages: number; bytes: number }> {
  if (globalThis.gc === undefined) throw new Error("Tests need node --expose-gc.");
  for (;;) {
    const { storages, bytes } = memory();
    globalThis.gc();
    requireAddon().sweep();
    // Finalizers run in a turn of their own.
    await setImmediate();
    if (memory().storages === storages) return { storages, bytes };
  }
}
