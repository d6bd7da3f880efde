/**
 * `keras.utils`.
 *
 * @module
 */
export { setRandomSeed } from "../../nn/seed-generator.ts";
export { Progbar, type ProgbarOptions } from "./progbar.ts";
export { clearSession } from "./session.ts";
