/**
 * The functions that cases pass as arguments (FORMAT.md, "Functions").
 *
 * @module
 */
import { ops, type Tensor, UnsupportedError } from "../../src/index.ts";

type Pair = readonly [Tensor, Tensor];

/** i in the dtype of v. */
function indexAs(i: Tensor, v: Tensor): Tensor {
  return ops.cast(i, v.dtype);
}

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
  sin: (x: Tensor) => ops.sin(x),
  linear: ([a, b]: Pair, [c, d]: Pair) => [ops.multiply(a, c), ops.add(ops.multiply(c, b), d)],
  running: (carry: Tensor, x: Tensor) => [ops.add(carry, x), ops.multiply(carry, x)],
  grow: (carry: Tensor) => [ops.add(ops.multiply(carry, 0.5), 1), carry],
  fibonacci: ([a, b]: Pair, x: Tensor) => [[b, ops.add(ops.add(a, b), x)], a],
  add_index: (i: Tensor, v: Tensor) => ops.add(v, indexAs(i, v)),
  half_add_index: (i: Tensor, v: Tensor) => ops.add(ops.multiply(v, 0.5), indexAs(i, v)),
  sum_below_100: (v: Tensor) => ops.less(ops.sum(v), 100),
  index_below_5: (i: Tensor) => ops.less(i, 5),
  step: (i: Tensor, v: Tensor) => [ops.add(i, 1), ops.multiply(v, 1.5)],
  tripled: (x: Tensor) => [ops.multiply(x, x), (dy: Tensor) => ops.multiply(dy, 3)],
};

/** The function of that name. @throws {UnsupportedError} If no op here needs it yet. */
export function namedFunction(name: string): (...args: never[]) => unknown {
  const found = functions[name];
  if (found === undefined)
    throw new UnsupportedError(`function ${name} of the cases`, { op: name });
  return found;
}
