/**
 * Indexing as NumPy does it.
 *
 * @module
 */
import { castTo } from "../tensor/cast.ts";
import { type ArrayLike, scalar } from "../tensor/create.ts";
import { type PublicOp, publicOp, requiredArgument, tensorArgument } from "../tensor/public-op.ts";
import { Tensor } from "../tensor/tensor.ts";
import { isInteger } from "../util/dtypes.ts";
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from "../util/errors.ts";
import { broadcastShapes, checkInteger, sizeOf } from "../util/shapes.ts";
import { add, multiply } from "./arithmetic.ts";
import { broadcastOver, reshapeTo } from "./broadcasting.ts";
import { less, select } from "./comparison.ts";
import { takeSlices } from "./indexing.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { flipOver, permute, sliceStrided } from "./shaping.ts";

/** Python's `start:stop:step`; what is absent or null is the end it stands for. */
export interface IndexRange {
  readonly start?: number | null | undefined;
  readonly stop?: number | null | undefined;
  readonly step?: number | null | undefined;
}

/**
 * What stands for one axis: an integer takes it away, a range keeps part of
 * it, an array or tensor of integers gathers along it, null adds an axis of
 * length 1, `"..."` leaves as many axes as they are.
 */
export type IndexItem = number | null | "..." | IndexRange | readonly ArrayLike[] | Tensor;

/** One item, or an array of them, for the first axes. */
export type IndexKey = Exclude<IndexItem, readonly ArrayLike[]> | readonly IndexItem[];

/** How each axis of the input is treated, in order; null: an axis is added. */
type Plan = readonly (number | IndexRange | Tensor | null)[];

function isRange(item: IndexItem): item is IndexRange {
  return typeof item === "object" && item !== null && !(item instanceof Tensor) && !isList(item);
}

function isList(item: unknown): item is readonly ArrayLike[] {
  return Array.isArray(item);
}

function planOf(x: Tensor, key: IndexKey): Plan {
  const items: readonly IndexItem[] = Array.isArray(key)
    ? (key as readonly IndexItem[])
    : [key as IndexItem];
  const taken = items.filter((item) => item !== null && item !== "...").length;
  if (taken > x.ndim) {
    throw new ShapeError(
      `get_item: ${taken} indices are too many for shape ${formatShape(x.shape)}.`,
      { op: "get_item", shapes: [x.shape] },
    );
  }
  const dots = items.filter((item) => item === "...").length;
  if (dots > 1)
    throw new ArgumentError('get_item: a key has one "..." at most.', { op: "get_item" });
  const rest: IndexRange[] = Array.from({ length: x.ndim - taken }, () => ({}));
  const expanded = (dots === 0 ? [...items, "..." as const] : items).flatMap((item) =>
    item === "..." ? rest : [item],
  );
  return expanded.map((item) => {
    if (typeof item === "number" && !Number.isInteger(item)) {
      throw new ArgumentError(`get_item: ${item} is no index.`, { op: "get_item" });
    }
    if (item === null || typeof item === "number" || isRange(item)) return item;
    if (!(item instanceof Tensor) && !isList(item)) {
      throw new ArgumentError(
        `get_item: ${describe(item)} is no index. Expected integers, ranges ({ start, stop, ` +
          'step }), null, "..." or integer arrays.',
        { op: "get_item" },
      );
    }
    const index = toTensor("get_item", item);
    if (!isInteger(index.dtype)) {
      throw new DTypeError(
        `get_item: expected integer indices, got ${index.dtype}. For a mask use ops.nonzero or ` +
          "ops.where.",
        { op: "get_item", dtypes: [index.dtype] },
      );
    }
    return castTo(
      index,
      index.dtype.endsWith("64") || index.dtype === "uint32" ? "int64" : "int32",
    );
  });
}

/** The first element, how many, and the step of a range over `length` elements. */
export function resolveRange(range: IndexRange, length: number): [number, number, number] {
  const step = range.step ?? 1;
  for (const name of ["start", "stop", "step"] as const) {
    const value = range[name];
    if (value !== null && value !== undefined) checkInteger("get_item", name, value);
  }
  if (step === 0)
    throw new ArgumentError("get_item: the step of a range is 0.", { op: "get_item" });
  const clip = (value: number, low: number, high: number): number =>
    Math.min(Math.max(value < 0 ? value + length : value, low), high);
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
  const at = (value: number | null | undefined, otherwise: number): number =>
    value === null || value === undefined ? otherwise : clip(value, low, high);
  const start = at(range.start, step > 0 ? low : high);
  const stop = at(range.stop, step > 0 ? high : low);
  return [start, Math.max(0, Math.ceil((stop - start) / step)), step];
}

/** Applies integers and ranges: one strided slice, and one flip for negative steps. */
function sliced(x: Tensor, plan: Plan): Tensor {
  const starts: number[] = [];
  const limits: number[] = [];
  const strides: number[] = [];
  const turned: number[] = [];
  let axis = 0;
  for (const item of plan) {
    if (item === null) continue;
    const length = x.shape[axis] as number;
    if (typeof item === "number") {
      const index = item < 0 ? item + length : item;
      if (index < 0 || index >= length) {
        throw new ShapeError(
          `get_item: index ${item} is out of range for axis ${axis} of shape ` +
            `${formatShape(x.shape)}.`,
          { op: "get_item", shapes: [x.shape] },
        );
      }
      starts.push(index);
      limits.push(index + 1);
      strides.push(1);
    } else if (item instanceof Tensor) {
      starts.push(0);
      limits.push(length);
      strides.push(1);
    } else {
      const [start, count, step] = resolveRange(item, length);
      const last = start + (count - 1) * step;
      starts.push(count === 0 ? 0 : Math.min(start, last));
      limits.push(count === 0 ? 0 : Math.max(start, last) + 1);
      strides.push(Math.abs(step));
      if (step < 0) turned.push(axis);
    }
    axis++;
  }
  return flipOver(sliceStrided(x, starts, limits, strides), turned);
}

/** `index` with negative places counted from the end. */
function wrapped(index: Tensor, length: number): Tensor {
  const negative = less(index, scalar(0, index.dtype));
  return select(negative, add(index, scalar(length, index.dtype)), index);
}

/**
 * Gathers along the axes that have index tensors, which broadcast; the result
 * of these stands where they stood, or in front if other axes lie between.
 */
function gathered(x: Tensor, indices: ReadonlyMap<number, Tensor>): Tensor {
  const axes = [...indices.keys()];
  const [first] = axes as [number];
  if (axes.length === 1) return takeSlices(x, indices.get(first) as Tensor, first);
  const shape = [...indices.values()].reduce<readonly number[]>(
    (known, index) => broadcastShapes("get_item", known, index.shape),
    [],
  );
  // One flat index over the axes, which are moved to the front.
  const size = sizeOf(axes.map((i) => x.shape[i] as number));
  const kind = size < 2 ** 31 ? "int32" : "int64";
  let flat: Tensor | null = null;
  for (const axis of axes) {
    const length = x.shape[axis] as number;
    const index = wrapped(indices.get(axis) as Tensor, length);
    const wide = castTo(index, kind);
    flat = flat === null ? wide : add(multiply(flat, scalar(length, kind)), wide);
  }
  const rest = x.shape.map((_, i) => i).filter((i) => !indices.has(i));
  const moved = permute(x, [...axes, ...rest]);
  const lengths = rest.map((i) => x.shape[i] as number);
  const rows = reshapeTo(moved, [size, ...lengths]);
  const taken = takeSlices(rows, broadcastOver(flat as Tensor, shape), 0);
  const isTogether = axes.every((axis, i) => axis === first + i);
  if (!isTogether || first === 0) return taken;
  const count = shape.length;
  const order = [
    ...Array.from({ length: first }, (_, i) => count + i),
    ...Array.from({ length: count }, (_, i) => i),
    ...Array.from({ length: rest.length - first }, (_, i) => count + first + i),
  ];
  return permute(taken, order);
}

/**
 * Part of `x`, by NumPy's rules of indexing.
 *
 * @throws {ShapeError} If an index is out of range, or there are too many.
 * @example
 * const x = tensor([[1, 2, 3], [4, 5, 6]]);
 * await ops.getItem(x, 1).array(); // [4, 5, 6]
 * // x[..., ::-1]
 * await ops.getItem(x, ["...", { step: -1 }]).array(); // [[3, 2, 1], [6, 5, 4]]
 * // x[:, [0, 2]]
 * await ops.getItem(x, [{}, [0, 2]]).array(); // [[1, 3], [4, 6]]
 */
export const getItem: PublicOp<(x: TensorLike, key: IndexKey) => Tensor> = publicOp(
  "keras.ops.get_item",
  { x: tensorArgument, key: requiredArgument },
  (given, key) => {
    const x = toTensor("get_item", given);
    const plan = planOf(x, key);
    const part = sliced(x, plan);
    // Beside index tensors an integer is one too.
    const hasTensors = plan.some((item) => item instanceof Tensor);
    const shape: number[] = [];
    const indices = new Map<number, Tensor>();
    let axis = 0;
    for (const item of plan) {
      if (item === null) {
        shape.push(1);
        continue;
      }
      const length = part.shape[axis++] as number;
      if (item instanceof Tensor) indices.set(shape.length, item);
      else if (typeof item === "number") {
        if (!hasTensors) continue;
        indices.set(shape.length, scalar(0, "int32"));
      }
      shape.push(length);
    }
    const kept = reshapeTo(part, shape);
    return indices.size === 0 ? kept : gathered(kept, indices);
  },
);
