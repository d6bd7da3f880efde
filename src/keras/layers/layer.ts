/**
 * The base class of all layers.
 *
 * @module
 */

import { divideNoNan } from "../../ops/arithmetic.ts";
import { cast } from "../../ops/creation.ts";
import { bumpTraceEpoch } from "../../runtime/epoch.ts";
import { autocastDType, withAutocast } from "../../runtime/precision.ts";
import { state } from "../../tensor/context.ts";
import type { ArrayLike } from "../../tensor/create.ts";
import { Tensor } from "../../tensor/tensor.ts";
import type { Variable } from "../../tensor/variable.ts";
import { type DType, isFloat } from "../../util/dtypes.ts";
import {
  ArgumentError,
  describe,
  KeratinError,
  StateError,
  UnsupportedError,
} from "../../util/errors.ts";
import { currentPath, toCamelCase, withNameScope, withoutTakingNames } from "../../util/naming.ts";
import { flatten, isPlainObject, mapTree } from "../../util/pytree.ts";
import { sizeOf } from "../../util/shapes.ts";
import { type DTypePolicy, type DTypePolicyLike, get as getPolicy } from "../dtype-policies.ts";
import { anySymbolic, KerasTensor, type SymbolicShape } from "../keras-tensor.ts";
import { getMask } from "../masks.ts";
import { Node } from "../node.ts";
import {
  type Config,
  checkConstructorOptions,
  inherits,
  ownParameters,
  type ParameterTable,
} from "../object.ts";
import { Operation } from "../operation.ts";
import * as regularizers from "../regularizers/index.ts";
import { serializeArgument } from "../saving/arguments.ts";
import { serializeKerasObject } from "../saving/serialization.ts";
import { inferSymbolic } from "../symbolic.ts";
import { inCallContext } from "./call-context.ts";
import { castFloats, type Inputs, inputsToTensors, type SymbolicInputs } from "./call-inputs.ts";
import { fillMasks, maskOutputs } from "./call-masks.ts";
import { checkInputs, type InputSpec } from "./input-spec.ts";
import type { CallOptions, LayerOptions, WeightOptions } from "./layer-options.ts";
import { assignAll, makeWeight, OwnWeights } from "./own-weights.ts";
import { type InputShape, mapShapes, shapesOf } from "./shape-trees.ts";
import { leaves, ownSeedGenerators } from "./tracking.ts";

export type { CallOptions, LayerOptions, WeightOptions };

export interface Layer {
  /** The output for symbolic inputs, which becomes part of a functional model. */
  (inputs: SymbolicInputs, ...more: unknown[]): KerasTensor;
  /** The output for tensors. */
  (inputs: Inputs, ...more: unknown[]): Tensor;
  /** The same for layers that give something else: `layer<[Tensor, Tensor]>(x)`. */
  <R>(inputs: SymbolicInputs | Inputs, ...more: unknown[]): R;
}

/**
 * A layer: weights, and a function of tensors that uses them.
 *
 * A subclass makes its weights in `build(inputShape)` with `addWeight`, and
 * computes in `call(inputs, { training, mask })`.
 *
 * @example
 * class Scale extends layers.Layer {
 *   build(shape) {
 *     this.factor = this.addWeight({ shape: [shape.at(-1)], initializer: "ones", name: "factor" });
 *   }
 *   call(x) {
 *     return ops.multiply(x, this.factor);
 *   }
 * }
 * const y = new Scale()(tensor([[1, 2]]));
 */
export class Layer extends Operation {
  static override readonly kerasModule: string = "keras.layers";
  static override readonly parameters: ParameterTable = {
    activity_regularizer: null,
    trainable: true,
    dtype: null,
    autocast: true,
    name: null,
    input_shape: null,
    input_dim: null,
    [inherits]: false,
  };

  #policy!: DTypePolicy;
  #autocast = true;
  #supportsMasking: boolean | null = null;
  #own!: OwnWeights;
  #losses: Tensor[] = [];
  #buildShapes: unknown[] | null = null;
  #path: string | null = null;
  #parentPath: string | null = null;
  #isBuilt = false;
  #inputSpec: unknown = null;
  /** @internal The shape of one input, for Sequential. */
  readonly givenInputShape!: SymbolicShape | null;
  /** A penalty on the output. */
  activityRegularizer: regularizers.RegularizerFunction | null = null;

  constructor(options: LayerOptions = {}) {
    checkConstructorOptions(new.target, options);
    super({ name: options.name });
    this.activityRegularizer = regularizers.get(options.activityRegularizer ?? null);
    this.#policy = getPolicy(options.dtype);
    this.#autocast = options.autocast ?? true;
    const trainable = options.trainable ?? true;
    if (typeof trainable !== "boolean") {
      throw new ArgumentError(
        `${new.target.name}: trainable must be a boolean, got ${describe(trainable)}.`,
      );
    }
    this.#own = new OwnWeights(this, trainable);
    const shape = options.inputDim == null ? (options.inputShape ?? null) : [options.inputDim];
    const build = this.build;
    Object.defineProperties(this, {
      givenInputShape: { value: shape },
      // Each build, however it comes about, is named, remembered and final.
      build: { value: (...shapes: unknown[]) => this.#buildOnce(build, shapes), writable: true },
    });
  }

  // --- What subclasses define ---

  /** Makes the weights for inputs of a shape. */
  build(..._inputShapes: InputShape[]): void {}

  /** What the layer computes: the inputs, then `{ training, mask, … }`. */
  // biome-ignore lint/suspicious/noExplicitAny: overrides say what they take and give
  override call(..._args: any[]): any {
    throw new UnsupportedError(
      `${this.constructor.name} has no call(). Define call(inputs, { training }) in the class.`,
      { layer: this.name },
    );
  }

  /** The mask of the output; default: that of the input. */
  computeMask(_inputs: unknown, previousMask: unknown): unknown {
    return previousMask;
  }

  /** The names of the inputs of `call`, where it takes several by position. */
  get callParameters(): readonly string[] {
    return ["inputs"];
  }

  /** What inputs must be like: an `InputSpec`, or a tree of them. */
  get inputSpec(): unknown {
    return this.#inputSpec;
  }
  set inputSpec(spec: InputSpec | readonly (InputSpec | null)[] | null | unknown) {
    this.#inputSpec = spec;
  }

  // --- State ---

  /** Whether the weights exist. */
  get built(): boolean {
    return this.#isBuilt;
  }
  set built(value: boolean) {
    this.#isBuilt = value;
  }

  /** The name with those of the layers around it; null before the layer is built. */
  get path(): string | null {
    return this.#path;
  }

  /** Whether optimizers change the weights. Setting it sets that of all layers inside. */
  get trainable(): boolean {
    return this.#own.trainable;
  }
  set trainable(value: boolean) {
    this.#own.trainable = value;
    for (const layer of this.sublayers) layer.trainable = value;
    bumpTraceEpoch();
  }

  /** Whether masks pass through. */
  get supportsMasking(): boolean {
    return this.#supportsMasking ?? this.computeMask !== Layer.prototype.computeMask;
  }
  set supportsMasking(value: boolean) {
    this.#supportsMasking = value;
  }

  get dtypePolicy(): DTypePolicy {
    return this.#policy;
  }
  set dtypePolicy(value: DTypePolicyLike) {
    this.#policy = getPolicy(value);
    bumpTraceEpoch();
  }

  /** The dtype of the weights. */
  get dtype(): DType {
    return this.#policy.variableDtype;
  }
  /** The dtype of the weights. */
  get variableDtype(): DType {
    return this.#policy.variableDtype;
  }
  /** The dtype of what the layer computes. */
  get computeDtype(): DType {
    return this.#policy.computeDtype;
  }
  /** The dtype that float inputs are cast to. */
  get inputDtype(): DType {
    return this.computeDtype;
  }
  get autocast(): boolean {
    return this.#autocast;
  }

  /**
   * Makes a weight. Its dtype is the layer's, its initializer Glorot's uniform
   * one for floats and zeros for all else, where not given.
   */
  addWeight(options: WeightOptions = {}): Variable {
    const variable = this.#inScope(() => makeWeight(options, this.variableDtype));
    this.#own.add(variable);
    return variable;
  }

  /** The same as `addWeight`. */
  addVariable(options: WeightOptions = {}): Variable {
    return this.addWeight(options);
  }

  /** The layers that this one is made of. */
  get sublayers(): readonly Layer[] {
    return leaves(this).filter((leaf): leaf is Layer => leaf instanceof Layer);
  }

  /** This layer and all inside it. */
  flattenLayers(options: { includeSelf?: boolean; recursive?: boolean } = {}): Layer[] {
    const found = new Set<Layer>();
    const visit = (layer: Layer): void => {
      if (found.has(layer)) return;
      found.add(layer);
      if (layer === this || options.recursive !== false) layer.sublayers.forEach(visit);
    };
    visit(this);
    if (options.includeSelf === false) found.delete(this);
    return [...found];
  }

  /** The weights: the layer's own, trainable ones first, then those of the layers inside. */
  get weights(): Variable[] {
    return unique([...this.#own.all, ...this.sublayers.flatMap((layer) => layer.weights)]);
  }

  /** The weights and all other state, such as that of random numbers. */
  get variables(): Variable[] {
    return unique([
      ...this.#own.all,
      ...ownSeedGenerators(this).map((seeds) => seeds.state),
      ...this.sublayers.flatMap((layer) => layer.variables),
    ]);
  }

  get trainableWeights(): Variable[] {
    return this.trainable ? this.weights.filter((variable) => variable.trainable) : [];
  }
  get nonTrainableWeights(): Variable[] {
    return this.trainable ? this.weights.filter((variable) => !variable.trainable) : this.weights;
  }
  get trainableVariables(): Variable[] {
    return this.trainable ? this.variables.filter((variable) => variable.trainable) : [];
  }
  get nonTrainableVariables(): Variable[] {
    return this.trainable
      ? this.variables.filter((variable) => !variable.trainable)
      : this.variables;
  }

  /** Copies of the weights, in the order of `weights`. */
  getWeights(): Tensor[] {
    return this.weights.map((variable) => variable.value);
  }

  /**
   * Sets all weights, in the order of `weights`.
   *
   * @throws {ArgumentError | ShapeError} If number or shapes do not fit; then nothing is set.
   */
  setWeights(values: readonly (Tensor | ArrayLike)[]): void {
    const { weights } = this;
    if (weights.length !== values.length) {
      throw new ArgumentError(
        `setWeights: "${this.name}" has ${weights.length} weights, got ${values.length} values.`,
        { layer: this.name },
      );
    }
    assignAll(weights, values);
  }

  /** The number of numbers in the weights. */
  countParams(): number {
    if (!this.built) throw notBuilt(this, "countParams");
    return this.weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  }

  // --- Losses ---

  /** Adds scalars to the loss. For use in `call`. */
  addLoss(loss: Tensor | readonly Tensor[]): void {
    if (state.tracer?.isAbstract) return;
    for (const value of flatten(loss)) {
      if (!(value instanceof Tensor)) {
        throw new ArgumentError(`addLoss: expected tensors, got ${describe(value)}.`, {
          layer: this.name,
        });
      }
      this.#losses.push(value);
    }
  }

  /** What `addLoss` and regularizers added in the last call, with the layers inside. */
  get losses(): Tensor[] {
    const own = this.flattenLayers().flatMap((layer) => layer.#liveLosses());
    for (const variable of this.trainableWeights) {
      if (variable.regularizer !== null) own.push(variable.regularizer(variable.value));
    }
    return own;
  }

  /** Those of a finished trace have no values. */
  #liveLosses(): Tensor[] {
    return this.#losses.filter(({ symbol }) => symbol === null || symbol.tracer === state.tracer);
  }

  /** @internal */
  clearLosses(): void {
    this.#losses = [];
    for (const layer of this.sublayers) layer.clearLosses();
  }

  // --- Calls ---

  /** @internal */
  override invoke(given: unknown[]): unknown {
    const last = given.at(-1);
    const hasOptions = given.length > 1 && isPlainObject(last);
    const options = hasOptions ? (last as CallOptions) : {};
    const inputs = (hasOptions ? given.slice(0, -1) : given).map((x) => this.toTensors(x));
    checkInputs(this.inputSpec, inputs[0], this.name);
    try {
      return this.#invoke(inputs, options);
    } catch (error) {
      if (error instanceof KeratinError) error.layer ??= this.name;
      throw error;
    }
  }

  #invoke(inputs: readonly unknown[], options: CallOptions): unknown {
    if (!this.built) this.#inScope(() => this.build(...inputs.map(shapesOf)));
    if (!anySymbolic(inputs, options)) return this.compute(inputs, options);
    const outputs = this.computeOutputSpec(inputs, options);
    // Masks only tell what exists: the real call computes them again.
    new Node(this, inputs, options, outputs);
    return outputs;
  }

  /** @internal Arrays in a tree of inputs as tensors. */
  toTensors(x: unknown): unknown {
    return inputsToTensors(x, this.name);
  }

  /** @internal Whether float inputs become the compute dtype before `call`. */
  get convertsInputs(): boolean {
    return true;
  }

  /** @internal The call on tensors: dtypes, masks, losses, and `call` itself. */
  override compute(given: readonly unknown[], options: CallOptions): unknown {
    return inCallContext(this, (context, isNew) => {
      if (isNew) this.clearLosses();
      const inputs =
        this.#autocast && this.convertsInputs
          ? (castFloats(given, this.inputDtype) as unknown[])
          : given;
      const all: CallOptions = { ...options };
      const outer = context.training;
      if (options.training !== undefined) context.training = options.training;
      else if (outer !== undefined && outer !== null) all.training = outer;
      fillMasks(this, inputs, all);
      const previousMask = all["mask"] ?? mapTree(inputs[0], getMask);
      try {
        const outputs = this.within(() => this.call(...inputs, all));
        this.#regularizeActivity(outputs);
        maskOutputs(this, inputs[0], outputs, previousMask);
        return outputs;
      } finally {
        context.training = outer;
      }
    });
  }

  /** @internal Runs a part of a call: in the layer's scope and precision. */
  within<T>(fn: () => T): T {
    return this.#inScope(() => this.#withPrecision(fn));
  }

  /** Float variables are read in the compute dtype, where it is another. */
  #withPrecision<T>(fn: () => T): T {
    const { computeDtype } = this;
    const scope = autocastDType();
    if (scope !== null) {
      const wanted = this.#autocast && isFloat(computeDtype) ? computeDtype : null;
      return wanted === scope ? fn() : withAutocast(wanted, fn);
    }
    return computeDtype === this.variableDtype ? fn() : withAutocast(computeDtype, fn);
  }

  #regularizeActivity(outputs: unknown): void {
    if (this.activityRegularizer === null) return;
    for (const output of flatten(outputs)) {
      if (!(output instanceof Tensor)) continue;
      const loss = this.activityRegularizer(output);
      const [batch] = output.shape;
      this.addLoss(batch === undefined ? loss : divideNoNan(loss, cast(batch, loss.dtype)));
    }
  }

  /** Symbolic tensors of what a call gives; as `computeOutputShape` says, where a class has its own. */
  override computeOutputSpec(args: readonly unknown[], options: CallOptions): unknown {
    if (this.computeOutputShape !== Layer.prototype.computeOutputShape) {
      const shapes = this.computeOutputShape(...args.map(shapesOf));
      return mapShapes(shapes, (shape) => new KerasTensor(shape, { dtype: this.computeDtype }));
    }
    return inferSymbolic(this.name, [args, options], (given) => {
      const [inputs, all] = given as [unknown[], CallOptions];
      return this.compute(inputs, all);
    });
  }

  /** The shape of the output for inputs of a shape, which may have unknown lengths. */
  computeOutputShape(...inputShapes: InputShape[]): InputShape {
    const inputs = inputShapes.map((shapes) =>
      mapShapes(shapes, (shape) => new KerasTensor(shape, { dtype: this.computeDtype })),
    );
    return withoutTakingNames(() => {
      let layer: Layer = this;
      if (!this.built) {
        // A copy, so that this one can still be built for another shape.
        layer = (this.constructor as unknown as typeof Layer).fromConfig(this.getConfig()) as Layer;
        layer.build(...inputShapes);
      }
      return mapTree(layer.computeOutputSpec(inputs, {}), (leaf) => [
        ...(leaf as KerasTensor).shape,
      ]);
    });
  }

  // --- Names ---

  #inScope<T>(fn: () => T): T {
    this.#parentPath ??= currentPath();
    return withNameScope(this.name, fn, { caller: this, parentPath: this.#parentPath });
  }

  #buildOnce(build: (...shapes: unknown[]) => void, shapes: unknown[]): void {
    const spec = this.#inputSpec;
    state.tracer?.onFailure(() => {
      this.#isBuilt = false;
      this.#inputSpec = spec;
    });
    this.#inScope(() => {
      this.#path = currentPath();
      build.apply(this, shapes);
    });
    this.#buildShapes = shapes;
    this.#isBuilt = true;
  }

  // --- Configs ---

  /** The arguments beside those of every layer that configs hold, in Keras's names. */
  protected get configParameters(): readonly string[] {
    return Object.keys(ownParameters(this.constructor, Layer));
  }

  override getConfig(): Config {
    const config: Config = {
      name: this.name,
      trainable: this.trainable,
      dtype: serializeKerasObject(this.#policy),
    };
    if (this.activityRegularizer !== null) {
      config["activity_regularizer"] = serializeKerasObject(this.activityRegularizer);
    }
    for (const key of this.configParameters) {
      if (key in config) continue;
      const value = (this as unknown as Record<string, unknown>)[toCamelCase(key)];
      if (value !== undefined) config[key] = serializeArgument(value);
    }
    return config;
  }

  /** What `buildFromConfig` needs to make the weights again. */
  getBuildConfig(): Config | null {
    if (this.#buildShapes === null || this.#buildShapes.length === 0) return null;
    if (this.#buildShapes.length === 1) return { input_shape: this.#buildShapes[0] };
    const names = this.callParameters;
    return {
      shapes_dict: Object.fromEntries(
        this.#buildShapes.map((shape, i) => [`${names[i] ?? i}_shape`, shape]),
      ),
    };
  }

  /** Makes the weights as `getBuildConfig` remembered them. */
  buildFromConfig(config: Config): void {
    if (this.built) return;
    if (config["input_shape"] !== undefined) {
      if (config["input_shape"] !== null) this.build(config["input_shape"]);
    } else if (isPlainObject(config["shapes_dict"])) {
      this.build(...Object.values(config["shapes_dict"]));
    }
  }

  // --- Files ---

  /** Puts the layer's own weights into a store, under `"0"`, `"1"`, … */
  saveOwnVariables(store: Record<string, Variable | Tensor>): void {
    for (const [i, variable] of this.#own.all.entries()) store[`${i}`] = variable;
  }

  /**
   * Takes the layer's own weights from a store.
   *
   * @throws {StateError} If it does not hold as many as the layer has.
   */
  loadOwnVariables(store: Readonly<Record<string, Tensor>>): void {
    const own = this.#own.all;
    const given = Object.keys(store).length;
    if (given !== own.length) {
      throw new StateError(
        `Layer "${this.name}" has ${own.length} variables` +
          `${this.built ? "" : " (it has not been built)"}, the file holds ${given} for it. ` +
          "Make the model as it was when the weights were saved.",
        { layer: this.name },
      );
    }
    assignAll(
      own,
      own.map((_, i) => store[`${i}`] as Tensor),
    );
  }

  override toString(): string {
    return `<${this.constructor.name} name=${this.name}, built=${this.built}>`;
  }
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)];
}

/** @internal */
export function notBuilt(layer: Layer, what: string): StateError {
  return new StateError(
    `${what}: "${layer.name}" has not been built, so it has no weights yet. ` +
      "Call it on data, or call build(inputShape).",
    { layer: layer.name },
  );
}
