/**
 * Errors that a test expects.
 *
 * @module
 */
import { expect } from "vitest";
import { KeratinError } from "../../src/index.ts";

type ErrorClass<E extends KeratinError> = abstract new (...args: never[]) => E;

/** What `run` throws or rejects with, which must be of a class and say something. */
export async function failure<E extends KeratinError>(
  Class: ErrorClass<E>,
  run: () => unknown,
): Promise<E> {
  let error: unknown;
  try {
    await run();
  } catch (caught) {
    error = caught;
  }
  expect(error, "an error").toBeInstanceOf(KeratinError);
  expect((error as Error).name, (error as Error).message).toBe(Class.name);
  return error as E;
}
