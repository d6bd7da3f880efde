/**
 * Keras's global settings beside the default float.
 *
 * @module
 */
import { ArgumentError, describe } from "../util/errors.ts";
import { bumpTraceEpoch } from "./epoch.ts";

/** Where the channels of images are. */
export type DataFormat = "channels_last" | "channels_first";

let fuzz = 1e-7;
let format: DataFormat = "channels_last";

/**
 * The small number that keeps divisions and logarithms finite.
 *
 * @example
 * epsilon(); // 1e-7
 */
export function epsilon(): number {
  return fuzz;
}

/** Sets the small number. */
export function setEpsilon(value: number): void {
  fuzz = value;
  bumpTraceEpoch();
}

/** Where channels are by default. */
export function imageDataFormat(): DataFormat {
  return format;
}

/** Sets where channels are by default. @throws {ArgumentError} For an unknown format. */
export function setImageDataFormat(value: DataFormat): void {
  format = standardizeDataFormat(value);
  bumpTraceEpoch();
}

/** A given format, or the default. @throws {ArgumentError} For an unknown format. */
export function standardizeDataFormat(value: string | null | undefined): DataFormat {
  if (value === null || value === undefined) return format;
  const lower = value.toLowerCase();
  if (lower !== "channels_last" && lower !== "channels_first") {
    throw new ArgumentError(
      `data_format: expected "channels_last" or "channels_first", got ${describe(value)}.`,
    );
  }
  return lower;
}

let flashAttention: boolean | null = null;

/** Whether attention may run as one kernel in tiles; null: it has not been said. */
export function isFlashAttentionEnabled(): boolean | null {
  return flashAttention;
}

/** Lets attention run as one kernel in tiles, which is the default. */
export function enableFlashAttention(): void {
  flashAttention = true;
  bumpTraceEpoch();
}

/** Has attention computed by products and a softmax, with its whole matrix of scores. */
export function disableFlashAttention(): void {
  flashAttention = false;
  bumpTraceEpoch();
}
