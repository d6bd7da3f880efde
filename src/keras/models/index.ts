/**
 * `keras.models`.
 *
 * @module
 */
export { Functional } from "./functional.ts";
export { Model } from "./model.ts";
export { Sequential } from "./sequential.ts";
export { loadModel, saveModel } from "../saving/saving-lib.ts";
