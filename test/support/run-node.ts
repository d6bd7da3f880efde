/**
 * Programs of the tests in processes of their own.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root. */
export const root: string = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** What a program printed and how it ended. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  /** null: killed, by a signal or the time limit. */
  readonly code: number | null;
  readonly milliseconds: number;
}

/** Options of `runNode`. */
export interface RunOptions {
  readonly args?: readonly string[];
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly timeout?: number;
}

/** Runs a TypeScript or JavaScript file of the repository with Node. */
export function runNode(file: string, options: RunOptions = {}): Promise<Outcome> {
  const { args = [], nodeArgs = [], env = {}, cwd = root, timeout = 120_000 } = options;
  const loader = join(root, "scripts/ts-loader.mjs");
  const started = Date.now();
  return new Promise((done) => {
    execFile(
      process.execPath,
      [...nodeArgs, "--import", loader, resolve(root, file), ...args],
      { cwd, timeout, env: { ...process.env, ...env }, maxBuffer: 1 << 24 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : null;
        done({ stdout, stderr, code, milliseconds: Date.now() - started });
      },
    );
  });
}
