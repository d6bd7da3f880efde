/**
 * `keras.backend`: what Keras 3 keeps of its old backend module.
 *
 * @module
 */
import { floatx } from "../runtime/precision.ts";
import {
  type DType,
  isFloat,
  isInteger,
  type PromotionDType,
  resultType as promoted,
  standardizeDType,
} from "../util/dtypes.ts";
import { getUid as nextUid } from "../util/naming.ts";

/**
 * A number for a prefix that was not given out before: 1, 2, … until
 * `utils.clearSession`.
 *
 * @example
 * const first = backend.getUid("example");
 * backend.getUid("example") - first; // 1
 */
export function getUid(prefix: string = ""): number {
  return nextUid(prefix);
}

/**
 * Whether a dtype is one of floats.
 *
 * @example
 * backend.isFloatDtype("bfloat16"); // true
 */
export function isFloatDtype(dtype: string): boolean {
  return isFloat(standardizeDType(dtype, floatx()));
}

/**
 * Whether a dtype is one of integers.
 *
 * @example
 * backend.isIntDtype("uint8"); // true
 */
export function isIntDtype(dtype: string): boolean {
  return isInteger(standardizeDType(dtype, floatx()));
}

/**
 * The dtype that values of these dtypes are computed in together; `"int"` and
 * `"float"` stand for Python's numbers.
 *
 * @example
 * backend.resultType("int32", "bfloat16"); // "bfloat16"
 */
export function resultType(...dtypes: (DType | "int" | "float" | null)[]): DType {
  const given = dtypes.map((dtype): PromotionDType => {
    if (dtype === "int" || dtype === "float") return dtype;
    return standardizeDType(dtype, floatx());
  });
  return promoted(given.length === 0 ? ["float"] : given, floatx());
}
