/**
 * Sequences of different lengths as one tensor.
 *
 * @module
 */
import { floatx } from "../../runtime/precision.ts";
import { type ArrayLike, flattenArray, fromStored, toStored } from "../../tensor/create.ts";
import { type PublicOp, publicOp, requiredArgument } from "../../tensor/public-op.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type DType, isFloat, isTypedArray, standardizeDType } from "../../util/dtypes.ts";
import {
  ArgumentError,
  describe,
  formatShape,
  ShapeError,
  UnsupportedError,
} from "../../util/errors.ts";
import { sameShape, sizeOf } from "../../util/shapes.ts";

const name = "pad_sequences";

/** Which end of a sequence. */
export type SequenceEnd = "pre" | "post";

/** Options of `padSequences`. */
export interface PadSequencesOptions {
  /** The common length. Default: that of the longest sequence. */
  maxlen?: number | null | undefined;
  dtype?: DType | undefined;
  /** Where the filling goes. */
  padding?: SequenceEnd | undefined;
  /** Where longer sequences are cut. */
  truncating?: SequenceEnd | undefined;
  /** The filling. */
  value?: number | undefined;
}

function checkEnd(option: string, value: unknown): void {
  if (value !== "pre" && value !== "post") {
    throw new ArgumentError(`${name}: ${option} must be "pre" or "post", got ${describe(value)}.`, {
      op: name,
    });
  }
}

function checkLength(maxlen: number): number {
  if (!Number.isInteger(maxlen) || maxlen < 0) {
    throw new ArgumentError(`${name}: maxlen must be an integer from 0, got ${maxlen}.`, {
      op: name,
    });
  }
  return maxlen;
}

function checkSequences(sequences: unknown): readonly ArrayLike[] {
  if (!Array.isArray(sequences)) {
    throw new ArgumentError(
      `${name}: expected an array of sequences, got ${describe(sequences)}.`,
      { op: name },
    );
  }
  for (const [i, sequence] of sequences.entries()) {
    if (!Array.isArray(sequence) && !isTypedArray(sequence)) {
      throw new ArgumentError(
        `${name}: expected an array of sequences, found ${describe(sequence)} at position ${i}.`,
        { op: name },
      );
    }
  }
  return sequences;
}

/** Strings are no tensors: neither sequences nor a filling of them. */
function checkNumbers(dtype: unknown, value: unknown): void {
  if (typeof value === "string" || dtype === "object" || dtype === "str") {
    throw new UnsupportedError(
      `${name}: sequences of strings are not supported, as tensors hold numbers. ` +
        "Encode them first, and give a number as value.",
      { op: name },
    );
  }
}

/**
 * Sequences of different lengths as one tensor [sequences, length, ...]:
 * shorter ones are filled up, longer ones are cut.
 *
 * @param options.maxlen The length. Default: that of the longest.
 * @param options.padding Whether shorter ones are filled at the front
 *   (`"pre"`, the default) or at the end (`"post"`).
 * @param options.truncating Whether longer ones lose their front or their end.
 * @throws {ShapeError} If elements of the sequences differ in shape.
 * @example
 * await utils.padSequences([[1], [2, 3]]).array(); // [[0, 1], [2, 3]]
 * await utils.padSequences([[1], [2, 3]], { maxlen: 1 }).array(); // [[1], [3]]
 * await utils.padSequences([[1], [2, 3]], { padding: "post", value: -1 }).array(); // [[1, -1], [2, 3]]
 */
export const padSequences: PublicOp<
  (sequences: readonly ArrayLike[], options?: PadSequencesOptions) => Tensor
> = publicOp(
  "keras.utils.pad_sequences",
  {
    sequences: requiredArgument,
    maxlen: null,
    dtype: "int32",
    padding: "pre",
    truncating: "pre",
    value: 0,
  },
  (given: readonly ArrayLike[], options: PadSequencesOptions = {}): Tensor => {
    const { padding = "pre", truncating = "pre", value = 0 } = options;
    checkEnd("padding", padding);
    checkEnd("truncating", truncating);
    checkNumbers(options.dtype, value);
    const dtype = standardizeDType(options.dtype ?? "int32", floatx());
    const sequences = checkSequences(given).map((sequence) => flattenArray(sequence, name));
    const lengths = sequences.map(({ shape }) => shape[0] as number);
    const length = checkLength(options.maxlen ?? Math.max(0, ...lengths));
    const element = sequences.find((_, i) => (lengths[i] as number) > 0)?.shape.slice(1) ?? [];
    const size = sizeOf(element);
    // Whole numbers, as a typed array stores them: towards 0.
    const rounded = (v: number): number => (isFloat(dtype) ? v : Math.trunc(v));
    const filled = new Array<number | bigint>(sequences.length * length * size).fill(
      rounded(value),
    );
    for (const [i, { values, shape }] of sequences.entries()) {
      const count = lengths[i] as number;
      if (count === 0) continue;
      if (!sameShape(shape.slice(1), element)) {
        throw new ShapeError(
          `${name}: the elements of sequence ${i} have shape ${formatShape(shape.slice(1))}, ` +
            `those of the first have ${formatShape(element)}. Give all the same shape.`,
          { op: name, shapes: [shape.slice(1), element] },
        );
      }
      const kept = Math.min(count, length);
      const from = truncating === "pre" ? count - kept : 0;
      const to = i * length + (padding === "pre" ? length - kept : 0);
      for (let k = 0; k < kept * size; k++) {
        const v = values[from * size + k] as number | bigint | boolean;
        filled[to * size + k] = typeof v === "bigint" ? v : rounded(Number(v));
      }
    }
    return fromStored(toStored(filled, dtype), [sequences.length, length, ...element], dtype);
  },
);
