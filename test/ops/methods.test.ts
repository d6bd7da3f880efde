/**
 * The common ops as methods.
 *
 * @module
 */
import { describe, expect, it } from "vitest";
import { grad, jit, ops, type Tensor, tensor } from "../../src/index.ts";

describe("methods of tensors", () => {
  it("do what the ops of their names do", async () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    expect(await x.add(1).multiply(x).sum({ axis: 0 }).array()).toEqual([14, 26]);
    expect(await x.matmul(x).array()).toEqual([
      [7, 10],
      [15, 22],
    ]);
    expect(await x.reshape([4]).transpose().array()).toEqual([1, 2, 3, 4]);
    expect(await x.max().item()).toBe(4);
    expect(await x.argmax({ axis: 1 }).array()).toEqual([1, 1]);
    expect(await x.greater(2).all().item()).toBe(false);
    expect(x.cast("int32").dtype).toBe("int32");
    expect(await x.subtract(2.5).absolute().negative().clip(-1, 0).array()).toEqual([
      [-1, -0.5],
      [-0.5, -1],
    ]);
    expect(x.expandDims(0).shape).toEqual([1, 2, 2]);
    expect(x.expandDims(0).squeeze().shape).toEqual([2, 2]);
  });

  it("index as NumPy does", async () => {
    const x = ops.reshape(ops.arange(12), [3, 4]);
    expect(await x.at(1).array()).toEqual([4, 5, 6, 7]);
    expect(await x.at(-1, -1).item()).toBe(11);
    expect(await x.at({ start: 2, step: -1 }, 0).array()).toEqual([8, 4, 0]);
    expect(await x.at("...", { step: 2 }).array()).toEqual([
      [0, 2],
      [4, 6],
      [8, 10],
    ]);
    expect(x.at(null, 0).shape).toEqual([1, 4]);
    expect(await x.at([2, 0], 1).array()).toEqual([9, 1]);
    expect(await x.slice([1, 1], [2, 2]).array()).toEqual([
      [5, 6],
      [9, 10],
    ]);
  });

  it("trace and differentiate", async () => {
    const f = (x: Tensor): Tensor => x.square().add(x.exp()).sum();
    expect(await jit(grad(f))(tensor([0, 1])).array()).toEqual(
      await grad(f)(tensor([0, 1])).array(),
    );
  });
});
