/**
 * The cast, which reading a variable may need.
 *
 * @module
 */
import { type DType, holdsAll, isFloat } from "../util/dtypes.ts";
import { apply } from "./apply.ts";
import { defineOp, type OpDefinition, type TracedValue } from "./define-op.ts";
import type { Tensor } from "./tensor.ts";

const castOp: OpDefinition<{ dtype: DType }> = defineOp({
  name: "cast",
  attributes: { dtype: "dtype" },
  infer: ([x], { dtype }) => ({ shape: (x as Tensor).shape, dtype }),
  vjp: ({ inputs: [x], grads: [dy] }) => {
    const { dtype } = x as Tensor;
    return [isFloat(dtype) ? castTo(dy as Tensor, dtype) : null];
  },
  traits: { elementwise: true },
  // A detour through a dtype that holds every value changes nothing.
  rewrite: ([x], { dtype }) => {
    const { source } = x as TracedValue;
    if (source?.op.name !== "cast") return null;
    const origin = source.inputs[0] as TracedValue;
    if (!holdsAll((x as TracedValue).dtype, origin.dtype)) return null;
    if (origin.dtype === dtype) return origin;
    return isFloat(origin.dtype) ? { ...source, attributes: { dtype } } : null;
  },
});

/** `x` in another dtype; `x` itself where it has it already. */
export function castTo<D extends DType>(x: Tensor, dtype: D): Tensor<D> {
  return (x.dtype === dtype ? x : apply(castOp, [x], { dtype })) as Tensor<D>;
}
