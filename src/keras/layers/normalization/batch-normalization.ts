/**
 * @module
 */
import { stopGradient } from "../../../autograd/grad.ts";
import {
  add,
  clip,
  divide,
  maximum,
  minimum,
  multiply,
  square,
  subtract,
} from "../../../ops/arithmetic.ts";
import { where } from "../../../ops/comparison.ts";
import { cast } from "../../../ops/creation.ts";
import { sqrt } from "../../../ops/exponential.ts";
import { batchNormalization, moments } from "../../../ops/normalization.ts";
import { sum } from "../../../ops/reduction.ts";
import { broadcastTo, expandDims, squeeze } from "../../../ops/shaping.ts";
import { floatx } from "../../../runtime/precision.ts";
import { epsilon as fuzz } from "../../../runtime/settings.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { Variable, VariableInitializer } from "../../../tensor/variable.ts";
import { resultType } from "../../../util/dtypes.ts";
import { ArgumentError, formatShape, ShapeError, UnsupportedError } from "../../../util/errors.ts";
import * as initializers from "../../initializers/index.ts";
import type { ParameterTable } from "../../object.ts";
import { checkAxis } from "../arguments.ts";
import { InputSpec } from "../input-spec.ts";
import type { CallOptions } from "../layer.ts";
import {
  AffineNormalization,
  type AffineNormalizationOptions,
  affineParameters,
} from "./affine-normalization.ts";

/** Bounds of the correction of batch renormalization. */
export interface RenormClipping {
  readonly rmin?: number | null | undefined;
  readonly rmax?: number | null | undefined;
  readonly dmax?: number | null | undefined;
}

/** Options of `BatchNormalization`. */
export interface BatchNormalizationOptions extends AffineNormalizationOptions {
  /** The axis of the features. */
  axis?: number | undefined;
  /** How much of the moving statistics a step keeps. */
  momentum?: number | undefined;
  movingMeanInitializer?: initializers.InitializerLike | undefined;
  movingVarianceInitializer?: initializers.InitializerLike | undefined;
  /** Batch renormalization: training sees about what inference sees. */
  renorm?: boolean | undefined;
  renormClipping?: RenormClipping | null | undefined;
  renormMomentum?: number | undefined;
  synchronized?: boolean | undefined;
}

/**
 * Mean 0 and variance 1 for each feature, by the batch while training and by
 * moving averages otherwise, then scale and offset.
 * Sources: Ioffe and Szegedy, 2015, arXiv:1502.03167; Ioffe, 2017, arXiv:1702.03275.
 *
 * With `trainable = false` it always uses the moving averages.
 *
 * @example
 * const layer = new layers.BatchNormalization({ epsilon: 0 });
 * await layer(tensor([[1], [3]]), { training: true }).array(); // [[-1], [1]]
 */
export class BatchNormalization extends AffineNormalization {
  static override readonly parameters: ParameterTable = {
    axis: -1,
    momentum: 0.99,
    moving_mean_initializer: "zeros",
    moving_variance_initializer: "ones",
    renorm: false,
    renorm_clipping: null,
    renorm_momentum: 0.99,
    synchronized: false,
    ...affineParameters,
  };
  readonly axis: number;
  readonly momentum: number;
  readonly movingMeanInitializer: unknown;
  readonly movingVarianceInitializer: unknown;
  readonly renorm: boolean;
  readonly renormClipping: RenormClipping | null;
  readonly renormMomentum: number;
  readonly synchronized: boolean;
  declare movingMean: Variable;
  declare movingVariance: Variable;
  declare movingStddev: Variable;
  declare renormMean: Variable;
  declare renormStddev: Variable;

  constructor(options: BatchNormalizationOptions = {}) {
    super(options);
    this.axis = checkAxis(options.axis ?? -1, "BatchNormalization");
    this.momentum = options.momentum ?? 0.99;
    this.movingMeanInitializer = initializers.get(options.movingMeanInitializer ?? "zeros");
    this.movingVarianceInitializer = initializers.get(options.movingVarianceInitializer ?? "ones");
    this.renorm = options.renorm ?? false;
    this.renormClipping = options.renormClipping ?? (this.renorm ? {} : null);
    if (this.renorm) checkClipping(this.renormClipping as RenormClipping);
    this.renormMomentum = options.renormMomentum ?? 0.99;
    this.synchronized = options.synchronized ?? false;
    if (this.synchronized) {
      throw new UnsupportedError(
        "BatchNormalization: synchronized statistics over several devices are not supported.",
        { op: "BatchNormalization" },
      );
    }
  }

  override build(inputShape: readonly (number | null)[]): void {
    const features = inputShape.at(this.axis) ?? null;
    if (features === null) {
      throw new ShapeError(
        `Layer "${this.name}": axis ${this.axis} of the input must have a known length, got shape ` +
          `${formatShape(inputShape)}.`,
        { layer: this.name, shapes: [inputShape] },
      );
    }
    const make = (name: string, initializer: unknown): Variable =>
      this.addWeight({
        name,
        shape: [features],
        initializer: initializer as initializers.InitializerLike,
        trainable: false,
        autocast: false,
      });
    this.makeAffine([features]);
    this.movingMean = make("moving_mean", this.movingMeanInitializer);
    this.movingVariance = make("moving_variance", this.movingVarianceInitializer);
    if (this.renorm) {
      const stddev: VariableInitializer = (shape, options) =>
        sqrt((this.movingVarianceInitializer as VariableInitializer)(shape, options));
      this.movingStddev = make("moving_stddev", stddev);
      this.renormMean = make("renorm_mean", this.movingMeanInitializer);
      this.renormStddev = make("renorm_stddev", stddev);
    }
    this.inputSpec = new InputSpec({ ndim: inputShape.length, axes: { [this.axis]: features } });
  }

  override call(given: Tensor, { training, mask }: CallOptions = {}): Tensor {
    if (mask !== undefined && mask !== null && mask.shape.length !== given.shape.length - 1) {
      throw new ShapeError(
        `Layer "${this.name}": the mask must have one axis less than the inputs, got ` +
          `${formatShape(mask.shape)} for ${formatShape(given.shape)}.`,
        { layer: this.name, shapes: [given.shape, mask.shape] },
      );
    }
    const dtype = resultType([given.dtype, "float32"], floatx());
    const inputs = cast(given, dtype);
    const movingMean = cast(this.movingMean, dtype);
    const movingVariance = cast(this.movingVariance, dtype);
    let gamma = this.gamma === null ? null : cast(this.gamma, dtype);
    let beta = this.beta === null ? null : cast(this.beta, dtype);
    let mean = movingMean;
    let variance = movingVariance;
    if (training && this.trainable) {
      [mean, variance] = this.#moments(inputs, mask ?? null);
      if (this.renorm) {
        const { r, d } = this.#corrections(mean, variance);
        [gamma, beta] = [
          gamma === null ? r : multiply(r, gamma),
          add(gamma === null ? d : multiply(d, gamma), beta ?? 0),
        ];
        this.#updateRenorm(mean, variance);
      } else {
        moveTowards(this.movingMean, mean, this.momentum);
        moveTowards(this.movingVariance, variance, this.momentum);
      }
    }
    const { epsilon } = this;
    const outputs = batchNormalization(inputs, mean, variance, this.axis, {
      offset: beta,
      scale: gamma,
      epsilon,
    });
    return cast(outputs, this.computeDtype);
  }

  #moments(inputs: Tensor, mask: Tensor | null): [mean: Tensor, variance: Tensor] {
    const feature = this.axis < 0 ? this.axis + inputs.ndim : this.axis;
    const axis = inputs.shape.map((_, i) => i).filter((i) => i !== feature);
    if (mask === null) return moments(inputs, axis) as [Tensor, Tensor];
    const kept = cast(broadcastTo(expandDims(mask, -1), inputs.shape), "bool");
    const count = add(sum(cast(kept, inputs.dtype), { axis, keepdims: true }), fuzz());
    const mean = divide(sum(where(kept, inputs, 0), { axis, keepdims: true }), count);
    const squares = square(where(kept, subtract(inputs, mean), 0));
    const variance = divide(sum(squares, { axis, keepdims: true }), count);
    return [squeeze(mean), squeeze(variance)];
  }

  #corrections(mean: Tensor, variance: Tensor): { r: Tensor; d: Tensor } {
    const { rmin, rmax, dmax } = this.renormClipping as RenormClipping;
    const stddev = sqrt(add(variance, this.epsilon));
    // Not 0 early in training.
    const renormStddev = maximum(cast(this.renormStddev, mean.dtype), Math.sqrt(this.epsilon));
    let r = divide(stddev, renormStddev);
    let d = divide(subtract(mean, cast(this.renormMean, mean.dtype)), renormStddev);
    if (rmin !== undefined && rmin !== null) r = maximum(r, rmin);
    if (rmax !== undefined && rmax !== null) r = minimum(r, rmax);
    if (dmax !== undefined && dmax !== null) d = clip(d, -dmax, dmax);
    return { r: stopGradient(r), d: stopGradient(d) };
  }

  #updateRenorm(mean: Tensor, variance: Tensor): void {
    const stddev = sqrt(add(variance, this.epsilon));
    moveTowards(this.renormMean, mean, this.renormMomentum);
    moveTowards(this.renormStddev, stddev, this.renormMomentum);
    moveTowards(this.movingMean, mean, this.momentum);
    const moving = moveTowards(this.movingStddev, stddev, this.momentum);
    this.movingVariance.assign(maximum(subtract(square(moving), this.epsilon), 0));
  }
}

/** A moving average one step on. */
function moveTowards(average: Variable, value: Tensor, momentum: number): Tensor {
  return average.assign(
    add(multiply(cast(average, value.dtype), momentum), multiply(value, 1 - momentum)),
  );
}

function checkClipping(clipping: RenormClipping): void {
  const unknown = Object.keys(clipping).filter((key) => !["rmin", "rmax", "dmax"].includes(key));
  const { rmin, rmax, dmax } = clipping;
  if (unknown.length > 0) {
    throw new ArgumentError(
      `BatchNormalization: renormClipping takes rmin, rmax and dmax, got ${unknown.join(", ")}.`,
    );
  }
  if ((rmin ?? -Infinity) > (rmax ?? Infinity) || (dmax ?? 0) < 0) {
    throw new ArgumentError(
      `BatchNormalization: renormClipping needs rmin <= rmax and dmax >= 0, got ` +
        `rmin ${rmin}, rmax ${rmax}, dmax ${dmax}.`,
    );
  }
}
