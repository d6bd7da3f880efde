/**
 * `keras.models`.
 *
 * @module
 */
export { Functional } from "./functional.ts";
export { Model } from "./model.ts";
export { Sequential } from "./sequential.ts";
