/** Tests of rearranging.ts, diagonals.ts, stacking.ts, padding.ts, repeating.ts and splitting.ts. */
import { beforeEach, describe, expect, test } from "vitest";
import { ops, setDevice, type Tensor, tensor } from "../../src/index.ts";
import { at, build, type Nd, reduce } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";
import { numberDTypes } from "../support/shapes.ts";

const matrices = [
  [3, 5],
  [4, 2],
  [1, 1],
];
const dtypes = numberDTypes;

for (const [shift, axis] of [
  [1, 0],
  [-2, 1],
  [7, -1],
] as const) {
  opTest(`roll by ${shift} along ${axis}`, {
    run: (x) => ops.roll(x, shift, { axis }),
    reference: (x) =>
      build(x.shape, (index) => {
        const along = axis < 0 ? axis + x.shape.length : axis;
        const length = x.shape[along] as number;
        const from = [...index];
        from[along] = ((((from[along] as number) - shift) % length) + length) % length;
        return at(x, from);
      }),
    shapes: matrices,
    dtypes,
  });
}

for (const k of [0, 1, 2, 3, -1]) {
  opTest(`rot90, ${k} times`, {
    run: (x) => ops.rot90(x, { k }),
    reference: (x) => {
      let turned = x;
      for (let i = 0; i < (k + 4) % 4; i++) {
        const source = turned;
        const [rows, columns] = source.shape as [number, number];
        turned = build([columns, rows], ([a, b]) =>
          at(source, [b as number, columns - 1 - (a as number)]),
        );
      }
      return turned;
    },
    shapes: matrices,
    dtypes,
  });
}

const diagonalOf = (x: Nd, k: number): Nd => {
  const [rows, columns] = x.shape as [number, number];
  const values: number[] = [];
  for (let i = 0; i < rows; i++) {
    if (i + k >= 0 && i + k < columns) values.push(at(x, [i, i + k]));
  }
  return { shape: [values.length], data: Float64Array.from(values) };
};
for (const k of [0, 1, -1, 4, -9]) {
  opTest(`diagonal ${k}`, {
    run: (x) => ops.diagonal(x, { offset: k }),
    reference: (x) => diagonalOf(x, k),
    shapes: matrices,
    dtypes,
    unknownAxes: false,
  });
  opTest(`trace ${k}`, {
    run: (x) => ops.trace(x, { offset: k }),
    reference: (x) => reduce(diagonalOf(x, k), null, false, (v) => v.reduce((a, b) => a + b, 0)),
    shapes: matrices,
    length: 4,
    unknownAxes: false,
  });
  opTest(`diag of a vector ${k}`, {
    run: (x) => ops.diag(x, { k }),
    reference: (x) => {
      const n = x.data.length + Math.abs(k);
      return build([n, n], ([i, j]) => {
        const row = i as number;
        const column = j as number;
        return column - row === k ? (x.data[Math.min(row, column)] as number) : 0;
      });
    },
    shapes: [[3], [1], [0]],
    dtypes,
    unknownAxes: false,
  });
}

test("diagonal between any two axes", async () => {
  const x = ops.reshape(ops.arange(24), [2, 3, 4]);
  expect(await ops.diagonal(x, { axis1: 2, axis2: 0, offset: -1 }).array()).toEqual([
    [1, 14],
    [5, 18],
    [9, 22],
  ]);
  expect(() => ops.diagonal(x, { axis1: 1, axis2: -2 })).toThrow(/both 1/);
});

describe("stacks and splits", () => {
  // Op tests leave the device of the last backend.
  beforeEach(async () => {
    await setDevice("cpu");
  });
  const a = tensor([1, 2]);
  const b = tensor([3, 4]);
  const arrays = (parts: readonly Tensor[]): Promise<unknown[]> =>
    Promise.all(parts.map((part) => part.array()));

  test("of vectors", async () => {
    expect(await ops.hstack([a, b]).array()).toEqual([1, 2, 3, 4]);
    expect(await ops.dstack([a, b]).array()).toEqual([
      [
        [1, 3],
        [2, 4],
      ],
    ]);
    expect(await ops.columnStack([a, b]).array()).toEqual([
      [1, 3],
      [2, 4],
    ]);
    expect(await ops.append(a, [[5, 6]]).array()).toEqual([1, 2, 5, 6]);
  });

  test("of matrices", async () => {
    const m = tensor([[1, 2]]);
    expect(await ops.vstack([m, m]).array()).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(await ops.hstack([m, m]).array()).toEqual([[1, 2, 1, 2]]);
  });

  test("splits", async () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(await arrays(ops.hsplit(x, [1]))).toEqual([
      [[1], [4]],
      [
        [2, 3],
        [5, 6],
      ],
    ]);
    expect(await arrays(ops.vsplit(x, 2))).toEqual([[[1, 2, 3]], [[4, 5, 6]]]);
    expect(await arrays(ops.arraySplit(tensor([1, 2, 3, 4, 5]), 3))).toEqual([[1, 2], [3, 4], [5]]);
    expect(() => ops.vsplit(a, 2)).toThrow(/at least 2 axes/);
  });

  test("meshgrid", async () => {
    const [x, y] = ops.meshgrid([1, 2, 3], [4, 5]) as [Tensor, Tensor];
    expect(await arrays([x, y])).toEqual([
      [
        [1, 2, 3],
        [1, 2, 3],
      ],
      [
        [4, 4, 4],
        [5, 5, 5],
      ],
    ]);
    const [i] = ops.meshgrid([1, 2, 3], [4, 5], { indexing: "ij" }) as [Tensor];
    expect(i.shape).toEqual([3, 2]);
    expect(() => ops.meshgrid([1], { indexing: "ji" as never })).toThrow(/indexing/);
  });
});

/** Where element `i` of a padded axis comes from. */
const sources = {
  edge: (i: number, n: number) => Math.min(Math.max(i, 0), n - 1),
  wrap: (i: number, n: number) => ((i % n) + n) % n,
  reflect: (i: number, n: number) => (i < 0 ? -i : i >= n ? 2 * n - 2 - i : i),
  symmetric: (i: number, n: number) => (i < 0 ? -i - 1 : i >= n ? 2 * n - 1 - i : i),
} as const;
for (const mode of ["edge", "wrap", "reflect", "symmetric"] as const) {
  const widths = mode === "wrap" || mode === "edge" ? [4, 7] : [2, 1];
  opTest(`pad at both ends, ${mode}`, {
    run: (x) => ops.pad(x, [[1, 0], widths], { mode }),
    reference: (x) => {
      const [rows, columns] = x.shape as [number, number];
      const [low, high] = widths as [number, number];
      return build([rows + 1, columns + low + high], ([i, j]) =>
        at(x, [
          sources[mode]((i as number) - 1, rows),
          sources[mode]((j as number) - low, columns),
        ]),
      );
    },
    shapes: [
      [2, 3],
      [4, 5],
    ],
    dtypes,
    length: 8,
  });
}

test("repeat by counts", async () => {
  expect(await ops.repeat(tensor([1, 2, 3]), [0, 2, 1]).array()).toEqual([2, 2, 3]);
  expect(() => ops.repeat(tensor([1, 2, 3]), [1, 2])).toThrow(/2 counts for the 3 elements/);
});
