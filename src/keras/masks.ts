/**
 * Keras masks: which elements of a sequence count, attached to tensors.
 *
 * @module
 */
import { Tensor } from "../tensor/tensor.ts";
import { flatten } from "../util/pytree.ts";
import { KerasTensor } from "./keras-tensor.ts";

const masks = new WeakMap<object, unknown>();

/** The mask attached to a tensor, or null. */
export function getMask(tensor: unknown): Tensor | KerasTensor | null {
  if (!(tensor instanceof Tensor) && !(tensor instanceof KerasTensor)) return null;
  return (masks.get(tensor) as Tensor | KerasTensor | undefined) ?? null;
}

/** Attaches a mask; null takes it off. */
export function setMask(tensor: unknown, mask: unknown): void {
  if (!(tensor instanceof Tensor) && !(tensor instanceof KerasTensor)) return;
  if (mask === null || mask === undefined) masks.delete(tensor);
  else masks.set(tensor, mask);
}

/** Attaches masks to the tensors of a tree, one for each. */
export function setMasks(tensors: unknown, given: unknown): void {
  const list = flatten(given);
  for (const [i, tensor] of flatten(tensors).entries()) setMask(tensor, list[i] ?? null);
}
