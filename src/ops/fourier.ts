/**
 * Fourier transforms. Complex numbers are pairs [real, imaginary] of tensors.
 *
 * @module
 */
import { apply, applyMany } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import { type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isFloat, isHalf } from "../util/dtypes.ts";
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from "../util/errors.ts";
import { dimAt, sameShape, sizeOf } from "../util/shapes.ts";
import { divide, multiply } from "./arithmetic.ts";
import { equal, logicalOr, select } from "./comparison.ts";
import { iota } from "./creation.ts";
import { promotePair, type TensorLike, toFloat, toTensor } from "./promote.ts";
import { padWith, sliceAxis, swapaxes } from "./shaping.ts";

/** A complex tensor: real and imaginary part. */
export type ComplexPair = readonly [TensorLike, TensorLike];

const fftOp: OpDefinition<{ inverse: boolean }> = defineOp({
  name: "fft",
  attributes: { inverse: "bool" },
  infer: ([re, im]) => [re as Tensor, im as Tensor],
  // Its matrix is symmetric: the adjoint is the transform the other way.
  vjp: ({ grads: [dre, dim] }, { inverse }) =>
    applyMany(fftOp, [dre as Tensor, dim as Tensor], { inverse: !inverse }),
});

/** The transform along the last axis, not normalized, of parts in float32 or float64. */
function transform(parts: readonly [Tensor, Tensor], inverse: boolean): [Tensor, Tensor] {
  return applyMany(fftOp, parts, { inverse }) as [Tensor, Tensor];
}

const rfftOp: OpDefinition = defineOp({
  name: "rfft",
  infer: ([x]) => {
    const { shape, dtype } = x as Tensor;
    const spec = { shape: [...shape.slice(0, -1), Math.floor(dimAt(shape, -1) / 2) + 1], dtype };
    return [spec, spec];
  },
  // dx_j = Re sum_k (dre_k + i dim_k) e^(2 pi i j k / n) over the bins there are:
  // the inverse, in which bins with a mirror image count twice, without 1 / n.
  vjp: ({ inputs: [x], grads: [dre, dim] }) => {
    const n = dimAt((x as Tensor).shape, -1);
    const weights = divide(scalar(n, (x as Tensor).dtype), binWeights(dre as Tensor, n));
    return [realInverse([multiply(dre as Tensor, weights), multiply(dim as Tensor, weights)], n)];
  },
});

const irfftOp: OpDefinition<{ length: number }> = defineOp({
  name: "irfft",
  attributes: { length: "int" },
  infer: ([re], { length }) => {
    const { shape, dtype } = re as Tensor;
    return { shape: [...shape.slice(0, -1), length], dtype };
  },
  // As above, the other way round.
  vjp: ({ grads: [dy] }, { length }) => {
    const d = dy as Tensor;
    const [re, im] = realTransform(d);
    const weights = divide(binWeights(re, length), scalar(length, d.dtype));
    return [multiply(re, weights), multiply(im, weights)];
  },
});

function realTransform(x: Tensor): [Tensor, Tensor] {
  return applyMany(rfftOp, [x]) as [Tensor, Tensor];
}

function realInverse(parts: readonly [Tensor, Tensor], length: number): Tensor {
  return apply(irfftOp, parts, { length });
}

/** How often each of the n / 2 + 1 bins stands in the whole spectrum of length n. */
function binWeights({ shape, dtype }: Tensor, n: number): Tensor {
  const bin = iota([dimAt(shape, -1)], "int32", 0);
  const at = (k: number): Tensor => equal(bin, scalar(k, "int32"));
  const single = n % 2 === 0 ? logicalOr(at(0), at(n / 2)) : at(0);
  return select(single, scalar(1, dtype), scalar(2, dtype));
}

/**
 * The parts of a complex argument, in one dtype.
 *
 * @throws {ArgumentError} If it is no pair.
 * @throws {ShapeError} If the parts have different shapes, or fewer than `rank` axes.
 * @throws {DTypeError} If a part is not float.
 */
export function complexParts(op: string, given: unknown, rank = 1): [Tensor, Tensor] {
  if (!Array.isArray(given) || given.length !== 2) {
    throw new ArgumentError(
      `${op}: expected a pair [real, imaginary] of tensors, got ${describe(given)}.`,
      { op },
    );
  }
  const parts = (given as TensorLike[]).map((part) => toTensor(op, part));
  const [real, imaginary] = parts as [Tensor, Tensor];
  const shapes = [real.shape, imaginary.shape];
  if (!sameShape(real.shape, imaginary.shape)) {
    throw new ShapeError(
      `${op}: real and imaginary part differ in shape: ${formatShape(real.shape)} and ` +
        `${formatShape(imaginary.shape)}.`,
      { op, shapes },
    );
  }
  if (real.ndim < rank) {
    throw new ShapeError(
      `${op}: expected ${rank} axes or more, got shape ${formatShape(real.shape)}.`,
      { op, shapes },
    );
  }
  if (!isFloat(real.dtype) || !isFloat(imaginary.dtype)) {
    throw new DTypeError(
      `${op}: expected float parts, got ${real.dtype} and ${imaginary.dtype}. ` +
        "Cast them with ops.cast.",
      { op, dtypes: [real.dtype, imaginary.dtype] },
    );
  }
  const [re, im] = promotePair(op, real, imaginary);
  return isHalf(re.dtype) ? [castTo(re, "float32"), castTo(im, "float32")] : [re, im];
}

/** An op of a pair that gives a pair. */
type ComplexOp = (x: ComplexPair) => [Tensor, Tensor];

/**
 * The Fourier transform along the last axis: y_k = sum_j x_j e^(-2 pi i j k / n),
 * of any length n.
 *
 * @param x The pair [real, imaginary].
 * @returns The pair [real, imaginary].
 * @throws {ShapeError} If the parts differ in shape or have no axis.
 * @example
 * const [re, im] = ops.fft([[1, 0, 0, 0], [0, 0, 0, 0]].map((x) => ops.array(x, { dtype: "float32" })));
 * await re.array(); // [1, 1, 1, 1]
 */
export const fft: PublicOp<ComplexOp> = publicOp("keras.ops.fft", { x: tensorArgument }, (x) =>
  transform(complexParts("fft", x), false),
);

/** Along the last two axes. */
function transform2(parts: readonly [Tensor, Tensor], inverse: boolean): [Tensor, Tensor] {
  const swapped = (pair: [Tensor, Tensor]): [Tensor, Tensor] => [
    swapaxes(pair[0], -1, -2),
    swapaxes(pair[1], -1, -2),
  ];
  return swapped(transform(swapped(transform(parts, inverse)), inverse));
}

/**
 * The Fourier transform along the last two axes.
 *
 * @param x The pair [real, imaginary].
 * @returns The pair [real, imaginary].
 * @throws {ShapeError} If the parts differ in shape or have fewer than two axes.
 */
export const fft2: PublicOp<ComplexOp> = publicOp("keras.ops.fft2", { x: tensorArgument }, (x) =>
  transform2(complexParts("fft2", x, 2), false),
);

/**
 * The inverse Fourier transform along the last two axes.
 *
 * @param x The pair [real, imaginary].
 * @returns The pair [real, imaginary].
 * @throws {ShapeError} If the parts differ in shape or have fewer than two axes.
 */
export const ifft2: PublicOp<ComplexOp> = publicOp(
  "keras.ops.ifft2",
  { x: tensorArgument },
  (x) => {
    const parts = complexParts("ifft2", x, 2);
    const [re, im] = transform2(parts, true);
    const count = scalar(sizeOf(re.shape.slice(-2)), re.dtype);
    return [divide(re, count), divide(im, count)];
  },
);

/** Options of `rfft` and `irfft`. */
export interface FftLengthOptions {
  /** The length of the real signal, which is cut off or filled up with zeros. */
  fftLength?: number | null | undefined;
}

function checkLength(op: string, length: number): number {
  if (!Number.isInteger(length) || length < 1) {
    throw new ArgumentError(
      `${op}: fftLength must be a positive integer, got ${describe(length)}.`,
      {
        op,
      },
    );
  }
  return length;
}

/** `x` with `length` elements along its last axis: cut off, or zeros behind. */
export function fitLast(x: Tensor, length: number): Tensor {
  const own = dimAt(x.shape, -1);
  if (own >= length) return sliceAxis(x, x.ndim - 1, 0, length);
  const none = x.shape.map(() => 0);
  return padWith(x, 0, none, [...none.slice(1), length - own]);
}

/** The transform of a real signal of its length, in float32 or float64. */
export function realSpectrum(x: Tensor): [Tensor, Tensor] {
  return realTransform(x);
}

/** The real signal of a length from the bins of its spectrum. */
export function realSignal(parts: readonly [Tensor, Tensor], length: number): Tensor {
  const bins = Math.floor(length / 2) + 1;
  return realInverse([fitLast(parts[0], bins), fitLast(parts[1], bins)], length);
}

/**
 * The Fourier transform of real numbers along the last axis: the first
 * n / 2 + 1 of n bins, as the others are their conjugates.
 *
 * @param options.fftLength n (default: the length of the axis).
 * @returns The pair [real, imaginary].
 * @throws {ShapeError} If there is no axis.
 * @example
 * const [re, im] = ops.rfft([1, 0, -1, 0]);
 * await re.array(); // [0, 2, 0]
 */
export const rfft: PublicOp<(x: TensorLike, options?: FftLengthOptions) => [Tensor, Tensor]> =
  publicOp("keras.ops.rfft", { x: tensorArgument, fft_length: null }, (given, options = {}) => {
    let x = toFloat("rfft", given);
    if (x.ndim === 0) {
      throw new ShapeError("rfft: expected an axis, got a scalar.", { op: "rfft", shapes: [[]] });
    }
    if (isHalf(x.dtype)) x = castTo(x, "float32");
    const length = checkLength("rfft", options.fftLength ?? dimAt(x.shape, -1));
    return realTransform(fitLast(x, length));
  });

/**
 * The inverse of `rfft`: real numbers from the first n / 2 + 1 bins. The
 * imaginary parts of the first bin, and of bin n / 2 of an even n, are ignored.
 *
 * @param x The pair [real, imaginary].
 * @param options.fftLength n (default: twice the number of bins less 2).
 * @throws {ShapeError} If the parts differ in shape or have no axis.
 * @example
 * const half = (x: number[]) => ops.array(x, { dtype: "float32" });
 * await ops.irfft([half([0, 2, 0]), half([0, 0, 0])]).array(); // [1, 0, -1, 0]
 */
export const irfft: PublicOp<(x: ComplexPair, options?: FftLengthOptions) => Tensor> = publicOp(
  "keras.ops.irfft",
  { x: tensorArgument, fft_length: null },
  (x, options = {}) => {
    const parts = complexParts("irfft", x);
    const length = options.fftLength ?? 2 * (dimAt(parts[0].shape, -1) - 1);
    return realSignal(parts, checkLength("irfft", length));
  },
);
