/**
 * Medians, quantiles and percentiles, by sorting.
 *
 * @module
 */
import { floatx } from "../runtime/precision.ts";
import { castTo } from "../tensor/cast.ts";
import { flattenArray, fromStored, scalar, toStored, WeakFloat } from "../tensor/create.ts";
import {
  type PublicOp,
  publicOp,
  type SignatureSpec,
  tensorArgument,
} from "../tensor/public-op.ts";
import { Tensor } from "../tensor/tensor.ts";
import { Variable } from "../tensor/variable.ts";
import { type DType, isFloat, resultType } from "../util/dtypes.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../util/errors.ts";
import { normalizeAxes, reducedShape, type Shape, sizeOf } from "../util/shapes.ts";
import { add, ceil, divide, floor, maximum, multiply, round, subtract } from "./arithmetic.ts";
import { broadcastOver, reshapeTo, sumOver } from "./broadcasting.ts";
import { isnan, logicalNot, select } from "./comparison.ts";
import { takeAlong, takeSlices } from "./indexing.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import type { Reduction, ReductionOptions } from "./reduction.ts";
import { permute, sliceAxis } from "./shaping.ts";
import { sort } from "./sorting.ts";

const methods = ["linear", "lower", "higher", "nearest", "midpoint"] as const;

/** How to choose between two neighbours. */
export type QuantileMethod = (typeof methods)[number];

/** Options of `quantile` and its like. */
export interface QuantileOptions extends ReductionOptions {
  /** Between two elements: weighted, the lower, the higher, the nearest, their mean. */
  method?: QuantileMethod | undefined;
}

/** The two neighbours of a place, and how much the second counts. */
interface Place {
  readonly low: Tensor;
  readonly high: Tensor;
  readonly weight: Tensor;
}

function placeOf(place: Tensor, method: QuantileMethod): Place {
  const low = floor(place);
  const high = ceil(place);
  const index = (x: Tensor): Tensor => castTo(x, "int32");
  switch (method) {
    case "lower":
      return { low: index(low), high: index(low), weight: scalar(0, place.dtype) };
    case "higher":
      return { low: index(high), high: index(high), weight: scalar(0, place.dtype) };
    case "nearest": {
      const near = index(round(place));
      return { low: near, high: near, weight: scalar(0, place.dtype) };
    }
    case "midpoint":
      return { low: index(low), high: index(high), weight: scalar(0.5, place.dtype) };
    default:
      return { low: index(low), high: index(high), weight: subtract(place, low) };
  }
}

/** The places of known levels: exact for any length, and no work on the device. */
function knownPlaces(
  levels: readonly number[],
  length: number,
  method: QuantileMethod,
  compute: DType,
): Place {
  const places = levels.map((q) => q * (length - 1));
  const index = (values: readonly number[]): Tensor =>
    fromStored(Int32Array.from(values), [values.length], "int32");
  const weights = (values: readonly number[]): Tensor =>
    fromStored(toStored(values, compute), [values.length], compute);
  const low = index(places.map(Math.floor));
  const high = index(places.map(Math.ceil));
  const none = scalar(0, compute);
  switch (method) {
    case "lower":
      return { low, high: low, weight: none };
    case "higher":
      return { low: high, high, weight: none };
    case "nearest": {
      const near = index(
        places.map((place) => {
          const below = Math.floor(place);
          const part = place - below;
          return below + (part > 0.5 || (part === 0.5 && below % 2 === 1) ? 1 : 0);
        }),
      );
      return { low: near, high: near, weight: none };
    }
    case "midpoint":
      return { low, high, weight: scalar(0.5, compute) };
    default:
      return { low, high, weight: weights(places.map((place) => place - Math.floor(place))) };
  }
}

/** Levels that are known now, as fractions, and their shape; null: a tensor holds them. */
function knownLevels(q: TensorLike, whole: number): { values: number[]; shape: Shape } | null {
  if (q instanceof Tensor || q instanceof Variable) return null;
  const { values, shape } = flattenArray(q instanceof WeakFloat ? q.value : q, "quantile");
  return { values: Array.from(values as ArrayLike<number>, (v) => Number(v) / whole), shape };
}

interface Request {
  readonly op: string;
  /** The largest q: 1, or 100 for percentiles. */
  readonly whole: number;
  readonly ignoreNan: boolean;
}

function quantileOf(
  { op, whole, ignoreNan }: Request,
  given: TensorLike,
  q: TensorLike,
  { axis, method = "linear", keepdims = false }: QuantileOptions,
): Tensor {
  if (!methods.includes(method)) {
    throw new ArgumentError(
      `${op}: method must be one of ${methods.join(", ")}, got ${describe(method)}.`,
      { op },
    );
  }
  const raw = toTensor(op, given);
  const dtype = isFloat(raw.dtype) ? raw.dtype : floatx();
  // Half types are weighted in float32.
  const compute = resultType([dtype, "float32"], floatx());
  const axes = normalizeAxes(op, axis, raw.ndim);
  const kept = raw.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const outer = kept.map((i) => raw.shape[i] as number);
  const length = sizeOf(axes.map((i) => raw.shape[i] as number));
  if (length === 0) {
    throw new ShapeError(
      `${op}: shape ${formatShape(raw.shape)} has no element along a reduced axis.`,
      { op, shapes: [raw.shape] },
    );
  }
  // NaN comes last.
  const sorted = sort(
    reshapeTo(permute(castTo(raw, compute), [...kept, ...axes]), [...outer, length]),
  );
  const known = knownLevels(q, whole);
  const levels = known === null ? toTensor(op, q) : null;
  const shape = known?.shape ?? (levels as Tensor).shape;
  const count = sizeOf(shape);
  const rank = outer.length;
  // Places: [count], or with NaN to skip [...outer, count].
  let place: Place;
  if (known !== null && !ignoreNan) {
    place = knownPlaces(known.values, length, method, compute);
  } else {
    const fractions =
      known === null
        ? divide(reshapeTo(castTo(levels as Tensor, compute), [count]), scalar(whole, compute))
        : fromStored(toStored(known.values, compute), [count], compute);
    const valid = ignoreNan
      ? sumOver(castTo(logicalNot(isnan(sorted)), compute), [rank], true)
      : scalar(length, compute);
    const last = maximum(subtract(valid, scalar(1, compute)), scalar(0, compute));
    place = placeOf(multiply(fractions, last), method);
  }
  const { low, high, weight } = place;
  const at = (index: Tensor): Tensor =>
    ignoreNan
      ? takeAlong(sorted, broadcastOver(index, [...outer, count]), rank)
      : takeSlices(sorted, index, rank);
  const below = at(low);
  const mixed =
    low === high
      ? below
      : add(multiply(below, subtract(scalar(1, compute), weight)), multiply(at(high), weight));
  const found = ignoreNan
    ? mixed
    : select(
        isnan(sliceAxis(sorted, rank, length - 1, length)),
        scalar(Number.NaN, compute),
        mixed,
      );
  // [...outer, count] to the shape of q, then that of the reduction.
  const inFront = permute(found, [rank, ...outer.map((_, i) => i)]);
  return castTo(reshapeTo(inFront, [...shape, ...reducedShape(raw.shape, axes, keepdims)]), dtype);
}

/** The type of `quantile` and its like. */
export type Quantile = (x: TensorLike, q: TensorLike, options?: QuantileOptions) => Tensor;

const signature: SignatureSpec = {
  x: tensorArgument,
  q: tensorArgument,
  axis: null,
  method: "linear",
  keepdims: false,
};

function quantileOp(name: string, whole: number, ignoreNan: boolean): PublicOp<Quantile> {
  const request: Request = { op: name, whole, ignoreNan };
  return publicOp(`keras.ops.${name}`, signature, (x: TensorLike, q: TensorLike, options = {}) =>
    quantileOf(request, x, q, options),
  );
}

function medianOp(name: string, ignoreNan: boolean): PublicOp<Reduction> {
  const request: Request = { op: name, whole: 1, ignoreNan };
  return publicOp(
    `keras.ops.${name}`,
    { x: tensorArgument, axis: null, keepdims: false },
    (x: TensorLike, options: ReductionOptions = {}) => quantileOf(request, x, 0.5, options),
  );
}

/**
 * The value below which the fraction `q` of the elements lies; NaN where there is one.
 *
 * @example
 * await ops.quantile([1, 2, 3, 4], 0.25).item(); // 1.75
 */
export const quantile: PublicOp<Quantile> = quantileOp("quantile", 1, false);
/**
 * As `quantile`, without NaN.
 *
 * @example
 * await ops.nanquantile([1, Number.NaN, 3], 0.5).item(); // 2
 */
export const nanquantile: PublicOp<Quantile> = quantileOp("nanquantile", 1, true);
/**
 * The value below which `q` percent of the elements lie; NaN where there is one.
 *
 * @example
 * await ops.percentile([1, 2, 3, 4], 25).item(); // 1.75
 */
export const percentile: PublicOp<Quantile> = quantileOp("percentile", 100, false);
/**
 * As `percentile`, without NaN.
 *
 * @example
 * await ops.nanpercentile([1, Number.NaN, 3], 50).item(); // 2
 */
export const nanpercentile: PublicOp<Quantile> = quantileOp("nanpercentile", 100, true);
/**
 * The middle element, or the mean of the two; NaN where there is one.
 *
 * @example
 * await ops.median([3, 1, 2]).item(); // 2
 */
export const median: PublicOp<Reduction> = medianOp("median", false);
/**
 * As `median`, without NaN.
 *
 * @example
 * await ops.nanmedian([3, Number.NaN, 2]).item(); // 2.5
 */
export const nanmedian: PublicOp<Reduction> = medianOp("nanmedian", true);
