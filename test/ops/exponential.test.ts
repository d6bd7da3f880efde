/** Tests of src/ops/exponential.ts. */
import { ops } from "../../src/index.ts";
import { binaryTest, unaryTest } from "../support/elementwise.ts";
import { awayFrom, oneOf, uniform } from "../support/inputs.ts";
import { integerDTypes } from "../support/shapes.ts";
import { erf, erfc, erfinv, sigmoid, softplus } from "../support/special.ts";

const positive = uniform(0.2, 4);

unaryTest("exp", ops.exp, Math.exp, { ops: ["exp"], inputs: uniform(-3, 3) });
unaryTest("expm1", ops.expm1, Math.expm1, { ops: ["expm1"], inputs: uniform(-3, 3) });
unaryTest("expm1 near 0", ops.expm1, Math.expm1, {
  inputs: uniform(-1e-3, 1e-3),
  dtypes: ["float32", "float64"],
});
unaryTest("log", ops.log, Math.log, { ops: ["log"], inputs: positive });
unaryTest("log1p", ops.log1p, Math.log1p, { ops: ["log1p"], inputs: uniform(-0.7, 4) });
unaryTest("log1p near 0", ops.log1p, Math.log1p, {
  inputs: uniform(-1e-3, 1e-3),
  dtypes: ["float32", "float64"],
});
unaryTest("log2", ops.log2, Math.log2, { ops: ["log2"], inputs: positive });
unaryTest("log10", ops.log10, Math.log10, { inputs: positive, steps: 2 });
unaryTest("sqrt", ops.sqrt, Math.sqrt, { ops: ["sqrt"], inputs: positive });
unaryTest("rsqrt", ops.rsqrt, (x) => 1 / Math.sqrt(x), { ops: ["rsqrt"], inputs: positive });
unaryTest("sigmoid", ops.sigmoid, sigmoid, {
  ops: ["sigmoid"],
  inputs: uniform(-8, 8),
  // y (1 - y)
  gradientCancels: 1,
});
unaryTest("tanh", ops.tanh, Math.tanh, {
  ops: ["tanh"],
  inputs: uniform(-3, 3),
  // 1 - y^2
  gradientCancels: 1,
});
unaryTest("erf", ops.erf, erf, { ops: ["erf"], inputs: uniform(-3, 3) });
unaryTest("erfc", ops.erfc, erfc, { ops: ["erfc"], inputs: uniform(-3, 3) });
unaryTest("erfc far out", ops.erfc, erfc, {
  inputs: uniform(4, 9),
  dtypes: ["float32", "float64"],
  // Errors of x grow with 2 x^2 in e^(-x^2), in float64 in the reference, too.
  steps: 40,
  gradientSteps: 160,
});
unaryTest("erfinv", ops.erfinv, erfinv, { ops: ["erfinv"], inputs: uniform(-0.9, 0.9) });
unaryTest("softplus", ops.softplus, softplus, { ops: ["softplus"], inputs: uniform(-8, 8) });
unaryTest("exp of integers", ops.exp, Math.exp, {
  dtypes: integerDTypes,
  inputs: uniform(-5, 5),
  resultDType: "float32",
});

binaryTest("logaddexp", ops.logaddexp, (a, b) => Math.log(Math.exp(a) + Math.exp(b)), {
  // Equal operands are a kink of the absolute value that it is made of.
  inputs: [oneOf([-2, -1, 0, 1.5]), oneOf([-1.75, -0.5, 0.25, 2])],
  steps: 4,
  cancels: true,
});
binaryTest("power", ops.power, (a, b) => a ** b, {
  ops: ["power"],
  inputs: [positive, awayFrom([0])],
});
binaryTest("power of integers", ops.power, (a, b) => a ** b, {
  dtypes: integerDTypes,
  inputs: [uniform(-3, 3), uniform(0, 4)],
});
