/**
 * The loop over time of recurrent layers: Keras's rules for masks and order.
 *
 * @module
 */
import { where } from "../../../ops/comparison.ts";
import { scanTensors } from "../../../ops/control/scan.ts";
import { zeros } from "../../../ops/creation.ts";
import { stack } from "../../../ops/joining.ts";
import { flip, reshape, sliceAt } from "../../../ops/shaping.ts";
import { zerosLike } from "../../../tensor/fill.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { KerasTensor } from "../../keras-tensor.ts";
import { inferSymbolic } from "../../symbolic.ts";

/** What a step gives: the output and the next states. */
export interface StepResult {
  readonly output: Tensor;
  readonly states: readonly Tensor[];
}

/** One step: the slices of the inputs, and the states before it. */
export type StepFunction = (inputs: Tensor, states: readonly Tensor[]) => StepResult;

/** How to go through time. */
export interface LoopRules {
  /** From the last step to the first; outputs stay in the order in which they come. */
  readonly goBackwards: boolean;
  /** Whether each step becomes a part of the program of its own. */
  readonly unroll: boolean;
  /** Whether outputs of masked steps are zero, and not those of the step before. */
  readonly zeroOutputForMask: boolean;
  /** Whether the outputs of all steps are wanted. */
  readonly returnSequences: boolean;
  /** [time, batch], bool: false where a step does not count for a sample. */
  readonly mask: Tensor | null;
  /** Whether the states start at zero. */
  readonly startsAtZero: boolean;
}

/** What a loop gives. */
export interface Looped {
  /** The output of the last step. */
  readonly last: Tensor;
  /** [time, batch, …], if all are wanted. */
  readonly outputs: Tensor | null;
  readonly states: readonly Tensor[];
}

/** Goes through `inputs`, [time, batch, …]. */
export function timeLoop(
  name: string,
  step: StepFunction,
  inputs: Tensor,
  states: readonly Tensor[],
  rules: LoopRules,
): Looped {
  return rules.unroll
    ? unrolled(step, inputs, states, rules)
    : scanned(name, step, inputs, states, rules);
}

/** What a masked step gives in place of its output. */
type Substitute =
  /** The output of the step before. */
  | Tensor
  /** Zeros. */
  | "zeros"
  /** The state that is the output, as it was. */
  | "state";

/** A step that leaves alone what a mask, [batch], says. */
function masked(
  { output, states: next }: StepResult,
  mask: Tensor,
  before: readonly Tensor[],
  substitute: Substitute,
): StepResult {
  const choose = (x: Tensor, other: Tensor): Tensor => {
    const axes = new Array<number>(x.ndim - mask.ndim).fill(1);
    return where(reshape(mask, [...mask.shape, ...axes]), x, other);
  };
  const states = next.map((state, i) => choose(state, before[i] as Tensor));
  if (substitute === "state") return { output: states[next.indexOf(output)] as Tensor, states };
  const other = substitute === "zeros" ? zerosLike(output) : substitute;
  return { output: choose(output, other), states };
}

function unrolled(
  step: StepFunction,
  inputs: Tensor,
  initial: readonly Tensor[],
  { mask, goBackwards, zeroOutputForMask, returnSequences }: LoopRules,
): Looped {
  const length = inputs.shape[0] as number;
  const outputs: Tensor[] = [];
  let states = initial;
  let last: Tensor | null = null;
  for (let i = 0; i < length; i++) {
    const at = goBackwards ? length - 1 - i : i;
    let result = step(sliceAt(inputs, 0, at), states);
    if (mask !== null) {
      const substitute = zeroOutputForMask || last === null ? "zeros" : last;
      result = masked(result, sliceAt(mask, 0, at), states, substitute);
    }
    last = result.output;
    states = result.states;
    if (returnSequences) outputs.push(last);
  }
  return { last: last as Tensor, outputs: returnSequences ? stack(outputs) : null, states };
}

function scanned(
  name: string,
  step: StepFunction,
  inputs: Tensor,
  initial: readonly Tensor[],
  rules: LoopRules,
): Looped {
  const { mask, goBackwards, zeroOutputForMask, returnSequences, startsAtZero } = rules;
  const length = inputs.shape[0] as number;
  const count = initial.length;
  const carried: Tensor[] = [];
  if (mask !== null && !zeroOutputForMask) {
    const { output, isState } = outputOf(name, step, inputs, initial);
    // The state that is the output will do where it, too, is zero at first.
    if (!isState || !startsAtZero) carried.push(output);
  }
  /** Which of the next states is the output; -1: none. */
  let own = -1;
  const { carry, results } = scanTensors(
    name,
    (before, [x, now]) => {
      const states = before.slice(0, count);
      let result = step(x as Tensor, states);
      if (now !== undefined) {
        const substitute = zeroOutputForMask ? "zeros" : (before[count] ?? "state");
        result = masked(result, now, states, substitute);
      }
      const { output, states: next } = result;
      own = next.indexOf(output);
      const isCarried = own >= 0 || carried.length > 0;
      return {
        carry: carried.length > 0 ? [...next, output] : next,
        results: returnSequences || !isCarried ? [output] : [],
      };
    },
    [...initial, ...carried],
    mask === null ? [inputs] : [inputs, mask],
    { length, reverse: goBackwards },
  );
  const [outputs] = results;
  const last = carried.length > 0 ? carry[count] : carry[own];
  return {
    last: last ?? sliceAt(outputs as Tensor, 0, goBackwards ? 0 : length - 1),
    // A scan puts its results where the inputs were.
    outputs: !returnSequences
      ? null
      : goBackwards
        ? flip(outputs as Tensor, { axis: 0 })
        : (outputs as Tensor),
    states: carry.slice(0, count),
  };
}

/** Zeros like the output of a step, and whether that is one of its states. */
function outputOf(
  name: string,
  step: StepFunction,
  inputs: Tensor,
  states: readonly Tensor[],
): { output: Tensor; isState: boolean } {
  const symbolic = ({ shape, dtype }: Tensor): KerasTensor => new KerasTensor(shape, { dtype });
  let isState = false;
  const found = inferSymbolic(
    name,
    [symbolic(sliceAt(inputs, 0, 0)), ...states.map(symbolic)],
    (given) => {
      const [x, ...before] = given as [Tensor, ...Tensor[]];
      const { output, states: next } = step(x, before);
      isState = next.includes(output);
      return output;
    },
  ) as KerasTensor;
  return { output: zeros(found.shape as number[], { dtype: found.dtype }), isState };
}
