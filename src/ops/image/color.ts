/**
 * Color spaces.
 *
 * @module
 */
import { floatx } from "../../runtime/precision.ts";
import { castTo } from "../../tensor/cast.ts";
import { scalar } from "../../tensor/create.ts";
import { type PublicOp, publicOp, tensorArgument } from "../../tensor/public-op.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type DType, isFloat, resultType } from "../../util/dtypes.ts";
import { formatShape, ShapeError } from "../../util/errors.ts";
import {
  absolute,
  add,
  clip,
  divide,
  floor,
  keepWhere,
  maximum,
  minimum,
  multiply,
  subtract,
} from "../arithmetic.ts";
import type { DataFormatOptions } from "../blocks.ts";
import { equal, greater, greaterEqual, less, select } from "../comparison.ts";
import { requireDType, type TensorLike, toTensor } from "../promote.ts";
import { concatenateAlong, sliceAxis } from "../shaping.ts";
import { channelAxis, checkImages } from "./layout.ts";

type ColorOp = (images: TensorLike, options?: DataFormatOptions) => Tensor;

function like(x: Tensor, value: number): Tensor {
  return scalar(value, x.dtype);
}

/** Red, green and blue, or hue, saturation and value: each an image of one channel. */
function channels(op: string, x: Tensor, axis: number): [Tensor, Tensor, Tensor] {
  if (x.shape[axis] !== 3) {
    throw new ShapeError(
      `${op}: expected 3 channels on axis ${axis}, got shape ${formatShape(x.shape)}.`,
      { op, shapes: [x.shape] },
    );
  }
  return [sliceAxis(x, axis, 0, 1), sliceAxis(x, axis, 1, 2), sliceAxis(x, axis, 2, 3)];
}

/**
 * The luminance 0.2989 red + 0.587 green + 0.114 blue; one channel stays as it is.
 *
 * @param images [height, width, 3], a batch of them, or channels first.
 * @throws {ShapeError} If there are neither 3 channels nor 1.
 * @example
 * const gray = ops.image.rgbToGrayscale(ops.ones([1, 1, 3]));
 * await gray.array(); // [[[0.9999]]]
 */
export const rgbToGrayscale: PublicOp<ColorOp> = publicOp(
  "keras.ops.image.rgb_to_grayscale",
  { images: tensorArgument, data_format: null },
  (given, { dataFormat } = {}) => {
    const images = toTensor("rgb_to_grayscale", given);
    checkImages("rgb_to_grayscale", images);
    const axis = channelAxis(images, dataFormat);
    if (images.shape[axis] === 1) return images;
    const x = castTo(images, resultType([images.dtype, "float"], floatx()));
    const [red, green, blue] = channels("rgb_to_grayscale", x, axis);
    const gray = add(
      add(multiply(red, like(x, 0.2989)), multiply(green, like(x, 0.587))),
      multiply(blue, like(x, 0.114)),
    );
    return castTo(gray, images.dtype);
  },
);

/** The distance from 1 to the next number. */
const machineEpsilon: Partial<Record<DType, number>> = {
  float16: 2 ** -10,
  bfloat16: 2 ** -7,
  float32: 2 ** -23,
  float64: 2 ** -52,
};

/**
 * Hue, saturation and value, all in [0, 1], of red, green and blue in [0, 1].
 *
 * @param images [height, width, 3], a batch of them, or channels first.
 * @throws {DTypeError} If the images are no floats.
 * @throws {ShapeError} If there are not 3 channels.
 * @example
 * const x = tensor([[[0, 1, 0]]]);
 * await ops.image.rgbToHsv(x).array(); // [[[0.3333, 1, 1]]]
 */
export const rgbToHsv: PublicOp<ColorOp> = publicOp(
  "keras.ops.image.rgb_to_hsv",
  { images: tensorArgument, data_format: null },
  (given, { dataFormat } = {}) => {
    const op = "rgb_to_hsv";
    const images = requireDType(op, toTensor(op, given), isFloat, "floats");
    checkImages(op, images);
    const axis = channelAxis(images, dataFormat);
    const tiny = like(images, machineEpsilon[images.dtype] as number);
    const x = keepWhere(images, greaterEqual(absolute(images), tiny));
    const [red, green, blue] = channels(op, x, axis);
    const zero = like(x, 0);
    const one = like(x, 1);
    const value = maximum(maximum(red, green), blue);
    const range = subtract(value, minimum(minimum(red, green), blue));
    const colored = greater(range, zero);
    const bright = greater(value, zero);
    const saturation = keepWhere(divide(range, select(bright, value, one)), bright);
    const scale = divide(one, multiply(select(colored, range, one), like(x, 6)));
    // A sixth of the circle for each half of a primary color's third.
    const fromGreen = add(multiply(scale, subtract(blue, red)), like(x, 1 / 3));
    const fromBlue = add(multiply(scale, subtract(red, green)), like(x, 2 / 3));
    const fromRed = multiply(scale, subtract(green, blue));
    const angle = select(
      equal(value, red),
      fromRed,
      select(equal(value, green), fromGreen, fromBlue),
    );
    const hue = keepWhere(angle, colored);
    const turned = add(hue, castTo(less(hue, zero), x.dtype));
    return concatenateAlong([turned, saturation, value], axis);
  },
);

/**
 * Red, green and blue in [0, 1] of hue, saturation and value.
 *
 * @param images [height, width, 3], a batch of them, or channels first.
 * @throws {DTypeError} If the images are no floats.
 * @throws {ShapeError} If there are not 3 channels.
 * @example
 * const x = tensor([[[0, 1, 1]]]);
 * await ops.image.hsvToRgb(x).array(); // [[[1, 0, 0]]]
 */
export const hsvToRgb: PublicOp<ColorOp> = publicOp(
  "keras.ops.image.hsv_to_rgb",
  { images: tensorArgument, data_format: null },
  (given, { dataFormat } = {}) => {
    const op = "hsv_to_rgb";
    const x = requireDType(op, toTensor(op, given), isFloat, "floats");
    checkImages(op, x);
    const axis = channelAxis(x, dataFormat);
    const [hue, saturation, value] = channels(op, x, axis);
    const one = like(x, 1);
    const sixths = multiply(subtract(hue, floor(hue)), like(x, 6));
    const distance = (from: number): Tensor => absolute(subtract(sixths, like(x, from)));
    const red = clip(subtract(distance(3), one), 0, 1);
    const green = clip(subtract(like(x, 2), distance(2)), 0, 1);
    const blue = clip(subtract(like(x, 2), distance(4)), 0, 1);
    const white = subtract(one, saturation);
    const mixed = [red, green, blue].map((part) =>
      multiply(value, add(white, multiply(saturation, part))),
    );
    return concatenateAlong(mixed, axis);
  },
);
