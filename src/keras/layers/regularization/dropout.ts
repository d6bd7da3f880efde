/**
 * @module
 */
import { dropout } from "../../../nn/random.ts";
import { SeedGenerator } from "../../../nn/seed-generator.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { ArgumentError, describe } from "../../../util/errors.ts";
import { inherits, type ParameterTable, required } from "../../object.ts";
import { type CallOptions, Layer, type LayerOptions } from "../layer.ts";

/** Options of `Dropout`. */
export interface DropoutOptions extends LayerOptions {
  /** The shape of the mask; null or 1 for axes along which it is the same. */
  noiseShape?: readonly (number | null)[] | null | undefined;
  seed?: number | null | undefined;
}

/**
 * Sets each element to 0 with probability `rate` while training, and scales
 * the others by `1 / (1 - rate)`, so that sums stay the same on average.
 *
 * @example
 * const x = ops.ones([2, 3]);
 * await new layers.Dropout(0.5)(x, { training: false }).array(); // [[1, 1, 1], [1, 1, 1]]
 */
export class Dropout extends Layer {
  static override readonly parameters: ParameterTable = {
    rate: required,
    noise_shape: null,
    seed: null,
    [inherits]: true,
  };
  readonly rate: number;
  readonly seed: number | null;
  readonly noiseShape: readonly (number | null)[] | null;
  declare seedGenerator: SeedGenerator;

  constructor(rate: number, options: DropoutOptions = {}) {
    super(options);
    if (typeof rate !== "number" || !(rate >= 0 && rate <= 1)) {
      throw new ArgumentError(`Dropout: rate must be between 0 and 1, got ${describe(rate)}.`);
    }
    this.rate = rate;
    this.seed = options.seed ?? null;
    this.noiseShape = checkNoiseShape(options.noiseShape ?? null);
    if (rate > 0) this.seedGenerator = new SeedGenerator(this.seed);
    this.supportsMasking = true;
    this.built = true;
  }

  override call(inputs: Tensor, { training }: CallOptions = {}): Tensor {
    if (!training || this.rate === 0) return inputs;
    return dropout(inputs, this.rate, { noiseShape: this.noiseShape, seed: this.seedGenerator });
  }
}

function checkNoiseShape(
  shape: readonly (number | null)[] | null,
): readonly (number | null)[] | null {
  if (shape === null) return null;
  const fits =
    Array.isArray(shape) &&
    shape.every((dim) => dim === null || (Number.isInteger(dim) && (dim as number) > 0));
  if (!fits) {
    throw new ArgumentError(
      `Dropout: noiseShape must be a list of positive integers or null, got ${describe(shape)}.`,
    );
  }
  return [...shape];
}
