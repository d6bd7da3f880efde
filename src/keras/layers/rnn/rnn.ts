/**
 * @module
 */
import { notEqual } from "../../../ops/comparison.ts";
import { cast } from "../../../ops/creation.ts";
import { toTensor } from "../../../ops/promote.ts";
import { any } from "../../../ops/reduction.ts";
import { sliceAt, swapTime } from "../../../ops/shaping.ts";
import { zerosLike } from "../../../tensor/fill.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { Variable } from "../../../tensor/variable.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../../../util/errors.ts";
import { withNameScope } from "../../../util/naming.ts";
import { flatten, isPlainObject, mapTree, unflatten } from "../../../util/pytree.ts";
import type { KerasTensor } from "../../keras-tensor.ts";
import {
  type Config,
  type ConstructorOf,
  construct,
  inherits,
  type KerasClass,
  type ParameterTable,
  required,
} from "../../object.ts";
import { deserializeKerasObject } from "../../saving/serialization.ts";
import { type CallOptions, Layer, type LayerOptions } from "../layer.ts";
import { hideProperty } from "../tracking.ts";
import { type AnyCell, callCell, initialStatesOf, isCell, type States } from "./cells.ts";
import { fusedLoop } from "./fused-loop.ts";
import { RecurrentCell } from "./recurrent-cell.ts";
import { drawMasks, type SequenceMasks, withMasks } from "./sequence-masks.ts";
import { StackedRNNCells } from "./stacked-rnn-cells.ts";
import { type Looped, type LoopRules, type StepFunction, timeLoop } from "./time-loop.ts";

/** Options of recurrent layers. */
export interface RNNOptions extends LayerOptions {
  /** Whether to return the outputs of all steps, not the last one alone. */
  returnSequences?: boolean | undefined;
  /** Whether to return the states after the last step too. */
  returnState?: boolean | undefined;
  /** Whether to go from the last step to the first; outputs come in that order. */
  goBackwards?: boolean | undefined;
  /** Whether a batch starts with the states with which the one before it ended. */
  stateful?: boolean | undefined;
  /** Whether to lay a loop (where one op does not do it all) out step by step: for short sequences. */
  unroll?: boolean | undefined;
  /** Whether masked steps give zeros, not the output of the step before. */
  zeroOutputForMask?: boolean | undefined;
}

/** The arguments of all recurrent layers. */
export const rnnParameters: ParameterTable = {
  return_sequences: false,
  return_state: false,
  go_backwards: false,
  stateful: false,
  unroll: false,
  zero_output_for_mask: false,
};

/**
 * Applies a cell at each step of sequences `[batch, time, …]`.
 *
 * A cell is a layer with a `stateSize` whose `call(inputs, states, options)`
 * returns `[output, nextStates]`; a list of cells is stacked.
 *
 * In a call, `{ mask }` (`[batch, time]`) says which steps count: the states
 * pass by the others. `{ initialState }` is what the loop starts with.
 *
 * @example
 * const layer = new layers.RNN([new layers.LSTMCell(8), new layers.GRUCell(4)]);
 * layer(ops.ones([2, 5, 3])).shape; // [2, 4]
 */
export class RNN extends Layer {
  static override readonly parameters: ParameterTable = {
    cell: required,
    ...rnnParameters,
    [inherits]: true,
  };
  readonly cell: AnyCell;
  readonly returnSequences: boolean;
  readonly returnState: boolean;
  readonly goBackwards: boolean;
  readonly stateful: boolean;
  readonly unroll: boolean;
  zeroOutputForMask: boolean;
  /** The states that a stateful layer keeps between batches; null before it is built. */
  states: States = null;

  constructor(cell: AnyCell | readonly AnyCell[], options: RNNOptions = {}) {
    super(options);
    const one = Array.isArray(cell) ? new StackedRNNCells(cell) : (cell as AnyCell);
    if (!isCell(one)) {
      throw new ArgumentError(
        `RNN: a cell needs a call method and a stateSize, got ${describe(cell)}.`,
      );
    }
    this.zeroOutputForMask = options.zeroOutputForMask ?? false;
    this.cell = one;
    this.returnSequences = options.returnSequences ?? false;
    this.returnState = options.returnState ?? false;
    this.goBackwards = options.goBackwards ?? false;
    this.stateful = options.stateful ?? false;
    this.unroll = options.unroll ?? false;
    // In Keras the states are no weights and not saved.
    hideProperty(this, "states");
  }

  /** The sizes of the states, as the cell has them. */
  get stateSize(): readonly unknown[] {
    const size = this.cell.stateSize;
    return Array.isArray(size) ? size : [size];
  }

  override get callParameters(): readonly string[] {
    return ["sequences", "initialState"];
  }

  override build(sequencesShape: readonly (number | null)[], _initialStateShape?: unknown): void {
    const { cell } = this;
    if (cell instanceof Layer && !cell.built) {
      cell.build([sequencesShape[0] ?? null, ...sequencesShape.slice(2)]);
    }
    if (!this.stateful) return;
    if (this.states !== null) {
      this.resetState();
      return;
    }
    const [batch] = sequencesShape;
    if (typeof batch !== "number") {
      throw new ShapeError(
        `Layer "${this.name}" is stateful and needs a fixed batch size, got sequences of shape ` +
          `${formatShape(sequencesShape)}. Give the model an Input with batchShape.`,
        { layer: this.name, shapes: [sequencesShape] },
      );
    }
    this.states = mapTree(this.getInitialState(batch), (value) =>
      withNameScope(
        this.name,
        () =>
          new Variable(cast(value as Tensor, this.variableDtype), {
            trainable: false,
            name: "rnn_state",
          }),
        { caller: this },
      ),
    );
  }

  /** The states before the first step of a batch. */
  getInitialState(batchSize: number): States[] {
    const { cell } = this;
    const found = initialStatesOf(cell, batchSize, this.computeDtype);
    return Array.isArray(found) ? [...found] : [found];
  }

  /** Sets the states of a stateful layer to zero. */
  resetState(): void {
    for (const variable of flatten(this.states ?? []) as Variable[]) {
      variable.assign(zerosLike(variable.value));
    }
  }

  /** The same as `resetState`. */
  resetStates(): void {
    this.resetState();
  }

  /** @internal */
  override invoke(given: unknown[]): unknown {
    return super.invoke(withStateAsOption(given));
  }

  override computeOutputSpec(args: readonly unknown[], options: CallOptions): unknown {
    const [sequences] = args as [KerasTensor];
    if (this.unroll && sequences.shape[1] === null) {
      throw new ShapeError(
        `Layer "${this.name}" cannot unroll sequences whose length is not known, got shape ` +
          `${formatShape(sequences.shape)}. Give the Input a length, or leave unroll out.`,
        { layer: this.name, shapes: [sequences.shape] },
      );
    }
    return super.computeOutputSpec(args, options);
  }

  override call(
    sequences: Tensor,
    { initialState, mask, training }: CallOptions = {},
  ): Tensor | Tensor[] {
    const { cell } = this;
    const [batch, length] = sequences.shape as readonly [number, number];
    const states = this.#startingStates(initialState, batch);
    const masks = drawMasks(cell, sliceAt(sequences, 1, 0), states);
    const {
      last,
      outputs,
      states: after,
    } = this.#loop(
      sequences,
      states,
      this.#stepMask(mask, batch, length),
      masks,
      training === true,
      (initialState ?? null) === null &&
        !this.stateful &&
        cell instanceof RecurrentCell &&
        cell.startsAtZero,
    );
    if (this.stateful) {
      const values = flatten(after) as Tensor[];
      for (const [i, variable] of (flatten(this.states) as Variable[]).entries()) {
        variable.assign(cast(values[i] as Tensor, variable.storageDtype));
      }
    }
    const output = cast(outputs ?? last, this.computeDtype);
    if (!this.returnState) return output;
    const converted = mapTree(after, (x) => cast(x as Tensor, this.computeDtype));
    return [output, ...(converted as States[])];
  }

  #startingStates(given: unknown, batch: number): States[] {
    if (this.stateful) {
      const [first] = flatten(this.states) as Variable[];
      if (first !== undefined && first.shape[0] !== batch) {
        throw new ShapeError(
          `Layer "${this.name}" is stateful and keeps the states of ${first.shape[0]} samples, ` +
            `got a batch of ${batch}. Make the layer anew for another batch size.`,
          { layer: this.name },
        );
      }
    }
    const start = given ?? (this.stateful ? this.states : this.getInitialState(batch));
    const dtype = this.cell.computeDtype ?? this.computeDtype;
    return mapTree(Array.isArray(start) ? start : [start], (x) =>
      cast(x instanceof Variable ? x.value : toTensor(this.name, x as Tensor), dtype),
    ) as States[];
  }

  /** A mask, [batch, time], or with features, one of which is enough. */
  #stepMask(given: unknown, batch: number, length: number): Tensor | null {
    const [first] = flatten(given ?? null) as (Tensor | null)[];
    if (first === null || first === undefined) return null;
    let mask = toTensor(this.name, first);
    if (mask.dtype !== "bool") mask = notEqual(mask, 0);
    if (mask.ndim < 2 || mask.shape[0] !== batch || mask.shape[1] !== length) {
      throw new ShapeError(
        `Layer "${this.name}": a mask of shape ${formatShape(mask.shape)} does not fit ${batch} ` +
          `sequences of ${length} steps. Expected ${formatShape([batch, length])}.`,
        { layer: this.name, shapes: [mask.shape] },
      );
    }
    while (mask.ndim > 2) mask = any(mask, { axis: -1 });
    return mask;
  }

  #loop(
    inputs: Tensor,
    states: States[],
    mask: Tensor | null,
    masks: SequenceMasks,
    training: boolean,
    startsAtZero: boolean,
  ): { last: Tensor; outputs: Tensor | null; states: States[] } {
    const { cell, goBackwards, unroll, zeroOutputForMask, returnSequences } = this;
    const first = flatten(states) as Tensor[];
    const rules = { goBackwards, unroll, zeroOutputForMask, returnSequences, mask, startsAtZero };
    const looped = this.#fused(inputs, first, rules, masks, training);
    if (looped !== null) {
      return { ...looped, states: unflatten(states, looped.states) as States[] };
    }
    const byTime = swapTime(inputs);
    const projects = cell instanceof RecurrentCell && cell.stepsInParts;
    const [xs, step] = projects
      ? withMasks(masks, () => partsOf(cell, byTime, first, training))
      : [byTime, this.#wholeStep(states, masks, training)];
    const {
      last,
      outputs,
      states: after,
    } = timeLoop(this.name, step, xs, first, {
      ...rules,
      mask: mask === null ? null : swapTime(mask),
    });
    return {
      last,
      outputs: outputs === null ? null : swapTime(outputs),
      states: unflatten(states, after) as States[],
    };
  }

  /** The loop as one op, where there is one for the cell. */
  #fused(
    inputs: Tensor,
    states: readonly Tensor[],
    rules: LoopRules,
    masks: SequenceMasks,
    training: boolean,
  ): Looped | null {
    const { cell } = this;
    if (!(cell instanceof RecurrentCell)) return null;
    return cell.within(() =>
      withMasks(masks, () => fusedLoop(cell, inputs, states, rules, training)),
    );
  }

  /** A step of any cell. */
  #wholeStep(structure: States[], masks: SequenceMasks, training: boolean): StepFunction {
    return (x, before) => {
      const [output, next] = this.within(() =>
        withMasks(masks, () =>
          callCell(this.cell, x, unflatten(structure, before) as States[], { training }),
        ),
      );
      return { output, states: flatten(next) as Tensor[] };
    };
  }

  override computeMask(_inputs: unknown, previousMask: unknown): unknown {
    const [mask = null] = flatten(previousMask);
    const outputMask = this.returnSequences ? mask : null;
    return this.returnState ? [outputMask, ...this.stateSize.map(() => null)] : outputMask;
  }

  static override fromConfig<T>(
    this: ConstructorOf<T>,
    config: Config,
    customObjects?: Readonly<Record<string, unknown>>,
  ): T {
    const { cell } = config;
    const given =
      cell === undefined ? {} : { cell: deserializeKerasObject(cell, { customObjects }) };
    return construct(this as unknown as KerasClass<T>, { ...config, ...given });
  }
}

/** The arguments of a call that may give the initial state by position, as Keras's do. */
export function withStateAsOption(given: unknown[]): unknown[] {
  const [sequences, second, third] = given;
  if (given.length < 2 || isPlainObject(second)) return given;
  const options = { ...((third ?? {}) as CallOptions) };
  if (second !== null && second !== undefined) options["initialState"] = second;
  return [sequences, options];
}

/** The inputs of all steps projected at once, and what is left of a step. */
function partsOf(
  cell: RecurrentCell,
  inputs: Tensor,
  states: readonly Tensor[],
  training: boolean,
): [Tensor, StepFunction] {
  return cell.within(() => {
    const step = cell.stepper(states, training);
    return [
      cell.project(inputs, training),
      (x, before) => {
        const [output, next] = cell.within(() => step(x, before));
        return { output, states: next };
      },
    ];
  });
}
