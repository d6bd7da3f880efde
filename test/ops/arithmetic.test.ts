/** Tests of src/ops/arithmetic.ts. */
import { ops } from "../../src/index.ts";
import { binaryTest, unaryTest } from "../support/elementwise.ts";
import { awayFrom, type InputSpec, oneOf, uniform } from "../support/inputs.ts";
import { floatDTypes, integerDTypes, numberDTypes } from "../support/shapes.ts";
import { roundHalfEven } from "../support/special.ts";

const nonzero = awayFrom([0], { low: -3, high: 3, distance: 0.3 });

// Sums and differences of short fractions are exact in every dtype.
binaryTest("add", ops.add, (a, b) => a + b, { ops: ["add"], dtypes: numberDTypes });
binaryTest("subtract", ops.subtract, (a, b) => a - b, { ops: ["subtract"], dtypes: numberDTypes });
binaryTest("multiply", ops.multiply, (a, b) => a * b, {
  ops: ["multiply"],
  dtypes: numberDTypes,
  inputs: uniform(-7, 7),
});
binaryTest("divide", ops.divide, (a, b) => a / b, {
  ops: ["divide"],
  inputs: [uniform(), nonzero],
});
binaryTest("trueDivide", ops.trueDivide, (a, b) => a / b, { inputs: [uniform(), nonzero] });
binaryTest("divide of integers", ops.divide, (a, b) => a / b, {
  dtypes: integerDTypes,
  inputs: [uniform(-9, 9), oneOf([1, 2, 4, 7])],
  resultDType: "float32",
});

// Quotients that are never near an integer without being one.
const quarters: InputSpec = oneOf([-3.75, -2.25, -1.5, -0.25, 0, 0.5, 1.75, 3]);
binaryTest("floorDivide", ops.floorDivide, (a, b) => Math.floor(a / b), {
  ops: ["floor_divide"],
  inputs: [quarters, oneOf([-2, -1.5, -0.5, 0.5, 1.5, 2])],
  differentiable: "zero",
});
binaryTest("floorDivide of integers", ops.floorDivide, (a, b) => Math.floor(a / b), {
  dtypes: integerDTypes,
  inputs: [uniform(-20, 20), oneOf([1, 2, 3, 7])],
});
binaryTest("mod", ops.mod, (a, b) => a - b * Math.floor(a / b), {
  ops: ["mod"],
  inputs: [oneOf([-3.625, -2.375, -0.625, 0.375, 1.625, 3.375]), oneOf([-2, -1, 1, 2])],
});
binaryTest("mod of integers", ops.mod, (a, b) => a - b * Math.floor(a / b), {
  dtypes: ["int32", "int8", "int16", "int64"],
  inputs: [uniform(-20, 20), oneOf([-5, -3, -1, 1, 3, 7])],
});
binaryTest("mod of unsigned integers", ops.mod, (a, b) => a % b, {
  dtypes: ["uint8", "uint16", "uint32", "uint64"],
  inputs: [uniform(0, 20), oneOf([1, 3, 7])],
});

// Never equal, and never nearer than 1/8.
const left = oneOf([-2, -1, -0.5, 0, 0.25, 1, 1.5, 2]);
const right = oneOf([-1.875, -1.125, -0.625, 0.125, 0.375, 1.25, 1.875]);
binaryTest("maximum", ops.maximum, Math.max, { ops: ["maximum"], inputs: [left, right] });
binaryTest("minimum", ops.minimum, Math.min, { ops: ["minimum"], inputs: [left, right] });
binaryTest("maximum of integers", ops.maximum, Math.max, {
  dtypes: integerDTypes,
  inputs: uniform(-5, 5),
});
binaryTest("minimum of integers", ops.minimum, Math.min, {
  dtypes: integerDTypes,
  inputs: uniform(-5, 5),
});

unaryTest("negative", ops.negative, (x) => -x, { ops: ["negative"], dtypes: numberDTypes });
unaryTest("absolute", ops.absolute, Math.abs, {
  ops: ["absolute"],
  inputs: awayFrom([0]),
  dtypes: numberDTypes,
});
unaryTest("abs", ops.abs, Math.abs, { inputs: awayFrom([0]) });
unaryTest("sign", ops.sign, Math.sign, {
  ops: ["sign"],
  dtypes: numberDTypes,
  inputs: awayFrom([0]),
  differentiable: "zero",
});
unaryTest("sign of zeros", ops.sign, Math.sign, {
  inputs: oneOf([-1, 0, 2]),
  differentiable: false,
});
unaryTest("square", ops.square, (x) => x * x, {
  ops: ["square"],
  dtypes: numberDTypes,
  inputs: uniform(-7, 7),
});
unaryTest("square of booleans", ops.square, (x) => x * x, {
  dtypes: ["bool"],
  resultDType: "int32",
});
unaryTest("reciprocal", ops.reciprocal, (x) => 1 / x, { ops: ["reciprocal"], inputs: nonzero });
// Halves among them, and nothing within 1/8 of a jump.
const halves = oneOf([-2.5, -1.75, -1.5, -0.75, -0.375, 0.375, 0.5, 1.25, 1.5, 2.75]);
const thirds = oneOf([-2.625, -1.75, -1.25, -0.75, -0.375, 0.375, 0.625, 1.25, 1.75, 2.75]);
unaryTest("floor", ops.floor, Math.floor, {
  ops: ["floor"],
  inputs: halves,
  differentiable: "zero",
});
unaryTest("ceil", ops.ceil, Math.ceil, { ops: ["ceil"], inputs: halves, differentiable: "zero" });
unaryTest("trunc", ops.trunc, Math.trunc, {
  ops: ["trunc"],
  inputs: halves,
  differentiable: "zero",
});
unaryTest("round", ops.round, roundHalfEven, {
  ops: ["round"],
  inputs: halves,
  differentiable: "zero",
});
unaryTest(
  "round to decimals",
  (x) => ops.round(x, { decimals: 1 }),
  (x) => roundHalfEven(x * 10) / 10,
  {
    inputs: thirds,
    dtypes: ["float32", "float64"],
    differentiable: "zero",
  },
);
for (const name of ["trunc", "round"] as const) {
  unaryTest(
    `${name} of integers`,
    (x) => ops[name](x),
    (x) => x,
    {
      dtypes: integerDTypes,
      inputs: uniform(-5, 5),
      differentiable: false,
    },
  );
}

binaryTest("divideNoNan", ops.divideNoNan, (a, b) => (b === 0 ? 0 : a / b), {
  inputs: [uniform(), oneOf([0, 0.5, -2, 3])],
  differentiable: false,
});
binaryTest("divideNoNan away from 0", ops.divideNoNan, (a, b) => a / b, {
  inputs: [uniform(), nonzero],
});
unaryTest(
  "clip",
  (x) => ops.clip(x, -1, 1.5),
  (x) => Math.min(1.5, Math.max(-1, x)),
  {
    inputs: awayFrom([-1, 1.5]),
  },
);
unaryTest(
  "clip of integers",
  (x) => ops.clip(x, 1, 4),
  (x) => Math.min(4, Math.max(1, x)),
  {
    dtypes: integerDTypes,
    inputs: uniform(-7, 7),
  },
);
binaryTest("isclose", ops.isclose, (a, b) => Number(a === b), {
  dtypes: [...floatDTypes, ...integerDTypes],
  inputs: oneOf([0, 1, 2]),
  resultDType: "bool",
  differentiable: false,
});
