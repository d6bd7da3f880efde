/**
 * @module
 */
import { Progbar } from "../utils/progbar.ts";
import { Callback, type Logs } from "./callback.ts";

/** Draws Keras's progress bar. `fit` and its like add one unless `verbose` is 0. */
export class ProgbarLogger extends Callback {
  #bar: Progbar | null = null;
  #seen = 0;
  #inFit = false;

  override get asyncSafe(): boolean {
    return true;
  }

  get #verbose(): number {
    return Number(this.params["verbose"] ?? 1);
  }

  #start(): void {
    this.#seen = 0;
    this.#bar = new Progbar((this.params["steps"] as number | null | undefined) ?? null, {
      verbose: this.#verbose,
    });
  }

  #update(batch: number, logs: Logs = {}): void {
    this.#seen = batch + 1;
    if (this.#verbose === 1) this.#bar?.update(this.#seen, logs, false);
  }

  #finish(logs: Logs = {}): void {
    this.#bar?.update(this.#seen, logs, true);
  }

  override onTrainBegin(): void {
    this.#inFit = true;
  }
  override onTrainEnd(): void {
    this.#inFit = false;
  }

  override onEpochBegin(epoch: number): void {
    this.#start();
    const epochs = Number(this.params["epochs"] ?? 1);
    if (this.#verbose && epochs > 1) Progbar.write(`Epoch ${epoch + 1}/${epochs}\n`);
  }
  override onTrainBatchEnd(batch: number, logs?: Logs): void {
    this.#update(batch, logs);
  }
  override onEpochEnd(_epoch: number, logs?: Logs): void {
    this.#finish(logs);
  }

  override onTestBegin(): void {
    if (!this.#inFit) this.#start();
  }
  override onTestBatchEnd(batch: number, logs?: Logs): void {
    if (!this.#inFit) this.#update(batch, logs);
  }
  override onTestEnd(logs?: Logs): void {
    if (!this.#inFit) this.#finish(logs);
  }

  override onPredictBegin(): void {
    this.#start();
  }
  override onPredictBatchEnd(batch: number): void {
    this.#update(batch);
  }
  override onPredictEnd(): void {
    this.#finish();
  }
}
