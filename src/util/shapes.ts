/**
 * Shapes: sizes, broadcasting, axes.
 *
 * @module
 */
import { ArgumentError, describe, formatShape, ShapeError } from "./errors.ts";

/** The lengths of the axes of a tensor. */
export type Shape = readonly number[];

/** Axes are stored as int32 in plans. */
const maxDim = 2 ** 31 - 1;
/** Byte offsets stay exact in a float64. */
const maxSize = 2 ** 48;
/** As in `native/kernel.h`. */
const maxRank = 12;

/** How many elements a tensor of this shape has. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i] as number;
  return size;
}

/** Whether two shapes are the same. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * The shape itself, checked.
 *
 * @throws {ShapeError} If a length is negative, no integer, or too large, or
 *   the rank or the number of elements is.
 */
export function checkShape(op: string, shape: Shape): Shape {
  if (typeof shape !== "object" || shape === null) {
    throw new ShapeError(`${op}: expected a shape such as [2, 3], got ${describe(shape)}.`, { op });
  }
  if (shape.length > maxRank) {
    throw new ShapeError(
      `${op}: shape ${formatShape(shape)} has ${shape.length} axes; the most is ${maxRank}.`,
      { op, shapes: [shape] },
    );
  }
  let size = 1;
  for (const dim of shape) {
    if (!Number.isInteger(dim) || dim < 0 || dim > maxDim) {
      throw new ShapeError(
        `${op}: invalid shape ${formatShape(shape)}: ` +
          `lengths are integers from 0 to ${maxDim}, got ${dim}.`,
        { op, shapes: [shape] },
      );
    }
    size *= dim;
  }
  if (size > maxSize) {
    throw new ShapeError(
      `${op}: shape ${formatShape(shape)} has ${size} elements; the most is 2^48.`,
      { op, shapes: [shape] },
    );
  }
  return shape;
}

/**
 * An integer argument itself, checked.
 *
 * @throws {ArgumentError} If it is none.
 */
export function checkInteger(op: string, name: string, value: number): number {
  if (!Number.isSafeInteger(value)) {
    throw new ArgumentError(`${op}: ${name} must be an integer, got ${describe(value)}.`, { op });
  }
  return value;
}

/**
 * The shape that `a` and `b` broadcast to, by NumPy's rule.
 *
 * @throws {ShapeError} If an axis differs and is 1 in neither.
 */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  if (a === b) return a;
  const rank = Math.max(a.length, b.length);
  const result = new Array<number>(rank);
  let isA = a.length === rank;
  for (let i = 1; i <= rank; i++) {
    const x = i <= a.length ? (a[a.length - i] as number) : 1;
    const y = i <= b.length ? (b[b.length - i] as number) : 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new ShapeError(
        `${op}: shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast (${x} vs ${y}).`,
        { op, shapes: [a, b] },
      );
    }
    const dim = x === 1 ? y : x;
    if (dim !== x) isA = false;
    result[rank - i] = dim;
  }
  return isA ? a : checkShape(op, result);
}

/**
 * An axis counted from the front.
 *
 * @throws {ShapeError} If it is out of range.
 */
export function normalizeAxis(op: string, axis: number, rank: number): number {
  if (!Number.isInteger(axis)) {
    throw new ArgumentError(`${op}: expected an integer axis, got ${describe(axis)}.`, { op });
  }
  if (axis < -rank || axis >= rank) {
    throw new ShapeError(
      `${op}: axis ${axis} is out of range for ${rank} ${rank === 1 ? "axis" : "axes"}` +
        (rank === 0 ? " (a scalar)." : ` (${-rank} to ${rank - 1}).`),
      { op },
    );
  }
  return axis < 0 ? axis + rank : axis;
}

/**
 * Axes counted from the front, ascending; all of them for null or undefined.
 *
 * @throws {ShapeError} If one is out of range or comes twice.
 */
export function normalizeAxes(
  op: string,
  axis: number | readonly number[] | null | undefined,
  rank: number,
): number[] {
  if (axis === null || axis === undefined) return Array.from({ length: rank }, (_, i) => i);
  const axes = (typeof axis === "number" ? [axis] : [...axis]).map((a) =>
    normalizeAxis(op, a, rank),
  );
  axes.sort((a, b) => a - b);
  for (let i = 1; i < axes.length; i++) {
    if (axes[i] === axes[i - 1]) {
      throw new ShapeError(`${op}: axis ${axes[i]} is given twice.`, { op });
    }
  }
  return axes;
}

/** The shape left when `axes` (normalized) are reduced. */
export function reducedShape(shape: Shape, axes: readonly number[], keepdims: boolean): number[] {
  if (keepdims) return shape.map((dim, i) => (axes.includes(i) ? 1 : dim));
  return shape.filter((_, i) => !axes.includes(i));
}

/** `shape[axis]`, which the caller knows to exist. */
export function dimAt(shape: Shape, axis: number): number {
  const dim = shape.at(axis);
  if (dim === undefined) {
    throw new ShapeError(`axis ${axis} of shape ${formatShape(shape)}`, { shapes: [shape] });
  }
  return dim;
}

/** Elements between neighbours along each axis of a contiguous tensor. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i] as number;
  }
  return strides;
}
