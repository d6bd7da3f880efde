/**
 * NumPy beside us, where Python has it.
 *
 * @module
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** What to time there. */
export interface NumpyRequest {
  readonly setup: string;
  readonly run: string;
  readonly calls: number;
  readonly rounds: number;
}

/** What came out. */
export interface NumpyReply {
  readonly ns: number;
  readonly sum: number;
  readonly version: string;
}

/** A Python process that times expressions one after the other. */
export class Numpy {
  readonly #process: ChildProcess;
  readonly #replies: AsyncIterator<string>;

  private constructor(python: string) {
    const script = join(dirname(fileURLToPath(import.meta.url)), "numpy_server.py");
    // These slow a current NumPy down; they are there for older builds.
    const { OPENBLAS_CORETYPE: _core, OPENBLAS_L2_SIZE: _l2, ...env } = process.env;
    this.#process = spawn(python, [script], { stdio: ["pipe", "pipe", "inherit"], env });
    this.#replies = createInterface({
      input: this.#process.stdout as NonNullable<ChildProcess["stdout"]>,
    })[Symbol.asyncIterator]();
  }

  /** KERATIN_PYTHON or python3, if it has NumPy. */
  static find(): Numpy | null {
    const python = process.env["KERATIN_PYTHON"] ?? "python3";
    const { status } = spawnSync(python, ["-c", "import numpy"], { stdio: "ignore" });
    return status === 0 ? new Numpy(python) : null;
  }

  async time(request: NumpyRequest): Promise<NumpyReply> {
    this.#process.stdin?.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#replies.next();
    if (done) throw new Error(`NumPy ended at ${request.run}`);
    return JSON.parse(value as string) as NumpyReply;
  }

  close(): void {
    this.#process.stdin?.end();
  }
}
