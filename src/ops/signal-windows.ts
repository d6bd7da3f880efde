/**
 * Window functions: short vectors of floatx, computed in float64.
 *
 * @module
 */
import { floatx } from "../runtime/precision.ts";
import { fromStored, toStored, type WeakFloat } from "../tensor/create.ts";
import { type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ArgumentError, describe } from "../util/errors.ts";
import { numberOf } from "./dynamic-shape.ts";

/** `length` values of a function of the place from 0 to 1; a single one is 1. */
function sampled(
  op: string,
  given: number | WeakFloat | Tensor,
  value: (t: number) => number,
): Tensor {
  const length = numberOf(op, given);
  if (!Number.isFinite(length)) {
    throw new ArgumentError(`${op}: expected a length, got ${describe(length)}.`, { op });
  }
  const n = Math.max(0, Math.ceil(length));
  const values = Array.from({ length: n }, (_, i) => (n === 1 ? 1 : value(i / (n - 1))));
  return fromStored(toStored(values, floatx()), [n], floatx());
}

/** The type of a window function of a length. */
export type WindowFunction = (x: number | WeakFloat | Tensor) => Tensor;

function windowOp(name: string, value: (t: number) => number): PublicOp<WindowFunction> {
  return publicOp(`keras.ops.${name}`, { x: tensorArgument }, (x) => sampled(name, x, value));
}

const cosine = (t: number): number => Math.cos(2 * Math.PI * t);

/**
 * A triangle from 0 over 1 to 0.
 *
 * @example
 * await ops.bartlett(5).array(); // [0, 0.5, 1, 0.5, 0]
 */
export const bartlett: PublicOp<WindowFunction> = windowOp(
  "bartlett",
  (t) => 1 - Math.abs(2 * t - 1),
);
/**
 * 0.5 - 0.5 cos(2 pi t).
 *
 * @example
 * await ops.hanning(5).array(); // [0, 0.5, 1, 0.5, 0]
 */
export const hanning: PublicOp<WindowFunction> = windowOp("hanning", (t) => 0.5 - 0.5 * cosine(t));
/**
 * 0.54 - 0.46 cos(2 pi t).
 *
 * @example
 * await ops.hamming(5).array(); // [0.0800, 0.5400, 1, 0.5400, 0.0800]
 */
export const hamming: PublicOp<WindowFunction> = windowOp(
  "hamming",
  (t) => 0.54 - 0.46 * cosine(t),
);
/**
 * 0.42 - 0.5 cos(2 pi t) + 0.08 cos(4 pi t).
 *
 * @example
 * await ops.sum(ops.blackman(5)).item(); // 1.6800
 */
export const blackman: PublicOp<WindowFunction> = windowOp(
  "blackman",
  (t) => 0.42 - 0.5 * cosine(t) + 0.08 * cosine(2 * t),
);

/** log(I0(x)): the sum of ((x / 2)^k / k!)^2 with its terms kept near 1. */
function logBesselI0(x: number): number {
  const logHalf = Math.log(Math.abs(x) / 2);
  if (x === 0) return 0;
  // The largest term is that of k = x / 2.
  const peak = Math.floor(Math.abs(x) / 2);
  let logPeak = 0;
  for (let k = 1; k <= peak; k++) logPeak += 2 * (logHalf - Math.log(k));
  let sum = 1;
  let term = 1;
  for (let k = peak + 1; term > sum * 2 ** -54; k++) {
    term *= ((x / 2 / k) * x) / 2 / k;
    sum += term;
  }
  term = 1;
  for (let k = peak; k > 0 && term > sum * 2 ** -54; k--) {
    term *= (((2 * k) / x) * 2 * k) / x;
    sum += term;
  }
  return logPeak + Math.log(sum);
}

/**
 * I0(beta sqrt(1 - (2t - 1)^2)) / I0(beta), of the Bessel function I0.
 *
 * @example
 * await ops.kaiser(3, 2).array(); // [0.4387, 1, 0.4387]
 */
export const kaiser: PublicOp<
  (x: number | WeakFloat | Tensor, beta: number | WeakFloat | Tensor) => Tensor
> = publicOp("keras.ops.kaiser", { x: tensorArgument, beta: tensorArgument }, (x, given) => {
  const beta = numberOf("kaiser", given);
  const whole = logBesselI0(beta);
  return sampled("kaiser", x, (t) => {
    const root = Math.sqrt(Math.max(0, 1 - (2 * t - 1) ** 2));
    return Math.exp(logBesselI0(beta * root) - whole);
  });
});
