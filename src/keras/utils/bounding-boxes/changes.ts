/**
 * What happens to boxes when their image is cut, padded or moved.
 *
 * @module
 */
import * as ops from "../../../ops/index.ts";
import { type TensorLike, toFloat, toTensor } from "../../../ops/promote.ts";
import {
  type PublicOp,
  publicOp,
  requiredArgument,
  tensorArgument,
} from "../../../tensor/public-op.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import {
  ArgumentError,
  describe,
  formatShape,
  ShapeError,
  UnsupportedError,
} from "../../../util/errors.ts";
import { type BoundingBoxes, columnsOf, joinColumns, type Length, toBoxes } from "./formats.ts";

/** Options of functions that take boxes in one format only. */
export interface BoxFormatOptions {
  /** The format of the boxes. */
  boundingBoxFormat?: string | undefined;
}

function checkSupported(op: string, format: string, supported: readonly string[]): void {
  if (!supported.includes(format)) {
    throw new UnsupportedError(
      `${op}: boxes in the format ${describe(format)} are not supported, only in ` +
        `${supported.join(" and ")}. Convert them with convertFormat.`,
      { op },
    );
  }
}

/** Boxes, given by two corners, within [0, width] x [0, height]. */
function clipTo(boxes: Tensor, width: TensorLike, height: TensorLike): Tensor {
  const [x1, y1, x2, y2] = columnsOf(boxes);
  const x = (column: Tensor): Tensor => ops.clip(column, 0, width);
  const y = (column: Tensor): Tensor => ops.clip(column, 0, height);
  return joinColumns([x(x1), y(y1), x(x2), y(y2)]);
}

function shift(boxes: Tensor, x: TensorLike, y: TensorLike): Tensor {
  const [x1, y1, x2, y2] = columnsOf(boxes);
  return joinColumns([ops.add(x1, x), ops.add(y1, y), ops.add(x2, x), ops.add(y2, y)]);
}

/** Options of `clipToImageSize`. */
export interface ClipBoxesOptions extends BoxFormatOptions {
  /** Height of the image: for `"xyxy"`. */
  height?: Length;
  /** Width of the image: for `"xyxy"`. */
  width?: Length;
}

/** Boxes, and labels where there were some. */
type Clipped<B extends BoundingBoxes> = Omit<B, "boxes" | "labels"> & {
  boxes: Tensor;
} & (B extends { labels: TensorLike } ? { labels: Tensor } : unknown);

type ClipToImageSize = <B extends BoundingBoxes>(
  boundingBoxes: B,
  options?: ClipBoxesOptions,
) => Clipped<B>;

/**
 * Boxes without what lies outside of the image; those of which nothing is left
 * get the label -1.
 *
 * @param options.boundingBoxFormat `"xyxy"` (default) or `"rel_xyxy"`.
 * @throws {ArgumentError} If the format is `"xyxy"` and height or width is missing.
 * @throws {UnsupportedError} If boxes are in another format.
 * @example
 * const image = { boxes: [[0, 1, 9, 9], [6, 6, 9, 9]], labels: [3, 4] };
 * const inside = utils.boundingBoxes.clipToImageSize(image, { height: 5, width: 5 });
 * await inside.boxes.array(); // [[0, 1, 5, 5], [5, 5, 5, 5]]
 * await inside.labels.array(); // [3, -1]
 */
export const clipToImageSize: PublicOp<ClipToImageSize> = publicOp(
  "keras.utils.bounding_boxes.clip_to_image_size",
  {
    bounding_boxes: tensorArgument,
    height: null,
    width: null,
    bounding_box_format: "xyxy",
  },
  ((given: BoundingBoxes, options: ClipBoxesOptions = {}) => {
    const op = "clip_to_image_size";
    const { height = null, width = null, boundingBoxFormat = "xyxy" } = options;
    checkSupported(op, boundingBoxFormat, ["xyxy", "rel_xyxy"]);
    const isRelative = boundingBoxFormat === "rel_xyxy";
    if (!isRelative && (height === null || width === null)) {
      throw new ArgumentError(
        `${op}: boxes in the format xyxy take the size of the image. Give height and width.`,
        { op },
      );
    }
    const original = toBoxes(op, given.boxes);
    const limit = (length: Length): TensorLike =>
      isRelative ? 1 : toTensor(op, length as TensorLike, original.dtype);
    const boxes = clipTo(original, limit(width), limit(height));
    if (given.labels === undefined) return { ...given, boxes };
    const [x1, y1, x2, y2] = columnsOf(boxes);
    const areas = ops.multiply(ops.subtract(x2, x1), ops.subtract(y2, y1));
    const isLeft = ops.greater(ops.squeeze(areas, { axis: -1 }), 0);
    return { ...given, boxes, labels: ops.where(isLeft, toTensor(op, given.labels), -1) };
  }) as ClipToImageSize,
);

/**
 * Boxes within a part of their image that is cut out.
 *
 * @param boxes [..., 4], two corners each.
 * @param top Where the part begins, from above.
 * @param left Where the part begins, from the left.
 * @throws {UnsupportedError} If boxes are in another format than `"xyxy"`.
 * @example
 * await utils.boundingBoxes.crop([[1, 2, 9, 9]], 2, 3, 5, 4).array(); // [[0, 0, 4, 5]]
 */
export const crop: PublicOp<
  (
    boxes: TensorLike,
    top: TensorLike,
    left: TensorLike,
    height: TensorLike,
    width: TensorLike,
    options?: BoxFormatOptions,
  ) => Tensor
> = publicOp(
  "keras.utils.bounding_boxes.crop",
  {
    boxes: tensorArgument,
    top: requiredArgument,
    left: requiredArgument,
    height: requiredArgument,
    width: requiredArgument,
    bounding_box_format: "xyxy",
  },
  (boxes, top, left, height, width, { boundingBoxFormat = "xyxy" } = {}) => {
    checkSupported("crop", boundingBoxFormat, ["xyxy"]);
    const moved = shift(toBoxes("crop", boxes), ops.negative(left), ops.negative(top));
    return clipTo(moved, width, height);
  },
);

/** Options of `pad`. */
export interface PadBoxesOptions extends BoxFormatOptions {
  /** Height of the image; `"xyxy"` does not need it. */
  height?: Length;
  /** Width of the image; `"xyxy"` does not need it. */
  width?: Length;
}

/**
 * Boxes in their image after that was padded.
 *
 * @param boxes [..., 4], two corners each.
 * @param top How many rows came on top.
 * @param left How many columns came on the left.
 * @throws {UnsupportedError} If boxes are in another format than `"xyxy"`.
 * @example
 * await utils.boundingBoxes.pad([[1, 2, 3, 4]], 10, 20).array(); // [[21, 12, 23, 14]]
 */
export const pad: PublicOp<
  (boxes: TensorLike, top: TensorLike, left: TensorLike, options?: PadBoxesOptions) => Tensor
> = publicOp(
  "keras.utils.bounding_boxes.pad",
  {
    boxes: tensorArgument,
    top: requiredArgument,
    left: requiredArgument,
    height: null,
    width: null,
    bounding_box_format: "xyxy",
  },
  (boxes, top, left, { boundingBoxFormat = "xyxy" } = {}) => {
    checkSupported("pad", boundingBoxFormat, ["xyxy"]);
    return shift(toBoxes("pad", boxes), left, top);
  },
);

/** Options of `affineTransform`. */
export interface AffineBoxOptions extends BoxFormatOptions {
  /** The fixed point, as a fraction of the width. */
  centerX?: TensorLike | null | undefined;
  /** The fixed point, as a fraction of the height. */
  centerY?: TensorLike | null | undefined;
}

/**
 * Boxes around what boxes become when their image is rotated, moved, scaled
 * and sheared.
 *
 * @param boxes [batch, boxes, 4], two corners each.
 * @param angle [batch], in degrees, like the shears.
 * @param translateX [batch], as fractions of the width less 1.
 * @param translateY [batch], as fractions of the height less 1.
 * @param scale [batch]
 * @param shearX [batch]
 * @param shearY [batch]
 * @param options.centerX The fixed point, as a fraction of the width less 1 (default: 0.5).
 * @param options.centerY The fixed point, as a fraction of the height less 1 (default: 0.5).
 * @throws {UnsupportedError} If boxes are in another format than `"xyxy"`.
 * @throws {ShapeError} If boxes are not [batch, boxes, 4].
 * @example
 * const boxes = [[[1, 2, 3, 4]]];
 * const moved = utils.boundingBoxes.affineTransform(boxes, [0], [0.5], [0], [1], [0], [0], 9, 9);
 * await moved.array(); // [[[5, 2, 7, 4]]]
 */
export const affineTransform: PublicOp<
  (
    boxes: TensorLike,
    angle: TensorLike,
    translateX: TensorLike,
    translateY: TensorLike,
    scale: TensorLike,
    shearX: TensorLike,
    shearY: TensorLike,
    height: TensorLike,
    width: TensorLike,
    options?: AffineBoxOptions,
  ) => Tensor
> = publicOp(
  "keras.utils.bounding_boxes.affine_transform",
  {
    boxes: tensorArgument,
    angle: tensorArgument,
    translate_x: tensorArgument,
    translate_y: tensorArgument,
    scale: tensorArgument,
    shear_x: tensorArgument,
    shear_y: tensorArgument,
    height: requiredArgument,
    width: requiredArgument,
    center_x: null,
    center_y: null,
    bounding_box_format: "xyxy",
  },
  (given, angle, translateX, translateY, scale, shearX, shearY, height, width, options = {}) => {
    const op = "affine_transform";
    const { boundingBoxFormat = "xyxy" } = options;
    checkSupported(op, boundingBoxFormat, ["xyxy"]);
    const degrees = toFloat(op, angle);
    const { dtype } = degrees;
    const boxes = ops.cast(toBoxes(op, given), dtype);
    if (boxes.ndim !== 3) {
      throw new ShapeError(
        `${op}: expected boxes [batch, boxes, 4], got ${formatShape(boxes.shape)}.`,
        { op, shapes: [boxes.shape] },
      );
    }
    // One number a sample: [batch, 1, 1], beside the boxes' columns [batch, boxes, 1].
    const column = (x: TensorLike): Tensor => ops.reshape(toTensor(op, x, dtype), [-1, 1, 1]);
    const radians = (x: TensorLike): Tensor => ops.multiply(column(x), -Math.PI / 180);
    const [spanX, spanY] = [width, height].map((n) => ops.subtract(toTensor(op, n, dtype), 1)) as [
      Tensor,
      Tensor,
    ];
    const [x, y] = affineMap({
      rotation: radians(degrees),
      shearX: radians(shearX),
      shearY: radians(shearY),
      scale: column(scale),
      center: [
        ops.multiply(column(options.centerX ?? 0.5), spanX),
        ops.multiply(column(options.centerY ?? 0.5), spanY),
      ],
      moved: [ops.multiply(column(translateX), spanX), ops.multiply(column(translateY), spanY)],
    });
    const [x1, y1, x2, y2] = columnsOf(boxes);
    // The four corners: [batch, boxes, 4].
    const xs = ops.concatenate([x1, x2, x2, x1], { axis: -1 });
    const ys = ops.concatenate([y1, y1, y2, y2], { axis: -1 });
    const [newX, newY] = [x(xs, ys), y(xs, ys)];
    const along = { axis: -1, keepdims: true };
    return joinColumns([
      ops.min(newX, along),
      ops.min(newY, along),
      ops.max(newX, along),
      ops.max(newY, along),
    ]);
  },
);

interface Affine {
  /** Angles in radians. */
  readonly rotation: Tensor;
  readonly shearX: Tensor;
  readonly shearY: Tensor;
  readonly scale: Tensor;
  /** The fixed point and how far it is moved, in pixels. */
  readonly center: readonly [x: Tensor, y: Tensor];
  readonly moved: readonly [x: Tensor, y: Tensor];
}

type Coordinate = (x: Tensor, y: Tensor) => Tensor;

/**
 * The new coordinates of a point. With the rotation r and the shears s and t:
 * `[[a, b], [c, d]]`, where `a = cos(r - t) / cos(t)`, `b = a tan(s) + sin(r)`,
 * `c = -sin(r - t) / cos(t)`, `d = cos(r) - c tan(s)`, has determinant 1, so
 * that its inverse is `[[d, -b], [-c, a]]`.
 */
function affineMap({
  rotation,
  shearX,
  shearY,
  scale,
  center,
  moved,
}: Affine): [Coordinate, Coordinate] {
  const tilt = ops.subtract(rotation, shearY);
  const a = ops.divide(ops.cos(tilt), ops.cos(shearY));
  const b = ops.add(ops.multiply(a, ops.tan(shearX)), ops.sin(rotation));
  const c = ops.negative(ops.divide(ops.sin(tilt), ops.cos(shearY)));
  const d = ops.subtract(ops.cos(rotation), ops.multiply(c, ops.tan(shearX)));
  const [fromX, fromY] = [ops.subtract(center[0], moved[0]), ops.subtract(center[1], moved[1])];
  const coordinate = (perX: Tensor, perY: Tensor, origin: Tensor): Coordinate => {
    const [kx, ky] = [ops.multiply(perX, scale), ops.multiply(perY, scale)];
    return (x, y) =>
      ops.add(
        ops.add(ops.multiply(kx, ops.subtract(x, fromX)), ops.multiply(ky, ops.subtract(y, fromY))),
        origin,
      );
  };
  return [coordinate(d, ops.negative(b), center[0]), coordinate(ops.negative(c), a, center[1])];
}
