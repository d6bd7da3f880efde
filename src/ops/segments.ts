/**
 * Reductions of segments: slices of the first axis that have the same id.
 *
 * @module
 */
import { apply } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import {
  type PublicOp,
  positionalArgument,
  publicOp,
  type SignatureSpec,
  tensorArgument,
} from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isHalf } from "../util/dtypes.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../util/errors.ts";
import { divide, maximum, minimum, multiply } from "./arithmetic.ts";
import { broadcastOver, reshapeTo } from "./broadcasting.ts";
import { equal, greaterEqual, less, logicalAnd, select } from "./comparison.ts";
import { runNow, type Steps } from "./dynamic-shape.ts";
import { takeSlices, toIndices } from "./indexing.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { max } from "./reduction.ts";

interface SegmentAttributes {
  readonly numSegments: number;
  readonly [name: string]: number;
}

/** The gradient of the data. */
type SegmentGradient = (dy: Tensor, data: Tensor, ids: Tensor, y: Tensor, count: number) => Tensor;

function segmentPrimitive(
  name: string,
  gradient: SegmentGradient,
): OpDefinition<SegmentAttributes> {
  return defineOp<SegmentAttributes>({
    name,
    attributes: { numSegments: "int" },
    infer: ([data], { numSegments }) => {
      const { shape, dtype } = data as Tensor;
      return { shape: [numSegments, ...shape.slice(1)], dtype };
    },
    vjp: ({ inputs: [data, ids], outputs: [y], grads: [dy] }, { numSegments }) => [
      gradient(dy as Tensor, data as Tensor, ids as Tensor, y as Tensor, numSegments),
      null,
    ],
  });
}

/** The slice of its segment for each row, zeros for rows of no segment. */
function spreadSegments(x: Tensor, ids: Tensor, count: number): Tensor {
  const zero = scalar(0, ids.dtype);
  const isIn = logicalAnd(greaterEqual(ids, zero), less(ids, scalar(count, ids.dtype)));
  const shape = [...ids.shape, ...x.shape.slice(1)];
  if (count === 0) return broadcastOver(scalar(0, x.dtype), shape);
  const rows = takeSlices(x, select(isIn, ids, zero), 0);
  const mask = reshapeTo(isIn, [...ids.shape, ...x.shape.slice(1).map(() => 1)]);
  return select(broadcastOver(mask, shape), rows, scalar(0, x.dtype));
}

const segmentSumOp = segmentPrimitive("segment_sum", (dy, _data, ids, _y, count) =>
  spreadSegments(dy, ids, count),
);

// Equal extremes share the gradient.
const extremeGradient: SegmentGradient = (dy, data, ids, y, count) => {
  const isHit = equal(data, spreadSegments(y, ids, count));
  const hits = castTo(isHit, data.dtype);
  const totals = apply(segmentSumOp, [hits, ids], { numSegments: count });
  // A segment without a hit is empty, or has none but NaN.
  const shares = divide(dy, maximum(totals, scalar(1, dy.dtype)));
  return multiply(spreadSegments(shares, ids, count), hits);
};
const segmentMaxOp = segmentPrimitive("segment_max", extremeGradient);
const segmentMinOp = segmentPrimitive("segment_min", extremeGradient);

// The product of the others: a segment with one zero has it at the zero alone,
// one with more nowhere.
const segmentProdOp: OpDefinition<SegmentAttributes> = segmentPrimitive(
  "segment_prod",
  (dy, data, ids, _y, count) => {
    const zero = scalar(0, data.dtype);
    const one = scalar(1, data.dtype);
    const isZero = equal(data, zero);
    const zeros = spreadSegments(
      apply(segmentSumOp, [castTo(isZero, data.dtype), ids], { numSegments: count }),
      ids,
      count,
    );
    const safe = select(isZero, one, data);
    const product = spreadSegments(
      apply(segmentProdOp, [safe, ids], { numSegments: count }),
      ids,
      count,
    );
    const others = select(
      isZero,
      select(equal(zeros, one), product, zero),
      select(equal(zeros, zero), divide(product, safe), zero),
    );
    return multiply(spreadSegments(dy, ids, count), others);
  },
);

/** Options of the segment reductions. */
export interface SegmentOptions {
  /** Whether ids never descend. The result is the same. */
  sorted?: boolean | undefined;
}

type SegmentReduction = (
  data: TensorLike,
  segmentIds: TensorLike,
  numSegments?: number | null,
  options?: SegmentOptions,
) => Tensor;

const signature: SignatureSpec = {
  data: tensorArgument,
  segment_ids: tensorArgument,
  num_segments: positionalArgument(null),
  sorted: false,
};

/** The number of segments that the ids name. */
function countSegments(op: string, ids: Tensor): number {
  if (ids.size === 0) return 0;
  return runNow(op, "Give numSegments.", largestId(ids));
}

function* largestId(ids: Tensor): Steps<number> {
  return Math.max(0, (yield max(ids)) + 1);
}

function segmentReduction(
  name: string,
  primitive: OpDefinition<SegmentAttributes>,
): PublicOp<SegmentReduction> {
  const op = `segment${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return publicOp<SegmentReduction>(
    `keras.ops.segment_${name}`,
    signature,
    (givenData, givenIds, numSegments) => {
      const given = toTensor(op, givenData);
      const ids = toIndices(op, givenIds);
      if (given.ndim === 0 || ids.ndim !== 1 || ids.shape[0] !== given.shape[0]) {
        throw new ShapeError(
          `${op}: expected one id for each slice of the first axis, got data of shape ` +
            `${formatShape(given.shape)} and ids of shape ${formatShape(ids.shape)}.`,
          { op, shapes: [given.shape, ids.shape] },
        );
      }
      const count = numSegments ?? countSegments(op, ids);
      if (!Number.isInteger(count) || count < 0) {
        throw new ArgumentError(`${op}: numSegments must be a count, got ${describe(count)}.`, {
          op,
        });
      }
      const half = isHalf(given.dtype);
      const data = half
        ? castTo(given, "float32")
        : given.dtype === "bool"
          ? castTo(given, "int32")
          : given;
      const result = apply(primitive, [data, ids], { numSegments: count });
      if (!half) return result;
      // An empty segment has the extreme of the half type.
      const largest = given.dtype === "float16" ? 65504 : (2 - 2 ** -7) * 2 ** 127;
      const bounded =
        name === "max"
          ? maximum(result, scalar(-largest, "float32"))
          : name === "min"
            ? minimum(result, scalar(largest, "float32"))
            : result;
      return castTo(bounded, given.dtype);
    },
  );
}

/**
 * The sum of each segment. Ids outside [0, numSegments) take no part; an empty
 * segment is 0.
 *
 * @param numSegments Default: the largest id and one more; needed in `jit`.
 * @throws {ShapeError} If there is not one id for each slice of the first axis.
 * @example
 * await ops.segmentSum([1, 2, 3], [0, 2, 0], 3).array(); // [4, 0, 2]
 */
export const segmentSum: PublicOp<SegmentReduction> = segmentReduction("sum", segmentSumOp);
/**
 * The largest element of each segment; an empty one is the lowest number of the dtype.
 *
 * @throws {ShapeError} If there is not one id for each slice of the first axis.
 * @example
 * await ops.segmentMax([1, 2, 3], [0, 1, 0]).array(); // [3, 2]
 */
export const segmentMax: PublicOp<SegmentReduction> = segmentReduction("max", segmentMaxOp);
/**
 * The smallest element of each segment; an empty one is the largest number of the dtype.
 *
 * @throws {ShapeError} If there is not one id for each slice of the first axis.
 * @example
 * await ops.segmentMin([1, 2, 3], [0, 1, 0]).array(); // [1, 2]
 */
export const segmentMin: PublicOp<SegmentReduction> = segmentReduction("min", segmentMinOp);
/**
 * The product of each segment; an empty one is 1.
 *
 * @throws {ShapeError} If there is not one id for each slice of the first axis.
 * @example
 * await ops.segmentProd([1, 2, 3], [0, 1, 0]).array(); // [3, 2]
 */
export const segmentProd: PublicOp<SegmentReduction> = segmentReduction("prod", segmentProdOp);
