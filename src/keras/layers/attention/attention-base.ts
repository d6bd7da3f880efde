/**
 * What attention layers with heads share: options, projections, masks.
 *
 * @module
 */
import { multiply } from "../../../ops/arithmetic.ts";
import { dotProductAttention } from "../../../ops/attention.ts";
import { cast } from "../../../ops/creation.ts";
import { einsum } from "../../../ops/einsum.ts";
import { isFlashAttentionEnabled } from "../../../runtime/settings.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { ArgumentError, describe } from "../../../util/errors.ts";
import { isPlainObject } from "../../../util/pytree.ts";
import type * as constraints from "../../constraints/index.ts";
import type * as initializers from "../../initializers/index.ts";
import { getMask, setMask } from "../../masks.ts";
import { type KerasClass, KerasObject, type ParameterTable } from "../../object.ts";
import type * as regularizers from "../../regularizers/index.ts";
import type { Softmax } from "../activations/softmax.ts";
import { EinsumDense } from "../core/einsum-dense.ts";
import { KernelLayer, type KernelOptions, kernelParameters } from "../core/kernel-layer.ts";
import type { CallOptions } from "../layer.ts";
import type { Dropout } from "../regularization/dropout.ts";
import { causalMask, combinedMask, withAxes } from "./attention-masks.ts";

/** Options of attention layers with heads. */
export interface HeadsOptions extends KernelOptions {
  /** The fraction of the weights that is dropped. */
  dropout?: number | undefined;
  useBias?: boolean | undefined;
  /** How far a query sees: keys less than so many positions away. */
  slidingWindow?: number | null | undefined;
  /** Whether the scores may not exist as a whole; then they cannot be returned or dropped. */
  flashAttention?: boolean | null | undefined;
  /** Whether a gate, `sigmoid(query · kernel)`, scales what heads give. */
  useGate?: boolean | undefined;
  seed?: number | null | undefined;
}

/** The arguments that they have in common. */
export const headsParameters: ParameterTable = {
  dropout: 0,
  use_bias: true,
  sliding_window: null,
  flash_attention: null,
  ...kernelParameters,
  use_gate: false,
  seed: null,
};

/** The inputs and options of a call. */
export interface HeadsCall {
  readonly query: Tensor;
  readonly value: Tensor;
  readonly key: Tensor;
  readonly options: CallOptions;
}

/** How scores come from keys and queries, and results from weights and values. */
export interface Equations {
  readonly scores: (query: Tensor, key: Tensor) => Tensor;
  readonly combine: (weights: Tensor, value: Tensor) => Tensor;
  /** How many axes are attended over. */
  readonly axes: number;
}

/**
 * What is seen: by a mask, or that the causal mask is all there is, which the
 * attention op knows how to leave out without a mask.
 */
export interface Seen {
  readonly mask: Tensor | null;
  readonly isCausal: boolean;
}

/** The layers before and behind the heads. */
export interface Projections {
  readonly query: EinsumDense;
  readonly key: EinsumDense;
  readonly value: EinsumDense;
  readonly output: EinsumDense;
}

/** Attention of several heads. */
export abstract class HeadsAttention extends KernelLayer {
  readonly dropout: number;
  readonly useBias: boolean;
  readonly slidingWindow: number | null;
  readonly flashAttention: boolean;
  readonly useGate: boolean;
  readonly seed: number | null;
  // Their names begin as in Keras's files, where they are not public.
  declare _gateDense: EinsumDense;
  declare _softmax: Softmax;
  declare _dropoutLayer: Dropout;

  constructor(options: HeadsOptions = {}) {
    super(options);
    const { name } = new.target;
    this.supportsMasking = true;
    this.dropout = options.dropout ?? 0;
    this.useBias = options.useBias ?? true;
    this.slidingWindow = options.slidingWindow ?? null;
    if (
      this.slidingWindow !== null &&
      !(Number.isInteger(this.slidingWindow) && this.slidingWindow > 0)
    ) {
      throw new ArgumentError(
        `${name}: slidingWindow must be a positive integer or null, got ` +
          `${describe(this.slidingWindow)}.`,
      );
    }
    this.flashAttention = (options.flashAttention ?? false) || isFlashAttentionEnabled() === true;
    this.useGate = options.useGate ?? false;
    this.seed = options.seed ?? null;
    if (this.flashAttention && this.dropout > 0) {
      throw new ArgumentError(
        `${name}: flash attention cannot drop weights. Leave out dropout or flashAttention.`,
      );
    }
  }

  protected override get configParameters(): readonly string[] {
    return super.configParameters.filter((name) => name !== "flash_attention");
  }

  override get callParameters(): readonly string[] {
    return ["query", "value", "key"];
  }

  /** A penalty on what the projections give. */
  protected abstract get innerRegularizer(): unknown;

  /** A projection of the inputs or the result. Each has initializers of its own. */
  protected project(
    name: string,
    equation: string,
    outputShape: readonly (number | null)[],
    biasAxes: string,
    shape: readonly (number | null)[],
    activation: string | null = null,
  ): EinsumDense {
    const dense = new EinsumDense(equation, outputShape, {
      name,
      activation,
      biasAxes: this.useBias ? biasAxes : null,
      kernelInitializer: copyOf(this.kernelInitializer) as initializers.InitializerLike,
      biasInitializer: copyOf(this.biasInitializer) as initializers.InitializerLike,
      kernelRegularizer: this.kernelRegularizer as regularizers.RegularizerLike,
      biasRegularizer: this.biasRegularizer as regularizers.RegularizerLike,
      activityRegularizer: this.innerRegularizer as regularizers.RegularizerLike,
      kernelConstraint: this.kernelConstraint as constraints.ConstraintLike,
      biasConstraint: this.biasConstraint as constraints.ConstraintLike,
      dtype: this.dtypePolicy,
    });
    dense.build(shape);
    return dense;
  }

  /** The inputs of a call, of which the key is optional, and its options. */
  protected readCall(args: readonly unknown[]): HeadsCall {
    const last = args.at(-1);
    const hasOptions = isPlainObject(last);
    const [query, value, key] = (hasOptions ? args.slice(0, -1) : args) as (Tensor | null)[];
    if (!query || !value) {
      throw new ArgumentError(
        `Layer "${this.name}" takes a query and a value (and a key): layer(query, value).`,
        { layer: this.name },
      );
    }
    return { query, value, key: key ?? value, options: hasOptions ? (last as CallOptions) : {} };
  }

  /** Runs `fn` with the inputs' masks off: its inner layers have no use for them. */
  protected withoutMasks<T>({ query, value, key }: HeadsCall, fn: () => T): T {
    const masks = [query, value, key].map((input) => [input, getMask(input)] as const);
    for (const [input] of masks) setMask(input, null);
    try {
      return fn();
    } finally {
      for (const [input, mask] of masks) setMask(input, mask);
    }
  }

  /** What is seen. */
  protected maskOf(query: Tensor, value: Tensor, options: CallOptions): Seen {
    const given = (name: string): Tensor | null => (options[name] as Tensor | undefined) ?? null;
    const isCausal = options["useCausalMask"] === true;
    const [queryMask, valueMask, keyMask, attentionMask] = [
      given("queryMask"),
      given("valueMask"),
      given("keyMask"),
      given("attentionMask"),
    ];
    const { slidingWindow } = this;
    const others = [queryMask, valueMask, keyMask, attentionMask, slidingWindow];
    if (isCausal && others.every((other) => other === null)) return { mask: null, isCausal };
    const mask = combinedMask(query.shape[1] as number, value.shape[1] as number, {
      queryMask,
      valueMask,
      keyMask,
      attentionMask,
      isCausal,
      slidingWindow,
    });
    return { mask, isCausal: false };
  }

  /** From the inputs through the projections; `repeat` as for `#attend`. */
  protected through(
    { query, value, key, options }: HeadsCall,
    dense: Projections,
    seen: Seen,
    headSize: number,
    equations: Equations,
    repeat?: (x: Tensor) => Tensor,
  ): { result: Tensor; scores: Tensor | null } {
    const run = (layer: EinsumDense, x: Tensor): Tensor => layer.invoke([x]) as Tensor;
    const gate = this.useGate ? run(this._gateDense, query) : null;
    const [output, scores] = this.#attend(
      [run(dense.query, query), run(dense.key, key), run(dense.value, value)],
      seen,
      options,
      1 / Math.sqrt(headSize),
      equations,
      repeat,
    );
    const result = run(dense.output, gate === null ? output : multiply(output, gate));
    return { result, scores: options["returnAttentionScores"] === true ? scores : null };
  }

  /**
   * Results and, if they are asked for, weights. Keys and values may be of
   * fewer heads in the fused op; `repeat` makes them as many as the queries'.
   */
  #attend(
    [query, key, value]: readonly [Tensor, Tensor, Tensor],
    seen: Seen,
    options: CallOptions,
    scale: number,
    { scores: scoresOf, combine, axes }: Equations,
    repeat: (x: Tensor) => Tensor = (x) => x,
  ): [output: Tensor, weights: Tensor | null] {
    const returnsScores = options["returnAttentionScores"] === true;
    if (this.flashAttention && returnsScores) {
      throw new ArgumentError(
        `Layer "${this.name}": with flash attention there are no scores to return. Make the ` +
          "layer without flashAttention.",
        { layer: this.name },
      );
    }
    if (this.dropout === 0 && !returnsScores && query.ndim === 4) {
      const mask = seen.mask === null ? null : withAxes(seen.mask, 4, 2 * axes);
      const output = dotProductAttention(query, key, value, {
        mask,
        scale,
        isCausal: seen.isCausal,
        flashAttention: this.flashAttention ? true : null,
      });
      return [output, null];
    }
    const mask = seen.isCausal
      ? causalMask(query.shape[1] as number, value.shape[1] as number)
      : seen.mask;
    const scores = scoresOf(multiply(query, cast(scale, query.dtype)), repeat(key));
    const aligned = mask === null ? null : withAxes(mask, scores.ndim, 2 * axes);
    const weights = this._softmax.invoke([scores, { mask: aligned }]) as Tensor;
    const { training } = options;
    const kept =
      this.dropout > 0
        ? (this._dropoutLayer.invoke([
            weights,
            training === undefined ? {} : { training },
          ]) as Tensor)
        : weights;
    return [combine(kept, repeat(value)), weights];
  }
}

/** An initializer like another one: of the same seed, if it has one, else of a new one. */
function copyOf(initializer: unknown): unknown {
  if (!(initializer instanceof KerasObject)) return initializer;
  return (initializer.constructor as unknown as KerasClass).fromConfig(initializer.getConfig());
}

/** An einsum of two tensors. */
export function equationOf(equation: string): (a: Tensor, b: Tensor) => Tensor {
  return (a, b) => einsum(equation, a, b);
}
