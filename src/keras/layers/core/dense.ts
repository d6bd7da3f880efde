/**
 * @module
 */
import { matmul } from "../../../ops/linear.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { Variable } from "../../../tensor/variable.ts";
import type { ParameterTable } from "../../object.ts";
import { refuseQuantization } from "../arguments.ts";
import {
  adapted,
  type EnableLoraOptions,
  enableGivenLora,
  enableLora,
  type LoraOptions,
  mergeLora,
  readLora,
  withLoraOfZeros,
} from "../lora.ts";
import { BaseDense, type BaseDenseOptions, denseParameters } from "./base-dense.ts";

/** Options of `Dense`. */
export interface DenseOptions extends BaseDenseOptions, LoraOptions {}

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
  declare loraRank: number | undefined;
  declare loraAlpha: number | undefined;
  declare loraEnabled: boolean;
  declare loraKernelA: Variable | undefined;
  declare loraKernelB: Variable | undefined;

  constructor(units: number, options: DenseOptions = {}) {
    super(units, options);
    readLora(this, options, "Dense");
    refuseQuantization("Dense", options);
  }

  override build(inputShape: readonly (number | null)[]): void {
    super.build(inputShape);
    enableGivenLora(this, "kernel");
  }

  override call(inputs: Tensor): Tensor {
    return this.finish(matmul(inputs, adapted(this, "kernel")));
  }

  /**
   * Freezes the kernel and trains a product of a low rank in its place
   * (arXiv:2106.09685). Files hold the sum of both.
   *
   * @throws {StateError} If the layer is not built or has been adapted.
   */
  enableLora(rank: number, options: EnableLoraOptions = {}): void {
    enableLora(this, "kernel", rank, options);
  }

  override saveOwnVariables(store: Record<string, Variable | Tensor>): void {
    super.saveOwnVariables(store);
    mergeLora(this, "kernel", store);
  }

  override loadOwnVariables(store: Readonly<Record<string, Tensor>>): void {
    super.loadOwnVariables(withLoraOfZeros(this, "kernel", store));
  }
}
