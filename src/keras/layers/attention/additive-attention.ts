/**
 * @module
 */

import { add, multiply } from "../../../ops/arithmetic.ts";
import { tanh } from "../../../ops/exponential.ts";
import { sum } from "../../../ops/reduction.ts";
import { expandDims } from "../../../ops/shaping.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import { isShape } from "../shape-trees.ts";
import { Attention, type AttentionOptions } from "./attention.ts";

/** Options of `AdditiveAttention`. */
export interface AdditiveAttentionOptions extends AttentionOptions {}

/**
 * Attention whose scores are `sum(scale * tanh(query + key))`, of
 * `[query, value]` or `[query, value, key]`, called as `Attention` is.
 *
 * Source: Bahdanau et al., 2014, arXiv:1409.0473.
 *
 * @example
 * const query = ops.ones([2, 3, 4]);
 * const value = ops.ones([2, 5, 4]);
 * new layers.AdditiveAttention()([query, value]).shape; // [2, 3, 4]
 */
export class AdditiveAttention extends Attention {
  static override readonly parameters: ParameterTable = {
    use_scale: true,
    [inherits]: true,
  };

  constructor(options: AdditiveAttentionOptions = {}) {
    super({ ...options, useScale: options.useScale ?? true });
  }

  override build(inputShapes: readonly (readonly (number | null)[])[]): void {
    this.checkCount(inputShapes, isShape(inputShapes));
    const [query] = inputShapes;
    this.concatScoreWeight = null;
    this.scale = this.useScale
      ? this.addWeight({ name: "scale", shape: [query?.at(-1) as number] })
      : null;
  }

  protected override get configParameters(): readonly string[] {
    return super.configParameters.filter((name) => name !== "score_mode");
  }

  protected override scores(query: Tensor, key: Tensor): Tensor {
    const pairs = tanh(add(expandDims(query, -2), expandDims(key, -3)));
    return sum(this.scale === null ? pairs : multiply(this.scale, pairs), { axis: -1 });
  }
}
