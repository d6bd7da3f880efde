/**
 * The metrics that a model was compiled with.
 *
 * @module
 */

import type { Tensor } from "../../tensor/tensor.ts";
import type { Variable } from "../../tensor/variable.ts";
import { ArgumentError, describe } from "../../util/errors.ts";
import { toSnakeCase } from "../../util/naming.ts";
import { flatten, isBranch, isPlainObject } from "../../util/pytree.ts";
import type { Shaped } from "../layers/input-spec.ts";
import * as metricsModule from "../metrics/index.ts";
import { Metric } from "../metrics/metric.ts";

/** A metric, its name, or a function of `yTrue` and `yPred`; trees of them for several outputs. */
export type MetricsLike = unknown;

/** How labels and predictions are laid out. */
export function labelKind(yTrue: Shaped, yPred: Shaped): "binary" | "sparse" | "categorical" {
  const last = yPred.shape.at(-1);
  if (last === 1) return "binary";
  const isSparse =
    yTrue.shape.length < yPred.shape.length || (yTrue.shape.at(-1) === 1 && (last ?? 0) > 1);
  return isSparse ? "sparse" : "categorical";
}

function makeMetric(identifier: unknown, yTrue: Shaped, yPred: Shaped): Metric {
  if (identifier === null || identifier === undefined) {
    throw new ArgumentError("A metric is missing: expected a name or a metric, got null.");
  }
  if (typeof identifier === "string" && ["accuracy", "acc"].includes(identifier.toLowerCase())) {
    const kinds = {
      binary: metricsModule.BinaryAccuracy,
      sparse: metricsModule.SparseCategoricalAccuracy,
      categorical: metricsModule.CategoricalAccuracy,
    } as const;
    return new kinds[labelKind(yTrue, yPred)]({ name: identifier });
  }
  const found = metricsModule.get(identifier as string);
  const name = typeof identifier === "string" ? identifier : nameOf(found);
  const metric =
    found instanceof Metric ? found : new metricsModule.MeanMetricWrapper(found as never, { name });
  metric.name = name;
  return metric;
}

/** What Keras calls an object or a function. */
export function nameOf(object: unknown): string {
  if (object instanceof Metric) return object.name;
  const { signature, name } = object as { signature?: { path: string }; name?: string };
  if (signature !== undefined) return signature.path.slice(signature.path.lastIndexOf(".") + 1);
  return toSnakeCase(name ?? "") || "metric";
}

/** The metrics of one output. */
interface OutputMetrics {
  readonly metrics: readonly Metric[];
  /** Stands before the names, where there are several outputs. */
  readonly output: string | null;
}

/** All metrics of all outputs, updated together. */
export class CompileMetrics {
  readonly name = "compile_metrics";
  readonly #given: MetricsLike;
  readonly #weightedGiven: MetricsLike;
  readonly #outputNames: readonly string[] | null;
  #plain: readonly (OutputMetrics | null)[] = [];
  #weighted: readonly (OutputMetrics | null)[] = [];
  #resolvedNames: readonly string[] | null = null;
  #isBuilt = false;

  constructor(metrics: MetricsLike, weighted: MetricsLike, outputNames: readonly string[] | null) {
    for (const [what, given] of [
      ["metrics", metrics],
      ["weightedMetrics", weighted],
    ] as const) {
      if (given !== null && given !== undefined && !isBranch(given)) {
        throw new ArgumentError(
          `${what} must be a list, or an object by output name, got ${describe(given)}.`,
        );
      }
    }
    this.#given = metrics ?? null;
    this.#weightedGiven = weighted ?? null;
    this.#outputNames = outputNames;
  }

  get built(): boolean {
    return this.#isBuilt;
  }

  get metrics(): Metric[] {
    return [...this.#plain, ...this.#weighted].flatMap((output) => output?.metrics ?? []);
  }

  get variables(): Variable[] {
    return this.metrics.flatMap((metric) => metric.variables);
  }

  /** Makes the metrics for outputs of some shapes. */
  build(yTrue: unknown, yPred: unknown): void {
    const count = flatten(yPred).length;
    const isFlat = isBranch(yPred) && Object.keys(yPred).length === count;
    let names = this.#outputNames;
    if (isFlat && isPlainObject(yPred)) {
      const keys = Object.keys(yPred);
      const sameKeys =
        names !== null && names.length === keys.length && names.every((n) => keys.includes(n));
      if (!sameKeys) names = keys.sort();
    }
    this.#resolvedNames = count > 1 && isFlat ? names : null;
    this.#plain = this.#makeSet("metrics", this.#given, yTrue, yPred, names, isFlat);
    this.#weighted = this.#makeSet(
      "weightedMetrics",
      this.#weightedGiven,
      yTrue,
      yPred,
      names,
      isFlat,
    );
    this.#isBuilt = true;
  }

  #makeSet(
    what: string,
    given: MetricsLike,
    yTrue: unknown,
    yPred: unknown,
    names: readonly string[] | null,
    isFlat: boolean,
  ): readonly (OutputMetrics | null)[] {
    const predictions = this.#flatten(yPred) as Shaped[];
    const labels = this.#flatten(yTrue) as Shaped[];
    const count = predictions.length;
    if (given === null || flatten(given).length === 0) return new Array<null>(count).fill(null);
    const make = (metrics: unknown, i: number, output: string | null): OutputMetrics | null => {
      if (metrics === null || metrics === undefined) return null;
      const list = Array.isArray(metrics) ? metrics : [metrics];
      return {
        metrics: list.map((m) => makeMetric(m, labels[i] as Shaped, predictions[i] as Shaped)),
        output,
      };
    };
    if (count === 1) return [make(flatten(given), 0, null)];
    let perOutput: unknown[] | null = null;
    if (isFlat && Array.isArray(given) && given.length === count) perOutput = given;
    else if (isPlainObject(given) && names !== null) {
      const unknown = Object.keys(given).filter((key) => !names.includes(key));
      if (unknown.length === 0) perOutput = names.map((name) => given[name] ?? null);
    }
    if (perOutput === null) {
      throw new ArgumentError(
        `${what} must be a list of ${count} lists, one for each output` +
          `${names === null ? "" : `, or an object with keys among ${names.join(", ")}`}.`,
      );
    }
    return perOutput.map((metrics, i) => make(metrics, i, names?.[i] ?? null));
  }

  #flatten(tree: unknown): unknown[] {
    if (isPlainObject(tree) && this.#resolvedNames !== null) {
      return this.#resolvedNames.map((name) => tree[name]);
    }
    return flatten(tree);
  }

  updateState(yTrue: unknown, yPred: unknown, sampleWeight: unknown = null): void {
    if (!this.#isBuilt) this.build(yTrue, yPred);
    const labels = this.#flatten(yTrue) as Tensor[];
    const predictions = this.#flatten(yPred) as Tensor[];
    for (const [i, output] of this.#plain.entries()) {
      for (const metric of output?.metrics ?? []) {
        metric.updateState(labels[i] as Tensor, predictions[i] as Tensor);
      }
    }
    const weights = sampleWeight === null ? [] : (this.#flatten(sampleWeight) as Tensor[]);
    for (const [i, output] of this.#weighted.entries()) {
      const weight = (weights.length < labels.length ? weights[0] : weights[i]) ?? null;
      for (const metric of output?.metrics ?? []) {
        metric.updateState(labels[i] as Tensor, predictions[i] as Tensor, { sampleWeight: weight });
      }
    }
  }

  resetState(): void {
    for (const metric of this.metrics) metric.resetState();
  }

  /** The results by name, as Keras names them. */
  result(): Record<string, Tensor> {
    const results: Record<string, Tensor> = {};
    const counts = new Map<string, number>();
    const add = (output: OutputMetrics | null, isWeighted: boolean): void => {
      for (const metric of output?.metrics ?? []) {
        const before = output?.output ? `${output.output}_` : "";
        let name = `${before}${metric.name}`;
        if (counts.has(name) && isWeighted) name = `${before}weighted_${metric.name}`;
        const seen = counts.get(name) ?? 0;
        counts.set(name, seen + 1);
        results[seen === 0 ? name : `${name}_${seen}`] = metric.result() as Tensor;
      }
    };
    for (const output of this.#plain) add(output, false);
    for (const output of this.#weighted) add(output, true);
    return results;
  }
}
