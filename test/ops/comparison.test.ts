/** Tests of src/ops/comparison.ts. */
import { ops } from "../../src/index.ts";
import type { DType } from "../../src/util/dtypes.ts";
import { binaryTest, unaryTest } from "../support/elementwise.ts";
import { integers, oneOf, uniform } from "../support/inputs.ts";
import { at, broadcast, build, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";
import { floatDTypes, integerDTypes, numberDTypes } from "../support/shapes.ts";

const all: readonly DType[] = [...numberDTypes, "bool"];
const truth = { dtypes: all, resultDType: "bool", differentiable: false } as const;
const few = oneOf([0, 1, 2]);

binaryTest("equal", ops.equal, (a, b) => Number(a === b), {
  ops: ["equal"],
  inputs: few,
  ...truth,
});
binaryTest("notEqual", ops.notEqual, (a, b) => Number(a !== b), {
  ops: ["not_equal"],
  inputs: few,
  ...truth,
});
binaryTest("less", ops.less, (a, b) => Number(a < b), { ops: ["less"], inputs: few, ...truth });
binaryTest("lessEqual", ops.lessEqual, (a, b) => Number(a <= b), {
  ops: ["less_equal"],
  inputs: few,
  ...truth,
});
binaryTest("greater", ops.greater, (a, b) => Number(a > b), {
  ops: ["greater"],
  inputs: few,
  ...truth,
});
binaryTest("greaterEqual", ops.greaterEqual, (a, b) => Number(a >= b), {
  ops: ["greater_equal"],
  inputs: few,
  ...truth,
});
const special = oneOf([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0, 1]);
binaryTest("equal with NaN", ops.equal, (a, b) => Number(a === b), {
  ...truth,
  dtypes: floatDTypes,
  inputs: special,
});
binaryTest("less with NaN", ops.less, (a, b) => Number(a < b), {
  ...truth,
  dtypes: floatDTypes,
  inputs: special,
});
binaryTest(
  "no gradient through a comparison",
  (a, b) => ops.cast(ops.less(a, b), a.dtype),
  (a, b) => Number(a < b),
  { differentiable: "zero", dtypes: ["float32"], internal: true },
);

binaryTest("logicalAnd", ops.logicalAnd, (a, b) => Number(a !== 0 && b !== 0), {
  ops: ["logical_and"],
  inputs: few,
  ...truth,
});
binaryTest("logicalOr", ops.logicalOr, (a, b) => Number(a !== 0 || b !== 0), {
  ops: ["logical_or"],
  inputs: few,
  ...truth,
});
binaryTest("logicalXor", ops.logicalXor, (a, b) => Number((a !== 0) !== (b !== 0)), {
  ops: ["logical_xor"],
  inputs: few,
  ...truth,
});
unaryTest("logicalNot", ops.logicalNot, (x) => Number(x === 0), {
  ops: ["logical_not"],
  inputs: few,
  ...truth,
});

const tests = { resultDType: "bool", differentiable: false } as const;
unaryTest("isnan", ops.isnan, (x) => Number(Number.isNaN(x)), {
  ops: ["isnan"],
  inputs: special,
  ...tests,
});
unaryTest("isinf", ops.isinf, (x) => Number(Math.abs(x) === Number.POSITIVE_INFINITY), {
  ops: ["isinf"],
  inputs: special,
  ...tests,
});
unaryTest("isfinite", ops.isfinite, (x) => Number(Number.isFinite(x)), {
  ops: ["isfinite"],
  inputs: special,
  ...tests,
});
for (const name of ["isnan", "isinf", "isfinite"] as const) {
  unaryTest(`${name} of integers`, ops[name], () => Number(name === "isfinite"), {
    ...tests,
    dtypes: integerDTypes,
    inputs: uniform(-3, 3),
  });
}

function where(condition: Nd, a: Nd, b: Nd): Nd {
  return build(broadcast(condition.shape, broadcast(a.shape, b.shape)), (index) =>
    at(condition, index) !== 0 ? at(a, index) : at(b, index),
  );
}
const branches = {
  run: ops.where,
  reference: where,
  shapes: [
    [[], [], []],
    [[37], [37], [37]],
    [[3], [], [3]],
    [[], [2, 3], [3]],
    [[4, 1], [1, 5], [5]],
    [[2, 0], [1], [2, 1]],
    [
      [2, 1, 1, 1, 1, 2],
      [1, 2, 1, 2, 1, 2],
      [2, 1, 2, 1],
    ],
  ],
} as const;
opTest("where", {
  ...branches,
  ops: ["where"],
  dtypes: all,
  inputs: [integers(0, 1, "bool"), uniform(), uniform()],
  resultDType: (dtype) => dtype,
});
opTest("where by numbers", {
  ...branches,
  inputs: [integers(0, 2, "int32"), uniform(), uniform()],
  resultDType: (dtype) => dtype,
});
