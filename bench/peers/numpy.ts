/**
 * NumPy beside us, where Python has it.
 *
 * @module
 */
import { hasModules, PythonServer } from "./python-server.ts";

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
  readonly #server: PythonServer;

  private constructor(python: string) {
    this.#server = new PythonServer(python, "numpy_server.py");
  }

  /** KERATIN_PYTHON or python3, if it has NumPy. */
  static find(): Numpy | null {
    const python = process.env["KERATIN_PYTHON"] ?? "python3";
    return hasModules(python, ["numpy"]) ? new Numpy(python) : null;
  }

  time(request: NumpyRequest): Promise<NumpyReply> {
    return this.#server.ask(request);
  }

  close(): void {
    this.#server.close();
  }
}
