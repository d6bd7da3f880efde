/** The second half of ulp.test.ts, so that two files share the work. */
import { describe, expect, test } from "vitest";
import { sweep, ulpCases } from "../support/ulp.ts";

const step = 251;

describe(`errors over every ${step}th float32`, () => {
  test.each(ulpCases.slice(11).map((entry) => [entry.name, entry.bound, entry] as const))(
    "%s is within %s units in the last place",
    async (_name, bound, entry) => {
      const { ulps, x, got, expected, wrong } = await sweep(entry, step);
      expect(wrong).toBeNull();
      expect(ulps, `f(${x}) is ${got}, expected ${expected}`).toBeLessThanOrEqual(bound);
    },
    120_000,
  );
});
