/**
 * What layers of random noise share.
 *
 * @module
 */
import { SeedGenerator } from "../../../nn/seed-generator.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { ArgumentError, describe } from "../../../util/errors.ts";
import { type CallOptions, Layer, type LayerOptions } from "../layer.ts";

/** Options of layers that draw random numbers. */
export interface SeededOptions extends LayerOptions {
  seed?: number | null | undefined;
}

/** @throws {ArgumentError} If `value` is not between 0 and 1. */
export function checkRate(value: unknown, layer: string, name: string): number {
  if (typeof value !== "number" || !(value >= 0 && value <= 1)) {
    throw new ArgumentError(`${layer}: ${name} must be between 0 and 1, got ${describe(value)}.`);
  }
  return value;
}

/** A layer that does something while training, if its amount is not 0. */
export abstract class NoiseLayer extends Layer {
  readonly seed: number | null;
  declare seedGenerator: SeedGenerator;

  constructor(amount: number, options: SeededOptions) {
    super(options);
    this.seed = options.seed ?? null;
    if (amount > 0) this.seedGenerator = new SeedGenerator(this.seed);
    this.supportsMasking = true;
    this.built = true;
  }

  override call(inputs: Tensor, { training }: CallOptions = {}): Tensor {
    return training && this.seedGenerator !== undefined ? this.disturb(inputs) : inputs;
  }

  /** The inputs with noise. */
  protected abstract disturb(inputs: Tensor): Tensor;
}
