/**
 * `keras.callbacks`.
 *
 * @module
 */
export { Callback, type Logs } from "./callback.ts";
export { CallbackList } from "./callback-list.ts";
export { EarlyStopping } from "./early-stopping.ts";
export { History } from "./history.ts";
export { ProgbarLogger } from "./progbar-logger.ts";
