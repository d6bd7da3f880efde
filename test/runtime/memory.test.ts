/**
 * Synchronous code that frees nothing stays bounded. `memory.long.test.ts` has
 * the full counts.
 *
 * @module
 */
import { describe } from "vitest";
import { forgetfulCases } from "./memory-cases.ts";

// Enough to pass the bound if nothing were freed.
describe("a loop that forgets everything", () => {
  forgetfulCases({ large: 1_000, small: 400_000 });
});
