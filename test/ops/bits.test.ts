/** Tests of src/ops/bits.ts. */
import { apply, ops } from "../../src/index.ts";
import type { DType } from "../../src/util/dtypes.ts";
import { binaryTest, unaryTest } from "../support/elementwise.ts";
import { integers, uniform } from "../support/inputs.ts";
import { opTest } from "../support/op-test.ts";
import { integerDTypes, primitive, unaryShapes } from "../support/shapes.ts";

const whole = { dtypes: integerDTypes, inputs: uniform(-100, 100), differentiable: false } as const;

// Small enough for the 32-bit operators of JavaScript.
binaryTest("bitwiseAnd", ops.bitwiseAnd, (a, b) => a & b, { ops: ["bitwise_and"], ...whole });
binaryTest("bitwiseOr", ops.bitwiseOr, (a, b) => a | b, { ops: ["bitwise_or"], ...whole });
binaryTest("bitwiseXor", ops.bitwiseXor, (a, b) => a ^ b, { ops: ["bitwise_xor"], ...whole });
unaryTest("bitwiseNot", ops.bitwiseNot, (x) => -x - 1, { ops: ["bitwise_not"], ...whole });
unaryTest("bitwiseInvert", ops.bitwiseInvert, (x) => -x - 1, whole);
const shifts = { ...whole, inputs: [uniform(-100, 100), integers(0, 6)] };
for (const name of ["leftShift", "bitwiseLeftShift"] as const) {
  binaryTest(name, ops[name], (a, b) => a * 2 ** b, { ops: ["left_shift"], ...shifts });
}
for (const name of ["rightShift", "bitwiseRightShift"] as const) {
  binaryTest(name, ops[name], (a, b) => a >> b, { ops: ["right_shift"], ...shifts });
}
binaryTest("bitwiseAnd of booleans", ops.bitwiseAnd, (a, b) => a & b, {
  dtypes: ["bool"],
  differentiable: false,
});

const bitcast = primitive<{ dtype: DType }>("bitcast");

opTest("bitcast of floats", {
  ops: ["bitcast"],
  run: (x) => apply(bitcast, [x], { dtype: "int32" } as never),
  reference: ({ shape, data }) => ({
    shape,
    data: Float64Array.from(new Int32Array(Float32Array.from(data).buffer)),
  }),
  shapes: unaryShapes,
  dtypes: ["float32"],
  resultDType: "int32",
  differentiable: "zero",
  internal: true,
});
opTest("bitcast to floats", {
  ops: ["bitcast"],
  run: (x) => apply(bitcast, [x], { dtype: "float64" } as never),
  reference: ({ shape, data }) => ({
    shape,
    data: Float64Array.from(new Float64Array(BigInt64Array.from(Array.from(data, BigInt)).buffer)),
  }),
  shapes: unaryShapes,
  dtypes: ["int64"],
  resultDType: "float64",
  inputs: integers(2 ** 40, 2 ** 44),
  differentiable: false,
  internal: true,
});
