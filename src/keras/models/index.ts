/**
 * `keras.models`.
 *
 * @module
 */

export { loadModel, saveModel } from "../saving/saving-lib.ts";
export { Functional } from "./functional.ts";
export { Model } from "./model.ts";
export { Sequential } from "./sequential.ts";
