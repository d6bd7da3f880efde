/**
 * Weights whose initializer, regularizer and constraint are the layer's own.
 *
 * @module
 */
import type { Variable } from "../../tensor/variable.ts";
import { toCamelCase } from "../../util/naming.ts";
import type { Shape } from "../../util/shapes.ts";
import type { Layer } from "./layer.ts";
import type { WeightOptions } from "./layer-options.ts";

/** How a parameter differs from what its name says. */
export interface ParameterOptions {
  /** What its initializer, regularizer and constraint are called after. Default: its name. */
  prefix?: string | undefined;
  /** In place of the layer's own. */
  initializer?: unknown;
  autocast?: boolean | undefined;
}

/**
 * Makes a trainable weight of a layer. `addParameter(layer, "kernel", shape)`
 * goes by the layer's `kernelInitializer`, `kernelRegularizer` and
 * `kernelConstraint`.
 */
export function addParameter(
  layer: Layer,
  name: string,
  shape: Shape,
  { prefix = toCamelCase(name), initializer, autocast }: ParameterOptions = {},
): Variable {
  const of = layer as unknown as Readonly<Record<string, unknown>>;
  return layer.addWeight({
    name,
    shape,
    initializer: initializer ?? of[`${prefix}Initializer`],
    regularizer: of[`${prefix}Regularizer`],
    constraint: of[`${prefix}Constraint`],
    autocast,
  } as WeightOptions);
}
