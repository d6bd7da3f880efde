/** Tests of src/ops/trigonometric.ts. */
import { ops } from "../../src/index.ts";
import { binaryTest, unaryTest } from "../support/elementwise.ts";
import { awayFrom, uniform } from "../support/inputs.ts";

const inside = uniform(-0.9, 0.9);

unaryTest("sin", ops.sin, Math.sin, { ops: ["sin"], inputs: uniform(-7, 7) });
unaryTest("cos", ops.cos, Math.cos, { ops: ["cos"], inputs: uniform(-7, 7) });
unaryTest("tan", ops.tan, Math.tan, { ops: ["tan"], inputs: uniform(-1.2, 1.2) });
unaryTest("arcsin", ops.arcsin, Math.asin, { ops: ["arcsin"], inputs: inside });
unaryTest("arccos", ops.arccos, Math.acos, { ops: ["arccos"], inputs: inside });
unaryTest("arctan", ops.arctan, Math.atan, { ops: ["arctan"], inputs: uniform(-5, 5) });
unaryTest("sinh", ops.sinh, Math.sinh, { ops: ["sinh"] });
unaryTest("cosh", ops.cosh, Math.cosh, { ops: ["cosh"] });
unaryTest("arcsinh", ops.arcsinh, Math.asinh, { ops: ["arcsinh"], inputs: uniform(-5, 5) });
unaryTest("arccosh", ops.arccosh, Math.acosh, { ops: ["arccosh"], inputs: uniform(1.2, 5) });
unaryTest("arctanh", ops.arctanh, Math.atanh, { ops: ["arctanh"], inputs: inside });
binaryTest("arctan2", ops.arctan2, Math.atan2, {
  ops: ["arctan2"],
  inputs: [awayFrom([0], { distance: 0.2 }), awayFrom([0], { distance: 0.2 })],
});
