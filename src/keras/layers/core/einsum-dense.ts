/**
 * @module
 */
import { add } from "../../../ops/arithmetic.ts";
import { einsum } from "../../../ops/einsum.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { Variable } from "../../../tensor/variable.ts";
import { ArgumentError, describe } from "../../../util/errors.ts";
import * as activations from "../../activations/index.ts";
import * as initializers from "../../initializers/index.ts";
import { inherits, type ParameterTable, required } from "../../object.ts";
import { addParameter } from "../add-parameter.ts";
import { refuseQuantization } from "../arguments.ts";
import { InputSpec } from "../input-spec.ts";
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
import { type EinsumWeights, weightsOfEquation } from "./einsum-equation.ts";
import { KernelLayer, type KernelOptions, kernelParameters } from "./kernel-layer.ts";

/** Options of `EinsumDense`. */
export interface EinsumDenseOptions extends KernelOptions, LoraOptions {
  activation?: activations.ActivationLike | undefined;
  /** The letters of the output that the bias has. Default: no bias. */
  biasAxes?: string | null | undefined;
}

/**
 * `activation(einsum(equation, inputs, kernel) + bias)`: a fully connected
 * layer over any axes.
 *
 * @example
 * const layer = new layers.EinsumDense("abc,cd->abd", [null, 64], { biasAxes: "d" });
 * layer(ops.ones([2, 32, 128])).shape; // [2, 32, 64]
 */
export class EinsumDense extends KernelLayer {
  static override readonly parameters: ParameterTable = {
    equation: required,
    output_shape: required,
    activation: null,
    bias_axes: null,
    ...kernelParameters,
    lora_rank: null,
    lora_alpha: null,
    gptq_unpacked_column_size: null,
    quantization_config: null,
    [inherits]: true,
  };
  readonly equation: string;
  /** Without the first axis and the elided ones. */
  readonly outputShape: readonly (number | null)[];
  readonly activation: activations.ActivationFunction;
  readonly biasAxes: string | null;
  readonly quantizationConfig: null = null;
  declare kernel: Variable;
  declare loraRank: number | undefined;
  declare loraAlpha: number | undefined;
  declare loraEnabled: boolean;
  declare loraKernelA: Variable | undefined;
  declare loraKernelB: Variable | undefined;
  declare bias: Variable | null;

  /**
   * @param equation `"ab,bc->ac"`, or with `...` in front or behind.
   * @param outputShape Without the first axis and the elided ones; null where it is the input's.
   */
  constructor(
    equation: string,
    outputShape: number | readonly (number | null)[],
    options: EinsumDenseOptions = {},
  ) {
    super(options);
    readLora(this, options, "EinsumDense");
    refuseQuantization("EinsumDense", options);
    if (typeof equation !== "string") {
      throw new ArgumentError(`EinsumDense: expected an equation, got ${describe(equation)}.`);
    }
    this.equation = equation;
    this.outputShape = [outputShape].flat() as (number | null)[];
    this.activation = activations.get(options.activation ?? null);
    this.biasAxes = options.biasAxes ?? null;
  }

  override build(inputShape: readonly (number | null)[]): void {
    const { equation, outputShape, biasAxes } = this;
    const weights = weightsOfEquation(this.name, equation, inputShape, outputShape, biasAxes);
    this.inputSpec = new InputSpec({ ndim: inputShape.length });
    this.kernel = addParameter(this, "kernel", weights.kernel, {
      initializer: withAxes(this.kernelInitializer, weights),
    });
    this.bias = weights.bias === null ? null : addParameter(this, "bias", weights.bias);
    enableGivenLora(this, "kernel");
  }

  override call(inputs: Tensor): Tensor {
    const product = einsum(this.equation, inputs, adapted(this, "kernel"));
    return this.activation(this.bias === null ? product : add(product, this.bias));
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

/** An initializer that goes by fans counts the axes that the equation says. */
function withAxes(initializer: unknown, { inputAxes, outputAxes }: EinsumWeights): unknown {
  if (!(initializer instanceof initializers.VarianceScaling)) return initializer;
  if (initializer.inputAxes !== null && initializer.outputAxes !== null) return initializer;
  const { fromConfig } = initializer.constructor as typeof initializers.VarianceScaling;
  return fromConfig.call(initializer.constructor as never, {
    ...initializer.getConfig(),
    seed: initializer.seed,
    input_axes: inputAxes,
    output_axes: outputAxes,
  });
}
