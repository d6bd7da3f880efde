/**
 * Numbers at regular distances.
 *
 * @module
 */
import { floatx } from "../runtime/precision.ts";
import { castTo } from "../tensor/cast.ts";
import { fromStored, scalar, toStored } from "../tensor/create.ts";
import { type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import {
  type DType,
  isFloat,
  isHalf,
  isInteger,
  resultType,
  standardizeDType,
} from "../util/dtypes.ts";
import { ArgumentError } from "../util/errors.ts";
import { broadcastShapes, normalizeAxis } from "../util/shapes.ts";
import { absolute, add, divide, floor, multiply, sign, subtract } from "./arithmetic.ts";
import { broadcastOver } from "./broadcasting.ts";
import { equal, select } from "./comparison.ts";
import { type DTypeOptions, iota } from "./creation.ts";
import { numberOf } from "./dynamic-shape.ts";
import { exp, log, power } from "./exponential.ts";
import { promotedDType, type TensorLike, toTensor } from "./promote.ts";
import { moveaxis } from "./shaping.ts";

/** Options of `geomspace`. */
export interface GeomspaceOptions extends DTypeOptions {
  /** How many. */
  num?: number | Tensor | undefined;
  /** Whether `stop` is the last one. */
  endpoint?: boolean | undefined;
  /** Where in the result the numbers follow each other, for tensors. */
  axis?: number | undefined;
}

/** Options of `linspace`. */
export interface LinspaceOptions extends GeomspaceOptions {
  /** Whether to return the step too. */
  retstep?: boolean | undefined;
}

/** Options of `logspace`. */
export interface LogspaceOptions extends GeomspaceOptions {
  base?: number | undefined;
}

interface Spacing {
  readonly num: number;
  readonly endpoint: boolean;
  /** Of the result. */
  readonly dtype: DType;
  /** A float that the numbers are computed in. */
  readonly compute: DType;
}

function spacingOf(
  op: string,
  start: TensorLike,
  stop: TensorLike,
  { num: given = 50, endpoint = true, dtype }: GeomspaceOptions,
): Spacing {
  const num = numberOf(op, given);
  if (!Number.isInteger(num) || num < 0) {
    throw new ArgumentError(`${op}: num must be a count, got ${String(num)}.`, { op });
  }
  const kind =
    dtype === undefined || dtype === null
      ? promotedDType(op, [start, stop], "float")
      : standardizeDType(dtype, floatx());
  const promoted = promotedDType(op, [start, stop], "float");
  const wide = isHalf(kind) || !isFloat(kind) ? resultType([promoted, "float32"], floatx()) : kind;
  return { num, endpoint, dtype: kind, compute: wide };
}

const steps = ({ num, endpoint }: Spacing): number => Math.max(1, endpoint ? num - 1 : num);

/** A vector of numbers known now. */
function ofNumbers(values: readonly number[], { dtype, compute }: Spacing): Tensor {
  const made = fromStored(toStored(values, compute), [values.length], compute);
  return castTo(isInteger(dtype) ? floor(made) : made, dtype);
}

/** start + step * i along a new first axis, ending in `stop` itself. */
function line(start: Tensor, stop: Tensor, spacing: Spacing): Tensor {
  const { num, endpoint, compute } = spacing;
  const shape = broadcastShapes("linspace", start.shape, stop.shape);
  const along = [num, ...shape.map(() => 1)];
  const index = iota(along, compute, 0);
  const step = divide(subtract(stop, start), scalar(steps(spacing), compute));
  const values = add(start, multiply(index, step));
  if (!endpoint || num < 2) return broadcastOver(values, [num, ...shape]);
  return broadcastOver(select(equal(index, scalar(num - 1, compute)), stop, values), [
    num,
    ...shape,
  ]);
}

function finish(op: string, values: Tensor, { dtype }: Spacing, axis: number): Tensor {
  const along = normalizeAxis(op, axis, values.ndim);
  const moved = along === 0 ? values : moveaxis(values, 0, along);
  return castTo(isInteger(dtype) ? floor(moved) : moved, dtype);
}

function isNumber(value: TensorLike): value is number {
  return typeof value === "number";
}

/** The type of `linspace`. */
export interface Linspace {
  (start: TensorLike, stop: TensorLike, options?: GeomspaceOptions & { retstep?: false }): Tensor;
  (
    start: TensorLike,
    stop: TensorLike,
    options: GeomspaceOptions & { retstep: true },
  ): [Tensor, Tensor];
}

/**
 * `num` numbers at equal distances from `start` to `stop`, which may be
 * tensors.
 *
 * @example
 * await ops.linspace(0, 1, { num: 5 }).array(); // [0, 0.25, 0.5, 0.75, 1]
 */
export const linspace: PublicOp<Linspace> = publicOp(
  "keras.ops.linspace",
  {
    start: tensorArgument,
    stop: tensorArgument,
    num: 50,
    endpoint: true,
    retstep: false,
    dtype: null,
    axis: 0,
  },
  linspaceOf as Linspace,
);

function linspaceOf(
  start: TensorLike,
  stop: TensorLike,
  options: LinspaceOptions = {},
): Tensor | [Tensor, Tensor] {
  const spacing = spacingOf("linspace", start, stop, options);
  const a = toTensor("linspace", start, spacing.compute);
  const b = toTensor("linspace", stop, spacing.compute);
  const values = finish("linspace", line(a, b, spacing), spacing, options.axis ?? 0);
  if (options.retstep !== true) return values;
  const count = spacing.endpoint ? spacing.num - 1 : spacing.num;
  const step = divide(subtract(b, a), scalar(count > 0 ? count : Number.NaN, spacing.compute));
  return [values, isFloat(spacing.dtype) ? castTo(step, spacing.dtype) : step];
}

/**
 * base to the power of what `linspace` gives.
 *
 * @example
 * await ops.logspace(0, 2, { num: 3 }).array(); // [1, 10, 100]
 */
export const logspace: PublicOp<
  (start: TensorLike, stop: TensorLike, options?: LogspaceOptions) => Tensor
> = publicOp(
  "keras.ops.logspace",
  {
    start: tensorArgument,
    stop: tensorArgument,
    num: 50,
    endpoint: true,
    base: 10,
    dtype: null,
    axis: 0,
  },
  (start, stop, options = {}) => {
    const spacing = spacingOf("logspace", start, stop, options);
    const { base = 10, axis = 0 } = options;
    if (isNumber(start) && isNumber(stop)) {
      const step = (stop - start) / steps(spacing);
      const powers = Array.from({ length: spacing.num }, (_, i) => base ** (start + step * i));
      return ofNumbers(powers, spacing);
    }
    const a = toTensor("logspace", start, spacing.compute);
    const b = toTensor("logspace", stop, spacing.compute);
    const powers = power(scalar(base, spacing.compute), line(a, b, spacing));
    return finish("logspace", powers, spacing, axis);
  },
);

/**
 * `num` numbers from `start` to `stop`, each the same multiple of the one
 * before. Both are positive, or both negative.
 *
 * @example
 * await ops.geomspace(1, 100, { num: 3 }).array(); // [1, 10, 100]
 */
export const geomspace: PublicOp<
  (start: TensorLike, stop: TensorLike, options?: GeomspaceOptions) => Tensor
> = publicOp(
  "keras.ops.geomspace",
  { start: tensorArgument, stop: tensorArgument, num: 50, endpoint: true, dtype: null, axis: 0 },
  (start, stop, options = {}) => {
    const spacing = spacingOf("geomspace", start, stop, options);
    const { axis = 0 } = options;
    if (isNumber(start) && isNumber(stop)) {
      const n = steps(spacing);
      const values = Array.from({ length: spacing.num }, (_, i) =>
        i === n ? stop : start * (stop / start) ** (i / n),
      );
      return ofNumbers(values, spacing);
    }
    const a = toTensor("geomspace", start, spacing.compute);
    const b = toTensor("geomspace", stop, spacing.compute);
    const logs = line(log(absolute(a)), log(absolute(b)), spacing);
    return finish("geomspace", multiply(sign(a), exp(logs)), spacing, axis);
  },
);
