/**
 * Callbacks that change the learning rate.
 *
 * @module
 */
import { tidy } from "../../tensor/tidy.ts";
import { ArgumentError, describe } from "../../util/errors.ts";
import { Callback, type Logs } from "./callback.ts";
import { MonitorCallback, type MonitorOptions } from "./monitor.ts";

async function currentRate(callback: Callback): Promise<number> {
  const { optimizer } = callback.model;
  if (optimizer === null)
    throw new ArgumentError("There is no optimizer: compile the model first.");
  const rate = tidy(() => optimizer.learningRate);
  try {
    return Number(await rate.item());
  } finally {
    rate.dispose();
  }
}

/** The rate of an epoch, from its number (from 0) and the rate before. */
export type RateSchedule = (epoch: number, rate: number) => number;

/**
 * Sets the rate at the start of each epoch.
 *
 * @example
 * const halve = new callbacks.LearningRateScheduler((epoch, rate) => (epoch < 5 ? rate : rate / 2));
 * halve.verbose; // 0
 */
export class LearningRateScheduler extends Callback {
  readonly schedule: RateSchedule;
  readonly verbose: number;

  constructor(schedule: RateSchedule, options: { verbose?: number | undefined } = {}) {
    super();
    this.schedule = schedule;
    this.verbose = options.verbose ?? 0;
  }

  override async onEpochBegin(epoch: number): Promise<void> {
    const rate = this.schedule(epoch, await currentRate(this));
    if (typeof rate !== "number") {
      throw new ArgumentError(
        `LearningRateScheduler: the schedule must return a number, got ${describe(rate)}.`,
      );
    }
    if (this.model.optimizer !== null) this.model.optimizer.learningRate = rate;
    if (this.verbose > 0) {
      console.log(`Epoch ${epoch + 1}: LearningRateScheduler setting learning rate to ${rate}.`);
    }
  }

  override async onEpochEnd(_epoch: number, logs: Logs = {}): Promise<void> {
    logs["learning_rate"] = await currentRate(this);
  }
}

/** Options of `ReduceLROnPlateau`. */
export interface ReduceLROnPlateauOptions extends MonitorOptions {
  /** What the rate is multiplied with. */
  factor?: number | undefined;
  /** Epochs without improvement that are let pass. */
  patience?: number | undefined;
  verbose?: number | undefined;
  /** Epochs after a change in which nothing is counted. */
  cooldown?: number | undefined;
  minLr?: number | undefined;
}

/**
 * Lowers the rate when a value no longer gets better.
 *
 * @example
 * new callbacks.ReduceLROnPlateau({ factor: 0.5, patience: 2 }).factor; // 0.5
 */
export class ReduceLROnPlateau extends MonitorCallback {
  readonly factor: number;
  readonly patience: number;
  readonly verbose: number;
  readonly cooldown: number;
  readonly minLr: number;
  wait = 0;
  cooldownCounter = 0;

  constructor(options: ReduceLROnPlateauOptions = {}) {
    super({ minDelta: 1e-4, ...options });
    this.factor = options.factor ?? 0.1;
    this.patience = options.patience ?? 10;
    this.verbose = options.verbose ?? 0;
    this.cooldown = options.cooldown ?? 0;
    this.minLr = options.minLr ?? 0;
    if (this.factor >= 1) {
      throw new ArgumentError(`ReduceLROnPlateau: factor must be below 1, got ${this.factor}.`);
    }
  }

  override onTrainBegin(): void {
    this.best = null;
    this.wait = 0;
    this.cooldownCounter = 0;
  }

  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    const rate = await currentRate(this);
    logs["learning_rate"] = rate;
    const value = this.watched(logs, "lowering the rate");
    if (value === undefined) return;
    if (this.cooldownCounter > 0) {
      this.cooldownCounter--;
      this.wait = 0;
    }
    if (this.isImprovement(value, this.best)) {
      this.best = value;
      this.wait = 0;
      return;
    }
    if (this.cooldownCounter > 0) return;
    this.wait++;
    if (this.wait < this.patience || !(rate > Math.fround(this.minLr))) return;
    const lower = Math.max(rate * this.factor, this.minLr);
    if (this.model.optimizer !== null) this.model.optimizer.learningRate = lower;
    if (this.verbose > 0) {
      console.log(`Epoch ${epoch + 1}: ReduceLROnPlateau reducing learning rate to ${lower}.`);
    }
    this.cooldownCounter = this.cooldown;
    this.wait = 0;
  }
}
