/**
 * Means of functions without arguments.
 *
 * @module
 */
import * as losses from "../losses/functions.ts";
import type { ParameterTable } from "../object.ts";
import * as functions from "./functions.ts";
import type { MetricOptions } from "./metric.ts";
import { MeanMetricWrapper } from "./reduction-metrics.ts";

/**
 * How often predictions equal labels.
 *
 * @example
 * new metrics.Accuracy().name; // "accuracy"
 */
export class Accuracy extends MeanMetricWrapper {
  static override readonly parameters: ParameterTable = { name: "accuracy", dtype: null };
  constructor(options: MetricOptions = {}) {
    super(functions.accuracy, { ...options, name: options.name ?? "accuracy" });
  }
  override get direction(): "up" | "down" | null {
    return "up";
  }
}

/**
 * How often the largest prediction is that of the class; labels are one-hot.
 *
 * @example
 * new metrics.CategoricalAccuracy().name; // "categorical_accuracy"
 */
export class CategoricalAccuracy extends MeanMetricWrapper {
  static override readonly parameters: ParameterTable = {
    name: "categorical_accuracy",
    dtype: null,
  };
  constructor(options: MetricOptions = {}) {
    super(functions.categoricalAccuracy, {
      ...options,
      name: options.name ?? "categorical_accuracy",
    });
  }
  override get direction(): "up" | "down" | null {
    return "up";
  }
}

/**
 * How often the largest prediction is that of the class; labels are indices.
 *
 * @example
 * new metrics.SparseCategoricalAccuracy().name; // "sparse_categorical_accuracy"
 */
export class SparseCategoricalAccuracy extends MeanMetricWrapper {
  static override readonly parameters: ParameterTable = {
    name: "sparse_categorical_accuracy",
    dtype: null,
  };
  constructor(options: MetricOptions = {}) {
    super(functions.sparseCategoricalAccuracy, {
      ...options,
      name: options.name ?? "sparse_categorical_accuracy",
    });
  }
  override get direction(): "up" | "down" | null {
    return "up";
  }
}

/**
 * The mean of squared errors.
 *
 * @example
 * new metrics.MeanSquaredError().name; // "mean_squared_error"
 */
export class MeanSquaredError extends MeanMetricWrapper {
  static override readonly parameters: ParameterTable = { name: "mean_squared_error", dtype: null };
  constructor(options: MetricOptions = {}) {
    super(losses.meanSquaredError, { ...options, name: options.name ?? "mean_squared_error" });
  }
  override get direction(): "up" | "down" | null {
    return "down";
  }
}

/**
 * The mean of absolute errors.
 *
 * @example
 * new metrics.MeanAbsoluteError().name; // "mean_absolute_error"
 */
export class MeanAbsoluteError extends MeanMetricWrapper {
  static override readonly parameters: ParameterTable = {
    name: "mean_absolute_error",
    dtype: null,
  };
  constructor(options: MetricOptions = {}) {
    super(losses.meanAbsoluteError, { ...options, name: options.name ?? "mean_absolute_error" });
  }
  override get direction(): "up" | "down" | null {
    return "down";
  }
}

/**
 * The mean of absolute errors, in percent of the labels.
 *
 * @example
 * new metrics.MeanAbsolutePercentageError().name; // "mean_absolute_percentage_error"
 */
export class MeanAbsolutePercentageError extends MeanMetricWrapper {
  static override readonly parameters: ParameterTable = {
    name: "mean_absolute_percentage_error",
    dtype: null,
  };
  constructor(options: MetricOptions = {}) {
    super(losses.meanAbsolutePercentageError, {
      ...options,
      name: options.name ?? "mean_absolute_percentage_error",
    });
  }
  override get direction(): "up" | "down" | null {
    return "down";
  }
}

/**
 * The mean of squared errors of logarithms.
 *
 * @example
 * new metrics.MeanSquaredLogarithmicError().name; // "mean_squared_logarithmic_error"
 */
export class MeanSquaredLogarithmicError extends MeanMetricWrapper {
  static override readonly parameters: ParameterTable = {
    name: "mean_squared_logarithmic_error",
    dtype: null,
  };
  constructor(options: MetricOptions = {}) {
    super(losses.meanSquaredLogarithmicError, {
      ...options,
      name: options.name ?? "mean_squared_logarithmic_error",
    });
  }
  override get direction(): "up" | "down" | null {
    return "down";
  }
}

/**
 * The mean of `log(cosh(error))`.
 *
 * @example
 * new metrics.LogCoshError().name; // "logcosh"
 */
export class LogCoshError extends MeanMetricWrapper {
  static override readonly parameters: ParameterTable = { name: "logcosh", dtype: null };
  constructor(options: MetricOptions = {}) {
    super(losses.logCosh, { ...options, name: options.name ?? "logcosh" });
  }
  override get direction(): "up" | "down" | null {
    return "down";
  }
}

/**
 * The mean divergence of predictions from labels.
 *
 * @example
 * new metrics.KLDivergence().name; // "kl_divergence"
 */
export class KLDivergence extends MeanMetricWrapper {
  static override readonly parameters: ParameterTable = { name: "kl_divergence", dtype: null };
  constructor(options: MetricOptions = {}) {
    super(losses.klDivergence, { ...options, name: options.name ?? "kl_divergence" });
  }
  override get direction(): "up" | "down" | null {
    return null;
  }
}

/**
 * The mean of `yPred - yTrue log(yPred)`.
 *
 * @example
 * new metrics.Poisson().name; // "poisson"
 */
export class Poisson extends MeanMetricWrapper {
  static override readonly parameters: ParameterTable = { name: "poisson", dtype: null };
  constructor(options: MetricOptions = {}) {
    super(losses.poisson, { ...options, name: options.name ?? "poisson" });
  }
  override get direction(): "up" | "down" | null {
    return null;
  }
}

/**
 * The mean hinge loss.
 *
 * @example
 * new metrics.Hinge().name; // "hinge"
 */
export class Hinge extends MeanMetricWrapper {
  static override readonly parameters: ParameterTable = { name: "hinge", dtype: null };
  constructor(options: MetricOptions = {}) {
    super(losses.hinge, { ...options, name: options.name ?? "hinge" });
  }
  override get direction(): "up" | "down" | null {
    return "down";
  }
}

/**
 * The mean squared hinge loss.
 *
 * @example
 * new metrics.SquaredHinge().name; // "squared_hinge"
 */
export class SquaredHinge extends MeanMetricWrapper {
  static override readonly parameters: ParameterTable = { name: "squared_hinge", dtype: null };
  constructor(options: MetricOptions = {}) {
    super(losses.squaredHinge, { ...options, name: options.name ?? "squared_hinge" });
  }
  override get direction(): "up" | "down" | null {
    return "down";
  }
}

/**
 * The mean categorical hinge loss.
 *
 * @example
 * new metrics.CategoricalHinge().name; // "categorical_hinge"
 */
export class CategoricalHinge extends MeanMetricWrapper {
  static override readonly parameters: ParameterTable = { name: "categorical_hinge", dtype: null };
  constructor(options: MetricOptions = {}) {
    super(losses.categoricalHinge, { ...options, name: options.name ?? "categorical_hinge" });
  }
  override get direction(): "up" | "down" | null {
    return "down";
  }
}
