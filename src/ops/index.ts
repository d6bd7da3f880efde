/**
 * `keras.ops`.
 *
 * @module
 */
export * from "./activation.ts";
export * from "./arithmetic.ts";
export * from "./bits.ts";
export { cholesky, choleskyInverse, solveTriangular, type TriangleOptions } from "./cholesky.ts";
export * from "./comparison.ts";
export { conv } from "./convolution.ts";
export * from "./creation.ts";
export * from "./crossentropy.ts";
export * from "./distance.ts";
export * from "./exponential.ts";
export { type ComplexPair, type FftLengthOptions, fft, fft2, ifft2, irfft, rfft } from "./fourier.ts";
export { gammainc } from "./gamma.ts";
export * from "./indexing.ts";
export { type NormOptions, norm, type QrOptions, qr } from "./linalg.ts";
export * from "./linear.ts";
export * from "./normalization.ts";
export * from "./pooling.ts";
export * from "./reduction.ts";
export * from "./shaping.ts";
export * from "./segments.ts";
export * from "./signal.ts";
export { det, inv, logdet, luFactor, matrixPower, slogdet, solve } from "./solving.ts";
export * from "./sorting.ts";
export { eigh } from "./spectral.ts";
export { lstsq, matrixRank, pinv, type Svd, type SvdOptions, svd } from "./svd.ts";
export * from "./trigonometric.ts";
