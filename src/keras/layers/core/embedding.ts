/**
 * @module
 */
import { notEqual } from "../../../ops/comparison.ts";
import { cast } from "../../../ops/creation.ts";
import { take } from "../../../ops/indexing.ts";
import type { ArrayLike } from "../../../tensor/create.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { Variable } from "../../../tensor/variable.ts";
import * as constraints from "../../constraints/index.ts";
import * as initializers from "../../initializers/index.ts";
import {
  type Config,
  type ConstructorOf,
  inherits,
  type ParameterTable,
  required,
} from "../../object.ts";
import * as regularizers from "../../regularizers/index.ts";
import { addParameter } from "../add-parameter.ts";
import { checkPositiveInteger, refuseQuantization } from "../arguments.ts";
import { Layer, type LayerOptions } from "../layer.ts";
import {
  adapted,
  type EnableLoraOptions,
  enableGivenLora,
  enableLora,
  type LoraOptions,
  mergeLora,
  readLora,
  withLoraOfZeros,
} from "../lora.ts";

/** Options of `Embedding`. */
export interface EmbeddingOptions extends Omit<LayerOptions, "inputDim">, LoraOptions {
  embeddingsInitializer?: initializers.InitializerLike | undefined;
  embeddingsRegularizer?: regularizers.RegularizerLike | undefined;
  embeddingsConstraint?: constraints.ConstraintLike | undefined;
  /** Whether 0 means "no token": layers after it get a mask. */
  maskZero?: boolean | undefined;
  /** The table itself, `[inputDim, outputDim]`. */
  weights?: Tensor | ArrayLike | readonly (Tensor | ArrayLike)[] | null | undefined;
}

/**
 * Vectors for integers: `[…]` of indices below `inputDim` to `[…, outputDim]`.
 *
 * @example
 * const words = new layers.Embedding(1000, 64);
 * words(tensor([[4, 10, 0]], { dtype: "int32" })).shape; // [1, 3, 64]
 */
export class Embedding extends Layer {
  static override readonly parameters: ParameterTable = {
    input_dim: required,
    output_dim: required,
    embeddings_initializer: "uniform",
    embeddings_regularizer: null,
    embeddings_constraint: null,
    mask_zero: false,
    weights: null,
    lora_rank: null,
    lora_alpha: null,
    quantization_config: null,
    [inherits]: true,
  };
  readonly inputDim: number;
  readonly outputDim: number;
  readonly embeddingsInitializer: unknown;
  readonly embeddingsRegularizer: unknown;
  readonly embeddingsConstraint: unknown;
  readonly maskZero: boolean;
  readonly quantizationConfig: null = null;
  declare embeddings: Variable;
  declare loraRank: number | undefined;
  declare loraAlpha: number | undefined;
  declare loraEnabled: boolean;
  declare loraEmbeddingsA: Variable | undefined;
  declare loraEmbeddingsB: Variable | undefined;

  constructor(inputDim: number, outputDim: number, options: EmbeddingOptions = {}) {
    const { weights = null, ...rest } = options;
    super({ ...rest, autocast: false });
    readLora(this, options, "Embedding");
    refuseQuantization("Embedding", options);
    this.inputDim = checkPositiveInteger(inputDim, "Embedding", "inputDim");
    this.outputDim = checkPositiveInteger(outputDim, "Embedding", "outputDim");
    this.embeddingsInitializer = initializers.get(options.embeddingsInitializer ?? "uniform");
    this.embeddingsRegularizer = regularizers.get(options.embeddingsRegularizer ?? null);
    this.embeddingsConstraint = constraints.get(options.embeddingsConstraint ?? null);
    this.maskZero = options.maskZero ?? false;
    this.supportsMasking = this.maskZero;
    if (weights !== null) {
      this.build();
      const isList = Array.isArray(weights) && weights.length === 1;
      this.setWeights((isList ? weights : [weights]) as (Tensor | ArrayLike)[]);
    }
  }

  override build(_inputShape?: readonly (number | null)[]): void {
    if (this.built) return;
    this.embeddings = addParameter(this, "embeddings", [this.inputDim, this.outputDim]);
    enableGivenLora(this, "embeddings");
  }

  /** Older configs hold an `input_length`, which says nothing. */
  static override fromConfig<T>(this: ConstructorOf<T>, config: Config): T {
    const { input_length: _, ...rest } = config;
    return Layer.fromConfig.call(this, rest) as T;
  }

  /** `input_dim` is an argument of its own here; the table itself is for files, not for configs. */
  protected override get configParameters(): readonly string[] {
    return ["input_dim", ...super.configParameters.filter((name) => name !== "weights")];
  }

  override call(inputs: Tensor): Tensor {
    const isIndex = inputs.dtype === "int32" || inputs.dtype === "int64";
    const indices = isIndex ? inputs : cast(inputs, "int32");
    return cast(take(adapted(this, "embeddings"), indices, { axis: 0 }), this.computeDtype);
  }

  override computeMask(inputs: Tensor): Tensor | null {
    return this.maskZero ? notEqual(inputs, 0) : null;
  }

  /**
   * Freezes the embeddings and trains a product of a low rank in its place
   * (arXiv:2106.09685). Files hold the sum of both.
   *
   * @throws {StateError} If the layer is not built or has been adapted.
   */
  enableLora(rank: number, options: EnableLoraOptions = {}): void {
    enableLora(this, "embeddings", rank, options);
  }

  override saveOwnVariables(store: Record<string, Variable | Tensor>): void {
    super.saveOwnVariables(store);
    mergeLora(this, "embeddings", store);
  }

  override loadOwnVariables(store: Readonly<Record<string, Tensor>>): void {
    super.loadOwnVariables(withLoraOfZeros(this, "embeddings", store));
  }
}
