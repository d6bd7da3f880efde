/**
 * @module
 */
import type { Tensor } from "../../../tensor/tensor.ts";
import { ArgumentError, describe, SerializationError } from "../../../util/errors.ts";
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
import {
  type AnyCell,
  callCell,
  initialStatesOf,
  isCell,
  outputSizeOf,
  type States,
} from "./cells.ts";

/** Options of `StackedRNNCells`. */
export interface StackedRNNCellsOptions extends LayerOptions {}

/**
 * Several cells as one: each takes the output of the one before it. The states
 * are a list with those of each cell.
 *
 * @example
 * const cell = new layers.StackedRNNCells([new layers.LSTMCell(8), new layers.LSTMCell(4)]);
 * new layers.RNN(cell)(ops.ones([2, 5, 3])).shape; // [2, 4]
 */
export class StackedRNNCells extends Layer {
  static override readonly parameters: ParameterTable = { cells: required, [inherits]: true };
  readonly cells: readonly AnyCell[];

  constructor(cells: readonly AnyCell[], options: StackedRNNCellsOptions = {}) {
    super(options);
    if (!Array.isArray(cells) || cells.length === 0 || !cells.every(isCell)) {
      throw new ArgumentError(
        "StackedRNNCells: expected a list of cells, each with a call method and a stateSize, " +
          `got ${describe(cells)}.`,
      );
    }
    this.cells = [...cells];
  }

  /** The sizes of the states, for each cell. */
  get stateSize(): readonly unknown[] {
    return this.cells.map(({ stateSize }) => stateSize);
  }

  /** The size of the last cell's output. */
  get outputSize(): number {
    return outputSizeOf(this.cells.at(-1) as AnyCell);
  }

  override get callParameters(): readonly string[] {
    return ["inputs", "states"];
  }

  override build(inputShape: readonly (number | null)[]): void {
    let shape: readonly (number | null)[] = inputShape;
    for (const cell of this.cells) {
      if (cell instanceof Layer && !cell.built) cell.build(shape);
      shape = [inputShape[0] ?? null, outputSizeOf(cell)];
    }
  }

  /** The states before the first step, for each cell. */
  getInitialState(batchSize: number): States[] {
    return this.cells.map((cell) => initialStatesOf(cell, batchSize, this.computeDtype));
  }

  override call(
    inputs: Tensor,
    states: readonly States[],
    { training }: CallOptions = {},
  ): [output: Tensor, states: States] {
    let output = inputs;
    const next = this.cells.map((cell, i) => {
      const before = states[i] as States;
      const isList = Array.isArray(before);
      const [result, after] = callCell(cell, output, isList ? [...before] : [before], {
        training: training === true,
      });
      output = result;
      return !isList && Array.isArray(after) && after.length === 1 ? after[0] : after;
    });
    // As in Keras, the states of one cell alone are not in a list.
    return [output, next.length === 1 ? next[0] : next];
  }

  static override fromConfig<T>(
    this: ConstructorOf<T>,
    config: Config,
    customObjects?: Readonly<Record<string, unknown>>,
  ): T {
    const { cells } = config;
    if (!Array.isArray(cells)) {
      throw new SerializationError("The config of StackedRNNCells has no list of cells.");
    }
    const made = cells.map((cell) => deserializeKerasObject(cell, { customObjects }));
    return construct(this as unknown as KerasClass<T>, { ...config, cells: made });
  }
}
