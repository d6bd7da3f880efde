/**
 * Metrics as functions: one number for each sample.
 *
 * @module
 */
import * as ops from "../../ops/index.ts";
import { type TensorLike, toTensor } from "../../ops/promote.ts";
import { floatx } from "../../runtime/precision.ts";
import { type PublicOp, publicOp, tensorArgument } from "../../tensor/public-op.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { toSameRank } from "../losses/reduce.ts";

type Pair = (yTrue: TensorLike, yPred: TensorLike) => Tensor;

const labels = { y_true: tensorArgument, y_pred: tensorArgument };

function matches(a: Tensor, b: Tensor): Tensor {
  return ops.cast(ops.equal(a, b), floatx());
}

/** Whether labels and predictions are equal: 1 or 0. */
export function accuracy(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const predictions = toTensor("accuracy", yPred);
  return matches(
    ...toSameRank(ops.cast(toTensor("accuracy", yTrue), predictions.dtype), predictions),
  );
}

/** Whether predictions are on the labels' side of a threshold: 1 or 0. */
export const binaryAccuracy: PublicOp<
  (yTrue: TensorLike, yPred: TensorLike, options?: { threshold?: number | undefined }) => Tensor
> = publicOp(
  "keras.metrics.binary_accuracy",
  { ...labels, threshold: 0.5 },
  (yTrue, yPred, { threshold = 0.5 } = {}) => {
    const [a, b] = toSameRank(
      toTensor("binary_accuracy", yTrue),
      toTensor("binary_accuracy", yPred),
    );
    return matches(a, ops.cast(ops.greater(b, threshold), a.dtype));
  },
);

/** Whether the largest prediction is that of the class, labels one-hot: 1 or 0. */
export const categoricalAccuracy: PublicOp<Pair> = publicOp(
  "keras.metrics.categorical_accuracy",
  labels,
  (yTrue, yPred) => {
    const predictions = toTensor("categorical_accuracy", yPred);
    const classes = ops.argmax(toTensor("categorical_accuracy", yTrue), { axis: -1 });
    const shape = classes.shape;
    const flat = classes.ndim === predictions.ndim ? ops.squeeze(classes, { axis: -1 }) : classes;
    const match = matches(flat, ops.argmax(predictions, { axis: -1 }));
    return flat === classes ? match : ops.reshape(match, shape);
  },
);

/** Whether the largest prediction is that of the class, labels indices: 1 or 0. */
export const sparseCategoricalAccuracy: PublicOp<Pair> = publicOp(
  "keras.metrics.sparse_categorical_accuracy",
  labels,
  (yTrue, yPred) => {
    const predictions = toTensor("sparse_categorical_accuracy", yPred);
    const given = ops.cast(toTensor("sparse_categorical_accuracy", yTrue), predictions.dtype);
    const isColumn = given.ndim === predictions.ndim && given.shape.at(-1) === 1;
    const classes = isColumn ? ops.squeeze(given, { axis: -1 }) : given;
    const best = ops.cast(ops.argmax(predictions, { axis: -1 }), classes.dtype);
    let match = matches(classes, best);
    if (isColumn) match = ops.reshape(match, given.shape);
    return match.ndim > 1 && match.shape.at(-1) === 1 ? ops.squeeze(match, { axis: -1 }) : match;
  },
);

function rows(predictions: Tensor): Tensor {
  return predictions.ndim > 2
    ? ops.reshape(predictions, [-1, predictions.shape.at(-1) as number])
    : predictions;
}

/** Whether the class is among the `k` largest predictions, labels one-hot: 1 or 0. */
export const topKCategoricalAccuracy: PublicOp<
  (yTrue: TensorLike, yPred: TensorLike, options?: { k?: number | undefined }) => Tensor
> = publicOp(
  "keras.metrics.top_k_categorical_accuracy",
  { ...labels, k: 5 },
  (yTrue, yPred, { k = 5 } = {}) => {
    const predictions = toTensor("top_k_categorical_accuracy", yPred);
    const classes = ops.argmax(toTensor("top_k_categorical_accuracy", yTrue), { axis: -1 });
    const flat = classes.ndim > 1 ? ops.reshape(classes, [-1]) : classes;
    const match = ops.cast(ops.inTopK(ops.cast(flat, "int32"), rows(predictions), k), floatx());
    return classes.ndim > 1 ? ops.reshape(match, classes.shape) : match;
  },
);

/** Options of `sparseTopKCategoricalAccuracy`. */
export interface SparseTopKOptions {
  k?: number | undefined;
  /** Whether predictions are class indices, best first. */
  fromSortedIds?: boolean | undefined;
}

/** Whether the class is among the `k` largest predictions, labels indices: 1 or 0. */
export const sparseTopKCategoricalAccuracy: PublicOp<
  (yTrue: TensorLike, yPred: TensorLike, options?: SparseTopKOptions) => Tensor
> = publicOp(
  "keras.metrics.sparse_top_k_categorical_accuracy",
  { ...labels, k: 5, from_sorted_ids: false },
  (yTrue, yPred, { k = 5, fromSortedIds = false } = {}) => {
    const predictions = rows(toTensor("sparse_top_k_categorical_accuracy", yPred));
    const given = ops.cast(
      toTensor("sparse_top_k_categorical_accuracy", yTrue),
      fromSortedIds ? predictions.dtype : "int32",
    );
    const flat = given.ndim > 1 ? ops.reshape(given, [-1]) : given;
    const hits = fromSortedIds
      ? ops.any(ops.equal(ops.expandDims(flat, 1), firstColumns(predictions, k)), { axis: 1 })
      : ops.inTopK(flat, predictions, k);
    const match = ops.cast(hits, floatx());
    return given.ndim > 1 ? ops.reshape(match, given.shape) : match;
  },
);

function firstColumns(x: Tensor, count: number): Tensor {
  const [head] = ops.split(x, [Math.min(count, x.shape[1] as number)], { axis: 1 });
  return head as Tensor;
}

/** The cosine of the angle between labels and predictions along an axis. */
export function cosineSimilarity(
  yTrue: TensorLike,
  yPred: TensorLike,
  { axis = -1 }: { axis?: number | undefined } = {},
): Tensor {
  const predictions = toTensor("cosine_similarity", yPred);
  const [a, b] = toSameRank(
    ops.cast(toTensor("cosine_similarity", yTrue), predictions.dtype),
    predictions,
  );
  return ops.sum(ops.multiply(ops.normalize(a, { axis }), ops.normalize(b, { axis })), { axis });
}
