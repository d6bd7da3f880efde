/**
 * Small callbacks.
 *
 * @module
 */
import { Callback, type Logs } from "./callback.ts";

/**
 * Ends training when the loss is no number any more.
 *
 * @example
 * new callbacks.TerminateOnNaN() instanceof callbacks.Callback; // true
 */
export class TerminateOnNaN extends Callback {
  override onTrainBatchEnd(batch: number, logs: Logs = {}): void {
    const { loss } = logs;
    if (loss !== undefined && !Number.isFinite(loss)) {
      console.warn(`Batch ${batch}: Invalid loss, terminating training`);
      this.model.stopTraining = true;
    }
  }
}

/** Functions for some of a callback's hooks. */
export type LambdaHooks = Partial<
  Pick<
    Callback,
    | "onEpochBegin"
    | "onEpochEnd"
    | "onTrainBegin"
    | "onTrainEnd"
    | "onTrainBatchBegin"
    | "onTrainBatchEnd"
  >
>;

/**
 * A callback of functions.
 *
 * @example
 * new callbacks.LambdaCallback({ onEpochEnd: (epoch, logs) => console.log(epoch, logs) });
 */
export class LambdaCallback extends Callback {
  constructor(hooks: LambdaHooks = {}) {
    super();
    Object.assign(this, hooks);
  }
}
