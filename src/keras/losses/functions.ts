/**
 * Losses as functions: one number for each sample.
 *
 * @module
 */
import * as ops from "../../ops/index.ts";
import { type TensorLike, toTensor } from "../../ops/promote.ts";
import { epsilon } from "../../runtime/settings.ts";
import {
  type PublicOp,
  publicOp,
  requiredArgument,
  tensorArgument,
} from "../../tensor/public-op.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { formatShape, ShapeError } from "../../util/errors.ts";
import { normalizeAxis } from "../../util/shapes.ts";
import { setMask } from "../masks.ts";
import { toSameRank } from "./reduce.ts";

type Axes = number | readonly number[] | null;
type Pair = (yTrue: TensorLike, yPred: TensorLike) => Tensor;

/** Labels in the dtype of the predictions. */
function convert(yTrue: TensorLike, yPred: TensorLike): [Tensor, Tensor] {
  const predictions = toTensor("loss", yPred);
  return [ops.cast(toTensor("loss", yTrue), predictions.dtype), predictions];
}

function pairwise(name: string, fn: (yTrue: Tensor, yPred: Tensor) => Tensor): PublicOp<Pair> {
  return publicOp(
    `keras.losses.${name}`,
    { y_true: tensorArgument, y_pred: tensorArgument },
    (yTrue, yPred) => fn(...convert(yTrue, yPred)),
  );
}

function sameRank(name: string, fn: (yTrue: Tensor, yPred: Tensor) => Tensor): PublicOp<Pair> {
  return pairwise(name, (yTrue, yPred) => fn(...toSameRank(yTrue, yPred)));
}

function lastMean(x: Tensor): Tensor {
  return ops.mean(x, { axis: -1 });
}

/** The mean of `(yTrue - yPred)²` over the last axis. */
export const meanSquaredError: PublicOp<Pair> = sameRank("mean_squared_error", (yTrue, yPred) =>
  lastMean(ops.square(ops.subtract(yTrue, yPred))),
);

/** The mean of `|yTrue - yPred|` over the last axis. */
export const meanAbsoluteError: PublicOp<Pair> = sameRank("mean_absolute_error", (yTrue, yPred) =>
  lastMean(ops.absolute(ops.subtract(yTrue, yPred))),
);

/** The mean of `100 |(yTrue - yPred) / yTrue|` over the last axis. */
export const meanAbsolutePercentageError: PublicOp<Pair> = sameRank(
  "mean_absolute_percentage_error",
  (yTrue, yPred) => {
    const size = ops.maximum(ops.absolute(yTrue), epsilon());
    return ops.multiply(lastMean(ops.absolute(ops.divide(ops.subtract(yTrue, yPred), size))), 100);
  },
);

/** The mean of `(log(1 + yPred) - log(1 + yTrue))²` over the last axis. */
export const meanSquaredLogarithmicError: PublicOp<Pair> = sameRank(
  "mean_squared_logarithmic_error",
  (yTrue, yPred) => {
    const logarithm = (x: Tensor): Tensor => ops.log(ops.add(ops.maximum(x, epsilon()), 1));
    return lastMean(ops.square(ops.subtract(logarithm(yPred), logarithm(yTrue))));
  },
);

/** Minus the cosine of the angle between labels and predictions along an axis. */
export const cosineSimilarity: PublicOp<
  (yTrue: TensorLike, yPred: TensorLike, options?: { axis?: number | undefined }) => Tensor
> = publicOp(
  "keras.losses.cosine_similarity",
  { y_true: tensorArgument, y_pred: tensorArgument, axis: -1 },
  (yTrue, yPred, { axis = -1 } = {}) => {
    const [a, b] = toSameRank(...convert(yTrue, yPred));
    const product = ops.multiply(ops.normalize(a, { axis }), ops.normalize(b, { axis }));
    return ops.negative(ops.sum(product, { axis }));
  },
);

/** Squared errors up to `delta`, absolute ones beyond. */
export const huber: PublicOp<
  (yTrue: TensorLike, yPred: TensorLike, options?: { delta?: number | undefined }) => Tensor
> = publicOp(
  "keras.losses.huber",
  { y_true: tensorArgument, y_pred: tensorArgument, delta: 1 },
  (yTrue, yPred, { delta = 1 } = {}) => {
    const [a, b] = toSameRank(...convert(yTrue, yPred));
    const error = ops.subtract(b, a);
    const size = ops.absolute(error);
    const linear = ops.subtract(ops.multiply(size, delta), 0.5 * delta * delta);
    return lastMean(
      ops.where(ops.lessEqual(size, delta), ops.multiply(ops.square(error), 0.5), linear),
    );
  },
);

/** The mean of `log(cosh(yPred - yTrue))` over the last axis. */
export const logCosh: PublicOp<Pair> = sameRank("log_cosh", (yTrue, yPred) => {
  const x = ops.subtract(yPred, yTrue);
  return lastMean(ops.subtract(ops.add(x, ops.softplus(ops.multiply(x, -2))), Math.LN2));
});

/** The sum of `yTrue log(yTrue / yPred)` over the last axis. */
export const klDivergence: PublicOp<Pair> = pairwise("kl_divergence", (yTrue, yPred) => {
  const a = ops.clip(yTrue, epsilon(), 1);
  const b = ops.clip(yPred, epsilon(), 1);
  return ops.sum(ops.multiply(a, ops.log(ops.divide(a, b))), { axis: -1 });
});

/** The mean of `yPred - yTrue log(yPred)` over the last axis. */
export const poisson: PublicOp<Pair> = pairwise("poisson", (yTrue, yPred) =>
  lastMean(ops.subtract(yPred, ops.multiply(yTrue, ops.log(ops.add(yPred, epsilon()))))),
);

/** Labels 0 and 1 as -1 and 1; other labels stay. */
function toSigns(yTrue: Tensor): Tensor {
  const isBinary = ops.all(ops.logicalOr(ops.equal(yTrue, 0), ops.equal(yTrue, 1)));
  return ops.where(isBinary, ops.subtract(ops.multiply(yTrue, 2), 1), yTrue);
}

function margin(yTrue: Tensor, yPred: Tensor): Tensor {
  return ops.maximum(ops.subtract(1, ops.multiply(toSigns(yTrue), yPred)), 0);
}

/** The mean of `max(1 - yTrue yPred, 0)` over the last axis. */
export const hinge: PublicOp<Pair> = pairwise("hinge", (yTrue, yPred) =>
  lastMean(margin(yTrue, yPred)),
);

/** The mean of `max(1 - yTrue yPred, 0)²` over the last axis. */
export const squaredHinge: PublicOp<Pair> = pairwise("squared_hinge", (yTrue, yPred) =>
  lastMean(ops.square(margin(yTrue, yPred))),
);

/** `max(neg - pos + 1, 0)` along the last axis. */
export const categoricalHinge: PublicOp<Pair> = pairwise("categorical_hinge", (yTrue, yPred) => {
  const pos = ops.sum(ops.multiply(yTrue, yPred), { axis: -1 });
  const neg = ops.max(ops.multiply(ops.subtract(1, yTrue), yPred), { axis: -1 });
  return ops.maximum(ops.add(ops.subtract(neg, pos), 1), 0);
});

/** Options of the cross-entropies. */
export interface CrossentropyFunctionOptions {
  fromLogits?: boolean | undefined;
  labelSmoothing?: number | undefined;
  axis?: number | undefined;
}

/** The binary cross-entropy, averaged over an axis. */
export const binaryCrossentropy: PublicOp<
  (yTrue: TensorLike, yPred: TensorLike, options?: CrossentropyFunctionOptions) => Tensor
> = publicOp(
  "keras.losses.binary_crossentropy",
  {
    y_true: tensorArgument,
    y_pred: tensorArgument,
    from_logits: false,
    label_smoothing: 0,
    axis: -1,
  },
  (yTrue, yPred, { fromLogits = false, labelSmoothing = 0, axis = -1 } = {}) => {
    const [labels, predictions] = convert(yTrue, yPred);
    const smoothed = smoothBinary(labels, labelSmoothing);
    return ops.mean(ops.binaryCrossentropy(smoothed, predictions, { fromLogits }), { axis });
  },
);

function smoothBinary(labels: Tensor, smoothing: number): Tensor {
  return smoothing === 0 ? labels : ops.add(ops.multiply(labels, 1 - smoothing), 0.5 * smoothing);
}

/** Options of `binaryFocalCrossentropy`. */
export interface BinaryFocalFunctionOptions extends CrossentropyFunctionOptions {
  applyClassBalancing?: boolean | undefined;
  alpha?: number | undefined;
  gamma?: number | undefined;
}

/** The binary cross-entropy times `(1 - p)^gamma`, p the probability of the label. */
export const binaryFocalCrossentropy: PublicOp<
  (yTrue: TensorLike, yPred: TensorLike, options?: BinaryFocalFunctionOptions) => Tensor
> = publicOp(
  "keras.losses.binary_focal_crossentropy",
  {
    y_true: tensorArgument,
    y_pred: tensorArgument,
    apply_class_balancing: false,
    alpha: 0.25,
    gamma: 2,
    from_logits: false,
    label_smoothing: 0,
    axis: -1,
  },
  (yTrue, yPred, options = {}) => {
    const { applyClassBalancing = false, alpha = 0.25, gamma = 2 } = options;
    const { fromLogits = false, labelSmoothing = 0, axis = -1 } = options;
    const [given, scores] = convert(yTrue, yPred);
    const labels = smoothBinary(given, labelSmoothing);
    const p = fromLogits ? ops.sigmoid(scores) : scores;
    const entropy = ops.binaryCrossentropy(labels, p);
    const others = ops.subtract(1, labels);
    const right = ops.add(ops.multiply(labels, p), ops.multiply(others, ops.subtract(1, p)));
    let focal = ops.multiply(ops.power(ops.subtract(1, right), gamma), entropy);
    if (applyClassBalancing) {
      focal = ops.multiply(
        ops.add(ops.multiply(labels, alpha), ops.multiply(others, 1 - alpha)),
        focal,
      );
    }
    return ops.mean(focal, { axis });
  },
);

function smoothCategorical(labels: Tensor, smoothing: number, classes: number): Tensor {
  return smoothing === 0
    ? labels
    : ops.add(ops.multiply(labels, 1 - smoothing), smoothing / classes);
}

/** The cross-entropy of one-hot labels along an axis. */
export const categoricalCrossentropy: PublicOp<
  (yTrue: TensorLike, yPred: TensorLike, options?: CrossentropyFunctionOptions) => Tensor
> = publicOp(
  "keras.losses.categorical_crossentropy",
  {
    y_true: tensorArgument,
    y_pred: tensorArgument,
    from_logits: false,
    label_smoothing: 0,
    axis: -1,
  },
  (yTrue, yPred, { fromLogits = false, labelSmoothing = 0, axis = -1 } = {}) => {
    const [labels, predictions] = convert(yTrue, yPred);
    const along = normalizeAxis("categorical_crossentropy", axis, predictions.ndim);
    const smoothed = smoothCategorical(labels, labelSmoothing, predictions.shape[along] as number);
    return ops.categoricalCrossentropy(smoothed, predictions, { fromLogits, axis: along });
  },
);

/** Options of `categoricalFocalCrossentropy`. */
export interface FocalFunctionOptions extends CrossentropyFunctionOptions {
  alpha?: number | undefined;
  gamma?: number | undefined;
}

/** The cross-entropy of one-hot labels, each class times `alpha (1 - p)^gamma`. */
export const categoricalFocalCrossentropy: PublicOp<
  (yTrue: TensorLike, yPred: TensorLike, options?: FocalFunctionOptions) => Tensor
> = publicOp(
  "keras.losses.categorical_focal_crossentropy",
  {
    y_true: tensorArgument,
    y_pred: tensorArgument,
    alpha: 0.25,
    gamma: 2,
    from_logits: false,
    label_smoothing: 0,
    axis: -1,
  },
  (yTrue, yPred, options = {}) => {
    const { alpha = 0.25, gamma = 2, fromLogits = false, labelSmoothing = 0 } = options;
    const [given, scores] = convert(yTrue, yPred);
    const axis = normalizeAxis("categorical_focal_crossentropy", options.axis ?? -1, scores.ndim);
    const labels = smoothCategorical(given, labelSmoothing, scores.shape[axis] as number);
    const p = fromLogits ? ops.softmax(scores, { axis }) : scores;
    const normalized = ops.divide(p, ops.sum(p, { axis, keepdims: true }));
    const output = ops.clip(normalized, epsilon(), 1 - epsilon());
    const entropy = ops.multiply(ops.negative(labels), ops.log(output));
    const weight = ops.multiply(ops.power(ops.subtract(1, output), gamma), alpha);
    return ops.sum(ops.multiply(weight, entropy), { axis });
  },
);

/** Options of `sparseCategoricalCrossentropy`. */
export interface SparseCrossentropyFunctionOptions {
  fromLogits?: boolean | undefined;
  ignoreClass?: number | null | undefined;
  axis?: number | undefined;
}

/** The cross-entropy of class indices along an axis; an ignored class gives 0 and a mask. */
export const sparseCategoricalCrossentropy: PublicOp<
  (yTrue: TensorLike, yPred: TensorLike, options?: SparseCrossentropyFunctionOptions) => Tensor
> = publicOp(
  "keras.losses.sparse_categorical_crossentropy",
  {
    y_true: tensorArgument,
    y_pred: tensorArgument,
    from_logits: false,
    ignore_class: null,
    axis: -1,
  },
  (yTrue, yPred, { fromLogits = false, ignoreClass = null, axis = -1 } = {}) => {
    let predictions = toTensor("loss", yPred);
    let labels = toTensor("loss", yTrue);
    if (labels.ndim === predictions.ndim && labels.shape.at(axis) === 1) {
      labels = ops.squeeze(labels, { axis });
    }
    if (ignoreClass === null) {
      return ops.sparseCategoricalCrossentropy(labels, predictions, { fromLogits, axis });
    }
    const counts = ops.notEqual(labels, ops.cast(ignoreClass, predictions.dtype));
    labels = ops.where(counts, labels, 0);
    predictions = ops.where(ops.expandDims(counts, axis), predictions, 0);
    const entropy = ops.sparseCategoricalCrossentropy(labels, predictions, { fromLogits, axis });
    const mask = ops.reshape(counts, entropy.shape);
    const result = ops.where(mask, entropy, 0);
    setMask(result, mask);
    return result;
  },
);

/** 1 - the overlap of labels and predictions (Sørensen–Dice). */
export const dice: PublicOp<
  (yTrue: TensorLike, yPred: TensorLike, options?: { axis?: Axes | undefined }) => Tensor
> = publicOp(
  "keras.losses.dice",
  { y_true: tensorArgument, y_pred: tensorArgument, axis: null },
  (yTrue, yPred, { axis = null } = {}) => {
    const [a, b] = convert(yTrue, yPred);
    const both = ops.sum(ops.multiply(a, b), { axis });
    const each = ops.add(ops.add(ops.sum(a, { axis }), ops.sum(b, { axis })), epsilon());
    return ops.subtract(1, ops.divide(ops.multiply(both, 2), each));
  },
);

/** Options of `tversky`. */
export interface TverskyFunctionOptions {
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
 * const loss = losses.tversky(tensor([1, 1]), tensor([1, 0]), { beta: 1 });
 * (await loss.item()).toFixed(3); // "0.500"
 */
export const tversky: PublicOp<
  (yTrue: TensorLike, yPred: TensorLike, options?: TverskyFunctionOptions) => Tensor
> = publicOp(
  "keras.losses.tversky",
  { y_true: tensorArgument, y_pred: tensorArgument, alpha: 0.5, beta: 0.5, axis: null },
  (yTrue, yPred, { alpha = 0.5, beta = 0.5, axis = null } = {}) => {
    const [labels, predictions] = convert(yTrue, yPred);
    const both = (a: Tensor, b: Tensor): Tensor => ops.sum(ops.multiply(a, b), { axis });
    const hits = both(predictions, labels);
    const falsePositives = both(predictions, ops.subtract(1, labels));
    const falseNegatives = both(ops.subtract(1, predictions), labels);
    const misses = ops.add(ops.multiply(falsePositives, alpha), ops.multiply(falseNegatives, beta));
    return ops.subtract(1, ops.divide(hits, ops.add(ops.add(hits, misses), epsilon())));
  },
);

/**
 * The loss of connectionist temporal classification. Labels are padded with 0,
 * the class of the blank; predictions are scores.
 *
 * @throws {ShapeError} If labels are not [batch, length] or predictions not
 *   [batch, steps, classes].
 */
export const ctc: PublicOp<(yTrue: TensorLike, yPred: TensorLike) => Tensor> = publicOp(
  "keras.losses.ctc",
  { y_true: tensorArgument, y_pred: tensorArgument },
  (yTrue, yPred) => {
    const labels = toTensor("ctc", yTrue);
    const scores = toTensor("ctc", yPred);
    if (labels.ndim !== 2 || scores.ndim !== 3) {
      throw new ShapeError(
        `ctc: expected labels [batch, length] and predictions [batch, steps, classes], got ` +
          `${formatShape(labels.shape)} and ${formatShape(scores.shape)}.`,
        { op: "ctc", shapes: [labels.shape, scores.shape] },
      );
    }
    const [batch, steps] = scores.shape as readonly [number, number];
    const lengths = ops.sum(ops.cast(ops.notEqual(labels, 0), "int32"), { axis: -1 });
    return ops.ctcLoss(labels, scores, lengths, ops.full([batch], steps, { dtype: "int32" }));
  },
);

/** Options of `circle`. */
export interface CircleFunctionOptions {
  refLabels?: TensorLike | null | undefined;
  refEmbeddings?: TensorLike | null | undefined;
  removeDiagonal?: boolean | undefined;
  gamma?: number | undefined;
  margin?: number | undefined;
}

/** The circle loss of embeddings by class. Source: Sun et al., 2020, arXiv:2002.10857. */
export const circle: PublicOp<
  (yTrue: TensorLike, yPred: TensorLike, options?: CircleFunctionOptions) => Tensor
> = publicOp(
  "keras.losses.circle",
  {
    y_true: tensorArgument,
    y_pred: tensorArgument,
    ref_labels: null,
    ref_embeddings: null,
    remove_diagonal: true,
    gamma: 80,
    margin: 0.4,
  },
  (yTrue, yPred, options = {}) => {
    const { removeDiagonal = true, gamma = 80, margin: m = 0.4 } = options;
    const embeddings = toTensor("circle", yPred);
    const labels = ops.cast(toTensor("circle", yTrue), "int32");
    const others = toTensor("circle", options.refEmbeddings ?? embeddings);
    const otherLabels = ops.cast(toTensor("circle", options.refLabels ?? labels), "int32");
    const distances = ops.maximum(
      ops.subtract(1, ops.matmul(embeddings, ops.transpose(others))),
      0,
    );
    let isSame = ops.equal(
      ops.reshape(labels, [-1, 1]),
      ops.transpose(ops.reshape(otherLabels, [-1, 1])),
    );
    const isOther = ops.logicalNot(isSame);
    if (removeDiagonal) {
      const diagonal = ops.cast(
        ops.eye(isSame.shape[0] as number, { M: isSame.shape[1] as number }),
        "bool",
      );
      isSame = ops.logicalAnd(isSame, ops.logicalNot(diagonal));
    }
    const side = (mask: Tensor, weight: Tensor, distance: Tensor, sign: number): Tensor => {
      const weights = ops.maximum(ops.multiply(weight, ops.cast(mask, weight.dtype)), 0);
      const scores = ops.multiply(ops.multiply(weights, sign * gamma), distance);
      return ops.logsumexp(ops.where(mask, scores, Number.NEGATIVE_INFINITY), { axis: 1 });
    };
    const near = side(isSame, ops.add(distances, m), ops.subtract(m, distances), -1);
    const far = side(isOther, ops.subtract(1 + m, distances), ops.subtract(1 - m, distances), 1);
    const loss = ops.softplus(ops.add(near, far));
    setMask(loss, ops.greater(loss, 0));
    return loss;
  },
);

/** `(1 - p^q) / q`, p the probability of the class. Source: Zhang and Sabuncu, 2018, arXiv:1805.07836. */
export const categoricalGeneralizedCrossEntropy: PublicOp<
  (yTrue: TensorLike, yPred: TensorLike, q: number) => Tensor
> = publicOp(
  "keras.losses.categorical_generalized_cross_entropy",
  { y_true: tensorArgument, y_pred: tensorArgument, q: requiredArgument },
  (yTrue, yPred, q) => {
    const predictions = toTensor("loss", yPred);
    const classes = predictions.shape.at(-1) as number;
    const indices = ops.cast(toTensor("loss", yTrue), "int32");
    const oneHot = ops.oneHot(indices, classes, { dtype: predictions.dtype });
    const p = ops.sum(ops.multiply(predictions, oneHot), { axis: -1 });
    return ops.divide(ops.subtract(1, ops.power(p, q)), q);
  },
);
