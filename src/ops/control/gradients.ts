/**
 * What the derivatives of control ops have in common.
 *
 * @module
 */
import { backwardToGroups } from "../../autograd/backward.ts";
import type { Capture } from "../../jit/body.ts";
import { withAutocast } from "../../runtime/precision.ts";
import { type Differentiable, state, type Tape, withTape } from "../../tensor/context.ts";
import { zerosLike } from "../../tensor/fill.ts";
import { Tensor } from "../../tensor/tensor.ts";
import type { Variable } from "../../tensor/variable.ts";
import { isFloat } from "../../util/dtypes.ts";

/** What variables held when the op ran, where that is not what they hold now. */
export type Given = ReadonlyMap<Variable, Tensor>;

/** How a control op treats the variables that its bodies read and assign. */
export interface VariableRules {
  /** What reads see. Default: what the variables hold now. */
  readonly given?: Given;
  /** Whether assignments are made in the end; if not they only last inside. */
  readonly keepsWrites?: boolean;
}

/** A captured value as an input of the op. */
export function inputOf(capture: Capture, given: Given | undefined): Tensor {
  if (capture instanceof Tensor) return capture;
  return given?.get(capture) ?? withAutocast(null, () => capture.value);
}

/** What the captured variables are, by the inputs that they became. */
export function givenBy(captures: readonly Capture[], inputs: readonly Tensor[]): Given {
  const given = new Map<Variable, Tensor>();
  for (const [i, capture] of captures.entries()) {
    if (!(capture instanceof Tensor)) given.set(capture, inputs[i] as Tensor);
  }
  return given;
}

/** Lets every tape differentiate what a control op computed. */
export function recordControl(
  name: string,
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  vjp: NonNullable<Exclude<Differentiable["vjp"], string>>,
): void {
  const entry = { op: { name, vjp }, inputs, attributes: {}, outputs };
  for (const tape of state.tapes) tape.entries.push(entry);
}

/** The float ones: those that can have a gradient. */
export function floatsOf<T extends { readonly dtype: Tensor["dtype"] }>(list: readonly T[]): T[] {
  return list.filter(({ dtype }) => isFloat(dtype));
}

/** What to differentiate by: a tensor, or all reads of a variable (of the shape of `like`). */
export type GradientSource = Tensor | { readonly variable: Variable; readonly like: Tensor };

/** What a captured input is called inside of a body. */
export function sourceOf({
  capture,
  like,
}: {
  readonly capture: Capture;
  readonly like: Tensor;
}): GradientSource {
  return capture instanceof Tensor ? capture : { variable: capture, like };
}

/**
 * Gradients of the float tensors that `fn` returns, with respect to tensors
 * and variables that it uses; zeros where one has no influence.
 */
export function gradientsOf(
  fn: () => readonly Tensor[],
  upstream: readonly Tensor[],
  sources: readonly GradientSource[],
): Tensor[] {
  const tape: Tape = { entries: [], reads: new Map() };
  const targets = floatsOf(withTape(tape, fn));
  const groups = sources.map((source) =>
    source instanceof Tensor ? [source] : (tape.reads.get(source.variable) ?? []),
  );
  return backwardToGroups(tape, targets, upstream, groups).map((gradient, i) => {
    const source = sources[i] as GradientSource;
    return gradient ?? zerosLike(source instanceof Tensor ? source : source.like);
  });
}
