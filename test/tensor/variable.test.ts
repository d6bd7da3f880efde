/**
 * Variables: their own memory, and what was read from it before.
 *
 * @module
 */
import { beforeAll, describe, expect, it } from "vitest";
import {
  ArgumentError,
  DisposedError,
  jit,
  memory,
  ops,
  ShapeError,
  tensor,
  Variable,
} from "../../src/index.ts";
import { devices, useDevice } from "../support/devices.ts";
import { settledMemory } from "../support/memory.ts";

describe.each(devices)("variables on %s", (name) => {
  beforeAll(() => useDevice(name));

  it("take an initial value, an array, or an initializer's name", async () => {
    expect(await new Variable([1, 2]).array()).toEqual([1, 2]);
    const ones = new Variable("ones", { shape: [2, 2], dtype: "float16" });
    expect(ones.dtype).toBe("float16");
    expect(await ones.array()).toEqual([
      [1, 1],
      [1, 1],
    ]);
    expect(() => new Variable("ones")).toThrow(ArgumentError);
    expect(() => new Variable("no_such", { shape: [1] })).toThrow(ArgumentError);
    expect(() => new Variable([1, 2], { shape: [3] })).toThrow(ShapeError);
  });

  it("leave what was read before as it was", async () => {
    const v = new Variable([1, 2]);
    const before = v.value;
    const again = v.value;
    v.assign([3, 4]);
    v.assignAdd([10, 10]);
    expect(await before.array()).toEqual([1, 2]);
    expect(await again.array()).toEqual([1, 2]);
    expect(await v.array()).toEqual([13, 14]);
  });

  it("share their memory with reads until they are written", async () => {
    const v = new Variable(ops.zeros([256]));
    const { bytes } = await settledMemory();
    const read = v.value;
    if (name === "cpu") expect(memory().bytes).toBe(bytes);
    v.assignAdd(1);
    expect((await read.data())[0]).toBe(0);
    expect((await v.data())[0]).toBe(1);
  });

  it("keep what readers hold when a program writes them", async () => {
    const v = new Variable([1, 2]);
    const step = jit(() => {
      v.assignAdd(1);
      return v.value;
    });
    const first = v.value;
    const returned = step();
    const second = v.value;
    step();
    expect(await first.array()).toEqual([1, 2]);
    expect(await returned.array()).toEqual([2, 3]);
    expect(await second.array()).toEqual([2, 3]);
    expect(await v.array()).toEqual([3, 4]);
  });

  it("refuse values of another shape", () => {
    const v = new Variable([1, 2]);
    expect(() => v.assign([1, 2, 3])).toThrow(ShapeError);
    expect(() => v.assignAdd([[1, 2]])).toThrow(ShapeError);
    expect(() => v.assign([1, 2, 3])).toThrow(/variable.*\[2\].*\[3\]/);
  });

  it("assign in their own dtype", async () => {
    const v = new Variable([0], { dtype: "int32" });
    v.assign(tensor([2.75]));
    expect(await v.array()).toEqual([2]);
  });

  it("are gone after dispose", async () => {
    const { storages: before } = await settledMemory();
    const v = new Variable([1]);
    expect(memory().storages).toBe(before + 1);
    v.dispose();
    expect(memory().storages).toBe(before);
    expect(() => v.value).toThrow(DisposedError);
  });

  it("swap in one program without losing a value", async () => {
    const a = new Variable([1]);
    const b = new Variable([2]);
    const swap = jit(() => {
      const old = a.value;
      a.assign(b.value);
      b.assign(old);
    });
    swap();
    expect([await a.array(), await b.array()]).toEqual([[2], [1]]);
    swap();
    expect([await a.array(), await b.array()]).toEqual([[1], [2]]);
  });
});
