/**
 * All callbacks of one run, called together.
 *
 * @module
 */
import type { Trainer } from "../trainers/trainer.ts";
import { Callback, type Logs } from "./callback.ts";
import { History } from "./history.ts";
import { ProgbarLogger } from "./progbar-logger.ts";

/** Options of `CallbackList`. */
export interface CallbackListOptions {
  addHistory?: boolean;
  addProgbar?: boolean;
  model: Trainer;
  params: Record<string, unknown>;
}

/** The hooks after a batch, by mode. */
const batchEnd = {
  train: "onTrainBatchEnd",
  test: "onTestBatchEnd",
  predict: "onPredictBatchEnd",
} as const;

const batchBegin = {
  train: "onTrainBatchBegin",
  test: "onTestBatchBegin",
  predict: "onPredictBatchBegin",
} as const;

/** What runs. */
export type Mode = keyof typeof batchEnd;

/** Values that may still be on their way. */
export type LateLogs = () => Promise<Logs>;

interface Late {
  readonly batch: number;
  readonly mode: Mode;
  logs: Logs | null;
  error: unknown;
}

/** Calls hooks in order; those that allow it come late, when values are there. */
export class CallbackList {
  readonly callbacks: readonly Callback[];
  /** Ordered: values that have come are passed on as soon as all before them have. */
  readonly #late: Late[] = [];
  #pending: Promise<void>[] = [];

  constructor(
    given: Callback | readonly Callback[] | null | undefined,
    options: CallbackListOptions,
  ) {
    const callbacks: Callback[] =
      given === null || given === undefined ? [] : given instanceof Callback ? [given] : [...given];
    if (options.addProgbar && !callbacks.some((c) => c instanceof ProgbarLogger)) {
      callbacks.unshift(new ProgbarLogger());
    }
    if (options.addHistory && !callbacks.some((c) => c instanceof History)) {
      callbacks.push(new History());
    }
    this.callbacks = callbacks;
    for (const callback of callbacks) {
      callback.setModel(options.model);
      callback.setParams(options.params);
    }
  }

  get history(): History | undefined {
    return this.callbacks.find((callback): callback is History => callback instanceof History);
  }

  /** Calls a hook of every callback. */
  async call(
    hook: Exclude<keyof Callback, "params" | "model" | "asyncSafe" | "setParams" | "setModel">,
    ...args: unknown[]
  ): Promise<void> {
    for (const callback of this.callbacks) {
      const result = (callback[hook] as (...args: unknown[]) => unknown)(...args);
      if (result instanceof Promise) await result;
    }
  }

  async batchBegin(mode: Mode, batch: number): Promise<void> {
    for (const callback of this.#overriding(batchBegin[mode])) {
      const result = callback[batchBegin[mode]](batch, {});
      if (result instanceof Promise) await result;
    }
  }

  /** A batch has ended: callbacks that cannot wait for its values make training wait. */
  async batchEnd(mode: Mode, batch: number, values: LateLogs): Promise<void> {
    const hook = batchEnd[mode];
    const all = this.#overriding(hook);
    const now = all.filter((callback) => !callback.asyncSafe);
    if (now.length < all.length) this.#enqueue(mode, batch, values);
    if (now.length === 0) {
      await this.#deliver();
      return;
    }
    const logs = await values();
    await this.flush();
    for (const callback of now) {
      const result = callback[hook](batch, logs);
      if (result instanceof Promise) await result;
    }
  }

  /** Whether anybody wants to know about batches. */
  wantsBatches(mode: Mode): boolean {
    return this.#overriding(batchEnd[mode]).length > 0;
  }

  #overriding(hook: keyof Callback): Callback[] {
    return this.callbacks.filter((callback) => callback[hook] !== Callback.prototype[hook]);
  }

  #enqueue(mode: Mode, batch: number, values: LateLogs): void {
    const late: Late = { batch, mode, logs: null, error: null };
    this.#late.push(late);
    this.#pending.push(
      values().then(
        (logs) => {
          late.logs = logs;
        },
        (error) => {
          late.error = error;
        },
      ),
    );
  }

  async #deliver(): Promise<void> {
    while (this.#late.length > 0) {
      const { mode, batch, logs, error } = this.#late[0] as Late;
      if (error !== null) throw error;
      if (logs === null) return;
      this.#late.shift();
      for (const callback of this.#overriding(batchEnd[mode])) {
        if (!callback.asyncSafe) continue;
        const result = callback[batchEnd[mode]](batch, logs);
        if (result instanceof Promise) await result;
      }
    }
    this.#pending = [];
  }

  /** Waits for all values and passes them on. */
  async flush(): Promise<void> {
    await Promise.all(this.#pending);
    await this.#deliver();
  }
}
