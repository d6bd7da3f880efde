/**
 * Finds and loads the native addon.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { DeviceError } from "../../util/errors.ts";

/** What the addon exports; `native/addon.cc` says what each does. */
export interface Addon {
  configure(commands: Int32Array, collectGarbage: ((thorough: boolean) => void) | null): void;
  kernels(): [name: string, dtypes: number][];
  run(...owners: object[]): number;
  create(owner: object, bytes: number, data: ArrayBufferView | null): number;
  alias(owner: object, handle: number): number;
  release(handle: number): void;
  assign(target: number, source: number | ArrayBufferView): number;
  read(handle: number, bytes: number): ArrayBuffer | number;
  fence(handle: number): number;
  whenDone(sequence: number): Promise<void>;
  submit(...owners: object[]): number;
  prepare(words: Int32Array, constants: Uint8Array, held: Int32Array): number;
  releaseProgram(program: number): void;
  programInfo(program: number): ProgramInfo | null;
  cancel(sequence: number): void;
  errorOf(sequence: number): number;
  describeError(error: number): NativeError;
  injectFault(instruction: number, cancels: boolean): void;
  synchronize(): void;
  submitted(): number;
  memory(): { storages: number; bytes: number; cachedBytes: number; peakBytes: number };
  sweep(): number;
  trim(): void;
  resetPeak(): void;
  setThreads(count: number): number;
  info(): NativeInfo;
}

/** What is known of a prepared program. */
export interface ProgramInfo {
  readonly instructions: number;
  readonly commitStart: number;
  readonly arenaBytes: number;
  /** Of the last run; negative before the first. */
  readonly lastSeconds: number;
}

/** An error as native code keeps it. */
export interface NativeError {
  readonly kind: "none" | "kernel" | "memory" | "cancelled" | "fault";
  readonly instruction: number;
  readonly message: string;
}

/** How the addon was built and what it runs on. */
export interface NativeInfo {
  readonly isa: string;
  readonly supported: readonly string[];
  readonly threads: number;
  readonly compiler: string;
  readonly planVersion: number;
}

/** One try to load the addon. */
export interface LoadAttempt {
  readonly path: string;
  readonly origin: string;
  /** Why it failed; undefined for the one that worked. */
  readonly error?: string;
}

/** The addon, if any try worked, and all tries. */
export interface LoadResult {
  readonly addon: Addon | null;
  readonly attempts: readonly LoadAttempt[];
}

function packageRoots(): string[] {
  // Empty in some bundles: then only the installed package can help.
  const here = import.meta.url;
  const roots: string[] = [];
  if (here) roots.push(resolve(dirname(fileURLToPath(here)), "../../.."));
  try {
    const require = createRequire(here || join(process.cwd(), "index.js"));
    const installed = dirname(require.resolve("keratin/package.json"));
    if (!roots.includes(installed)) roots.push(installed);
  } catch {
    // Not installed under its name: the first root is all there is.
  }
  return roots;
}

/** Tries every place where the addon may be, in order, until one works. */
export function loadAddon(): LoadResult {
  const candidates: { path: string; origin: string }[] = [];
  const named = process.env["KERATIN_NATIVE"];
  if (named) candidates.push({ path: resolve(named), origin: "KERATIN_NATIVE" });
  const platform = `${process.platform}-${process.arch}`;
  for (const root of packageRoots()) {
    candidates.push(
      { path: join(root, "build/Release/keratin.node"), origin: "built here" },
      { path: join(root, `prebuilds/${platform}/keratin.node`), origin: "prebuilt" },
    );
  }
  const attempts: LoadAttempt[] = [];
  const require = createRequire(import.meta.url || join(process.cwd(), "index.js"));
  for (const { path, origin } of candidates) {
    if (!existsSync(path)) {
      attempts.push({ path, origin, error: "no such file" });
      continue;
    }
    try {
      const addon = require(path) as Addon;
      attempts.push({ path, origin });
      return { addon, attempts };
    } catch (error) {
      attempts.push({
        path,
        origin,
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }
  return { addon: null, attempts };
}

/** The attempts, a line each. */
export function formatAttempts(attempts: readonly LoadAttempt[]): string {
  return attempts
    .map(({ path, origin, error }) => `  ${path} (${origin}): ${error ?? "loaded"}`)
    .join("\n");
}

let loaded: Addon | null = null;

/**
 * The addon, loaded once.
 *
 * @throws {DeviceError} If no attempt worked; the message lists them all.
 */
export function requireAddon(): Addon {
  if (loaded !== null) return loaded;
  const { addon, attempts } = loadAddon();
  if (addon === null) {
    throw new DeviceError(
      `The native addon cannot be loaded on ${process.platform}-${process.arch}, ` +
        `Node ${process.version}. Tried:\n${formatAttempts(attempts)}\n` +
        "Build it with `npx keratin build` (it needs a C++20 compiler and CMake), or set " +
        "KERATIN_NATIVE to the path of a keratin.node made for this machine.",
    );
  }
  loaded = addon;
  return addon;
}
