/**
 * @module
 */
import { absolute, add, multiply, square, subtract } from "../../ops/arithmetic.ts";
import { cast, eye } from "../../ops/creation.ts";
import { matmul } from "../../ops/linear.ts";
import { normalize } from "../../ops/normalization.ts";
import { sum } from "../../ops/reduction.ts";
import { transpose } from "../../ops/shaping.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../../util/errors.ts";
import { checkConstructorOptions, KerasObject, type ParameterTable } from "../object.ts";
import { configOf } from "../saving/arguments.ts";

/** A penalty that is added to the loss: a scalar from a weight or an output. */
export abstract class Regularizer extends KerasObject {
  static override readonly kerasModule: string = "keras.regularizers";

  /** The penalty. */
  abstract call(x: Tensor): Tensor;

  override getConfig(): Record<string, unknown> {
    return configOf(this);
  }
}

export interface Regularizer {
  (x: Tensor): Tensor;
}

function checkFactor(value: unknown, regularizer: string, name: string): number {
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) {
    throw new ArgumentError(
      `${regularizer}: ${name} must be a number of at least 0, got ${describe(value)}.`,
    );
  }
  return value;
}

function absoluteSum(x: Tensor, factor: number): Tensor {
  return multiply(cast(factor, x.dtype), sum(absolute(x)));
}

function squareSum(x: Tensor, factor: number): Tensor {
  return multiply(cast(factor, x.dtype), sum(square(x)));
}

/**
 * `l1 * sum(|x|)`.
 *
 * @example
 * await new regularizers.L1({ l1: 0.5 })(tensor([1, -3])).item(); // 2
 */
export class L1 extends Regularizer {
  static override readonly parameters: ParameterTable = { l1: 0.01 };
  readonly l1: number;

  constructor(options: { l1?: number | null | undefined } = {}) {
    super();
    checkConstructorOptions(new.target, options);
    this.l1 = checkFactor(options.l1 ?? 0.01, "L1", "l1");
  }

  override call(x: Tensor): Tensor {
    return absoluteSum(x, this.l1);
  }
}

/**
 * `l2 * sum(x²)`.
 *
 * @example
 * await new regularizers.L2({ l2: 0.5 })(tensor([1, -3])).item(); // 5
 */
export class L2 extends Regularizer {
  static override readonly parameters: ParameterTable = { l2: 0.01 };
  readonly l2: number;

  constructor(options: { l2?: number | null | undefined } = {}) {
    super();
    checkConstructorOptions(new.target, options);
    this.l2 = checkFactor(options.l2 ?? 0.01, "L2", "l2");
  }

  override call(x: Tensor): Tensor {
    return squareSum(x, this.l2);
  }
}

/**
 * `l1 * sum(|x|) + l2 * sum(x²)`.
 *
 * @example
 * await new regularizers.L1L2({ l1: 1, l2: 1 })(tensor([2])).item(); // 6
 */
export class L1L2 extends Regularizer {
  static override readonly parameters: ParameterTable = { l1: 0, l2: 0 };
  readonly l1: number;
  readonly l2: number;

  constructor(options: { l1?: number | null | undefined; l2?: number | null | undefined } = {}) {
    super();
    checkConstructorOptions(new.target, options);
    this.l1 = checkFactor(options.l1 ?? 0, "L1L2", "l1");
    this.l2 = checkFactor(options.l2 ?? 0, "L1L2", "l2");
  }

  override call(x: Tensor): Tensor {
    const zero = cast(0, x.dtype);
    return add(
      this.l1 === 0 ? zero : absoluteSum(x, this.l1),
      this.l2 === 0 ? zero : squareSum(x, this.l2),
    );
  }
}

/**
 * How far rows (or columns) of a matrix are from being orthogonal: `factor`
 * times the mean of the absolute cosines between them.
 *
 * @example
 * await new regularizers.OrthogonalRegularizer()(ops.eye(2)).item(); // 0
 */
export class OrthogonalRegularizer extends Regularizer {
  static override readonly parameters: ParameterTable = { factor: 0.01, mode: "rows" };
  readonly factor: number;
  readonly mode: "rows" | "columns";

  constructor(
    options: { factor?: number | undefined; mode?: "rows" | "columns" | undefined } = {},
  ) {
    super();
    checkConstructorOptions(new.target, options);
    this.factor = checkFactor(options.factor ?? 0.01, "OrthogonalRegularizer", "factor");
    this.mode = options.mode ?? "rows";
    if (this.mode !== "rows" && this.mode !== "columns") {
      throw new ArgumentError(
        `OrthogonalRegularizer: mode must be "rows" or "columns", got ${describe(this.mode)}.`,
      );
    }
  }

  override call(inputs: Tensor): Tensor {
    if (inputs.shape.length !== 2) {
      throw new ShapeError(
        `OrthogonalRegularizer: expected a matrix, got shape ${formatShape(inputs.shape)}.`,
        { shapes: [inputs.shape] },
      );
    }
    const isRows = this.mode === "rows";
    const x = normalize(inputs, { axis: isRows ? 1 : 0 });
    const product = isRows ? matmul(x, transpose(x)) : matmul(transpose(x), x);
    const size = inputs.shape[isRows ? 0 : 1] as number;
    const others = multiply(product, subtract(1, eye(size, { dtype: x.dtype })));
    const pairs = (size * (size - 1)) / 2;
    return multiply(sum(absolute(others)), (this.factor * 0.5) / pairs);
  }
}
