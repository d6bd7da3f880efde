import { describe, expect, test } from "vitest";
import { jit, ops, quantizers, type Tensor, tensor } from "../../../src/index.ts";
import { ArgumentError, DTypeError, ShapeError } from "../../../src/util/errors.ts";

const bytes = (values: readonly number[], dtype: "int8" | "uint8" = "int8"): Tensor =>
  tensor(values as number[], { dtype });

/** Numbers from `low` to `high`, in an order of no pattern. */
function numbersIn(low: number, high: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => low + ((i * 7 + (i >> 2)) % (high - low + 1)));
}

const kinds = [
  ["int4", "int8", -8, 7, 2, quantizers.packInt4, quantizers.unpackInt4],
  ["int4", "uint8", 0, 15, 2, quantizers.packInt4, quantizers.unpackInt4],
  ["int2", "int8", -2, 1, 4, quantizers.packInt2, quantizers.unpackInt2],
  ["int2", "uint8", 0, 3, 4, quantizers.packInt2, quantizers.unpackInt2],
] as const;

describe.each(kinds)("%s in %s", (_, dtype, low, high, count, pack, unpack) => {
  test("unpacks to what was packed, along every axis, compiled too", async () => {
    const x = ops.reshape(bytes(numbersIn(low, high, 3 * 5 * 6), dtype), [3, 5, 6]);
    for (const axis of [0, 1, 2, -1]) {
      const [packed, shape, length] = pack(x, { axis, dtype });
      expect(packed.dtype).toBe(dtype);
      expect(length).toBe(x.shape.at(axis));
      expect(shape).toEqual(packed.shape);
      expect(packed.shape.at(axis)).toBe(Math.ceil(length / count));
      const back = unpack(packed, length, { axis, dtype });
      expect(back.dtype).toBe(dtype);
      expect(await back.array()).toEqual(await x.array());
      const both = jit((y: Tensor) => unpack(pack(y, { axis, dtype })[0], length, { axis, dtype }));
      expect(await both(x).array()).toEqual(await x.array());
    }
  });

  test("holds every value in every place", async () => {
    const all = Array.from({ length: high - low + 1 }, (_, i) => low + i);
    const values = all.flatMap((v) => all.flatMap((w) => [v, w, w, v]));
    const [packed, , length] = pack(bytes(values, dtype), { dtype });
    expect(await unpack(packed, length, { dtype }).array()).toEqual(values);
  });

  test("takes arrays, and refuses tensors of another dtype", () => {
    expect(pack([0, 1], { dtype })[0].dtype).toBe(dtype);
    expect(() => pack(tensor([0, 1]), { dtype })).toThrow(DTypeError);
    expect(() => unpack(tensor([0, 1]), 2, { dtype })).toThrow(DTypeError);
    expect(() => pack([0, 1], { dtype: "int32" })).toThrow(ArgumentError);
    expect(() => pack([0, 1], { dtype, axis: 1 })).toThrow(ShapeError);
  });
});

describe("packing", () => {
  test("puts the first integer in the lowest bits", async () => {
    expect(await quantizers.packInt4(bytes([1, 2, 3]))[0].array()).toEqual([0x21, 3]);
    expect(await quantizers.packInt2(bytes([1, 0, -1, 1]))[0].array()).toEqual([0b01110001]);
  });

  test("signed bytes unpack to unsigned integers and the other way round", async () => {
    const signed = quantizers.unpackInt4(bytes([0xf1 - 256]), 2, { dtype: "uint8" });
    expect(await signed.array()).toEqual([1, 15]);
    const unsigned = quantizers.unpackInt4(bytes([0xf1], "uint8"), 2);
    expect(unsigned.dtype).toBe("int8");
    expect(await unsigned.array()).toEqual([1, -1]);
  });
});

describe("ternary", () => {
  const { packTernary, unpackTernary } = quantizers;

  test("unpacks to what was packed, along every axis", async () => {
    const x = ops.reshape(bytes(numbersIn(-1, 1, 4 * 11 * 5)), [4, 11, 5]);
    for (const axis of [0, 1, -1]) {
      const [packed, shape, length] = packTernary(x, { axis });
      expect(packed.dtype).toBe("uint8");
      expect(shape).toEqual(packed.shape);
      expect(packed.shape.at(axis)).toBe(Math.ceil(length / 5));
      const back = unpackTernary(packed, length, { axis });
      expect(back.dtype).toBe("int8");
      expect(await back.array()).toEqual(await x.array());
    }
  });

  test("takes the largest byte as uint8 and as int8", async () => {
    const [packed] = packTernary([1, 1, 1, 1, 1]);
    expect(await packed.array()).toEqual([242]);
    expect(await unpackTernary(packed, 5).array()).toEqual([1, 1, 1, 1, 1]);
    expect(await unpackTernary(bytes([242 - 256]), 5).array()).toEqual([1, 1, 1, 1, 1]);
  });

  test("rounds and clips first", async () => {
    const [packed, , length] = packTernary(tensor([1.6, -7, 0.4, -0.6, 0.9]));
    expect(await unpackTernary(packed, length).array()).toEqual([1, -1, 0, -1, 1]);
  });

  test("refuses other dtypes", () => {
    expect(() => unpackTernary(tensor([1]), 5)).toThrow(DTypeError);
  });
});
