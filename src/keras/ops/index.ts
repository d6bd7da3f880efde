/**
 * `keras.ops`.
 *
 * @module
 */
export * from "../../ops/index.ts";
export * as image from "./image.ts";
