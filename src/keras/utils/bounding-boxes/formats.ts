/**
 * Formats of bounding boxes, and conversion between them.
 *
 * @module
 */
import * as ops from "../../../ops/index.ts";
import { type TensorLike, toTensor } from "../../../ops/promote.ts";
import { floatx } from "../../../runtime/precision.ts";
import {
  type PublicOp,
  publicOp,
  requiredArgument,
  tensorArgument,
} from "../../../tensor/public-op.ts";
import { Tensor } from "../../../tensor/tensor.ts";
import { type DType, standardizeDType } from "../../../util/dtypes.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../../../util/errors.ts";
import { isPlainObject } from "../../../util/pytree.ts";

const formats = [
  "xyxy",
  "yxyx",
  "xywh",
  "center_xywh",
  "center_yxhw",
  "rel_xyxy",
  "rel_yxyx",
  "rel_xywh",
  "rel_center_xywh",
] as const;

/** How four numbers make a box. */
export type BoxFormat = (typeof formats)[number];

/** Boxes with what belongs to them. */
export interface BoundingBoxes {
  /** [boxes, 4] or [batch, boxes, 4] */
  readonly boxes: TensorLike;
  /** [boxes] or [batch, boxes]; -1: none. */
  readonly labels?: TensorLike | undefined;
}

/** Four columns of boxes, each [..., 1]. */
export type Columns = readonly [Tensor, Tensor, Tensor, Tensor];

/** The four columns of boxes. */
export function columnsOf(boxes: Tensor): Columns {
  return ops.split(boxes, 4, { axis: -1 }) as unknown as Columns;
}

/** Boxes of four columns. */
export function joinColumns(columns: Columns): Tensor {
  return ops.concatenate(columns, { axis: -1 });
}

/** @throws {ShapeError} If the last axis does not have four elements. */
export function toBoxes(op: string, given: TensorLike): Tensor {
  const boxes = toTensor(op, given);
  if (boxes.shape.at(-1) !== 4) {
    throw new ShapeError(
      `${op}: expected boxes of four numbers along the last axis, got shape ` +
        `${formatShape(boxes.shape)}.`,
      { op, shapes: [boxes.shape] },
    );
  }
  return boxes;
}

/** A format by its name, in any case. @throws {ArgumentError} If there is none of that name. */
export function checkFormat(op: string, format: unknown): BoxFormat {
  const name = typeof format === "string" ? format.toLowerCase() : format;
  if (!(formats as readonly unknown[]).includes(name)) {
    throw new ArgumentError(
      `${op}: no box format ${describe(format)}. There are ${formats.join(", ")}.`,
      { op },
    );
  }
  return name as BoxFormat;
}

/** Whether boxes of that format are fractions of the image. */
export function isRelative(format: string): boolean {
  return format.toLowerCase().startsWith("rel_");
}

type Layout = "xyxy" | "yxyx" | "xywh" | "center_xywh" | "center_yxhw";
type Convert = (columns: Columns) => Columns;

function fromCenter(cx: Tensor, cy: Tensor, width: Tensor, height: Tensor): Columns {
  const [x, y] = [ops.divide(width, 2), ops.divide(height, 2)];
  return [ops.subtract(cx, x), ops.subtract(cy, y), ops.add(cx, x), ops.add(cy, y)];
}

function toCenter([x1, y1, x2, y2]: Columns): Columns {
  const [width, height] = [ops.subtract(x2, x1), ops.subtract(y2, y1)];
  return [ops.add(x1, ops.divide(width, 2)), ops.add(y1, ops.divide(height, 2)), width, height];
}

const toCorners: Readonly<Record<Layout, Convert>> = {
  xyxy: (columns) => columns,
  yxyx: ([y1, x1, y2, x2]) => [x1, y1, x2, y2],
  xywh: ([x1, y1, width, height]) => [x1, y1, ops.add(x1, width), ops.add(y1, height)],
  center_xywh: ([cx, cy, width, height]) => fromCenter(cx, cy, width, height),
  center_yxhw: ([cy, cx, height, width]) => fromCenter(cx, cy, width, height),
};

const fromCorners: Readonly<Record<Layout, Convert>> = {
  xyxy: (columns) => columns,
  yxyx: ([x1, y1, x2, y2]) => [y1, x1, y2, x2],
  xywh: ([x1, y1, x2, y2]) => [x1, y1, ops.subtract(x2, x1), ops.subtract(y2, y1)],
  center_xywh: toCenter,
  center_yxhw: (columns) => {
    const [cx, cy, width, height] = toCenter(columns);
    return [cy, cx, height, width];
  },
};

/** How far the image extends along each column of a layout. */
function extents(layout: Layout, width: Tensor, height: Tensor): Columns {
  return layout === "yxyx" || layout === "center_yxhw"
    ? [height, width, height, width]
    : [width, height, width, height];
}

function scaled(
  columns: Columns,
  by: Columns,
  scale: (column: Tensor, by: Tensor) => Tensor,
): Columns {
  return columns.map((column, i) => scale(column, by[i] as Tensor)) as unknown as Columns;
}

/** A length of an image: a number, or a tensor that broadcasts with the columns of boxes. */
export type Length = TensorLike | null | undefined;

function convert(
  given: TensorLike,
  source: BoxFormat,
  target: BoxFormat,
  height: Length,
  width: Length,
  dtype: DType,
): Tensor {
  const op = "convert_format";
  const boxes = ops.cast(toBoxes(op, given), dtype);
  const [fromRelative, toRelative] = [isRelative(source), isRelative(target)];
  if ((fromRelative || toRelative) && (isMissing(height) || isMissing(width))) {
    throw new ArgumentError(
      `${op}: from ${source} to ${target} takes the size of the image. Give height and width.`,
      { op },
    );
  }
  if (source === target) return boxes;
  const from = source.replace("rel_", "") as Layout;
  const to = target.replace("rel_", "") as Layout;
  const size = (layout: Layout): Columns =>
    extents(
      layout,
      toTensor(op, width as TensorLike, dtype),
      toTensor(op, height as TensorLike, dtype),
    );
  let columns = columnsOf(boxes);
  if (fromRelative && !toRelative) columns = scaled(columns, size(from), ops.multiply);
  columns = fromCorners[to](toCorners[from](columns));
  if (toRelative && !fromRelative) columns = scaled(columns, size(to), ops.divide);
  return joinColumns(columns);
}

function isMissing(length: Length): length is null | undefined {
  return length === null || length === undefined;
}

/** Options of `convertFormat`. */
export interface ConvertFormatOptions {
  /** Height of the image: for relative formats. */
  height?: Length;
  /** Width of the image: for relative formats. */
  width?: Length;
  /** What boxes are computed in, and come back as. */
  dtype?: DType | undefined;
}

/** The type of `convertFormat`: an object of boxes gives another, boxes give boxes. */
export interface ConvertFormat {
  <B extends BoundingBoxes>(
    boxes: B,
    source: string,
    target: string,
    options?: ConvertFormatOptions,
  ): Omit<B, "boxes"> & { boxes: Tensor };
  (boxes: TensorLike, source: string, target: string, options?: ConvertFormatOptions): Tensor;
}

/**
 * Boxes in another format. Takes boxes [..., 4], or an object that has them
 * under `boxes`; of that the rest stays as it is.
 *
 * @param options.height Height of the image, where just one format is relative.
 * @param options.width Width of the image.
 * @throws {ArgumentError} If there is no such format, or no size given where it takes one.
 * @throws {ShapeError} If the last axis does not have four elements.
 * @example
 * const api = utils.boundingBoxes;
 * await api.convertFormat([[1, 2, 4, 8]], "xyxy", "xywh").array(); // [[1, 2, 3, 6]]
 * const size = { height: 8, width: 4 };
 * await api.convertFormat([[1, 2, 4, 8]], "xyxy", "rel_yxyx", size).array(); // [[0.25, 0.25, 1, 1]]
 */
export const convertFormat: PublicOp<ConvertFormat> = publicOp(
  "keras.utils.bounding_boxes.convert_format",
  {
    boxes: tensorArgument,
    source: requiredArgument,
    target: requiredArgument,
    height: null,
    width: null,
    dtype: "float32",
  },
  ((
    given: TensorLike | BoundingBoxes,
    source: string,
    target: string,
    { height, width, dtype = "float32" }: ConvertFormatOptions = {},
  ) => {
    const [from, to] = [
      checkFormat("convert_format", source),
      checkFormat("convert_format", target),
    ];
    const one = (boxes: TensorLike): Tensor =>
      convert(boxes, from, to, height, width, standardizeDType(dtype, floatx()));
    return hasBoxes(given) ? { ...given, boxes: one(given.boxes) } : one(given);
  }) as ConvertFormat,
);

function hasBoxes(given: TensorLike | BoundingBoxes): given is BoundingBoxes {
  return !(given instanceof Tensor) && isPlainObject(given) && "boxes" in given;
}
