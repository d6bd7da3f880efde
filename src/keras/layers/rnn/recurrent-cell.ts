/**
 * What the cells of recurrent layers share: options, weights' rules, dropout.
 *
 * @module
 */
import { dropout } from "../../../nn/random.ts";
import { SeedGenerator } from "../../../nn/seed-generator.ts";
import { multiply } from "../../../ops/arithmetic.ts";
import { zeros } from "../../../ops/creation.ts";
import { concatenate } from "../../../ops/joining.ts";
import { matmul } from "../../../ops/linear.ts";
import type { SequenceKernels, SequenceResult, SequenceRules } from "../../../ops/recurrent.ts";
import { expandDims } from "../../../ops/shaping.ts";
import { split } from "../../../ops/splitting.ts";
import { state } from "../../../tensor/context.ts";
import { onesLike } from "../../../tensor/fill.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { Variable } from "../../../tensor/variable.ts";
import { isFloat } from "../../../util/dtypes.ts";
import { ArgumentError, describe } from "../../../util/errors.ts";
import { sameShape } from "../../../util/shapes.ts";
import * as activations from "../../activations/index.ts";
import * as constraints from "../../constraints/index.ts";
import * as initializers from "../../initializers/index.ts";
import type { ParameterTable } from "../../object.ts";
import * as regularizers from "../../regularizers/index.ts";
import { addParameter } from "../add-parameter.ts";
import { type CallOptions, Layer, type LayerOptions } from "../layer.ts";

/** Options of all recurrent cells. */
export interface RecurrentCellOptions extends LayerOptions {
  /** Default: `"tanh"`; null: none (linear). */
  activation?: activations.ActivationLike | undefined;
  useBias?: boolean | undefined;
  kernelInitializer?: initializers.InitializerLike | undefined;
  recurrentInitializer?: initializers.InitializerLike | undefined;
  biasInitializer?: initializers.InitializerLike | undefined;
  kernelRegularizer?: regularizers.RegularizerLike | undefined;
  recurrentRegularizer?: regularizers.RegularizerLike | undefined;
  biasRegularizer?: regularizers.RegularizerLike | undefined;
  kernelConstraint?: constraints.ConstraintLike | undefined;
  recurrentConstraint?: constraints.ConstraintLike | undefined;
  biasConstraint?: constraints.ConstraintLike | undefined;
  /** The fraction of the inputs that is dropped, the same at all steps of a sequence. */
  dropout?: number | undefined;
  /** The same for the state that a step takes. */
  recurrentDropout?: number | undefined;
  seed?: number | null | undefined;
}

/** The arguments after those that shape the cell. */
export const cellParameters: ParameterTable = {
  use_bias: true,
  kernel_initializer: "glorot_uniform",
  recurrent_initializer: "orthogonal",
  bias_initializer: "zeros",
  kernel_regularizer: null,
  recurrent_regularizer: null,
  bias_regularizer: null,
  kernel_constraint: null,
  recurrent_constraint: null,
  bias_constraint: null,
  dropout: 0,
  recurrent_dropout: 0,
  seed: null,
};

/** One step: from projected inputs and states to the output and the next states. */
export type Step = (
  projected: Tensor,
  states: readonly Tensor[],
) => [output: Tensor, states: Tensor[]];

/** What a cell keeps between steps: a tensor for each part. */
export type CellStates = Tensor | readonly Tensor[];

/** All steps of a sequence by one op. */
export type SequenceOp = (
  x: Tensor,
  kernels: SequenceKernels,
  states: readonly Tensor[],
  rules: SequenceRules,
) => SequenceResult;

/** The masks that a cell has drawn; null: none, or none yet. */
export interface DropoutMasks {
  readonly inputs: readonly Tensor[] | null;
  readonly states: readonly Tensor[] | null;
  /** Whether a layer keeps them for its loop, also within the loop's body. */
  readonly areHeld: boolean;
}

const noMasks: DropoutMasks = { inputs: null, states: null, areHeld: false };

/**
 * A cell whose step is in two parts: what depends on the inputs alone, which a
 * layer computes for all steps at once, and the rest.
 */
export abstract class RecurrentCell extends Layer {
  readonly activation: activations.ActivationFunction;
  readonly useBias: boolean;
  readonly kernelInitializer: unknown;
  readonly recurrentInitializer: unknown;
  readonly biasInitializer: unknown;
  readonly kernelRegularizer: unknown;
  readonly recurrentRegularizer: unknown;
  readonly biasRegularizer: unknown;
  readonly kernelConstraint: unknown;
  readonly recurrentConstraint: unknown;
  readonly biasConstraint: unknown;
  readonly dropout: number;
  readonly recurrentDropout: number;
  readonly seed: number | null;
  declare readonly seedGenerator: SeedGenerator;
  declare kernel: Variable;
  declare recurrentKernel: Variable;
  declare bias: Variable | null;
  #masks: DropoutMasks = noMasks;

  /** `seedFirst`: whether the cell takes its seed before its initializers do. */
  constructor(options: RecurrentCellOptions, seedFirst: boolean) {
    super(options);
    const { name } = new.target;
    const seed = options.seed ?? null;
    const early = seedFirst ? new SeedGenerator(seed) : null;
    this.activation = activations.get(orDefault(options.activation, "tanh"));
    this.useBias = options.useBias ?? true;
    this.kernelInitializer = initializers.get(options.kernelInitializer ?? "glorot_uniform");
    this.recurrentInitializer = initializers.get(options.recurrentInitializer ?? "orthogonal");
    this.biasInitializer = initializers.get(options.biasInitializer ?? "zeros");
    this.kernelRegularizer = regularizers.get(options.kernelRegularizer ?? null);
    this.recurrentRegularizer = regularizers.get(options.recurrentRegularizer ?? null);
    this.biasRegularizer = regularizers.get(options.biasRegularizer ?? null);
    this.kernelConstraint = constraints.get(options.kernelConstraint ?? null);
    this.recurrentConstraint = constraints.get(options.recurrentConstraint ?? null);
    this.biasConstraint = constraints.get(options.biasConstraint ?? null);
    this.dropout = checkRate(options.dropout, name, "dropout");
    this.recurrentDropout = checkRate(options.recurrentDropout, name, "recurrentDropout");
    this.seed = seed;
    this.seedGenerator = early ?? new SeedGenerator(seed);
  }

  /** The sizes of the states. */
  abstract get stateSize(): number | readonly number[];

  /** What of a step depends on the inputs alone, for one step or (first axis: time) for all. */
  abstract project(inputs: Tensor, training: boolean): Tensor;

  /** The rest of a step; what all steps have in common is computed when it is made. */
  abstract stepper(states: readonly Tensor[], training: boolean): Step;

  /** How many masks a dropout has: one for each gate, or one for all. */
  protected abstract get maskCount(): number;

  override get callParameters(): readonly string[] {
    return ["inputs", "states"];
  }

  /** @internal Whether a step is what `project` and `stepper` say, and no subclass's `call`. */
  get stepsInParts(): boolean {
    return this.call === RecurrentCell.prototype.call;
  }

  /** @internal Whether the states before the first step are zeros, and no subclass's own. */
  get startsAtZero(): boolean {
    return this.getInitialState === RecurrentCell.prototype.getInitialState;
  }

  /** The op that does all steps at once as `project` and `stepper` say; null: there is none. */
  protected get sequenceOp(): SequenceOp | null {
    return null;
  }

  /** Whether the steps are those of a class, and no subclass's own. */
  protected hasStepsOf({ prototype }: { readonly prototype: RecurrentCell }): boolean {
    return this.project === prototype.project && this.stepper === prototype.stepper;
  }

  /**
   * @internal All steps of inputs [batch, time, features] by one op; null where
   * none does the same as step after step.
   */
  runSequence(
    inputs: Tensor,
    states: readonly Tensor[],
    rules: Omit<SequenceRules, "bias">,
    training: boolean,
  ): SequenceResult | null {
    const op = this.stepsInParts ? this.sequenceOp : null;
    if (op === null || (training && this.drops(this.recurrentDropout))) return null;
    const dropsInputs = training && this.drops(this.dropout);
    if (dropsInputs && this.maskCount > 1) return null;
    const [kernel, recurrent] = [this.kernel.value, this.recurrentKernel.value];
    const bias = this.bias === null ? null : this.bias.value;
    const { dtype } = recurrent;
    const all = [inputs, kernel, ...states, ...(bias === null ? [] : [bias])];
    const stateShape = [inputs.shape[0] as number, recurrent.shape[0] as number];
    if (!isFloat(dtype) || !all.every((x) => x.dtype === dtype)) return null;
    if (inputs.ndim !== 3 || !states.every(({ shape }) => sameShape(shape, stateShape)))
      return null;
    const [mask] = (dropsInputs ? this.getDropoutMask(inputs) : null) ?? [];
    const x = mask === undefined ? inputs : multiply(inputs, expandDims(mask, 1));
    return op(x, [kernel, recurrent], states, { ...rules, bias });
  }

  /** One step: the output and the next states, in the form in which they came. */
  override call(
    inputs: Tensor,
    states: CellStates,
    { training }: CallOptions = {},
  ): [output: Tensor, states: CellStates] {
    const list: readonly Tensor[] = Array.isArray(states) ? states : [states as Tensor];
    const isTraining = training === true;
    const projected = this.project(inputs, isTraining);
    const [output, next] = this.stepper(list, isTraining)(projected, list);
    return [output, Array.isArray(states) ? next : (next[0] as Tensor)];
  }

  /** The states before the first step: zeros. */
  getInitialState(batchSize: number): Tensor[] {
    const sizes = typeof this.stateSize === "number" ? [this.stateSize] : this.stateSize;
    return sizes.map((size) => zeros([batchSize, size], { dtype: this.computeDtype }));
  }

  /** Makes the three weights. */
  protected makeWeights(
    kernel: readonly number[],
    recurrent: readonly number[],
    bias: readonly number[],
    biasInitializer: unknown = this.biasInitializer,
  ): void {
    this.kernel = addParameter(this, "kernel", kernel);
    this.recurrentKernel = addParameter(this, "recurrent_kernel", recurrent, {
      prefix: "recurrent",
    });
    this.bias = this.useBias
      ? addParameter(this, "bias", bias, { initializer: biasInitializer })
      : null;
  }

  // --- Dropout: a mask is drawn at the first step and stays for the sequence ---

  /** Factors for the inputs; null where none are dropped. */
  getDropoutMask(stepInput: Tensor): readonly Tensor[] | null {
    if (!this.#isUsable(this.#masks.inputs)) {
      this.#masks = { ...this.#masks, inputs: this.#draw(stepInput, this.dropout) };
    }
    return this.#masks.inputs;
  }

  /** Factors for the first state; null where none are dropped. */
  getRecurrentDropoutMask(stepState: Tensor): readonly Tensor[] | null {
    if (!this.#isUsable(this.#masks.states)) {
      this.#masks = { ...this.#masks, states: this.#draw(stepState, this.recurrentDropout) };
    }
    return this.#masks.states;
  }

  /** Lets the next step draw anew. */
  resetDropoutMask(): void {
    this.#masks = { ...this.#masks, inputs: null };
  }

  /** Lets the next step draw anew. */
  resetRecurrentDropoutMask(): void {
    this.#masks = { ...this.#masks, states: null };
  }

  /** @internal Draws the masks of a sequence, whether or not the layer trains, as in Keras. */
  drawMasks(stepInput: Tensor, stepState: Tensor): DropoutMasks {
    this.#masks = noMasks;
    const inputs = this.getDropoutMask(stepInput);
    const states = this.getRecurrentDropoutMask(stepState);
    this.#masks = noMasks;
    return { inputs, states, areHeld: true };
  }

  /** @internal Puts masks into force, and returns those before. */
  exchangeMasks(masks: DropoutMasks): DropoutMasks {
    const before = this.#masks;
    this.#masks = masks;
    return before;
  }

  #draw(like: Tensor, rate: number): readonly Tensor[] | null {
    if (rate === 0) return null;
    return Array.from({ length: this.maskCount }, () =>
      dropout(onesLike(like), rate, { seed: this.seedGenerator }),
    );
  }

  /** Masks of a trace end with it, unless a layer holds them for its loop. */
  #isUsable(masks: readonly Tensor[] | null): boolean {
    if (masks === null) return false;
    return masks.every(
      (mask) =>
        !mask.isDisposed &&
        (this.#masks.areHeld || mask.symbol === null || mask.symbol.tracer === state.tracer),
    );
  }

  /** Whether a rate drops anything; at 1 Keras's gated cells drop nothing. */
  protected drops(rate: number): boolean {
    return rate > 0 && rate < 1;
  }

  /** The inputs of each gate, or of all gates together (then one tensor). */
  protected droppedInputs(inputs: Tensor, training: boolean): readonly Tensor[] {
    if (!training || !this.drops(this.dropout)) return [inputs];
    // [batch, …] or, for all steps, [time, batch, …]; a mask is [batch, …].
    const masks = this.getDropoutMask(inputs) as readonly Tensor[];
    return masks.map((mask) => multiply(inputs, mask));
  }

  /** Factors for the first state of each gate; null where all are 1. */
  protected stateFactors(stepState: Tensor, training: boolean): readonly Tensor[] | null {
    if (!training || !this.drops(this.recurrentDropout)) return null;
    return this.getRecurrentDropoutMask(stepState);
  }
}

/** An option's value; null stands for itself. */
export function orDefault<T>(value: T | undefined, fallback: T): T {
  return value === undefined ? fallback : value;
}

function checkRate(value: number | undefined, layer: string, name: string): number {
  const rate = value ?? 0;
  if (typeof rate !== "number" || Number.isNaN(rate)) {
    throw new ArgumentError(
      `${layer}: ${name} must be a number from 0 to 1, got ${describe(rate)}.`,
    );
  }
  // Keras takes others for the nearest of these.
  return Math.min(1, Math.max(0, rate));
}

/** The state of each gate, or of all gates together (then one tensor). */
export function scaledStates(h: Tensor, factors: readonly Tensor[] | null): readonly Tensor[] {
  return factors === null ? [h] : factors.map((factor) => multiply(h, factor));
}

/** Products with a kernel whose columns belong to gates: of one input, or of one for each gate. */
export function gateProducts(inputs: readonly Tensor[], kernel: Tensor): Tensor {
  if (inputs.length === 1) return matmul(inputs[0] as Tensor, kernel);
  const parts = split(kernel, inputs.length, { axis: 1 });
  return concatenate(
    inputs.map((x, gate) => matmul(x, parts[gate] as Tensor)),
    { axis: -1 },
  );
}

/** Keras's configs leave out what only chooses how to compute. */
export function visibleParameters(names: readonly string[]): readonly string[] {
  return names.filter((name) => name !== "implementation" && name !== "use_cudnn");
}
