/**
 * The dropout masks of a whole sequence, drawn before its first step.
 *
 * @module
 */
import type { Tensor } from "../../../tensor/tensor.ts";
import { type AnyCell, callCell, type States } from "./cells.ts";
import { type DropoutMasks, RecurrentCell } from "./recurrent-cell.ts";
import { StackedRNNCells } from "./stacked-rnn-cells.ts";

/** The masks of a cell and of those inside it, for one sequence. */
export type SequenceMasks = ReadonlyMap<RecurrentCell, DropoutMasks>;

/** Draws the masks of a cell and of those inside it, in Keras's order. */
export function drawMasks(cell: AnyCell, input: Tensor, states: States): SequenceMasks {
  const drawn = new Map<RecurrentCell, DropoutMasks>();
  draw(cell, input, states, drawn);
  return drawn;
}

function draw(
  cell: AnyCell,
  input: Tensor,
  states: States,
  drawn: Map<RecurrentCell, DropoutMasks>,
): void {
  if (cell instanceof RecurrentCell) {
    drawn.set(cell, cell.drawMasks(input, (Array.isArray(states) ? states[0] : states) as Tensor));
  } else if (cell instanceof StackedRNNCells) {
    let x = input;
    for (const [i, inner] of cell.cells.entries()) {
      const own = states[i] as States;
      draw(inner, x, own, drawn);
      // A later cell's mask has the shape of what reaches it.
      if (!cell.cells.slice(i + 1).some(mayDraw)) break;
      const before = Array.isArray(own) ? own : [own];
      [x] = withMasks(drawn, () => callCell(inner, x, before, {}));
    }
  }
}

/**
 * Runs `fn` with masks in force. Each step needs it anew: to differentiate a
 * loop its step is run again when the layer's call has long returned.
 */
export function withMasks<T>(masks: SequenceMasks, fn: () => T): T {
  const before = [...masks].map(([cell, own]) => [cell, cell.exchangeMasks(own)] as const);
  try {
    return fn();
  } finally {
    for (const [cell, own] of before) cell.exchangeMasks(own);
  }
}

function mayDraw(cell: AnyCell): boolean {
  if (cell instanceof RecurrentCell) return cell.dropout > 0 || cell.recurrentDropout > 0;
  return cell instanceof StackedRNNCells && cell.cells.some(mayDraw);
}
