/**
 * `keras.ops`.
 *
 * @module
 */
export * from "./activation.ts";
export * from "./arithmetic.ts";
export * from "./bits.ts";
export * from "./comparison.ts";
export * from "./complex-parts.ts";
export { conv } from "./convolution.ts";
export * from "./creation.ts";
export * from "./crossentropy.ts";
export { diag, diagflat, diagonal, trace, tri } from "./diagonals.ts";
export * from "./exponential.ts";
export * from "./indexing.ts";
export * from "./joining.ts";
export { qr } from "./linalg.ts";
export * from "./linear.ts";
export * from "./normalization.ts";
export * from "./padding.ts";
export * from "./pooling.ts";
export * from "./rearranging.ts";
export * from "./reduction.ts";
export * from "./repeating.ts";
export * from "./shaping.ts";
export * from "./sorting.ts";
export * from "./special.ts";
export * from "./splitting.ts";
export * from "./stacking.ts";
export * from "./trigonometric.ts";
