/**
 * Synchronous code that frees nothing stays bounded, at full length.
 *
 * @module
 */
import { describe } from "vitest";
import { forgetfulCases } from "./memory-cases.ts";

describe("a long loop that forgets everything", () => {
  forgetfulCases({ large: 20_000, small: 5_000_000 });
});
