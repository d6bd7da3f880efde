/**
 * Dropout of whole channels.
 *
 * @module
 */
import { dropout } from "../../../nn/random.ts";
import { type DataFormat, standardizeDataFormat } from "../../../runtime/settings.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { type Config, type ParameterTable, required } from "../../object.ts";
import { InputSpec } from "../input-spec.ts";
import { checkRate, NoiseLayer, type SeededOptions } from "./noise-layer.ts";

/** Options of `SpatialDropout1D`. */
export type SpatialDropout1DOptions = Pick<SeededOptions, "seed" | "name" | "dtype">;

/** Options of `SpatialDropout2D` and `SpatialDropout3D`. */
export interface SpatialDropoutOptions extends SpatialDropout1DOptions {
  dataFormat?: DataFormat | null | undefined;
}

const parameters1D: ParameterTable = { rate: required, seed: null, name: null, dtype: null };
const parameters: ParameterTable = { ...parameters1D, data_format: null };

abstract class SpatialDropout extends NoiseLayer {
  readonly rate: number;
  readonly dataFormat: DataFormat;

  constructor(
    rank: number,
    rate: number,
    options: SpatialDropout1DOptions,
    dataFormat: DataFormat | null | undefined,
  ) {
    super(checkRate(rate, new.target.name, "rate"), options);
    this.rate = rate;
    this.dataFormat = standardizeDataFormat(dataFormat);
    this.inputSpec = new InputSpec({ ndim: rank + 2 });
  }

  protected override disturb(inputs: Tensor): Tensor {
    const channels = this.dataFormat === "channels_last" ? inputs.ndim - 1 : 1;
    const noiseShape = inputs.shape.map((dim, i) => (i === 0 || i === channels ? dim : 1));
    return dropout(inputs, this.rate, { noiseShape, seed: this.seedGenerator });
  }

  /** Keras's constructors take nothing else. */
  override getConfig(): Config {
    const { trainable: _, ...config } = super.getConfig();
    return config;
  }
}

/**
 * Dropout of whole channels of sequences: neighbouring steps are too much
 * alike for dropping single ones.
 *
 * @example
 * const layer = new layers.SpatialDropout1D(0.5);
 * layer(ops.ones([2, 5, 3]), { training: true }).shape; // [2, 5, 3]
 */
export class SpatialDropout1D extends SpatialDropout {
  static override readonly parameters: ParameterTable = parameters1D;
  constructor(rate: number, options: SpatialDropout1DOptions = {}) {
    super(1, rate, options, "channels_last");
  }
}

/**
 * Dropout of whole channels of images.
 *
 * @example
 * const layer = new layers.SpatialDropout2D(0.5);
 * layer(ops.ones([2, 5, 5, 3]), { training: true }).shape; // [2, 5, 5, 3]
 */
export class SpatialDropout2D extends SpatialDropout {
  static override readonly parameters: ParameterTable = parameters;
  constructor(rate: number, options: SpatialDropoutOptions = {}) {
    super(2, rate, options, options.dataFormat);
  }
}

/**
 * Dropout of whole channels of volumes.
 *
 * @example
 * const layer = new layers.SpatialDropout3D(0.5);
 * layer(ops.ones([1, 4, 4, 4, 3]), { training: true }).shape; // [1, 4, 4, 4, 3]
 */
export class SpatialDropout3D extends SpatialDropout {
  static override readonly parameters: ParameterTable = parameters;
  constructor(rate: number, options: SpatialDropoutOptions = {}) {
    super(3, rate, options, options.dataFormat);
  }
}
