/**
 * @module
 */
import { stack } from "../../../ops/joining.ts";
import { sliceAt } from "../../../ops/shaping.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { formatShape, ShapeError } from "../../../util/errors.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import { Wrapper } from "../core/wrapper.ts";
import type { CallOptions, Layer, LayerOptions } from "../layer.ts";
import { isShape } from "../shape-trees.ts";

/**
 * Applies a layer to each step of sequences: `[batch, time, …]`.
 *
 * @example
 * const perFrame = new layers.TimeDistributed(new layers.Conv2D(4, 3));
 * perFrame(ops.ones([2, 5, 8, 8, 3])).shape; // [2, 5, 6, 6, 4]
 */
export class TimeDistributed extends Wrapper {
  static override readonly parameters: ParameterTable = { [inherits]: true };

  constructor(layer: Layer, options: LayerOptions = {}) {
    super(layer, options);
    this.supportsMasking = true;
  }

  override build(inputShape: readonly (number | null)[]): void {
    if (!isShape(inputShape) || inputShape.length < 3) {
      throw new ShapeError(
        `Layer "${this.name}" takes sequences with at least 3 axes, [batch, time, …], got ` +
          `${isShape(inputShape) ? formatShape(inputShape) : JSON.stringify(inputShape)}.`,
        { layer: this.name },
      );
    }
    super.build([inputShape[0] ?? null, ...inputShape.slice(2)]);
  }

  override call(inputs: Tensor, { training, mask = null }: CallOptions = {}): Tensor {
    const { shape } = inputs;
    if (mask !== null) this.#checkMask(mask as Tensor, shape);
    const length = shape[1] as number;
    const outputs = Array.from({ length }, (_, i) => {
      const options: CallOptions = {};
      if (mask !== null) options["mask"] = sliceAt(mask as Tensor, 1, i);
      if (training !== undefined) options.training = training;
      // As in Keras the inner layer's own policy, masks and losses do not come in.
      return this.layer.call(sliceAt(inputs, 1, i), options) as Tensor;
    });
    return stack(outputs, { axis: 1 });
  }

  #checkMask(mask: Tensor, shape: readonly number[]): void {
    if (mask.ndim >= 2 && mask.shape[0] === shape[0] && mask.shape[1] === shape[1]) return;
    throw new ShapeError(
      `Layer "${this.name}": a mask of shape ${formatShape(mask.shape)} does not fit an input of ` +
        `shape ${formatShape(shape)}: its first axes must be ${formatShape(shape.slice(0, 2))}.`,
      { layer: this.name, shapes: [mask.shape, shape] },
    );
  }
}
