/**
 * Tensors as text.
 *
 * @module
 */

import { isFloat, itemSize } from "../util/dtypes.ts";
import { formatShape } from "../util/errors.ts";
import type { Tensor } from "./tensor.ts";

/** Tensors with more elements are printed with their middle left out. */
const summarizeFrom = 1000;
/** How many items at either end of an axis are then shown. */
const edgeItems = 3;
/** Larger tensors are not read for printing. */
const maxReadBytes = 1 << 26;

/** `Tensor float32 [2, 2]`, and the values where they can be read at once. */
export function formatTensor(x: Tensor): string {
  const head = `Tensor ${x.dtype} ${formatShape(x.shape)}`;
  if (x.isDisposed) return `${head} (disposed)`;
  if (x.symbol !== null) return `${head} (symbolic)`;
  const { backend } = x.storage;
  if (!backend.syncRead) return `${head} on ${backend.name}`;
  if (x.size * itemSize(x.dtype) > maxReadBytes) return head;
  const data = x.dataSync();
  const summarize = x.size > summarizeFrom;
  const shown: (number | bigint)[] = [];
  // Positions along an axis that are shown; -1 stands for the gap.
  const positions = (length: number): number[] =>
    summarize && length > 2 * edgeItems
      ? [0, 1, 2, -1, length - 3, length - 2, length - 1]
      : Array.from({ length }, (_, i) => i);
  const visit = (axis: number, offset: number, emit: (at: number) => void): void => {
    if (axis === x.shape.length) {
      emit(offset);
      return;
    }
    const length = x.shape[axis] as number;
    for (const i of positions(length)) if (i >= 0) visit(axis + 1, offset * length + i, emit);
  };
  visit(0, 0, (at) => shown.push(data[at] as number | bigint));
  const format = formatter(shown, x.dtype);
  const cells = shown.map(format);
  const width = Math.max(0, ...cells.map((cell) => cell.length));
  let next = 0;
  const build = (axis: number, indent: string): string => {
    if (axis === x.shape.length) return (cells[next++] as string).padStart(width);
    const inner = axis === x.shape.length - 1;
    const parts = positions(x.shape[axis] as number).map((i) =>
      i < 0 ? "…" : build(axis + 1, `${indent} `),
    );
    const gap = inner ? ", " : `,${"\n".repeat(x.shape.length - 1 - axis)}${indent} `;
    return `[${parts.join(gap)}]`;
  };
  return `${head}\n${build(0, "")}`;
}

function formatter(
  values: readonly (number | bigint)[],
  dtype: string,
): (v: number | bigint) => string {
  if (dtype === "bool") return (v) => (v ? "true" : "false");
  if (!isFloat(dtype)) return String;
  const finite = (values as number[]).filter(Number.isFinite).map(Math.abs);
  const largest = Math.max(0, ...finite);
  const smallest = Math.min(Infinity, ...finite.filter((v) => v > 0));
  if (largest >= 1e8 || smallest < 1e-4) {
    return (v) => (Number.isFinite(v) ? (v as number).toExponential(4) : String(v));
  }
  if (finite.every(Number.isInteger)) return String;
  return (v) => (Number.isFinite(v) ? String(Number((v as number).toFixed(4))) : String(v));
}
