/**
 * Attention.
 *
 * @module
 */
import { vjp } from "../autograd/grad.ts";
import { floatx } from "../runtime/precision.ts";
import { isFlashAttentionEnabled } from "../runtime/settings.ts";
import { apply, applyMany } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import { optionalTensor, type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { computedIn, isFloat, resultType } from "../util/dtypes.ts";
import { ArgumentError, formatShape, ShapeError, UnsupportedError } from "../util/errors.ts";
import type { Shape } from "../util/shapes.ts";
import { add, divide, multiply, subtract } from "./arithmetic.ts";
import { broadcastOver, reshapeTo, sumOver } from "./broadcasting.ts";
import { greaterEqual, logicalAnd, select } from "./comparison.ts";
import { iota } from "./creation.ts";
import { exp } from "./exponential.ts";
import { matrixProduct } from "./linear.ts";
import { promoteAll, type TensorLike, toTensor } from "./promote.ts";
import { max } from "./reduction.ts";
import { concatenateAlong, permute } from "./shaping.ts";

interface AttentionAttributes {
  readonly scale: number;
  readonly causal: boolean;
  readonly hasBias: boolean;
  readonly hasMask: boolean;
  readonly [name: string]: number | boolean;
}

const schema = { scale: "float", causal: "bool", hasBias: "bool", hasMask: "bool" } as const;

/** The score of a masked pair, as in Keras: a row of nothing else is uniform. */
const maskedScore = -0.7 * 3.38953e38;

/** [batch, length, heads, size] as [batch, heads, length, size], each head `times` times. */
function byHead(x: Tensor, times = 1): Tensor {
  const moved = permute(x, [0, 2, 1, 3]);
  if (times === 1) return moved;
  const [batch, heads, length, size] = moved.shape as readonly [number, number, number, number];
  const spread = broadcastOver(reshapeTo(moved, [batch, heads, 1, length, size]), [
    batch,
    heads,
    times,
    length,
    size,
  ]);
  return reshapeTo(spread, [batch, heads * times, length, size]);
}

/** What may be seen: [1, 1, T, S] or more; null: everything. */
function visible(mask: Tensor | null, causal: boolean, t: number, s: number): Tensor | null {
  if (!causal) return mask;
  const shape = [1, 1, t, s];
  const past = greaterEqual(iota(shape, "int32", 2), iota(shape, "int32", 3));
  return mask === null ? past : logicalAnd(mask, past);
}

/**
 * The result, and of each row of scores the maximum and the sum of exponentials:
 * constants, which only the gradients read.
 */
function attentionByOps(
  operands: readonly Tensor[],
  { scale, causal, hasBias, hasMask }: AttentionAttributes,
): [y: Tensor, stats: Tensor] {
  const [query, key, value, ...rest] = operands as readonly [Tensor, Tensor, Tensor, ...Tensor[]];
  const { dtype } = query;
  const compute = computedIn(dtype);
  const [q, k, v] = [query, key, value].map((x) => castTo(x, compute)) as [Tensor, Tensor, Tensor];
  const bias = hasBias ? castTo(rest[0] as Tensor, compute) : null;
  const mask = hasMask ? (rest[hasBias ? 1 : 0] as Tensor) : null;
  const [, t, heads] = q.shape as readonly [number, number, number];
  const [, s, kvHeads] = k.shape as readonly [number, number, number];
  const times = heads / Math.max(1, kvHeads);
  let scores = multiply(
    matrixProduct(byHead(q), byHead(k, times), false, true),
    scalar(scale, compute),
  );
  if (bias !== null) scores = add(scores, bias);
  const seen = visible(mask, causal, t, s);
  if (seen !== null) scores = select(seen, scores, scalar(maskedScore, compute));
  const stats = [...scores.shape.slice(0, 3), 1];
  if (s === 0) {
    const none = broadcastOver(scalar(0, compute), stats);
    const y = permute(matrixProduct(scores, byHead(v, times)), [0, 2, 1, 3]);
    return [castTo(y, dtype), concatenateAlong([none, none], 3)];
  }
  const top = max(scores, { axis: 3, keepdims: true }).detached();
  const weights = exp(subtract(scores, top));
  const sum = sumOver(weights, [3], true);
  const y = matrixProduct(divide(weights, sum), byHead(v, times));
  return [castTo(permute(y, [0, 2, 1, 3]), dtype), concatenateAlong([top, sum], 3).detached()];
}

/** Gradients of some operands, by differentiating the decomposition. */
function gradientsByOps(
  operands: readonly Tensor[],
  chosen: readonly number[],
  attributes: AttentionAttributes,
  dy: Tensor,
): Tensor[] {
  const [, pullback] = vjp(
    (...given: Tensor[]) => {
      const all = operands.map((x, i) =>
        chosen.includes(i) ? (given[chosen.indexOf(i)] as Tensor) : x,
      );
      return attentionByOps(all, attributes)[0];
    },
    ...chosen.map((i) => operands[i] as Tensor),
  );
  return pullback(dy) as Tensor[];
}

// q [B, T, N, H], k [B, S, K, H], v [B, S, K, D], bias and mask [B, N, T, S] or
// 1 -> [B, T, N, D], and [B, N, T, 2], which only the gradients read: it has none.
const attentionOp: OpDefinition<AttentionAttributes> = defineOp<AttentionAttributes>({
  name: "attention",
  attributes: schema,
  infer: ([q, , v]) => {
    const { shape, dtype } = q as Tensor;
    const [batch, length, heads] = shape as readonly [number, number, number];
    const compute = computedIn(dtype);
    return [
      { shape: [batch, length, heads, (v as Tensor).shape[3] as number], dtype },
      { shape: [batch, heads, length, 2], dtype: compute },
    ];
  },
  vjp: ({ inputs, outputs: [y, stats], grads: [dy], needs }, attributes) => {
    const operands = inputs as readonly Tensor[];
    const [q, k, v, ...rest] = operands as readonly [Tensor, Tensor, Tensor, ...Tensor[]];
    const direct = needs(0) || needs(1) || needs(2);
    const [dq, dk, dv] = direct
      ? applyMany(
          attentionBackwardOp,
          [q, k, v, y as Tensor, stats as Tensor, dy as Tensor, ...rest],
          attributes,
        )
      : [null, null, null];
    const others = rest.map((_, i) =>
      attributes.hasBias && i === 0 && needs(3)
        ? (gradientsByOps(operands, [3], attributes, dy as Tensor)[0] as Tensor)
        : null,
    );
    return [dq as Tensor | null, dk as Tensor | null, dv as Tensor | null, ...others];
  },
  decompose: (operands, attributes) => attentionByOps(operands, attributes),
});

// q, k, v, y, stats, dy, bias, mask -> dq, dk, dv
const attentionBackwardOp: OpDefinition<AttentionAttributes> = defineOp<AttentionAttributes>({
  name: "attention_backward",
  attributes: schema,
  infer: ([q, k, v]) => [q as Tensor, k as Tensor, v as Tensor],
  vjp: "decompose",
  decompose: ([q, k, v, , , dy, ...rest], attributes) =>
    gradientsByOps([q, k, v, ...rest] as Tensor[], [0, 1, 2], attributes, dy as Tensor),
});

/** Options of `dotProductAttention`. */
export interface DotProductAttentionOptions {
  /** Added to the scores; broadcasts to [batch, heads, T, S]. */
  bias?: TensorLike | null | undefined;
  /** Which keys a query sees; broadcasts to [batch, heads, T, S]. */
  mask?: TensorLike | null | undefined;
  /** Of the scores: default 1 / sqrt(size). */
  scale?: number | null | undefined;
  /** Whether a query sees only keys up to its own position. */
  isCausal?: boolean | undefined;
  /** The kernel never holds all scores at once, whatever is said here. */
  flashAttention?: boolean | null | undefined;
  /** Not supported, as in Keras outside of TPUs. */
  attnLogitsSoftCap?: number | null | undefined;
}

function checkOperands(q: Tensor, k: Tensor, v: Tensor): void {
  const fits =
    q.ndim === 4 &&
    k.ndim === 4 &&
    v.ndim === 4 &&
    q.shape[0] === k.shape[0] &&
    k.shape[0] === v.shape[0] &&
    k.shape[1] === v.shape[1] &&
    k.shape[2] === v.shape[2] &&
    q.shape[3] === k.shape[3] &&
    ((q.shape[2] as number) === 0 || (q.shape[2] as number) % (k.shape[2] as number) === 0);
  if (fits) return;
  throw new ShapeError(
    `dot_product_attention: a query ${formatShape(q.shape)}, a key ${formatShape(k.shape)} and a ` +
      `value ${formatShape(v.shape)} do not fit. Expected [batch, T, heads, size], ` +
      "[batch, S, groups, size] and [batch, S, groups, any size], where groups divide heads.",
    { op: "dot_product_attention", shapes: [q.shape, k.shape, v.shape] },
  );
}

/** With four axes that broadcast to the scores. */
function overScores(name: string, x: Tensor, scores: Shape): Tensor {
  const shape = [...new Array<number>(Math.max(0, 4 - x.ndim)).fill(1), ...x.shape];
  if (shape.length !== 4 || !shape.every((dim, i) => dim === 1 || dim === scores[i])) {
    throw new ShapeError(
      `dot_product_attention: a ${name} of shape ${formatShape(x.shape)} does not broadcast to ` +
        `the scores ${formatShape(scores)}.`,
      { op: "dot_product_attention", shapes: [x.shape, scores] },
    );
  }
  return reshapeTo(x, shape);
}

/**
 * softmax(query key^T * scale + bias) value, for each head. Fewer heads of keys
 * and values are shared by groups of the query's.
 *
 * Half types compute their scores in float32. A query that sees no key takes
 * the mean of all values.
 *
 * @param query [batch, T, heads, size].
 * @param key [batch, S, heads or fewer, size].
 * @param value [batch, S, heads or fewer, size].
 * @returns [batch, T, heads, size of the value].
 * @throws {ShapeError} If the shapes do not fit.
 * @example
 * const x = ops.ones([1, 3, 2, 4]);
 * ops.dotProductAttention(x, x, x, { isCausal: true }).shape; // [1, 3, 2, 4]
 */
export const dotProductAttention: PublicOp<
  (
    query: TensorLike,
    key: TensorLike,
    value: TensorLike,
    options?: DotProductAttentionOptions,
  ) => Tensor
> = publicOp(
  "keras.ops.dot_product_attention",
  {
    query: tensorArgument,
    key: tensorArgument,
    value: tensorArgument,
    bias: optionalTensor,
    mask: optionalTensor,
    scale: null,
    is_causal: false,
    flash_attention: null,
    attn_logits_soft_cap: null,
  },
  (givenQuery, givenKey, givenValue, options = {}) => {
    const op = "dot_product_attention";
    const { bias, mask, scale, isCausal = false, attnLogitsSoftCap } = options;
    if (attnLogitsSoftCap !== undefined && attnLogitsSoftCap !== null) {
      throw new UnsupportedError(`${op}: attnLogitsSoftCap is for TPUs only. Leave it out.`, {
        op,
      });
    }
    let [q, k, v] = promoteAll(op, [givenQuery, givenKey, givenValue]) as [Tensor, Tensor, Tensor];
    if (!isFloat(q.dtype)) {
      const dtype = resultType([q.dtype, "float"], floatx());
      [q, k, v] = [castTo(q, dtype), castTo(k, dtype), castTo(v, dtype)];
    }
    checkOperands(q, k, v);
    const [batch, t, heads, size] = q.shape as readonly [number, number, number, number];
    const factor = scale ?? 1 / Math.sqrt(size);
    if (typeof factor !== "number") {
      throw new ArgumentError(`${op}: scale must be a number.`, { op });
    }
    const scores = [batch, heads, t, k.shape[1] as number];
    const operands = [q, k, v];
    const hasBias = bias !== undefined && bias !== null;
    const hasMask = mask !== undefined && mask !== null;
    if (hasBias) operands.push(overScores("bias", toTensor(op, bias, q.dtype), scores));
    if (hasMask) operands.push(overScores("mask", toTensor(op, mask, "bool"), scores));
    const attributes = { scale: factor, causal: isCausal, hasBias, hasMask };
    if ((options.flashAttention ?? isFlashAttentionEnabled()) === false) {
      return attentionByOps(operands, attributes)[0] as Tensor;
    }
    return apply(attentionOp, operands, attributes);
  },
);
