/**
 * The functions that cases pass as arguments (FORMAT.md, "Functions").
 *
 * @module
 */
import { ops, type Tensor, UnsupportedError } from "../../src/index.ts";

type Pair = readonly [Tensor, Tensor];

const functions: Readonly<Record<string, (...args: never[]) => unknown>> = {
  square: (x: Tensor) => ops.multiply(x, x),
  twice: (x: Tensor) => ops.add(x, x),
  half_plus_one: (x: Tensor) => ops.add(ops.multiply(x, 0.5), 1),
  sum_and_max: (x: Tensor) => [ops.sum(x), ops.max(x)],
  square_and_sum: (x: Tensor) => [ops.multiply(x, x), ops.sum(x)],
  named: (x: Tensor) => ({ twice: ops.add(x, x), sum: ops.sum(x) }),
  pair_product: ([a, b]: Pair) => ops.multiply(a, b),
  add: (a: Tensor, b: Tensor) => ops.add(a, b),
  multiply: (a: Tensor, b: Tensor) => ops.multiply(a, b),
  maximum: (a: Tensor, b: Tensor) => ops.maximum(a, b),
  matmul: (a: Tensor, b: Tensor) => ops.matmul(a, b),
  add_twice: (a: Tensor, b: Tensor) => ops.add(a, ops.multiply(b, 2)),
  dot: (a: Tensor, b: Tensor) => ops.sum(ops.multiply(a, b)),
};

/** The function of that name. @throws {UnsupportedError} If no op here needs it yet. */
export function namedFunction({ $fn }: { $fn: string }): (...args: never[]) => unknown {
  const found = functions[$fn];
  if (found === undefined) throw new UnsupportedError(`function ${$fn} of the cases`, { op: $fn });
  return found;
}
