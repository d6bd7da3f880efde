/**
 * `keras.ops.image`, but for what draws random numbers.
 *
 * @module
 */
export * from "./borders.ts";
export * from "./color.ts";
export {
  type GaussianBlurOptions,
  gaussianBlur,
  type SsimOptions,
  sobelEdges,
  ssim,
} from "./filters.ts";
export * from "./patches.ts";
export {
  type Interpolation,
  type ResizeOptions,
  resize,
  type ScaleAndTranslateOptions,
  scaleAndTranslate,
} from "./resize.ts";
export type { FillMode } from "./sampling.ts";
export {
  type AffineTransformOptions,
  affineTransform,
  type MapCoordinatesOptions,
  mapCoordinates,
  type PerspectiveTransformOptions,
  perspectiveTransform,
  type TransformInterpolation,
} from "./transforms.ts";
