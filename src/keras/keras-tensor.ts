/**
 * Symbolic tensors of functional models.
 *
 * @module
 */
import type { SymbolicTensor } from "../tensor/public-op.ts";
import type { DType } from "../util/dtypes.ts";
import { formatShape, TraceError } from "../util/errors.ts";
import { printAs } from "../util/inspect.ts";
import { autoName } from "../util/naming.ts";
import { flatten } from "../util/pytree.ts";
import type { Operation } from "./operation.ts";

/** A shape of which some lengths are not known yet. */
export type SymbolicShape = readonly (number | null)[];

/** Which output of which call of which operation a tensor is. */
export interface KerasHistory {
  readonly operation: Operation;
  readonly nodeIndex: number;
  readonly tensorIndex: number;
}

/** Options of `KerasTensor`. */
export interface KerasTensorOptions {
  dtype?: DType | undefined;
  name?: string | null | undefined;
}

/**
 * A tensor without values: what `Input` gives and layers pass on while a
 * functional model is put together. Unknown lengths are null.
 */
export class KerasTensor implements SymbolicTensor {
  readonly isSymbolic = true as const;
  readonly shape: SymbolicShape;
  readonly dtype: DType;
  readonly name: string;
  /** @internal */
  history: KerasHistory | null = null;

  constructor(shape: SymbolicShape, options: KerasTensorOptions = {}) {
    this.shape = [...shape];
    this.dtype = options.dtype ?? "float32";
    this.name = options.name ?? autoName("KerasTensor");
  }

  /** The number of axes. */
  get ndim(): number {
    return this.shape.length;
  }

  /** @throws {TraceError} Always: there are no values. */
  valueOf(): never {
    throw new TraceError(
      `A symbolic tensor of shape ${formatShape(this.shape)} has no values. ` +
        "Use ops on it (ops.add(x, y)), and call the finished model on data.",
    );
  }

  toString(): string {
    return `<KerasTensor shape=${formatShape(this.shape)}, dtype=${this.dtype}, name=${this.name}>`;
  }
}

printAs(KerasTensor, (tensor) => tensor.toString());

/** Whether any leaf of a tree is symbolic. */
export function anySymbolic(...trees: readonly unknown[]): boolean {
  return trees.some((tree) => flatten(tree).some((leaf) => leaf instanceof KerasTensor));
}
