/**
 * Means of functions with arguments.
 *
 * @module
 */
import * as losses from "../losses/functions.ts";
import type { ParameterTable } from "../object.ts";
import * as functions from "./functions.ts";
import type { MetricOptions } from "./metric.ts";
import { MeanMetricWrapper } from "./reduction-metrics.ts";

/** Options of `BinaryAccuracy`. */
export interface BinaryAccuracyOptions extends MetricOptions {
  threshold?: number | undefined;
}

/**
 * How often predictions are on the labels' side of a threshold.
 *
 * @example
 * new metrics.BinaryAccuracy().name; // "binary_accuracy"
 */
export class BinaryAccuracy extends MeanMetricWrapper {
  static override readonly parameters: ParameterTable = {
    name: "binary_accuracy",
    dtype: null,
    threshold: 0.5,
  };
  readonly threshold: number;

  constructor(options: BinaryAccuracyOptions = {}) {
    const { threshold = 0.5 } = options;
    super((yTrue, yPred) => functions.binaryAccuracy(yTrue, yPred, { threshold }), {
      ...options,
      name: options.name ?? "binary_accuracy",
    });
    this.threshold = threshold;
  }

  override get direction(): "up" | "down" | null {
    return "up";
  }
}

/** Options of `TopKCategoricalAccuracy`. */
export interface TopKCategoricalAccuracyOptions extends MetricOptions {
  k?: number | undefined;
}

/**
 * How often the class is among the `k` largest predictions; labels are one-hot.
 *
 * @example
 * new metrics.TopKCategoricalAccuracy().name; // "top_k_categorical_accuracy"
 */
export class TopKCategoricalAccuracy extends MeanMetricWrapper {
  static override readonly parameters: ParameterTable = {
    name: "top_k_categorical_accuracy",
    dtype: null,
    k: 5,
  };
  readonly k: number;

  constructor(options: TopKCategoricalAccuracyOptions = {}) {
    const { k = 5 } = options;
    super((yTrue, yPred) => functions.topKCategoricalAccuracy(yTrue, yPred, { k }), {
      ...options,
      name: options.name ?? "top_k_categorical_accuracy",
    });
    this.k = k;
  }

  override get direction(): "up" | "down" | null {
    return "up";
  }
}

/** Options of `SparseTopKCategoricalAccuracy`. */
export interface SparseTopKCategoricalAccuracyOptions extends MetricOptions {
  k?: number | undefined;
  fromSortedIds?: boolean | undefined;
}

/**
 * How often the class is among the `k` largest predictions; labels are indices.
 *
 * @example
 * new metrics.SparseTopKCategoricalAccuracy().name; // "sparse_top_k_categorical_accuracy"
 */
export class SparseTopKCategoricalAccuracy extends MeanMetricWrapper {
  static override readonly parameters: ParameterTable = {
    name: "sparse_top_k_categorical_accuracy",
    dtype: null,
    k: 5,
    from_sorted_ids: false,
  };
  readonly k: number;
  readonly fromSortedIds: boolean;

  constructor(options: SparseTopKCategoricalAccuracyOptions = {}) {
    const { k = 5, fromSortedIds = false } = options;
    super(
      (yTrue, yPred) => functions.sparseTopKCategoricalAccuracy(yTrue, yPred, { k, fromSortedIds }),
      {
        ...options,
        name: options.name ?? "sparse_top_k_categorical_accuracy",
      },
    );
    this.k = k;
    this.fromSortedIds = fromSortedIds;
  }

  override get direction(): "up" | "down" | null {
    return "up";
  }
}

/** Options of `CosineSimilarity`. */
export interface CosineSimilarityOptions extends MetricOptions {
  axis?: number | undefined;
}

/**
 * The mean cosine of the angle between labels and predictions.
 *
 * @example
 * new metrics.CosineSimilarity().name; // "cosine_similarity"
 */
export class CosineSimilarity extends MeanMetricWrapper {
  static override readonly parameters: ParameterTable = {
    name: "cosine_similarity",
    dtype: null,
    axis: -1,
  };
  readonly axis: number;

  constructor(options: CosineSimilarityOptions = {}) {
    const { axis = -1 } = options;
    super((yTrue, yPred) => functions.cosineSimilarity(yTrue, yPred, { axis }), {
      ...options,
      name: options.name ?? "cosine_similarity",
    });
    this.axis = axis;
  }

  override get direction(): "up" | "down" | null {
    return "up";
  }
}

/** Options of `BinaryCrossentropy`. */
export interface BinaryCrossentropyOptions extends MetricOptions {
  fromLogits?: boolean | undefined;
  labelSmoothing?: number | undefined;
}

/**
 * The mean binary cross-entropy.
 *
 * @example
 * new metrics.BinaryCrossentropy().name; // "binary_crossentropy"
 */
export class BinaryCrossentropy extends MeanMetricWrapper {
  static override readonly parameters: ParameterTable = {
    name: "binary_crossentropy",
    dtype: null,
    from_logits: false,
    label_smoothing: 0,
  };
  readonly fromLogits: boolean;
  readonly labelSmoothing: number;

  constructor(options: BinaryCrossentropyOptions = {}) {
    const { fromLogits = false, labelSmoothing = 0 } = options;
    super(
      (yTrue, yPred) => losses.binaryCrossentropy(yTrue, yPred, { fromLogits, labelSmoothing }),
      {
        ...options,
        name: options.name ?? "binary_crossentropy",
      },
    );
    this.fromLogits = fromLogits;
    this.labelSmoothing = labelSmoothing;
  }

  override get direction(): "up" | "down" | null {
    return "down";
  }
}

/** Options of `CategoricalCrossentropy`. */
export interface CategoricalCrossentropyOptions extends MetricOptions {
  fromLogits?: boolean | undefined;
  labelSmoothing?: number | undefined;
  axis?: number | undefined;
}

/**
 * The mean cross-entropy of one-hot labels.
 *
 * @example
 * new metrics.CategoricalCrossentropy().name; // "categorical_crossentropy"
 */
export class CategoricalCrossentropy extends MeanMetricWrapper {
  static override readonly parameters: ParameterTable = {
    name: "categorical_crossentropy",
    dtype: null,
    from_logits: false,
    label_smoothing: 0,
    axis: -1,
  };
  readonly fromLogits: boolean;
  readonly labelSmoothing: number;
  readonly axis: number;

  constructor(options: CategoricalCrossentropyOptions = {}) {
    const { fromLogits = false, labelSmoothing = 0, axis = -1 } = options;
    super(
      (yTrue, yPred) =>
        losses.categoricalCrossentropy(yTrue, yPred, { fromLogits, labelSmoothing, axis }),
      {
        ...options,
        name: options.name ?? "categorical_crossentropy",
      },
    );
    this.fromLogits = fromLogits;
    this.labelSmoothing = labelSmoothing;
    this.axis = axis;
  }

  override get direction(): "up" | "down" | null {
    return "down";
  }
}

/** Options of `SparseCategoricalCrossentropy`. */
export interface SparseCategoricalCrossentropyOptions extends MetricOptions {
  fromLogits?: boolean | undefined;
  ignoreClass?: number | null | undefined;
  axis?: number | undefined;
}

/**
 * The mean cross-entropy of class indices.
 *
 * @example
 * new metrics.SparseCategoricalCrossentropy().name; // "sparse_categorical_crossentropy"
 */
export class SparseCategoricalCrossentropy extends MeanMetricWrapper {
  static override readonly parameters: ParameterTable = {
    name: "sparse_categorical_crossentropy",
    dtype: null,
    from_logits: false,
    ignore_class: null,
    axis: -1,
  };
  readonly fromLogits: boolean;
  readonly ignoreClass: number | null;
  readonly axis: number;

  constructor(options: SparseCategoricalCrossentropyOptions = {}) {
    const { fromLogits = false, ignoreClass = null, axis = -1 } = options;
    super(
      (yTrue, yPred) =>
        losses.sparseCategoricalCrossentropy(yTrue, yPred, { fromLogits, ignoreClass, axis }),
      {
        ...options,
        name: options.name ?? "sparse_categorical_crossentropy",
      },
    );
    this.fromLogits = fromLogits;
    this.ignoreClass = ignoreClass;
    this.axis = axis;
  }

  override get direction(): "up" | "down" | null {
    return "down";
  }
}
