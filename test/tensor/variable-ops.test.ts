/** Tests of the ops of src/tensor/variable.ts. */
import { describe, expect, test } from "vitest";
import { apply, GradientError, grad, jit, ops, tensor, Variable } from "../../src/index.ts";
import { uniform } from "../support/inputs.ts";
import { zip } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";
import { numberDTypes, primitive } from "../support/shapes.ts";

for (const [name, fn] of [
  ["assign_add", (a: number, b: number) => a + b],
  ["assign_sub", (a: number, b: number) => a - b],
] as const) {
  opTest(name, {
    ops: [name],
    run: (value, change) => apply(primitive(name), [value, change]),
    reference: (value, change) => zip(value, change, fn),
    shapes: [
      [[], []],
      [[37], [37]],
      [[2, 3], []],
      [
        [2, 0],
        [2, 0],
      ],
    ],
    dtypes: numberDTypes,
    inputs: uniform(-5, 5),
    differentiable: "throws",
    internal: true,
  });
}

describe("Variable", () => {
  test("accumulates eagerly and compiled", async () => {
    for (const wrap of [(fn: () => void) => fn, (fn: () => void) => jit(fn)]) {
      const variable = new Variable([1, 2], { dtype: "float32" });
      const step = wrap(() => {
        variable.assignAdd([10, 20]);
        variable.assignSub(tensor(1));
      });
      step();
      step();
      expect(await variable.array()).toEqual([19, 40]);
    }
  });

  test("what was read before an assignment stays what it was", async () => {
    const variable = new Variable([1, 2], { dtype: "float32" });
    const before = variable.value;
    variable.assignAdd([1, 1]);
    expect(await before.array()).toEqual([1, 2]);
    expect(await variable.array()).toEqual([2, 3]);
  });

  test("an assigned value carries no gradient, and says so", () => {
    const variable = new Variable([1, 2], { dtype: "float32" });
    const f = grad((x: typeof variable.value) => ops.sum(variable.assignAdd(x)));
    expect(() => f(tensor([1, 2]))).toThrow(GradientError);
  });
});
