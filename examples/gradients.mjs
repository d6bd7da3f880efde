// Gradients of functions, of higher order, and by variables; a compiled step.
import { grad, jit, ops, tensor, Variable, valueAndGrad } from "keratin";

const cube = (x) => ops.sum(ops.multiply(x, ops.square(x)));
const x = tensor([1, 2, 3]);
console.log("x³ summed: ", await cube(x).item());
console.log("gradient:  ", await grad(cube)(x).array());
console.log("second:    ", await grad((y) => ops.sum(grad(cube)(y)))(x).array());

// A line through points, by gradient descent: each step is one compiled program.
const inputs = tensor([0, 1, 2, 3, 4]);
const targets = tensor([1, 3, 5, 7, 9]);
const slope = new Variable(0, { dtype: "float32" });
const offset = new Variable(0, { dtype: "float32" });
const loss = valueAndGrad(
  () => {
    const line = ops.add(ops.multiply(inputs, slope), offset);
    return ops.mean(ops.square(ops.subtract(line, targets)));
  },
  { variables: [slope, offset] },
);
const step = jit(() => {
  const [value, [dSlope, dOffset]] = loss();
  slope.assignSub(ops.multiply(dSlope, 0.05));
  offset.assignSub(ops.multiply(dOffset, 0.05));
  return value;
});
for (let i = 0; i < 500; i++) step().dispose();
const found = [await slope.value.item(), await offset.value.item()];
console.log("the line:  ", found.map((value) => value.toFixed(3)).join(" x + "));
if (Math.abs(found[0] - 2) > 1e-2 || Math.abs(found[1] - 1) > 1e-2) process.exitCode = 1;
