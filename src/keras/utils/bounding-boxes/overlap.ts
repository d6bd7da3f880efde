/**
 * How far boxes overlap.
 *
 * @module
 */
import * as ops from "../../../ops/index.ts";
import { type TensorLike, toTensor } from "../../../ops/promote.ts";
import { epsilon } from "../../../runtime/settings.ts";
import {
  type PublicOp,
  publicOp,
  requiredArgument,
  tensorArgument,
} from "../../../tensor/public-op.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { ArgumentError, formatShape, ShapeError } from "../../../util/errors.ts";
import { type Columns, columnsOf, convertFormat, isRelative } from "./formats.ts";

/** [height, width, channels] */
export type ImageShape = readonly [height: number, width: number, ...rest: (number | null)[]];

/** Options of functions of relative boxes. */
export interface ImageShapeOptions {
  /** The image [height, width, channels]: for relative formats. */
  imageShape?: ImageShape | null | undefined;
}

/** @throws {ArgumentError} If a format is relative and there is no image. */
export function imageSize(
  op: string,
  imageShape: ImageShape | null,
  formats: readonly string[],
): { height: number | null; width: number | null } {
  if (imageShape !== null) return { height: imageShape[0], width: imageShape[1] };
  for (const format of formats) {
    if (isRelative(format)) {
      throw new ArgumentError(
        `${op}: boxes in the format ${format} take the size of the image. Give imageShape.`,
        { op },
      );
    }
  }
  return { height: null, width: null };
}

function corners(op: string, given: TensorLike, format: string, image: ImageShape | null): Tensor {
  return convertFormat(toTensor(op, given), format, "xyxy", imageSize(op, image, [format]));
}

/** The area that two boxes share, from their columns; 0 where they are apart. */
function intersection([l1, t1, r1, b1]: Columns, [l2, t2, r2, b2]: Columns): Tensor {
  const side = (start1: Tensor, start2: Tensor, end1: Tensor, end2: Tensor): Tensor =>
    ops.maximum(ops.subtract(ops.minimum(end1, end2), ops.maximum(start1, start2)), 0);
  return ops.multiply(side(l1, l2, r1, r2), side(t1, t2, b1, b2));
}

function area([left, top, right, bottom]: Columns): Tensor {
  return ops.multiply(ops.subtract(right, left), ops.subtract(bottom, top));
}

/** [..., n, 1] as [..., 1, n]. */
function acrossRows(column: Tensor): Tensor {
  return ops.swapaxes(column, -1, -2);
}

/** Options of `computeIou`. */
export interface IouOptions extends ImageShapeOptions {
  /** Whether boxes of negative numbers only do not count. */
  useMasking?: boolean | undefined;
  /** The result for boxes that do not count. */
  maskVal?: number | undefined;
}

/**
 * The intersection over the union of every box with every other.
 *
 * @param boxes1 [m, 4] or [batch, m, 4]
 * @param boxes2 [n, 4] or [batch, n, 4]
 * @param options.useMasking Whether boxes of negative numbers only do not count.
 * @param options.maskVal The result for those (default: -1).
 * @param options.imageShape [height, width, channels], where the format is relative.
 * @returns [m, n] or [batch, m, n]
 * @throws {ShapeError} If boxes have another rank.
 * @throws {ArgumentError} If the format is relative and there is no `imageShape`.
 * @example
 * const api = utils.boundingBoxes;
 * await api.computeIou([[0, 0, 2, 2]], [[0, 0, 2, 1], [3, 3, 4, 4]], "xyxy").array(); // [[0.5, 0]]
 */
export const computeIou: PublicOp<
  (
    boxes1: TensorLike,
    boxes2: TensorLike,
    boundingBoxFormat: string,
    options?: IouOptions,
  ) => Tensor
> = publicOp(
  "keras.utils.bounding_boxes.compute_iou",
  {
    boxes1: tensorArgument,
    boxes2: tensorArgument,
    bounding_box_format: requiredArgument,
    use_masking: false,
    mask_val: -1,
    image_shape: null,
  },
  (boxes1: TensorLike, boxes2: TensorLike, format: string, options: IouOptions = {}): Tensor => {
    const op = "compute_iou";
    const { useMasking = false, maskVal = -1, imageShape = null } = options;
    const [a, b] = [
      corners(op, boxes1, format, imageShape),
      corners(op, boxes2, format, imageShape),
    ];
    for (const { ndim, shape } of [a, b]) {
      if (ndim !== 2 && ndim !== 3) {
        throw new ShapeError(
          `${op}: expected boxes [boxes, 4] or [batch, boxes, 4], got ${formatShape(shape)}.`,
          { op, shapes: [a.shape, b.shape] },
        );
      }
    }
    const rows = columnsOf(a);
    const across = columnsOf(b).map(acrossRows) as unknown as Columns;
    const shared = intersection(rows, across);
    const union = ops.subtract(ops.add(area(rows), area(across)), shared);
    const result = ops.divide(shared, ops.add(union, epsilon()));
    if (!useMasking) return result;
    const isNone = (boxes: Tensor): Tensor =>
      ops.less(ops.max(boxes, { axis: -1, keepdims: true }), 0);
    return ops.where(ops.logicalOr(isNone(a), acrossRows(isNone(b))), maskVal, result);
  },
);

/**
 * The complete intersection over union of boxes and boxes: less where their
 * centers are apart and where their aspect ratios differ.
 * Source: Zheng et al., 2020, arXiv:1911.08287.
 *
 * @param boxes1 [..., 4]
 * @param boxes2 [..., 4]
 * @param options.imageShape [height, width, channels], where the format is relative.
 * @returns [...]
 * @throws {ArgumentError} If the format is relative and there is no `imageShape`.
 * @example
 * const api = utils.boundingBoxes;
 * await api.computeCiou([[0, 0, 2, 2]], [[0, 0, 2, 2]], "xyxy").array(); // [1.0000]
 */
export const computeCiou: PublicOp<
  (
    boxes1: TensorLike,
    boxes2: TensorLike,
    boundingBoxFormat: string,
    options?: ImageShapeOptions,
  ) => Tensor
> = publicOp(
  "keras.utils.bounding_boxes.compute_ciou",
  {
    boxes1: tensorArgument,
    boxes2: tensorArgument,
    bounding_box_format: requiredArgument,
    image_shape: null,
  },
  (
    boxes1: TensorLike,
    boxes2: TensorLike,
    format: string,
    { imageShape = null }: ImageShapeOptions = {},
  ): Tensor => {
    const op = "compute_ciou";
    const tiny = epsilon();
    const a = columnsOf(corners(op, boxes1, format, imageShape));
    const b = columnsOf(corners(op, boxes2, format, imageShape));
    const [l1, t1, r1, b1] = a;
    const [l2, t2, r2, b2] = b;
    const [width1, width2] = [ops.subtract(r1, l1), ops.subtract(r2, l2)];
    const height1 = ops.add(ops.subtract(b1, t1), tiny);
    const height2 = ops.add(ops.subtract(b2, t2), tiny);

    const shared = intersection(a, b);
    const areas = ops.add(ops.multiply(width1, height1), ops.multiply(width2, height2));
    const iou = ops.divide(shared, ops.add(ops.subtract(areas, shared), 2 * tiny));

    // The smallest box around both: its diagonal, squared.
    const hull = (start1: Tensor, start2: Tensor, end1: Tensor, end2: Tensor): Tensor =>
      ops.square(ops.subtract(ops.maximum(end1, end2), ops.minimum(start1, start2)));
    const diagonal = ops.add(ops.add(hull(l1, l2, r1, r2), hull(t1, t2, b1, b2)), tiny);
    const apart = (start1: Tensor, start2: Tensor, end1: Tensor, end2: Tensor): Tensor =>
      ops.square(ops.divide(ops.subtract(ops.add(start1, end1), ops.add(start2, end2)), 2));
    const distance = ops.add(apart(l1, l2, r1, r2), apart(t1, t2, b1, b2));

    const angle = (width: Tensor, height: Tensor): Tensor => ops.arctan(ops.divide(width, height));
    const turn = ops.square(ops.subtract(angle(width2, height2), angle(width1, height1)));
    const v = ops.multiply(turn, 4 / Math.PI ** 2);
    const alpha = ops.divide(v, ops.add(ops.subtract(v, iou), 1 + tiny));

    const penalty = ops.add(ops.divide(distance, diagonal), ops.multiply(v, alpha));
    return ops.squeeze(ops.subtract(iou, penalty), { axis: -1 });
  },
);
