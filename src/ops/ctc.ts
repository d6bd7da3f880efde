/**
 * Connectionist temporal classification.
 *
 * Source: Graves et al. 2006, Connectionist temporal classification: labelling
 * unsegmented sequence data with recurrent neural networks.
 *
 * @module
 */
import { vjp } from "../autograd/grad.ts";
import { floatx } from "../runtime/precision.ts";
import { apply, applyMany } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import { type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { resultType } from "../util/dtypes.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../util/errors.ts";
import { logSoftmax } from "./activation.ts";
import { add, keepWhere, negative, subtract } from "./arithmetic.ts";
import { broadcastOver, reshapeTo, sumOver } from "./broadcasting.ts";
import {
  equal,
  greater,
  greaterEqual,
  less,
  logicalAnd,
  logicalNot,
  notEqual,
  select,
} from "./comparison.ts";
import { iota } from "./creation.ts";
import { exp, log } from "./exponential.ts";
import { scatterAlong, takeAlong } from "./indexing.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { argmax, max } from "./reduction.ts";
import { concatenateAlong, padWith, sliceAxis } from "./shaping.ts";
import { cumsum } from "./sorting.ts";

/** The logarithm of an impossible event, finite so that derivatives are. */
const never = -1e30;

/** Elements of an axis moved back by some places, `never` in front. */
function delayed(x: Tensor, by: number): Tensor {
  const size = x.shape[1] as number;
  return sliceAxis(padWith(x, never, [0, by], [0, 0]), 1, 0, size);
}

/** log(sum(exp)) of tensors of one shape. */
function logSum(terms: readonly Tensor[]): Tensor {
  const stacked = concatenateAlong(
    terms.map((t) => reshapeTo(t, [...t.shape, 1])),
    2,
  );
  const top = max(stacked, { axis: 2, keepdims: true }).detached();
  const sum = log(sumOver(exp(subtract(stacked, top)), [2], true));
  return reshapeTo(add(sum, top), (terms[0] as Tensor).shape);
}

/** The labels with blanks before, between and behind: [batch, 2 * length + 1]. */
function withBlanks(labels: Tensor, blank: number): Tensor {
  const [batch, length] = labels.shape as readonly [number, number];
  const pairs = padWith(reshapeTo(labels, [batch, length, 1]), blank, [0, 0, 1], [0, 0, 0]);
  return padWith(reshapeTo(pairs, [batch, 2 * length]), blank, [0, 0], [0, 1]);
}

function lossByOps(operands: readonly Tensor[], blank: number): Tensor {
  const [logProbs, labels, lengths, steps] = operands as readonly [Tensor, Tensor, Tensor, Tensor];
  const [batch, time, classes] = logProbs.shape as readonly [number, number, number];
  const { dtype } = logProbs;
  const number = (value: number): Tensor => scalar(value, dtype);
  const integer = (value: number): Tensor => scalar(value, "int32");
  const extended = withBlanks(labels, blank);
  const size = extended.shape[1] as number;
  const states = iota([1, size], "int32", 1);
  const exists = logicalAnd(greaterEqual(extended, integer(0)), less(extended, integer(classes)));
  const at = select(exists, extended, integer(0));
  const spread = broadcastOver(reshapeTo(at, [batch, 1, size]), [batch, time, size]);
  const emitted = select(
    reshapeTo(exists, [batch, 1, size]),
    takeAlong(logProbs, spread, 2),
    number(never),
  );
  const before = sliceAxis(padWith(extended, blank, [0, 2], [0, 0]), 1, 0, size);
  // The blank between two labels may be left out where they differ.
  const skips = logicalAnd(
    logicalAnd(notEqual(extended, before), notEqual(extended, integer(blank))),
    greaterEqual(states, integer(2)),
  );
  const column = (t: Tensor): Tensor => reshapeTo(t, [batch, 1]);
  let alpha = broadcastOver(number(never), [batch, size]);
  for (let t = 0; t < time; t++) {
    const ways =
      t === 0
        ? select(less(states, integer(2)), number(0), alpha)
        : logSum([alpha, delayed(alpha, 1), select(skips, delayed(alpha, 2), number(never))]);
    const next = add(ways, reshapeTo(sliceAxis(emitted, 1, t, t + 1), [batch, size]));
    alpha = select(less(integer(t), column(steps)), next, alpha);
  }
  const last = add(column(lengths), column(lengths));
  const ends = logicalAnd(
    greaterEqual(states, subtract(last, integer(1))),
    greaterEqual(last, states),
  );
  const none = logicalAnd(equal(column(steps), integer(0)), equal(states, integer(0)));
  const started = select(none, number(0), alpha);
  const finals = select(ends, started, number(never));
  const top = max(finals, { axis: 1, keepdims: true }).detached();
  const total = add(log(sumOver(exp(subtract(finals, top)), [1], true)), top);
  const possible = greater(total, number(never / 2));
  const loss = select(possible, negative(total), number(Number.POSITIVE_INFINITY));
  return reshapeTo(loss, [batch]);
}

// log probabilities [B, T, K], labels [B, L], their lengths [B], steps [B] -> [B]
const lossOp: OpDefinition<{ blank: number }> = defineOp({
  name: "ctc_loss",
  attributes: { blank: "int" },
  infer: ([logProbs]) => {
    const { shape, dtype } = logProbs as Tensor;
    return { shape: [shape[0] as number], dtype };
  },
  vjp: ({ inputs, grads: [dy] }, attributes) => [
    apply(lossBackwardOp, [...inputs, dy as Tensor], attributes),
    null,
    null,
    null,
  ],
  decompose: (operands, { blank }) => lossByOps(operands, blank),
});

const lossBackwardOp: OpDefinition<{ blank: number }> = defineOp({
  name: "ctc_loss_backward",
  attributes: { blank: "int" },
  infer: ([logProbs]) => logProbs as Tensor,
  vjp: "decompose",
  decompose: ([logProbs, labels, lengths, steps, dy], { blank }) => {
    const [, pull] = vjp(
      (x: Tensor) => lossByOps([x, labels, lengths, steps] as Tensor[], blank),
      logProbs as Tensor,
    );
    return pull(dy as Tensor)[0] as Tensor;
  },
});

const beamSearchOp: OpDefinition<{ blank: number; width: number; paths: number }> = defineOp({
  name: "ctc_beam_search",
  attributes: { blank: "int", width: "int", paths: "int" },
  infer: ([logProbs], { paths }) => {
    const { shape, dtype } = logProbs as Tensor;
    const [batch, time] = shape as readonly [number, number];
    return [
      { shape: [paths, batch, time], dtype: "int32" },
      { shape: [batch, paths], dtype },
    ];
  },
  vjp: null,
});

/** The index of the blank, which may count from the end. */
function blankOf(op: string, maskIndex: number | null, classes: number): number {
  const blank = maskIndex === null ? classes - 1 : maskIndex < 0 ? maskIndex + classes : maskIndex;
  if (Number.isInteger(blank) && blank >= 0 && blank < classes) return blank;
  throw new ArgumentError(
    `${op}: maskIndex must be one of ${classes} classes, got ${describe(maskIndex)}.`,
    { op },
  );
}

/** @throws {ShapeError} If these are no scores of classes [batch, steps, classes]. */
function checkScores(op: string, x: Tensor): void {
  if (x.ndim === 3 && x.shape[2] !== 0) return;
  throw new ShapeError(
    `${op}: expected scores [batch, steps, classes], got ${formatShape(x.shape)}.`,
    { op, shapes: [x.shape] },
  );
}

/** Options of `ctcLoss`. */
export interface CtcLossOptions {
  /** The class that stands for no label. Default 0. */
  maskIndex?: number | undefined;
}

/**
 * Less the logarithm of the probability that a sequence of classes, repetitions
 * and blanks taken out, gives the labels; infinity where none can.
 *
 * @param target Labels [batch, most labels], padded.
 * @param output Scores [batch, steps, classes]; their softmax is taken here.
 * @param targetLength How many labels there are: [batch].
 * @param outputLength How many steps there are: [batch].
 * @returns One loss for each sample; of half types in float32.
 * @throws {ShapeError} If the shapes do not fit.
 * @example
 * const scores = ops.zeros([1, 2, 2]);
 * await ops.ctcLoss([[1]], scores, [1], [2]).array(); // [0.2877]: -log(3 / 4)
 */
export const ctcLoss: PublicOp<
  (
    target: TensorLike,
    output: TensorLike,
    targetLength: TensorLike,
    outputLength: TensorLike,
    options?: CtcLossOptions,
  ) => Tensor
> = publicOp(
  "keras.ops.ctc_loss",
  {
    target: tensorArgument,
    output: tensorArgument,
    target_length: tensorArgument,
    output_length: tensorArgument,
    mask_index: 0,
  },
  (givenTarget, givenOutput, givenLength, givenSteps, { maskIndex = 0 } = {}) => {
    const op = "ctc_loss";
    const output = toTensor(op, givenOutput);
    const target = toTensor(op, givenTarget, "int32");
    const lengths = toTensor(op, givenLength, "int32");
    const steps = toTensor(op, givenSteps, "int32");
    checkScores(op, output);
    const [batch, , classes] = output.shape as readonly [number, number, number];
    const each = (x: Tensor): boolean => x.ndim === 1 && x.shape[0] === batch;
    if (target.ndim !== 2 || target.shape[0] !== batch || !each(lengths) || !each(steps)) {
      throw new ShapeError(
        `${op}: scores ${formatShape(output.shape)} need labels [${batch}, any] and lengths ` +
          `[${batch}], got ${formatShape(target.shape)}, ${formatShape(lengths.shape)} and ` +
          `${formatShape(steps.shape)}.`,
        { op, shapes: [target.shape, output.shape, lengths.shape, steps.shape] },
      );
    }
    const dtype = resultType([output.dtype, "float32"], floatx());
    const logProbs = logSoftmax(castTo(output, dtype));
    const blank = blankOf(op, maskIndex, classes);
    return apply(lossOp, [logProbs, target, lengths, steps], { blank });
  },
);

/** Options of `ctcDecode`. */
export interface CtcDecodeOptions {
  /** `"greedy"` takes the best class of each step, `"beam_search"` the best labels. */
  strategy?: "greedy" | "beam_search" | undefined;
  /** How many prefixes a beam search keeps. */
  beamWidth?: number | undefined;
  /** How many results a beam search gives. */
  topPaths?: number | undefined;
  /** Whether `"greedy"` counts a repeated class once. */
  mergeRepeated?: boolean | undefined;
  /** The class that stands for no label. Default 0. */
  maskIndex?: number | null | undefined;
}

/** The classes kept, in front, and -1 behind them. */
function compacted(classes: Tensor, kept: Tensor): Tensor {
  const time = classes.shape[1] as number;
  const integer = (value: number): Tensor => scalar(value, "int32");
  const places = subtract(cumsum(castTo(kept, "int32"), { axis: 1 }), integer(1));
  // What is not kept goes to a place of its own, which is cut off.
  const target = select(kept, places, integer(time));
  const values = keepWhere(add(classes, integer(1)), kept);
  const moved = scatterAlong(target, values, 1, time + 1);
  return subtract(sliceAxis(moved, 1, 0, time), integer(1));
}

function greedy(scores: Tensor, steps: Tensor, blank: number, merge: boolean): [Tensor, Tensor] {
  const [batch, time] = scores.shape as readonly [number, number];
  const integer = (value: number): Tensor => scalar(value, "int32");
  const exists = less(iota([1, time], "int32", 1), reshapeTo(steps, [batch, 1]));
  const classes = argmax(scores, { axis: 2 });
  let kept = logicalAnd(exists, notEqual(classes, integer(blank)));
  if (merge) {
    const before = sliceAxis(padWith(classes, -1, [0, 1], [0, 0]), 1, 0, time);
    kept = logicalAnd(kept, logicalNot(equal(classes, before)));
  }
  const best = keepWhere(max(scores, { axis: 2 }), exists);
  const labels = reshapeTo(compacted(classes, kept), [1, batch, time]);
  return [labels, negative(sumOver(best, [1], true))];
}

/**
 * The labels that scores of classes say, repetitions and blanks taken out.
 *
 * @param inputs Scores [batch, steps, classes].
 * @param sequenceLengths How many steps there are: [batch].
 * @returns Labels [results, batch, steps], ended by -1, and for each sample its
 *   scores [batch, results]: the logarithm of the probability, or with
 *   `"greedy"` less the sum of the best scores.
 * @throws {ShapeError} If the shapes do not fit.
 * @example
 * const scores = tensor([[[0, 9], [9, 0], [0, 9]]]);
 * const [labels] = ops.ctcDecode(scores, [3]);
 * await labels.array(); // [[[1, 1, -1]]]
 */
export const ctcDecode: PublicOp<
  (
    inputs: TensorLike,
    sequenceLengths: TensorLike,
    options?: CtcDecodeOptions,
  ) => [labels: Tensor, scores: Tensor]
> = publicOp(
  "keras.ops.ctc_decode",
  {
    inputs: tensorArgument,
    sequence_lengths: tensorArgument,
    strategy: "greedy",
    beam_width: 100,
    top_paths: 1,
    merge_repeated: true,
    mask_index: 0,
  },
  (given, givenSteps, options = {}) => {
    const op = "ctc_decode";
    const { strategy = "greedy", beamWidth = 100, topPaths = 1 } = options;
    const { mergeRepeated = true, maskIndex = 0 } = options;
    const inputs = toTensor(op, given);
    const steps = toTensor(op, givenSteps, "int32");
    checkScores(op, inputs);
    const [batch, time, classes] = inputs.shape as readonly [number, number, number];
    if (steps.ndim !== 1 || steps.shape[0] !== batch) {
      throw new ShapeError(
        `${op}: scores ${formatShape(inputs.shape)} need lengths [${batch}], got ` +
          `${formatShape(steps.shape)}.`,
        { op, shapes: [inputs.shape, steps.shape] },
      );
    }
    const scores = castTo(inputs, resultType([inputs.dtype, "float32"], floatx()));
    const blank = blankOf(op, maskIndex, classes);
    if (strategy === "greedy") return greedy(scores, steps, blank, mergeRepeated);
    if (strategy !== "beam_search") {
      throw new ArgumentError(
        `${op}: strategy must be "greedy" or "beam_search", got ${describe(strategy)}.`,
        { op },
      );
    }
    if (![beamWidth, topPaths].every((n) => Number.isInteger(n) && n > 0) || topPaths > beamWidth) {
      throw new ArgumentError(
        `${op}: expected beamWidth >= topPaths >= 1, got ${describe(beamWidth)} and ` +
          `${describe(topPaths)}.`,
        { op },
      );
    }
    const logProbs = time === 0 ? scores : logSoftmax(scores);
    const [labels, found] = applyMany(beamSearchOp, [logProbs, steps], {
      blank,
      width: beamWidth,
      paths: topPaths,
    });
    return [labels as Tensor, found as Tensor];
  },
);
