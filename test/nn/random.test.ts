/** Tests of the primitives of src/nn/random.ts, and of moments of its distributions. */
import { describe, expect, test } from "vitest";
import { apply, random, type Tensor, tensor } from "../../src/index.ts";
import { integers } from "../support/inputs.ts";
import { build } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";
import { primitive } from "../support/shapes.ts";
import { threefry } from "../support/threefry.ts";

const key = integers(0, 2 ** 32 - 1, "uint32");

for (const [dtype, bits] of [
  ["uint8", 8],
  ["uint16", 16],
  ["uint32", 32],
] as const) {
  opTest(`random_bits, ${dtype}`, {
    ops: ["random_bits"],
    run: (k) => apply(primitive("random_bits"), [k], { shape: [3, 37], dtype } as never),
    reference: ({ data }) =>
      build([3, 37], ([i, j]) => {
        const [a, b] = threefry(
          [data[0] as number, data[1] as number],
          [0, (i as number) * 37 + (j as number)],
        );
        return ((a ^ b) >>> 0) % 2 ** bits;
      }),
    shapes: [[2]],
    inputs: key,
    dtypes: ["uint32"],
    resultDType: dtype,
    differentiable: false,
    internal: true,
    unknownAxes: false,
  });
}
opTest("random_split", {
  ops: ["random_split"],
  run: (k) => apply(primitive("random_split"), [k], { count: 5 } as never),
  reference: ({ data }) =>
    build(
      [5, 2],
      ([i, j]) =>
        threefry([data[0] as number, data[1] as number], [0, i as number]).at(
          j as number,
        ) as number,
    ),
  shapes: [[2]],
  inputs: key,
  dtypes: ["uint32"],
  resultDType: "uint32",
  differentiable: false,
  internal: true,
  unknownAxes: false,
});

async function momentsOf(draws: Tensor): Promise<{ mean: number; variance: number }> {
  const data = Array.from((await draws.data()) as ArrayLike<number>, Number);
  const mean = data.reduce((a, b) => a + b, 0) / data.length;
  return { mean, variance: data.reduce((sum, v) => sum + (v - mean) ** 2, 0) / data.length };
}

/**
 * Means of n draws lie within 5 standard errors; the variance's own error is
 * about sqrt(kurtosis / n) of it, which 8 / sqrt(n) covers for these.
 */
async function expectMoments(draws: Tensor, mean: number, variance: number): Promise<void> {
  const found = await momentsOf(draws);
  const n = draws.size;
  expect(Math.abs(found.mean - mean)).toBeLessThan(5 * Math.sqrt(variance / n));
  expect(Math.abs(found.variance / variance - 1)).toBeLessThan(8 * Math.sqrt(3 / n));
}

const n = 20_000;

describe("distributions have their moments", () => {
  test("uniform", async () => {
    await expectMoments(random.uniform([n], { minval: -1, maxval: 3, seed: 1 }), 1, 16 / 12);
  });
  test("normal", async () => {
    await expectMoments(random.normal([n], { mean: 2, stddev: 3, seed: 2 }), 2, 9);
  });
  test("gamma", async () => {
    for (const alpha of [0.3, 1, 4.5]) {
      await expectMoments(random.gamma([n], alpha, { seed: 3 }), alpha, alpha);
    }
  });
  test("binomial", async () => {
    for (const [count, p] of [
      [5, 0.3],
      [100, 0.6],
      [1000, 0.02],
    ] as const) {
      await expectMoments(
        random.binomial([n], count, p, { seed: 4 }),
        count * p,
        count * p * (1 - p),
      );
    }
  });
  test("beta", async () => {
    const [a, b] = [2, 5];
    await expectMoments(
      random.beta([n], a, b, { seed: 5 }),
      a / (a + b),
      (a * b) / ((a + b) ** 2 * (a + b + 1)),
    );
  });
});

test("samplers draw the same from the same key", async () => {
  const [key, other] = [
    [1, 2],
    [1, 3],
  ].map((k) => tensor(k, { dtype: "uint32" })) as [Tensor, Tensor];
  const alpha = tensor([0.5, 1, 7]);
  const draw = (k: Tensor): Promise<unknown> =>
    apply(primitive("random_gamma"), [alpha, k], { logSpace: false } as never).array();
  expect(await draw(key)).toEqual(await draw(key));
  expect(await draw(key)).not.toEqual(await draw(other));
});
