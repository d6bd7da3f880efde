/**
 * Storage: the bytes under tensors and variables, counted.
 *
 * @module
 */
import { DisposedError } from "../util/errors.ts";
import type { Backend } from "./backend.ts";

/**
 * A buffer of a backend. Tensors that are views of each other share one.
 *
 * The backend frees the buffer when the count reaches zero or, where it can
 * watch objects weakly, some time after this object is no longer reachable.
 */
export class Storage {
  readonly backend: Backend;
  readonly bytes: number;
  /** The backend's number for it; -1 before it exists. */
  handle = -1;
  /** Whether the buffer has been freed. */
  isFreed = false;
  /** How many tensors and variables share it. */
  references = 1;

  constructor(backend: Backend, bytes: number) {
    this.backend = backend;
    this.bytes = bytes;
  }

  retain(): Storage {
    this.references++;
    return this;
  }

  release(): void {
    if (--this.references === 0 && !this.isFreed) {
      if (this.handle >= 0) this.backend.release(this);
      this.isFreed = true;
    }
  }

  /** @throws {DisposedError} If the buffer has been freed. */
  check(what: string): void {
    if (this.isFreed) {
      throw new DisposedError(
        `${what}: this tensor has been disposed. Keep it out of tidy (return it from the ` +
          "function) or do not call dispose() before its last use.",
      );
    }
  }
}
