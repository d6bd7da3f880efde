/**
 * `keras.ops`.
 *
 * @module
 */
export * from "./activation.ts";
export * from "./adaptive-pooling.ts";
export * from "./arithmetic.ts";
export { associativeScan } from "./associative-scan.ts";
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
export * from "./calculus.ts";
export { cholesky, choleskyInverse, solveTriangular, type TriangleOptions } from "./cholesky.ts";
export * from "./comparison.ts";
export { eig, polar, viewAsComplex, viewAsReal } from "./complex.ts";
export * from "./complex-parts.ts";
export {
  cond,
  foriLoop,
  map,
  scan,
  switchOp as switch,
  vectorizedMap,
  whileLoop,
} from "./control-flow.ts";
export {
  type ConvOptions,
  type ConvTransposeOptions,
  conv,
  convTranspose,
  depthwiseConv,
  separableConv,
} from "./convolution.ts";
export * from "./core.ts";
export * from "./creation.ts";
export * from "./crossentropy.ts";
export * from "./ctc.ts";
export { diag, diagflat, diagonal, trace, tri } from "./diagonals.ts";
export * from "./distance.ts";
export * from "./einops.ts";
export { einsum } from "./einsum.ts";
export * from "./exponential.ts";
export {
  type ComplexPair,
  type FftLengthOptions,
  fft,
  fft2,
  ifft2,
  irfft,
  rfft,
} from "./fourier.ts";
export { gammainc } from "./gamma.ts";
export { getItem, type IndexItem, type IndexKey, type IndexRange } from "./get-item.ts";
export { psnr } from "./image/filters.ts";
export * from "./indexing.ts";
export * from "./joining.ts";
export { type NormOptions, norm, type QrOptions, qr } from "./linalg.ts";
export * from "./linear.ts";
export * from "./nan-reductions.ts";
export * from "./normalization.ts";
export * from "./padding.ts";
export * from "./pooling.ts";
export * from "./products.ts";
export * from "./quantiles.ts";
export * from "./rearranging.ts";
export * from "./reduction.ts";
export { variance as var } from "./reduction.ts";
export * from "./repeating.ts";
export { scatter, scatterUpdate } from "./scatter.ts";
export { digitize, type IsinOptions, isin, searchsorted } from "./search.ts";
export * from "./segments.ts";
// In place of the internal functions of these names.
export { nonzero, nonzeroAsync, select, unravelIndex, type Where, where } from "./selection.ts";
export * from "./shaping.ts";
export * from "./signal.ts";
export * from "./signal-windows.ts";
export { slice, sliceUpdate } from "./slicing.ts";
export { det, inv, logdet, luFactor, matrixPower, slogdet, solve } from "./solving.ts";
export * from "./sorting.ts";
export * from "./spacing.ts";
export * from "./special.ts";
export { eigh } from "./spectral.ts";
export * from "./splitting.ts";
export * from "./stacking.ts";
export * from "./statistics.ts";
export { lstsq, matrixRank, pinv, type Svd, type SvdOptions, svd } from "./svd.ts";
export * from "./trigonometric.ts";
export * from "./unique.ts";
export * from "./vectorize.ts";
