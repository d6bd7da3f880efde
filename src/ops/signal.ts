/**
 * Signals in overlapping sequences, and their spectra.
 *
 * @module
 */

import { castTo } from "../tensor/cast.ts";
import {
  Argument,
  type PublicOp,
  publicOp,
  requiredArgument,
  tensorArgument,
} from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { DType } from "../util/dtypes.ts";
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from "../util/errors.ts";
import { dimAt } from "../util/shapes.ts";
import { add, divideNoNan, multiply, square } from "./arithmetic.ts";
import { reshapeTo, sumOver } from "./broadcasting.ts";
import { iota } from "./creation.ts";
import { type ComplexPair, complexParts, realSignal, realSpectrum } from "./fourier.ts";
import { addSlices, takeSlices } from "./indexing.ts";
import { pad } from "./padding.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { tile } from "./repeating.ts";
import { padWith, sliceAxis } from "./shaping.ts";

function checkPositive(op: string, name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1) {
    throw new ArgumentError(`${op}: ${name} must be a positive integer, got ${describe(value)}.`, {
      op,
    });
  }
  return value;
}

/** Where the elements of `count` sequences lie: [count, length]. */
function sequenceIndices(count: number, length: number, stride: number): Tensor {
  const shape = [count, length];
  return add(iota(shape, "int32", 0, 0, stride), iota(shape, "int32", 1));
}

/** [..., T] -> [..., count, length], as many sequences as fit. */
function sequencesOf(op: string, x: Tensor, length: number, stride: number): Tensor {
  if (x.ndim === 0) {
    throw new ShapeError(`${op}: expected an axis, got a scalar.`, { op, shapes: [[]] });
  }
  const total = dimAt(x.shape, -1);
  const count = total < length ? 0 : Math.floor((total - length) / stride) + 1;
  return takeSlices(x, sequenceIndices(count, length, stride), x.ndim - 1);
}

/**
 * Sequences of the last axis, one every `sequenceStride` elements:
 * [..., T] becomes [..., count, sequenceLength]. What is left at the end is dropped.
 *
 * @throws {ShapeError} If there is no axis.
 * @throws {ArgumentError} If a length is not a positive integer.
 * @example
 * await ops.extractSequences([1, 2, 3, 4, 5], 3, 2).array(); // [[1, 2, 3], [3, 4, 5]]
 */
export const extractSequences: PublicOp<
  (x: TensorLike, sequenceLength: number, sequenceStride: number) => Tensor
> = publicOp(
  "keras.ops.extract_sequences",
  { x: tensorArgument, sequence_length: requiredArgument, sequence_stride: requiredArgument },
  (x, sequenceLength, sequenceStride) => {
    const op = "extractSequences";
    checkPositive(op, "sequenceLength", sequenceLength);
    checkPositive(op, "sequenceStride", sequenceStride);
    return sequencesOf(op, toTensor(op, x), sequenceLength, sequenceStride);
  },
);

const windowArgument = new Argument("hann", false, false, true);

/** What sequences are multiplied with: a name, the values, or nothing. */
export type Window = "hann" | "hamming" | TensorLike | null;

/** a - (1 - a) cos(2 pi k / n): the periodic windows by name. */
const cosineWindows: Readonly<Record<string, number>> = { hann: 0.5, hamming: 0.54 };

/** The window, with zeros around it up to the length of the transform. */
function windowOf(
  op: string,
  given: Window,
  length: number,
  fftLength: number,
  dtype: DType,
): Tensor | null {
  if (given === null) return null;
  let window: Tensor;
  if (typeof given === "string") {
    const offset = cosineWindows[given];
    if (offset === undefined) {
      throw new ArgumentError(
        `${op}: window must be "hann", "hamming", null or an array, got ${describe(given)}.`,
        { op },
      );
    }
    const values = Array.from({ length }, (_, k) =>
      length === 1 ? 1 : offset - (1 - offset) * Math.cos((2 * Math.PI * k) / length),
    );
    window = toTensor(op, values, dtype);
  } else {
    window = castTo(toTensor(op, given), dtype);
    if (window.ndim !== 1 || window.shape[0] !== length) {
      throw new ShapeError(
        `${op}: expected a window of shape [${length}], got ${formatShape(window.shape)}.`,
        { op, shapes: [window.shape] },
      );
    }
  }
  const before = Math.floor((fftLength - length) / 2);
  return padWith(window, 0, [before], [fftLength - length - before]);
}

function checkLengths(op: string, length: number, stride: number, fftLength: number): void {
  checkPositive(op, "sequenceLength", length);
  checkPositive(op, "sequenceStride", stride);
  checkPositive(op, "fftLength", fftLength);
  if (fftLength < length) {
    throw new ArgumentError(
      `${op}: fftLength must not be less than sequenceLength, got ${fftLength} and ${length}.`,
      { op },
    );
  }
}

/** Options of `stft`. */
export interface StftOptions {
  /** Default `"hann"`; null: none. */
  window?: Window | undefined;
  /** Whether sequence t is centred at t * stride, the signal reflected at its ends. Default true. */
  center?: boolean | undefined;
}

/**
 * The short-time Fourier transform along the last axis: the spectrum of a
 * sequence every `sequenceStride` elements, [..., count, fftLength / 2 + 1].
 *
 * @returns The pair [real, imaginary].
 * @throws {DTypeError} If `x` is not float32 or float64.
 * @throws {ArgumentError} If `fftLength` is less than `sequenceLength`.
 */
export const stft: PublicOp<
  (
    x: TensorLike,
    sequenceLength: number,
    sequenceStride: number,
    fftLength: number,
    options?: StftOptions,
  ) => [Tensor, Tensor]
> = publicOp(
  "keras.ops.stft",
  {
    x: tensorArgument,
    sequence_length: requiredArgument,
    sequence_stride: requiredArgument,
    fft_length: requiredArgument,
    window: windowArgument,
    center: true,
  },
  (given, sequenceLength, sequenceStride, fftLength, { window = "hann", center = true } = {}) => {
    let x = toTensor("stft", given);
    if (x.dtype !== "float32" && x.dtype !== "float64") {
      throw new DTypeError(
        `stft: expected float32 or float64, got ${x.dtype}. Cast it with ops.cast.`,
        {
          op: "stft",
          dtypes: [x.dtype],
        },
      );
    }
    checkLengths("stft", sequenceLength, sequenceStride, fftLength);
    const factor = windowOf("stft", window, sequenceLength, fftLength, x.dtype);
    if (center && x.ndim > 0) {
      const none = x.shape.slice(1).map(() => [0, 0] as const);
      const half = Math.floor(fftLength / 2);
      x = pad(x, [...none, [half, half]], { mode: "reflect" });
    }
    const sequences = sequencesOf("stft", x, fftLength, sequenceStride);
    return realSpectrum(factor === null ? sequences : multiply(sequences, factor));
  },
);

/** Options of `istft`. */
export interface IstftOptions extends StftOptions {
  /** How many elements of the signal to give. Default: all that the sequences cover. */
  length?: number | null | undefined;
}

/**
 * The inverse of `stft`: the signal whose sequences have these spectra, added
 * up where they overlap.
 *
 * @param x The pair [real, imaginary] of shape [..., count, fftLength / 2 + 1].
 * @throws {ShapeError} If the parts differ in shape or have fewer than two axes.
 * @throws {ArgumentError} If `fftLength` is less than `sequenceLength`.
 */
export const istft: PublicOp<
  (
    x: ComplexPair,
    sequenceLength: number,
    sequenceStride: number,
    fftLength: number,
    options?: IstftOptions,
  ) => Tensor
> = publicOp(
  "keras.ops.istft",
  {
    x: tensorArgument,
    sequence_length: requiredArgument,
    sequence_stride: requiredArgument,
    fft_length: requiredArgument,
    length: null,
    window: windowArgument,
    center: true,
  },
  (
    given,
    sequenceLength,
    sequenceStride,
    fftLength,
    { length, window = "hann", center = true } = {},
  ) => {
    const parts = complexParts("istft", given, 2);
    checkLengths("istft", sequenceLength, sequenceStride, fftLength);
    const { shape, dtype } = parts[0];
    const factor = windowOf("istft", window, sequenceLength, fftLength, dtype);
    let sequences = realSignal(parts, fftLength);
    if (factor !== null) sequences = multiply(sequences, inverseWindow(factor, sequenceStride));
    const count = dimAt(shape, -2);
    const total = fftLength + sequenceStride * (count - 1);
    const indices = sequenceIndices(count, fftLength, sequenceStride);
    const signal =
      count === 0
        ? reshapeTo(sequences, [...shape.slice(0, -2), 0])
        : addSlices(indices, sequences, shape.length - 2, total);
    const start = center ? Math.floor(fftLength / 2) : 0;
    const covered = dimAt(signal.shape, -1);
    const end =
      length !== null && length !== undefined
        ? start + length
        : center
          ? total - Math.floor(fftLength / 2)
          : total;
    const from = Math.min(start, covered);
    return sliceAxis(signal, signal.ndim - 1, from, Math.max(from, Math.min(end, covered)));
  },
);

/** The window over the sum of the squares of all windows that overlap with it; 0 / 0 is 0. */
function inverseWindow(window: Tensor, stride: number): Tensor {
  const length = dimAt(window.shape, 0);
  const overlaps = Math.ceil(length / stride);
  const padded = padWith(square(window), 0, [0], [overlaps * stride - length]);
  const sums = sumOver(reshapeTo(padded, [overlaps, stride]), [0]);
  return divideNoNan(window, sliceAxis(tile(sums, overlaps), 0, 0, length));
}
