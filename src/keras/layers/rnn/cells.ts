/**
 * What recurrent layers ask of cells, their own and others'.
 *
 * @module
 */
import { zeros } from "../../../ops/creation.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { DType } from "../../../util/dtypes.ts";
import { type CallOptions, Layer } from "../layer.ts";

/** States: a tensor, or a tree of them as deep as the cell's `stateSize`. */
// biome-ignore lint/suspicious/noExplicitAny: cells define their own trees
export type States = any;

/** A cell: a layer, or any object that steps like one. */
export interface AnyCell {
  /** The size of the state, or of each of several. */
  readonly stateSize: States;
  /** The size of the output. Default: that of the first state. */
  readonly outputSize?: number | null | undefined;
  readonly computeDtype?: DType;
  /** One step: `[output, nextStates]`. */
  call(inputs: Tensor, states: States, options?: CallOptions): [Tensor, States];
  getInitialState?(batchSize: number): States;
}

/** Whether a value has what a cell needs. */
export function isCell(value: unknown): value is AnyCell {
  const cell = value as Partial<AnyCell> | null | undefined;
  return (
    typeof cell?.call === "function" && cell.stateSize !== undefined && cell.stateSize !== null
  );
}

/** One step of a cell; of a layer, with all that a layer's call does. */
export function callCell(
  cell: AnyCell,
  inputs: Tensor,
  states: States,
  options: CallOptions,
): [output: Tensor, states: States] {
  return cell instanceof Layer
    ? (cell.invoke([inputs, states, options]) as [Tensor, States])
    : cell.call(inputs, states, options);
}

/** The states before the first step; where the cell does not say, zeros. */
export function initialStatesOf(cell: AnyCell, batchSize: number, dtype: DType): States {
  if (cell.getInitialState !== undefined) return cell.getInitialState(batchSize);
  const make = (size: number): Tensor =>
    zeros([batchSize, size], { dtype: cell.computeDtype ?? dtype });
  return Array.isArray(cell.stateSize) ? cell.stateSize.map(make) : make(cell.stateSize);
}

/** The size of a cell's output. */
export function outputSizeOf(cell: AnyCell): number {
  const { outputSize, stateSize } = cell;
  return outputSize ?? (Array.isArray(stateSize) ? (stateSize[0] as number) : stateSize);
}
