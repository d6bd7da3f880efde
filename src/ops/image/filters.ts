/**
 * Filters, and measures of how alike images are.
 *
 * @module
 */
import { floatx } from "../../runtime/precision.ts";
import { castTo } from "../../tensor/cast.ts";
import { fromStored, scalar, WeakFloat } from "../../tensor/create.ts";
import {
  type PublicOp,
  publicOp,
  requiredArgument,
  tensorArgument,
} from "../../tensor/public-op.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { resultType } from "../../util/dtypes.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../../util/errors.ts";
import { sameShape } from "../../util/shapes.ts";
import { add, divide, multiply, square, subtract } from "../arithmetic.ts";
import type { DataFormatOptions } from "../blocks.ts";
import { broadcastOver, reshapeTo } from "../broadcasting.ts";
import { depthwiseConv } from "../convolution.ts";
import { log10 } from "../exponential.ts";
import { pad } from "../padding.ts";
import { promotePair, type TensorLike, toFloat, toTensor } from "../promote.ts";
import { meanOver } from "../reduction.ts";
import { concatenateAlong } from "../shaping.ts";
import { onImages, toBatch } from "./layout.ts";

/** The same window, [rows, columns], for each channel of [batch, height, width, channels]. */
function filter(
  x: Tensor,
  window: Float64Array,
  [rows, columns]: readonly [number, number],
  padding: "same" | "valid",
): Tensor {
  const channels = x.shape[3] as number;
  const values = fromStored(Float32Array.from(window), [rows, columns, 1, 1], "float32");
  const exact = x.dtype === "float64";
  const one = exact
    ? fromStored(window, [rows, columns, 1, 1], "float64")
    : castTo(values, x.dtype);
  const kernel = broadcastOver(one, [rows, columns, channels, 1]);
  return depthwiseConv(x, kernel, { padding, dataFormat: "channels_last" });
}

/** exp(-x^2 / (2 sigma^2)) around the middle, summing to one. */
function gaussian(size: number, sigma: number): Float64Array {
  const values = Float64Array.from({ length: size }, (_, i) =>
    Math.exp(-0.5 * ((i - (size - 1) / 2) / sigma) ** 2),
  );
  const sum = values.reduce((total, value) => total + value, 0);
  return values.map((value) => value / sum);
}

/** Row by row a[i] * b[j]. */
function outer(a: Float64Array, b: Float64Array): Float64Array {
  return Float64Array.from({ length: a.length * b.length }, (_, k) => {
    const [i, j] = [Math.floor(k / b.length), k % b.length];
    return (a[i] as number) * (b[j] as number);
  });
}

/** Options of `gaussianBlur`. */
export interface GaussianBlurOptions extends DataFormatOptions {
  kernelSize?: readonly number[] | undefined;
  sigma?: number | readonly (number | WeakFloat)[] | undefined;
}

/**
 * Images blurred by a Gaussian, its edges padded with zeros.
 *
 * @param images [height, width, channels], a batch of them, or channels first.
 * @throws {ArgumentError} If a size or a sigma is not positive.
 * @example
 * const x = ops.reshape(tensor([0, 1, 0]), [1, 3, 1]);
 * const y = ops.image.gaussianBlur(x, { kernelSize: [1, 3] });
 * await ops.ravel(y).array(); // [0.2741, 0.4519, 0.2741]
 */
export const gaussianBlur: PublicOp<(images: TensorLike, options?: GaussianBlurOptions) => Tensor> =
  publicOp(
    "keras.ops.image.gaussian_blur",
    { images: tensorArgument, kernel_size: [3, 3], sigma: [1, 1], data_format: null },
    (given, { kernelSize = [3, 3], sigma = [1, 1], dataFormat } = {}) => {
      const op = "gaussian_blur";
      const images = toFloat(op, given);
      const sigmas = (typeof sigma === "number" ? [sigma, sigma] : sigma).map((s) =>
        s instanceof WeakFloat ? s.value : s,
      );
      const valid =
        kernelSize.length === 2 &&
        kernelSize.every((n) => Number.isInteger(n) && n > 0) &&
        sigmas.length === 2 &&
        sigmas.every((s) => s > 0);
      if (!valid) {
        throw new ArgumentError(
          `${op}: expected two positive sizes and two positive sigmas, got kernelSize ` +
            `${describe(kernelSize)} and sigma ${describe(sigma)}.`,
          { op },
        );
      }
      const [rows, columns] = kernelSize as readonly [number, number];
      // Keras's order: the outer product of the second by the first, read as [rows, columns].
      const window = outer(
        gaussian(columns, sigmas[1] as number),
        gaussian(rows, sigmas[0] as number),
      );
      return onImages(op, images, dataFormat, (x) => filter(x, window, [rows, columns], "same"));
    },
  );

/** Sobel and Feldman 1968: the derivative along the rows; transposed that along the columns. */
const sobelRows = Float64Array.of(-1, -2, -1, 0, 0, 0, 1, 2, 1);
const sobelColumns = Float64Array.of(-1, 0, 1, -2, 0, 2, -1, 0, 1);

/**
 * Derivatives of images by Sobel's operator, their edges mirrored.
 *
 * @param images [batch, height, width, channels], or channels first.
 * @returns The shape of the images with one more axis: [dy, dx].
 * @throws {ShapeError} If the images are no batch.
 * @example
 * ops.image.sobelEdges(ops.ones([1, 4, 4, 1])).shape; // [1, 4, 4, 1, 2]
 */
export const sobelEdges: PublicOp<(images: TensorLike, options?: DataFormatOptions) => Tensor> =
  publicOp(
    "keras.ops.image.sobel_edges",
    { images: tensorArgument, data_format: null },
    (given, { dataFormat } = {}) => {
      const op = "sobel_edges";
      const images = toFloat(op, given);
      if (images.ndim !== 4) {
        throw new ShapeError(
          `${op}: expected a batch of images (rank 4), got shape ${formatShape(images.shape)}.`,
          { op, shapes: [images.shape] },
        );
      }
      const edges = [sobelRows, sobelColumns].map((window) =>
        onImages(op, images, dataFormat, (x) => filter(mirrored(x), window, [3, 3], "valid")),
      );
      const shape = [...images.shape, 1];
      return concatenateAlong(
        edges.map((edge) => reshapeTo(edge, shape)),
        4,
      );
    },
  );

/** [batch, height, width, channels] with one more pixel around: the last but one. */
function mirrored(x: Tensor): Tensor {
  return pad(
    x,
    [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ],
    { mode: "reflect" },
  );
}

/** Options of `ssim`. */
export interface SsimOptions extends DataFormatOptions {
  /** The largest value of a pixel less the smallest. */
  maxVal?: number | undefined;
  filterSize?: number | undefined;
  filterSigma?: number | undefined;
  k1?: number | undefined;
  k2?: number | undefined;
}

/**
 * The structural similarity of images, 1 for equal ones.
 *
 * Source: Wang et al. 2004, Image quality assessment: from error visibility to
 * structural similarity.
 *
 * @param image1 [height, width, channels], a batch of them, or channels first.
 * @returns One number for each image.
 * @throws {ShapeError} If the shapes differ or the images are smaller than the filter.
 * @example
 * const x = ops.ones([12, 12, 1]);
 * await ops.image.ssim(x, x).item(); // 1
 */
export const ssim: PublicOp<
  (image1: TensorLike, image2: TensorLike, options?: SsimOptions) => Tensor
> = publicOp(
  "keras.ops.image.ssim",
  {
    image1: tensorArgument,
    image2: tensorArgument,
    max_val: 1,
    filter_size: 11,
    filter_sigma: 1.5,
    k1: 0.01,
    k2: 0.03,
    data_format: null,
  },
  (given1, given2, options = {}) => {
    const { maxVal = 1, filterSize = 11, filterSigma = 1.5, k1 = 0.01, k2 = 0.03 } = options;
    const first = toTensor("ssim", given1);
    const compute = resultType([first.dtype, "float"], floatx());
    const second = castTo(toTensor("ssim", given2), compute);
    if (!sameShape(first.shape, second.shape)) {
      throw new ShapeError(
        `ssim: images of different shapes: ${formatShape(first.shape)} and ` +
          `${formatShape(second.shape)}.`,
        { op: "ssim", shapes: [first.shape, second.shape] },
      );
    }
    const line = gaussian(filterSize, filterSigma);
    const window = outer(line, line);
    const blur = (x: Tensor): Tensor => filter(x, window, [filterSize, filterSize], "valid");
    const c1 = scalar((k1 * maxVal) ** 2, compute);
    const c2 = scalar((k2 * maxVal) ** 2, compute);
    const two = scalar(2, compute);
    const similarity = (x: Tensor, y: Tensor): Tensor => {
      const [mx, my] = [blur(x), blur(y)];
      const [mxx, myy, mxy] = [multiply(mx, mx), multiply(my, my), multiply(mx, my)];
      const xx = subtract(blur(multiply(x, x)), mxx);
      const yy = subtract(blur(multiply(y, y)), myy);
      const xy = subtract(blur(multiply(x, y)), mxy);
      const map = divide(
        multiply(add(multiply(two, mxy), c1), add(multiply(two, xy), c2)),
        multiply(add(add(mxx, myy), c1), add(add(xx, yy), c2)),
      );
      return meanOver(map, [1, 2, 3], false);
    };
    const each = similarity(
      toBatch("ssim", castTo(first, compute), options.dataFormat),
      toBatch("ssim", second, options.dataFormat),
    );
    return castTo(first.ndim === 4 ? each : reshapeTo(each, []), first.dtype);
  },
);

/**
 * The peak signal-to-noise ratio in decibels: 10 log10(maxVal^2 / mean((x1 - x2)^2)).
 *
 * @param maxVal The largest value that an element can have.
 * @throws {ShapeError} If the shapes differ.
 * @example
 * await ops.psnr(tensor([0, 1]), tensor([0.1, 0.8]), 1).item(); // 16.0206
 */
export const psnr: PublicOp<(x1: TensorLike, x2: TensorLike, maxVal: number) => Tensor> = publicOp(
  "keras.ops.psnr",
  { x1: tensorArgument, x2: tensorArgument, max_val: requiredArgument },
  (given1, given2, maxVal) => {
    const [a, b] = promotePair("psnr", given1, given2, "float");
    if (!sameShape(a.shape, b.shape)) {
      throw new ShapeError(
        `psnr: shapes ${formatShape(a.shape)} and ${formatShape(b.shape)} differ.`,
        { op: "psnr", shapes: [a.shape, b.shape] },
      );
    }
    const all = a.shape.map((_, i) => i);
    const error = meanOver(square(subtract(a, b)), all, false);
    const peak = scalar(20 * Math.log10(maxVal), a.dtype);
    return subtract(peak, multiply(scalar(10, a.dtype), log10(error)));
  },
);
