/**
 * Gradients of functions.
 *
 * @module
 */
import { beforeAll, describe, expect, it } from "vitest";
import {
  ArgumentError,
  customGradient,
  GradientError,
  grad,
  hessian,
  jacobian,
  jit,
  jvp,
  ops,
  ShapeError,
  stopGradient,
  type Tensor,
  tensor,
  Variable,
  valueAndGrad,
  vjp,
} from "../../src/index.ts";
import { devices, useDevice } from "../support/devices.ts";

describe.each(devices)("gradients on %s", (name) => {
  beforeAll(() => useDevice(name));

  it("are of the first argument, of chosen ones, or of a tree", async () => {
    const f = (x: Tensor, y: Tensor): Tensor => ops.sum(ops.multiply(ops.square(x), y));
    const x = tensor([1, 2]);
    const y = tensor([3, 4]);
    expect(await grad(f)(x, y).array()).toEqual([6, 16]);
    const [dy, dx] = grad(f, { argnums: [1, 0] })(x, y);
    expect(await dy?.array()).toEqual([1, 4]);
    expect(await dx?.array()).toEqual([6, 16]);
    const tree = grad(({ a, b }: { a: Tensor; b: Tensor[] }) => f(a, b[0] as Tensor));
    const found = tree({ a: x, b: [y] });
    expect(await found.a.array()).toEqual([6, 16]);
    expect(await found.b[0]?.array()).toEqual([1, 4]);
  });

  it("are zero where an argument has no influence, null for such a variable", async () => {
    const x = tensor([1, 2]);
    expect(await grad((_: Tensor) => tensor(1))(x).array()).toEqual([0, 0]);
    const used = new Variable([3], { dtype: "float32" });
    const unused = new Variable([3], { dtype: "float32" });
    const gradients = grad(() => ops.sum(ops.square(used.value)), { variables: [used, unused] })();
    expect(await gradients[0]?.array()).toEqual([6]);
    expect(gradients[1]).toBe(null);
  });

  it("add up where a tensor comes in several ways", async () => {
    const x = tensor([2]);
    expect(
      await grad((y: Tensor) => ops.sum(ops.multiply(y, ops.multiply(y, y))))(x).array(),
    ).toEqual([12]);
    // The same tensor as two arguments: each has its own.
    const [da, db] = grad((a: Tensor, b: Tensor) => ops.sum(ops.multiply(a, ops.square(b))), {
      argnums: [0, 1],
    })(x, x);
    expect(await da?.array()).toEqual([4]);
    expect(await db?.array()).toEqual([8]);
    const v = new Variable([2], { dtype: "float32" });
    const [dv] = grad(() => ops.sum(ops.multiply(v.value, v.value)), { variables: [v] })();
    expect(await dv?.array()).toEqual([4]);
  });

  it("nest, in any order", async () => {
    const f = (x: Tensor): Tensor => ops.sum(ops.exp(ops.multiply(x, 2)));
    let g = f;
    for (let order = 1; order <= 4; order++) {
      const inner = g;
      g = (x) => ops.sum(grad(inner)(x));
      expect(await g(tensor([0])).item()).toBeCloseTo(2 ** order, 4);
      expect(await jit(g)(tensor([0])).item()).toBeCloseTo(2 ** order, 4);
    }
  });

  it("come with the value, and with what else is returned", async () => {
    const [[value, extra], dx] = valueAndGrad(
      (x: Tensor) => [ops.sum(ops.square(x)), { note: "kept" }] as [Tensor, { note: string }],
      { hasAux: true },
    )(tensor([3]));
    expect(await value.item()).toBe(9);
    expect(extra.note).toBe("kept");
    expect(await dx.array()).toEqual([6]);
  });

  it("pull back what they are given", async () => {
    const [y, pull] = vjp(
      (a: Tensor, b: Tensor) => ops.matmul(a, b),
      tensor([[1, 2]]),
      tensor([[3], [4]]),
    );
    expect(await y.array()).toEqual([[11]]);
    const [da, db] = pull(tensor([[2]]));
    expect(await da?.array()).toEqual([[6, 8]]);
    expect(await db?.array()).toEqual([[2], [4]]);
    expect(() => pull(tensor([1, 2]))).toThrow(ShapeError);
  });

  it("push forward what they are given", async () => {
    const f = (x: Tensor, y: Tensor): Tensor => ops.multiply(ops.sin(x), y);
    const [z, dz] = jvp(f, [tensor([1, 2]), tensor([3, 4])], [tensor([1, 0]), tensor([0, 1])]);
    expect((await z.array())[0]).toBeCloseTo(Math.sin(1) * 3, 5);
    expect((await dz.array())[0]).toBeCloseTo(Math.cos(1) * 3, 5);
    expect((await dz.array())[1]).toBeCloseTo(Math.sin(2), 5);
    expect(() => jvp(f, [tensor([1]), tensor([1])], [tensor([1, 2]), tensor([1])])).toThrow(
      ShapeError,
    );
    const compiled = jit((x: Tensor) => jvp((y: Tensor) => ops.exp(y), [x], [x])[1]);
    expect(await compiled(tensor([1])).item()).toBeCloseTo(Math.E, 5);
  });

  it("make Jacobians and Hessians", async () => {
    const f = (x: Tensor): Tensor => ops.stack([ops.sum(ops.square(x)), ops.prod(x)]);
    expect(await jacobian(f)(tensor([2, 3])).array()).toEqual([
      [4, 6],
      [3, 2],
    ]);
    expect(await jit(jacobian(f))(tensor([2, 3])).array()).toEqual([
      [4, 6],
      [3, 2],
    ]);
    expect(await hessian((x: Tensor) => ops.prod(x))(tensor([2, 3])).array()).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });

  it("stop, or are what a function says", async () => {
    const f = (x: Tensor): Tensor => ops.sum(ops.multiply(x, stopGradient(ops.square(x))));
    expect(await grad(f)(tensor([3])).array()).toEqual([9]);
    const passing = customGradient((x: Tensor) => [ops.round(x), (dy: Tensor) => dy]);
    expect(
      await grad((x: Tensor) => ops.sum(ops.multiply(passing(x), 5)))(tensor([1.4])).array(),
    ).toEqual([5]);
    const two = customGradient((a: Tensor, b: Tensor) => [
      ops.add(a, b),
      (dy: Tensor) => [ops.multiply(dy, 10), null],
    ]);
    const [da, db] = grad((a: Tensor, b: Tensor) => ops.sum(two(a, b)), { argnums: [0, 1] })(
      tensor([1]),
      tensor([1]),
    );
    expect(await da?.array()).toEqual([10]);
    expect(await db?.array()).toEqual([0]);
  });

  it("are refused where there are none, by name", () => {
    const x = tensor([1, 2]);
    expect(() => grad((y: Tensor) => y)(x)).toThrow(GradientError);
    expect(() => grad((y: Tensor) => ops.sum(ops.cast(y, "int32")))(x)).toThrow(GradientError);
    expect(() => grad((y: Tensor) => ops.sum(y))(tensor([1], { dtype: "int32" }))).toThrow(
      GradientError,
    );
    expect(() =>
      grad((async (y: Tensor) => ops.sum(y)) as unknown as (y: Tensor) => Tensor)(x),
    ).toThrow(ArgumentError);
    expect(() => grad((y: Tensor) => ops.sum(y), { argnums: 3 })(x)).toThrow(ArgumentError);
  });

  it("do not see what happens outside", async () => {
    const x = tensor([2]);
    const before = ops.square(x);
    expect(await grad((y: Tensor) => ops.sum(ops.multiply(y, before)))(x).array()).toEqual([4]);
  });
});
