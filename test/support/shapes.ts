/**
 * Shapes and dtypes that many op tests use.
 *
 * @module
 */
import { definedOps, type OpDefinition } from "../../src/tensor/define-op.ts";
import type { DType } from "../../src/util/dtypes.ts";

/** Ranks 0 to 6, empty, and lengths that no vector width divides. */
export const unaryShapes: readonly (readonly number[])[] = [
  [],
  [1],
  [37],
  [3, 5],
  [2, 0, 3],
  [2, 3, 1, 4],
  [1, 2, 2, 1, 3],
  [2, 1, 2, 1, 2, 2],
];

/** Pairs that broadcast in every way. */
export const binaryShapes: readonly (readonly (readonly number[])[])[] = [
  [[], []],
  [[37], [37]],
  [[3], []],
  [[], [2, 3]],
  [[2, 3], [3]],
  [
    [4, 1],
    [1, 5],
  ],
  [[2, 0], [1]],
  [
    [2, 1, 3],
    [4, 1],
  ],
  [
    [1, 2, 1, 2, 1, 2],
    [2, 1, 2, 1],
  ],
];

export const integerDTypes: readonly DType[] = [
  "int32",
  "int8",
  "int16",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
];

export const floatDTypes: readonly DType[] = ["float32", "float64", "float16", "bfloat16"];

/** All dtypes of numbers. */
export const numberDTypes: readonly DType[] = [...floatDTypes, ...integerDTypes];

/** A primitive by its name. */
export function primitive<A extends Record<string, unknown>>(
  name: string,
): OpDefinition<A & never> {
  const op = definedOps().get(name);
  if (op === undefined) throw new Error(`There is no op "${name}".`);
  return op as unknown as OpDefinition<A & never>;
}
