/** Float32 functions over every 251st bit pattern, on the kernels of this machine. */
import { describe, expect, test } from "vitest";
import { sweep, ulpCases } from "../support/ulp.ts";

const step = 251;

describe(`errors over every ${step}th float32`, () => {
  test.each(ulpCases.map((entry) => [entry.name, entry.bound, entry] as const))(
    "%s is within %s units in the last place",
    async (_name, bound, entry) => {
      const { ulps, x, got, expected, wrong } = await sweep(entry, step);
      expect(wrong).toBeNull();
      expect(ulps, `f(${x}) is ${got}, expected ${expected}`).toBeLessThanOrEqual(bound);
    },
    240_000,
  );
});
