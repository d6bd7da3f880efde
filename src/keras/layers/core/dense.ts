/**
 * @module
 */
import { matmul } from "../../../ops/linear.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { ParameterTable } from "../../object.ts";
import { refuseLora } from "../arguments.ts";
import { BaseDense, type DenseOptions, denseParameters } from "./base-dense.ts";

/**
 * A fully connected layer: `activation(inputs · kernel + bias)` over the last
 * axis, `[…, n]` to `[…, units]`.
 *
 * @example
 * const y = new layers.Dense(2, { kernelInitializer: "ones" })(tensor([[1, 2, 3]]));
 * await y.array(); // [[6, 6]]
 */
export class Dense extends BaseDense {
  static override readonly parameters: ParameterTable = {
    ...denseParameters,
    lora_rank: null,
    lora_alpha: null,
    quantization_config: null,
  };
  readonly quantizationConfig: null = null;

  constructor(units: number, options: DenseOptions = {}) {
    super(units, options);
    refuseLora("Dense", options as Record<string, unknown>);
  }

  override call(inputs: Tensor): Tensor {
    return this.finish(matmul(inputs, this.kernel));
  }
}
