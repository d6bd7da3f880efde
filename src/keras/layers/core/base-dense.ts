/**
 * What fully connected layers share.
 *
 * @module
 */
import { add } from "../../../ops/arithmetic.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { Variable } from "../../../tensor/variable.ts";
import * as activations from "../../activations/index.ts";
import { inherits, type ParameterTable, required } from "../../object.ts";
import { addParameter } from "../add-parameter.ts";
import { checkPositiveInteger } from "../arguments.ts";
import { InputSpec } from "../input-spec.ts";
import { KernelLayer, type KernelOptions, kernelParameters } from "./kernel-layer.ts";

/** Options of fully connected layers. */
export interface BaseDenseOptions extends KernelOptions {
  /** Default: none (linear). */
  activation?: activations.ActivationLike | undefined;
  useBias?: boolean | undefined;
}

/** Their arguments. */
export const denseParameters: ParameterTable = {
  units: required,
  activation: null,
  use_bias: true,
  ...kernelParameters,
  [inherits]: true,
};

/** A layer with a kernel `[features, units]`, then a bias and an activation. */
export abstract class BaseDense extends KernelLayer {
  readonly units: number;
  readonly activation: activations.ActivationFunction;
  readonly useBias: boolean;
  declare kernel: Variable;
  declare bias: Variable | null;

  constructor(units: number, options: BaseDenseOptions) {
    super(options);
    this.units = checkPositiveInteger(units, new.target.name, "units");
    this.activation = activations.get(options.activation ?? null);
    this.useBias = options.useBias ?? true;
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
