/**
 * Losses with arguments of their own.
 *
 * @module
 */
import { ArgumentError } from "../../util/errors.ts";
import type { ParameterTable } from "../object.ts";
import * as functions from "./functions.ts";
import { LossFunctionWrapper, type LossOptions } from "./loss.ts";

const reduction = "sum_over_batch_size";

/**
 * Minus the cosine of the angle between labels and predictions.
 *
 * @example
 * await new losses.CosineSimilarity()(tensor([[0, 2]]), tensor([[0, 1]])).item(); // -1
 */
export class CosineSimilarity extends LossFunctionWrapper {
  static override readonly parameters: ParameterTable = {
    axis: -1,
    reduction,
    name: "cosine_similarity",
    dtype: null,
  };
  readonly axis: number;

  constructor(options: LossOptions & { axis?: number | undefined } = {}) {
    const { axis = -1 } = options;
    super((yTrue, yPred) => functions.cosineSimilarity(yTrue, yPred, { axis }), {
      ...options,
      name: options.name ?? "cosine_similarity",
    });
    this.axis = axis;
  }
}

/**
 * Squared errors up to `delta`, absolute ones beyond.
 *
 * @example
 * await new losses.Huber()(tensor([[0]]), tensor([[3]])).item(); // 2.5
 */
export class Huber extends LossFunctionWrapper {
  static override readonly parameters: ParameterTable = {
    delta: 1,
    reduction,
    name: "huber_loss",
    dtype: null,
  };
  readonly delta: number;

  constructor(options: LossOptions & { delta?: number | undefined } = {}) {
    const { delta = 1 } = options;
    super((yTrue, yPred) => functions.huber(yTrue, yPred, { delta }), {
      ...options,
      name: options.name ?? "huber_loss",
    });
    this.delta = delta;
  }
}

type Axes = number | readonly number[] | null;

/**
 * 1 - the overlap of labels and predictions (Sørensen–Dice).
 *
 * @example
 * (await new losses.Dice()(tensor([[1, 0]]), tensor([[1, 0]])).item()).toFixed(3); // "0.000"
 */
export class Dice extends LossFunctionWrapper {
  static override readonly parameters: ParameterTable = {
    reduction,
    name: "dice",
    axis: null,
    dtype: null,
  };
  readonly axis: Axes;

  constructor(options: LossOptions & { axis?: Axes | undefined } = {}) {
    const { axis = null } = options;
    super((yTrue, yPred) => functions.dice(yTrue, yPred, { axis }), {
      ...options,
      name: options.name ?? "dice",
    });
    this.axis = axis;
  }
}

/** Options of `Tversky`. */
export interface TverskyOptions extends LossOptions {
  /** What a false positive costs. */
  alpha?: number | undefined;
  /** What a false negative costs. */
  beta?: number | undefined;
  axis?: Axes | undefined;
}

/**
 * 1 - the overlap of labels and predictions, false positives and negatives
 * weighed apart. Source: Salehi et al., 2017, arXiv:1706.05721.
 *
 * @example
 * const loss = new losses.Tversky({ beta: 1 })(tensor([[1, 1]]), tensor([[1, 0]]));
 * (await loss.item()).toFixed(3); // "0.500"
 */
export class Tversky extends LossFunctionWrapper {
  static override readonly parameters: ParameterTable = {
    alpha: 0.5,
    beta: 0.5,
    reduction,
    name: "tversky",
    axis: null,
    dtype: null,
  };
  readonly alpha: number;
  readonly beta: number;
  readonly axis: Axes;

  constructor(options: TverskyOptions = {}) {
    const { alpha = 0.5, beta = 0.5, axis = null } = options;
    super((yTrue, yPred) => functions.tversky(yTrue, yPred, { alpha, beta, axis }), {
      ...options,
      name: options.name ?? "tversky",
    });
    this.alpha = alpha;
    this.beta = beta;
    this.axis = axis;
  }
}

/** Options of `Circle`. */
export interface CircleOptions extends LossOptions {
  gamma?: number | undefined;
  margin?: number | undefined;
  /** Whether a sample is not its own neighbour. */
  removeDiagonal?: boolean | undefined;
}

/**
 * Brings embeddings of one class together and others apart.
 * Source: Sun et al., 2020, arXiv:2002.10857.
 *
 * @example
 * new losses.Circle({ gamma: 64 }).gamma; // 64
 */
export class Circle extends LossFunctionWrapper {
  static override readonly parameters: ParameterTable = {
    gamma: 80,
    margin: 0.4,
    remove_diagonal: true,
    reduction,
    name: "circle",
    dtype: null,
  };
  readonly gamma: number;
  readonly margin: number;
  readonly removeDiagonal: boolean;

  constructor(options: CircleOptions = {}) {
    const { gamma = 80, margin = 0.4, removeDiagonal = true } = options;
    super((yTrue, yPred) => functions.circle(yTrue, yPred, { gamma, margin, removeDiagonal }), {
      ...options,
      name: options.name ?? "circle",
    });
    this.gamma = gamma;
    this.margin = margin;
    this.removeDiagonal = removeDiagonal;
  }
}

/**
 * `(1 - p^q) / q`: between the mean absolute error and the cross-entropy, and
 * robust to wrong labels. Source: Zhang and Sabuncu, 2018, arXiv:1805.07836.
 *
 * @example
 * const loss = new losses.CategoricalGeneralizedCrossEntropy({ q: 0.5 });
 * await loss(tensor([1]), tensor([[0, 1]])).item(); // 0
 */
export class CategoricalGeneralizedCrossEntropy extends LossFunctionWrapper {
  static override readonly parameters: ParameterTable = {
    q: 0.5,
    reduction,
    name: "categorical_generalized_cross_entropy",
    dtype: null,
  };
  readonly q: number;

  constructor(options: LossOptions & { q?: number | undefined } = {}) {
    const { q = 0.5 } = options;
    super((yTrue, yPred) => functions.categoricalGeneralizedCrossEntropy(yTrue, yPred, q), {
      ...options,
      name: options.name ?? "categorical_generalized_cross_entropy",
    });
    if (!(q > 0 && q < 1)) {
      throw new ArgumentError(
        `CategoricalGeneralizedCrossEntropy: q must be above 0 and below 1, got ${q}.`,
      );
    }
    this.q = q;
  }
}
