/**
 * @module
 */
import { Callback, type Logs } from "./callback.ts";

/** Remembers the values of each epoch. `fit` returns it. */
export class History extends Callback {
  /** Values by name, one for each epoch. */
  readonly history: Record<string, number[]> = {};
  /** The epochs that ran, from 0. */
  epoch: number[] = [];

  override onTrainBegin(): void {
    this.epoch = [];
  }

  override onEpochEnd(epoch: number, logs: Logs = {}): void {
    this.epoch.push(epoch);
    for (const [name, value] of Object.entries(logs)) {
      this.history[name] ??= [];
      (this.history[name] as number[]).push(value);
    }
    this.model.history = this;
  }
}
