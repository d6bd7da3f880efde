/**
 * Losses without arguments of their own.
 *
 * @module
 */
import type { ParameterTable } from "../object.ts";
import * as functions from "./functions.ts";
import { LossFunctionWrapper, type LossOptions } from "./loss.ts";

function parameters(name: string): ParameterTable {
  return { reduction: "sum_over_batch_size", name, dtype: null };
}

/**
 * The mean of `(yTrue - yPred)²`.
 *
 * @example
 * await new losses.MeanSquaredError()(tensor([[0, 1]]), tensor([[1, 1]])).item(); // 0.5
 */
export class MeanSquaredError extends LossFunctionWrapper {
  static override readonly parameters: ParameterTable = parameters("mean_squared_error");
  constructor(options: LossOptions = {}) {
    super(functions.meanSquaredError, { ...options, name: options.name ?? "mean_squared_error" });
  }
}

/**
 * The mean of `|yTrue - yPred|`.
 *
 * @example
 * await new losses.MeanAbsoluteError()(tensor([[0, 1]]), tensor([[2, 1]])).item(); // 1
 */
export class MeanAbsoluteError extends LossFunctionWrapper {
  static override readonly parameters: ParameterTable = parameters("mean_absolute_error");
  constructor(options: LossOptions = {}) {
    super(functions.meanAbsoluteError, { ...options, name: options.name ?? "mean_absolute_error" });
  }
}

/**
 * The mean of `100 |(yTrue - yPred) / yTrue|`.
 *
 * @example
 * await new losses.MeanAbsolutePercentageError()(tensor([[2, 1]]), tensor([[1, 1]])).item(); // 25
 */
export class MeanAbsolutePercentageError extends LossFunctionWrapper {
  static override readonly parameters: ParameterTable = parameters(
    "mean_absolute_percentage_error",
  );
  constructor(options: LossOptions = {}) {
    super(functions.meanAbsolutePercentageError, {
      ...options,
      name: options.name ?? "mean_absolute_percentage_error",
    });
  }
}

/**
 * The mean of `(log(1 + yTrue) - log(1 + yPred))²`.
 *
 * @example
 * await new losses.MeanSquaredLogarithmicError()(tensor([[2, 1]]), tensor([[2, 1]])).item(); // 0
 */
export class MeanSquaredLogarithmicError extends LossFunctionWrapper {
  static override readonly parameters: ParameterTable = parameters(
    "mean_squared_logarithmic_error",
  );
  constructor(options: LossOptions = {}) {
    super(functions.meanSquaredLogarithmicError, {
      ...options,
      name: options.name ?? "mean_squared_logarithmic_error",
    });
  }
}

/**
 * The mean of `log(cosh(yPred - yTrue))`.
 *
 * @example
 * await new losses.LogCosh()(tensor([[2, 1]]), tensor([[2, 1]])).item(); // 0
 */
export class LogCosh extends LossFunctionWrapper {
  static override readonly parameters: ParameterTable = parameters("log_cosh");
  constructor(options: LossOptions = {}) {
    super(functions.logCosh, { ...options, name: options.name ?? "log_cosh" });
  }
}

/**
 * The sum of `yTrue log(yTrue / yPred)`.
 *
 * @example
 * await new losses.KLDivergence()(tensor([[0.5, 0.5]]), tensor([[0.5, 0.5]])).item(); // 0
 */
export class KLDivergence extends LossFunctionWrapper {
  static override readonly parameters: ParameterTable = parameters("kl_divergence");
  constructor(options: LossOptions = {}) {
    super(functions.klDivergence, { ...options, name: options.name ?? "kl_divergence" });
  }
}

/**
 * The mean of `yPred - yTrue log(yPred)`.
 *
 * @example
 * await new losses.Poisson()(tensor([[0]]), tensor([[2]])).item(); // 2
 */
export class Poisson extends LossFunctionWrapper {
  static override readonly parameters: ParameterTable = parameters("poisson");
  constructor(options: LossOptions = {}) {
    super(functions.poisson, { ...options, name: options.name ?? "poisson" });
  }
}

/**
 * The mean of `max(1 - yTrue yPred, 0)`, with labels -1 and 1 (or 0 and 1).
 *
 * @example
 * await new losses.Hinge()(tensor([[-1, 1]]), tensor([[0, 0]])).item(); // 1
 */
export class Hinge extends LossFunctionWrapper {
  static override readonly parameters: ParameterTable = parameters("hinge");
  constructor(options: LossOptions = {}) {
    super(functions.hinge, { ...options, name: options.name ?? "hinge" });
  }
}

/**
 * The mean of `max(1 - yTrue yPred, 0)²`, with labels -1 and 1 (or 0 and 1).
 *
 * @example
 * await new losses.SquaredHinge()(tensor([[-1, 1]]), tensor([[0, 0]])).item(); // 1
 */
export class SquaredHinge extends LossFunctionWrapper {
  static override readonly parameters: ParameterTable = parameters("squared_hinge");
  constructor(options: LossOptions = {}) {
    super(functions.squaredHinge, { ...options, name: options.name ?? "squared_hinge" });
  }
}

/**
 * `max(neg - pos + 1, 0)`: pos the score of the class, neg the best of the others.
 *
 * @example
 * await new losses.CategoricalHinge()(tensor([[1, 0]]), tensor([[1, 0]])).item(); // 0
 */
export class CategoricalHinge extends LossFunctionWrapper {
  static override readonly parameters: ParameterTable = parameters("categorical_hinge");
  constructor(options: LossOptions = {}) {
    super(functions.categoricalHinge, { ...options, name: options.name ?? "categorical_hinge" });
  }
}

/**
 * The loss of connectionist temporal classification.
 *
 * @example
 * const scores = ops.zeros([1, 2, 2]);
 * await new losses.CTC()(tensor([[1]]), scores).item(); // 0.2877
 */
export class CTC extends LossFunctionWrapper {
  static override readonly parameters: ParameterTable = parameters("ctc");
  constructor(options: LossOptions = {}) {
    super(functions.ctc, { ...options, name: options.name ?? "ctc" });
  }
}
