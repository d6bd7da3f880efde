/**
 * Window functions by SciPy's names.
 *
 * Source: Harris 1978, On the use of windows for harmonic analysis with the
 * discrete Fourier transform; SciPy's `signal.windows` for names and ends.
 *
 * @module
 */
import { ArgumentError } from "./errors.ts";

/** Coefficients a_k of sum((-1)^k a_k cos(2 pi k n / (N - 1))). */
const cosineSums: Readonly<Record<string, readonly number[]>> = {
  boxcar: [1],
  hann: [0.5, 0.5],
  hamming: [0.54, 0.46],
  blackman: [0.42, 0.5, 0.08],
  nuttall: [0.3635819, 0.4891775, 0.1365995, 0.0106411],
  blackmanharris: [0.35875, 0.48829, 0.14128, 0.01168],
  flattop: [0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368],
};

const aliases: Readonly<Record<string, string>> = {
  box: "boxcar",
  ones: "boxcar",
  rect: "boxcar",
  rectangular: "boxcar",
  hanning: "hann",
  han: "hann",
  hamm: "hamming",
  ham: "hamming",
  black: "blackman",
  blk: "blackman",
  nutl: "nuttall",
  nut: "nuttall",
  blackharr: "blackmanharris",
  bkh: "blackmanharris",
  flat: "flattop",
  flt: "flattop",
  bart: "bartlett",
  brt: "bartlett",
  triang: "triang",
  tri: "triang",
  triangle: "triang",
  halfcosine: "cosine",
  bohman: "bohman",
  bman: "bohman",
  bmn: "bohman",
};

/** Windows of `length` points that are symmetric. */
const others: Readonly<Record<string, (n: number, length: number) => number>> = {
  bartlett: (n, length) => 1 - Math.abs((2 * n) / (length - 1) - 1),
  triang: (n, length) => {
    const half = Math.floor((length + 1) / 2);
    const k = n < half ? n + 1 : length - n;
    return length % 2 === 0 ? (2 * k - 1) / length : (2 * k) / (length + 1);
  },
  cosine: (n, length) => Math.sin((Math.PI / length) * (n + 0.5)),
  parzen: (n, length) => {
    const x = Math.abs(n - (length - 1) / 2);
    const r = x / (length / 2);
    return x <= (length - 1) / 4 ? 1 - 6 * r * r * (1 - r) : 2 * (1 - r) ** 3;
  },
  bohman: (n, length) => {
    const f = Math.abs(-1 + (2 * n) / (length - 1));
    return n === 0 || n === length - 1
      ? 0
      : (1 - f) * Math.cos(Math.PI * f) + Math.sin(Math.PI * f) / Math.PI;
  },
};

/**
 * The points of a window.
 *
 * @param periodic Whether the next period would go on from the end, as for
 *   spectra; else both ends are alike.
 * @throws {ArgumentError} If there is no such window.
 */
export function windowByName(name: string, length: number, periodic: boolean): Float64Array {
  const known = aliases[name] ?? name;
  const sums = cosineSums[known];
  const other = others[known];
  if (sums === undefined && other === undefined) {
    throw new ArgumentError(
      `There is no window "${name}". Known: ${[...Object.keys(cosineSums), ...Object.keys(others)].join(", ")}.`,
    );
  }
  // A periodic window is a symmetric one of a point more, without it.
  const points = periodic && length > 1 ? length + 1 : length;
  const window = new Float64Array(length);
  for (let n = 0; n < length; n++) {
    if (points === 1) window[n] = 1;
    else if (other !== undefined) window[n] = other(n, points);
    else {
      let value = 0;
      for (const [k, a] of (sums as readonly number[]).entries()) {
        value += (k % 2 === 0 ? 1 : -1) * a * Math.cos((2 * Math.PI * k * n) / (points - 1));
      }
      window[n] = value;
    }
  }
  return window;
}
