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
export { deserializeKerasObject, serializeKerasObject } from "./serialization.ts";
