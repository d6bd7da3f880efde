/**
 * Float32 functions over a million bit patterns, on the kernels of this
 * machine; fewer of them on those of the other instruction sets.
 * ulp.long.test.ts takes every 251st pattern, `npm run ulp` all.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { sweep, ulpCases } from "../support/ulp.ts";

const step = 4093;
const otherStep = 65_521;

describe(`errors over every ${step}th float32`, () => {
  test.each(ulpCases.map((entry) => [entry.name, entry.bound, entry] as const))(
    "%s is within %s units in the last place",
    async (_name, bound, entry) => {
      const { ulps, x, got, expected, wrong } = await sweep(entry, step);
      expect(wrong).toBeNull();
      expect(ulps, `f(${x}) is ${got}, expected ${expected}`).toBeLessThanOrEqual(bound);
    },
    120_000,
  );
});

// What a machine does not have falls back to the best that it has.
describe(`errors over every ${otherStep}th float32 by instruction set`, () => {
  test.each(["baseline", "avx2", "avx512"])("%s", (isa) => {
    const root = fileURLToPath(new URL("../..", import.meta.url));
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ["--import", "./scripts/ts-loader.mjs", "test/support/ulp-main.ts", String(otherStep)],
      { cwd: root, env: { ...process.env, KERATIN_ISA: isa }, encoding: "utf8" },
    );
    expect(stderr).toBe("");
    const failed = stdout.split("\n").filter((line) => line.startsWith("FAIL"));
    expect(failed).toEqual([]);
    expect(status).toBe(0);
  });
});
