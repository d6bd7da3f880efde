/**
 * Class indices as one-hot vectors.
 *
 * @module
 */
import { numberOf } from "../../ops/dynamic-shape.ts";
import * as ops from "../../ops/index.ts";
import { type ArrayLike, flattenArray, tensor } from "../../tensor/create.ts";
import { type PublicOp, publicOp, tensorArgument } from "../../tensor/public-op.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { ArgumentError } from "../../util/errors.ts";
import { sizeOf } from "../../util/shapes.ts";

const name = "to_categorical";

/** Options of `toCategorical`. */
export interface ToCategoricalOptions {
  /** How many classes there are. Default: the largest index + 1. */
  numClasses?: number | null | undefined;
}

/** Without a last axis of length 1. */
function withoutColumn(shape: readonly number[]): readonly number[] {
  return shape.length > 1 && shape.at(-1) === 1 ? shape.slice(0, -1) : shape;
}

function encodeArray(given: ArrayLike, numClasses: number | null): Tensor {
  const { values, shape } = flattenArray(given, name);
  const classes = Array.from(values as Iterable<number | bigint | boolean>, (v) =>
    Math.trunc(Number(v)),
  );
  const count = numClasses ?? classes.reduce((a, b) => Math.max(a, b), -1) + 1;
  if (count < 1) {
    throw new ArgumentError(
      `${name}: how many classes there are does not follow from these values. Give numClasses.`,
      { op: name },
    );
  }
  const encoded = new Float64Array(classes.length * count);
  for (const [i, index] of classes.entries()) {
    // As in NumPy, indices below 0 count from the last class.
    const at = index < 0 ? index + count : index;
    if (!(at >= 0 && at < count)) {
      throw new ArgumentError(
        `${name}: expected class indices below ${count}, got ${index}. Give a larger numClasses.`,
        { op: name },
      );
    }
    encoded[i * count + at] = 1;
  }
  return tensor(encoded, { shape: [...withoutColumn(shape), count] });
}

/**
 * Class indices as one-hot vectors along a new last axis; a last axis of
 * length 1 goes.
 *
 * Of an array the result is float64, as in Keras; of a tensor floatx, all zeros
 * where an index is out of range. In a trace `numClasses` must be given.
 *
 * @throws {ArgumentError} If an index of an array is out of range.
 * @example
 * await utils.toCategorical([0, 2]).array(); // [[1, 0, 0], [0, 0, 1]]
 * utils.toCategorical(tensor([0, 2], { dtype: "int32" }), { numClasses: 4 }).shape; // [2, 4]
 */
export const toCategorical: PublicOp<
  (x: Tensor | ArrayLike, options?: ToCategoricalOptions) => Tensor
> = publicOp(
  "keras.utils.to_categorical",
  { x: tensorArgument, num_classes: null },
  (x: Tensor | ArrayLike, { numClasses = null }: ToCategoricalOptions = {}) => {
    // Keras takes 0 for not given.
    const given = numClasses === 0 ? null : numClasses;
    if (!(x instanceof Tensor)) return encodeArray(x, given);
    if (given === null && sizeOf(x.shape) === 0) return encodeArray([], given);
    const count = given ?? numberOf(name, ops.add(ops.max(x), 1));
    return ops.oneHot(ops.reshape(x, withoutColumn(x.shape)), count);
  },
);
