/**
 * Checks of arguments that many layers share.
 *
 * @module
 */
import { ArgumentError, describe, UnsupportedError } from "../../util/errors.ts";

/** @throws {ArgumentError} If `value` is no positive integer. */
export function checkPositiveInteger(value: unknown, layer: string, name: string): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value <= 0) {
    throw new ArgumentError(
      `${layer}: ${name} must be a positive integer, got ${describe(value)}.`,
      { layer },
    );
  }
  return value;
}

/** @throws {ArgumentError} If `axis` is no integer. */
export function checkAxis(axis: number, layer: string): number {
  if (Number.isInteger(axis)) return axis;
  throw new ArgumentError(`${layer}: axis must be an integer, got ${describe(axis)}.`);
}

/** @throws {ArgumentError} If `axis` is neither an integer nor a list of them. */
export function checkAxes(
  axis: number | readonly number[],
  layer: string,
): number | readonly number[] {
  if ([axis].flat().every((item) => Number.isInteger(item))) return axis;
  throw new ArgumentError(
    `${layer}: axis must be an integer or a list of them, got ${describe(axis)}.`,
  );
}

/** @throws {ArgumentError} If `value` is no number from 0 on. */
export function checkNonNegative(value: unknown, layer: string, name: string): number {
  if (typeof value !== "number" || !(value >= 0)) {
    throw new ArgumentError(`${layer}: ${name} must be a number >= 0, got ${describe(value)}.`, {
      layer,
    });
  }
  return value;
}

/** One number for each of `rank` axes; a single number stands for all. */
export function standardizeTuple(
  value: unknown,
  rank: number,
  layer: string,
  name: string,
  options: { allowZero?: boolean } = {},
): number[] {
  const least = options.allowZero ? 0 : 1;
  const list = typeof value === "number" ? new Array<number>(rank).fill(value) : value;
  const fits =
    Array.isArray(list) &&
    list.length === rank &&
    list.every((item) => Number.isInteger(item) && (item as number) >= least);
  if (!fits) {
    throw new ArgumentError(
      `${layer}: ${name} must be an integer or ${rank} integers, each at least ${least}, ` +
        `got ${describe(value)}.`,
      { layer },
    );
  }
  return [...(list as number[])];
}

/** How windows meet the borders. */
export type Padding = "valid" | "same" | "causal";

/** @throws {ArgumentError} If `value` is none of `allowed`. */
export function standardizePadding(
  value: unknown,
  layer: string,
  allowed: readonly Padding[] = ["valid", "same"],
): Padding {
  const lower = typeof value === "string" ? value.toLowerCase() : value;
  if (!allowed.includes(lower as Padding)) {
    throw new ArgumentError(
      `${layer}: padding must be ${allowed.map((p) => `"${p}"`).join(" or ")}, ` +
        `got ${describe(value)}.`,
      { layer },
    );
  }
  return lower as Padding;
}

/** @throws {UnsupportedError} If quantized weights are asked for. */
export function refuseQuantization(layer: string, options: object): void {
  if (((options as { quantizationConfig?: unknown }).quantizationConfig ?? null) !== null) {
    throw new UnsupportedError(`${layer}: quantization is not supported.`, { op: layer });
  }
}
