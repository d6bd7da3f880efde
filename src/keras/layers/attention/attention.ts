/**
 * @module
 */
import { dropout } from "../../../nn/random.ts";
import { SeedGenerator } from "../../../nn/seed-generator.ts";
import { add, multiply, subtract } from "../../../ops/arithmetic.ts";
import { logicalAnd, logicalNot, where } from "../../../ops/comparison.ts";
import { tanh } from "../../../ops/exponential.ts";
import { matmul } from "../../../ops/linear.ts";
import { sum } from "../../../ops/reduction.ts";
import { expandDims, swapaxes } from "../../../ops/shaping.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { Variable } from "../../../tensor/variable.ts";
import { ArgumentError, describe } from "../../../util/errors.ts";
import { softmax } from "../../activations/index.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import { type CallOptions, Layer, type LayerOptions } from "../layer.ts";
import { isShape } from "../shape-trees.ts";
import { causalMask } from "./attention-masks.ts";

/** Options of `Attention`. */
export interface AttentionOptions extends LayerOptions {
  /** Whether the scores have a trained factor. */
  useScale?: boolean | undefined;
  /** `"dot"`: of query and key; `"concat"`: the tanh of their sum, added up. */
  scoreMode?: "dot" | "concat" | undefined;
  /** The fraction of the weights that is dropped. */
  dropout?: number | undefined;
  seed?: number | null | undefined;
}

type Shapes = readonly (readonly (number | null)[])[];

/**
 * Dot-product attention of `[query, value]` or `[query, value, key]`:
 * `softmax(query · keyᵀ) · value`, from `[batch, Tq, dim]` and
 * `[batch, Tv, dim]` to `[batch, Tq, dim]`.
 *
 * In a call, `{ mask: [queryMask, valueMask] }` (each `[batch, T]`) leaves out
 * values and zeroes outputs, `{ useCausalMask: true }` hides later values, and
 * `{ returnAttentionScores: true }` asks for `[output, scores]`.
 *
 * @example
 * const query = ops.ones([2, 3, 4]);
 * const value = ops.ones([2, 5, 4]);
 * new layers.Attention()([query, value]).shape; // [2, 3, 4]
 */
export class Attention extends Layer {
  static override readonly parameters: ParameterTable = {
    use_scale: false,
    score_mode: "dot",
    dropout: 0,
    seed: null,
    [inherits]: true,
  };
  readonly useScale: boolean;
  readonly scoreMode: "dot" | "concat";
  readonly dropout: number;
  readonly seed: number | null;
  declare readonly seedGenerator: SeedGenerator;
  declare scale: Variable | null;
  declare concatScoreWeight: Variable | null;

  constructor(options: AttentionOptions = {}) {
    super(options);
    const { name } = new.target;
    this.useScale = options.useScale ?? false;
    this.scoreMode = options.scoreMode ?? "dot";
    this.dropout = options.dropout ?? 0;
    this.seed = options.seed ?? null;
    if (this.scoreMode !== "dot" && this.scoreMode !== "concat") {
      throw new ArgumentError(
        `${name}: scoreMode must be "dot" or "concat", got ${describe(this.scoreMode)}.`,
      );
    }
    if (this.dropout > 0) this.seedGenerator = new SeedGenerator(this.seed);
  }

  override build(inputShapes: Shapes): void {
    this.checkCount(inputShapes, isShape(inputShapes));
    this.scale = this.useScale ? this.#addFactor("scale") : null;
    this.concatScoreWeight =
      this.scoreMode === "concat" ? this.#addFactor("concat_score_weight") : null;
  }

  #addFactor(name: string): Variable {
    return this.addWeight({ name, shape: [], initializer: "ones" });
  }

  /** @throws {ArgumentError} If it is not called on two or three tensors in a list. */
  protected checkCount(inputs: unknown, isOne = false): void {
    if (!isOne && Array.isArray(inputs) && (inputs.length === 2 || inputs.length === 3)) return;
    throw new ArgumentError(
      `Layer "${this.name}" takes a list, [query, value] or [query, value, key], got ` +
        `${isOne ? "one tensor" : describe(inputs)}.`,
      { layer: this.name },
    );
  }

  /** How well each key, [batch, Tv, dim], fits each query, [batch, Tq, dim]: [batch, Tq, Tv]. */
  protected scores(query: Tensor, key: Tensor): Tensor {
    const { scale } = this;
    if (this.scoreMode === "dot") {
      const products = matmul(query, swapaxes(key, -2, -1));
      return scale === null ? products : multiply(products, scale);
    }
    const pairs = add(expandDims(query, -2), expandDims(key, -3));
    const fits = sum(tanh(scale === null ? pairs : multiply(scale, pairs)), { axis: -1 });
    return multiply(this.concatScoreWeight as Variable, fits);
  }

  override call(inputs: readonly Tensor[], options: CallOptions = {}): Tensor | Tensor[] {
    const { mask = null, training, returnAttentionScores, useCausalMask } = options;
    this.checkCount(inputs);
    if (mask !== null) this.#checkMasks(mask);
    const [query, value, key = value] = inputs as readonly [Tensor, Tensor, Tensor?];
    const [queryMask = null, valueMask = null] = (mask ?? []) as (Tensor | null)[];
    const scores = this.scores(query, key);
    const weights = softmax(this.#masked(scores, valueMask, useCausalMask === true), { axis: -1 });
    const isTraining = training === true && this.dropout > 0;
    const kept = isTraining
      ? dropout(weights, this.dropout, { seed: this.seedGenerator })
      : weights;
    let output = matmul(kept, value);
    if (queryMask !== null) output = where(expandDims(queryMask, -1), output, 0);
    return returnAttentionScores === true ? [output, kept] : output;
  }

  #checkMasks(mask: unknown): void {
    if (Array.isArray(mask) && (mask.length === 2 || mask.length === 3)) return;
    throw new ArgumentError(
      `Layer "${this.name}" takes the masks as a list, [queryMask, valueMask], got ` +
        `${describe(mask)}.`,
      { layer: this.name },
    );
  }

  /** Scores of pairs that do not count become so low that their weights are 0. */
  #masked(scores: Tensor, valueMask: Tensor | null, isCausal: boolean): Tensor {
    let seen = valueMask;
    if (isCausal) {
      const past = causalMask(scores.shape.at(-2) as number, scores.shape.at(-1) as number);
      seen = valueMask === null ? past : logicalAnd(expandDims(valueMask, -2), past);
    }
    if (seen === null) return scores;
    let hidden = logicalNot(seen);
    if (hidden.ndim === 2) hidden = expandDims(hidden, -2);
    // As far down as float16 reaches, or far enough.
    return where(hidden, subtract(scores, scores.dtype === "float16" ? 65504 : 1e9), scores);
  }

  override computeMask(_inputs: unknown, previousMask: unknown): unknown {
    return Array.isArray(previousMask) ? ((previousMask[0] as unknown) ?? null) : null;
  }
}
