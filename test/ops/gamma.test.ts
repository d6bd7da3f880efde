/** Tests of src/ops/gamma.ts. */
import { beforeEach, describe, expect, test } from "vitest";
import { GradientError, grad, ops, setDevice, type Tensor, tensor } from "../../src/index.ts";
import { uniform } from "../support/inputs.ts";
import { type Nd, zip } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";
import { binaryShapes } from "../support/shapes.ts";

/** P(a, x) by the trapezoidal rule in t = e^u, which converges geometrically. */
function gammainc(a: number, x: number): number {
  const step = 1 / 64;
  const density = (u: number, peak: number): number => Math.exp(a * u - Math.exp(u) - peak);
  const peak = a * Math.log(a) - a;
  let whole = 0;
  // Below that the density is less than e^-45 of what it is at log x and at its peak.
  const end = Math.log(x);
  const begin = Math.min(end, Math.log(a)) - 45 / a;
  for (let u = begin; u < Math.log(a + 800) + 1; u += step) whole += density(u, peak);
  // Up to log x: Gauss and Legendre's rule on pieces.
  const nodes = [0.1834346424956498, 0.525532409916329, 0.7966664774136267, 0.9602898564975363];
  const weights = [0.362683783378362, 0.3137066458778873, 0.2223810344533745, 0.1012285362903763];
  let part = 0;
  const pieces = Math.ceil((end - begin) * 8);
  const half = (end - begin) / pieces / 2;
  for (let k = 0; k < pieces; k++) {
    const middle = begin + (2 * k + 1) * half;
    for (const [i, node] of nodes.entries()) {
      const both = density(middle + node * half, peak) + density(middle - node * half, peak);
      part += (weights[i] as number) * half * both;
    }
  }
  return part / (whole * step);
}

opTest("gammainc", {
  ops: ["gammainc", "gammainc_by_a", "gammainc_by_x"],
  run: (a, x) => ops.gammainc(a as Tensor, x as Tensor),
  reference: (a, x) => zip(a as Nd, x as Nd, gammainc),
  shapes: binaryShapes,
  inputs: [uniform(0.5, 6), uniform(0.2, 8)],
  // The reference adds up some thousand terms.
  length: 400,
  steps: 4,
  cancels: 1,
  gradientCancels: 1,
  needs: ["float32"],
  secondDerivative: false,
});
opTest("gammainc, second derivatives by x", {
  ops: ["gammainc_by_x"],
  run: (x) => ops.gammainc(2.5, x),
  reference: (x) => zip({ shape: [], data: Float64Array.of(2.5) }, x, gammainc),
  shapes: [[7], [3, 2]],
  inputs: uniform(0.3, 6),
  dtypes: ["float32", "float64"],
  length: 400,
  steps: 4,
  cancels: 1,
  gradientCancels: 1,
});
opTest("gammainc, mixed second derivatives", {
  ops: ["gammainc_by_x", "digamma"],
  // The density x^(a - 1) e^-x / Gamma(a), of which the gradient by a needs digamma.
  run: (a, x) => {
    const density = grad((t: Tensor) => ops.sum(ops.gammainc(a as Tensor, t)));
    return density(x as Tensor);
  },
  reference: (a, x) =>
    zip(a as Nd, x as Nd, (s, t) => Math.exp((s - 1) * Math.log(t) - t - logGamma(s))),
  shapes: [
    [[4], [4]],
    [
      [2, 3],
      [2, 3],
    ],
  ],
  inputs: [uniform(0.5, 6), uniform(0.3, 8)],
  dtypes: ["float32", "float64"],
  // Terms up to 20 cancel in the logarithm of the reference.
  steps: 20,
  gradientSteps: 8,
  gradientCancels: 1,
  secondDerivative: false,
  unknownAxes: false,
  internal: true,
});

/** Stirling's series from 15 on. */
function logGamma(x: number): number {
  let shift = 0;
  let y = x;
  for (; y < 15; y++) shift += Math.log(y);
  const z = 1 / (y * y);
  const series = (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z * (1 / 1680 - z / 1188)))) / y;
  return (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + series - shift;
}

describe("the incomplete gamma function", () => {
  beforeEach(() => setDevice("cpu"));
  const at = async (a: number, x: number): Promise<number> =>
    Number(
      await ops.gammainc(tensor(a, { dtype: "float64" }), tensor(x, { dtype: "float64" })).item(),
    );

  test("closed forms over a wide range", async () => {
    for (const x of [1e-300, 1e-10, 0.1, 1, 3, 20, 500]) {
      // P(1, x) = 1 - e^-x.
      const exact = -Math.expm1(-x);
      expect(Math.abs((await at(1, x)) / exact - 1)).toBeLessThan(1e-14);
      // P(2, x) = 1 - (1 + x) e^-x, of which small x leave x^2 / 2 - x^3 / 3.
      const two = x < 1e-5 ? (x * x) / 2 - x ** 3 / 3 : 1 - (1 + x) * Math.exp(-x);
      if (two > 1e-290) {
        expect(Math.abs((await at(2, x)) - two)).toBeLessThan(
          1e-14 * Math.max(two, x > 1e-5 ? 1 : 0),
        );
      }
    }
    // P(a, x) + Q(a, x) = 1 around the mean of large a: P(a, a) - 1/2 is about
    // 1 / (3 sqrt(2 pi a)) (DLMF 8.11.12, with the coefficients of 1 / a and 1 / a^2).
    for (const a of [100, 1e4]) {
      const root = Math.sqrt(2 * Math.PI * a);
      const expected = 0.5 + (1 / 3 + 1 / (540 * a) - 25 / (6048 * a * a)) / root;
      expect(Math.abs((await at(a, a)) - expected)).toBeLessThan(1e-3 / (a ** 3 * root) + 1e-13);
    }
  });

  test("ends and what is not defined", async () => {
    expect(await at(2, 0)).toBe(0);
    expect(await at(2, Number.POSITIVE_INFINITY)).toBe(1);
    expect(await at(Number.POSITIVE_INFINITY, 3)).toBe(0);
    for (const [a, x] of [
      [0, 1],
      [-1, 1],
      [1, -1],
      [Number.NaN, 1],
      [1, Number.NaN],
    ] as const) {
      expect(await at(a, x)).toBeNaN();
    }
  });

  test("there is no second derivative by a", () => {
    const first = (a: Tensor): Tensor => grad((t: Tensor) => ops.sum(ops.gammainc(t, 2)))(a);
    expect(() => grad((a: Tensor) => ops.sum(first(a)))(tensor([1.5]))).toThrow(GradientError);
  });
});
