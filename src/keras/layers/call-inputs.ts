/**
 * The inputs of a layer's call: what they may be, and how they become tensors.
 *
 * @module
 */
import { castTo } from "../../tensor/cast.ts";
import { type ArrayLike, convertArray } from "../../tensor/create.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { Variable } from "../../tensor/variable.ts";
import { type DType, isFloat } from "../../util/dtypes.ts";
import { ArgumentError, describe } from "../../util/errors.ts";
import { flatten, isPlainObject, mapTree } from "../../util/pytree.ts";
import { KerasTensor } from "../keras-tensor.ts";
import { getMask, setMask } from "../masks.ts";

/** Symbolic inputs: one tensor, or a tree of them. */
export type SymbolicInputs =
  | KerasTensor
  | readonly SymbolicInputs[]
  | { readonly [name: string]: SymbolicInputs };

/** Inputs: tensors, or what becomes one, in trees. */
export type Inputs =
  | Tensor
  | Variable
  | ArrayLike
  | readonly Inputs[]
  | { readonly [name: string]: Inputs };

/** Arrays in a tree of inputs as tensors. @throws {ArgumentError} If a leaf is no array. */
export function inputsToTensors(x: unknown, layer: string): unknown {
  if (x instanceof Tensor || x instanceof KerasTensor || x === null || x === undefined) return x;
  if (x instanceof Variable) return x.value;
  const all = Array.isArray(x) ? flatten(x) : null;
  const isNumbers = all?.every((leaf) => typeof leaf === "number" || typeof leaf === "boolean");
  if (
    ArrayBuffer.isView(x) ||
    typeof x === "number" ||
    (all !== null && all.length > 0 && isNumbers)
  ) {
    return convertArray(x as ArrayLike, undefined, layer);
  }
  if (Array.isArray(x)) return x.map((item) => inputsToTensors(item, layer));
  if (isPlainObject(x)) {
    return Object.fromEntries(
      Object.entries(x).map(([key, item]) => [key, inputsToTensors(item, layer)]),
    );
  }
  throw new ArgumentError(
    `Layer "${layer}" takes tensors by position, got ${describe(x)}. ` +
      "Pass other arguments in the options.",
    { layer },
  );
}

/** Float tensors of a tree in a float dtype, with their masks. */
export function castFloats(tree: unknown, dtype: DType): unknown {
  if (!isFloat(dtype)) return tree;
  return mapTree(tree, (leaf) => {
    if (!(leaf instanceof Tensor) || leaf.dtype === dtype || !isFloat(leaf.dtype)) return leaf;
    const converted = castTo(leaf, dtype);
    setMask(converted, getMask(leaf));
    return converted;
  });
}
