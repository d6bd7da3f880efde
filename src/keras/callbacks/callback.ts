/**
 * Callbacks: what users hook into training.
 *
 * @module
 */
import type { Trainer } from "../trainers/trainer.ts";

/** Values by name, at the end of a batch or an epoch. */
export type Logs = Record<string, number>;

/** What a hook may return: training waits for promises. */
export type HookResult = void | Promise<void>;

/**
 * The base of all callbacks: hooks that do nothing. They may be async.
 *
 * @example
 * class Report extends callbacks.Callback {
 *   onEpochEnd(epoch, logs) {
 *     console.log(epoch, logs.loss);
 *   }
 * }
 */
export class Callback {
  /** How training was called: epochs, steps, verbose. */
  params: Record<string, unknown> = {};
  #model: Trainer | null = null;

  /** Whether hooks after batches may come late (in order), so that training need not wait. */
  get asyncSafe(): boolean {
    return false;
  }

  get model(): Trainer {
    return this.#model as Trainer;
  }

  setParams(params: Record<string, unknown>): void {
    this.params = params;
  }
  setModel(model: Trainer): void {
    this.#model = model;
  }

  onTrainBegin(_logs?: Logs): HookResult {}
  onTrainEnd(_logs?: Logs): HookResult {}
  onEpochBegin(_epoch: number, _logs?: Logs): HookResult {}
  onEpochEnd(_epoch: number, _logs?: Logs): HookResult {}
  onTrainBatchBegin(_batch: number, _logs?: Logs): HookResult {}
  onTrainBatchEnd(_batch: number, _logs?: Logs): HookResult {}
  onTestBegin(_logs?: Logs): HookResult {}
  onTestEnd(_logs?: Logs): HookResult {}
  onTestBatchBegin(_batch: number, _logs?: Logs): HookResult {}
  onTestBatchEnd(_batch: number, _logs?: Logs): HookResult {}
  onPredictBegin(_logs?: Logs): HookResult {}
  onPredictEnd(_logs?: Logs): HookResult {}
  onPredictBatchBegin(_batch: number, _logs?: Logs): HookResult {}
  onPredictBatchEnd(_batch: number, _logs?: Logs): HookResult {}
}
