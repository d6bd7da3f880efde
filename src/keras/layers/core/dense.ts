/**
 * @module
 */
import { add } from "../../../ops/arithmetic.ts";
import { matmul } from "../../../ops/linear.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { Variable } from "../../../tensor/variable.ts";
import * as activations from "../../activations/index.ts";
import * as constraints from "../../constraints/index.ts";
import * as initializers from "../../initializers/index.ts";
import { inherits, type ParameterTable, required } from "../../object.ts";
import * as regularizers from "../../regularizers/index.ts";
import { checkPositiveInteger, refuseLora } from "../arguments.ts";
import { InputSpec } from "../input-spec.ts";
import { Layer, type LayerOptions } from "../layer.ts";

/** Options of `Dense`. */
export interface DenseOptions extends LayerOptions {
  /** Default: none (linear). */
  activation?: activations.ActivationLike | undefined;
  useBias?: boolean | undefined;
  kernelInitializer?: initializers.InitializerLike | undefined;
  biasInitializer?: initializers.InitializerLike | undefined;
  kernelRegularizer?: regularizers.RegularizerLike | undefined;
  biasRegularizer?: regularizers.RegularizerLike | undefined;
  kernelConstraint?: constraints.ConstraintLike | undefined;
  biasConstraint?: constraints.ConstraintLike | undefined;
}

/**
 * A fully connected layer: `activation(inputs · kernel + bias)` over the last
 * axis, `[…, n]` to `[…, units]`.
 *
 * @example
 * const y = new layers.Dense(2, { kernelInitializer: "ones" })(tensor([[1, 2, 3]]));
 * await y.array(); // [[6, 6]]
 */
export class Dense extends Layer {
  static override readonly parameters: ParameterTable = {
    units: required,
    activation: null,
    use_bias: true,
    kernel_initializer: "glorot_uniform",
    bias_initializer: "zeros",
    kernel_regularizer: null,
    bias_regularizer: null,
    kernel_constraint: null,
    bias_constraint: null,
    lora_rank: null,
    lora_alpha: null,
    quantization_config: null,
    [inherits]: true,
  };
  readonly units: number;
  readonly activation: activations.ActivationFunction;
  readonly useBias: boolean;
  readonly kernelInitializer: unknown;
  readonly biasInitializer: unknown;
  readonly kernelRegularizer: unknown;
  readonly biasRegularizer: unknown;
  readonly kernelConstraint: unknown;
  readonly biasConstraint: unknown;
  readonly quantizationConfig: null = null;
  declare kernel: Variable;
  declare bias: Variable | null;

  constructor(units: number, options: DenseOptions = {}) {
    super(options);
    refuseLora("Dense", options as Record<string, unknown>);
    this.units = checkPositiveInteger(units, "Dense", "units");
    this.activation = activations.get(options.activation ?? null);
    this.useBias = options.useBias ?? true;
    this.kernelInitializer = initializers.get(options.kernelInitializer ?? "glorot_uniform");
    this.biasInitializer = initializers.get(options.biasInitializer ?? "zeros");
    this.kernelRegularizer = regularizers.get(options.kernelRegularizer ?? null);
    this.biasRegularizer = regularizers.get(options.biasRegularizer ?? null);
    this.kernelConstraint = constraints.get(options.kernelConstraint ?? null);
    this.biasConstraint = constraints.get(options.biasConstraint ?? null);
    this.inputSpec = new InputSpec({ minNdim: 2 });
    this.supportsMasking = true;
  }

  override build(inputShape: readonly (number | null)[]): void {
    const features = inputShape.at(-1) ?? 0;
    checkPositiveInteger(features, this.name, "the last axis of the input");
    this.kernel = this.addWeight({
      name: "kernel",
      shape: [features, this.units],
      initializer: this.kernelInitializer as initializers.InitializerLike,
      regularizer: this.kernelRegularizer as regularizers.RegularizerLike,
      constraint: this.kernelConstraint as constraints.ConstraintLike,
    });
    this.bias = this.useBias
      ? this.addWeight({
          name: "bias",
          shape: [this.units],
          initializer: this.biasInitializer as initializers.InitializerLike,
          regularizer: this.biasRegularizer as regularizers.RegularizerLike,
          constraint: this.biasConstraint as constraints.ConstraintLike,
        })
      : null;
    this.inputSpec = new InputSpec({ minNdim: 2, axes: { [-1]: features } });
  }

  override call(inputs: Tensor): Tensor {
    const product = matmul(inputs, this.kernel);
    return this.activation(this.bias === null ? product : add(product, this.bias));
  }
}
