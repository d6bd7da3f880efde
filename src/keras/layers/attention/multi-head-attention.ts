/**
 * @module
 */
import { einsum } from "../../../ops/einsum.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../../../util/errors.ts";
import { getMask, setMask } from "../../masks.ts";
import { type Config, inherits, type ParameterTable, required } from "../../object.ts";
import * as regularizers from "../../regularizers/index.ts";
import { serializeKerasObject } from "../../saving/serialization.ts";
import { Softmax } from "../activations/softmax.ts";
import { checkPositiveInteger } from "../arguments.ts";
import type { EinsumDense } from "../core/einsum-dense.ts";
import { Dropout } from "../regularization/dropout.ts";
import {
  type Equations,
  HeadsAttention,
  type HeadsOptions,
  headsParameters,
} from "./attention-base.ts";

/** Options of `MultiHeadAttention`. */
export interface MultiHeadAttentionOptions extends HeadsOptions {
  /** The size of each head's values. Default: `keyDim`. */
  valueDim?: number | null | undefined;
  /** The last axes of the output. Default: the last one of the query. */
  outputShape?: number | readonly number[] | null | undefined;
  /** The axes that are attended over. Default: all but batch and features. */
  attentionAxes?: number | readonly number[] | null | undefined;
}

type SymbolicShape = readonly (number | null)[];

const letters = "abcdefghijklmnopqrstuvwxyz";

/**
 * Multi-head attention of a query `[batch, T, dim]`, a value `[batch, S, dim]`
 * and a key like it (default: the value): `layer(query, value)` or
 * `layer(query, value, key)`, to `[batch, T, dim]`.
 *
 * In a call, `{ attentionMask }` (`[batch, T, S]`) says what is seen,
 * `{ useCausalMask: true }` hides what comes later, and
 * `{ returnAttentionScores: true }` asks for `[output, scores]`.
 *
 * Source: Vaswani et al., 2017, arXiv:1706.03762.
 *
 * @example
 * const layer = new layers.MultiHeadAttention(2, 4);
 * const x = ops.ones([2, 8, 16]);
 * layer(x, x, { useCausalMask: true }).shape; // [2, 8, 16]
 */
export class MultiHeadAttention extends HeadsAttention {
  static override readonly parameters: ParameterTable = {
    num_heads: required,
    key_dim: required,
    value_dim: null,
    output_shape: null,
    attention_axes: null,
    ...headsParameters,
    [inherits]: true,
  };
  readonly numHeads: number;
  readonly keyDim: number;
  readonly valueDim: number;
  readonly outputShape: readonly number[] | null;
  attentionAxes: readonly number[] | null;
  readonly #regularizer: regularizers.RegularizerFunction | null;
  #equations: Equations | null = null;
  declare queryDense: EinsumDense;
  declare keyDense: EinsumDense;
  declare valueDense: EinsumDense;
  declare outputDense: EinsumDense;

  constructor(numHeads: number, keyDim: number, options: MultiHeadAttentionOptions = {}) {
    const { activityRegularizer = null, ...others } = options;
    // The penalty is on what the projections give.
    super(others);
    const { name } = new.target;
    this.#regularizer = regularizers.get(activityRegularizer);
    this.numHeads = checkPositiveInteger(numHeads, name, "numHeads");
    this.keyDim = checkPositiveInteger(keyDim, name, "keyDim");
    this.valueDim = checkPositiveInteger(options.valueDim ?? keyDim, name, "valueDim");
    this.outputShape = listOf(options.outputShape ?? null, name, "outputShape");
    this.attentionAxes = listOf(options.attentionAxes ?? null, name, "attentionAxes");
  }

  protected override get innerRegularizer(): unknown {
    return this.#regularizer;
  }

  override getConfig(): Config {
    return { ...super.getConfig(), activity_regularizer: serializeKerasObject(this.#regularizer) };
  }

  override build(
    queryShape: SymbolicShape,
    valueShape: SymbolicShape,
    givenKeyShape?: SymbolicShape | null,
  ): void {
    const keyShape = givenKeyShape ?? valueShape;
    if (valueShape.slice(1, -1).join() !== keyShape.slice(1, -1).join()) {
      throw new ShapeError(
        `Layer "${this.name}": value and key must have the same axes but the last, got ` +
          `${formatShape(valueShape)} and ${formatShape(keyShape)}.`,
        { layer: this.name, shapes: [valueShape, keyShape] },
      );
    }
    const { numHeads, keyDim, valueDim, outputShape } = this;
    this.queryDense = this.#split("query", queryShape, keyDim);
    this.keyDense = this.#split("key", keyShape, keyDim);
    if (this.useGate) this._gateDense = this.#split("gate", queryShape, valueDim, "sigmoid");
    this.valueDense = this.#split("value", valueShape, valueDim);
    this.#buildAttention(valueShape.length + 1);
    const output = outputShape ?? [queryShape.at(-1) as number];
    const { equation, biasAxes, rank } = projection(queryShape.length - 1, 2, output.length);
    this.outputDense = this.project(
      "attention_output",
      equation,
      padded(rank - 1, output),
      biasAxes,
      [...queryShape.slice(0, -1), numHeads, valueDim],
    );
  }

  /** A projection of the last axis to [heads, size]. */
  #split(name: string, shape: SymbolicShape, size: number, activation?: string): EinsumDense {
    const { equation, biasAxes, rank } = projection(shape.length - 1, 1, 2);
    const heads = padded(rank - 1, [this.numHeads, size]);
    return this.project(name, equation, heads, biasAxes, shape, activation);
  }

  #buildAttention(rank: number): void {
    const { attentionAxes, dtypePolicy: dtype } = this;
    const axes =
      attentionAxes === null
        ? Array.from({ length: rank - 3 }, (_, i) => i + 1)
        : attentionAxes.map((axis) => (axis >= 0 ? axis : rank - 1 + axis));
    this.attentionAxes = axes;
    const { scores, combine, scoresRank } = attentionEquations(rank, axes);
    this.#equations = {
      scores: (query, key) => einsum(scores, key, query),
      combine: (weights, value) => einsum(combine, weights, value),
      axes: axes.length,
    };
    this._softmax = new Softmax({ axis: axes.map((_, i) => scoresRank - axes.length + i), dtype });
    this._dropoutLayer = new Dropout(this.dropout, { dtype, seed: this.seed });
  }

  override call(...args: unknown[]): Tensor | Tensor[] {
    const call = this.readCall(args);
    const { query, value, key, options } = call;
    // As in Keras the query's mask is the one attached to it, and the inputs' masks end here.
    const queryMask = getMask(query) as Tensor | null;
    for (const input of [query, value, key]) setMask(input, null);
    const dense = {
      query: this.queryDense,
      key: this.keyDense,
      value: this.valueDense,
      output: this.outputDense,
    };
    const seen = this.maskOf(query, value, { ...options, queryMask });
    const equations = this.#equations as Equations;
    const { result, scores } = this.through(call, dense, seen, this.keyDim, equations);
    if (queryMask !== null) setMask(result, queryMask);
    return scores === null ? result : [result, scores];
  }
}

/** A list of integers; one stands for a list of it alone. */
function listOf(value: unknown, layer: string, name: string): readonly number[] | null {
  if (value === null) return null;
  const list = [value].flat();
  if (!list.every((item) => Number.isInteger(item))) {
    throw new ArgumentError(
      `${layer}: ${name} must be an integer or a list of them, got ${describe(value)}.`,
    );
  }
  return list as number[];
}

/** `known` with as many null before it as make `rank` lengths. */
function padded(rank: number, known: readonly number[]): (number | null)[] {
  return [...new Array<null>(Math.max(0, rank - known.length)).fill(null), ...known];
}

/** The einsum from `free` axes and `bound` ones to the free ones and `made` new ones. */
function projection(
  free: number,
  bound: number,
  made: number,
): { equation: string; biasAxes: string; rank: number } {
  const kept = letters.slice(0, free);
  const summed = letters.slice(free, free + bound);
  const fresh = letters.slice(free + bound, free + bound + made);
  return {
    equation: `${kept}${summed},${summed}${fresh}->${kept}${fresh}`,
    biasAxes: fresh,
    rank: free + made,
  };
}

/**
 * The einsums of attention over some axes of [batch, …, heads, size]: from key
 * and query to scores [batch and other axes, heads, query axes, key axes], and
 * from weights and values to the result.
 */
function attentionEquations(
  rank: number,
  axes: readonly number[],
): { scores: string; combine: string; scoresRank: number } {
  const query = letters.slice(0, rank);
  const others = [...query].filter((_, i) => i < rank - 1 && !axes.includes(i)).join("");
  let next = rank;
  const key = [...query].map((letter, i) => (axes.includes(i) ? letters[next++] : letter)).join("");
  const along = (notation: string): string => axes.map((axis) => notation[axis]).join("");
  const scores = `${others}${along(query)}${along(key)}`;
  return {
    scores: `${key},${query}->${scores}`,
    combine: `${scores},${key}->${query}`,
    scoresRank: scores.length,
  };
}
