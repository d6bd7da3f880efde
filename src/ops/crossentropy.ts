/**
 * Cross-entropies.
 *
 * @module
 */
import { epsilon } from "../runtime/settings.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import { type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ArgumentError, formatShape, ShapeError } from "../util/errors.ts";
import { dimAt, normalizeAxis, sameShape } from "../util/shapes.ts";
import { logSoftmax } from "./activation.ts";
import {
  absolute,
  add,
  clip,
  divide,
  maximum,
  multiply,
  negative,
  subtract,
} from "./arithmetic.ts";
import { reshapeTo, sumOver } from "./broadcasting.ts";
import { exp, log, log1p } from "./exponential.ts";
import { takeAlong } from "./indexing.ts";
import { logitsOf } from "./logits.ts";
import { type TensorLike, toFloat, toTensor } from "./promote.ts";
import { expandDims } from "./shaping.ts";

/** Options of the cross-entropies. */
export interface CrossentropyOptions {
  /** Whether `output` holds logits instead of probabilities. */
  fromLogits?: boolean | undefined;
  /** The axis of the classes. */
  axis?: number | undefined;
}

/**
 * The output as logits, where it is that or where a softmax or sigmoid made it:
 * computing from those keeps the precision that the probabilities have lost.
 */
function findLogits(
  op: string,
  output: Tensor,
  fromLogits: boolean,
  kind: "softmax" | "sigmoid",
): Tensor | null {
  const logits = logitsOf(output, kind);
  if (logits === null) return fromLogits ? output : null;
  if (fromLogits) {
    console.warn(
      `${op}: fromLogits is set, but the output was made by a ${kind} and is no logit. ` +
        "Its logits are used.",
    );
  }
  return logits;
}

function checkSameShape(op: string, target: Tensor, output: Tensor): void {
  if (!sameShape(target.shape, output.shape)) {
    throw new ShapeError(
      `${op}: target ${formatShape(target.shape)} and output ${formatShape(output.shape)} ` +
        "must have the same shape.",
      { op, shapes: [target.shape, output.shape] },
    );
  }
}

/** `x` within [epsilon, 1 - epsilon]. */
function asProbability(x: Tensor): Tensor {
  return clip(x, epsilon(), 1 - epsilon());
}

/**
 * -sum(target * log(output)) over the classes.
 *
 * @param target Probabilities of the classes, of the shape of `output`.
 * @throws {ShapeError} If the shapes differ or there is no axis.
 * @example
 * await ops.categoricalCrossentropy([[0, 1]], [[0.5, 0.5]]).array(); // [0.6931]
 */
export const categoricalCrossentropy: PublicOp<
  (target: TensorLike, output: TensorLike, options?: CrossentropyOptions) => Tensor
> = publicOp(
  "keras.ops.categorical_crossentropy",
  { target: tensorArgument, output: tensorArgument, from_logits: false, axis: -1 },
  (givenTarget, givenOutput, { fromLogits = false, axis = -1 } = {}) => {
    const op = "categorical_crossentropy";
    const output = toFloat(op, givenOutput);
    const target = toTensor(op, givenTarget, output.dtype);
    checkSameShape(op, target, output);
    if (target.ndim < 1) {
      throw new ShapeError(`${op}: expected an axis of classes, got scalars.`, {
        op,
        shapes: [target.shape, output.shape],
      });
    }
    const along = normalizeAxis(op, axis, output.ndim);
    const logits = findLogits(op, output, fromLogits, "softmax");
    if (logits !== null) {
      return negative(sumOver(multiply(target, logSoftmax(logits, { axis: along })), [along]));
    }
    const normalized = divide(output, sumOver(output, [along], true));
    return negative(sumOver(multiply(target, log(asProbability(normalized))), [along]));
  },
);

/**
 * -log(output of the target class).
 *
 * @param target Integers, of the shape of `output` without its last axis (or
 *   with 1 there).
 * @throws {ShapeError} If the shapes do not fit.
 * @example
 * await ops.sparseCategoricalCrossentropy([1], [[0.5, 0.5]]).array(); // [0.6931]
 */
export const sparseCategoricalCrossentropy: PublicOp<
  (target: TensorLike, output: TensorLike, options?: CrossentropyOptions) => Tensor
> = publicOp(
  "keras.ops.sparse_categorical_crossentropy",
  { target: tensorArgument, output: tensorArgument, from_logits: false, axis: -1 },
  (givenTarget, givenOutput, { fromLogits = false, axis = -1 } = {}) => {
    const op = "sparse_categorical_crossentropy";
    const output = toFloat(op, givenOutput);
    if (axis !== -1 && axis !== output.ndim - 1) {
      throw new ArgumentError(`${op}: only the last axis can hold the classes, got ${axis}.`, {
        op,
      });
    }
    let target: Tensor = castTo(toTensor(op, givenTarget), "int32");
    if (target.ndim === output.ndim && target.ndim > 0 && dimAt(target.shape, -1) === 1) {
      target = reshapeTo(target, target.shape.slice(0, -1));
    }
    if (output.ndim < 1 || !sameShape(target.shape, output.shape.slice(0, -1))) {
      throw new ShapeError(
        `${op}: target ${formatShape(target.shape)} must have the shape of output ` +
          `${formatShape(output.shape)} without its last axis.`,
        { op, shapes: [target.shape, output.shape] },
      );
    }
    // Without logits the probabilities' logarithms serve as such.
    const logits = findLogits(op, output, fromLogits, "softmax") ?? log(asProbability(output));
    const last = output.ndim - 1;
    const picked = takeAlong(logSoftmax(logits), expandDims(target, -1), last);
    return negative(reshapeTo(picked, target.shape));
  },
);

/**
 * -(target * log(output) + (1 - target) * log(1 - output)), element by element.
 *
 * @throws {ShapeError} If the shapes differ.
 * @example
 * await ops.binaryCrossentropy([1, 0], [0.5, 0.25]).array(); // [0.6931, 0.2877]
 */
export const binaryCrossentropy: PublicOp<
  (target: TensorLike, output: TensorLike, options?: { fromLogits?: boolean | undefined }) => Tensor
> = publicOp(
  "keras.ops.binary_crossentropy",
  { target: tensorArgument, output: tensorArgument, from_logits: false },
  (givenTarget, givenOutput, { fromLogits = false } = {}) => {
    const op = "binary_crossentropy";
    const output = toFloat(op, givenOutput);
    const target = toTensor(op, givenTarget, output.dtype);
    checkSameShape(op, target, output);
    const logits = findLogits(op, output, fromLogits, "sigmoid");
    if (logits !== null) {
      // max(x, 0) - x * z + log(1 + e^-|x|)
      const x = logits;
      return add(
        subtract(maximum(x, scalar(0, x.dtype)), multiply(x, target)),
        log1p(exp(negative(absolute(x)))),
      );
    }
    const p = asProbability(output);
    const one = scalar(1, p.dtype);
    const yes = multiply(target, log(p));
    const no = multiply(subtract(one, target), log(subtract(one, p)));
    return negative(add(yes, no));
  },
);
