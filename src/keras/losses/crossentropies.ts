/**
 * Cross-entropies.
 *
 * @module
 */
import type { ParameterTable } from "../object.ts";
import * as functions from "./functions.ts";
import { LossFunctionWrapper, type LossOptions } from "./loss.ts";

/** Options of the cross-entropies. */
export interface CrossentropyOptions extends LossOptions {
  /** Whether predictions are logits, not probabilities. */
  fromLogits?: boolean | undefined;
  /** How far labels move towards equal probabilities. */
  labelSmoothing?: number | undefined;
  /** The axis of the classes. */
  axis?: number | undefined;
}

/** Options of the focal cross-entropies. */
export interface FocalOptions extends CrossentropyOptions {
  /** The weight of the loss (of class 1, with class balancing). */
  alpha?: number | undefined;
  /** How much well classified samples lose in weight. */
  gamma?: number | undefined;
}

const base: ParameterTable = {
  from_logits: false,
  label_smoothing: 0,
  axis: -1,
  reduction: "sum_over_batch_size",
};

/**
 * The cross-entropy between labels 0 or 1 and probabilities.
 *
 * @example
 * const loss = new losses.BinaryCrossentropy({ fromLogits: true });
 * (await loss(tensor([[1]]), tensor([[0]])).item()).toFixed(4); // "0.6931"
 */
export class BinaryCrossentropy extends LossFunctionWrapper {
  static override readonly parameters: ParameterTable = {
    ...base,
    name: "binary_crossentropy",
    dtype: null,
  };
  readonly fromLogits: boolean;
  readonly labelSmoothing: number;
  readonly axis: number;

  constructor(options: CrossentropyOptions = {}) {
    const { fromLogits = false, labelSmoothing = 0, axis = -1 } = options;
    super(
      (yTrue, yPred) =>
        functions.binaryCrossentropy(yTrue, yPred, { fromLogits, labelSmoothing, axis }),
      { ...options, name: options.name ?? "binary_crossentropy" },
    );
    this.fromLogits = fromLogits;
    this.labelSmoothing = labelSmoothing;
    this.axis = axis;
  }
}

/** Options of `BinaryFocalCrossentropy`. */
export interface BinaryFocalOptions extends FocalOptions {
  /** Whether class 1 weighs `alpha` and class 0 `1 - alpha`. */
  applyClassBalancing?: boolean | undefined;
}

/**
 * A binary cross-entropy in which samples that are right count less.
 * Source: Lin et al., 2018, arXiv:1708.02002.
 *
 * @example
 * const loss = new losses.BinaryFocalCrossentropy({ gamma: 2 });
 * (await loss(tensor([[1]]), tensor([[0.5]])).item()).toFixed(4); // "0.1733"
 */
export class BinaryFocalCrossentropy extends LossFunctionWrapper {
  static override readonly parameters: ParameterTable = {
    apply_class_balancing: false,
    alpha: 0.25,
    gamma: 2,
    ...base,
    name: "binary_focal_crossentropy",
    dtype: null,
  };
  readonly applyClassBalancing: boolean;
  readonly alpha: number;
  readonly gamma: number;
  readonly fromLogits: boolean;
  readonly labelSmoothing: number;
  readonly axis: number;

  constructor(options: BinaryFocalOptions = {}) {
    const { applyClassBalancing = false, alpha = 0.25, gamma = 2 } = options;
    const { fromLogits = false, labelSmoothing = 0, axis = -1 } = options;
    super(
      (yTrue, yPred) =>
        functions.binaryFocalCrossentropy(yTrue, yPred, {
          applyClassBalancing,
          alpha,
          gamma,
          fromLogits,
          labelSmoothing,
          axis,
        }),
      { ...options, name: options.name ?? "binary_focal_crossentropy" },
    );
    this.applyClassBalancing = applyClassBalancing;
    this.alpha = alpha;
    this.gamma = gamma;
    this.fromLogits = fromLogits;
    this.labelSmoothing = labelSmoothing;
    this.axis = axis;
  }
}

/**
 * The cross-entropy between one-hot labels (or probabilities) and predictions.
 *
 * @example
 * const loss = new losses.CategoricalCrossentropy();
 * (await loss(tensor([[0, 1]]), tensor([[0.5, 0.5]])).item()).toFixed(4); // "0.6931"
 */
export class CategoricalCrossentropy extends LossFunctionWrapper {
  static override readonly parameters: ParameterTable = {
    ...base,
    name: "categorical_crossentropy",
    dtype: null,
  };
  readonly fromLogits: boolean;
  readonly labelSmoothing: number;
  readonly axis: number;

  constructor(options: CrossentropyOptions = {}) {
    const { fromLogits = false, labelSmoothing = 0, axis = -1 } = options;
    super(
      (yTrue, yPred) =>
        functions.categoricalCrossentropy(yTrue, yPred, { fromLogits, labelSmoothing, axis }),
      { ...options, name: options.name ?? "categorical_crossentropy" },
    );
    this.fromLogits = fromLogits;
    this.labelSmoothing = labelSmoothing;
    this.axis = axis;
  }
}

/**
 * A categorical cross-entropy in which samples that are right count less.
 * Source: Lin et al., 2018, arXiv:1708.02002.
 *
 * @example
 * const loss = new losses.CategoricalFocalCrossentropy();
 * (await loss(tensor([[0, 1]]), tensor([[0.5, 0.5]])).item()).toFixed(4); // "0.0433"
 */
export class CategoricalFocalCrossentropy extends LossFunctionWrapper {
  static override readonly parameters: ParameterTable = {
    alpha: 0.25,
    gamma: 2,
    ...base,
    name: "categorical_focal_crossentropy",
    dtype: null,
  };
  readonly alpha: number;
  readonly gamma: number;
  readonly fromLogits: boolean;
  readonly labelSmoothing: number;
  readonly axis: number;

  constructor(options: FocalOptions = {}) {
    const { alpha = 0.25, gamma = 2, fromLogits = false, labelSmoothing = 0, axis = -1 } = options;
    super(
      (yTrue, yPred) =>
        functions.categoricalFocalCrossentropy(yTrue, yPred, {
          alpha,
          gamma,
          fromLogits,
          labelSmoothing,
          axis,
        }),
      { ...options, name: options.name ?? "categorical_focal_crossentropy" },
    );
    this.alpha = alpha;
    this.gamma = gamma;
    this.fromLogits = fromLogits;
    this.labelSmoothing = labelSmoothing;
    this.axis = axis;
  }
}

/** Options of `SparseCategoricalCrossentropy`. */
export interface SparseCrossentropyOptions extends LossOptions {
  fromLogits?: boolean | undefined;
  /** A label that does not count. */
  ignoreClass?: number | null | undefined;
  axis?: number | undefined;
}

/**
 * The cross-entropy between class indices and predictions.
 *
 * @example
 * const loss = new losses.SparseCategoricalCrossentropy();
 * (await loss(tensor([1]), tensor([[0.5, 0.5]])).item()).toFixed(4); // "0.6931"
 */
export class SparseCategoricalCrossentropy extends LossFunctionWrapper {
  static override readonly parameters: ParameterTable = {
    from_logits: false,
    ignore_class: null,
    reduction: "sum_over_batch_size",
    axis: -1,
    name: "sparse_categorical_crossentropy",
    dtype: null,
  };
  readonly fromLogits: boolean;
  readonly ignoreClass: number | null;
  readonly axis: number;

  constructor(options: SparseCrossentropyOptions = {}) {
    const { fromLogits = false, ignoreClass = null, axis = -1 } = options;
    super(
      (yTrue, yPred) =>
        functions.sparseCategoricalCrossentropy(yTrue, yPred, { fromLogits, ignoreClass, axis }),
      { ...options, name: options.name ?? "sparse_categorical_crossentropy" },
    );
    this.fromLogits = fromLogits;
    this.ignoreClass = ignoreClass;
    this.axis = axis;
  }
}
