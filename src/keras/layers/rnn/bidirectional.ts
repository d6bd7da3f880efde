/**
 * @module
 */
import { add, divide, multiply } from "../../../ops/arithmetic.ts";
import { cast } from "../../../ops/creation.ts";
import { concatenate } from "../../../ops/joining.ts";
import { flip } from "../../../ops/shaping.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { ArgumentError, describe, StateError } from "../../../util/errors.ts";
import {
  type Config,
  type ConstructorOf,
  construct,
  inherits,
  type KerasClass,
  type ParameterTable,
  required,
} from "../../object.ts";
import {
  deserializeKerasObject,
  type SerializedObject,
  serializeKerasObject,
} from "../../saving/serialization.ts";
import { type CallOptions, Layer, type LayerOptions } from "../layer.ts";
import type { States } from "./cells.ts";
import { type RNN, withStateAsOption } from "./rnn.ts";

/** How the outputs of two directions become one; null: not at all. */
export type MergeMode = "sum" | "mul" | "ave" | "concat" | null;

const mergeModes: readonly MergeMode[] = ["sum", "mul", "ave", "concat", null];

/** A recurrent layer, or one that works like one. */
export type RecurrentLayer = Layer &
  Pick<RNN, "goBackwards" | "returnSequences" | "returnState" | "stateful"> &
  Partial<Pick<RNN, "states" | "resetState">> & { zeroOutputForMask?: boolean };

/** Options of `Bidirectional`. */
export interface BidirectionalOptions extends LayerOptions {
  mergeMode?: MergeMode | undefined;
  /** The layer that goes backwards. Default: a copy of the other one. */
  backwardLayer?: RecurrentLayer | null | undefined;
}

/**
 * A recurrent layer from both ends: a copy of `layer` goes forwards, another
 * one backwards, and their outputs are put together.
 *
 * @example
 * const layer = new layers.Bidirectional(new layers.LSTM(4, { returnSequences: true }));
 * layer(ops.ones([2, 10, 8])).shape; // [2, 10, 8]
 */
export class Bidirectional extends Layer {
  static override readonly parameters: ParameterTable = {
    layer: required,
    merge_mode: "concat",
    backward_layer: null,
    [inherits]: true,
  };
  readonly forwardLayer: RecurrentLayer;
  readonly backwardLayer: RecurrentLayer;
  readonly mergeMode: MergeMode;
  readonly stateful: boolean;
  readonly returnSequences: boolean;
  readonly returnState: boolean;

  constructor(layer: RecurrentLayer, options: BidirectionalOptions = {}) {
    super(options);
    const { mergeMode = "concat", backwardLayer = null } = options;
    for (const given of backwardLayer === null ? [layer] : [layer, backwardLayer]) {
      if (!(given instanceof Layer)) {
        throw new ArgumentError(`Bidirectional: expected a layer, got ${describe(given)}.`);
      }
    }
    if (!mergeModes.includes(mergeMode)) {
      throw new ArgumentError(
        `Bidirectional: mergeMode must be one of ${mergeModes.map((m) => JSON.stringify(m)).join(", ")}, ` +
          `got ${describe(mergeMode)}.`,
      );
    }
    this.forwardLayer = copyOf(layer, "forward_", {});
    this.backwardLayer = backwardLayer ?? copyOf(layer, "backward_", { go_backwards: true });
    this.#checkLayers();
    for (const inner of [this.forwardLayer, this.backwardLayer]) {
      // Masked steps must not show what the other direction has not seen there.
      if (inner.zeroOutputForMask !== undefined) inner.zeroOutputForMask = inner.returnSequences;
    }
    this.mergeMode = mergeMode;
    this.stateful = layer.stateful;
    this.returnSequences = layer.returnSequences;
    this.returnState = layer.returnState;
    this.inputSpec = layer.inputSpec;
  }

  #checkLayers(): void {
    const { forwardLayer, backwardLayer } = this;
    if (forwardLayer.goBackwards === backwardLayer.goBackwards) {
      throw new ArgumentError(
        "Bidirectional: one layer must go forwards and the other backwards, got goBackwards: " +
          `${forwardLayer.goBackwards} for both.`,
      );
    }
    for (const name of ["stateful", "returnSequences", "returnState"] as const) {
      if (forwardLayer[name] === backwardLayer[name]) continue;
      throw new ArgumentError(
        `Bidirectional: both layers must have the same ${name}, got ${forwardLayer[name]} ` +
          `forwards and ${backwardLayer[name]} backwards.`,
      );
    }
  }

  /** The layer that goes forwards, as configs call it. */
  get layer(): RecurrentLayer {
    return this.forwardLayer;
  }

  /** The states of both layers, if they are stateful and built. */
  get states(): readonly States[] | null {
    const [forward, backward] = [this.forwardLayer.states, this.backwardLayer.states];
    return forward && backward ? [...forward, ...backward] : null;
  }

  override get callParameters(): readonly string[] {
    return ["sequences", "initialState"];
  }

  /** Sets the states of stateful layers to zero. @throws {StateError} If they are not stateful. */
  resetState(): void {
    if (!this.stateful) {
      throw new StateError(
        `Layer "${this.name}" is not stateful and has no states to reset. Make its layer with ` +
          "stateful: true.",
        { layer: this.name },
      );
    }
    this.forwardLayer.resetState?.();
    this.backwardLayer.resetState?.();
  }

  /** The same as `resetState`. */
  resetStates(): void {
    this.resetState();
  }

  override build(sequencesShape: readonly (number | null)[], _initialStateShape?: unknown): void {
    for (const layer of [this.forwardLayer, this.backwardLayer]) {
      if (!layer.built) layer.build(sequencesShape);
    }
  }

  /** @internal */
  override invoke(given: unknown[]): unknown {
    return super.invoke(withStateAsOption(given));
  }

  override call(
    sequences: Tensor,
    { initialState = null, mask = null, training }: CallOptions = {},
  ): unknown {
    const half = initialState === null ? 0 : (initialState as unknown[]).length / 2;
    const run = (layer: RecurrentLayer, state: unknown): unknown[] => {
      const options: CallOptions = {};
      if (training !== undefined) options.training = training;
      if (mask !== null) options["mask"] = mask;
      if (state !== null) options["initialState"] = state;
      const outputs = layer.invoke([sequences, options]);
      return this.returnState ? (outputs as unknown[]) : [outputs];
    };
    const [forward, ...forwardStates] = run(
      this.forwardLayer,
      initialState === null ? null : (initialState as unknown[]).slice(0, half),
    );
    const [backward, ...backwardStates] = run(
      this.backwardLayer,
      initialState === null ? null : (initialState as unknown[]).slice(half),
    );
    const y = cast(forward as Tensor, this.computeDtype);
    const reversed = cast(backward as Tensor, this.computeDtype);
    const merged = this.#merge(y, this.returnSequences ? flip(reversed, { axis: 1 }) : reversed);
    if (!this.returnState) return merged.length === 1 ? merged[0] : merged;
    return [...merged, ...forwardStates, ...backwardStates];
  }

  #merge(y: Tensor, reversed: Tensor): Tensor[] {
    switch (this.mergeMode) {
      case "concat":
        return [concatenate([y, reversed], { axis: -1 })];
      case "sum":
        return [add(y, reversed)];
      case "ave":
        return [divide(add(y, reversed), 2)];
      case "mul":
        return [multiply(y, reversed)];
      case null:
        return [y, reversed];
    }
  }

  override computeMask(_inputs: unknown, previousMask: unknown): unknown {
    const mask = Array.isArray(previousMask) ? (previousMask[0] as unknown) : previousMask;
    const own = this.returnSequences ? mask : null;
    return this.mergeMode === null ? [own, own] : own;
  }

  static override fromConfig<T>(
    this: ConstructorOf<T>,
    config: Config,
    customObjects?: Readonly<Record<string, unknown>>,
  ): T {
    const { layer, backward_layer: backward = null, ...others } = config;
    const made: Config = { layer: deserializeKerasObject(layer, { customObjects }) };
    if (backward !== null) {
      made["backward_layer"] = deserializeKerasObject(backward, { customObjects });
    }
    return construct(this as unknown as KerasClass<T>, { ...others, ...made });
  }
}

/** The layer anew, without its state, under a name with a prefix. */
function copyOf(layer: RecurrentLayer, prefix: string, changes: Config): RecurrentLayer {
  const serialized = serializeKerasObject(layer) as SerializedObject;
  const { name } = layer;
  const config = {
    ...(serialized.config as Config),
    ...changes,
    name: `${prefix}${name.startsWith(prefix) ? name.slice(prefix.length) : name}`,
  };
  return deserializeKerasObject(
    { ...serialized, config },
    { customObjects: { [layer.constructor.name]: layer.constructor } },
  ) as RecurrentLayer;
}
