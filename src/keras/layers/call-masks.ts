/**
 * How masks get into a layer's call, and out of it.
 *
 * @module
 */
import { state } from "../../tensor/context.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { flatten, mapTree } from "../../util/pytree.ts";
import { getMask, setMask } from "../masks.ts";
import type { Layer } from "./layer.ts";
import type { CallOptions } from "./layer-options.ts";

/**
 * Passes masks of inputs on as options: `mask`, or `queryMask` where a call has
 * several inputs. As in Keras, tensors among the options are inputs too: then
 * no `mask` is filled in.
 */
export function fillMasks(layer: Layer, inputs: readonly unknown[], options: CallOptions): void {
  const names = layer.callParameters;
  const isOnly = inputs.length === 1;
  if (isOnly && Object.values(options).some((value) => flatten(value).some(isTensor))) return;
  for (const [i, input] of inputs.entries()) {
    const name = isOnly ? "mask" : `${names[i] ?? i}Mask`;
    if ((options[name] ?? null) !== null || i >= names.length) continue;
    const masks = mapTree(input, getMask);
    if (flatten(masks).some((mask) => mask !== null)) options[name] = masks;
  }
}

function isTensor(leaf: unknown): boolean {
  return leaf instanceof Tensor;
}

/** Attaches to outputs the masks that the layer computes, where `call` has attached none. */
export function maskOutputs(
  layer: Layer,
  inputs: unknown,
  outputs: unknown,
  previousMask: unknown,
): void {
  const isMasked = flatten(previousMask).some((mask) => mask !== null && mask !== undefined);
  if (!layer.supportsMasking) {
    if (isMasked && !state.tracer?.isAbstract) warnMask(layer);
    return;
  }
  const tensors = flatten(outputs);
  if (tensors.every((tensor) => getMask(tensor) !== null)) return;
  const masks = layer.computeMask(inputs, previousMask);
  if (masks === null || masks === undefined) return;
  const list = flatten(masks);
  for (const [i, tensor] of tensors.entries()) {
    if (tensor instanceof Tensor && (list[i] ?? null) !== null) setMask(tensor, list[i]);
  }
}

const warned = new WeakSet<Layer>();

function warnMask(layer: Layer): void {
  if (warned.has(layer)) return;
  warned.add(layer);
  console.warn(
    `Layer "${layer.name}" (${layer.constructor.name}) got an input with a mask and does not ` +
      "support masks: the layers after it will not see it.",
  );
}
