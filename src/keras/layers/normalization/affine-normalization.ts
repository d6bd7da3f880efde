/**
 * What normalizations with a scale and an offset share.
 *
 * @module
 */
import type { Variable } from "../../../tensor/variable.ts";
import type { Shape } from "../../../util/shapes.ts";
import * as constraints from "../../constraints/index.ts";
import * as initializers from "../../initializers/index.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import * as regularizers from "../../regularizers/index.ts";
import { addParameter } from "../add-parameter.ts";
import { Layer, type LayerOptions } from "../layer.ts";

/** Options of normalizations with a scale (gamma) and an offset (beta). */
export interface AffineNormalizationOptions extends LayerOptions {
  epsilon?: number | undefined;
  /** Whether there is an offset. */
  center?: boolean | undefined;
  /** Whether there is a scale. */
  scale?: boolean | undefined;
  betaInitializer?: initializers.InitializerLike | undefined;
  gammaInitializer?: initializers.InitializerLike | undefined;
  betaRegularizer?: regularizers.RegularizerLike | undefined;
  gammaRegularizer?: regularizers.RegularizerLike | undefined;
  betaConstraint?: constraints.ConstraintLike | undefined;
  gammaConstraint?: constraints.ConstraintLike | undefined;
}

/** Their arguments. */
export const affineParameters: ParameterTable = {
  epsilon: 1e-3,
  center: true,
  scale: true,
  beta_initializer: "zeros",
  gamma_initializer: "ones",
  beta_regularizer: null,
  gamma_regularizer: null,
  beta_constraint: null,
  gamma_constraint: null,
  [inherits]: true,
};

/** Which of the two there are. */
export interface AffineParts {
  readonly scale: boolean;
  readonly center: boolean;
}

/** A normalization, then scale and offset. */
export abstract class AffineNormalization extends Layer {
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
  readonly betaInitializer: unknown;
  readonly gammaInitializer: unknown;
  readonly betaRegularizer: unknown;
  readonly gammaRegularizer: unknown;
  readonly betaConstraint: unknown;
  readonly gammaConstraint: unknown;
  declare gamma: Variable | null;
  declare beta: Variable | null;

  constructor(options: AffineNormalizationOptions) {
    super(options);
    this.epsilon = options.epsilon ?? 1e-3;
    this.center = options.center ?? true;
    this.scale = options.scale ?? true;
    this.betaInitializer = initializers.get(options.betaInitializer ?? "zeros");
    this.gammaInitializer = initializers.get(options.gammaInitializer ?? "ones");
    this.betaRegularizer = regularizers.get(options.betaRegularizer ?? null);
    this.gammaRegularizer = regularizers.get(options.gammaRegularizer ?? null);
    this.betaConstraint = constraints.get(options.betaConstraint ?? null);
    this.gammaConstraint = constraints.get(options.gammaConstraint ?? null);
    this.supportsMasking = true;
  }

  /** Makes scale and offset, which are read as they are: statistics have their dtype too. */
  protected makeAffine(shape: Shape, { scale, center }: AffineParts = this): void {
    this.gamma = scale ? addParameter(this, "gamma", shape, { autocast: false }) : null;
    this.beta = center ? addParameter(this, "beta", shape, { autocast: false }) : null;
  }
}
