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
import { formatShape, ShapeError } from "../../../util/errors.ts";
import { normalizeAxis } from "../../../util/shapes.ts";
import type { ParameterTable } from "../../object.ts";
import { checkAxis, checkPositiveInteger } from "../arguments.ts";
import { InputSpec } from "../input-spec.ts";
import {
  AffineNormalization,
  type AffineNormalizationOptions,
  affineParameters,
} from "./affine-normalization.ts";

/** Options of `GroupNormalization`. */
export interface GroupNormalizationOptions extends AffineNormalizationOptions {
  /** How many groups the features make; -1: each feature is one. */
  groups?: number | undefined;
  /** The axis of the features. */
  axis?: number | undefined;
}

/**
 * Mean 0 and variance 1 over each group of features of each sample, then scale
 * and offset. Source: Wu and He, 2018, arXiv:1803.08494.
 *
 * @example
 * const layer = new layers.GroupNormalization({ groups: 2, epsilon: 0 });
 * await layer(tensor([[1, 3, 10, 30]])).array(); // [[-1, 1, -1, 1]]
 */
export class GroupNormalization extends AffineNormalization {
  static override readonly parameters: ParameterTable = {
    groups: 32,
    axis: -1,
    ...affineParameters,
  };
  groups: number;
  readonly axis: number;

  constructor(options: GroupNormalizationOptions = {}) {
    super({ ...options, autocast: false });
    const groups = options.groups ?? 32;
    this.groups = groups === -1 ? -1 : checkPositiveInteger(groups, "GroupNormalization", "groups");
    this.axis = checkAxis(options.axis ?? -1, "GroupNormalization");
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
    this.makeAffine([features]);
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
