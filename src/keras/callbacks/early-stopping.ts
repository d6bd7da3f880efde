/**
 * @module
 */
import type { Tensor } from "../../tensor/tensor.ts";
import type { Logs } from "./callback.ts";
import { MonitorCallback, type MonitorOptions } from "./monitor.ts";

/** Options of `EarlyStopping`. */
export interface EarlyStoppingOptions extends MonitorOptions {
  /** Epochs without improvement that are let pass. */
  patience?: number | undefined;
  verbose?: number | undefined;
  /** A value to be beaten. */
  baseline?: number | null | undefined;
  /** Whether the weights of the best epoch come back at the end. */
  restoreBestWeights?: boolean | undefined;
  /** Epochs before it begins to watch. */
  startFromEpoch?: number | undefined;
}

/**
 * Ends training when a value no longer gets better.
 *
 * @example
 * const stop = new callbacks.EarlyStopping({ monitor: "loss", patience: 3 });
 * stop.patience; // 3
 */
export class EarlyStopping extends MonitorCallback {
  readonly patience: number;
  readonly verbose: number;
  readonly baseline: number | null;
  readonly restoreBestWeights: boolean;
  readonly startFromEpoch: number;
  wait = 0;
  stoppedEpoch = 0;
  bestEpoch = 0;
  bestWeights: Tensor[] | null = null;

  constructor(options: EarlyStoppingOptions = {}) {
    super({ ...options, baseline: null });
    this.patience = options.patience ?? 0;
    this.verbose = options.verbose ?? 0;
    this.baseline = options.baseline ?? null;
    this.restoreBestWeights = options.restoreBestWeights ?? false;
    this.startFromEpoch = options.startFromEpoch ?? 0;
  }

  override onTrainBegin(): void {
    this.wait = 0;
    this.stoppedEpoch = 0;
    this.best = null;
    this.bestWeights = null;
    this.bestEpoch = 0;
  }

  override onEpochEnd(epoch: number, logs: Logs = {}): void {
    const value = this.watched(logs, "early stopping");
    if (value === undefined || epoch < this.startFromEpoch) return;
    if (this.restoreBestWeights && this.bestWeights === null) this.#remember(epoch);
    this.wait++;
    if (this.isImprovement(value, this.best)) {
      this.best = value;
      this.bestEpoch = epoch;
      if (this.restoreBestWeights) this.#remember(epoch);
      // Better than before is not yet good enough.
      if (this.baseline === null || this.isImprovement(value, this.baseline)) this.wait = 0;
      return;
    }
    if (this.wait >= this.patience && epoch > 0) {
      this.stoppedEpoch = epoch;
      this.model.stopTraining = true;
    }
  }

  override onTrainEnd(): void {
    if (this.stoppedEpoch > 0 && this.verbose > 0) {
      console.log(`Epoch ${this.stoppedEpoch + 1}: early stopping`);
    }
    if (this.restoreBestWeights && this.bestWeights !== null) {
      if (this.verbose > 0) {
        console.log(
          `Restoring model weights from the end of the best epoch: ${this.bestEpoch + 1}.`,
        );
      }
      this.model.setWeights(this.bestWeights);
      for (const tensor of this.bestWeights) tensor.dispose();
      this.bestWeights = null;
    }
  }

  #remember(epoch: number): void {
    for (const tensor of this.bestWeights ?? []) tensor.dispose();
    this.bestWeights = this.model.getWeights();
    this.bestEpoch = epoch;
  }
}
