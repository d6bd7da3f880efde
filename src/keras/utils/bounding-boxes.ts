/**
 * `keras.utils.bounding_boxes`: boxes in images.
 *
 * A box is four numbers along the last axis, in one of these formats
 * (`rel_` ones are fractions of the width and height of the image):
 * - `xyxy`, `yxyx`: two corners
 * - `xywh`: the first corner, width and height
 * - `center_xywh`, `center_yxhw`: the center and the lengths of the sides
 *
 * @module
 */
export {
  type AffineBoxOptions,
  affineTransform,
  type BoxFormatOptions,
  type ClipBoxesOptions,
  clipToImageSize,
  crop,
  type PadBoxesOptions,
  pad,
} from "./bounding-boxes/changes.ts";
export {
  type DecodeOptions,
  decodeDeltasToBoxes,
  type EncodeOptions,
  encodeBoxToDeltas,
} from "./bounding-boxes/deltas.ts";
export {
  type BoundingBoxes,
  type BoxFormat,
  type ConvertFormatOptions,
  convertFormat,
} from "./bounding-boxes/formats.ts";
export {
  computeCiou,
  computeIou,
  type ImageShape,
  type ImageShapeOptions,
  type IouOptions,
} from "./bounding-boxes/overlap.ts";
