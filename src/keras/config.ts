/**
 * `keras.config`: global settings.
 *
 * @module
 */
import { UnsupportedError } from "../util/errors.ts";

export { floatx, setFloatx } from "../runtime/precision.ts";
export {
  disableFlashAttention,
  enableFlashAttention,
  epsilon,
  imageDataFormat,
  isFlashAttentionEnabled,
  setEpsilon,
  setImageDataFormat,
} from "../runtime/settings.ts";
export {
  disableTracebackFiltering,
  enableTracebackFiltering,
  isTracebackFilteringEnabled,
} from "../util/errors.ts";
export { dtypePolicy, setDtypePolicy } from "./dtype-policies.ts";
export { maxEpochs, maxStepsPerEpoch, setMaxEpochs, setMaxStepsPerEpoch } from "./limits.ts";
export {
  disableInteractiveLogging,
  enableInteractiveLogging,
  isInteractiveLoggingEnabled,
} from "./utils/interactive.ts";

/**
 * The name of what computes: always `"keratin"`. Which device that is, `device()` tells.
 *
 * @example
 * config.backend(); // "keratin"
 */
export function backend(): string {
  return "keratin";
}

/**
 * There for Keras's sake: there is one backend here. Devices are set with `setDevice`.
 *
 * @throws {UnsupportedError} For any other name than `"keratin"`.
 */
export function setBackend(name: string): void {
  if (name !== "keratin") {
    throw new UnsupportedError(
      `setBackend: there is no backend "${name}" here, only "keratin". ` +
        "To compute on another device: await setDevice(name).",
    );
  }
}

/**
 * There for Keras's sake: a file never runs code here, so there is nothing
 * that safe mode would hold back.
 *
 * @throws {UnsupportedError} Always.
 */
export function enableUnsafeDeserialization(): void {
  throw new UnsupportedError(
    "enableUnsafeDeserialization: files do not run code here. Register the classes and functions " +
      "that a file names with saving.registerKerasSerializable.",
  );
}
