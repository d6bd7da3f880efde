/**
 * @module
 */
import { cast } from "../../../ops/creation.ts";
import { layerNormalization } from "../../../ops/normalization.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { Variable } from "../../../tensor/variable.ts";
import { ArgumentError, describe } from "../../../util/errors.ts";
import { normalizeAxes } from "../../../util/shapes.ts";
import * as constraints from "../../constraints/index.ts";
import * as initializers from "../../initializers/index.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import * as regularizers from "../../regularizers/index.ts";
import { Layer, type LayerOptions } from "../layer.ts";

/** Options of `LayerNormalization`. */
export interface LayerNormalizationOptions extends LayerOptions {
  /** The axes that are normalized together. Default: the last. */
  axis?: number | readonly number[] | undefined;
  epsilon?: number | undefined;
  center?: boolean | undefined;
  scale?: boolean | undefined;
  /** Divides by the standard deviation without taking off the mean. */
  rmsScaling?: boolean | undefined;
  betaInitializer?: initializers.InitializerLike | undefined;
  gammaInitializer?: initializers.InitializerLike | undefined;
  betaRegularizer?: regularizers.RegularizerLike | undefined;
  gammaRegularizer?: regularizers.RegularizerLike | undefined;
  betaConstraint?: constraints.ConstraintLike | undefined;
  gammaConstraint?: constraints.ConstraintLike | undefined;
}

/**
 * Mean 0 and variance 1 over the features of each sample, then scale and
 * offset. Source: Ba et al., 2016, arXiv:1607.06450.
 *
 * @example
 * const y = new layers.LayerNormalization({ epsilon: 0 })(tensor([[1, 3]]));
 * await y.array(); // [[-1, 1]]
 */
export class LayerNormalization extends Layer {
  static override readonly parameters: ParameterTable = {
    axis: -1,
    epsilon: 1e-3,
    center: true,
    scale: true,
    rms_scaling: false,
    beta_initializer: "zeros",
    gamma_initializer: "ones",
    beta_regularizer: null,
    gamma_regularizer: null,
    beta_constraint: null,
    gamma_constraint: null,
    [inherits]: true,
  };
  axis: number | readonly number[];
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
  readonly rmsScaling: boolean;
  readonly betaInitializer: unknown;
  readonly gammaInitializer: unknown;
  readonly betaRegularizer: unknown;
  readonly gammaRegularizer: unknown;
  readonly betaConstraint: unknown;
  readonly gammaConstraint: unknown;
  declare gamma: Variable | null;
  declare beta: Variable | null;

  constructor(options: LayerNormalizationOptions = {}) {
    super({ ...options, autocast: false });
    const axis = options.axis ?? -1;
    const axes = Array.isArray(axis) ? axis : [axis];
    if (!axes.every((item) => Number.isInteger(item))) {
      throw new ArgumentError(
        `LayerNormalization: axis must be an integer or a list of them, got ${describe(axis)}.`,
      );
    }
    this.axis = axis;
    this.epsilon = options.epsilon ?? 1e-3;
    this.center = options.center ?? true;
    this.scale = options.scale ?? true;
    this.rmsScaling = options.rmsScaling ?? false;
    this.betaInitializer = initializers.get(options.betaInitializer ?? "zeros");
    this.gammaInitializer = initializers.get(options.gammaInitializer ?? "ones");
    this.betaRegularizer = regularizers.get(options.betaRegularizer ?? null);
    this.gammaRegularizer = regularizers.get(options.gammaRegularizer ?? null);
    this.betaConstraint = constraints.get(options.betaConstraint ?? null);
    this.gammaConstraint = constraints.get(options.gammaConstraint ?? null);
    this.supportsMasking = true;
  }

  override build(inputShape: readonly (number | null)[]): void {
    const axes = normalizeAxes(this.name, this.axis, inputShape.length);
    this.axis = axes;
    const shape = axes.map((axis) => inputShape[axis] as number);
    this.gamma =
      this.scale || this.rmsScaling
        ? this.addWeight({
            name: "gamma",
            shape,
            initializer: this.gammaInitializer as initializers.InitializerLike,
            regularizer: this.gammaRegularizer as regularizers.RegularizerLike,
            constraint: this.gammaConstraint as constraints.ConstraintLike,
            autocast: false,
          })
        : null;
    this.beta =
      this.center && !this.rmsScaling
        ? this.addWeight({
            name: "beta",
            shape,
            initializer: this.betaInitializer as initializers.InitializerLike,
            regularizer: this.betaRegularizer as regularizers.RegularizerLike,
            constraint: this.betaConstraint as constraints.ConstraintLike,
            autocast: false,
          })
        : null;
  }

  override call(inputs: Tensor): Tensor {
    const { gamma, beta, axis, epsilon, rmsScaling } = this;
    const outputs = layerNormalization(inputs, { gamma, beta, axis, epsilon, rmsScaling });
    return cast(outputs, this.computeDtype);
  }
}
