/**
 * What layers over the axes of space share.
 *
 * @module
 */
import { type DataFormat, standardizeDataFormat } from "../../runtime/settings.ts";
import { InputSpec } from "./input-spec.ts";
import { Layer, type LayerOptions } from "./layer.ts";

/** Options of layers over an image's axes. */
export interface SpatialOptions extends LayerOptions {
  dataFormat?: DataFormat | null | undefined;
}

/** A layer over `rank` axes of space. */
export abstract class SpatialLayer extends Layer {
  readonly dataFormat: DataFormat;
  /** The axes of space. */
  protected readonly axes!: readonly number[];

  constructor(rank: number, options: LayerOptions, dataFormat?: DataFormat | null) {
    super(options);
    this.dataFormat = standardizeDataFormat(dataFormat);
    this.inputSpec = new InputSpec({ ndim: rank + 2 });
    const first = this.dataFormat === "channels_last" ? 1 : 2;
    const axes = Array.from({ length: rank }, (_, i) => first + i);
    Object.defineProperty(this, "axes", { value: axes });
    this.built = true;
  }
}
