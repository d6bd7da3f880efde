/** Tests of src/ops/fourier.ts. */
import { beforeEach, describe, expect, test } from "vitest";
import {
  ArgumentError,
  DTypeError,
  ops,
  ShapeError,
  setDevice,
  type Tensor,
  tensor,
} from "../../src/index.ts";
import type { Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";

const wide = ["float32", "float64"] as const;
// Powers of 2 and 4, factors 3 and 5, primes (Bluestein), 1.
const lengths = [1, 2, 3, 4, 5, 7, 8, 12, 15, 16, 30, 11, 34];
const logLength = (...shapes: (readonly number[])[]): number => shapes[0]?.at(-1) ?? 1;

/** The transform along the last axis, not normalized, by its definition. */
function dft(re: Nd, im: Nd, sign: 1 | -1): readonly [Nd, Nd] {
  const n = re.shape.at(-1) as number;
  const outRe = new Float64Array(re.data.length);
  const outIm = new Float64Array(re.data.length);
  for (let at = 0; at < re.data.length; at += n) {
    for (let k = 0; k < n; k++) {
      for (let j = 0; j < n; j++) {
        const angle = (sign * 2 * Math.PI * ((j * k) % n)) / n;
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        const [x, y] = [re.data[at + j] as number, im.data[at + j] as number];
        outRe[at + k] = (outRe[at + k] as number) + x * c - y * s;
        outIm[at + k] = (outIm[at + k] as number) + x * s + y * c;
      }
    }
  }
  return [
    { shape: re.shape, data: outRe },
    { shape: re.shape, data: outIm },
  ];
}

const zeros = (x: Nd): Nd => ({ shape: x.shape, data: new Float64Array(x.data.length) });

/** The first bins, or zeros behind. */
function resized(x: Nd, length: number): Nd {
  const n = x.shape.at(-1) as number;
  const rows = n === 0 ? 0 : x.data.length / n;
  const data = new Float64Array(rows * length);
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < Math.min(n, length); k++)
      data[r * length + k] = x.data[r * n + k] as number;
  }
  return { shape: [...x.shape.slice(0, -1), length], data };
}

function rfft(x: Nd, length: number): readonly [Nd, Nd] {
  const given = resized(x, length);
  const [re, im] = dft(given, zeros(given), -1);
  const bins = Math.floor(length / 2) + 1;
  return [resized(re, bins), resized(im, bins)];
}

function irfft(re: Nd, im: Nd, length: number): Nd {
  const bins = Math.floor(length / 2) + 1;
  const [halfRe, halfIm] = [resized(re, bins), resized(im, bins)];
  const [wholeRe, wholeIm] = [resized(halfRe, length), resized(halfIm, length)];
  for (let at = 0; at < wholeRe.data.length; at += length) {
    wholeIm.data[at] = 0;
    if (length % 2 === 0) wholeIm.data[at + length / 2] = 0;
    for (let k = 1; k < length - k; k++) {
      wholeRe.data[at + length - k] = wholeRe.data[at + k] as number;
      wholeIm.data[at + length - k] = -(wholeIm.data[at + k] as number);
    }
  }
  const [out] = dft(wholeRe, wholeIm, 1);
  return { shape: out.shape, data: out.data.map((v) => v / length) };
}

const pairShapes = [
  ...lengths.map((n) => [[n], [n]]),
  [
    [3, 20],
    [3, 20],
  ],
  [
    [2, 9, 6],
    [2, 9, 6],
  ],
  [
    [19, 7],
    [19, 7],
  ],
  [
    [0, 4],
    [0, 4],
  ],
];

opTest("fft", {
  ops: ["fft"],
  run: (re, im) => ops.fft([re as Tensor, im as Tensor]),
  reference: (re, im) => dft(re as Nd, im as Nd, -1),
  shapes: pairShapes,
  dtypes: wide,
  length: logLength,
  unknownAxes: false,
});

/** Along the last two axes. */
function dft2(re: Nd, im: Nd, sign: 1 | -1, scale: number): readonly [Nd, Nd] {
  const swap = (x: Nd): Nd => {
    const [m, n] = x.shape.slice(-2) as [number, number];
    const data = new Float64Array(x.data.length);
    for (let at = 0; at < data.length; at++) {
      const [b, j, i] = [Math.floor(at / (m * n)), Math.floor(at / m) % n, at % m];
      data[at] = (x.data[(b * m + i) * n + j] as number) * 1;
    }
    return { shape: [...x.shape.slice(0, -2), n, m], data };
  };
  const [a, b] = dft(re, im, sign);
  const [c, d] = dft(swap(a), swap(b), sign);
  return [swap(c), swap(d)].map((x) => ({ ...x, data: x.data.map((v) => v * scale) })) as [Nd, Nd];
}

const planeShapes = [
  [
    [4, 8],
    [4, 8],
  ],
  [
    [2, 3, 5],
    [2, 3, 5],
  ],
  [
    [1, 7],
    [1, 7],
  ],
];
opTest("fft2", {
  run: (re, im) => ops.fft2([re as Tensor, im as Tensor]),
  reference: (re, im) => dft2(re as Nd, im as Nd, -1, 1),
  shapes: planeShapes,
  dtypes: wide,
  length: 32,
  unknownAxes: false,
});
opTest("ifft2", {
  run: (re, im) => ops.ifft2([re as Tensor, im as Tensor]),
  reference: (re, im) => {
    const [m, n] = (re as Nd).shape.slice(-2) as [number, number];
    return dft2(re as Nd, im as Nd, 1, 1 / (m * n));
  },
  shapes: planeShapes,
  dtypes: wide,
  length: 32,
  unknownAxes: false,
});

opTest("rfft", {
  ops: ["rfft", "irfft"],
  run: (x) => ops.rfft(x),
  reference: (x) => rfft(x, x.shape.at(-1) as number),
  shapes: [...lengths.map((n) => [n]), [3, 20], [2, 9, 6], [19, 7], [0, 4]],
  dtypes: wide,
  length: logLength,
  // All imaginary parts of short signals are 0, of terms up to 2.
  cancels: 2,
  unknownAxes: false,
});
for (const fftLength of [1, 5, 6, 12]) {
  opTest(`rfft, length ${fftLength}`, {
    run: (x) => ops.rfft(x, { fftLength }),
    reference: (x) => rfft(x, fftLength),
    shapes: [[8], [2, 3], [3, 2, 9]],
    dtypes: wide,
    length: 12,
  });
  opTest(`irfft, length ${fftLength}`, {
    run: (re, im) => ops.irfft([re as Tensor, im as Tensor], { fftLength }),
    reference: (re, im) => irfft(re as Nd, im as Nd, fftLength),
    shapes: [
      [[5], [5]],
      [
        [2, 3],
        [2, 3],
      ],
    ],
    dtypes: wide,
    length: 12,
  });
}
opTest("irfft", {
  ops: ["irfft"],
  run: (re, im) => ops.irfft([re as Tensor, im as Tensor]),
  reference: (re, im) => irfft(re as Nd, im as Nd, 2 * (((re as Nd).shape.at(-1) as number) - 1)),
  shapes: lengths.filter((n) => n > 1).map((n) => [[n], [n]]),
  dtypes: wide,
  length: logLength,
  unknownAxes: false,
});

describe("long transforms", () => {
  beforeEach(() => setDevice("cpu"));
  // 2^13 exceeds one buffer of a group of lanes; 8191 is a prime.
  test.each([4096, 8192, 8191, 7500, 20000])("of length %i", async (n) => {
    const values = Float64Array.from({ length: n }, (_, i) => Math.sin(i * i));
    const re = tensor(values, { dtype: "float64" });
    const im = ops.flip(re);
    const [a, b] = ops.fft([re, im]);
    // Backwards: the parts swap roles.
    const [d, c] = ops.fft([b, a]);
    const error = ops.max(
      ops.abs(
        ops.concatenate([ops.subtract(ops.divide(c, n), re), ops.subtract(ops.divide(d, n), im)]),
      ),
    );
    expect(Number(await error.item())).toBeLessThan(2 ** -52 * 16);
    // Some bins by the definition.
    const bins = await a.data();
    for (const k of [0, 1, 1234, n - 1]) {
      let sum = 0;
      for (let j = 0; j < n; j++) {
        const angle = (2 * Math.PI * ((j * k) % n)) / n;
        sum +=
          (values[j] as number) * Math.cos(angle) + (values[n - 1 - j] as number) * Math.sin(angle);
      }
      expect(Math.abs(Number(bins[k]) - sum)).toBeLessThan(1e-13 * n);
    }
    const [x, y] = ops.rfft(re);
    const back = ops.irfft([x, y], { fftLength: n });
    expect(Number(await ops.max(ops.abs(ops.subtract(back, re))).item())).toBeLessThan(
      2 ** -52 * 16,
    );
  });

  test("of float32 are near those of float64", async () => {
    for (const n of [4096, 4099]) {
      const x = tensor(Array.from({ length: n }, (_, i) => Math.sin(i * i)));
      const [a] = ops.rfft(x);
      const [b] = ops.rfft(ops.cast(x, "float64"));
      const error = ops.max(ops.abs(ops.subtract(a, b)));
      // Relative to the largest bin, about sqrt(n).
      expect(Number(await error.item())).toBeLessThan(2 ** -23 * Math.sqrt(n) * 4);
    }
  });
});

test("what is no pair", () => {
  const x = ops.ones([4]);
  expect(() => ops.fft(x as unknown as [Tensor, Tensor])).toThrow(ArgumentError);
  expect(() => ops.fft([x] as unknown as [Tensor, Tensor])).toThrow("pair [real, imaginary]");
  expect(() => ops.fft([x, ops.ones([3])])).toThrow(ShapeError);
  expect(() => ops.fft([x, ops.ones([4], { dtype: "int32" })])).toThrow(DTypeError);
  expect(() => ops.fft2([x, x])).toThrow("expected 2 axes or more");
  expect(() => ops.rfft(x, { fftLength: 0 })).toThrow(ArgumentError);
  expect(() => ops.rfft(1)).toThrow(ShapeError);
});
