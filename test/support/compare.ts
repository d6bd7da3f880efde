/**
 * Comparison of results, and what is said when they differ.
 *
 * @module
 */
import type { Tensor } from "../../src/tensor/tensor.ts";
import type { DType } from "../../src/util/dtypes.ts";
import { valuesOf } from "./layouts.ts";
import { type Nd, unravel } from "./nd.ts";
import { type Accuracy, isExact, roundTo, tolerance } from "./tolerances.ts";

/** Where in a test something was found. */
export interface Where {
  readonly op: string;
  readonly backend: string;
  readonly check: string;
  readonly dtype: DType;
  readonly shapes: readonly (readonly number[])[];
  readonly layout: string;
  readonly seed: number;
}

/** An error that says where. */
export function failure(where: Where, message: string): Error {
  const shapes = where.shapes.map((shape) => `[${shape.join(", ")}]`).join(", ");
  return new Error(
    `${where.op} on ${where.backend}, ${where.check}: ${message}\n` +
      `  dtype ${where.dtype}, shapes ${shapes}, layout ${where.layout}, ` +
      `KERATIN_TEST_SEED=${where.seed}`,
  );
}

/** Whether two numbers are the same, NaN and signs of zero included. */
const same = Object.is;

/** Throws unless `actual` is what was expected. */
export async function expectClose(
  where: Where,
  what: string,
  actual: Tensor,
  expected: Nd,
  dtype: DType,
  accuracy: Accuracy,
  cancels: boolean | number,
): Promise<void> {
  expectSpec(where, what, actual, expected.shape, dtype);
  const { data } = await valuesOf(actual);
  let magnitude = typeof cancels === "number" ? cancels : 0;
  if (cancels !== false) {
    for (const value of expected.data) {
      if (Number.isFinite(value)) magnitude = Math.max(magnitude, Math.abs(value));
    }
  }
  for (let i = 0; i < data.length; i++) {
    const got = data[i] as number;
    const exact = expected.data[i] as number;
    const wanted = roundTo(dtype, exact);
    if (got === wanted || (Number.isNaN(got) && Number.isNaN(wanted))) continue;
    const allowed = isExact(dtype) ? 0 : tolerance(dtype, exact, magnitude, accuracy);
    const error = Math.abs(got - exact);
    // Near the greatest number a neighbour may be infinite.
    const overflows =
      !Number.isFinite(wanted) && Math.abs(Math.abs(got) - Math.abs(exact)) <= allowed;
    if (error <= allowed || overflows) continue;
    throw failure(
      where,
      `${what} differs first at [${unravel(i, expected.shape).join(", ")}]: got ${got}, ` +
        `expected ${exact} (off by ${error}, allowed ${allowed}).`,
    );
  }
}

/** Throws unless shape and dtype are as expected. */
export function expectSpec(
  where: Where,
  what: string,
  actual: Tensor,
  shape: readonly number[],
  dtype: DType,
): void {
  if (actual.dtype !== dtype) {
    throw failure(where, `${what} has dtype ${actual.dtype}, expected ${dtype}.`);
  }
  if (actual.shape.join() !== shape.join()) {
    throw failure(
      where,
      `${what} has shape [${actual.shape.join(", ")}], expected [${shape.join(", ")}].`,
    );
  }
}

/** Throws unless two tensors are equal to the last bit. */
export async function expectSame(
  where: Where,
  what: string,
  actual: Tensor,
  expected: Tensor,
): Promise<void> {
  expectSpec(where, what, actual, expected.shape, expected.dtype);
  const [a, b] = [await valuesOf(actual), await valuesOf(expected)];
  for (let i = 0; i < a.data.length; i++) {
    if (same(a.data[i], b.data[i])) continue;
    throw failure(
      where,
      `${what} differs first at [${unravel(i, b.shape).join(", ")}]: got ${a.data[i]}, ` +
        `expected exactly ${b.data[i]}.`,
    );
  }
}
