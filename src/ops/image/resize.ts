/**
 * Images of another size: each axis is mixed by a matrix of weights.
 *
 * The weight of input j for an output that lies at s is k((j - s) / width),
 * divided by the sum of all. The kernel k is as wide as a pixel of the input,
 * or with antialiasing of the output, if that is wider.
 *
 * @module
 */
import { floatx } from "../../runtime/precision.ts";
import { castTo } from "../../tensor/cast.ts";
import { scalar } from "../../tensor/create.ts";
import {
  type PublicOp,
  publicOp,
  requiredArgument,
  tensorArgument,
} from "../../tensor/public-op.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type DType, isFloat, isHalf, resultType } from "../../util/dtypes.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../../util/errors.ts";
import { normalizeAxis } from "../../util/shapes.ts";
import { absolute, add, clip, divide, maximum, multiply, round, subtract } from "../arithmetic.ts";
import type { DataFormatOptions } from "../blocks.ts";
import { reshapeTo, sumOver } from "../broadcasting.ts";
import { greater, greaterEqual, lessEqual, logicalAnd, notEqual, select } from "../comparison.ts";
import { iota } from "../creation.ts";
import { constantIndices, takeSlices } from "../indexing.ts";
import { matrixProduct, mixAlong } from "../linear.ts";
import { promoteAll, type TensorLike, toTensor } from "../promote.ts";
import { max, min } from "../reduction.ts";
import { padWith, permute, sliceAxis, sliceStrided } from "../shaping.ts";
import { sin } from "../trigonometric.ts";
import { onImages } from "./layout.ts";

/** How pixels between pixels are computed. */
export type Interpolation = "bilinear" | "nearest" | "lanczos3" | "lanczos5" | "bicubic";

type Kernel = (x: number) => number;

/** Lanczos, 1956: sinc(x) sinc(x / r) within a radius. */
function lanczos(radius: number): Kernel {
  return (x) => {
    if (x > radius) return 0;
    if (x <= 1e-3) return 1;
    return (radius * Math.sin(Math.PI * x) * Math.sin((Math.PI * x) / radius)) / (Math.PI * x) ** 2;
  };
}

/** Of distances; cubic: Keys 1981, a = -1/2. */
const kernels: Readonly<Record<Exclude<Interpolation, "nearest">, Kernel>> = {
  bilinear: (x) => Math.max(0, 1 - x),
  bicubic: (x) => {
    if (x >= 2) return 0;
    return x >= 1 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : (1.5 * x - 2.5) * x * x + 1;
  },
  lanczos3: lanczos(3),
  lanczos5: lanczos(5),
};

/** @internal */
export const interpolations: readonly Interpolation[] = [
  "nearest",
  ...(Object.keys(kernels) as Interpolation[]),
];

/** Keras's cubic kernel without antialiasing is a table with so many entries for a pixel. */
const tableSize = 1024;

/** [outputs, inputs]. */
function weightMatrix(
  inputs: number,
  outputs: number,
  interpolation: keyof typeof kernels,
  antialias: boolean,
): Float64Array {
  const kernel = kernels[interpolation];
  const step = inputs / outputs;
  const width = antialias ? Math.max(1, step) : 1;
  const tabled = interpolation === "bicubic" && !antialias;
  const weights = new Float64Array(outputs * inputs);
  for (let o = 0; o < outputs; o++) {
    const exact = (o + 0.5) * step - 0.5;
    const center = tabled ? Math.round(exact * tableSize) / tableSize : exact;
    let sum = 0;
    for (let j = 0; j < inputs; j++) {
      const weight = kernel(Math.abs(j - center) / width);
      weights[o * inputs + j] = weight;
      sum += weight;
    }
    for (let j = 0; j < inputs; j++) {
      weights[o * inputs + j] = (weights[o * inputs + j] as number) / sum;
    }
  }
  return weights;
}

/** The pixel that lies below the middle of each output. */
function nearest(x: Tensor, axis: number, outputs: number): Tensor {
  const inputs = x.shape[axis] as number;
  const indices = Int32Array.from({ length: outputs }, (_, o) =>
    Math.min(inputs - 1, Math.floor(((o + 0.5) * inputs) / outputs)),
  );
  return takeSlices(x, constantIndices(indices), axis);
}

/** Options of `resize`. */
export interface ResizeOptions extends DataFormatOptions {
  interpolation?: Interpolation | undefined;
  /** Averages over all pixels that an output covers. */
  antialias?: boolean | undefined;
  /** Cuts the images to the proportions of `size` first. */
  cropToAspectRatio?: boolean | undefined;
  /** Pads the images to the proportions of `size` first. */
  padToAspectRatio?: boolean | undefined;
  fillMode?: "constant" | undefined;
  /** Of the padding. */
  fillValue?: number | undefined;
}

/** The size that has the proportions of the target and lies within (crop) or around the images. */
function proportioned(
  [height, width]: readonly [number, number],
  [targetHeight, targetWidth]: readonly [number, number],
  crop: boolean,
): [height: number, width: number] {
  const tall = Math.floor((width * targetHeight) / targetWidth);
  const wide = Math.floor((height * targetWidth) / targetHeight);
  if (!crop) return [Math.max(height, tall), Math.max(width, wide)];
  return [Math.max(1, Math.min(height, tall)), Math.max(1, Math.min(width, wide))];
}

/** [batch, height, width, channels] cropped or padded around the middle. */
function withProportions(
  x: Tensor,
  target: readonly [number, number],
  crop: boolean,
  fillValue: number,
): Tensor {
  const [batch, height, width, channels] = x.shape as readonly [number, number, number, number];
  const [high, wide] = proportioned([height, width], target, crop);
  if (crop) {
    const top = Math.floor((height - high) / 2);
    const left = Math.floor((width - wide) / 2);
    return sliceStrided(x, [0, top, left, 0], [batch, top + high, left + wide, channels]);
  }
  // As much behind as in front, as in Keras: an odd pixel is left out.
  const around = [0, Math.floor((high - height) / 2), Math.floor((wide - width) / 2), 0];
  return padWith(x, fillValue, around, around);
}

/**
 * Images of another size.
 *
 * Integer images stay integers: rounded and held within their dtype.
 *
 * @param images [height, width, channels], a batch of them, or channels first.
 * @param size Height and width.
 * @throws {ArgumentError} For an unknown interpolation, or a size that is none.
 * @example
 * const x = ops.reshape(tensor([1, 3]), [1, 2, 1]);
 * await ops.ravel(ops.image.resize(x, [1, 4])).array(); // [1, 1.5, 2.5, 3]
 */
export const resize: PublicOp<
  (images: TensorLike, size: readonly number[], options?: ResizeOptions) => Tensor
> = publicOp(
  "keras.ops.image.resize",
  {
    images: tensorArgument,
    size: requiredArgument,
    interpolation: "bilinear",
    antialias: false,
    crop_to_aspect_ratio: false,
    pad_to_aspect_ratio: false,
    fill_mode: "constant",
    fill_value: 0,
    data_format: null,
  },
  (given, size, options = {}) => {
    const { interpolation = "bilinear", antialias = false, fillMode = "constant" } = options;
    const { cropToAspectRatio = false, padToAspectRatio = false, fillValue = 0 } = options;
    const images = toTensor("resize", given);
    if (size.length !== 2 || !size.every((n) => Number.isInteger(n) && n > 0)) {
      throw new ArgumentError(
        `resize: size must be a positive height and width, got ${describe(size)}.`,
        { op: "resize" },
      );
    }
    if (!interpolations.includes(interpolation)) {
      throw new ArgumentError(
        `resize: interpolation must be ${interpolations.map(describe).join(", ")}, ` +
          `got ${describe(interpolation)}.`,
        { op: "resize" },
      );
    }
    if (fillMode !== "constant") {
      throw new ArgumentError(`resize: fillMode must be "constant", got ${describe(fillMode)}.`, {
        op: "resize",
      });
    }
    if (cropToAspectRatio && padToAspectRatio) {
      throw new ArgumentError("resize: choose one of cropToAspectRatio and padToAspectRatio.", {
        op: "resize",
      });
    }
    const target = size as readonly [number, number];
    return onImages("resize", images, options.dataFormat, (input) => {
      let x = input;
      if (x.shape[1] === 0 || x.shape[2] === 0) {
        throw new ShapeError(`resize: there are no pixels in shape ${formatShape(images.shape)}.`, {
          op: "resize",
          shapes: [images.shape],
        });
      }
      if (cropToAspectRatio || padToAspectRatio) {
        x = withProportions(x, target, cropToAspectRatio, fillValue);
      }
      const { dtype } = x;
      if (interpolation === "nearest") return target.reduce((y, n, i) => nearest(y, i + 1, n), x);
      const y = target.reduce(
        (z, n, i) =>
          mixAlong(
            z,
            i + 1,
            weightMatrix(z.shape[i + 1] as number, n, interpolation, antialias),
            n,
          ),
        castTo(x, isFloat(dtype) && !isHalf(dtype) ? dtype : "float32"),
      );
      return isFloat(dtype) ? castTo(y, dtype) : castTo(round(y), dtype);
    });
  },
);

/** The same kernels on tensors, for weights that are differentiated. */
const tensorKernels: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  linear: (x) => maximum(scalar(0, x.dtype), subtract(scalar(1, x.dtype), x)),
  cubic: (x) => {
    const number = (value: number): Tensor => scalar(value, x.dtype);
    const near = add(
      multiply(multiply(subtract(multiply(x, number(1.5)), number(2.5)), x), x),
      number(1),
    );
    const far = add(
      multiply(subtract(multiply(add(multiply(x, number(-0.5)), number(2.5)), x), number(4)), x),
      number(2),
    );
    const inner = select(greaterEqual(x, number(1)), far, near);
    return select(greaterEqual(x, number(2)), number(0), inner);
  },
  lanczos3: (x) => lanczosOf(x, 3),
  lanczos5: (x) => lanczosOf(x, 5),
};

function lanczosOf(x: Tensor, radius: number): Tensor {
  const number = (value: number): Tensor => scalar(value, x.dtype);
  const sines = multiply(
    multiply(sin(multiply(x, number(Math.PI))), number(radius)),
    sin(multiply(x, number(Math.PI / radius))),
  );
  const squares = multiply(multiply(x, x), number(Math.PI ** 2));
  const apart = greater(x, number(1e-3));
  const inside = divide(sines, select(apart, squares, number(1)));
  return select(greater(x, number(radius)), number(0), select(apart, inside, number(1)));
}

/** Methods by all their names. */
const methods: Readonly<Record<string, string>> = {
  linear: "linear",
  bilinear: "linear",
  trilinear: "linear",
  cubic: "cubic",
  bicubic: "cubic",
  tricubic: "cubic",
  lanczos3: "lanczos3",
  lanczos5: "lanczos5",
};

/** [inputs, outputs], as `weightMatrix` for outputs that lie at (o + 1/2 - translation) / scale. */
function movedWeights(
  inputs: number,
  outputs: number,
  scale: Tensor,
  translation: Tensor,
  kernel: (x: Tensor) => Tensor,
  antialias: boolean,
): Tensor {
  const { dtype } = scale;
  const number = (value: number): Tensor => scalar(value, dtype);
  const step = divide(number(1), scale);
  const width = antialias ? maximum(step, number(1)) : number(1);
  const middles = iota([1, outputs], dtype, 1, 0.5);
  const centers = subtract(multiply(subtract(middles, translation), step), number(0.5));
  const distances = divide(absolute(subtract(centers, iota([inputs, 1], dtype, 0))), width);
  const weights = kernel(distances);
  const sums = sumOver(weights, [0], true);
  // Where no pixel is near there is no image.
  const some = greater(absolute(sums), number(1000 * 2 ** -23));
  const shares = divide(weights, select(notEqual(sums, number(0)), sums, number(1)));
  const within = logicalAnd(
    greaterEqual(centers, number(-0.5)),
    lessEqual(centers, number(inputs - 0.5)),
  );
  return select(logicalAnd(some, within), shares, number(0));
}

/** Options of `scaleAndTranslate`. */
export interface ScaleAndTranslateOptions {
  /** Averages over all pixels that an output covers. Default true. */
  antialias?: boolean | undefined;
}

/**
 * Images scaled and moved along some axes; the output has the given shape, and
 * is 0 where there is no image.
 *
 * Differentiable by the images, the scale and the translation.
 *
 * @param outputShape As long as that of the images; differs from it in `spatialDims` only.
 * @param scale One number for each of `spatialDims`.
 * @param translation One number for each of `spatialDims`, in pixels of the output.
 * @param spatialDims The axes.
 * @param method `"linear"`, `"cubic"`, `"lanczos3"` or `"lanczos5"`.
 * @throws {ShapeError} If the shapes do not fit.
 * @example
 * const x = ops.reshape(tensor([1, 3]), [1, 2]);
 * const y = ops.image.scaleAndTranslate(x, [1, 2], [1], [1], [1], "linear");
 * await y.array(); // [[0, 1]]
 */
export const scaleAndTranslate: PublicOp<
  (
    images: TensorLike,
    outputShape: readonly number[],
    scale: TensorLike,
    translation: TensorLike,
    spatialDims: readonly number[],
    method: string,
    options?: ScaleAndTranslateOptions,
  ) => Tensor
> = publicOp(
  "keras.ops.image.scale_and_translate",
  {
    images: tensorArgument,
    output_shape: requiredArgument,
    scale: tensorArgument,
    translation: tensorArgument,
    spatial_dims: requiredArgument,
    method: requiredArgument,
    antialias: true,
  },
  (given, outputShape, givenScale, givenTranslation, dims, method, options = {}) => {
    const op = "scale_and_translate";
    const { antialias = true } = options;
    const kernel = tensorKernels[methods[method] ?? ""];
    if (kernel === undefined) {
      throw new ArgumentError(
        `${op}: method must be one of ${Object.keys(methods).join(", ")}, got ${describe(method)}.`,
        { op },
      );
    }
    const images = toTensor(op, given);
    const axes = dims.map((axis) => normalizeAxis(op, axis, images.ndim));
    const moved = promoteAll(op, [givenScale, givenTranslation]);
    const compute: DType = resultType([(moved[0] as Tensor).dtype, "float32"], floatx());
    const [scale, translation] = moved.map((x) => castTo(x, compute)) as [Tensor, Tensor];
    const fits =
      outputShape.length === images.ndim &&
      images.shape.every((dim, i) => axes.includes(i) || outputShape[i] === dim);
    if (!fits || scale.size !== axes.length || translation.size !== axes.length) {
      throw new ShapeError(
        `${op}: images of shape ${formatShape(images.shape)} do not become ` +
          `${formatShape(outputShape)} along axes ${formatShape(axes)} by a scale ` +
          `${formatShape(scale.shape)} and a translation ${formatShape(translation.shape)}.`,
        { op, shapes: [images.shape, outputShape] },
      );
    }
    const { dtype } = images;
    const wide = isFloat(dtype) && !isHalf(dtype) ? dtype : "float32";
    let y = castTo(images, wide);
    for (const [i, axis] of axes.entries()) {
      const part = (x: Tensor): Tensor =>
        reshapeTo(sliceAxis(reshapeTo(x, [x.size]), 0, i, i + 1), []);
      const weights = movedWeights(
        images.shape[axis] as number,
        outputShape[axis] as number,
        part(scale),
        part(translation),
        kernel,
        antialias,
      );
      y = mixBy(y, axis, castTo(weights, wide));
    }
    if (isFloat(dtype)) return castTo(y, dtype);
    if (images.size === 0) return castTo(y, dtype);
    const x = castTo(images, wide);
    return castTo(clip(round(y), min(x), max(x)), dtype);
  },
);

/** y[o] = sum_n weights[n, o] * x[n] along an axis. */
function mixBy(x: Tensor, axis: number, weights: Tensor): Tensor {
  const order = [...x.shape.keys()].filter((i) => i !== axis);
  order.push(axis);
  const moved = permute(x, order);
  const rows = x.size / Math.max(1, x.shape[axis] as number);
  const flat = matrixProduct(reshapeTo(moved, [rows, x.shape[axis] as number]), weights);
  const shape = [...moved.shape.slice(0, -1), weights.shape[1] as number];
  return permute(
    reshapeTo(flat, shape),
    x.shape.map((_, i) => order.indexOf(i)),
  );
}
