/**
 * What fully connected layers share.
 *
 * @module
 */
import { add } from "../../../ops/arithmetic.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { Variable } from "../../../tensor/variable.ts";
import * as activations from "../../activations/index.ts";
import * as constraints from "../../constraints/index.ts";
import * as initializers from "../../initializers/index.ts";
import { inherits, type ParameterTable, required } from "../../object.ts";
import * as regularizers from "../../regularizers/index.ts";
import { addParameter } from "../add-parameter.ts";
import { checkPositiveInteger } from "../arguments.ts";
import { InputSpec } from "../input-spec.ts";
import { Layer, type LayerOptions } from "../layer.ts";

/** Options of fully connected layers. */
export interface BaseDenseOptions extends LayerOptions {
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

/** Their arguments. */
export const denseParameters: ParameterTable = {
  units: required,
  activation: null,
  use_bias: true,
  kernel_initializer: "glorot_uniform",
  bias_initializer: "zeros",
  kernel_regularizer: null,
  bias_regularizer: null,
  kernel_constraint: null,
  bias_constraint: null,
  [inherits]: true,
};

/** A layer with a kernel `[features, units]`, then a bias and an activation. */
export abstract class BaseDense extends Layer {
  readonly units: number;
  readonly activation: activations.ActivationFunction;
  readonly useBias: boolean;
  readonly kernelInitializer: unknown;
  readonly biasInitializer: unknown;
  readonly kernelRegularizer: unknown;
  readonly biasRegularizer: unknown;
  readonly kernelConstraint: unknown;
  readonly biasConstraint: unknown;
  declare kernel: Variable;
  declare bias: Variable | null;

  constructor(units: number, options: BaseDenseOptions) {
    super(options);
    this.units = checkPositiveInteger(units, new.target.name, "units");
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
    this.kernel = addParameter(this, "kernel", [features, this.units]);
    this.bias = this.useBias ? addParameter(this, "bias", [this.units]) : null;
    this.inputSpec = new InputSpec({ minNdim: 2, axes: { [-1]: features } });
  }

  /** Adds the bias and applies the activation. */
  protected finish(product: Tensor): Tensor {
    return this.activation(this.bias === null ? product : add(product, this.bias));
  }
}
