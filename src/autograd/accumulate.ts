/**
 * The sum of gradients: the one operation that reverse mode itself needs.
 *
 * @module
 */
import { apply } from "../tensor/apply.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import type { Tensor } from "../tensor/tensor.ts";

const accumulateOp: OpDefinition = defineOp({
  name: "accumulate",
  kernel: "add",
  infer: ([a]) => a as Tensor,
  vjp: ({ grads: [dy] }) => [dy as Tensor, dy as Tensor],
  traits: { elementwise: true },
});

/** a + b, of one shape and dtype. */
export function accumulate(a: Tensor, b: Tensor): Tensor {
  return apply(accumulateOp, [a, b]);
}
