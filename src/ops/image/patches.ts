/**
 * Images as patches, and back.
 *
 * @module
 */
import {
  type PublicOp,
  positionalArgument,
  publicOp,
  requiredArgument,
  resolveSignature,
  tensorArgument,
} from "../../tensor/public-op.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../../util/errors.ts";
import { type DataFormatOptions, spreadWindows } from "../blocks.ts";
import { reshapeTo } from "../broadcasting.ts";
import { type TensorLike, toTensor } from "../promote.ts";
import { permute, sliceStrided } from "../shaping.ts";
import {
  checkWindows,
  outputSize,
  type Padding,
  paddings,
  type Spatial,
  spatial,
  standardizePadding,
} from "../windows.ts";
import { onImages } from "./layout.ts";

/** Options of `extractPatches`. */
export interface ExtractPatchesOptions extends DataFormatOptions {
  /** Default: the size. */
  strides?: Spatial | null | undefined;
  dilationRate?: Spatial | undefined;
  padding?: Padding | undefined;
}

function extract(given: TensorLike, size: Spatial, options: ExtractPatchesOptions): Tensor {
  const op = "extract_patches";
  const rank = typeof size === "number" ? 2 : size.length;
  if (rank !== 2 && rank !== 3) {
    throw new ArgumentError(
      `${op}: size must be one integer, two or three, got ${describe(size)}.`,
      { op },
    );
  }
  const { strides, dilationRate = 1, padding = "valid", dataFormat } = options;
  const images = toTensor(op, given);
  const window = spatial(op, "size", size, rank);
  const steps = spatial(op, "strides", strides ?? window, rank);
  const dilation = spatial(op, "dilationRate", dilationRate, rank);
  return onImages(
    op,
    images,
    dataFormat,
    (x) => {
      const batch = x.shape[0] as number;
      const channels = x.shape[rank + 1] as number;
      const lengths = x.shape.slice(1, -1);
      const around = paddings(op, padding, lengths, window, steps, dilation);
      const counts = outputSize(lengths, window, steps, around, dilation);
      checkWindows(op, counts, images, window);
      const axes = window.map((_, i) => i + 1);
      const spread = spreadWindows(x, axes, { window, strides: steps, dilation, padding: around });
      // [batch, (window, count)…, channels] to [batch, count…, window…, channels]
      const split = window.flatMap((w, i) => [w, counts[i] as number]);
      const moved = permute(reshapeTo(spread, [batch, ...split, channels]), [
        0,
        ...axes.map((i) => 2 * i),
        ...axes.map((i) => 2 * i - 1),
        2 * rank + 1,
      ]);
      const depth = window.reduce((product, w) => product * w, channels);
      return reshapeTo(moved, [batch, ...counts, depth]);
    },
    rank,
  );
}

/**
 * The patches of images: windows as the channels of a smaller image.
 *
 * @param images [height, width, channels], a batch of them, or channels first;
 *   volumes where `size` has three numbers.
 * @param size Of a patch.
 * @returns `[rows, columns, size * channels]`: the pixels of a patch row by row.
 * @throws {ShapeError} If no patch fits.
 * @example
 * const x = ops.reshape(ops.arange(4), [2, 2, 1]);
 * await ops.image.extractPatches(x, 2).array(); // [[[0, 1, 2, 3]]]
 */
export const extractPatches: PublicOp<
  (images: TensorLike, size: Spatial, options?: ExtractPatchesOptions) => Tensor
> = publicOp(
  "keras.ops.image.extract_patches",
  {
    images: tensorArgument,
    size: requiredArgument,
    strides: null,
    dilation_rate: 1,
    padding: "valid",
    data_format: null,
  },
  (images, size, options = {}) => extract(images, size, options),
);

/**
 * The patches of volumes: windows as the channels of a smaller volume.
 *
 * @param volumes [depth, height, width, channels], a batch of them, or channels first.
 * @param size Of a patch.
 * @throws {ShapeError} If no patch fits.
 * @example
 * const x = ops.reshape(ops.arange(8), [2, 2, 2, 1]);
 * ops.image.extractPatches3d(x, 2).shape; // [1, 1, 1, 8]
 */
export const extractPatches3d: PublicOp<
  (volumes: TensorLike, size: Spatial, options?: ExtractPatchesOptions) => Tensor
> = Object.assign(
  // In a model's config it is `ExtractPatches` with three sizes, as in Keras.
  (volumes: TensorLike, size: Spatial, options: ExtractPatchesOptions = {}): Tensor =>
    extractPatches(volumes, typeof size === "number" ? [size, size, size] : size, options),
  {
    signature: resolveSignature("keras.ops.image.extract_patches_3d", {
      volumes: tensorArgument,
      size: requiredArgument,
      strides: null,
      dilation_rate: 1,
      padding: "valid",
      data_format: null,
    }),
  },
) as PublicOp<(volumes: TensorLike, size: Spatial, options?: ExtractPatchesOptions) => Tensor>;

/** Options of `reconstructPatches`. */
export interface ReconstructPatchesOptions extends DataFormatOptions {
  /** The size: patches do not overlap. */
  strides?: Spatial | null | undefined;
  padding?: Padding | undefined;
}

/**
 * The images whose patches these are: the inverse of `extractPatches` without
 * overlap.
 *
 * @param patches [rows, columns, size * channels], a batch of them, or channels
 *   first; of volumes where `size` has three numbers.
 * @param size Of a patch.
 * @param outputSize Height and width of the images.
 * @throws {ShapeError} If the patches do not make such images.
 * @throws {ArgumentError} If strides other than the size are given.
 * @example
 * const x = ops.reshape(ops.arange(4), [1, 1, 4]);
 * await ops.image.reconstructPatches(x, 2, [2, 2]).array(); // [[[0], [1]], [[2], [3]]]
 */
export const reconstructPatches: PublicOp<
  (
    patches: TensorLike,
    size: Spatial,
    outputSize: readonly number[],
    options?: ReconstructPatchesOptions,
  ) => Tensor
> = publicOp(
  "keras.ops.image.reconstruct_patches",
  {
    patches: tensorArgument,
    size: requiredArgument,
    output_size: positionalArgument(null),
    strides: null,
    padding: "valid",
    data_format: null,
  },
  (given, size, outputs, options = {}) => {
    const op = "reconstruct_patches";
    const { strides, padding = "valid", dataFormat } = options;
    const patches = toTensor(op, given);
    const rank = typeof size === "number" ? 2 : size.length;
    const window = spatial(op, "size", size, rank);
    const target = spatial(op, "outputSize", outputs, rank);
    const steps = spatial(op, "strides", strides ?? window, rank);
    if (steps.some((step, i) => step !== window[i])) {
      throw new ArgumentError(
        `${op}: patches that overlap cannot be put back: strides ${describe(steps)} are not the ` +
          `size ${describe(window)}.`,
        { op },
      );
    }
    const same = standardizePadding(op, padding) === "same";
    return onImages(
      op,
      patches,
      dataFormat,
      (x) => {
        const counts = x.shape.slice(1, -1);
        const pixels = window.reduce((product, w) => product * w, 1);
        const depth = x.shape[rank + 1] as number;
        // What lies beyond the output is the padding that "same" has added.
        const beyond = counts.map((n, i) => n * (window[i] as number) - (target[i] as number));
        const fits = beyond.every((n, i) => n >= 0 && n < (same ? (window[i] as number) : 1));
        if (depth % pixels !== 0 || !fits) {
          throw new ShapeError(
            `${op}: patches of shape ${formatShape(patches.shape)}, ${formatShape(counts)} of ` +
              `size ${formatShape(window)}, do not make images of ${formatShape(target)} with ` +
              `padding "${padding}".`,
            { op, shapes: [patches.shape, target] },
          );
        }
        const batch = x.shape[0] as number;
        const channels = depth / pixels;
        const axes = window.map((_, i) => i + 1);
        const moved = permute(reshapeTo(x, [batch, ...counts, ...window, channels]), [
          0,
          ...axes.flatMap((i) => [i, i + rank]),
          2 * rank + 1,
        ]);
        const whole = counts.map((n, i) => n * (window[i] as number));
        const starts = beyond.map((n) => Math.floor(n / 2));
        return sliceStrided(
          reshapeTo(moved, [batch, ...whole, channels]),
          [0, ...starts, 0],
          [batch, ...starts.map((start, i) => start + (target[i] as number)), channels],
        );
      },
      rank,
    );
  },
);
