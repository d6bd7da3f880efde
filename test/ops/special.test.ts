/** Tests of src/ops/special.ts and src/ops/complex-parts.ts. */
import { describe, expect, test } from "vitest";
import { ops, tensor } from "../../src/index.ts";
import { binaryTest, unaryTest } from "../support/elementwise.ts";
import { awayFrom, integers, oneOf, uniform } from "../support/inputs.ts";
import { map, zip } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";
import { binaryShapes, floatDTypes, integerDTypes, numberDTypes } from "../support/shapes.ts";

/** Terms of power series that all have one sign. */
function series(first: number, ratio: (k: number) => number): number {
  let sum = first;
  for (let k = 1, term = first; Math.abs(term) > Math.abs(sum) * 1e-18; k++) {
    term *= ratio(k);
    sum += term;
  }
  return sum;
}
const i0 = (x: number): number => series(1, (k) => (x / 2 / k) ** 2);
const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const gcd = (a: number, b: number): number => (b === 0 ? Math.abs(a) : gcd(b, a % b));
const lcm = (a: number, b: number): number =>
  a === 0 || b === 0 ? 0 : Math.abs((a / gcd(a, b)) * b);

unaryTest("exp2", ops.exp2, (x) => 2 ** x, { ops: ["exp2"], steps: 2 });
unaryTest("cbrt", ops.cbrt, Math.cbrt, {
  ops: ["cbrt"],
  inputs: awayFrom([0], { low: -9, high: 9, distance: 0.25 }),
});
unaryTest("i0", ops.i0, i0, { ops: ["i0", "i1"], inputs: uniform(-12, 12), steps: 2 });
unaryTest("i0 near 0 and far away", ops.i0, i0, {
  ops: ["i0"],
  inputs: oneOf([-80, -30, -8.5, -8, -7.5, -0.01, 0, 0.01, 7.5, 8, 8.5, 30, 80]),
  dtypes: ["float32", "float64"],
  steps: 4,
  differentiable: false,
});
unaryTest("sinc", ops.sinc, sinc, {
  inputs: uniform(-3, 3),
  steps: 4,
  cancels: 1,
  gradientCancels: 4,
});
unaryTest("sinc near 0", ops.sinc, sinc, {
  inputs: uniform(-0.3, 0.3),
  steps: 4,
  gradientCancels: 4,
});
unaryTest("fabs", ops.fabs, Math.abs, { inputs: awayFrom([0]) });
unaryTest("deg2rad", ops.deg2rad, (x) => (x * Math.PI) / 180);
unaryTest("rad2deg", ops.rad2deg, (x) => (x * 180) / Math.PI);
unaryTest("signbit", ops.signbit, (x) => Number(x < 0 || Object.is(x, -0)), {
  ops: ["signbit"],
  dtypes: numberDTypes,
  inputs: oneOf([-2, -1, 0, 1, 3]),
  resultDType: "bool",
  differentiable: "zero",
});

binaryTest("hypot", ops.hypot, Math.hypot, {
  ops: ["hypot"],
  inputs: awayFrom([0], { distance: 0.25 }),
});
binaryTest("fmod", ops.fmod, (a, b) => a % b, {
  ops: ["fmod"],
  inputs: [oneOf([-3.625, -2.375, -0.625, 0.375, 1.625, 3.375]), oneOf([-2, -1, 1, 2])],
});
binaryTest("fmod of integers", ops.fmod, (a, b) => (a % b) + 0, {
  ops: ["fmod"],
  dtypes: ["int32", "int8", "int16", "int64"],
  inputs: [uniform(-20, 20), oneOf([-5, -3, -1, 1, 3, 7])],
});
const left = oneOf([-2, -1, -0.5, 0, 0.25, 1, 1.5, 2]);
const right = oneOf([-1.875, -1.125, -0.625, 0.125, 0.375, 1.25, 1.875]);
binaryTest("fmax", ops.fmax, Math.max, { ops: ["fmax"], inputs: [left, right] });
binaryTest("fmin", ops.fmin, Math.min, { ops: ["fmin"], inputs: [left, right] });
binaryTest("fmax of integers", ops.fmax, Math.max, {
  dtypes: integerDTypes,
  inputs: uniform(-5, 5),
});
binaryTest("logaddexp2", ops.logaddexp2, (a, b) => Math.log2(2 ** a + 2 ** b), {
  steps: 4,
  // The larger operand and the rest, which is at most 1.
  cancels: 2,
  inputs: [left, right],
});
binaryTest("heaviside", ops.heaviside, (a, b) => (a < 0 ? 0 : a > 0 ? 1 : b), {
  inputs: [oneOf([-1, 0, 2]), uniform()],
  argnums: [1],
});
binaryTest("gcd", ops.gcd, gcd, {
  ops: ["gcd"],
  dtypes: integerDTypes,
  inputs: uniform(-60, 60),
  differentiable: false,
});
binaryTest("lcm", ops.lcm, lcm, {
  ops: ["lcm"],
  dtypes: integerDTypes,
  inputs: uniform(-12, 12),
  differentiable: false,
});
opTest("ldexp", {
  ops: ["ldexp"],
  run: (x, n) => ops.ldexp(x, n),
  reference: (x, n) => zip(x, n, (a, b) => a * 2 ** b),
  shapes: binaryShapes,
  inputs: [uniform(), integers(-4, 4, "int32")],
  // float16 and bfloat16 are computed in float32.
  dtypes: floatDTypes,
});
opTest("nextafter", {
  ops: ["nextafter"],
  // Towards 4 and back again.
  run: (x) => ops.nextafter(ops.nextafter(x, ops.add(ops.zerosLike(x), 4)), x),
  reference: (x) => map(x, (v) => v),
  shapes: [[7], [3, 5], [2, 0]],
  // A step is no derivative that differences could see.
  differentiable: false,
});

describe("at the limits", () => {
  const inf = Number.POSITIVE_INFINITY;
  const nan = Number.NaN;

  test("hypot neither overflows nor loses infinity to NaN", async () => {
    const result = await ops
      .hypot(tensor([3e38, inf, nan, nan]), tensor([1, nan, -inf, 1]))
      .array();
    expect(result).toEqual([Math.fround(3e38), inf, inf, nan]);
  });

  test("fmax and fmin leave NaN out", async () => {
    expect(await ops.fmax(tensor([nan, 1, nan]), tensor([2, nan, nan])).array()).toEqual([
      2,
      1,
      nan,
    ]);
    expect(await ops.fmin(tensor([nan, 1]), tensor([2, nan])).array()).toEqual([2, 1]);
  });

  test("ldexp goes from one end of the exponents to the other", async () => {
    const tiny = 2 ** -149;
    expect(
      await ops.ldexp(tensor([tiny, 1, 1]), tensor([276, 200, -200], { dtype: "int32" })).array(),
    ).toEqual([2 ** 127, inf, 0]);
  });

  test("ldexp wants integers", () => {
    expect(() => ops.ldexp(tensor([1]), tensor([1]))).toThrow(/integers for x2/);
  });

  test("nextafter steps by one unit in the last place", async () => {
    const from = tensor([1, 0, -0, 2, inf, nan, 5]);
    const to = tensor([2, 1, -1, 0, 0, 1, 5]);
    const unit = 2 ** -149;
    expect(await ops.nextafter(from, to).array()).toEqual([
      1 + 2 ** -23,
      unit,
      -unit,
      2 - 2 ** -23,
      (2 - 2 ** -23) * 2 ** 127,
      nan,
      5,
    ]);
    const halves = ops.nextafter(
      tensor([1], { dtype: "bfloat16" }),
      tensor([2], { dtype: "bfloat16" }),
    );
    expect(await halves.array()).toEqual([1 + 2 ** -7]);
  });

  test("logaddexp2 of infinities", async () => {
    expect(
      await ops.logaddexp2(tensor([inf, -inf, inf]), tensor([inf, -inf, -inf])).array(),
    ).toEqual([inf, -inf, inf]);
  });

  test("gcd of the smallest integer and a remainder by -1", async () => {
    const least = tensor([-(2 ** 31)], { dtype: "int32" });
    expect(await ops.gcd(least, tensor([6], { dtype: "int32" })).array()).toEqual([2]);
    expect(await ops.fmod(least, tensor([-1], { dtype: "int32" })).array()).toEqual([0]);
  });

  test("nanToNum", async () => {
    const x = tensor([nan, inf, -inf, 1]);
    const most = (2 - 2 ** -23) * 2 ** 127;
    expect(await ops.nanToNum(x).array()).toEqual([0, most, -most, 1]);
    expect(await ops.nanToNum(x, { nan: 7, posinf: 8, neginf: 9 }).array()).toEqual([7, 8, 9, 1]);
  });

  test("signs and angles of zeros", async () => {
    expect(await ops.signbit(tensor([-0, 0, nan])).array()).toEqual([true, false, false]);
    expect(await ops.angle(tensor([-0, 0, -3, nan])).array()).toEqual([
      Math.fround(Math.PI),
      0,
      Math.fround(Math.PI),
      nan,
    ]);
  });

  test("isposinf and isneginf", async () => {
    expect(await ops.isposinf(tensor([inf, -inf, nan, 1])).array()).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(await ops.isneginf(tensor([inf, -inf, nan, 1])).array()).toEqual([
      false,
      true,
      false,
      false,
    ]);
  });

  test("isclose: an infinite tolerance is none", async () => {
    expect(await ops.isclose(tensor([0, inf, 1]), tensor([inf, inf, 1])).array()).toEqual([
      false,
      true,
      true,
    ]);
  });
});

test("real, imaginary and conjugate of real numbers", async () => {
  const x = tensor([1, -2]);
  expect(await ops.real(x).array()).toEqual([1, -2]);
  expect(await ops.imag(x).array()).toEqual([0, 0]);
  expect(await ops.conj(x).array()).toEqual([1, -2]);
  expect(await ops.isreal(x).array()).toEqual([true, true]);
});
