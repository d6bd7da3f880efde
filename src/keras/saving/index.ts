/**
 * `keras.saving`.
 *
 * @module
 */
export {
  CustomObjectScope,
  getCustomObjects,
  getRegisteredName,
  getRegisteredObject,
  registerKerasSerializable,
} from "./registration.ts";
export {
  type FileLike,
  type LoadOptions,
  type LoadWeightsOptions,
  loadModel,
  loadWeights,
  packModel,
  type SaveOptions,
  saveModel,
  saveWeights,
} from "./saving-lib.ts";
export { deserializeKerasObject, serializeKerasObject } from "./serialization.ts";
