/** Tests of src/ops/slicing.ts, associative-scan.ts and core.ts. */
import { beforeEach, describe, expect, it } from "vitest";
import {
  ArgumentError,
  grad,
  jit,
  KerasTensor,
  ops,
  ShapeError,
  type Tensor,
  tensor,
} from "../../src/index.ts";
import { useDevice } from "../support/devices.ts";
import { awayFrom, oneOf } from "../support/inputs.ts";
import { at, build } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";

opTest("slice", {
  run: (x) => ops.slice(x, [1, 0, 2], [2, 3, -1]),
  reference: (x) =>
    build([2, 3, (x.shape[2] as number) - 2], ([i, j, k]) =>
      at(x, [(i as number) + 1, j as number, (k as number) + 2]),
    ),
  shapes: [
    [3, 3, 4],
    [4, 4, 2],
  ],
  dtypes: ["float64", "float32", "bfloat16", "int32", "bool"],
  unknownAxes: false,
});

opTest("slice at a tensor, moved inside", {
  run: (x, start) => ops.slice(x, [ops.squeeze(start), 0] as never, [2, 3]),
  reference: (x, start) => {
    const from = Math.min(Math.max(start.data[0] as number, 0), (x.shape[0] as number) - 2);
    return build([2, 3], ([i, j]) => at(x, [(i as number) + from, j as number]));
  },
  shapes: [[[4, 3], [1]]],
  inputs: [awayFrom([0]), oneOf([-2, 0, 1, 3, 9], "int32")],
  dtypes: ["float64", "float32", "int8"],
  unknownAxes: false,
});

for (const start of [
  [0, 0],
  [1, 0],
  [1, 1],
]) {
  opTest(`slice_update at ${start.join(", ")}`, {
    ops: ["scatter_update"],
    run: (x, updates) => ops.sliceUpdate(x, start, updates),
    reference: (x, updates) =>
      build(x.shape, (index) => {
        const inner = index.map((i, axis) => i - (start[axis] as number));
        const inside = inner.every((i, axis) => i >= 0 && i < (updates.shape[axis] as number));
        return inside ? at(updates, inner) : at(x, index);
      }),
    shapes: [
      [
        [4, 3],
        [2, 2],
      ],
      [
        [3, 4],
        [2, 4 - (start[1] as number)],
      ],
      [
        [3, 4],
        [0, 2],
      ],
    ],
    inputs: awayFrom([0]),
    dtypes: ["float64", "float32", "float16", "int32"],
    unknownAxes: false,
  });
}

for (const reverse of [false, true]) {
  opTest(`associative_scan${reverse ? ", reversed" : ""}`, {
    run: (x) =>
      ops.associativeScan((a: Tensor, b: Tensor) => ops.add(a, b), x, { axis: 1, reverse }),
    reference: (x) =>
      build(x.shape, ([i, j, k]) => {
        let sum = 0;
        const length = x.shape[1] as number;
        for (let n = 0; n < length; n++) {
          if (reverse ? n >= (j as number) : n <= (j as number))
            sum += at(x, [i as number, n, k as number]);
        }
        return sum;
      }),
    shapes: [
      [2, 1, 2],
      [1, 2, 1],
      [2, 7, 2],
      [1, 16, 1],
      [0, 3, 2],
    ],
    length: 16,
    dtypes: ["float64", "float32"],
    steps: 6,
  });
}

// Op tests leave the device of the last backend.
beforeEach(() => useDevice("cpu"));

describe("an associative scan", () => {
  it("carries trees, and needs only that the function is associative", async () => {
    // Compositions of x ↦ a x + b.
    const [a, b] = ops.associativeScan(
      ([a1, b1]: Tensor[], [a2, b2]: Tensor[]) => [
        ops.multiply(a1 as Tensor, a2 as Tensor),
        ops.add(ops.multiply(b1 as Tensor, a2 as Tensor), b2 as Tensor),
      ],
      [tensor([2, 3, 4]), tensor([1, 1, 1])],
    );
    expect(await a.array()).toEqual([2, 6, 24]);
    expect(await b.array()).toEqual([1, 4, 17]);
    expect(() => ops.associativeScan((x: Tensor) => x, [tensor([1]), tensor([1, 2])])).toThrow(
      ShapeError,
    );
  });
});

describe("core", () => {
  const x = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);

  it("tells what a value is", () => {
    expect(ops.shape(x)).toEqual([2, 3]);
    expect(ops.dtype(x)).toBe("float32");
    expect(ops.isTensor(x)).toBe(true);
    expect(ops.isTensor([1])).toBe(false);
    expect([...ops.convertToNumpy(x)]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(() => jit((y: Tensor) => ops.convertToNumpy(y))(x)).toThrow(/traced/);
  });

  it("takes tensors apart and puts lists of them together", async () => {
    const rows = ops.unstack(x);
    expect(await rows[1]?.array()).toEqual([4, 5, 6]);
    expect(ops.unstack(x, { axis: -1 }).length).toBe(3);
    expect(() => ops.unstack(x, { num: 3 })).toThrow(ArgumentError);
    expect(await ops.convertToTensor([rows[1] as Tensor, [7, 8, 9]] as never).array()).toEqual([
      [4, 5, 6],
      [7, 8, 9],
    ]);
    expect(ops.unstack(new KerasTensor([2, null]) as never).map(({ shape }) => shape)).toEqual([
      [null],
      [null],
    ]);
  });

  it("saturates where a cast would not", async () => {
    const wide = tensor([-1e9, -5, 3.7, 300, 1e9]);
    expect(await ops.saturateCast(wide, "uint8").array()).toEqual([0, 0, 3, 255, 255]);
    expect(await ops.saturateCast(wide, "int16").array()).toEqual([-32768, -5, 3, 300, 32767]);
    expect(await ops.saturateCast(tensor([1e30]), "int32").array()).toEqual([2147483520]);
    expect(await ops.saturateCast(wide, "float16").array()).toEqual([
      -65504, -5, 3.69921875, 300, 65504,
    ]);
    expect(await ops.saturateCast(tensor([0, 0.5, 2]), "bool").array()).toEqual([
      false,
      true,
      true,
    ]);
  });

  it("stops and replaces gradients", async () => {
    const f = (y: Tensor): Tensor => ops.sum(ops.multiply(y, ops.stopGradient(y)));
    expect(await grad(f)(tensor([3])).array()).toEqual([3]);
    const steep = ops.customGradient((y: Tensor) => [y, (dy: Tensor) => ops.multiply(dy, 10)]);
    expect(await grad((y: Tensor) => ops.sum(steep(y)))(tensor([1])).array()).toEqual([10]);
  });

  it("refuses blocks that stick out", () => {
    expect(() => ops.slice(x, [1, 0], [2, 3])).toThrow(ShapeError);
    expect(() => ops.slice(x, [0], [1])).toThrow(ShapeError);
    expect(() => ops.sliceUpdate(x, [0, 2], [[1, 2]])).toThrow(ShapeError);
  });
});
