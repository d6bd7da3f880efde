/**
 * Layers that put several tensors of compatible shapes together.
 *
 * @module
 */
import { add, divide, maximum, minimum, multiply, subtract } from "../../../ops/arithmetic.ts";
import { logicalOr, where } from "../../../ops/comparison.ts";
import { cast } from "../../../ops/creation.ts";
import { any } from "../../../ops/reduction.ts";
import { broadcastTo, expandDims } from "../../../ops/shaping.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { isFloat } from "../../../util/dtypes.ts";
import { describe, ShapeError } from "../../../util/errors.ts";
import { getMask, setMask } from "../../masks.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import { Layer, type LayerOptions } from "../layer.ts";
import { isShape } from "../shape-trees.ts";

const parameters: ParameterTable = { [inherits]: true };

/** An elementwise layer of a list of tensors, which broadcast. */
export abstract class Merge extends Layer {
  static override readonly parameters: ParameterTable = parameters;

  constructor(options: LayerOptions = {}) {
    super(options);
    this.supportsMasking = true;
  }

  override build(inputShapes: readonly (readonly (number | null)[])[]): void {
    checkShapes(this, inputShapes);
    const batches = new Set(inputShapes.map((shape) => shape[0] ?? null));
    batches.delete(null);
    if (batches.size > 1) {
      throw new ShapeError(
        `Layer "${this.name}" cannot merge batches of different sizes: ${[...batches].join(", ")}.`,
        { layer: this.name, shapes: inputShapes },
      );
    }
  }

  override call(inputs: readonly Tensor[]): Tensor {
    const rank = Math.max(...inputs.map((x) => x.ndim));
    return this.merge(
      inputs.map((x) => {
        let aligned = x;
        while (aligned.ndim < rank) aligned = expandDims(aligned, 1);
        if (aligned !== x) setMask(aligned, getMask(x));
        return aligned;
      }),
    );
  }

  /** What becomes of tensors of one rank. */
  protected abstract merge(inputs: readonly Tensor[]): Tensor;

  override computeMask(_inputs: unknown, masks: unknown): unknown {
    if (!Array.isArray(masks) || masks.some((mask) => mask === null || mask === undefined)) {
      return null;
    }
    return (masks as Tensor[]).reduce((either, mask) => logicalOr(either, mask));
  }
}

/** @internal @throws {ShapeError} If a layer's input is no list of tensors. */
export function checkShapes(layer: Layer, shapes: unknown): void {
  if (!Array.isArray(shapes) || shapes.length === 0 || isShape(shapes)) {
    throw new ShapeError(
      `Layer "${layer.name}" takes a list of tensors: layer([a, b]). Got ${describe(shapes)} as ` +
        "the shape of its input.",
      { layer: layer.name },
    );
  }
}

/**
 * The sum of the inputs.
 *
 * @example
 * await new layers.Add()([tensor([1, 2]), tensor([10, 20])]).array(); // [11, 22]
 */
export class Add extends Merge {
  static override readonly parameters: ParameterTable = parameters;
  protected override merge(inputs: readonly Tensor[]): Tensor {
    return inputs.reduce((sum, x) => add(sum, x));
  }
}

/**
 * The first of two inputs less the second.
 *
 * @example
 * await new layers.Subtract()([tensor([10, 20]), tensor([1, 2])]).array(); // [9, 18]
 */
export class Subtract extends Merge {
  static override readonly parameters: ParameterTable = parameters;

  override build(inputShapes: readonly (readonly (number | null)[])[]): void {
    super.build(inputShapes);
    if (inputShapes.length !== 2) {
      throw new ShapeError(`Layer "${this.name}" takes two inputs, got ${inputShapes.length}.`, {
        layer: this.name,
        shapes: inputShapes,
      });
    }
  }

  protected override merge([a, b]: readonly Tensor[]): Tensor {
    return subtract(a as Tensor, b as Tensor);
  }
}

/**
 * The mean of the inputs.
 *
 * @example
 * await new layers.Average()([tensor([1, 2]), tensor([3, 6])]).array(); // [2, 4]
 */
export class Average extends Merge {
  static override readonly parameters: ParameterTable = parameters;
  protected override merge(inputs: readonly Tensor[]): Tensor {
    const sum = inputs.reduce((total, x) => add(total, x));
    // Integers divided by integers are float64 in Keras on TensorFlow.
    return divide(isFloat(sum.dtype) ? sum : cast(sum, "float64"), inputs.length);
  }
}

/**
 * The product of the inputs. Where one is masked, it counts as 1; where all are, the product is 0.
 *
 * @example
 * await new layers.Multiply()([tensor([1, 2]), tensor([3, 6])]).array(); // [3, 12]
 */
export class Multiply extends Merge {
  static override readonly parameters: ParameterTable = parameters;
  protected override merge(inputs: readonly Tensor[]): Tensor {
    const masks = inputs.map(elementMask);
    const factors = inputs.map((x, i) => {
      const mask = masks[i] as Tensor | null;
      return mask === null ? x : where(mask, x, cast(1, x.dtype));
    });
    const product = factors.reduce((total, x) => multiply(total, x));
    if (masks.some((mask) => mask === null)) return product;
    const mask = (masks as Tensor[]).reduce((either, one) => logicalOr(either, one));
    const output = where(mask, product, cast(0, product.dtype));
    setMask(output, any(mask, { axis: -1 }));
    return output;
  }
}

/**
 * The larger element of the inputs. Where one is masked, it does not count.
 *
 * @example
 * await new layers.Maximum()([tensor([1, 8]), tensor([3, 6])]).array(); // [3, 8]
 */
export class Maximum extends Merge {
  static override readonly parameters: ParameterTable = parameters;
  protected override merge(inputs: readonly Tensor[]): Tensor {
    return mergeUnmasked(inputs, maximum);
  }
}

/**
 * The smaller element of the inputs. Where one is masked, it does not count.
 *
 * @example
 * await new layers.Minimum()([tensor([1, 8]), tensor([3, 6])]).array(); // [1, 6]
 */
export class Minimum extends Merge {
  static override readonly parameters: ParameterTable = parameters;
  protected override merge(inputs: readonly Tensor[]): Tensor {
    return mergeUnmasked(inputs, minimum);
  }
}

/** A tensor's mask for each of its elements. */
function elementMask(x: Tensor): Tensor | null {
  const mask = getMask(x) as Tensor | null;
  return mask === null || mask.ndim >= x.ndim ? mask : broadcastTo(expandDims(mask, -1), x.shape);
}

/** Folds the inputs; a masked element takes the value of the other side. */
function mergeUnmasked(inputs: readonly Tensor[], fold: (a: Tensor, b: Tensor) => Tensor): Tensor {
  let output: Tensor | null = null;
  let outputMask: Tensor | null = null;
  for (const input of inputs) {
    const mask = elementMask(input);
    if (output === null) {
      output = input;
      outputMask = mask;
      continue;
    }
    const a: Tensor = outputMask === null ? output : where(outputMask, output, input);
    const b: Tensor = mask === null ? input : where(mask, input, output);
    outputMask = mask === null || outputMask === null ? null : logicalOr(outputMask, mask);
    output = fold(a, b);
  }
  const merged = output as Tensor;
  if (outputMask !== null) setMask(merged, any(outputMask, { axis: -1 }));
  return merged;
}
