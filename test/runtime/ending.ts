/**
 * A program with a long submission in flight, which it awaits (`await`) or
 * leaves behind (`exit`).
 *
 * @module
 */
import { jit, ops, type Tensor } from "../../src/index.ts";

const matrix = ops.ones([400, 400]);
const power = jit((x: Tensor) => {
  let y = x;
  for (let i = 0; i < 100; i++) y = ops.multiply(ops.matmul(y, matrix), 1 / 400);
  return ops.mean(y);
});
const result = power(matrix);
if (process.argv[2] === "exit") {
  console.log("leaving");
  process.exit(3);
}
if (Math.abs(Number(await result.item()) - 1) > 1e-3) throw new Error("wrong result");
console.log("done");
