/**
 * @module
 */
import { dropout } from "../../../nn/random.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { ArgumentError, describe } from "../../../util/errors.ts";
import { inherits, type ParameterTable, required } from "../../object.ts";
import { checkRate, NoiseLayer, type SeededOptions } from "./noise-layer.ts";

/** The shape of a mask; null or 1 for axes along which it is the same. */
export type NoiseShape = readonly (number | null)[];

/** Options of `Dropout` and `AlphaDropout`. */
export interface DropoutOptions extends SeededOptions {
  /** The shape of the mask; null: as long as the input, 1: the same all along the axis. */
  noiseShape?: NoiseShape | null | undefined;
}

/** The arguments of `Dropout` and `AlphaDropout`. */
export const dropoutParameters: ParameterTable = {
  rate: required,
  noise_shape: null,
  seed: null,
  [inherits]: true,
};

/** A layer that drops elements, each or along some axes together. */
export abstract class DropoutLayer extends NoiseLayer {
  readonly rate: number;
  readonly noiseShape: NoiseShape | null;

  constructor(rate: number, options: DropoutOptions) {
    const { name } = new.target;
    super(checkRate(rate, name, "rate"), options);
    this.rate = rate;
    this.noiseShape = checkNoiseShape(options.noiseShape ?? null, name);
  }
}

/**
 * Sets each element to 0 with probability `rate` while training, and scales
 * the others by `1 / (1 - rate)`, so that sums stay the same on average.
 *
 * @example
 * const x = ops.ones([2, 3]);
 * await new layers.Dropout(0.5)(x, { training: false }).array(); // [[1, 1, 1], [1, 1, 1]]
 */
export class Dropout extends DropoutLayer {
  static override readonly parameters: ParameterTable = dropoutParameters;

  constructor(rate: number, options: DropoutOptions = {}) {
    super(rate, options);
  }

  protected override disturb(inputs: Tensor): Tensor {
    return dropout(inputs, this.rate, { noiseShape: this.noiseShape, seed: this.seedGenerator });
  }
}

/** @throws {ArgumentError} If `shape` is no shape. */
function checkNoiseShape(shape: NoiseShape | null, layer: string): NoiseShape | null {
  if (shape === null) return null;
  const fits =
    Array.isArray(shape) &&
    shape.every((dim) => dim === null || (Number.isInteger(dim) && (dim as number) > 0));
  if (!fits) {
    throw new ArgumentError(
      `${layer}: noiseShape must be a list of positive integers or null, got ${describe(shape)}.`,
    );
  }
  return [...shape];
}
