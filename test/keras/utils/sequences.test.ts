import { describe, expect, test } from "vitest";
import { jit, type Tensor, tensor, utils } from "../../../src/index.ts";
import { ArgumentError, ShapeError, UnsupportedError } from "../../../src/util/errors.ts";

describe("toCategorical", () => {
  test("gives float64 of arrays, whatever their rank", async () => {
    const encoded = utils.toCategorical([
      [0, 1],
      [2, 0],
    ]);
    expect(encoded.dtype).toBe("float64");
    expect(await encoded.array()).toEqual([
      [
        [1, 0, 0],
        [0, 1, 0],
      ],
      [
        [0, 0, 1],
        [1, 0, 0],
      ],
    ]);
  });

  test("takes a column for its elements", () => {
    expect(utils.toCategorical([[0], [1]]).shape).toEqual([2, 2]);
    expect(utils.toCategorical([1]).shape).toEqual([1, 2]);
    const column = tensor([[0], [1]], { dtype: "int32" });
    expect(utils.toCategorical(column, { numClasses: 3 }).shape).toEqual([2, 3]);
  });

  test("takes typed arrays, and indices from the end", async () => {
    const encoded = utils.toCategorical(new Int32Array([-1, 0]), { numClasses: 3 });
    expect(await encoded.array()).toEqual([
      [0, 0, 1],
      [1, 0, 0],
    ]);
  });

  test("gives float32 of tensors, in programs too", async () => {
    const x = tensor([2, 0], { dtype: "int32" });
    const eager = utils.toCategorical(x);
    expect(eager.dtype).toBe("float32");
    expect(eager.shape).toEqual([2, 3]);
    const compiled = jit((y: Tensor) => utils.toCategorical(y, { numClasses: 3 }))(x);
    expect(await compiled.array()).toEqual(await eager.array());
    expect(() => jit((y: Tensor) => utils.toCategorical(y))(x)).toThrow(UnsupportedError);
  });

  test("refuses indices out of range, and no indices at all", () => {
    expect(() => utils.toCategorical([0, 3], { numClasses: 3 })).toThrow(ArgumentError);
    expect(() => utils.toCategorical([-4], { numClasses: 3 })).toThrow(ArgumentError);
    expect(() => utils.toCategorical([])).toThrow(ArgumentError);
    expect(() => utils.toCategorical(tensor(new Int32Array(0)))).toThrow(ArgumentError);
  });
});

describe("padSequences", () => {
  const sequences = [[1], [2, 3], [], [4, 5, 6]];

  test("fills and cuts at the front", async () => {
    const padded = utils.padSequences(sequences);
    expect(padded.dtype).toBe("int32");
    expect(await padded.array()).toEqual([
      [0, 0, 1],
      [0, 2, 3],
      [0, 0, 0],
      [4, 5, 6],
    ]);
    expect(await utils.padSequences(sequences, { maxlen: 2 }).array()).toEqual([
      [0, 1],
      [2, 3],
      [0, 0],
      [5, 6],
    ]);
  });

  test("fills and cuts at the end", async () => {
    const options = { maxlen: 2, padding: "post", truncating: "post", value: 9 } as const;
    expect(await utils.padSequences(sequences, options).array()).toEqual([
      [1, 9],
      [2, 3],
      [9, 9],
      [4, 5],
    ]);
  });

  test("takes typed arrays and elements with axes of their own", async () => {
    const typed = utils.padSequences([new Float32Array([1.5]), [2, 3]], { dtype: "float32" });
    expect(await typed.array()).toEqual([
      [0, 1.5],
      [2, 3],
    ]);
    const pairs = utils.padSequences([
      [[1, 2]],
      [
        [3, 4],
        [5, 6],
      ],
    ]);
    expect(await pairs.array()).toEqual([
      [
        [0, 0],
        [1, 2],
      ],
      [
        [3, 4],
        [5, 6],
      ],
    ]);
  });

  test("cuts fractions off for integer dtypes, 64-bit ones too", async () => {
    expect(await utils.padSequences([[1.7], [-1.7, 2]]).array()).toEqual([
      [0, 1],
      [-1, 2],
    ]);
    const wide = utils.padSequences([[2n ** 40n]], { dtype: "int64", maxlen: 2, value: -1 });
    expect(Array.from((await wide.data()) as BigInt64Array)).toEqual([-1n, 2n ** 40n]);
  });

  test("gives empty tensors of no sequences and of length 0", () => {
    expect(utils.padSequences([]).shape).toEqual([0, 0]);
    expect(utils.padSequences(sequences, { maxlen: 0 }).shape).toEqual([4, 0]);
  });

  test("refuses what is no sequence", () => {
    expect(() => utils.padSequences([1] as never)).toThrow(ArgumentError);
    expect(() => utils.padSequences(3 as never)).toThrow(ArgumentError);
    expect(() => utils.padSequences([[1]], { padding: "front" as never })).toThrow(ArgumentError);
    expect(() => utils.padSequences([[1]], { truncating: "end" as never })).toThrow(ArgumentError);
    expect(() => utils.padSequences([[1]], { maxlen: -1 })).toThrow(ArgumentError);
    expect(() => utils.padSequences([[1]], { value: "" as never })).toThrow(UnsupportedError);
    expect(() => utils.padSequences([[[1, 2]], [[3]]])).toThrow(ShapeError);
  });
});
