/**
 * Errors of float32 functions in units in the last place.
 *
 * @module
 */
import { ops, type Tensor, tensor } from "../../src/index.ts";
import { erf, erfc, erfinv, sigmoid } from "./special.ts";

/** A function under test, its float64 reference and the error allowed. */
export interface UlpCase {
  readonly name: string;
  readonly run: (x: Tensor) => Tensor;
  readonly reference: (x: number) => number;
  /** In units of the last place of the exact result. */
  readonly bound: number;
}

/** The functions that are swept. */
export const ulpCases: readonly UlpCase[] = [
  { name: "exp", run: ops.exp, reference: Math.exp, bound: 2 },
  { name: "exp2", run: ops.exp2, reference: (x) => 2 ** x, bound: 2 },
  { name: "cbrt", run: ops.cbrt, reference: Math.cbrt, bound: 2 },
  { name: "expm1", run: ops.expm1, reference: Math.expm1, bound: 2 },
  { name: "log", run: ops.log, reference: Math.log, bound: 2 },
  { name: "log1p", run: ops.log1p, reference: Math.log1p, bound: 2 },
  { name: "log2", run: ops.log2, reference: Math.log2, bound: 2 },
  { name: "sqrt", run: ops.sqrt, reference: Math.sqrt, bound: 0.5 },
  { name: "rsqrt", run: ops.rsqrt, reference: (x) => 1 / Math.sqrt(x), bound: 2 },
  { name: "sin", run: ops.sin, reference: Math.sin, bound: 2 },
  { name: "cos", run: ops.cos, reference: Math.cos, bound: 2 },
  { name: "tan", run: ops.tan, reference: Math.tan, bound: 2 },
  { name: "tanh", run: ops.tanh, reference: Math.tanh, bound: 2 },
  { name: "sinh", run: ops.sinh, reference: Math.sinh, bound: 2 },
  { name: "cosh", run: ops.cosh, reference: Math.cosh, bound: 2 },
  { name: "arcsin", run: ops.arcsin, reference: Math.asin, bound: 2 },
  { name: "arccos", run: ops.arccos, reference: Math.acos, bound: 2 },
  { name: "arctan", run: ops.arctan, reference: Math.atan, bound: 2 },
  { name: "arcsinh", run: ops.arcsinh, reference: Math.asinh, bound: 2 },
  { name: "arccosh", run: ops.arccosh, reference: Math.acosh, bound: 2 },
  { name: "arctanh", run: ops.arctanh, reference: Math.atanh, bound: 2 },
  { name: "erf", run: ops.erf, reference: erf, bound: 2 },
  // The C library's: below 3 units in its own documentation.
  { name: "erfc", run: ops.erfc, reference: erfc, bound: 3 },
  { name: "sigmoid", run: ops.sigmoid, reference: sigmoid, bound: 2 },
  // As XLA computes it, from log1p(-x * x), so that normal draws are those of
  // Keras on JAX: rounding x * x near 1 costs these digits.
  { name: "erfinv", run: ops.erfinv, reference: erfinv, bound: 128 },
];

/** The worst result of a sweep. */
export interface UlpResult {
  /** 0.5 where all results are the nearest float32. */
  readonly ulps: number;
  readonly x: number;
  readonly got: number;
  readonly expected: number;
  /** The first result that is NaN, infinite, a zero or of a sign where that is wrong. */
  readonly wrong: string | null;
}

const exponentOf = new DataView(new ArrayBuffer(8));

/** The distance between float32 numbers around a value. */
export function unitOf(value: number): number {
  exponentOf.setFloat64(0, Math.abs(value));
  const exponent = ((exponentOf.getUint32(0) >>> 20) & 0x7ff) - 1023;
  return 2 ** (Math.max(exponent, -126) - 23);
}

/** Runs a case over every `step`th bit pattern of float32, from `first`. */
export async function sweep(
  { run, reference }: UlpCase,
  step: number,
  first = 0,
): Promise<UlpResult> {
  const block = 1 << 20;
  let worst = { ulps: 0.5, x: 0, got: 0, expected: 0 };
  let wrong: string | null = null;
  for (let start = first; start < 2 ** 32; start += block * step) {
    const size = Math.min(block, Math.ceil((2 ** 32 - start) / step));
    const bits = Uint32Array.from({ length: size }, (_, i) => start + i * step);
    const xs = new Float32Array(bits.buffer);
    const x = tensor(xs);
    const y = run(x);
    const got = (await y.data()) as Float32Array;
    x.dispose();
    y.dispose();
    for (let i = 0; i < size; i++) {
      const at = xs[i] as number;
      const value = got[i] as number;
      const expected = reference(at);
      const rounded = Math.fround(expected);
      // The nearest float32: off by half a unit at most.
      if (value === rounded && (value !== 0 || Object.is(value, rounded))) continue;
      if (Number.isNaN(value) && Number.isNaN(expected)) continue;
      if (
        Number.isNaN(value) !== Number.isNaN(expected) ||
        (rounded === 0 && expected === 0) ||
        Math.sign(value) * Math.sign(expected) < 0 ||
        (!Number.isFinite(value) && Math.abs(expected) < 3.4028e38)
      ) {
        wrong ??= `f(${at}) is ${value}, expected ${expected}`;
        continue;
      }
      // An infinite result stands for the number after the greatest.
      const finite = Number.isFinite(value) ? value : Math.sign(value) * 2 ** 128;
      const ulps = Math.abs(finite - expected) / Math.min(unitOf(expected), 2 ** 104);
      if (ulps > worst.ulps) worst = { ulps, x: at, got: value, expected };
    }
  }
  return { ...worst, wrong };
}
