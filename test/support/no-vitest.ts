/**
 * Stands for vitest where test files are only asked for their op tests:
 * groups are entered, tests are not defined.
 *
 * @module
 */

type Callback = (...args: never[]) => unknown;

function ignore(): void {}
const each = (): (() => void) => ignore;

/** Defines nothing. */
export const test: typeof ignore & { each: typeof each; skip: typeof ignore } = Object.assign(
  () => ignore(),
  { each, skip: ignore },
);
export const it: typeof test = test;
/** Enters the group. */
export const describe: ((name: string, fn: Callback) => void) & { each: typeof each } =
  Object.assign((_name: string, fn: Callback) => void fn(), { each });
export const beforeAll: typeof ignore = ignore;
export const beforeEach: typeof ignore = ignore;
export const afterAll: typeof ignore = ignore;
export const afterEach: typeof ignore = ignore;
/** Nothing is expected outside of tests. */
export function expect(): never {
  throw new Error("expect() outside of a test");
}
