/**
 * Special functions in float64, to about 1e-15.
 *
 * @module
 */

/** 1 - erf(x) for x >= 0.5, by the continued fraction of Laplace. */
function erfcTail(x: number): number {
  let fraction = 0;
  for (let k = x < 2.5 ? 1200 : 120; k >= 1; k--) fraction = k / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}

/** The error function: its series e^(-x^2) sum 2^n x^(2n+1) / (2n+1)!! near 0. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a >= 6.5) return Math.sign(x);
  if (a >= 2.5) return Math.sign(x) * (1 - erfcTail(a));
  let term = x;
  let sum = x;
  for (let n = 1; n < 120; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
    if (Math.abs(term) <= 1e-18 * Math.abs(sum)) break;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** 1 - erf(x), with all digits where that is small. */
export function erfc(x: number): number {
  // From 0.5 on 1 - erf(x) would lose digits.
  return x >= 0.5 ? erfcTail(x) : 1 - erf(x);
}

/** The inverse of erf, by Newton's method from the guess of Winitzki (2008). */
export function erfinv(y: number): number {
  if (Math.abs(y) === 1) return y * Number.POSITIVE_INFINITY;
  if (!(Math.abs(y) < 1)) return Number.NaN;
  if (y === 0) return y;
  const l = Math.log1p(-y * y);
  const t = 2 / (Math.PI * 0.147) + l / 2;
  const size = Math.abs(y);
  let x = Math.sqrt(Math.sqrt(t * t - l / 0.147) - t);
  // Tiny arguments cancel in the guess.
  if (size < 1e-3) x = (Math.sqrt(Math.PI) / 2) * size;
  for (let i = 0; i < 8; i++) {
    // From 1/2 on erf loses what erfc has, and 1 - y is exact.
    const rest = size < 0.5 ? erf(x) - size : 1 - size - erfc(x);
    const step = rest / ((2 / Math.sqrt(Math.PI)) * Math.exp(-x * x));
    x -= step;
    if (Math.abs(step) <= 1e-12 * x) break;
  }
  return Math.sign(y) * x;
}

/** 1 / (1 + e^-x). */
export function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

/** log(1 + e^x). */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** Rounded to an integer, halves to even. */
export function roundHalfEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  if (rest !== 0.5) return rest < 0.5 ? low : low + 1;
  return low % 2 === 0 ? low : low + 1;
}

// Rows may be too long to be spread into the arguments of a call.
function largest(row: readonly number[]): number {
  return row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}

/** The softmax of a row. */
export function softmaxRow(row: readonly number[]): number[] {
  const top = largest(row);
  const e = row.map((v) => Math.exp(v - top));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / sum);
}

/** The logarithm of the softmax of a row. */
export function logSoftmaxRow(row: readonly number[]): number[] {
  const top = largest(row);
  const sum = row.reduce((total, v) => total + Math.exp(v - top), 0);
  return row.map((v) => v - top - Math.log(sum));
}
