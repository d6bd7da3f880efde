/**
 * @module
 */
import { reshape, transpose } from "../../../ops/shaping.ts";
import { type DataFormat, standardizeDataFormat } from "../../../runtime/settings.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import { InputSpec } from "../input-spec.ts";
import { Layer, type LayerOptions } from "../layer.ts";

/** Options of `Flatten`. */
export interface FlattenOptions extends LayerOptions {
  dataFormat?: DataFormat | null | undefined;
}

/**
 * All axes but the first as one: `[n, …]` to `[n, m]`.
 *
 * @example
 * new layers.Flatten()(ops.ones([2, 3, 4])).shape; // [2, 12]
 */
export class Flatten extends Layer {
  static override readonly parameters: ParameterTable = { data_format: null, [inherits]: true };
  readonly dataFormat: DataFormat;

  constructor(options: FlattenOptions = {}) {
    super(options);
    this.dataFormat = standardizeDataFormat(options.dataFormat);
    this.inputSpec = new InputSpec({ minNdim: 1 });
    this.built = true;
  }

  override call(inputs: Tensor): Tensor {
    const { shape } = inputs;
    // The same order of features in both formats.
    const last =
      this.dataFormat === "channels_first" && shape.length > 1
        ? transpose(inputs, { axes: [0, ...shape.slice(2).map((_, i) => i + 2), 1] })
        : inputs;
    const features = shape.slice(1).reduce((product, dim) => product * dim, 1);
    return reshape(last, [shape[0] as number, features]);
  }
}
