/**
 * Boxes as differences from anchors, which detectors predict.
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
import { Tensor } from "../../../tensor/tensor.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../../../util/errors.ts";
import { isPlainObject } from "../../../util/pytree.ts";
import { convertFormat } from "./formats.ts";
import { type ImageShape, imageSize } from "./overlap.ts";

interface DeltaOptions {
  /** What the four deltas are divided by. */
  variance?: TensorLike | null | undefined;
  /** The image [height, width, channels]: for relative formats. */
  imageShape?: ImageShape | null | undefined;
}

/** Options of `encodeBoxToDeltas`. */
export interface EncodeOptions extends DeltaOptions {
  /** `"center_xywh"` or `"center_yxhw"`: the order of the deltas. */
  encodingFormat?: string | undefined;
}

/** Options of `decodeDeltasToBoxes`. */
export interface DecodeOptions extends DeltaOptions {
  /** `"center_xywh"` or `"center_yxhw"`: the order of the deltas. */
  encodedFormat?: string | undefined;
}

function checkVariance(op: string, given: TensorLike | null): Tensor | null {
  if (given === null) return null;
  const variance = toTensor(op, given, "float32");
  if (variance.shape.at(-1) !== 4) {
    throw new ShapeError(
      `${op}: expected a variance of four numbers, got shape ${formatShape(variance.shape)}.`,
      { op, shapes: [variance.shape] },
    );
  }
  return variance;
}

function checkCenter(op: string, option: string, format: unknown): string {
  if (format !== "center_xywh" && format !== "center_yxhw") {
    throw new ArgumentError(
      `${op}: ${option} must be "center_xywh" or "center_yxhw", got ${describe(format)}.`,
      { op },
    );
  }
  return format;
}

/** Centers and lengths of sides, each [..., 2]. */
function halves(boxes: Tensor): [Tensor, Tensor] {
  return ops.split(boxes, 2, { axis: -1 }) as [Tensor, Tensor];
}

/**
 * Boxes as differences from anchors: of the centers, in sides of the anchor,
 * and of the logarithms of the sides.
 *
 * @param anchors [n, 4]
 * @param boxes [n, 4] or [batch, n, 4]
 * @param options.encodingFormat Order of the deltas: `"center_yxhw"` (default) or `"center_xywh"`.
 * @param options.variance Four numbers that deltas are divided by.
 * @param options.imageShape [height, width, channels], where a format is relative.
 * @throws {ArgumentError} If there is no such format.
 * @throws {ShapeError} If there are not four variances.
 * @example
 * const anchors = [[0, 0, 2, 2]];
 * const api = utils.boundingBoxes;
 * await api.encodeBoxToDeltas(anchors, [[1, 1, 3, 3]], "xyxy", "xyxy").array(); // [[0.5, 0.5, 0, 0]]
 */
export const encodeBoxToDeltas: PublicOp<
  (
    anchors: TensorLike,
    boxes: TensorLike,
    anchorFormat: string,
    boxFormat: string,
    options?: EncodeOptions,
  ) => Tensor
> = publicOp(
  "keras.utils.bounding_boxes.encode_box_to_deltas",
  {
    anchors: tensorArgument,
    boxes: tensorArgument,
    anchor_format: requiredArgument,
    box_format: requiredArgument,
    encoding_format: "center_yxhw",
    variance: null,
    image_shape: null,
  },
  (
    anchors: TensorLike,
    boxes: TensorLike,
    anchorFormat: string,
    boxFormat: string,
    options: EncodeOptions = {},
  ): Tensor => {
    const op = "encode_box_to_deltas";
    const { encodingFormat = "center_yxhw", variance = null, imageShape = null } = options;
    const factors = checkVariance(op, variance);
    const target = checkCenter(op, "encodingFormat", encodingFormat);
    const size = imageSize(op, imageShape, [anchorFormat, boxFormat]);
    const [anchorCenter, anchorSides] = halves(convertFormat(anchors, anchorFormat, target, size));
    const [center, sides] = halves(convertFormat(boxes, boxFormat, target, size));
    const unit = ops.maximum(anchorSides, epsilon());
    const moved = ops.divide(ops.subtract(center, anchorCenter), unit);
    const grown = ops.log(ops.divide(ops.maximum(sides, epsilon()), unit));
    const deltas = ops.concatenate([moved, grown], { axis: -1 });
    return factors === null ? deltas : ops.divide(deltas, factors);
  },
);

/** Tensors by level of a feature pyramid. */
export type Levels<T> = Readonly<Record<string, T>>;

/** The type of `decodeDeltasToBoxes`: levels give levels, tensors a tensor. */
export interface DecodeDeltasToBoxes {
  (
    anchors: Levels<TensorLike>,
    boxesDelta: Levels<TensorLike>,
    anchorFormat: string,
    boxFormat: string,
    options?: DecodeOptions,
  ): Record<string, Tensor>;
  (
    anchors: TensorLike,
    boxesDelta: TensorLike,
    anchorFormat: string,
    boxFormat: string,
    options?: DecodeOptions,
  ): Tensor;
}

function isLevels(value: unknown): value is Levels<TensorLike> {
  return !(value instanceof Tensor) && isPlainObject(value);
}

/**
 * The boxes of differences from anchors: what `encodeBoxToDeltas` undoes.
 * Objects of tensors, by level, give such an object.
 *
 * @param anchors [n, 4]
 * @param boxesDelta [n, 4] or [batch, n, 4]
 * @param options.encodedFormat Order of the deltas: `"center_yxhw"` (default) or `"center_xywh"`.
 * @param options.variance Four numbers that deltas are multiplied with.
 * @param options.imageShape [height, width, channels], where a format is relative.
 * @throws {ArgumentError} If there is no such format.
 * @throws {ShapeError} If there are not four variances.
 * @example
 * const api = utils.boundingBoxes;
 * const boxes = api.decodeDeltasToBoxes([[0, 0, 2, 2]], [[0.5, 0.5, 0, 0]], "xyxy", "xyxy");
 * await boxes.array(); // [[1, 1, 3, 3]]
 */
export const decodeDeltasToBoxes: PublicOp<DecodeDeltasToBoxes> = publicOp(
  "keras.utils.bounding_boxes.decode_deltas_to_boxes",
  {
    anchors: tensorArgument,
    boxes_delta: tensorArgument,
    anchor_format: requiredArgument,
    box_format: requiredArgument,
    encoded_format: "center_yxhw",
    variance: null,
    image_shape: null,
  },
  ((
    anchors: TensorLike | Levels<TensorLike>,
    boxesDelta: TensorLike | Levels<TensorLike>,
    anchorFormat: string,
    boxFormat: string,
    options: DecodeOptions = {},
  ) => {
    const op = "decode_deltas_to_boxes";
    const { encodedFormat = "center_yxhw", variance = null, imageShape = null } = options;
    const factors = checkVariance(op, variance);
    const source = checkCenter(op, "encodedFormat", encodedFormat);
    const size = imageSize(op, imageShape, [anchorFormat, boxFormat]);
    const decode = (anchor: TensorLike, delta: TensorLike): Tensor => {
      const [anchorCenter, anchorSides] = halves(convertFormat(anchor, anchorFormat, source, size));
      const given = toTensor(op, delta);
      const [moved, grown] = halves(factors === null ? given : ops.multiply(given, factors));
      const center = ops.add(ops.multiply(moved, anchorSides), anchorCenter);
      const sides = ops.multiply(ops.exp(grown), anchorSides);
      return convertFormat(ops.concatenate([center, sides], { axis: -1 }), source, boxFormat, size);
    };
    if (!isLevels(anchors) || !isLevels(boxesDelta)) {
      return decode(anchors as TensorLike, boxesDelta as TensorLike);
    }
    return Object.fromEntries(
      Object.entries(anchors).map(([level, anchor]) => {
        const delta = boxesDelta[level];
        if (delta === undefined) {
          throw new ArgumentError(
            `${op}: there are anchors of level "${level}" but no deltas. Give both the same keys.`,
            { op },
          );
        }
        return [level, decode(anchor, delta)];
      }),
    );
  }) as DecodeDeltasToBoxes,
);
