/**
 * Models: layers that can be trained, summarised and saved.
 *
 * @module
 */

import { expandDims, squeeze } from "../../ops/shaping.ts";
import { castTo } from "../../tensor/cast.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { ArgumentError, formatShape, ShapeError, StateError } from "../../util/errors.ts";
import { flatten, isPlainObject, mapTree, sameStructure } from "../../util/pytree.ts";
import { KerasTensor, type SymbolicShape } from "../keras-tensor.ts";
import { InputLayer } from "../layers/core/input-layer.ts";
import { InputSpec } from "../layers/input-spec.ts";
import { type CallOptions, Layer, type LayerOptions } from "../layers/layer.ts";
import { mapShapes } from "../layers/shape-trees.ts";
import { getMask, setMask } from "../masks.ts";
import {
  type Config,
  type ConstructorOf,
  construct,
  type KerasClass,
  type ParameterTable,
} from "../object.ts";
import { configToJson } from "../saving/json.ts";
import {
  type FileLike,
  type LoadWeightsOptions,
  loadWeights,
  type SaveOptions,
  saveModel,
  saveWeights,
} from "../saving/saving-lib.ts";
import { inferSymbolic } from "../symbolic.ts";
import { Trainer } from "../trainers/trainer.ts";
import { printSummary, type SummaryOptions } from "../utils/summary.ts";
import { Graph, nodeOf, requireGraph, type TensorTree } from "./graph.ts";
import { graphFromConfig, graphToConfig } from "./graph-config.ts";

/** Options of `Model`. */
export interface ModelOptions extends LayerOptions {}

/** Inputs and outputs by name, as Python's keyword arguments. */
export interface ModelArguments extends ModelOptions {
  inputs: TensorTree;
  outputs: TensorTree;
}

type ModelConstructorArguments =
  | [inputs: TensorTree, outputs: TensorTree, options?: ModelOptions]
  | [given?: ModelArguments | ModelOptions];

function readArguments(args: readonly unknown[]): {
  inputs: TensorTree | null;
  outputs: TensorTree | null;
  options: ModelOptions;
} {
  const [first, second, third] = args;
  if (second !== undefined) {
    return {
      inputs: first as TensorTree,
      outputs: second as TensorTree,
      options: (third as ModelOptions | undefined) ?? {},
    };
  }
  if (isPlainObject(first) && "inputs" in first && "outputs" in first) {
    const { inputs, outputs, ...options } = first as unknown as ModelArguments;
    return { inputs, outputs, options };
  }
  return { inputs: null, outputs: null, options: (first as ModelOptions | undefined) ?? {} };
}

/** The class that `new Model(inputs, outputs)` makes: set by `functional.ts`. */
let functionalClass: (new (...args: ModelConstructorArguments) => Model) | null = null;

/** @internal */
export function registerFunctional(constructor: NonNullable<typeof functionalClass>): void {
  functionalClass = constructor;
}

/**
 * A model: from symbolic inputs and outputs, or as a subclass with a `call`.
 *
 * @example
 * const inputs = Input({ shape: [4] });
 * const model = new Model(inputs, new layers.Dense(2)(inputs));
 * model(ops.ones([3, 4])).shape; // [3, 2]
 */
export class Model extends Trainer {
  static override readonly kerasModule: string = "keras";
  static override readonly parameters: ParameterTable = {
    inputs: null,
    outputs: null,
    trainable: true,
    dtype: null,
    name: null,
  };
  #graph: Graph | null = null;

  constructor(...args: ModelConstructorArguments) {
    const { inputs, outputs, options } = readArguments(args);
    if (new.target === Model && inputs !== null && functionalClass !== null) {
      return new functionalClass(inputs, outputs as TensorTree, options) as unknown as this;
    }
    super(options);
    if (inputs !== null) {
      this.#graph = new Graph(this.name, inputs, outputs as TensorTree);
      this.built = true;
    }
  }

  /** @internal The graph, if the model is made of one. */
  get graph(): Graph | null {
    return this.#graph;
  }

  /** @internal Whether the model itself is a graph, as configs understand it. */
  get isFunctional(): boolean {
    return this.#graph !== null;
  }

  /** @internal Whether files list `layers` before other properties. */
  get keepsLayers(): boolean {
    return this.graph !== null;
  }

  /** The layers that the model is made of, in order. */
  get layers(): Layer[] {
    return [...this.sublayers];
  }

  override get sublayers(): readonly Layer[] {
    if (this.#graph === null) return super.sublayers;
    const inGraph = this.#graph.operations.filter((op): op is Layer => op instanceof Layer);
    return [...new Set([...inGraph, ...super.sublayers])];
  }

  /** A layer by name or by position. @throws {ArgumentError} If there is none. */
  getLayer(which: string | number | { name?: string; index?: number }): Layer {
    const { layers } = this;
    const key = typeof which === "object" ? (which.index ?? which.name) : which;
    const found = typeof key === "number" ? layers[key] : layers.find(({ name }) => name === key);
    if (found === undefined) {
      throw new ArgumentError(
        `getLayer: "${this.name}" has no layer ${JSON.stringify(key)}. ` +
          `It has ${layers.map(({ name }) => name).join(", ")}.`,
        { layer: this.name },
      );
    }
    return found;
  }

  // --- What a graph takes and gives ---

  get inputs(): readonly KerasTensor[] {
    return requireGraph(this.graph, this.name, "inputs").inputs;
  }
  get outputs(): readonly KerasTensor[] {
    return requireGraph(this.graph, this.name, "outputs").outputs;
  }
  override get input(): unknown {
    return requireGraph(this.graph, this.name, "input").inputTree;
  }
  override get output(): KerasTensor | KerasTensor[] {
    return requireGraph(this.graph, this.name, "output").outputTree as KerasTensor | KerasTensor[];
  }
  /** The shape of the input; a list for several. */
  get inputShape(): SymbolicShape | SymbolicShape[] {
    return singleShape(this.inputs);
  }
  /** The shape of the output; a list for several. */
  get outputShape(): SymbolicShape | SymbolicShape[] {
    return singleShape(this.outputs);
  }
  override get outputNames(): readonly string[] | null {
    return this.graph === null
      ? null
      : this.graph.outputs.map((output) => output.history?.operation.name ?? output.name);
  }

  override get inputSpec(): unknown {
    const own = super.inputSpec;
    const { graph } = this;
    if (own !== null || graph === null) return own;
    const spec = (tensor: KerasTensor, name?: string): InputSpec => {
      const layer = nodeOf(tensor)?.operation;
      return new InputSpec({
        shape: [null, ...tensor.shape.slice(1)],
        allowLastAxisSqueeze: true,
        name: name ?? layer?.name ?? tensor.name,
        optional: layer instanceof InputLayer && layer.optional,
      });
    };
    const { inputTree } = graph;
    if (isPlainObject(inputTree)) {
      const tree = inputTree as Record<string, unknown>;
      if (!Object.values(tree).every((leaf) => leaf instanceof KerasTensor)) return null;
      return Object.keys(tree)
        .sort()
        .map((name) => spec(tree[name] as KerasTensor, name));
    }
    return graph.inputs.map((tensor) => spec(tensor));
  }
  override set inputSpec(value: unknown) {
    super.inputSpec = value;
  }

  // --- Calls ---

  /** A graph converts its inputs itself, each to the dtype of its `Input`. */
  override get convertsInputs(): boolean {
    return this.graph === null;
  }

  // biome-ignore lint/suspicious/noExplicitAny: subclasses say what they take and give
  override call(...args: any[]): any {
    const { graph } = this;
    if (graph === null) return super.call(...args);
    const [inputs, options] = args as [unknown, CallOptions | undefined];
    return this.#runGraph(graph, inputs, options ?? {});
  }

  #runGraph(graph: Graph, inputs: unknown, { mask, training }: CallOptions): unknown {
    const values = standardizeInputs(graph, inputs, this.name);
    if (mask !== undefined && mask !== null) {
      const masks = flatten(mask);
      for (const [i, value] of values.entries())
        if ((masks[i] ?? null) !== null) setMask(value, masks[i]);
    }
    const outputs = graph.run(values, training);
    return Array.isArray(outputs) && outputs.length === 1 ? outputs[0] : outputs;
  }

  /** On the shapes it was made from, the outputs are known. */
  override computeOutputSpec(args: readonly unknown[], options: CallOptions): unknown {
    const { graph } = this;
    if (graph === null) return super.computeOutputSpec(args, options);
    const given = flatten(args[0]) as KerasTensor[];
    const isSame =
      given.length === graph.inputs.length &&
      given.every(
        (x, i) =>
          x instanceof KerasTensor &&
          getMask(x) === null &&
          formatShape(x.shape) === formatShape((graph.inputs[i] as KerasTensor).shape),
      );
    if (isSame) {
      const outputs = mapTree(graph.outputTree, (leaf) => {
        const { shape, dtype } = leaf as KerasTensor;
        const copy = new KerasTensor(shape, { dtype });
        setMask(copy, getMask(leaf));
        return copy;
      });
      return Array.isArray(outputs) && outputs.length === 1 ? outputs[0] : outputs;
    }
    return inferSymbolic(this.name, [args, options], (tree) => {
      const [inputs, all] = tree as [unknown[], CallOptions];
      return this.compute(inputs, all);
    });
  }

  override computeOutputShape(...inputShapes: unknown[]): unknown {
    if (this.graph === null) return super.computeOutputShape(...inputShapes);
    const { inputs } = this.graph;
    let next = 0;
    const symbols = mapShapes(inputShapes[0], (shape) => {
      const like = inputs[next++];
      return new KerasTensor(shape, { dtype: like?.dtype ?? this.computeDtype });
    });
    return mapTree(this.computeOutputSpec([symbols], {}), (leaf) => [
      ...(leaf as KerasTensor).shape,
    ]);
  }

  override build(..._shapes: unknown[]): void {
    if (this.graph !== null || _shapes.length === 0) return;
    // A subclass without a build of its own makes its layers' weights in a trial call.
    const [shapes] = _shapes;
    if (shapes === null || shapes === undefined) return;
    const symbols = mapShapes(
      shapes,
      (shape) => new KerasTensor(shape, { dtype: this.inputDtype }),
    );
    inferSymbolic(this.name, [symbols], (given) => this.call((given as unknown[])[0], {}));
  }

  // --- Configs ---

  /** Inputs and outputs are the graph's; what a subclass takes it tells itself. */
  protected override get configParameters(): readonly string[] {
    return [];
  }

  override getConfig(): Config {
    if (this.#graph === null) {
      const { name, trainable, dtype } = super.getConfig();
      return { name, trainable, dtype };
    }
    return { name: this.name, trainable: this.trainable, ...graphToConfig(this.#graph) };
  }

  static override fromConfig<T>(
    this: ConstructorOf<T>,
    config: Config,
    customObjects?: Readonly<Record<string, unknown>>,
  ): T {
    const isGraph = ["layers", "input_layers", "output_layers"].every((key) => key in config);
    if (!isGraph) return construct(this as unknown as KerasClass<T>, config);
    const { inputs, outputs } = graphFromConfig(config, customObjects);
    const model = Reflect.construct(this, [
      inputs,
      outputs,
      { name: config["name"] as string | undefined },
    ]) as T;
    if (config["trainable"] === false) (model as unknown as Model).trainable = false;
    return model;
  }

  /** The model's config as JSON text. */
  toJson(): string {
    const constructor = this.constructor as unknown as { kerasModule?: string };
    return configToJson({
      module: constructor.kerasModule ?? null,
      class_name: this.constructor.name,
      config: this.getConfig(),
      registered_name: this.constructor.name,
      build_config: this.getBuildConfig(),
      ...(this.compiled ? { compile_config: this.getCompileConfig() } : {}),
    });
  }

  /** Saves the model under a name that ends in `.keras`. See `saving.saveModel`. */
  save(path: string, options: SaveOptions = {}): Promise<void> {
    return saveModel(this, path, options);
  }

  /** Saves the weights under a name that ends in `.weights.h5`. See `saving.saveWeights`. */
  saveWeights(path: string, options: SaveOptions = {}): Promise<void> {
    requireBuilt(this, "saveWeights");
    return saveWeights(this, path, options);
  }

  /** Sets the weights from a file. See `saving.loadWeights`. */
  loadWeights(file: FileLike, options: LoadWeightsOptions = {}): Promise<void> {
    return loadWeights(this, file, options);
  }

  /** Prints the layers, their output shapes and their numbers of parameters. */
  summary(options: SummaryOptions = {}): void {
    printSummary(this, options);
  }
}

function singleShape(tensors: readonly KerasTensor[]): SymbolicShape | SymbolicShape[] {
  const shapes = tensors.map(({ shape }) => [...shape]);
  return shapes.length === 1 ? (shapes[0] as SymbolicShape) : shapes;
}

/** Inputs as the graph takes them: flat, in its dtypes and ranks. */
function standardizeInputs(graph: Graph, given: unknown, name: string): unknown[] {
  const { inputTree, inputs } = graph;
  let tree = given;
  if (isPlainObject(given) && !isPlainObject(inputTree)) {
    const byName = given as Record<string, unknown>;
    const names = inputs.map((tensor) => tensor.name);
    const missing = names.filter((key) => !Object.hasOwn(byName, key));
    if (missing.length > 0) {
      throw new ShapeError(
        `Model "${name}" misses the inputs ${missing.join(", ")}: got ${Object.keys(byName).join(", ")}.`,
        { layer: name },
      );
    }
    tree = names.map((key) => byName[key]);
  } else if (isPlainObject(inputTree) && isPlainObject(given)) {
    const wanted = Object.keys(inputTree);
    tree = Object.fromEntries(wanted.map((key) => [key, (given as Record<string, unknown>)[key]]));
  } else if (
    inputs.length > 1 &&
    !sameStructure(given, inputTree) &&
    flatten(given).length !== inputs.length
  ) {
    throw new ShapeError(
      `Model "${name}" takes ${inputs.length} inputs, got ${flatten(given).length}.`,
      { layer: name },
    );
  }
  return flatten(tree).map((value, i) => adjust(value, inputs[i] as KerasTensor, name));
}

function adjust(value: unknown, like: KerasTensor, name: string): unknown {
  if (value === null || value === undefined) return null;
  if (!(value instanceof Tensor)) return value;
  let x: Tensor = castTo(value, like.dtype);
  const rank = like.shape.length;
  if (x.ndim === rank + 1 && x.shape.at(-1) === 1) x = squeeze(x, { axis: -1 });
  else if (x.ndim === rank - 1 && like.shape.at(-1) === 1) x = expandDims(x, -1);
  else if (x.ndim !== rank) {
    throw new ShapeError(
      `Model "${name}": the input "${like.name}" has shape ${formatShape(like.shape)}, ` +
        `got ${formatShape(x.shape)}.`,
      { layer: name, shapes: [like.shape, x.shape] },
    );
  }
  if (x !== value) setMask(x, getMask(value));
  return x;
}

/** @throws {StateError} If a model has no weights yet. */
export function requireBuilt(model: Model, what: string): void {
  if (model.built) return;
  throw new StateError(
    `${what}: model "${model.name}" has not been built. Call it on data, or build(inputShape).`,
    { layer: model.name },
  );
}
