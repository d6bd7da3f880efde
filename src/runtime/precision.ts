/**
 * Settings of precision: the default float, the autocast scope, the precision
 * of float32 matrix products.
 *
 * @module
 */
import { type DType, isFloat } from "../util/dtypes.ts";
import { ArgumentError, describe } from "../util/errors.ts";
import { bumpTraceEpoch } from "./epoch.ts";

let defaultFloat: DType = "float32";
let autocast: DType | null = null;

/**
 * The dtype of floats where none is given.
 *
 * @example
 * floatx(); // "float32"
 */
export function floatx(): DType {
  return defaultFloat;
}

/**
 * Sets the default float: float16, bfloat16, float32 or float64.
 *
 * @throws {ArgumentError} For anything else.
 */
export function setFloatx(value: DType): void {
  if (!isFloat(value)) {
    throw new ArgumentError(
      `setFloatx: expected "float16", "bfloat16", "float32" or "float64", got ${describe(value)}.`,
    );
  }
  if (value !== defaultFloat) bumpTraceEpoch();
  defaultFloat = value;
}

/** The dtype that float variables are read as, or null: as they are. */
export function autocastDType(): DType | null {
  return autocast;
}

/** Runs `fn` with float variables read as `dtype`; null: as they are. */
export function withAutocast<T>(dtype: DType | null, fn: () => T): T {
  const previous = autocast;
  autocast = dtype;
  try {
    return fn();
  } finally {
    autocast = previous;
  }
}
