/**
 * The loop over time as one op, for cells whose steps are one.
 *
 * @module
 */
import { where } from "../../../ops/comparison.ts";
import { expandDims, flip, sliceAt } from "../../../ops/shaping.ts";
import { zerosLike } from "../../../tensor/fill.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { RecurrentCell } from "./recurrent-cell.ts";
import type { Looped, LoopRules } from "./time-loop.ts";

/**
 * As `timeLoop`, for inputs, a mask and outputs that are [batch, time, …]; null
 * where no op does what the cell's steps do.
 */
export function fusedLoop(
  cell: RecurrentCell,
  inputs: Tensor,
  states: readonly Tensor[],
  { mask, goBackwards, zeroOutputForMask, returnSequences, startsAtZero }: LoopRules,
  training: boolean,
): Looped | null {
  const hasZeros = mask !== null && zeroOutputForMask;
  // The last state is the last output, unless a mask left out every step.
  const endsWithState = mask === null || (startsAtZero && !hasZeros);
  const sequences = returnSequences || !endsWithState;
  const rules = { mask, reverse: goBackwards, sequences };
  const result = cell.runSequence(inputs, states, rules, training);
  if (result === null) return null;
  let { outputs } = result;
  if (hasZeros && outputs !== null) {
    const inOrder = goBackwards ? flip(mask, { axis: 1 }) : mask;
    outputs = where(expandDims(inOrder, 2), outputs, zerosLike(outputs));
  }
  const last = endsWithState
    ? (result.states[0] as Tensor)
    : sliceAt(outputs as Tensor, 1, (inputs.shape[1] as number) - 1);
  return { last, outputs: returnSequences ? outputs : null, states: result.states };
}
