/** Tests of src/ops/attention.ts. */
import { describe, expect, test } from "vitest";
import { ops, ShapeError, type Tensor, UnsupportedError } from "../../src/index.ts";
import { type InputSpec, oneOf, uniform } from "../support/inputs.ts";
import { at, build, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";

interface Options {
  readonly scale?: number;
  readonly causal?: boolean;
  readonly bias?: Nd | undefined;
  readonly mask?: Nd | undefined;
}

/** Row by row; a row that sees nothing is the mean. */
function attention(q: Nd, k: Nd, v: Nd, { scale, causal, bias, mask }: Options = {}): Nd {
  const [batch, queries, heads, size] = q.shape as [number, number, number, number];
  const [, keys, kvHeads, width] = v.shape as [number, number, number, number];
  const factor = scale ?? 1 / Math.sqrt(size);
  return build([batch, queries, heads, width], ([b, t, n, d]) => {
    const [bi, ti, ni, di] = [b, t, n, d] as [number, number, number, number];
    const kv = Math.floor(ni / (heads / kvHeads));
    const scores = Array.from({ length: keys }, (_, s) => {
      const seen =
        (causal !== true || s <= ti) && (mask === undefined || at(mask, [bi, ni, ti, s]) !== 0);
      if (!seen) return -1e300;
      let dot = 0;
      for (let h = 0; h < size; h++) dot += at(q, [bi, ti, ni, h]) * at(k, [bi, s, kv, h]);
      return dot * factor + (bias === undefined ? 0 : at(bias, [bi, ni, ti, s]));
    });
    const top = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - top));
    const sum = weights.reduce((a, w) => a + w, 0);
    return weights.reduce((a, w, s) => a + (w / sum) * at(v, [bi, s, kv, di]), 0);
  });
}

const small = [
  [2, 3, 2, 4],
  [2, 5, 2, 4],
  [2, 5, 2, 3],
];
/** More than a tile of queries and of keys. */
const tiled = [
  [1, 70, 2, 8],
  [1, 133, 1, 8],
  [1, 133, 1, 5],
];
const all = ["attention", "attention_backward"] as const;
const mask: InputSpec = oneOf([0, 1, 1], "bool");
const loose = {
  inputs: uniform(-1, 1),
  length: 32,
  steps: 4,
  gradientSteps: 16,
  cancels: 2,
  gradientCancels: 4,
} as const;

opTest("dotProductAttention", {
  ...loose,
  ops: all,
  run: (q, k, v) => ops.dotProductAttention(q, k, v),
  reference: (q, k, v) => attention(q, k, v),
  shapes: [
    small,
    [
      [1, 1, 1, 1],
      [1, 1, 1, 1],
      [1, 1, 1, 1],
    ],
    [
      [0, 3, 2, 4],
      [0, 5, 2, 4],
      [0, 5, 2, 4],
    ],
    [
      [2, 0, 2, 4],
      [2, 5, 2, 4],
      [2, 5, 2, 4],
    ],
  ],
});
opTest("dotProductAttention over several tiles", {
  ...loose,
  ops: all,
  run: (q, k, v) => ops.dotProductAttention(q, k, v, { scale: 0.9 }),
  reference: (q, k, v) => attention(q, k, v, { scale: 0.9 }),
  shapes: [tiled],
  length: 128,
  secondDerivative: false,
});
opTest("dotProductAttention, causal, over several tiles", {
  ...loose,
  ops: all,
  run: (q, k, v) => ops.dotProductAttention(q, k, v, { isCausal: true }),
  reference: (q, k, v) => attention(q, k, v, { causal: true }),
  shapes: [
    [
      [1, 150, 1, 4],
      [1, 150, 1, 4],
      [1, 150, 1, 4],
    ],
    tiled,
  ],
  length: 128,
  secondDerivative: false,
});
opTest("dotProductAttention, causal", {
  ...loose,
  ops: all,
  run: (q, k, v) => ops.dotProductAttention(q, k, v, { isCausal: true }),
  reference: (q, k, v) => attention(q, k, v, { causal: true }),
  shapes: [small],
});
opTest("dotProductAttention, grouped queries", {
  ...loose,
  ops: all,
  run: (q, k, v) => ops.dotProductAttention(q, k, v),
  reference: (q, k, v) => attention(q, k, v),
  shapes: [
    [
      [1, 3, 4, 2],
      [1, 5, 2, 2],
      [1, 5, 2, 2],
    ],
    [
      [1, 3, 3, 2],
      [1, 4, 1, 2],
      [1, 4, 1, 2],
    ],
  ],
});
for (const shape of [
  [2, 2, 3, 5],
  [1, 1, 3, 5],
  [3, 5],
  [2, 1, 1, 5],
]) {
  opTest(`dotProductAttention, bias ${shape.join("x")}`, {
    ...loose,
    ops: all,
    run: (q, k, v, bias) => ops.dotProductAttention(q, k, v, { bias }),
    reference: (q, k, v, bias) => attention(q, k, v, { bias }),
    shapes: [[...small, shape]],
    unknownAxes: false,
  });
  opTest(`dotProductAttention, mask ${shape.join("x")}`, {
    ...loose,
    ops: all,
    run: (q, k, v, m) => ops.dotProductAttention(q, k, v, { mask: m, scale: 0.7 }),
    reference: (q, k, v, m) => attention(q, k, v, { mask: m, scale: 0.7 }),
    shapes: [[...small, shape]],
    inputs: [uniform(-1, 1), uniform(-1, 1), uniform(-1, 1), mask],
    unknownAxes: false,
  });
}
opTest("dotProductAttention, bias, mask and causal", {
  ...loose,
  ops: all,
  run: (q, k, v, bias, m) => ops.dotProductAttention(q, k, v, { bias, mask: m, isCausal: true }),
  reference: (q, k, v, bias, m) => attention(q, k, v, { bias, mask: m, causal: true }),
  shapes: [[...small, [2, 2, 3, 5], [2, 1, 3, 5]]],
  inputs: [uniform(-1, 1), uniform(-1, 1), uniform(-1, 1), uniform(-1, 1), mask],
  unknownAxes: false,
});
opTest("dotProductAttention where nothing is seen", {
  ...loose,
  ops: all,
  run: (q, k, v, m) => ops.dotProductAttention(q, k, v, { mask: m, isCausal: true }),
  reference: (q, k, v, m) => attention(q, k, v, { mask: m, causal: true }),
  shapes: [[...tiled, [1, 1, 70, 133]]],
  inputs: [uniform(-1, 1), uniform(-1, 1), uniform(-1, 1), oneOf([0], "bool")],
  length: 128,
  unknownAxes: false,
  secondDerivative: false,
});

test("scores of minus infinity", async () => {
  const q = ops.ones([1, 1, 1, 2]);
  const kv = ops.reshape(
    ops.arange(400, undefined, undefined, { dtype: "float32" }),
    [1, 200, 1, 2],
  );
  // The whole first tile of keys is out.
  const bias = ops.where(ops.less(ops.arange(200), 199), Number.NEGATIVE_INFINITY, 0);
  const y = ops.dotProductAttention(q, kv, kv, { bias: ops.cast(bias, "float32") });
  expect(await y.array()).toEqual([[[[398, 399]]]]);
});

test("no keys at all", async () => {
  const none = ops.zeros([1, 0, 1, 2]);
  const y = ops.dotProductAttention(ops.ones([1, 2, 1, 2]), none, none);
  expect(await y.array()).toEqual([[[[0, 0]], [[0, 0]]]]);
});

describe("what does not fit", () => {
  // An array: made on whatever device is current then.
  const x = [Array.from({ length: 3 }, () => Array.from({ length: 2 }, () => [1, 1, 1, 1.5]))];
  const refused: Record<string, () => Tensor> = {
    "a rank": () => ops.dotProductAttention(ops.ones([3, 2, 4]), x, x),
    "a size": () => ops.dotProductAttention(ops.ones([1, 3, 2, 5]), x, x),
    "a batch": () => ops.dotProductAttention(ops.ones([2, 3, 2, 4]), x, x),
    "a length of values": () => ops.dotProductAttention(x, x, ops.ones([1, 4, 2, 4])),
    "heads that do not divide": () => ops.dotProductAttention(ops.ones([1, 3, 3, 4]), x, x),
    "heads and no keys": () =>
      ops.dotProductAttention(x, ops.ones([1, 3, 0, 4]), ops.ones([1, 3, 0, 4])),
    "a bias": () => ops.dotProductAttention(x, x, x, { bias: ops.ones([3, 4]) }),
    "a mask": () => ops.dotProductAttention(x, x, x, { mask: ops.ones([2, 2, 3, 3]) }),
  };
  for (const [name, fn] of Object.entries(refused)) {
    test(name, () => {
      expect(fn).toThrow(ShapeError);
      expect(fn).toThrow(/dot_product_attention/);
    });
  }
  test("a soft cap", () => {
    expect(() => ops.dotProductAttention(x, x, x, { attnLogitsSoftCap: 5 })).toThrow(
      UnsupportedError,
    );
  });
});
