/**
 * Images moved, turned and bent: each pixel of the output is sampled at a point
 * of the input.
 *
 * @module
 */
import { castTo } from "../../tensor/cast.ts";
import { scalar } from "../../tensor/create.ts";
import {
  type PublicOp,
  publicOp,
  requiredArgument,
  tensorArgument,
} from "../../tensor/public-op.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { computedIn, type DType, isFloat, itemSize } from "../../util/dtypes.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../../util/errors.ts";
import { sameShape, sizeOf } from "../../util/shapes.ts";
import { add, clip, divide, multiply, negative, round, subtract, trunc } from "../arithmetic.ts";
import type { DataFormatOptions } from "../blocks.ts";
import { broadcastOver, reshapeTo } from "../broadcasting.ts";
import { greater, less, select } from "../comparison.ts";
import { iota } from "../creation.ts";
import { stack } from "../joining.ts";
import { type TensorLike, toTensor } from "../promote.ts";
import { concatenateAlong, sliceAxis } from "../shaping.ts";
import { onImages } from "./layout.ts";
import { type FillMode, fillModes, type Sampling, sample } from "./sampling.ts";

/** How pixels between pixels are computed. */
export type TransformInterpolation = "nearest" | "bilinear";

/** What sampling computes in. */
function samplingDType(dtype: DType): DType {
  if (dtype === "float64") return "float64";
  return isFloat(dtype) || itemSize(dtype) < 4 ? "float32" : "float64";
}

/** Samples [batch, spatial…, channels] of any dtype; integers are rounded. */
export function sampleAs(x: Tensor, coordinates: Tensor, sampling: Sampling): Tensor {
  const compute = samplingDType(x.dtype);
  const y = sample(castTo(x, compute), castTo(coordinates, compute), sampling);
  return castTo(isFloat(x.dtype) ? y : round(y), x.dtype);
}

/** @throws {ArgumentError} For an unknown mode. */
export function checkFillMode(op: string, mode: string): FillMode {
  if ((fillModes as readonly string[]).includes(mode)) return mode as FillMode;
  throw new ArgumentError(
    `${op}: fillMode must be ${fillModes.map(describe).join(", ")}, got ${describe(mode)}.`,
    { op },
  );
}

/** 0 or 1. @throws {ArgumentError} For an unknown interpolation. */
export function orderOf(op: string, interpolation: string): number {
  const order = ["nearest", "bilinear"].indexOf(interpolation);
  if (order >= 0) return order;
  throw new ArgumentError(
    `${op}: interpolation must be "nearest" or "bilinear", got ${describe(interpolation)}.`,
    { op },
  );
}

/** Options of `mapCoordinates`. */
export interface MapCoordinatesOptions {
  /** What lies outside: default `"constant"`. */
  fillMode?: FillMode | undefined;
  fillValue?: number | undefined;
}

/**
 * The elements of an array at coordinates between its elements.
 *
 * @param coordinates [rank of the inputs, …], or a list of tensors, one for each axis.
 * @param order 0: the nearest element; 1: linear between neighbours.
 * @returns The shape of the coordinates without their first axis.
 * @throws {ShapeError} If the coordinates do not fit the inputs.
 * @example
 * const y = ops.image.mapCoordinates(tensor([1, 3, 5]), [[0.5, 1.5]], 1);
 * await y.array(); // [2, 4]
 */
export const mapCoordinates: PublicOp<
  (
    inputs: TensorLike,
    coordinates: TensorLike | readonly TensorLike[],
    order: number,
    options?: MapCoordinatesOptions,
  ) => Tensor
> = publicOp(
  "keras.ops.image.map_coordinates",
  {
    inputs: tensorArgument,
    coordinates: tensorArgument,
    order: requiredArgument,
    fill_mode: "constant",
    fill_value: 0,
  },
  (givenInputs, givenCoordinates, order, { fillMode = "constant", fillValue = 0 } = {}) => {
    const op = "map_coordinates";
    const x = toTensor(op, givenInputs);
    const isList =
      Array.isArray(givenCoordinates) && givenCoordinates.some((item) => item instanceof Tensor);
    const at = isList
      ? stack(givenCoordinates as readonly TensorLike[])
      : toTensor(op, givenCoordinates as TensorLike);
    const mode = checkFillMode(op, fillMode);
    if (order !== 0 && order !== 1) {
      throw new ArgumentError(`${op}: order must be 0 or 1, got ${describe(order)}.`, { op });
    }
    if (at.ndim < 2 || x.ndim === 0 || at.shape[0] !== x.ndim || x.size === 0) {
      throw new ShapeError(
        `${op}: coordinates of shape ${formatShape(at.shape)} do not fit inputs of shape ` +
          `${formatShape(x.shape)}: expected [${x.ndim}, …], and inputs that are not empty.`,
        { op, shapes: [x.shape, at.shape] },
      );
    }
    const shape = at.shape.slice(1);
    const y = sampleAs(
      reshapeTo(x, [1, ...x.shape, 1]),
      reshapeTo(at, [1, x.ndim, sizeOf(shape)]),
      { order, mode, value: fillValue },
    );
    return reshapeTo(y, shape);
  },
);

/** Rows and columns of the pixels of an image: [1, height * width] each. */
function pixelGrid(height: number, width: number, dtype: DType): [y: Tensor, x: Tensor] {
  const flat = (axis: number): Tensor =>
    reshapeTo(iota([height, width], dtype, axis), [1, height * width]);
  return [flat(0), flat(1)];
}

/**
 * Where a projective transform takes pixels from, of [batch, 8] parameters:
 * x' = (a0 x + a1 y + a2) / k, y' = (b0 x + b1 y + b2) / k, k = c0 x + c1 y + 1.
 */
function projected(transform: Tensor, height: number, width: number): [y: Tensor, x: Tensor] {
  const [y, x] = pixelGrid(height, width, transform.dtype);
  const part = (i: number): Tensor => sliceAxis(transform, 1, i, i + 1);
  const linear = (i: number, constant: Tensor): Tensor =>
    add(add(multiply(part(i), x), multiply(part(i + 1), y)), constant);
  const k = linear(6, scalar(1, transform.dtype));
  return [divide(linear(3, part(5)), k), divide(linear(0, part(2)), k)];
}

/**
 * Where a point outside of [0, length - 1] lies in the image repeated, as Keras
 * has it on TensorFlow: what is between the last pixel and the first belongs to
 * the nearer of them in the image.
 */
function wrapped(c: Tensor, length: number): Tensor {
  const number = (value: number): Tensor => scalar(value, c.dtype);
  const half = length - 1;
  if (half === 0) return clip(c, 0, 0);
  const below = add(
    c,
    multiply(number(length), add(trunc(divide(negative(c), number(half))), number(1))),
  );
  const above = subtract(c, multiply(number(length), trunc(divide(c, number(half)))));
  const within = select(greater(c, number(half)), above, c);
  return clip(select(less(c, number(0)), below, within), 0, half);
}

/** Options of `affineTransform`. */
export interface AffineTransformOptions extends DataFormatOptions {
  interpolation?: TransformInterpolation | undefined;
  /** What lies outside: default `"constant"`. */
  fillMode?: FillMode | undefined;
  fillValue?: number | undefined;
}

function transformImages(
  op: string,
  images: Tensor,
  transform: Tensor,
  options: AffineTransformOptions,
): Tensor {
  const { interpolation = "bilinear", fillMode = "constant", fillValue = 0 } = options;
  const order = orderOf(op, interpolation);
  const mode = checkFillMode(op, fillMode);
  return onImages(op, images, options.dataFormat, (x) => {
    const [batch, height, width, channels] = x.shape as readonly [number, number, number, number];
    if (transform.shape[0] !== batch && transform.shape[0] !== 1) {
      throw new ShapeError(
        `${op}: ${transform.shape[0]} transforms for images of shape ${formatShape(images.shape)}.`,
        { op, shapes: [images.shape, transform.shape] },
      );
    }
    let [y, z] = projected(transform, height, width);
    if (mode === "wrap") [y, z] = [wrapped(y, height), wrapped(z, width)];
    const points = height * width;
    const rows = [y, z].map((c) =>
      reshapeTo(broadcastOver(c, [batch, points]), [batch, 1, points]),
    );
    const sampled = sampleAs(x, concatenateAlong(rows, 1), { order, mode, value: fillValue });
    return reshapeTo(sampled, [batch, height, width, channels]);
  });
}

/**
 * Images under an affine or projective transform: the pixel (x, y) comes from
 * ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k), where k = c0 x + c1 y + 1.
 *
 * Differentiable by the images and the transform.
 *
 * @param images [height, width, channels], a batch of them, or channels first.
 * @param transform [a0, a1, a2, b0, b1, b2, c0, c1], or one for each image.
 * @throws {ShapeError} If the transforms do not fit the images.
 * @example
 * const x = ops.reshape(tensor([1, 2, 3]), [1, 3, 1]);
 * const left = ops.image.affineTransform(x, tensor([1, 0, 1, 0, 1, 0, 0, 0]));
 * await ops.ravel(left).array(); // [2, 3, 0]
 */
export const affineTransform: PublicOp<
  (images: TensorLike, transform: TensorLike, options?: AffineTransformOptions) => Tensor
> = publicOp(
  "keras.ops.image.affine_transform",
  {
    images: tensorArgument,
    transform: tensorArgument,
    interpolation: "bilinear",
    fill_mode: "constant",
    fill_value: 0,
    data_format: null,
  },
  (given, givenTransform, options = {}) => {
    const op = "affine_transform";
    const images = toTensor(op, given);
    const transform = toTensor(op, givenTransform);
    if (transform.ndim < 1 || transform.ndim > 2 || transform.shape.at(-1) !== 8) {
      throw new ShapeError(
        `${op}: expected a transform [8] or [batch, 8], got ${formatShape(transform.shape)}.`,
        { op, shapes: [images.shape, transform.shape] },
      );
    }
    const parameters = castTo(transform, computedIn(transform.dtype));
    return transformImages(op, images, reshapeTo(parameters, [transform.size / 8, 8]), options);
  },
);

/** Options of `perspectiveTransform`. */
export interface PerspectiveTransformOptions extends DataFormatOptions {
  interpolation?: TransformInterpolation | undefined;
  fillValue?: number | undefined;
}

/**
 * The projective maps that take the corners (0, 0), (1, 0), (1, 1), (0, 1) of
 * the unit square to four points [batch, 4, 2]: nine numbers [batch, 1] each, row
 * by row.
 *
 * Source: Heckbert 1989, Fundamentals of texture mapping and image warping.
 */
function squareTo(points: Tensor): Tensor[] {
  const at = (i: number, axis: number): Tensor =>
    reshapeTo(sliceAxis(sliceAxis(points, 1, i, i + 1), 2, axis, axis + 1), [
      points.shape[0] as number,
      1,
    ]);
  // Keras gives corners row by row.
  const corners = [0, 1, 3, 2];
  const [x0, x1, x2, x3] = corners.map((i) => at(i, 0)) as [Tensor, Tensor, Tensor, Tensor];
  const [y0, y1, y2, y3] = corners.map((i) => at(i, 1)) as [Tensor, Tensor, Tensor, Tensor];
  const cross = (a: Tensor, b: Tensor, c: Tensor, d: Tensor): Tensor =>
    subtract(multiply(a, d), multiply(b, c));
  const [dx1, dx2] = [subtract(x1, x2), subtract(x3, x2)];
  const [dy1, dy2] = [subtract(y1, y2), subtract(y3, y2)];
  const sumX = subtract(add(subtract(x0, x1), x2), x3);
  const sumY = subtract(add(subtract(y0, y1), y2), y3);
  const area = cross(dx1, dy1, dx2, dy2);
  const g = divide(cross(sumX, sumY, dx2, dy2), area);
  const h = divide(cross(dx1, dy1, sumX, sumY), area);
  const one = broadcastOver(scalar(1, points.dtype), x0.shape);
  return [
    add(subtract(x1, x0), multiply(g, x1)),
    add(subtract(x3, x0), multiply(h, x3)),
    x0,
    add(subtract(y1, y0), multiply(g, y1)),
    add(subtract(y3, y0), multiply(h, y3)),
    y0,
    g,
    h,
    one,
  ];
}

/** The adjugate of a 3x3 matrix: its inverse up to a factor. */
function adjugate(m: readonly Tensor[]): Tensor[] {
  const cofactor = (a: number, b: number, c: number, d: number): Tensor =>
    subtract(multiply(m[a] as Tensor, m[d] as Tensor), multiply(m[b] as Tensor, m[c] as Tensor));
  return [
    cofactor(4, 5, 7, 8),
    cofactor(2, 1, 8, 7),
    cofactor(1, 2, 4, 5),
    cofactor(5, 3, 8, 6),
    cofactor(0, 2, 6, 8),
    cofactor(2, 0, 5, 3),
    cofactor(3, 4, 6, 7),
    cofactor(1, 0, 7, 6),
    cofactor(0, 1, 3, 4),
  ];
}

/** The projective transforms that take the points `end` to `start`: [batch, 8]. */
function homographies(start: Tensor, end: Tensor): Tensor {
  const to = squareTo(start);
  const from = adjugate(squareTo(end));
  const product = Array.from({ length: 9 }, (_, i) => {
    const [row, column] = [Math.floor(i / 3), i % 3];
    const terms = [0, 1, 2].map((k) =>
      multiply(to[3 * row + k] as Tensor, from[3 * k + column] as Tensor),
    ) as [Tensor, Tensor, Tensor];
    return add(add(terms[0], terms[1]), terms[2]);
  });
  const last = product[8] as Tensor;
  return concatenateAlong(
    product.slice(0, 8).map((m) => divide(m, last)),
    1,
  );
}

/**
 * Images under the perspective that takes four points to four others.
 *
 * Differentiable by the images and the points.
 *
 * @param images [height, width, channels], a batch of them, or channels first.
 * @param startPoints Four points (x, y): top left, top right, bottom left,
 *   bottom right; or four for each image.
 * @param endPoints Where these lie in the output.
 * @throws {ShapeError} If the points do not fit the images.
 * @example
 * const x = ops.ones([2, 2, 1]);
 * const corners = tensor([[0, 0], [1, 0], [0, 1], [1, 1]]);
 * ops.image.perspectiveTransform(x, corners, corners).shape; // [2, 2, 1]
 */
export const perspectiveTransform: PublicOp<
  (
    images: TensorLike,
    startPoints: TensorLike,
    endPoints: TensorLike,
    options?: PerspectiveTransformOptions,
  ) => Tensor
> = publicOp(
  "keras.ops.image.perspective_transform",
  {
    images: tensorArgument,
    start_points: tensorArgument,
    end_points: tensorArgument,
    interpolation: "bilinear",
    fill_value: 0,
    data_format: null,
  },
  (given, givenStart, givenEnd, options = {}) => {
    const op = "perspective_transform";
    const images = toTensor(op, given);
    const start = toTensor(op, givenStart, "float32");
    const end = toTensor(op, givenEnd, "float32");
    const fits =
      (start.ndim === 2 || start.ndim === 3) &&
      start.shape.at(-2) === 4 &&
      start.shape.at(-1) === 2 &&
      sameShape(start.shape, end.shape);
    if (!fits) {
      throw new ShapeError(
        `${op}: expected two times four points [4, 2] or [batch, 4, 2], got ` +
          `${formatShape(start.shape)} and ${formatShape(end.shape)}.`,
        { op, shapes: [start.shape, end.shape] },
      );
    }
    const batch = [start.size / 8, 4, 2];
    const transform = homographies(reshapeTo(start, batch), reshapeTo(end, batch));
    return transformImages(op, images, transform, { ...options, fillMode: "constant" });
  },
);
