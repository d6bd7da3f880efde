/**
 * What a softmax or sigmoid was computed from, remembered for losses.
 *
 * @module
 */
import type { Tensor } from "../tensor/tensor.ts";

type Kind = "softmax" | "sigmoid";

const origins = new WeakMap<Tensor, { readonly kind: Kind; readonly logits: Tensor }>();

/** Notes that `output` is the softmax or sigmoid of `logits`, and returns it. */
export function withLogits(output: Tensor, kind: Kind, logits: Tensor): Tensor {
  origins.set(output, { kind, logits });
  return output;
}

/** The logits behind an output of that kind; null where they are not known. */
export function logitsOf(output: Tensor, kind: Kind): Tensor | null {
  const origin = origins.get(output);
  if (origin?.kind !== kind || origin.logits.isDisposed) return null;
  return origin.logits;
}
