/**
 * Computing again instead of remembering.
 *
 * @module
 */
import { apply } from "../tensor/apply.ts";
import {
  type Differentiable,
  state,
  type Tape,
  withoutTapes,
  withShadow,
  withTape,
} from "../tensor/context.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Variable } from "../tensor/variable.ts";
import { isFloat } from "../util/dtypes.ts";
import { flatten, unflatten } from "../util/pytree.ts";
import { backwardToGroups } from "./backward.ts";

/** `x`, not to be computed (again) before `after` is there. */
const dependsOp: OpDefinition = defineOp({
  name: "depends",
  infer: ([x]) => x as Tensor,
  vjp: ({ grads: [dy] }) => [dy as Tensor, null],
  traits: { view: true, unique: true },
});

/**
 * `fn`, whose intermediate results are not kept for the gradient but computed
 * again when it is needed: less memory for more time.
 *
 * `fn` takes and returns tensors, in arrays and plain objects. It may use
 * tensors and variables of outside; random state and other variables are seen
 * again as they were, and what it assigns is assigned once.
 *
 * After "Training Deep Nets with Sublinear Memory Cost",
 * https://arxiv.org/abs/1604.06174.
 *
 * @example
 * const block = checkpoint((x) => ops.exp(ops.sin(x)));
 * await grad((x) => ops.sum(block(x)))(tensor([0])).array(); // [1]
 */
export function checkpoint<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
): (...args: A) => R {
  return (...args) => {
    if (state.tapes.length === 0) return fn(...args);
    // The record only tells what it uses of outside, and is dropped at once.
    const before = new Map<Variable, Tensor>();
    const record: Tape = { entries: [], reads: new Map() };
    const result = withoutTapes(() => withTape(record, () => fn(...args)));
    const outputs = flatten(result).filter((leaf): leaf is Tensor => leaf instanceof Tensor);
    const made = new Set(record.entries.flatMap((entry) => entry.outputs));
    const reads = new Set([...record.reads.values()].flat());
    for (const [variable, [first]] of record.reads) before.set(variable, first as Tensor);
    const given = flatten(args).filter((leaf): leaf is Tensor => leaf instanceof Tensor);
    const outside = new Set<Tensor>(given);
    for (const { inputs } of record.entries) {
      for (const x of inputs) if (!made.has(x) && !reads.has(x)) outside.add(x);
    }
    const tensors = [...outside];
    const variables = [...before.keys()];
    // The tapes around see the variables' values as inputs.
    for (const tape of state.tapes) {
      for (const [variable, value] of before) {
        const known = tape.reads.get(variable);
        if (known === undefined) tape.reads.set(variable, [value]);
        else if (!known.includes(value)) known.push(value);
      }
    }
    const fresh = outputs.map((output) => output.detached());
    const op: Differentiable = {
      name: "checkpoint",
      vjp: ({ grads }) => {
        const late = (x: Tensor): Tensor => apply(dependsOp, [x, grads[0] as Tensor]);
        // Later than the gradient, so that nothing is kept from the first time.
        const again = new Map(given.map((x) => [x, late(x)]));
        const values = new Map([...before].map(([variable, value]) => [variable, late(value)]));
        const tape: Tape = { entries: [], reads: new Map() };
        const repeated = withShadow(values, () =>
          withTape(tape, () =>
            fn(
              ...(unflatten(
                args,
                flatten(args).map((leaf) => again.get(leaf as Tensor) ?? leaf),
              ) as unknown as A),
            ),
          ),
        );
        const targets = flatten(repeated).filter((leaf): leaf is Tensor => leaf instanceof Tensor);
        const wanted = targets
          .map(({ dtype }, i) => ({ dtype, i }))
          .filter(({ dtype }) => isFloat(dtype));
        return backwardToGroups(
          tape,
          wanted.map(({ i }) => targets[i] as Tensor),
          wanted.map(({ i }) => grads[i] as Tensor),
          [
            ...tensors.map((x) => [again.get(x) ?? x]),
            ...variables.map((variable) => tape.reads.get(variable) ?? []),
          ],
        );
      },
    };
    const entry = {
      op,
      inputs: [...tensors, ...before.values()],
      attributes: {},
      outputs: fresh,
    };
    for (const tape of state.tapes) tape.entries.push(entry);
    let next = 0;
    return unflatten(
      result,
      flatten(result).map((leaf) => (leaf instanceof Tensor ? fresh[next++] : leaf)),
    ) as R;
  };
}
