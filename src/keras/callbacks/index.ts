/**
 * `keras.callbacks`.
 *
 * @module
 */
export { Callback, type Logs } from "./callback.ts";
export { CallbackList } from "./callback-list.ts";
export { EarlyStopping } from "./early-stopping.ts";
export { History } from "./history.ts";
export { LearningRateScheduler, ReduceLROnPlateau } from "./learning-rate.ts";
export { ModelCheckpoint } from "./model-checkpoint.ts";
export { ProgbarLogger } from "./progbar-logger.ts";
export { LambdaCallback, TerminateOnNaN } from "./small.ts";
