/**
 * @module
 */
import { add, multiply, negative } from "../../../ops/arithmetic.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { Variable } from "../../../tensor/variable.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../../../util/errors.ts";
import { relu } from "../../activations/index.ts";
import * as constraints from "../../constraints/index.ts";
import * as initializers from "../../initializers/index.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import * as regularizers from "../../regularizers/index.ts";
import { addParameter } from "../add-parameter.ts";
import { InputSpec } from "../input-spec.ts";
import { Layer, type LayerOptions } from "../layer.ts";

/** Options of `PReLU`. */
export interface PReLUOptions extends LayerOptions {
  alphaInitializer?: initializers.InitializerLike | undefined;
  alphaRegularizer?: regularizers.RegularizerLike | undefined;
  alphaConstraint?: constraints.ConstraintLike | undefined;
  /** Axes along which the slope is the same: `[1, 2]` for images. */
  sharedAxes?: number | readonly number[] | null | undefined;
}

/**
 * `x` above 0, `alpha * x` below, with a slope for each element that is trained.
 * Source: He et al., 2015, arXiv:1502.01852.
 *
 * @example
 * const layer = new layers.PReLU({ alphaInitializer: "ones" });
 * await layer(tensor([[-3, 2]])).array(); // [[-3, 2]]
 */
export class PReLU extends Layer {
  static override readonly parameters: ParameterTable = {
    alpha_initializer: "zeros",
    alpha_regularizer: null,
    alpha_constraint: null,
    shared_axes: null,
    [inherits]: true,
  };
  readonly alphaInitializer: unknown;
  readonly alphaRegularizer: unknown;
  readonly alphaConstraint: unknown;
  readonly sharedAxes: readonly number[] | null;
  declare alpha: Variable;

  constructor(options: PReLUOptions = {}) {
    super(options);
    this.alphaInitializer = initializers.get(options.alphaInitializer ?? "zeros");
    this.alphaRegularizer = regularizers.get(options.alphaRegularizer ?? null);
    this.alphaConstraint = constraints.get(options.alphaConstraint ?? null);
    const shared = options.sharedAxes ?? null;
    this.sharedAxes = shared === null ? null : [shared].flat();
    if (this.sharedAxes?.some((axis) => !Number.isInteger(axis) || axis < 1)) {
      throw new ArgumentError(
        `PReLU: sharedAxes must be axes from 1 on (0 is the batch), got ${describe(shared)}.`,
      );
    }
    this.supportsMasking = true;
  }

  override build(inputShape: readonly (number | null)[]): void {
    const shared = this.sharedAxes ?? [];
    const shape = inputShape.slice(1).map((dim, i) => (shared.includes(i + 1) ? 1 : dim));
    if (shape.includes(null) || shared.some((axis) => axis >= inputShape.length)) {
      throw new ShapeError(
        `Layer "${this.name}": every axis of the input but the batch needs a known length or must ` +
          `be shared, got shape ${formatShape(inputShape)} and sharedAxes ${describe(shared)}.`,
        { layer: this.name, shapes: [inputShape] },
      );
    }
    this.alpha = addParameter(this, "alpha", shape as number[]);
    const own = inputShape.map((dim, i) => [i, dim] as const).slice(1);
    const axes = Object.fromEntries(own.filter(([i]) => shared.length > 0 && !shared.includes(i)));
    this.inputSpec = new InputSpec({ ndim: inputShape.length, axes });
  }

  override call(inputs: Tensor): Tensor {
    const below = multiply(negative(this.alpha), relu(negative(inputs)));
    return add(relu(inputs), below);
  }
}
