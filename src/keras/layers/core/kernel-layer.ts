/**
 * What layers with kernels and biases of one kind share.
 *
 * @module
 */
import * as constraints from "../../constraints/index.ts";
import * as initializers from "../../initializers/index.ts";
import type { ParameterTable } from "../../object.ts";
import * as regularizers from "../../regularizers/index.ts";
import { Layer, type LayerOptions } from "../layer.ts";

/** Rules for kernels and biases. */
export interface KernelOptions extends LayerOptions {
  kernelInitializer?: initializers.InitializerLike | undefined;
  biasInitializer?: initializers.InitializerLike | undefined;
  kernelRegularizer?: regularizers.RegularizerLike | undefined;
  biasRegularizer?: regularizers.RegularizerLike | undefined;
  kernelConstraint?: constraints.ConstraintLike | undefined;
  biasConstraint?: constraints.ConstraintLike | undefined;
}

/** Their arguments. */
export const kernelParameters: ParameterTable = {
  kernel_initializer: "glorot_uniform",
  bias_initializer: "zeros",
  kernel_regularizer: null,
  bias_regularizer: null,
  kernel_constraint: null,
  bias_constraint: null,
};

/** A layer with such rules. */
export abstract class KernelLayer extends Layer {
  readonly kernelInitializer: unknown;
  readonly biasInitializer: unknown;
  readonly kernelRegularizer: unknown;
  readonly biasRegularizer: unknown;
  readonly kernelConstraint: unknown;
  readonly biasConstraint: unknown;

  constructor(options: KernelOptions) {
    super(options);
    this.kernelInitializer = initializers.get(options.kernelInitializer ?? "glorot_uniform");
    this.biasInitializer = initializers.get(options.biasInitializer ?? "zeros");
    this.kernelRegularizer = regularizers.get(options.kernelRegularizer ?? null);
    this.biasRegularizer = regularizers.get(options.biasRegularizer ?? null);
    this.kernelConstraint = constraints.get(options.kernelConstraint ?? null);
    this.biasConstraint = constraints.get(options.biasConstraint ?? null);
  }
}
