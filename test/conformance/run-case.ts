/**
 * Runs one case in one mode.
 *
 * @module
 */
import type { Json, Tolerance } from "./values.ts";

/** How a case is run: as it is, or compiled. */
export type Mode = "eager" | "jit";

/** One line of a case file. */
export interface Case {
  readonly id: string;
  readonly kind: string;
  readonly tol?: Tolerance;
  readonly alternatives?: readonly Readonly<Record<string, Json>>[];
  readonly [field: string]: unknown;
}

/**
 * Runs a case and returns why it fails, or null. Throws UnsupportedError where
 * the op, class or dtype it names is not there.
 */
export type CaseRunner = (test: Case, mode: Mode) => Promise<string | null>;

/** Runs a check against the case itself, then against each alternative. */
export async function withAlternatives(
  test: Case,
  check: (expected: Case) => Promise<string | null>,
): Promise<string | null> {
  const reason = await check(test);
  if (reason === null) return null;
  for (const alternative of test.alternatives ?? []) {
    if ((await check({ ...test, ...alternative } as Case)) === null) return null;
  }
  return reason;
}
