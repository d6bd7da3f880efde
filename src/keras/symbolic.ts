/**
 * Shapes and dtypes of a computation on symbolic tensors.
 *
 * @module
 */
import { Trace } from "../jit/trace.ts";
import { state, withTracer } from "../tensor/context.ts";
import { Tensor } from "../tensor/tensor.ts";
import { Variable } from "../tensor/variable.ts";
import { KeratinError } from "../util/errors.ts";
import { flatten, mapTree } from "../util/pytree.ts";
import type { Shape } from "../util/shapes.ts";
import { KerasTensor } from "./keras-tensor.ts";
import { getMask, setMask } from "./masks.ts";

/** Lengths that unknown axes take in turn: primes, then lengths that divide well. */
const probes = [
  [83, 89],
  [5040, 10080],
] as const;

/**
 * Runs `fn` on the leaves of `inputs` with symbolic tensors replaced, only to
 * see what comes out: nothing is computed, assignments are dropped.
 *
 * Unknown lengths are tried as one number, then as another: what differs in
 * the results is unknown.
 */
export function inferSymbolic(
  name: string,
  inputs: unknown,
  fn: (inputs: unknown) => unknown,
): unknown {
  const isOpen = flatten(inputs).some(
    (leaf) => leaf instanceof KerasTensor && leaf.shape.includes(null),
  );
  if (!isOpen) return build(probe(inputs, fn, 0), null);
  let failure: unknown;
  for (const [first, second] of probes) {
    try {
      return build(probe(inputs, fn, first), probe(inputs, fn, second));
    } catch (error) {
      failure ??= error;
      // Only a length that does not fit is worth another try.
      if (!(error instanceof KeratinError)) break;
    }
  }
  if (failure instanceof KeratinError) failure.layer ??= name;
  throw failure;
}

/** What an abstract run gave: tensors without values, and their masks. */
interface Probe {
  readonly result: unknown;
}

function probe(inputs: unknown, fn: (inputs: unknown) => unknown, length: number): Probe {
  const trace = new Trace("abstract");
  const { tapes, scope } = state;
  state.tapes = [];
  state.scope = null;
  try {
    const fill = (x: KerasTensor): Tensor => {
      const tensor = trace.argument({
        shape: x.shape.map((dim) => dim ?? length),
        dtype: x.dtype,
      });
      const mask = getMask(x);
      if (mask instanceof KerasTensor) setMask(tensor, fill(mask));
      else if (mask !== null) setMask(tensor, mask);
      return tensor;
    };
    const concrete = mapTree(inputs, (leaf) => (leaf instanceof KerasTensor ? fill(leaf) : leaf));
    return { result: withTracer(trace, () => fn(concrete)) };
  } finally {
    trace.release();
    state.tapes = tapes;
    state.scope = scope;
  }
}

function build(first: Probe, second: Probe | null): unknown {
  const others = second === null ? null : flatten(second.result);
  return mapTree(first.result, (leaf, i) => {
    const tensor = asTensor(leaf);
    if (tensor === null) return leaf;
    const other = others === null ? null : asTensor(others[i]);
    const symbolic = toSymbolic(tensor, other);
    const mask = getMask(tensor);
    if (mask instanceof Tensor) {
      const otherMask = other === null ? null : getMask(other);
      setMask(symbolic, toSymbolic(mask, otherMask instanceof Tensor ? otherMask : null));
    }
    return symbolic;
  });
}

function asTensor(leaf: unknown): Tensor | null {
  if (leaf instanceof Tensor) return leaf;
  // A variable returned as it is.
  return leaf instanceof Variable ? leaf.value : null;
}

function toSymbolic(tensor: Tensor, other: Tensor | null): KerasTensor {
  const shape: Shape = tensor.shape;
  return new KerasTensor(
    other === null ? shape : shape.map((dim, i) => (other.shape[i] === dim ? dim : null)),
    { dtype: tensor.dtype },
  );
}
