/**
 * What convolutions and pooling share: windows, paddings, layouts.
 *
 * @module
 */
import type { DataFormat } from "../runtime/settings.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../util/errors.ts";
import { permute } from "./shaping.ts";

/** `"valid"`: windows lie within; `"same"`: padded so that the size is divided by the stride. */
export type Padding = "valid" | "same";

/** One number for all spatial axes, or one for each. */
export type Spatial = number | readonly number[];

/** One number for each of `rank` axes. @throws {ArgumentError} For anything but positive integers. */
export function spatial(op: string, name: string, value: Spatial, rank: number): number[] {
  const list = typeof value === "number" ? new Array<number>(rank).fill(value) : [...value];
  if (list.length !== rank || !list.every((n) => Number.isInteger(n) && n > 0)) {
    throw new ArgumentError(
      `${op}: ${name} must be a positive integer or ${rank} of them, got ${describe(value)}.`,
      { op },
    );
  }
  return list;
}

/** The number of spatial axes. @throws {ShapeError} If it is not 1, 2 or 3. */
export function spatialRank(op: string, x: { readonly shape: readonly (number | null)[] }): number {
  const rank = x.shape.length - 2;
  if (rank < 1 || rank > 3) {
    throw new ShapeError(
      `${op}: expected 1 to 3 spatial axes beside batch and channels, got shape ` +
        `${formatShape(x.shape)}.`,
      { op, shapes: [x.shape] },
    );
  }
  return rank;
}

/** @throws {ArgumentError} For anything but `"valid"` and `"same"`, in whatever case. */
export function standardizePadding(op: string, padding: string): Padding {
  const kind = padding.toLowerCase();
  if (kind !== "valid" && kind !== "same") {
    throw new ArgumentError(`${op}: padding must be "valid" or "same", got ${describe(padding)}.`, {
      op,
    });
  }
  return kind;
}

/** Low and high padding of each axis in turn. */
export function paddings(
  op: string,
  padding: string,
  size: readonly number[],
  window: readonly number[],
  strides: readonly number[],
  dilations: readonly number[] = strides.map(() => 1),
): number[] {
  if (standardizePadding(op, padding) === "valid") return size.flatMap(() => [0, 0]);
  return size.flatMap((n, i) => {
    const stride = strides[i] as number;
    const extent = ((window[i] as number) - 1) * (dilations[i] as number) + 1;
    const total = Math.max(0, (Math.ceil(n / stride) - 1) * stride + extent - n);
    const low = Math.floor(total / 2);
    return [low, total - low];
  });
}

/** How many windows fit along each axis. */
export function outputSize(
  size: readonly number[],
  window: readonly number[],
  strides: readonly number[],
  padding: readonly number[],
  dilations: readonly number[] = strides.map(() => 1),
): number[] {
  return size.map((n, i) => {
    const extent = ((window[i] as number) - 1) * (dilations[i] as number) + 1;
    const padded = n + (padding[2 * i] as number) + (padding[2 * i + 1] as number);
    return Math.max(0, Math.floor((padded - extent) / (strides[i] as number)) + 1);
  });
}

/** Runs `fn` on `x` with channels last, and gives its result the layout of `x`. */
export function channelsLast(x: Tensor, format: DataFormat, fn: (x: Tensor) => Tensor): Tensor {
  if (format === "channels_last") return fn(x);
  const axes = x.shape.map((_, i) => i);
  const [batch, channels, ...rest] = axes as [number, number, ...number[]];
  const last = axes.length - 1;
  return permute(fn(permute(x, [batch, ...rest, channels])), [0, last, ...axes.slice(1, last)]);
}

/** @throws {ShapeError} If no window fits. */
export function checkWindows(
  op: string,
  size: readonly number[],
  x: Tensor,
  window: readonly number[],
): void {
  if (size.some((n) => n === 0)) {
    throw new ShapeError(
      `${op}: no window of ${formatShape(window)} fits into shape ${formatShape(x.shape)}. ` +
        'Use a smaller window, or padding "same".',
      { op, shapes: [x.shape, window] },
    );
  }
}
