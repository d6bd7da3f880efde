/**
 * @module
 */

import type { DType } from "../../util/dtypes.ts";
import {
  ArgumentError,
  describe,
  formatShape,
  SerializationError,
  ShapeError,
} from "../../util/errors.ts";
import { mapTree } from "../../util/pytree.ts";
import { KerasTensor, type SymbolicShape } from "../keras-tensor.ts";
import { InputLayer } from "../layers/core/input-layer.ts";
import { type CallOptions, Layer, type LayerOptions } from "../layers/layer.ts";
import { isShape } from "../layers/shape-trees.ts";
import { getMask } from "../masks.ts";
import type { Config, ConstructorOf, ParameterTable } from "../object.ts";
import { deserializeKerasObject, serializeKerasObject } from "../saving/serialization.ts";
import { Functional } from "./functional.ts";
import type { Graph } from "./graph.ts";
import { Model } from "./model.ts";

/**
 * Layers one after the other. With an `Input` first (or once it has been
 * called) the shapes are known and the weights exist.
 *
 * @example
 * const model = new Sequential([Input({ shape: [4] }), new layers.Dense(2)]);
 * model.outputShape; // [null, 2]
 */
export class Sequential extends Model {
  static override readonly kerasModule: string = "keras";
  static override readonly parameters: ParameterTable = {
    layers: null,
    trainable: true,
    name: null,
  };
  #layers: Layer[] = [];
  #functional: Functional | null = null;

  constructor(layers?: readonly (Layer | KerasTensor)[] | null, options: LayerOptions = {}) {
    super(options);
    for (const layer of layers ?? []) this.#append(layer);
    if (this.#layers.length > 0) this.#rebuild();
  }

  /** @internal */
  override get graph(): Graph | null {
    return this.#functional?.graph ?? null;
  }

  /** @internal */
  override get keepsLayers(): boolean {
    return true;
  }

  override get sublayers(): readonly Layer[] {
    return this.#layers;
  }

  override get layers(): Layer[] {
    return this.#layers[0] instanceof InputLayer ? this.#layers.slice(1) : [...this.#layers];
  }

  override get inputDtype(): DType {
    const [first] = this.#layers;
    return first instanceof InputLayer ? first.dtype : super.inputDtype;
  }

  /** Adds a layer at the end. @throws {ArgumentError} If its name is taken, or it is no layer. */
  add(layer: Layer | KerasTensor): void {
    this.#append(layer);
    this.#rebuild();
  }

  /** Takes the last layer off. */
  pop(): Layer | undefined {
    const layer = this.#layers.pop();
    this.built = false;
    this.#functional = null;
    if (this.#layers.length > 0) this.#rebuild();
    return layer;
  }

  #append(given: Layer | KerasTensor): void {
    const origin = given instanceof KerasTensor ? given.history?.operation : given;
    if (!(origin instanceof Layer)) {
      throw new ArgumentError(`Sequential: expected layers, got ${describe(given)}.`);
    }
    if (
      this.#layers.length === 0 &&
      origin.givenInputShape !== null &&
      !(origin instanceof InputLayer)
    ) {
      this.#append(new InputLayer({ shape: origin.givenInputShape }));
    }
    if (this.#layers.some(({ name }) => name === origin.name)) {
      throw new ArgumentError(
        `Sequential: the name "${origin.name}" is used twice. All layers of a model need different ` +
          "names: pass { name } to one of them.",
      );
    }
    if (origin instanceof InputLayer && this.#layers[0] instanceof InputLayer) {
      throw new ArgumentError(
        `Sequential: "${this.name}" already has the input shape ` +
          `${formatShape(this.#layers[0].batchShape)}; a second Input cannot be added.`,
      );
    }
    this.#layers.push(origin);
    this.built = false;
    this.#functional = null;
  }

  #rebuild(): void {
    this.built = false;
    this.#functional = null;
    const [first] = this.#layers;
    if (this.#layers.length < 2) return;
    if (first instanceof InputLayer) this.build([...first.batchShape]);
    else if (first instanceof Model && first.graph !== null && isShape(first.inputShape)) {
      this.build(first.inputShape);
    }
  }

  override build(inputShape?: unknown): void {
    if (!isShape(inputShape)) return;
    const [first] = this.#layers;
    if (first === undefined) {
      throw new ArgumentError(`Sequential: "${this.name}" has no layers. Add some first.`);
    }
    if (first instanceof InputLayer) {
      if (formatShape(first.batchShape) !== formatShape(inputShape)) {
        throw new ShapeError(
          `Sequential: "${this.name}" takes inputs of shape ${formatShape(first.batchShape)}, it ` +
            `cannot be built for ${formatShape(inputShape)}.`,
          { layer: this.name, shapes: [first.batchShape, inputShape] },
        );
      }
    } else {
      this.#layers.unshift(new InputLayer({ batchShape: inputShape, dtype: first.computeDtype }));
    }
    const input = (this.#layers[0] as InputLayer).output as KerasTensor;
    const output = this.#layers.slice(1).reduce<KerasTensor>((x, layer) => layer(x), input);
    this.#functional = new Functional(input, output);
  }

  override call(inputs: unknown, options: CallOptions = {}): unknown {
    if (this.#functional !== null) return this.#functional.call(inputs, options);
    let mask = options["mask"] as unknown;
    return this.layers.reduce<unknown>((x, layer) => {
      const outputs = layer.invoke(mask === undefined || mask === null ? [x] : [x, { mask }]);
      mask = mapTree(outputs, getMask);
      return outputs;
    }, inputs);
  }

  override get convertsInputs(): boolean {
    return true;
  }

  override getConfig(): Config {
    const { name, trainable, dtype } = super.getConfig();
    const [first] = this.#layers;
    return {
      name,
      trainable,
      dtype,
      layers: this.#layers.map((layer) => serializeKerasObject(layer)),
      ...(this.#functional !== null && first instanceof InputLayer
        ? { build_input_shape: [...first.batchShape] as SymbolicShape }
        : {}),
    };
  }

  static override fromConfig<T>(
    this: ConstructorOf<T>,
    config: Config,
    customObjects?: Readonly<Record<string, unknown>>,
  ): T {
    const { name, layers, build_input_shape: shape } = config;
    if (!Array.isArray(layers)) {
      throw new SerializationError("The config of a Sequential model has no list of layers.");
    }
    const made = layers.map((layer) => {
      const found = deserializeKerasObject(layer, { customObjects });
      if (!(found instanceof Layer)) {
        throw new SerializationError("A part of the Sequential model in the config is no layer.");
      }
      return found;
    });
    const model = Reflect.construct(this, [[], { name }]) as Sequential;
    for (const layer of made) model.add(layer);
    if (model.#functional === null && isShape(shape)) model.build(shape);
    if (config["dtype"] !== undefined) model.dtypePolicy = config["dtype"] as object;
    if (config["trainable"] === false) model.trainable = false;
    return model as T;
  }
}
