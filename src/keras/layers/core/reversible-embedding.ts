/**
 * @module
 */
import { divide, multiply } from "../../../ops/arithmetic.ts";
import { cast } from "../../../ops/creation.ts";
import { tanh } from "../../../ops/exponential.ts";
import { matmul } from "../../../ops/linear.ts";
import { transpose } from "../../../ops/shaping.ts";

import type { Tensor } from "../../../tensor/tensor.ts";
import type { Variable } from "../../../tensor/variable.ts";
import type { DType } from "../../../util/dtypes.ts";
import type * as initializers from "../../initializers/index.ts";
import { setMask } from "../../masks.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import type { CallOptions } from "../layer.ts";
import { adapted } from "../lora.ts";
import { Embedding, type EmbeddingOptions } from "./embedding.ts";

/** Options of `ReversibleEmbedding`. */
export interface ReversibleEmbeddingOptions extends EmbeddingOptions {
  /** Whether the way back uses the same table. */
  tieWeights?: boolean | undefined;
  /** What the way back is computed in. Default: the compute dtype. */
  reverseDtype?: DType | null | undefined;
  /** Holds logits between minus this and this: `cap * tanh(logits / cap)`. */
  logitSoftCap?: number | null | undefined;
}

/**
 * An embedding that also goes back: with `{ reverse: true }` from `[…,
 * outputDim]` to logits `[…, inputDim]`.
 *
 * @example
 * const layer = new layers.ReversibleEmbedding(100, 8);
 * const hidden = layer(tensor([[4, 10, 0]], { dtype: "int32" })); // [1, 3, 8]
 * layer(hidden, { reverse: true }).shape; // [1, 3, 100]
 */
export class ReversibleEmbedding extends Embedding {
  static override readonly parameters: ParameterTable = {
    tie_weights: true,
    reverse_dtype: null,
    logit_soft_cap: null,
    [inherits]: true,
  };
  readonly tieWeights: boolean;
  readonly reverseDtype: DType | null;
  readonly logitSoftCap: number | null;
  declare reverseEmbeddings: Variable;

  constructor(inputDim: number, outputDim: number, options: ReversibleEmbeddingOptions = {}) {
    super(inputDim, outputDim, options);
    this.tieWeights = options.tieWeights ?? true;
    this.reverseDtype = options.reverseDtype ?? null;
    this.logitSoftCap = options.logitSoftCap ?? null;
  }

  override build(inputShape?: readonly (number | null)[]): void {
    super.build(inputShape);
    if (this.tieWeights) return;
    this.reverseEmbeddings = this.addWeight({
      name: "reverse_embeddings",
      shape: [this.outputDim, this.inputDim],
      initializer: this.embeddingsInitializer as initializers.InitializerLike,
    });
  }

  override call(inputs: Tensor, { reverse }: CallOptions = {}): Tensor {
    if (reverse) return this.#logits(inputs);
    const outputs = super.call(inputs);
    setMask(outputs, super.computeMask(inputs));
    return outputs;
  }

  #logits(inputs: Tensor): Tensor {
    const { reverseDtype, logitSoftCap } = this;
    const table = this.tieWeights
      ? transpose(adapted(this, "embeddings"))
      : this.reverseEmbeddings.value;
    const logits =
      reverseDtype === null
        ? matmul(inputs, table)
        : matmul(cast(inputs, reverseDtype), cast(table, reverseDtype));
    if (logitSoftCap === null) return logits;
    return multiply(tanh(divide(logits, logitSoftCap)), logitSoftCap);
  }

  /** `call` attaches it: logits have none. */
  override computeMask(_inputs: Tensor): null {
    return null;
  }
}
