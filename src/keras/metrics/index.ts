/**
 * `keras.metrics`.
 *
 * @module
 */
import { toSnakeCase } from "../../util/naming.ts";
import {
  deserializeKerasObject,
  getByIdentifier,
  serializeKerasObject,
} from "../saving/serialization.ts";
import * as correlations from "./correlation-metrics.ts";
import type { Metric } from "./metric.ts";
import * as parametric from "./parametric-metrics.ts";
import { Mean, MeanMetricWrapper, type MetricFunction, Sum } from "./reduction-metrics.ts";
import { RootMeanSquaredError } from "./root-mean-squared-error.ts";
import * as simple from "./simple-metrics.ts";

export {
  binaryCrossentropy,
  binaryFocalCrossentropy,
  categoricalCrossentropy,
  categoricalFocalCrossentropy,
  categoricalHinge,
  hinge,
  huber,
  klDivergence,
  logCosh,
  meanAbsoluteError,
  meanAbsolutePercentageError,
  meanSquaredError,
  meanSquaredLogarithmicError,
  poisson,
  sparseCategoricalCrossentropy,
  squaredHinge,
} from "../losses/functions.ts";
export * from "./correlation-metrics.ts";
export {
  binaryAccuracy,
  categoricalAccuracy,
  sparseCategoricalAccuracy,
  sparseTopKCategoricalAccuracy,
  topKCategoricalAccuracy,
} from "./functions.ts";
export { Metric, type MetricOptions, type UpdateOptions } from "./metric.ts";
export * from "./parametric-metrics.ts";
export { Mean, MeanMetricWrapper, type MetricFunction, Sum } from "./reduction-metrics.ts";
export { RootMeanSquaredError } from "./root-mean-squared-error.ts";
export * from "./simple-metrics.ts";

const classes: Readonly<Record<string, unknown>> = {
  Mean,
  MeanMetricWrapper,
  RootMeanSquaredError,
  Sum,
  ConcordanceCorrelation: correlations.ConcordanceCorrelation,
  PearsonCorrelation: correlations.PearsonCorrelation,
  ...parametric,
  ...simple,
};

const known: Record<string, unknown> = { ...classes };
for (const [name, metric] of Object.entries(classes)) known[toSnakeCase(name)] = metric;
const aliases = {
  bce: parametric.BinaryCrossentropy,
  mse: simple.MeanSquaredError,
  mae: simple.MeanAbsoluteError,
  mape: simple.MeanAbsolutePercentageError,
  msle: simple.MeanSquaredLogarithmicError,
};
for (const [name, metric] of Object.entries(aliases)) {
  known[name] = metric;
  known[name.toUpperCase()] = metric;
}

/** What names a metric: its name, its config, itself, or a function. */
export type MetricLike = string | Metric | MetricFunction | object | null;

/** The metric (or the function) that an identifier names; null for null. */
export function get(identifier: MetricLike | undefined): Metric | MetricFunction | null {
  return getByIdentifier<Metric | MetricFunction>("metric", identifier, known);
}

/** The config of a metric. */
export function serialize(metric: unknown): unknown {
  return serializeKerasObject(metric);
}

/** The metric of a config. */
export function deserialize(
  config: unknown,
  customObjects?: Readonly<Record<string, unknown>> | null,
): unknown {
  return deserializeKerasObject(config, { moduleObjects: known, customObjects });
}
