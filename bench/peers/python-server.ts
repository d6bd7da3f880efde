/**
 * A Python process that answers a line of JSON with a line of JSON.
 *
 * @module
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Whether a Python can import all of these modules. */
export function hasModules(
  python: string,
  modules: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): boolean {
  const env = { ...process.env, ...variables };
  const code = `import ${modules.join(", ")}`;
  return spawnSync(python, ["-c", code], { stdio: "ignore", env }).status === 0;
}

/** A script of this folder, running. */
export class PythonServer {
  readonly #script: string;
  readonly #process: ChildProcess;
  readonly #replies: AsyncIterator<string>;

  constructor(
    python: string,
    script: string,
    args: readonly string[] = [],
    variables: Readonly<Record<string, string>> = {},
  ) {
    this.#script = script;
    const path = join(dirname(fileURLToPath(import.meta.url)), script);
    // These slow a current NumPy down; they are there for older builds.
    const { OPENBLAS_CORETYPE: _core, OPENBLAS_L2_SIZE: _l2, ...env } = process.env;
    this.#process = spawn(python, [path, ...args], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...env, ...variables },
    });
    this.#replies = createInterface({
      input: this.#process.stdout as NonNullable<ChildProcess["stdout"]>,
    })[Symbol.asyncIterator]();
  }

  async ask<R>(request: unknown): Promise<R> {
    this.#process.stdin?.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#replies.next();
    if (done) throw new Error(`${this.#script} ended at ${JSON.stringify(request)}`);
    return JSON.parse(value as string) as R;
  }

  close(): void {
    this.#process.stdin?.end();
  }
}
