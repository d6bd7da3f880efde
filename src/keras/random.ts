/**
 * `keras.random`.
 *
 * @module
 */
export * from "../nn/random.ts";
export { SeedGenerator } from "../nn/seed-generator.ts";
