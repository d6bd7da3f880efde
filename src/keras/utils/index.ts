/**
 * `keras.utils`.
 *
 * @module
 */
export { setRandomSeed } from "../../nn/seed-generator.ts";
export * as boundingBoxes from "./bounding-boxes.ts";
export { type PadSequencesOptions, padSequences, type SequenceEnd } from "./pad-sequences.ts";
export { Progbar, type ProgbarOptions } from "./progbar.ts";
export { clearSession } from "./session.ts";
export { type ToCategoricalOptions, toCategorical } from "./to-categorical.ts";
