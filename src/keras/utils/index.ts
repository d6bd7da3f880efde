/**
 * `keras.utils`.
 *
 * @module
 */
export { setRandomSeed } from "../../nn/seed-generator.ts";
export { clearSession } from "./session.ts";
