/**
 * Cropping and padding of images.
 *
 * @module
 */
import { type PublicOp, publicOp, tensorArgument } from "../../tensor/public-op.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { ArgumentError, formatShape, ShapeError } from "../../util/errors.ts";
import type { DataFormatOptions } from "../blocks.ts";
import { type TensorLike, toTensor } from "../promote.ts";
import { padWith, sliceStrided } from "../shaping.ts";
import { checkImages, firstSpatialAxis } from "./layout.ts";

type Count = number | null | undefined;

/** Options of `cropImages`: of each axis two of three. */
export interface CropImagesOptions extends DataFormatOptions {
  topCropping?: Count;
  leftCropping?: Count;
  bottomCropping?: Count;
  rightCropping?: Count;
  targetHeight?: Count;
  targetWidth?: Count;
}

/** Options of `padImages`: of each axis two of three. */
export interface PadImagesOptions extends DataFormatOptions {
  topPadding?: Count;
  leftPadding?: Count;
  bottomPadding?: Count;
  rightPadding?: Count;
  targetHeight?: Count;
  targetWidth?: Count;
}

/** Names of what is said of one axis. */
type Names = readonly [before: string, behind: string, target: string];

/**
 * Counts before and behind, of which with the target two are given:
 * before + behind = sign * (target - length).
 */
function resolve(
  op: string,
  x: Tensor,
  axis: number,
  names: Names,
  values: readonly [Count, Count, Count],
  sign: 1 | -1,
): [before: number, behind: number] {
  const given = values.filter((value) => value !== null && value !== undefined);
  if (given.length !== 2) {
    throw new ArgumentError(
      `${op}: give two of ${names.join(", ")}, got ${given.length} of them.`,
      { op },
    );
  }
  const length = x.shape[axis] as number;
  const [before, behind, target] = values;
  const difference = sign * ((target ?? 0) - length);
  const low = before ?? difference - (behind as number);
  const high = behind ?? difference - low;
  const all = [low, high, target ?? length + sign * (low + high)];
  for (const [i, value] of all.entries()) {
    if (!Number.isInteger(value) || value < 0) {
      throw new ShapeError(
        `${op}: ${names[i]} must be an integer >= 0, but is ${value} for images of shape ` +
          `${formatShape(x.shape)}.`,
        { op, shapes: [x.shape] },
      );
    }
  }
  return [low, high];
}

/**
 * Images without their borders. For each axis two of three say how: what goes
 * in front, what goes behind, what is left.
 *
 * @param images [height, width, channels], a batch of them, or channels first.
 * @throws {ArgumentError} If for an axis not two of the three are given.
 * @throws {ShapeError} If the images are too small.
 * @example
 * const x = ops.reshape(ops.arange(4), [2, 2, 1]);
 * const y = ops.image.cropImages(x, {
 *   topCropping: 1, bottomCropping: 0, leftCropping: 0, targetWidth: 1,
 * });
 * await y.array(); // [[[2]]]
 */
export const cropImages: PublicOp<(images: TensorLike, options?: CropImagesOptions) => Tensor> =
  publicOp(
    "keras.ops.image.crop_images",
    {
      images: tensorArgument,
      top_cropping: null,
      left_cropping: null,
      bottom_cropping: null,
      right_cropping: null,
      target_height: null,
      target_width: null,
      data_format: null,
    },
    (given, options = {}) => {
      const op = "crop_images";
      const x = toTensor(op, given);
      checkImages(op, x);
      const axis = firstSpatialAxis(x, options.dataFormat);
      const { topCropping, bottomCropping, targetHeight } = options;
      const { leftCropping, rightCropping, targetWidth } = options;
      const [top, bottom] = resolve(
        op,
        x,
        axis,
        ["topCropping", "bottomCropping", "targetHeight"],
        [topCropping, bottomCropping, targetHeight],
        -1,
      );
      const [left, right] = resolve(
        op,
        x,
        axis + 1,
        ["leftCropping", "rightCropping", "targetWidth"],
        [leftCropping, rightCropping, targetWidth],
        -1,
      );
      const starts = x.shape.map((_, i) => (i === axis ? top : i === axis + 1 ? left : 0));
      const ends = x.shape.map((dim, i) =>
        i === axis ? dim - bottom : i === axis + 1 ? dim - right : dim,
      );
      return sliceStrided(x, starts, ends);
    },
  );

/**
 * Images with borders of zeros. For each axis two of three say how: what comes
 * in front, what comes behind, what it becomes.
 *
 * @param images [height, width, channels], a batch of them, or channels first.
 * @throws {ArgumentError} If for an axis not two of the three are given.
 * @throws {ShapeError} If the images are too large.
 * @example
 * const y = ops.image.padImages(ops.ones([1, 1, 1]), {
 *   topPadding: 1, bottomPadding: 0, leftPadding: 0, targetWidth: 2,
 * });
 * await y.array(); // [[[0], [0]], [[1], [0]]]
 */
export const padImages: PublicOp<(images: TensorLike, options?: PadImagesOptions) => Tensor> =
  publicOp(
    "keras.ops.image.pad_images",
    {
      images: tensorArgument,
      top_padding: null,
      left_padding: null,
      bottom_padding: null,
      right_padding: null,
      target_height: null,
      target_width: null,
      data_format: null,
    },
    (given, options = {}) => {
      const op = "pad_images";
      const x = toTensor(op, given);
      checkImages(op, x);
      const axis = firstSpatialAxis(x, options.dataFormat);
      const { topPadding, bottomPadding, targetHeight } = options;
      const { leftPadding, rightPadding, targetWidth } = options;
      const [top, bottom] = resolve(
        op,
        x,
        axis,
        ["topPadding", "bottomPadding", "targetHeight"],
        [topPadding, bottomPadding, targetHeight],
        1,
      );
      const [left, right] = resolve(
        op,
        x,
        axis + 1,
        ["leftPadding", "rightPadding", "targetWidth"],
        [leftPadding, rightPadding, targetWidth],
        1,
      );
      const low = x.shape.map((_, i) => (i === axis ? top : i === axis + 1 ? left : 0));
      const high = x.shape.map((_, i) => (i === axis ? bottom : i === axis + 1 ? right : 0));
      return padWith(x, 0, low, high);
    },
  );
