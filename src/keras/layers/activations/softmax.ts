/**
 * @module
 */
import { greater, where } from "../../../ops/comparison.ts";
import { cast } from "../../../ops/creation.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { formatShape, ShapeError } from "../../../util/errors.ts";
import { softmax } from "../../activations/index.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import { checkAxes } from "../arguments.ts";
import { type CallOptions, Layer, type LayerOptions } from "../layer.ts";

/** Options of `Softmax`. */
export interface SoftmaxOptions extends LayerOptions {
  /** The axis, or axes, that sum to one. */
  axis?: number | readonly number[] | undefined;
}

/**
 * Softmax as a layer. Elements that the mask leaves out are 0 and do not count.
 *
 * @example
 * const mask = tensor([[true, true, false]]);
 * await new layers.Softmax()(tensor([[1, 1, 9]]), { mask }).array(); // [[0.5, 0.5, 0]]
 */
export class Softmax extends Layer {
  static override readonly parameters: ParameterTable = { axis: -1, [inherits]: true };
  readonly axis: number | readonly number[];

  constructor(options: SoftmaxOptions = {}) {
    super(options);
    this.axis = checkAxes(options.axis ?? -1, "Softmax");
    this.supportsMasking = true;
    this.built = true;
  }

  override call(inputs: Tensor, options: CallOptions = {}): Tensor {
    const { axis } = this;
    const mask = (options["mask"] ?? null) as Tensor | null;
    if (mask === null) return softmax(inputs, { axis });
    const kept = this.#kept(mask, inputs);
    // As far below all else as the dtype has room for.
    const lowest = inputs.dtype === "float16" ? -3e4 : -1e9;
    return where(kept, softmax(where(kept, inputs, lowest), { axis }), 0);
  }

  #kept(mask: Tensor, inputs: Tensor): Tensor {
    const excess = inputs.ndim - mask.ndim;
    const fits = mask.shape.every((dim, i) => dim === 1 || dim === inputs.shape[i + excess]);
    if (!fits) {
      throw new ShapeError(
        `Layer "${this.name}": a mask of shape ${formatShape(mask.shape)} does not broadcast to ` +
          `inputs of shape ${formatShape(inputs.shape)}.`,
        { layer: this.name, shapes: [inputs.shape, mask.shape] },
      );
    }
    return mask.dtype === "bool" ? mask : greater(mask, cast(0.5, mask.dtype));
  }
}
