import { describe, expect, test } from "vitest";
import { jit, ops, quantizers, type Tensor, tensor, valueAndGrad } from "../../../src/index.ts";
import { ArgumentError, ShapeError, UnsupportedError } from "../../../src/util/errors.ts";

const numbers = async (x: Tensor): Promise<number[]> =>
  Array.from((await x.data()) as ArrayLike<number>);

describe("absMaxQuantize", () => {
  const x = tensor([
    [-1, 0.5, 0.25],
    [2, 4, -3],
  ]);

  test("fits every group's largest value to the largest integer", async () => {
    const [integers, scale] = quantizers.absMaxQuantize(x, 0);
    expect([integers.dtype, scale.dtype]).toEqual(["int8", "float32"]);
    expect(scale.shape).toEqual([1, 3]);
    expect(await integers.array()).toEqual([
      [-64, 16, 11],
      [127, 127, -127],
    ]);
    const [all, one] = quantizers.absMaxQuantize(x, null, { valueRange: [-7, 7] });
    expect(one.shape).toEqual([1, 1]);
    expect(await one.item()).toBeCloseTo(7 / 4, 5);
    expect(await all.array()).toEqual([
      [-2, 1, 0],
      [4, 7, -5],
    ]);
  });

  test("gives zeros of zeros, and half types their own scale", async () => {
    const [integers, scale] = quantizers.absMaxQuantize(
      ops.zeros([2, 2], { dtype: "bfloat16" }),
      -1,
    );
    expect(scale.dtype).toBe("bfloat16");
    expect(await numbers(integers)).toEqual([0, 0, 0, 0]);
  });
});

describe("absMaxQuantizeGroupedWithZeroPoint", () => {
  test("is undone to within half a step, also in a group that is not full", async () => {
    const rows = Array.from({ length: 7 }, (_, i) => [Math.sin(i) + 2, i * i - 10]);
    const [integers, scale, zero] = quantizers.absMaxQuantizeGroupedWithZeroPoint(rows, 3);
    expect([integers.shape, scale.shape, zero.shape]).toEqual([
      [7, 2],
      [3, 2],
      [3, 2],
    ]);
    expect([integers.dtype, zero.dtype]).toEqual(["int8", "int8"]);
    const q = (await integers.array()) as number[][];
    const s = (await scale.array()) as number[][];
    const z = (await zero.array()) as number[][];
    // The range of the last group holds the 0 of the padding.
    for (const i of [3, 4, 5]) {
      const step = s[1]?.[1] as number;
      const back = ((q[i]?.[1] as number) - (z[1]?.[1] as number)) * step;
      expect(Math.abs(back - (rows[i]?.[1] as number))).toBeLessThanOrEqual(step);
    }
    expect(Math.max(...q.flat())).toBeLessThanOrEqual(7);
    expect(Math.min(...q.flat())).toBeGreaterThanOrEqual(-8);
    expect(s[2]?.[1]).toBeCloseTo(26 / 15, 4);
  });

  test("counts a group of one value as one of width 2", async () => {
    const [, scale] = quantizers.absMaxQuantizeGroupedWithZeroPoint([[5], [5]], 8);
    expect(await scale.item()).toBeCloseTo(2 / 15, 5);
  });

  test("refuses what is no matrix, and groups of no rows", () => {
    const { absMaxQuantizeGroupedWithZeroPoint: quantize } = quantizers;
    expect(() => quantize([1, 2], 1)).toThrow(ShapeError);
    expect(() => quantize(ops.zeros([0, 3]), 1)).toThrow(ShapeError);
    expect(() => quantize([[1]], 0)).toThrow(ArgumentError);
    expect(() => quantize([[1]], 1.5)).toThrow(ArgumentError);
  });
});

describe("fakeQuantWithMinMaxVars", () => {
  const { fakeQuantWithMinMaxVars: fakeQuant } = quantizers;

  test("rounds to a grid that holds 0, and clips", async () => {
    // 15 steps of 0.1, the fifth value being 0.
    const x = tensor([-9, -0.26, -0.01, 0.04, 0.07, 9]);
    const values = await numbers(fakeQuant(x, -0.4, 1.1, { numBits: 4 }));
    for (const [i, v] of [-0.4, -0.3, 0, 0, 0.1, 1.1].entries())
      expect(values[i]).toBeCloseTo(v, 5);
    const narrow = await numbers(fakeQuant(x, -0.7, 0.7, { numBits: 4, narrowRange: true }));
    for (const [i, v] of [-0.7, -0.3, 0, 0, 0.1, 0.7].entries())
      expect(narrow[i]).toBeCloseTo(v, 5);
  });

  test("sends gradients to inputs inside, to the minimum below and the maximum above", async () => {
    const x = tensor([-3, -0.5, 0.5, 2, 4]);
    const weights = tensor([1, 2, 4, 8, 16]);
    const step = (...args: Tensor[]): Tensor[] => {
      const [, gradients] = valueAndGrad(
        (y: Tensor, min: Tensor, max: Tensor) =>
          ops.sum(ops.multiply(fakeQuant(y, min, max), weights)),
        { argnums: [0, 1, 2] },
      )(...(args as [Tensor, Tensor, Tensor]));
      return gradients as Tensor[];
    };
    for (const run of [step, jit(step)]) {
      const [dx, dmin, dmax] = run(x, tensor(-1), tensor([1])) as [Tensor, Tensor, Tensor];
      expect(await numbers(dx)).toEqual([0, 2, 4, 0, 0]);
      expect(await dmin.array()).toBe(1);
      expect(await dmax.array()).toEqual([24]);
    }
  });

  test("takes a range for each channel, on any axis", async () => {
    const x = tensor([
      [-2, 0.4, 5],
      [-2, 0.4, 5],
    ]);
    const options = { axis: 0, numBits: 8 };
    const max = tensor([1, 4]);
    const [one, other] = (await fakeQuant(x, tensor([0, 0]), max, options).array()) as number[][];
    expect([one?.[0], one?.[2]]).toEqual([0, expect.closeTo(1, 5)]);
    expect([other?.[0], other?.[2]]).toEqual([0, expect.closeTo(4, 5)]);
    const [, dmax] = valueAndGrad((m: Tensor) => ops.sum(fakeQuant(x, tensor([0, 0]), m, options)))(
      max,
    );
    expect(await numbers(dmax)).toEqual([1, 1]);
    // The transposed inputs, with channels last, give the transposed outputs.
    const last = fakeQuant(ops.transpose(x), tensor([0, 0]), max, { axis: -1 });
    expect(await ops.transpose(last).array()).toEqual([one, other]);
  });

  test("keeps the dtype of half-precision inputs", () => {
    expect(fakeQuant(tensor([0.3], { dtype: "float16" }), -1, 1).dtype).toBe("float16");
  });

  test("refuses other numbers of ranges and of bits", () => {
    expect(() => fakeQuant([[1, 2]], [0, 0], [1, 1])).toThrow(ShapeError);
    expect(() => fakeQuant([[1, 2]], [0, 0, 0], 1, { axis: 1 })).toThrow(ShapeError);
    expect(() => fakeQuant([1], 0, 1, { numBits: 1 })).toThrow(ArgumentError);
  });
});

describe("8-bit floats", () => {
  /** Every finite number of a dtype from 0, by its definition. */
  function numbersOf(mantissa: number, bias: number, max: number): number[] {
    const all: number[] = [];
    for (let code = 0; code < 128; code++) {
      const exponent = code >> mantissa;
      const fraction = (code & (2 ** mantissa - 1)) / 2 ** mantissa;
      const value =
        exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias);
      if (value <= max) all.push(value);
    }
    return all;
  }

  test.each([
    ["float8_e4m3fn", 3, 7, 448],
    ["float8_e5m2", 2, 15, 57344],
  ] as const)(
    "%s: the nearest number, ties to the even code",
    async (dtype, mantissa, bias, max) => {
      const all = numbersOf(mantissa, bias, max);
      const inputs: number[] = [];
      const expected: number[] = [];
      for (let i = 0; i + 1 < all.length; i++) {
        const [low, high] = [all[i] as number, all[i + 1] as number];
        const middle = (low + high) / 2;
        inputs.push(low, low + (high - low) * 0.49, middle, low + (high - low) * 0.51);
        expected.push(low, low, i % 2 === 0 ? low : high, high);
      }
      inputs.push(max, max * 3);
      expected.push(max, max);
      const round = (x: Tensor): Tensor => quantizers.quantizeAndDequantize(x, 1, dtype, "float32");
      const x = tensor([...inputs, ...inputs.map((v) => -v)]);
      const wanted = [...expected, ...expected.map((v) => (v === 0 ? 0 : -v))];
      for (const run of [round, jit(round)]) {
        const values = await numbers(run(x));
        expect(values.map((v) => v + 0)).toEqual(wanted);
      }
    },
  );

  test("divide by the scale before and multiply with it after", async () => {
    const x = tensor([3, 900, -2000]);
    const y = quantizers.quantizeAndDequantize(x, tensor(2), "float8_e4m3fn", "float32");
    // 1.5, 450 and -1000 as e4m3fn: 1.5, 448, -448.
    expect(await numbers(y)).toEqual([3, 896, -896]);
    const half = quantizers.quantizeAndDequantize(x, 2, "float8_e5m2", "float16");
    expect(half.dtype).toBe("float16");
  });

  test("let gradients through, but for what is clipped; NaN stays", async () => {
    const x = tensor([1.06, -17, 1000]);
    const [, dx] = valueAndGrad((y: Tensor) =>
      ops.sum(quantizers.quantizeAndDequantize(y, 1, "float8_e4m3fn", "float32")),
    )(x);
    expect(await numbers(dx)).toEqual([1, 1, 0]);
    const nan = quantizers.quantizeAndDequantize([Number.NaN], 1, "float8_e5m2", "float32");
    expect(await numbers(nan)).toEqual([Number.NaN]);
  });

  test("of other kinds are refused by name", () => {
    expect(() => quantizers.quantizeAndDequantize([1], 1, "float8_e4m3b11fnuz", "float32")).toThrow(
      expect.objectContaining({ dtypes: ["float8_e4m3b11fnuz"] }),
    );
    expect(() => quantizers.quantizeAndDequantize([1], 1, "int8", "float32")).toThrow(
      UnsupportedError,
    );
  });

  test("scale by the largest value of late, where there is a usable one", async () => {
    const scale = async (amax: number, margin = 0): Promise<unknown> =>
      quantizers.computeFloat8Scale(tensor(amax), tensor(3), 448, { margin }).item();
    expect(await scale(896)).toBeCloseTo(2, 5);
    expect(await scale(896, 1)).toBeCloseTo(4, 5);
    for (const amax of [0, Number.POSITIVE_INFINITY, Number.NaN]) {
      expect(await scale(amax)).toBeCloseTo(3, 5);
    }
  });

  test("keep a history, latest first", async () => {
    const history = tensor([1, 4, 5], { dtype: "float32" });
    const next = quantizers.computeFloat8AmaxHistory([[-3, 2]], history);
    expect(await numbers(next)).toEqual([3, 5, 1]);
    expect(await numbers(history)).toEqual([1, 4, 5]);
  });
});
