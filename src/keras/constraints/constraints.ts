/**
 * @module
 */
import { add, clip, divide, maximum, multiply, square } from "../../ops/arithmetic.ts";
import { sqrt } from "../../ops/exponential.ts";
import { sum } from "../../ops/reduction.ts";
import { epsilon } from "../../runtime/settings.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { checkConstructorOptions, KerasObject, type ParameterTable } from "../object.ts";
import { configOf } from "../saving/arguments.ts";

type Axis = number | readonly number[];

/** A projection that optimizers apply to a weight after each update. */
export class Constraint extends KerasObject {
  static override readonly kerasModule: string = "keras.constraints";

  /** The weight as it may be; by default as it is. */
  call(w: Tensor): Tensor {
    return w;
  }

  override getConfig(): Record<string, unknown> {
    return configOf(this);
  }
}

export interface Constraint {
  (w: Tensor): Tensor;
}

function norms(w: Tensor, axis: Axis): Tensor {
  return sqrt(sum(square(w), { axis, keepdims: true }));
}

/**
 * Norms of at most `maxValue`.
 *
 * @example
 * await new constraints.MaxNorm({ maxValue: 1 })(tensor([3, 4])).array(); // [0.6, 0.8]
 */
export class MaxNorm extends Constraint {
  static override readonly parameters: ParameterTable = { max_value: 2, axis: 0 };
  readonly maxValue: number;
  readonly axis: Axis;

  constructor(options: { maxValue?: number | undefined; axis?: Axis | undefined } = {}) {
    super();
    checkConstructorOptions(new.target, options);
    this.maxValue = options.maxValue ?? 2;
    this.axis = options.axis ?? 0;
  }

  override call(w: Tensor): Tensor {
    const norm = norms(w, this.axis);
    return multiply(w, divide(clip(norm, 0, this.maxValue), add(norm, epsilon())));
  }
}

/**
 * No negative elements.
 *
 * @example
 * await new constraints.NonNeg()(tensor([-1, 2])).array(); // [0, 2]
 */
export class NonNeg extends Constraint {
  static override readonly parameters: ParameterTable = {};

  override call(w: Tensor): Tensor {
    return maximum(w, 0);
  }
}

/**
 * Norms of 1.
 *
 * @example
 * await new constraints.UnitNorm()(tensor([3, 4])).array(); // [0.6, 0.8]
 */
export class UnitNorm extends Constraint {
  static override readonly parameters: ParameterTable = { axis: 0 };
  readonly axis: Axis;

  constructor(options: { axis?: Axis | undefined } = {}) {
    super();
    checkConstructorOptions(new.target, options);
    this.axis = options.axis ?? 0;
  }

  override call(w: Tensor): Tensor {
    return divide(w, add(norms(w, this.axis), epsilon()));
  }
}

/**
 * Norms between two bounds; with a `rate` below 1 they move there by and by.
 *
 * @example
 * await new constraints.MinMaxNorm({ minValue: 5 / 2, maxValue: 2.5 })(tensor([3, 4])).array(); // [1.5, 2]
 */
export class MinMaxNorm extends Constraint {
  static override readonly parameters: ParameterTable = {
    min_value: 0,
    max_value: 1,
    rate: 1,
    axis: 0,
  };
  readonly minValue: number;
  readonly maxValue: number;
  readonly rate: number;
  readonly axis: Axis;

  constructor(
    options: {
      minValue?: number | undefined;
      maxValue?: number | undefined;
      rate?: number | undefined;
      axis?: Axis | undefined;
    } = {},
  ) {
    super();
    checkConstructorOptions(new.target, options);
    this.minValue = options.minValue ?? 0;
    this.maxValue = options.maxValue ?? 1;
    this.rate = options.rate ?? 1;
    this.axis = options.axis ?? 0;
  }

  override call(w: Tensor): Tensor {
    const norm = norms(w, this.axis);
    const desired = add(
      multiply(clip(norm, this.minValue, this.maxValue), this.rate),
      multiply(norm, 1 - this.rate),
    );
    return multiply(w, divide(desired, add(norm, epsilon())));
  }
}
