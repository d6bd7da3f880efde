/** Tests of src/ops/signal.ts. */
import { expect, test } from "vitest";
import {
  ArgumentError,
  DTypeError,
  ops,
  ShapeError,
  type Tensor,
  tensor,
} from "../../src/index.ts";
import { uniform } from "../support/inputs.ts";
import { count, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";

const wide = ["float32", "float64"] as const;

function rowsOf(x: Nd): number[][] {
  const n = x.shape.at(-1) as number;
  return Array.from({ length: count(x.shape.slice(0, -1)) }, (_, r) =>
    Array.from(x.data.subarray(r * n, (r + 1) * n)),
  );
}

function sequences(row: readonly number[], length: number, stride: number): number[][] {
  const found: number[][] = [];
  for (let at = 0; at + length <= row.length; at += stride) found.push(row.slice(at, at + length));
  return found;
}

for (const [length, stride] of [
  [4, 2],
  [3, 3],
  [2, 5],
  [1, 1],
  [9, 1],
] as const) {
  opTest(`extractSequences, length ${length}, stride ${stride}`, {
    run: (x) => ops.extractSequences(x, length, stride),
    reference: (x) => {
      const rows = rowsOf(x).map((row) => sequences(row, length, stride));
      const n = x.shape.at(-1) as number;
      const found = n < length ? 0 : Math.floor((n - length) / stride) + 1;
      return {
        shape: [...x.shape.slice(0, -1), found, length],
        data: Float64Array.from(rows.flat(2)),
      };
    },
    shapes: [[10], [2, 9], [2, 3, 8], [0, 6]],
    unknownAxes: false,
  });
}

const cosine = (offset: number, length: number): number[] =>
  Array.from({ length }, (_, k) => offset - (1 - offset) * Math.cos((2 * Math.PI * k) / length));

function padded(window: readonly number[] | null, length: number, fftLength: number): number[] {
  const before = Math.floor((fftLength - length) / 2);
  return Array.from({ length: fftLength }, (_, k) =>
    window === null ? 1 : (window[k - before] ?? 0),
  );
}

interface Setting {
  readonly window: "hann" | "hamming" | null;
  readonly center: boolean;
  readonly length: number;
  readonly stride: number;
  readonly fftLength: number;
}

const settings: readonly Setting[] = [
  { window: "hann", center: true, length: 8, stride: 4, fftLength: 8 },
  { window: "hamming", center: false, length: 6, stride: 3, fftLength: 8 },
  { window: null, center: true, length: 5, stride: 2, fftLength: 7 },
];
const windowOf = ({ window, length }: Setting): number[] | null =>
  window === null ? null : cosine(window === "hann" ? 0.5 : 0.54, length);

function stft(x: Nd, setting: Setting): readonly [Nd, Nd] {
  const { center, length, stride, fftLength } = setting;
  const window = padded(windowOf(setting), length, fftLength);
  const bins = Math.floor(fftLength / 2) + 1;
  const half = center ? Math.floor(fftLength / 2) : 0;
  const [re, im]: [number[], number[]] = [[], []];
  let found = 0;
  for (const row of rowsOf(x)) {
    const mirrored = [
      ...row.slice(1, half + 1).reverse(),
      ...row,
      ...row.slice(row.length - 1 - half, row.length - 1).reverse(),
    ];
    const frames = sequences(mirrored, fftLength, stride);
    found = frames.length;
    for (const frame of frames) {
      for (let k = 0; k < bins; k++) {
        let [a, b] = [0, 0];
        for (const [j, value] of frame.entries()) {
          const angle = (2 * Math.PI * j * k) / fftLength;
          a += value * (window[j] as number) * Math.cos(angle);
          b -= value * (window[j] as number) * Math.sin(angle);
        }
        re.push(a);
        im.push(b);
      }
    }
  }
  const shape = [...x.shape.slice(0, -1), found, bins];
  return [
    { shape, data: Float64Array.from(re) },
    { shape, data: Float64Array.from(im) },
  ];
}

for (const setting of settings) {
  const { window, center, length, stride, fftLength } = setting;
  opTest(`stft, window ${window}, center ${center}`, {
    run: (x) => ops.stft(x, length, stride, fftLength, { window, center }),
    reference: (x) => stft(x, setting),
    shapes: [[16], [2, 19]],
    dtypes: wide,
    length: 8,
    cancels: 2,
    unknownAxes: false,
  });
  opTest(`istft of stft, window ${window}, center ${center}`, {
    // Back to the signal where the windows cover it; without one, times the overlap.
    run: (x) => {
      const signal = ops.istft(
        ops.stft(x, length, stride, fftLength, { window, center }),
        length,
        stride,
        fftLength,
        { window, center },
      );
      return signal;
    },
    reference: (x) => {
      const factor = padded(windowOf(setting), length, fftLength);
      const half = center ? Math.floor(fftLength / 2) : 0;
      const rows = rowsOf(x).map((row) => {
        const mirrored = [
          ...row.slice(1, half + 1).reverse(),
          ...row,
          ...row.slice(row.length - 1 - half, row.length - 1).reverse(),
        ];
        const frames = sequences(mirrored, fftLength, stride);
        const total = fftLength + stride * (frames.length - 1);
        const out = new Array<number>(total).fill(0);
        // Of all windows at this place of the stride, whether or not a frame is there.
        const norm = (j: number): number => {
          let sum = 0;
          for (let k = j % stride; k < fftLength; k += stride) sum += (factor[k] as number) ** 2;
          return window === null ? 1 : sum;
        };
        for (const [t, frame] of frames.entries()) {
          for (const [j, value] of frame.entries()) {
            const w = factor[j] as number;
            out[t * stride + j] = (out[t * stride + j] as number) + (value * w * w) / norm(j);
          }
        }
        return out.slice(half, center ? total - half : total);
      });
      const n = rows[0]?.length ?? 0;
      return { shape: [...x.shape.slice(0, -1), n], data: Float64Array.from(rows.flat()) };
    },
    shapes: [[16], [2, 19]],
    dtypes: wide,
    length: 16,
    cancels: 2,
    unknownAxes: false,
  });
}

opTest("stft with a window of one's own", {
  run: (x, w) => ops.stft(x as Tensor, 4, 2, 4, { window: w as Tensor, center: false }),
  reference: (x, w) => {
    const [re, im]: [number[], number[]] = [[], []];
    const frames = rowsOf(x as Nd).flatMap((row) => sequences(row, 4, 2));
    for (const frame of frames) {
      const [a, b, c, d] = frame.map((v, j) => v * ((w as Nd).data[j] as number)) as [
        number,
        number,
        number,
        number,
      ];
      re.push(a + b + c + d, a - c, a - b + c - d);
      im.push(0, d - b, 0);
    }
    const shape = [...(x as Nd).shape.slice(0, -1), frames.length, 3];
    return [
      { shape, data: Float64Array.from(re) },
      { shape, data: Float64Array.from(im) },
    ];
  },
  shapes: [[[11], [4]]],
  inputs: [uniform(), uniform(0.5, 1.5)],
  dtypes: wide,
  length: 4,
  cancels: 2,
  unknownAxes: false,
  internal: true,
});

test("lengths of istft", () => {
  const spectrum = ops.stft(ops.ones([24]), 8, 4, 8);
  expect(ops.istft(spectrum, 8, 4, 8).shape).toEqual([24]);
  expect(ops.istft(spectrum, 8, 4, 8, { length: 10 }).shape).toEqual([10]);
  expect(ops.istft(spectrum, 8, 4, 8, { length: 1000 }).shape).toEqual([28]);
  expect(ops.istft(spectrum, 8, 4, 8, { center: false }).shape).toEqual([32]);
});

test("what does not fit", () => {
  const x = ops.ones([16]);
  expect(() => ops.stft(x, 8, 4, 4)).toThrow("fftLength must not be less than sequenceLength");
  expect(() => ops.stft(x, 8, 0, 8)).toThrow(ArgumentError);
  expect(() => ops.stft(ops.array([1, 2]), 1, 1, 1)).toThrow(DTypeError);
  expect(() => ops.stft(x, 8, 4, 8, { window: [1, 2] })).toThrow(ShapeError);
  expect(() => ops.stft(x, 8, 4, 8, { window: "kaiser" as "hann" })).toThrow(ArgumentError);
  expect(() => ops.istft([x, x], 8, 4, 8)).toThrow(ShapeError);
  expect(() => ops.extractSequences(tensor(1), 1, 1)).toThrow(ShapeError);
  expect(() => ops.extractSequences(x, 1.5, 1)).toThrow(ArgumentError);
});
