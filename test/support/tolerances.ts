/**
 * How far results may be from their references.
 *
 * A float result may differ by `ulps` units in the last place of its dtype,
 * times the square root of the number of terms where terms are added up
 * (rounding errors of a sum are independent). Half types accumulate in float32
 * and round once, so the number of terms hardly counts for them.
 *
 * @module
 */
import { type DType, isFloat, isInteger, itemSize } from "../../src/util/dtypes.ts";
import {
  fromBFloat16Bits,
  fromFloat16Bits,
  toBFloat16Bits,
  toFloat16Bits,
} from "../../src/util/half.ts";

interface Precision {
  /** The distance from 1 to the next number. */
  readonly unit: number;
  readonly ulps: number;
  /** The smallest positive number: nothing can be nearer than this to 0. */
  readonly smallest: number;
  readonly growsWithLength: boolean;
}

const table: Readonly<Record<string, Precision>> = {
  float64: { unit: 2 ** -52, ulps: 4, smallest: 2 ** -1074, growsWithLength: true },
  float32: { unit: 2 ** -23, ulps: 4, smallest: 2 ** -149, growsWithLength: true },
  float16: { unit: 2 ** -10, ulps: 1, smallest: 2 ** -24, growsWithLength: false },
  bfloat16: { unit: 2 ** -7, ulps: 1, smallest: 2 ** -133, growsWithLength: false },
};

/** What else decides how near a result must be. */
export interface Accuracy {
  /** How many terms are added up for one element. */
  readonly length: number;
  /** How many results in a row are rounded to the dtype. */
  readonly steps: number;
}

/**
 * The greatest error allowed of an element of value `expected`, where
 * `magnitude` is the size of the terms that cancel in it (0: none do).
 */
export function tolerance(
  dtype: DType,
  expected: number,
  magnitude: number,
  { length, steps }: Accuracy,
): number {
  const precision = table[dtype];
  if (precision === undefined) return 0;
  const { unit, ulps, smallest, growsWithLength } = precision;
  const growth = growsWithLength ? Math.sqrt(Math.max(1, length)) : 1;
  return unit * ulps * steps * growth * Math.max(Math.abs(expected), magnitude) + smallest * steps;
}

/** A float64 as the dtype would hold it; integers wrap around. */
export function roundTo(dtype: DType, value: number): number {
  if (isInteger(dtype) && Number.isFinite(value)) {
    const bits = itemSize(dtype) * 8;
    const whole = BigInt(Math.trunc(value));
    return Number(
      dtype.startsWith("uint") ? BigInt.asUintN(bits, whole) : BigInt.asIntN(bits, whole),
    );
  }
  if (dtype === "float32") return Math.fround(value);
  if (dtype === "float16") return fromFloat16Bits(toFloat16Bits(value));
  if (dtype === "bfloat16") return fromBFloat16Bits(toBFloat16Bits(value));
  return value;
}

/** Whether results of a dtype have to be equal. */
export function isExact(dtype: DType): boolean {
  return !isFloat(dtype);
}

/** Derivatives in float64 against finite differences of order 4, see `differences`. */
export const gradientTolerance = {
  /** Relative to the sum of the sizes of the products in ⟨v, Jᵀu⟩. */
  relative: 1e-7,
  /** Relative to ⟨|u|, |f|⟩: rounding of f divided by the step. */
  noise: 1e-11,
  /** The step. Its fourth power is the error of the differences. */
  step: 1e-3,
} as const;
