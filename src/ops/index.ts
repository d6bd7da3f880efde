/**
 * `keras.ops`.
 *
 * @module
 */
export * from "./activation.ts";
export * from "./adaptive-pooling.ts";
export * from "./arithmetic.ts";
export * from "./attention.ts";
export * from "./bits.ts";
export {
  type DataFormatOptions,
  depthToSpace,
  type FoldOptions,
  fold,
  spaceToDepth,
  unfold,
} from "./blocks.ts";
export * from "./comparison.ts";
export {
  type ConvOptions,
  type ConvTransposeOptions,
  conv,
  convTranspose,
  depthwiseConv,
  separableConv,
} from "./convolution.ts";
export * from "./creation.ts";
export * from "./crossentropy.ts";
export * from "./ctc.ts";
export * from "./einops.ts";
export * from "./exponential.ts";
export { psnr } from "./image/filters.ts";
export {
  multiHot,
  type OneHotOptions,
  oneHot,
  type TakeOptions,
  take,
  takeAlongAxis,
} from "./indexing.ts";
export { qr } from "./linalg.ts";
export { dot, matmul, type TensordotOptions, tensordot } from "./linear.ts";
export * from "./normalization.ts";
export * from "./pooling.ts";
export * from "./reduction.ts";
export * from "./shaping.ts";
export * from "./sorting.ts";
export * from "./trigonometric.ts";
