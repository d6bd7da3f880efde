/**
 * @module
 */
import { add, multiply, negative } from "../../../ops/arithmetic.ts";
import { cast } from "../../../ops/creation.ts";
import { rsqrt } from "../../../ops/exponential.ts";
import { moments } from "../../../ops/normalization.ts";
import { reshape } from "../../../ops/shaping.ts";
import { floatx } from "../../../runtime/precision.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { Variable } from "../../../tensor/variable.ts";
import { resultType } from "../../../util/dtypes.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../../../util/errors.ts";
import { normalizeAxis } from "../../../util/shapes.ts";
import * as constraints from "../../constraints/index.ts";
import * as initializers from "../../initializers/index.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import * as regularizers from "../../regularizers/index.ts";
import { addParameter } from "../add-parameter.ts";
import { checkPositiveInteger } from "../arguments.ts";
import { InputSpec } from "../input-spec.ts";
import { Layer, type LayerOptions } from "../layer.ts";

/** Options of `GroupNormalization`. */
export interface GroupNormalizationOptions extends LayerOptions {
  /** How many groups the features make; -1: each feature is one. */
  groups?: number | undefined;
  /** The axis of the features. */
  axis?: number | undefined;
  epsilon?: number | undefined;
  center?: boolean | undefined;
  scale?: boolean | undefined;
  betaInitializer?: initializers.InitializerLike | undefined;
  gammaInitializer?: initializers.InitializerLike | undefined;
  betaRegularizer?: regularizers.RegularizerLike | undefined;
  gammaRegularizer?: regularizers.RegularizerLike | undefined;
  betaConstraint?: constraints.ConstraintLike | undefined;
  gammaConstraint?: constraints.ConstraintLike | undefined;
}

/**
 * Mean 0 and variance 1 over each group of features of each sample, then scale
 * and offset. Source: Wu and He, 2018, arXiv:1803.08494.
 *
 * @example
 * const layer = new layers.GroupNormalization({ groups: 2, epsilon: 0 });
 * await layer(tensor([[1, 3, 10, 30]])).array(); // [[-1, 1, -1, 1]]
 */
export class GroupNormalization extends Layer {
  static override readonly parameters: ParameterTable = {
    groups: 32,
    axis: -1,
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
  groups: number;
  readonly axis: number;
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

  constructor(options: GroupNormalizationOptions = {}) {
    super({ ...options, autocast: false });
    const groups = options.groups ?? 32;
    this.groups = groups === -1 ? -1 : checkPositiveInteger(groups, "GroupNormalization", "groups");
    this.axis = options.axis ?? -1;
    if (!Number.isInteger(this.axis)) {
      throw new ArgumentError(
        `GroupNormalization: axis must be an integer, got ${describe(this.axis)}.`,
      );
    }
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

  override build(inputShape: readonly (number | null)[]): void {
    const axis = normalizeAxis(this.name, this.axis, inputShape.length);
    const features = inputShape[axis] ?? null;
    if (this.groups === -1 && features !== null) this.groups = features;
    if (features === null || features % this.groups !== 0) {
      throw new ShapeError(
        `Layer "${this.name}": axis ${this.axis} of the input must have a known length that ` +
          `divides into ${this.groups} groups, got shape ${formatShape(inputShape)}.`,
        { layer: this.name, shapes: [inputShape] },
      );
    }
    this.inputSpec = new InputSpec({ ndim: inputShape.length, axes: { [this.axis]: features } });
    const parameter = (name: string): Variable =>
      addParameter(this, name, [features], { autocast: false });
    this.gamma = this.scale ? parameter("gamma") : null;
    this.beta = this.center ? parameter("beta") : null;
  }

  override call(inputs: Tensor): Tensor {
    const { shape, dtype } = inputs;
    const axis = normalizeAxis(this.name, this.axis, shape.length);
    const perGroup = (shape[axis] as number) / this.groups;
    const split = (all: readonly number[]): number[] => [
      ...all.slice(0, axis),
      this.groups,
      perGroup,
      ...all.slice(axis + 1),
    ];
    const compute = resultType([dtype, "float32"], floatx());
    const x = cast(reshape(inputs, split(shape)), compute);
    const axes = x.shape.map((_, i) => i).filter((i) => i !== 0 && i !== axis);
    const [mean, variance] = moments(x, axes, { keepdims: true }) as [Tensor, Tensor];
    const parameter = (variable: Variable): Tensor =>
      cast(reshape(variable, split(shape.map(() => 1))), compute);
    let factor = rsqrt(add(variance, this.epsilon));
    if (this.gamma !== null) factor = multiply(factor, parameter(this.gamma));
    let shift = multiply(negative(mean), factor);
    if (this.beta !== null) shift = add(shift, parameter(this.beta));
    const outputs = cast(add(multiply(x, factor), shift), dtype);
    return cast(reshape(outputs, shape), this.computeDtype);
  }
}
