/**
 * Averages, ranges, correlation and counts.
 *
 * @module
 */
import { floatx } from "../runtime/precision.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import { fill, onesLike } from "../tensor/fill.ts";
import { optionalTensor, type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type DType, isFloat, resultType } from "../util/dtypes.ts";
import { ArgumentError, formatShape, ShapeError } from "../util/errors.ts";
import { normalizeAxes, sameShape } from "../util/shapes.ts";
import { add, clip, divide, multiply, subtract } from "./arithmetic.ts";
import { reshapeTo, sumOver } from "./broadcasting.ts";
import { equal, less, logicalNot, select } from "./comparison.ts";
import { diagonalOfLast } from "./diagonals.ts";
import { runLater, runNow, type Steps } from "./dynamic-shape.ts";
import { sqrt } from "./exponential.ts";
import { scatterAlong } from "./indexing.ts";
import { matrixProduct } from "./linear.ts";
import { type TensorLike, toTensor, widerFloat } from "./promote.ts";
import { type Axis, max, mean, meanOver, min, type Reduction } from "./reduction.ts";
import { searchSorted } from "./search.ts";
import { sliceAxis } from "./shaping.ts";
import { linspace } from "./spacing.ts";

/** Options of `average`. */
export interface AverageOptions {
  /** Default: all axes. */
  axis?: Axis;
  /** Of the shape of `x`, or of its one axis that is averaged over. */
  weights?: TensorLike | null | undefined;
}

/**
 * The mean over axes, elements counting by their weights.
 *
 * @throws {ShapeError} If the weights fit neither `x` nor the axis.
 * @example
 * await ops.average([1, 2, 3], { weights: [3, 1, 0] }).item(); // 1.25
 */
export const average: PublicOp<(x: TensorLike, options?: AverageOptions) => Tensor> = publicOp(
  "keras.ops.average",
  { x: tensorArgument, axis: null, weights: optionalTensor },
  (given, { axis, weights } = {}) => {
    const x = toTensor("average", given);
    if (weights === undefined || weights === null) {
      return mean(castTo(x, resultType([x.dtype, "float"], floatx())), { axis });
    }
    const w = toTensor("average", weights);
    const dtype = resultType([x.dtype, w.dtype, "float"], floatx());
    const axes = normalizeAxes("average", axis, x.ndim);
    const factors = castTo(alongAxes(x, w, axes), dtype);
    const values = castTo(x, dtype);
    const total = sumOver(multiply(values, factors), axes);
    return divide(total, sumOver(multiply(factors, onesLike(values)), axes));
  },
);

function alongAxes(x: Tensor, weights: Tensor, axes: readonly number[]): Tensor {
  if (sameShape(weights.shape, x.shape)) return weights;
  const [axis] = axes;
  if (weights.ndim !== 1 || axes.length !== 1 || weights.size !== x.shape[axis as number]) {
    throw new ShapeError(
      `average: weights ${formatShape(weights.shape)} fit neither ${formatShape(x.shape)} nor ` +
        "its axis that is averaged over.",
      { op: "average", shapes: [x.shape, weights.shape] },
    );
  }
  return reshapeTo(
    weights,
    x.shape.map((dim, i) => (i === axis ? dim : 1)),
  );
}

/**
 * The largest less the smallest element over axes.
 *
 * @example
 * await ops.ptp([1, 5, 3]).item(); // 4
 */
export const ptp: PublicOp<Reduction> = publicOp(
  "keras.ops.ptp",
  { x: tensorArgument, axis: null, keepdims: false },
  (given, options = {}) => {
    const x = toTensor("ptp", given);
    const operand = x.dtype === "bool" ? castTo(x, "int32") : x;
    return castTo(subtract(max(operand, options), min(operand, options)), x.dtype);
  },
);

/**
 * Correlation coefficients of variables, in rows, over observations.
 *
 * @throws {ShapeError} If there are more than two axes.
 * @example
 * await ops.corrcoef([[1, 2, 3], [3, 2, 1]]).array(); // [[1, -1], [-1, 1]]
 */
export const corrcoef: PublicOp<(x: TensorLike) => Tensor> = publicOp(
  "keras.ops.corrcoef",
  { x: tensorArgument },
  (given) => {
    const raw = toTensor("corrcoef", given);
    if (raw.ndim > 2) {
      throw new ShapeError(`corrcoef: expected a matrix, got shape ${formatShape(raw.shape)}.`, {
        op: "corrcoef",
        shapes: [raw.shape],
      });
    }
    const dtype = widerFloat(raw.dtype);
    if (raw.ndim === 0) return fill([], dtype, Number.NaN);
    const compute = resultType([dtype, "float32"], floatx());
    const rows = reshapeTo(castTo(raw, compute), raw.ndim === 1 ? [1, raw.size] : raw.shape);
    const centered = subtract(rows, meanOver(rows, [1], true));
    const sums = matrixProduct(centered, centered, false, true);
    const deviation = sqrt(diagonalOfLast(sums));
    const n = deviation.size;
    const scaled = divide(divide(sums, reshapeTo(deviation, [n, 1])), reshapeTo(deviation, [1, n]));
    return castTo(reshapeTo(clip(scaled, -1, 1), raw.ndim === 1 ? [] : [n, n]), dtype);
  },
);

/** Options of `bincount`. */
export interface BincountOptions {
  /** What each element counts; default 1. */
  weights?: TensorLike | null | undefined;
  /** The least length of the result. */
  minlength?: number | undefined;
  /** Of no effect: the result is dense. */
  sparse?: boolean | undefined;
}

function* bincountSteps(given: TensorLike, options: BincountOptions): Steps<Tensor> {
  const x = toTensor("bincount", given);
  const { weights, minlength = 0 } = options;
  if (x.ndim !== 1 && x.ndim !== 2) {
    throw new ShapeError(
      `bincount: expected a vector, or a matrix of several, got shape ${formatShape(x.shape)}.`,
      { op: "bincount", shapes: [x.shape] },
    );
  }
  const isWide = x.dtype.endsWith("64") || x.dtype === "uint32";
  const indices = castTo(x, isWide ? "int64" : "int32");
  const values = weights === undefined || weights === null ? null : toTensor("bincount", weights);
  if (values !== null && !sameShape(values.shape, x.shape)) {
    throw new ShapeError(
      `bincount: weights ${formatShape(values.shape)} are not of the shape ${formatShape(x.shape)}.`,
      { op: "bincount", shapes: [x.shape, values.shape] },
    );
  }
  const dtype: DType = values === null ? "int32" : resultType([x.dtype, values.dtype], floatx());
  const highest = x.size === 0 ? -1 : yield max(indices);
  const length = Math.max(highest + 1, minlength);
  // A negative index would count from the end.
  const zero = scalar(0, indices.dtype);
  const safe = select(less(indices, zero), scalar(length, indices.dtype), indices);
  const addends = values === null ? fill(x.shape, "int32", 1) : castTo(values, dtype);
  return scatterAlong(safe, addends, x.ndim - 1, length);
}

const bincountRemedy =
  "Outside of traces there is `await ops.bincountAsync(x)`; for a known number of bins " +
  "sum ops.oneHot(x, bins) over its first axis.";

/**
 * How often each number from 0 to the largest comes in a vector, or in each
 * row of a matrix. Each count is summed in the order of the elements.
 *
 * @throws {UnsupportedError} In a trace, and on devices that cannot be read
 *   synchronously: see `bincountAsync`.
 * @example
 * await ops.bincount([0, 2, 2]).array(); // [1, 0, 2]
 */
export const bincount: PublicOp<(x: TensorLike, options?: BincountOptions) => Tensor> = publicOp(
  "keras.ops.bincount",
  { x: tensorArgument, weights: optionalTensor, minlength: 0, sparse: false },
  (x, options = {}) => runNow("bincount", bincountRemedy, bincountSteps(x, options)),
);

/** As `bincount`, on every device. */
export async function bincountAsync(x: TensorLike, options: BincountOptions = {}): Promise<Tensor> {
  return runLater(bincountSteps(x, options));
}

/** Options of `histogram`. */
export interface HistogramOptions {
  /** How many bins. */
  bins?: number | undefined;
  /** What they cover; default: from the smallest to the largest element. */
  range?: readonly TensorLike[] | null | undefined;
}

/**
 * How many elements lie in each of so many bins of equal width, and the edges
 * of the bins. The last bin includes its upper edge.
 *
 * @example
 * Array.from(ops.histogram([1, 2, 2, 3], { bins: 2 })[0].dataSync()); // [1, 3]
 */
export const histogram: PublicOp<(x: TensorLike, options?: HistogramOptions) => [Tensor, Tensor]> =
  publicOp(
    "keras.ops.histogram",
    { x: tensorArgument, bins: 10, range: null },
    (given, { bins = 10, range } = {}) => {
      if (!Number.isInteger(bins) || bins <= 0) {
        throw new ArgumentError(`histogram: bins must be a positive count, got ${String(bins)}.`, {
          op: "histogram",
        });
      }
      const raw = toTensor("histogram", given);
      const dtype = isFloat(raw.dtype) ? raw.dtype : floatx();
      const x = reshapeTo(castTo(raw, dtype), [raw.size]);
      const [low, high] = limits(x, range ?? null);
      const edges = linspace(low, high, { num: bins + 1, dtype });
      const first = sliceAxis(edges, 0, 0, 1);
      const last = sliceAxis(edges, 0, bins, bins + 1);
      const place = subtract(searchSorted(edges, x, true), scalar(1, "int32"));
      const closed = select(equal(x, last), scalar(bins - 1, "int32"), place);
      // An index behind the last bin counts nowhere.
      const inside = select(logicalNot(less(x, first)), closed, scalar(bins, "int32"));
      return [scatterAlong(inside, onesLike(x), 0, bins), edges];
    },
  );

/** The range of a histogram, widened where it is empty. */
function limits(x: Tensor, range: readonly TensorLike[] | null): [Tensor, Tensor] {
  const constant = (value: number): Tensor => scalar(value, x.dtype);
  let low: Tensor;
  let high: Tensor;
  if (range !== null)
    [low, high] = range.map((end) => toTensor("histogram", end, x.dtype)) as [Tensor, Tensor];
  else if (x.size === 0) [low, high] = [constant(0), constant(1)];
  else [low, high] = [min(x), max(x)];
  const half = select(equal(low, high), constant(0.5), constant(0));
  return [subtract(low, half), add(high, half)];
}
