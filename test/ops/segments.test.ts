/** Tests of src/ops/segments.ts. */
import { beforeEach, describe, expect, test } from "vitest";
import {
  ArgumentError,
  jit,
  ops,
  ShapeError,
  setDevice,
  type Tensor,
  tensor,
  UnsupportedError,
} from "../../src/index.ts";
import { distinct, integers, oneOf, uniform } from "../support/inputs.ts";
import { count, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";

const shapes = [
  [[6], [6]],
  [[7, 3], [7]],
  [[5, 2, 3], [5]],
  [[40, 1], [40]],
  [[0, 2], [0]],
  [[3, 0], [3]],
];
// -1 and 4 are no segments of 4, and one may be empty.
const ids = integers(-1, 4, "int32");

function segments(start: number, fn: (a: number, b: number) => number): (data: Nd, ids: Nd) => Nd {
  return (data, given) => {
    const shape = [4, ...data.shape.slice(1)];
    const width = count(data.shape.slice(1));
    const out = new Float64Array(count(shape)).fill(start);
    for (const [row, id] of given.data.entries()) {
      if (id < 0 || id >= 4) continue;
      for (let j = 0; j < width; j++) {
        out[id * width + j] = fn(
          out[id * width + j] as number,
          data.data[row * width + j] as number,
        );
      }
    }
    return { shape, data: out };
  };
}

const wide = ["float32", "float64"] as const;
const integerDTypes = ["int8", "uint8", "int16", "uint16", "int32", "uint32"] as const;

opTest("segmentSum", {
  ops: ["segment_sum"],
  run: (x, i) => ops.segmentSum(x as Tensor, i as Tensor, 4),
  reference: (x, i) => segments(0, (a, b) => a + b)(x as Nd, i as Nd),
  shapes,
  inputs: [uniform(), ids],
  resultDType: (dtype) => dtype,
  needs: ["float32"],
  length: 40,
  unknownAxes: false,
});
opTest("segmentSum of integers", {
  run: (x, i) => ops.segmentSum(x as Tensor, i as Tensor, 4),
  reference: (x, i) => segments(0, (a, b) => a + b)(x as Nd, i as Nd),
  shapes,
  inputs: [integers(0, 3), ids],
  dtypes: integerDTypes,
  differentiable: false,
  unknownAxes: false,
});
opTest("segmentProd", {
  ops: ["segment_prod"],
  run: (x, i) => ops.segmentProd(x as Tensor, i as Tensor, 4),
  reference: (x, i) => segments(1, (a, b) => a * b)(x as Nd, i as Nd),
  shapes,
  inputs: [uniform(0.5, 1.5), ids],
  dtypes: wide,
  steps: 4,
  unknownAxes: false,
});
opTest("segmentProd with zeros", {
  run: (x, i) => ops.segmentProd(x as Tensor, i as Tensor, 4),
  reference: (x, i) => segments(1, (a, b) => a * b)(x as Nd, i as Nd),
  shapes: shapes.slice(0, 3),
  inputs: [oneOf([0, 1.5, 2]), ids],
  dtypes: wide,
  // The first derivative is exact; of it only segments without zeros have one.
  secondDerivative: false,
  unknownAxes: false,
});
for (const name of ["max", "min"] as const) {
  const op = name === "max" ? ops.segmentMax : ops.segmentMin;
  opTest(`segment ${name}`, {
    ops: [`segment_${name}`],
    // Empty segments are the extremes of a dtype: where they are says all.
    run: (x, i) => {
      const y = op(x as Tensor, i as Tensor, 4);
      const isEmpty = ops.greater(ops.abs(y), 6e4);
      return [ops.where(isEmpty, 0, y), isEmpty];
    },
    reference: (x, i) => {
      const y = segments(
        name === "max" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY,
        Math[name],
      )(x as Nd, i as Nd);
      return [
        { shape: y.shape, data: y.data.map((v) => (Number.isFinite(v) ? v : 0)) },
        { shape: y.shape, data: y.data.map((v) => Number(!Number.isFinite(v))) },
      ];
    },
    shapes,
    inputs: [distinct(), ids],
    resultDType: (own) => [own, "bool"],
    needs: ["float32"],
    unknownAxes: false,
  });
}

describe("segments", () => {
  beforeEach(() => setDevice("cpu"));

  test("equal extremes share the gradient", async () => {
    const x = tensor([3, 1, 3, 2]);
    const [, pull] = (await import("../../src/index.ts")).vjp(
      (t: Tensor) => ops.segmentMax(t, [0, 0, 0, 1], 2),
      x,
    );
    const [dx] = pull(tensor([1, 4])) as Tensor[];
    expect(await (dx as Tensor).array()).toEqual([0.5, 0, 0.5, 4]);
  });

  test.each([
    ["float32", (2 - 2 ** -23) * 2 ** 127, -(2 - 2 ** -23) * 2 ** 127],
    ["float64", Number.MAX_VALUE, -Number.MAX_VALUE],
    ["float16", 65504, -65504],
    ["bfloat16", (2 - 2 ** -7) * 2 ** 127, -(2 - 2 ** -7) * 2 ** 127],
    ["int8", 127, -128],
    ["uint16", 65535, 0],
  ] as const)("empty segments of %s", async (dtype, largest, lowest) => {
    const x = ops.array([5], { dtype });
    expect(await ops.segmentMax(x, [1], 2).array()).toEqual([lowest, 5]);
    expect(await ops.segmentMin(x, [1], 2).array()).toEqual([largest, 5]);
  });

  test("NaN wins", async () => {
    const x = [1, Number.NaN, 2];
    expect(await ops.segmentMax(x, [0, 0, 0], 1).array()).toEqual([Number.NaN]);
    expect(await ops.segmentMin(x, [0, 0, 0], 1).array()).toEqual([Number.NaN]);
  });

  test("the number of segments is read from the ids, outside of traces", async () => {
    expect(await ops.segmentSum([1, 2, 3], [2, 0, 2], null, { sorted: false }).array()).toEqual([
      2, 0, 4,
    ]);
    expect(ops.segmentSum(ops.ones([0, 2]), ops.zeros([0], { dtype: "int32" })).shape).toEqual([
      0, 2,
    ]);
    const program = jit((x: Tensor, i: Tensor) => ops.segmentSum(x, i));
    expect(() => program(tensor([1, 2]), ops.array([0, 1]))).toThrow(UnsupportedError);
  });

  test("ids of other integer dtypes, and sums that wrap", async () => {
    for (const dtype of ["int64", "uint8", "uint32"] as const) {
      const i = ops.array([1, 0, 1], { dtype });
      expect(await ops.segmentSum([1, 2, 3], i, 2).array()).toEqual([2, 4]);
    }
    const bytes = ops.array([200, 100], { dtype: "uint8" });
    expect(await ops.segmentSum(bytes, [0, 0], 1).array()).toEqual([44]);
  });

  test("many rows: sums of float32 keep their digits", async () => {
    const n = 100_000;
    const x = tensor(new Float32Array(n).fill(0.1));
    const total = await ops.segmentSum(x, ops.zeros([n], { dtype: "int32" }), 1).item();
    expect(total).toBe(Math.fround(n * Math.fround(0.1)));
  });

  test("what does not fit", () => {
    expect(() => ops.segmentSum([1, 2], [0], 1)).toThrow(ShapeError);
    expect(() => ops.segmentSum(1, [0], 1)).toThrow("one id for each slice");
    expect(() => ops.segmentMax([1], [0], -1)).toThrow(ArgumentError);
    expect(() => ops.segmentMax([1], [0.5], 1)).toThrow("integer indices");
  });
});
