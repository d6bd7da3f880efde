/**
 * The walk back over a tape.
 *
 * @module
 */
import { type Tape, type TapeEntry, withTape } from "../tensor/context.ts";
import { zerosLike } from "../tensor/fill.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isFloat } from "../util/dtypes.ts";
import { GradientError } from "../util/errors.ts";
import { sameShape } from "../util/shapes.ts";
import { accumulate } from "./accumulate.ts";

/**
 * Gradients of `targets` (with the given upstream gradients) with respect to
 * `sources`, in their order; null where a source has no influence.
 *
 * The rules run as ops, so whatever tape is active records them.
 *
 * @throws {GradientError} If an op on the way is not differentiable.
 */
export function backward(
  tape: Tape,
  targets: readonly Tensor[],
  upstream: readonly Tensor[],
  sources: readonly Tensor[],
): (Tensor | null)[] {
  // What depends on a source.
  const reached = new Set<Tensor>(sources);
  const path: TapeEntry[] = [];
  for (const entry of tape.entries) {
    let touches = false;
    for (const input of entry.inputs) {
      if (reached.has(input) && isFloat(input.dtype)) {
        touches = true;
        break;
      }
    }
    if (!touches) continue;
    path.push(entry);
    for (const output of entry.outputs) reached.add(output);
  }

  const gradients = new Map<Tensor, Tensor>();
  const add = (to: Tensor, gradient: Tensor): void => {
    const known = gradients.get(to);
    gradients.set(to, known === undefined ? gradient : accumulate(known, gradient));
  };
  for (const [i, target] of targets.entries()) add(target, upstream[i] as Tensor);
  const kept = new Set<Tensor>(sources);

  for (let i = path.length - 1; i >= 0; i--) {
    const entry = path[i] as TapeEntry;
    const { op, inputs, outputs, attributes } = entry;
    if (!outputs.some((output) => gradients.has(output))) continue;
    if (op.vjp === null) {
      // Outputs that carry no gradient (integers, booleans) end the way quietly.
      if (!outputs.some((output) => isFloat(output.dtype) && gradients.has(output))) continue;
      throw new GradientError(
        `${op.name} is not differentiable. Wrap its input in stopGradient, or give it a ` +
          "gradient with customGradient.",
        { op: op.name },
      );
    }
    const grads = outputs.map((output) => gradients.get(output) ?? zerosLike(output));
    const needs = (index: number): boolean => {
      const input = inputs[index];
      return input !== undefined && reached.has(input) && isFloat(input.dtype);
    };
    const results =
      op.vjp === "decompose"
        ? decomposedGradients(entry, grads)
        : op.vjp({ inputs, outputs, grads, needs }, attributes);
    if (results.length !== inputs.length) {
      throw new GradientError(
        `${op.name}: its vjp gave ${results.length} gradients for ${inputs.length} inputs.`,
        { op: op.name },
      );
    }
    for (let k = 0; k < inputs.length; k++) {
      const input = inputs[k] as Tensor;
      const gradient = results[k];
      if (gradient === null || gradient === undefined) continue;
      if (!reached.has(input) || !isFloat(input.dtype)) continue;
      if (!sameShape(gradient.shape, input.shape) || gradient.dtype !== input.dtype) {
        throw new GradientError(
          `${op.name}: its vjp gave a gradient ${gradient.dtype} [${gradient.shape.join(", ")}] ` +
            `for an input ${input.dtype} [${input.shape.join(", ")}].`,
          { op: op.name, shapes: [gradient.shape, input.shape] },
        );
      }
      add(input, gradient);
    }
    for (const output of outputs) if (!kept.has(output)) gradients.delete(output);
  }
  return sources.map((source) => gradients.get(source) ?? null);
}

/**
 * As `backward`, for sources that stand for one thing in several objects (a
 * variable that was read several times): the sums over each group.
 */
export function backwardToGroups(
  tape: Tape,
  targets: readonly Tensor[],
  upstream: readonly Tensor[],
  groups: readonly (readonly Tensor[])[],
): (Tensor | null)[] {
  const gradients = backward(tape, targets, upstream, groups.flat());
  let next = 0;
  return groups.map((group) => {
    let sum: Tensor | null = null;
    for (const _ of group) {
      const gradient = gradients[next++] ?? null;
      if (gradient !== null) sum = sum === null ? gradient : accumulate(sum, gradient);
    }
    return sum;
  });
}

/** The gradients of an op as those of what it is made of. */
function decomposedGradients(
  { op, inputs, attributes }: TapeEntry,
  grads: readonly Tensor[],
): (Tensor | null)[] {
  const { decompose } = op;
  if (decompose === undefined) {
    throw new GradientError(`${op.name}: it has no decomposition to differentiate.`, {
      op: op.name,
    });
  }
  const tape: Tape = { entries: [], reads: new Map() };
  const result = withTape(tape, () => decompose(inputs, attributes));
  const outputs = Array.isArray(result) ? (result as readonly Tensor[]) : [result as Tensor];
  return backward(tape, outputs, grads, inputs);
}
