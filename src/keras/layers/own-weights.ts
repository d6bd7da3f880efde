/**
 * The weights of one layer, without those of the layers inside.
 *
 * @module
 */
import { state } from "../../tensor/context.ts";
import { type ArrayLike, convertArray } from "../../tensor/create.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { Variable, type VariableInitializer } from "../../tensor/variable.ts";
import { type DType, isFloat } from "../../util/dtypes.ts";
import * as constraints from "../constraints/index.ts";
import * as initializers from "../initializers/index.ts";
import * as regularizers from "../regularizers/index.ts";
import type { WeightOptions } from "./layer-options.ts";
import { ownVariables } from "./tracking.ts";

/** A weight. Its initializer is Glorot's uniform one for floats, zeros for all else, if not given. */
export function makeWeight(options: WeightOptions, layerDtype: DType): Variable {
  const dtype = options.dtype ?? layerDtype;
  const initializer = initializers.get(
    options.initializer ?? (isFloat(dtype) ? "glorot_uniform" : "zeros"),
  ) as VariableInitializer;
  const variable = new Variable(initializer, {
    shape: options.shape ?? [],
    dtype,
    trainable: options.trainable ?? true,
    autocast: options.autocast ?? true,
    aggregation: options.aggregation,
    name: options.name ?? "variable",
  });
  variable.regularizer = regularizers.get(options.regularizer ?? null);
  variable.constraint = constraints.get(options.constraint ?? null);
  return variable;
}

/** What a layer made with `addWeight`, and the variables in its properties. */
export class OwnWeights {
  readonly #layer: object;
  /** Those that were trainable when they came: freezing does not change the order. */
  readonly #trainable: Variable[] = [];
  readonly #other: Variable[] = [];
  #isTrainable: boolean;

  constructor(layer: object, trainable: boolean) {
    this.#layer = layer;
    this.#isTrainable = trainable;
  }

  /** Whether the layer trains. */
  get trainable(): boolean {
    return this.#isTrainable;
  }
  set trainable(value: boolean) {
    this.#isTrainable = value;
    this.#findNew();
    for (const variable of this.#trainable) variable.trainable = value;
  }

  add(variable: Variable): void {
    const list = variable.trainable ? this.#trainable : this.#other;
    list.push(variable);
    if (!this.#isTrainable) variable.trainable = false;
    state.tracer?.onFailure(() => list.splice(list.indexOf(variable), 1));
  }

  /** All of them, those made trainable first: the order of `weights` and of files. */
  get all(): readonly Variable[] {
    this.#findNew();
    return [...this.#trainable, ...this.#other];
  }

  #findNew(): void {
    for (const variable of ownVariables(this.#layer)) {
      // One that a failed trace took back is none any more.
      if (variable.isDisposed) continue;
      if (!this.#trainable.includes(variable) && !this.#other.includes(variable)) {
        this.add(variable);
      }
    }
  }
}

/** Sets variables all together: if one value does not fit, none is set. */
export function assignAll(
  variables: readonly Variable[],
  values: readonly (Tensor | ArrayLike)[],
): void {
  const tensors = values.map((value, i) => {
    const variable = variables[i] as Variable;
    const tensor =
      value instanceof Tensor ? value : convertArray(value, variable.storageDtype, variable.path);
    variable.checkAssignable(tensor);
    return tensor;
  });
  for (const [i, variable] of variables.entries()) variable.assign(tensors[i] as Tensor);
}
