/**
 * What layers that change the ends of an image's axes share.
 *
 * @module
 */
import type { DataFormat } from "../../../runtime/settings.ts";
import { ArgumentError, describe } from "../../../util/errors.ts";
import { standardizeTuple } from "../arguments.ts";
import type { LayerOptions } from "../layer.ts";
import { SpatialLayer } from "../spatial-layer.ts";

/** How much at each end of an axis. */
export type Ends = readonly [before: number, after: number];

/** How much at the borders: everywhere the same, for each axis, or for each end of each axis. */
export type Borders = number | readonly (number | readonly number[])[];

/** A pair for each of `rank` axes. @throws {ArgumentError} If `value` is none of the forms. */
export function standardizeBorders(
  value: unknown,
  rank: number,
  layer: string,
  name: string,
): Ends[] {
  const list = typeof value === "number" ? new Array<number>(rank).fill(value) : value;
  if (!Array.isArray(list) || list.length !== rank) {
    throw new ArgumentError(
      `${layer}: ${name} must be an integer, ${rank} integers or ${rank} pairs of them, ` +
        `got ${describe(value)}.`,
      { layer },
    );
  }
  return list.map((ends, axis) => {
    const pair = standardizeTuple(ends, 2, layer, `${name}[${axis}]`, { allowZero: true });
    return pair as [number, number];
  });
}

/** A layer that changes the ends of the axes of space. */
export abstract class BorderLayer extends SpatialLayer {
  protected readonly ends!: readonly Ends[];

  constructor(ends: readonly Ends[], options: LayerOptions, dataFormat?: DataFormat | null) {
    super(ends.length, options, dataFormat);
    Object.defineProperty(this, "ends", { value: ends });
  }
}
