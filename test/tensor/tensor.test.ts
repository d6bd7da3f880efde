/**
 * Making, reading, printing and freeing tensors.
 *
 * @module
 */
import { inspect } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import {
  ArgumentError,
  asFloat,
  DeviceError,
  DisposedError,
  DTypeError,
  device,
  memory,
  ops,
  ShapeError,
  setDevice,
  type Tensor,
  TraceError,
  tensor,
  tidy,
  UnsupportedError,
} from "../../src/index.ts";
import { devices, useDevice } from "../support/devices.ts";
import { settledMemory } from "../support/memory.ts";

describe.each(devices)("tensors on %s", (name) => {
  beforeAll(() => useDevice(name));

  it("take dtype and shape from what they are made of", async () => {
    const cases: [Tensor, string, number[], unknown][] = [
      [tensor(2), "float32", [], 2],
      [
        tensor([
          [1, 2],
          [3, 4],
        ]),
        "float32",
        [2, 2],
        [
          [1, 2],
          [3, 4],
        ],
      ],
      [tensor([true, false]), "bool", [2], [true, false]],
      [tensor(new Int32Array([1, 2, 3])), "int32", [3], [1, 2, 3]],
      [
        tensor(new Uint8Array(4), { shape: [2, 2] }),
        "uint8",
        [2, 2],
        [
          [0, 0],
          [0, 0],
        ],
      ],
      [tensor([1.5, 2.5], { dtype: "float16" }), "float16", [2], [1.5, 2.5]],
      [tensor([1, 3], { dtype: "bfloat16" }), "bfloat16", [2], [1, 3]],
      [tensor([[], []]), "float32", [2, 0], [[], []]],
      [tensor([1, 2], { dtype: "int8" }), "int8", [2], [1, 2]],
    ];
    for (const [x, dtype, shape, values] of cases) {
      expect(x.dtype).toBe(dtype);
      expect(x.shape).toEqual(shape);
      expect(await x.array()).toEqual(values);
      expect(x.device).toBe(name);
    }
  });

  it("refuse ragged rows, strings and sizes that do not match", () => {
    expect(() => tensor([[1, 2], [3]])).toThrow(ShapeError);
    expect(() => tensor([1, "a" as unknown as number])).toThrow(DTypeError);
    expect(() => tensor(new Float32Array(5), { shape: [2, 3] })).toThrow(ShapeError);
    expect(() => tensor([1], { shape: [-1] })).toThrow(ShapeError);
    expect(() => tensor([1], { shape: [0.5] })).toThrow(ShapeError);
  });

  it("are copied from typed arrays before the call returns", async () => {
    const values = new Float32Array([1, 2, 3]);
    const x = tensor(values);
    values.fill(9);
    expect(await x.array()).toEqual([1, 2, 3]);
    const read = await x.data();
    (read as Float32Array).fill(7);
    expect(await x.array()).toEqual([1, 2, 3]);
  });

  it("give a single element, and refuse where there are more", async () => {
    expect(await tensor([[4]]).item()).toBe(4);
    expect(await ops.greater(tensor(2), 1).item()).toBe(true);
    await expect(tensor([1, 2]).item()).rejects.toThrow(ShapeError);
  });

  it("share memory when reshaped and free it with the last of them", async () => {
    const { storages: before } = await settledMemory();
    const x = tensor([1, 2, 3, 4]);
    const y = ops.reshape(x, [2, 2]);
    expect(memory().storages).toBe(before + 1);
    x.dispose();
    expect(x.isDisposed).toBe(true);
    expect(await y.array()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    y.dispose();
    expect(memory().storages).toBe(before);
    await expect(y.data()).rejects.toThrow(DisposedError);
    expect(() => ops.add(x, 1)).toThrow(DisposedError);
    y.dispose();
  });

  it("are freed by tidy unless they are returned", async () => {
    const { storages: before } = await settledMemory();
    let inner: Tensor | null = null;
    const { kept } = tidy(() => {
      inner = ops.add(tensor([1, 2]), tensor([1, 1]));
      return { kept: ops.add(inner, inner) };
    });
    expect((inner as unknown as Tensor).isDisposed).toBe(true);
    expect(await kept.array()).toEqual([4, 6]);
    expect(memory().storages).toBe(before + 1);
    expect(() => tidy(() => tensor(1).data())).toThrow(ArgumentError);
    expect(() =>
      tidy(() => {
        tensor([1, 2, 3]);
        throw new Error("stop");
      }),
    ).toThrow("stop");
    kept.dispose();
    expect(memory().storages).toBe(before);
  });

  it("say what to do instead when used as numbers or read in a trace", () => {
    const x = tensor([1, 2]);
    expect(() => (x as unknown as number) + 1).toThrow(TraceError);
  });

  it("are told apart by their device", () => {
    expect(device().name).toBe(name);
    expect(device().available).toContain("cpu");
  });
});

describe("synchronous reads", () => {
  it("work on the CPU", async () => {
    await useDevice("cpu");
    const x = tensor([[1, 2]]);
    expect([...x.dataSync()]).toEqual([1, 2]);
    expect(x.arraySync()).toEqual([[1, 2]]);
    expect(tensor(3).itemSync()).toBe(3);
  });

  it("are refused elsewhere, naming the remedy", async () => {
    await useDevice("async");
    expect(() => tensor([1]).dataSync()).toThrow(DeviceError);
    expect(() => tensor([1]).arraySync()).toThrow(/await x\.data\(\)/);
    await useDevice("cpu");
  });
});

describe("devices", () => {
  it("refuse dtypes that they lack, by name", async () => {
    await useDevice("async");
    for (const dtype of ["int64", "uint64", "float64"] as const) {
      expect(() => tensor([1], { dtype })).toThrow(UnsupportedError);
      expect(() => tensor([1], { dtype })).toThrow(dtype);
    }
    expect(() => ops.cast(tensor([1]), "float64")).toThrow(/float64/);
    await useDevice("cpu");
    expect(tensor([1], { dtype: "float64" }).dtype).toBe("float64");
    expect(tensor([1n]).dtype).toBe("int64");
  });

  it("are not mixed in one op", async () => {
    await useDevice("async");
    const there = tensor([1]);
    await useDevice("cpu");
    expect(() => ops.add(there, 1)).toThrow(DeviceError);
    expect(await there.array()).toEqual([1]);
  });

  it("are refused when there is no such one", async () => {
    await expect(setDevice("abacus")).rejects.toThrow(DeviceError);
    expect(device().name).toBe("cpu");
  });
});

describe("printing", () => {
  it("shows dtype, shape and values", async () => {
    await useDevice("cpu");
    const text = inspect(
      tensor([
        [1, 2.5],
        [3, 4],
      ]),
    );
    expect(text).toContain("float32 [2, 2]");
    expect(text).toContain("2.5");
    const large = inspect(ops.zeros([100, 100]));
    expect(large).toContain("…");
    expect(large.length).toBeLessThan(1000);
    const gone = tensor([1]);
    gone.dispose();
    expect(String(gone)).toContain("disposed");
  });
});

describe("weak numbers", () => {
  it("promote as Python's do", () => {
    const x = tensor([1, 2], { dtype: "int32" });
    expect(ops.add(x, 2).dtype).toBe("int32");
    expect(ops.add(x, asFloat(2)).dtype).toBe("float32");
    expect(ops.add(x, 0.5).dtype).toBe("float32");
    expect(ops.add(tensor([1], { dtype: "bfloat16" }), 0.5).dtype).toBe("bfloat16");
  });
});
