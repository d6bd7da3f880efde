/**
 * @module
 */
import { repeat } from "../../../ops/repeating.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { ArgumentError, formatShape, ShapeError } from "../../../util/errors.ts";
import { inherits, type ParameterTable, required } from "../../object.ts";
import { Softmax } from "../activations/softmax.ts";
import { checkPositiveInteger } from "../arguments.ts";
import type { EinsumDense } from "../core/einsum-dense.ts";
import { Dropout } from "../regularization/dropout.ts";
import {
  type Equations,
  equationOf,
  HeadsAttention,
  type HeadsOptions,
  headsParameters,
} from "./attention-base.ts";

/** Options of `GroupQueryAttention`. */
export interface GroupedQueryAttentionOptions extends HeadsOptions {}

type SymbolicShape = readonly (number | null)[];

// Letters: b batch, q query length, k key length, m features, u query heads, v key heads, h size.
const equations: Equations = {
  scores: equationOf("bquh,bkuh->buqk"),
  combine: equationOf("buqk,bkuh->bquh"),
  axes: 1,
};

/**
 * Grouped-query attention: groups of the query's heads share the heads of key
 * and value. Called as `MultiHeadAttention` is: `layer(query, value)` or
 * `layer(query, value, key)`.
 *
 * Source: Ainslie et al., 2023, arXiv:2305.13245.
 *
 * @example
 * const layer = new layers.GroupQueryAttention(8, 4, 2);
 * const x = ops.ones([2, 8, 16]);
 * layer(x, x).shape; // [2, 8, 16]
 */
export class GroupedQueryAttention extends HeadsAttention {
  static override readonly kerasName: string = "GroupQueryAttention";
  static override readonly parameters: ParameterTable = {
    head_dim: required,
    num_query_heads: required,
    num_key_value_heads: required,
    ...headsParameters,
    [inherits]: true,
  };
  readonly headDim: number;
  readonly numQueryHeads: number;
  readonly numKeyValueHeads: number;
  // Their names begin as in Keras's files, where they are not public.
  declare _queryDense: EinsumDense;
  declare _keyDense: EinsumDense;
  declare _valueDense: EinsumDense;
  declare _outputDense: EinsumDense;

  constructor(
    headDim: number,
    numQueryHeads: number,
    numKeyValueHeads: number,
    options: GroupedQueryAttentionOptions = {},
  ) {
    super(options);
    const { name } = new.target;
    this.headDim = checkPositiveInteger(headDim, name, "headDim");
    this.numQueryHeads = checkPositiveInteger(numQueryHeads, name, "numQueryHeads");
    this.numKeyValueHeads = checkPositiveInteger(numKeyValueHeads, name, "numKeyValueHeads");
    if (numQueryHeads % numKeyValueHeads !== 0) {
      throw new ArgumentError(
        `${name}: the heads of the query must divide into groups for those of key and value, got ` +
          `${numQueryHeads} and ${numKeyValueHeads}.`,
      );
    }
  }

  protected override get innerRegularizer(): unknown {
    return this.activityRegularizer;
  }

  override build(
    queryShape: SymbolicShape,
    valueShape: SymbolicShape,
    givenKeyShape?: SymbolicShape | null,
  ): void {
    const keyShape = givenKeyShape ?? valueShape;
    const shapes = [queryShape, valueShape, keyShape];
    if (shapes.some((shape) => shape.length !== 3)) {
      throw new ShapeError(
        `Layer "${this.name}" takes inputs of three axes, [batch, time, features], got ` +
          `${shapes.map((shape) => formatShape(shape)).join(", ")}.`,
        { layer: this.name, shapes },
      );
    }
    const { headDim, numQueryHeads, numKeyValueHeads, useGate, dtypePolicy: dtype } = this;
    const features = queryShape.at(-1) as number;
    const queryHeads = [null, numQueryHeads, headDim];
    const otherHeads = [null, numKeyValueHeads, headDim];
    this._queryDense = this.project("query", "bqm,muh->bquh", queryHeads, "uh", queryShape);
    this._keyDense = this.project("key", "bkm,mvh->bkvh", otherHeads, "vh", keyShape);
    if (useGate) {
      this._gateDense = this.project(
        "gate",
        "bqm,muh->bquh",
        queryHeads,
        "uh",
        queryShape,
        "sigmoid",
      );
    }
    this._valueDense = this.project("value", "bkm,mvh->bkvh", otherHeads, "vh", valueShape);
    this._softmax = new Softmax({ axis: -1, dtype });
    this._dropoutLayer = new Dropout(this.dropout, { dtype, seed: this.seed });
    this._outputDense = this.project("attention_output", "bquh,uhm->bqm", [null, features], "m", [
      null,
      null,
      numQueryHeads,
      headDim,
    ]);
  }

  override call(...args: unknown[]): Tensor | Tensor[] {
    const call = this.readCall(args);
    return this.withoutMasks(call, () => {
      const dense = {
        query: this._queryDense,
        key: this._keyDense,
        value: this._valueDense,
        output: this._outputDense,
      };
      const seen = this.maskOf(call.query, call.value, call.options);
      const times = this.numQueryHeads / this.numKeyValueHeads;
      const { result, scores } = this.through(call, dense, seen, this.headDim, equations, (x) =>
        repeat(x, times, { axis: 2 }),
      );
      return scores === null ? result : [result, scores];
    });
  }
}
