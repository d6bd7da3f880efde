/**
 * `keras.ops.image`.
 *
 * @module
 */
export * from "../../nn/elastic-transform.ts";
export * from "../../ops/image/index.ts";
