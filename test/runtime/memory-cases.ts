/**
 * Memory of synchronous code that frees nothing: the cases and the bound.
 *
 * @module
 */
import { expect, it } from "vitest";
import { runNode } from "../support/run-node.ts";
import type { Measured } from "./forgetful.ts";

/** Twice the live bytes and this much may a process grow. */
const allowance = 200e6;

/** One test for each kind of op, thread and way to find garbage. */
export function forgetfulCases(counts: { large: number; small: number }): void {
  for (const kind of ["large", "small"] as const) {
    for (const where of ["main", "worker"]) {
      for (const hook of [true, false]) {
        const count = counts[kind];
        const title = `${count} ${kind} ops, ${where} thread, ${hook ? "with" : "without"} a gc hook`;
        it(title, { timeout: 240_000 }, async () => {
          const { stdout, stderr, code } = await runNode("test/runtime/forgetful.ts", {
            args: [kind, String(count), where],
            nodeArgs: hook ? ["--expose-gc"] : [],
            env: { NODE_OPTIONS: "" },
            timeout: 240_000,
          });
          expect(code, stderr).toBe(0);
          const { growth } = JSON.parse(stdout) as Measured;
          // Live: the sum and the constant that is added.
          const live = 2 * (kind === "large" ? 1 << 20 : 64);
          expect(growth).toBeLessThan(2 * live + allowance);
        });
      }
    }
  }
}
