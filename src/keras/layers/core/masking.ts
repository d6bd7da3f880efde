/**
 * @module
 */
import { notEqual, where } from "../../../ops/comparison.ts";
import { any } from "../../../ops/reduction.ts";
import { squeeze } from "../../../ops/shaping.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { isPlainObject } from "../../../util/pytree.ts";
import { setMask } from "../../masks.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import { deserializeKerasObject } from "../../saving/serialization.ts";
import { Layer, type LayerOptions } from "../layer.ts";

/** Options of `Masking`. */
export interface MaskingOptions extends LayerOptions {
  /** A step whose features all have this value does not count. */
  maskValue?: number | Tensor | undefined;
}

/**
 * Masks the steps of sequences that were only filled in: those whose features
 * all have the mask value. They become 0, and layers after it skip them.
 *
 * @example
 * const x = tensor([[[1, 0], [0, 0]]]);
 * await new layers.Masking().computeMask(x).array(); // [[true, false]]
 */
export class Masking extends Layer {
  static override readonly parameters: ParameterTable = { mask_value: 0, [inherits]: true };
  readonly maskValue: number | Tensor;

  constructor(options: MaskingOptions = {}) {
    super(options);
    const value = options.maskValue ?? 0;
    this.maskValue = isPlainObject(value) ? (deserializeKerasObject(value) as Tensor) : value;
    this.supportsMasking = true;
    this.built = true;
  }

  override call(inputs: Tensor): Tensor {
    const kept = any(notEqual(inputs, this.maskValue), { axis: -1, keepdims: true });
    const outputs = where(kept, inputs, 0);
    setMask(outputs, squeeze(kept, { axis: -1 }));
    return outputs;
  }

  override computeMask(inputs: Tensor): Tensor {
    return any(notEqual(inputs, this.maskValue), { axis: -1 });
  }
}
