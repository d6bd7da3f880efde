/** Tests of src/ops/svd.ts. */
import { beforeEach, describe, expect, test } from "vitest";
import { KernelError, ops, ShapeError, setDevice, type Tensor, tensor } from "../../src/index.ts";
import { uniform } from "../support/inputs.ts";
import {
  eachMatrix,
  inverse,
  matricesOf,
  multiply,
  nearDiagonal,
  type Rows,
  symmetricEigen,
  transpose,
} from "../support/matrices.ts";
import type { Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";

const wide = ["float32", "float64"] as const;
const shapes = [
  [1, 1],
  [3, 3],
  [4, 3],
  [3, 4],
  [2, 5, 2],
  [2, 1, 2, 3],
  [0, 3, 2],
];
// Singular values about 1 apart: vectors turn by the error over that.
const apart = nearDiagonal((i) => 1 + 1.3 * i);

/** Singular values, descending, with the squares of the vectors of both sides. */
function singular(a: Rows): { s: number[]; u: Rows; v: Rows } {
  const k = Math.min(a.length, a[0]?.length as number);
  const side = (m: Rows): { values: number[]; squares: Rows } => {
    const { values, vectors } = symmetricEigen(multiply(m, transpose(m)));
    return {
      values: values.reverse().slice(0, k),
      squares: vectors.map((row) =>
        row
          .map((x) => x * x)
          .reverse()
          .slice(0, k),
      ),
    };
  };
  const left = side(a);
  return { s: left.values.map(Math.sqrt), u: left.squares, v: side(transpose(a)).squares };
}

function valuesOf(x: Nd): Nd {
  const k = Math.min(...(x.shape.slice(-2) as [number, number]));
  return {
    shape: [...x.shape.slice(0, -2), k],
    data: Float64Array.from(matricesOf(x).flatMap((a) => singular(a).s)),
  };
}

for (const fullMatrices of [false, true]) {
  opTest(`svd, full matrices ${fullMatrices}`, {
    ops: ["svd"],
    // Vectors are determined up to signs: squares, and the whole.
    run: (x) => {
      const [u, s, vh] = ops.svd(x, { fullMatrices });
      const k = s.shape.at(-1) as number;
      const thinU = u.shape.at(-1) === k ? u : ops.take(u, ops.arange(k), { axis: -1 });
      const thinV = vh.shape.at(-2) === k ? vh : ops.take(vh, ops.arange(k), { axis: -2 });
      const product = ops.matmul(ops.multiply(thinU, ops.expandDims(s, -2)), thinV);
      return [s, ops.square(thinU), ops.square(thinV), product];
    },
    reference: (x) => {
      const [m, n] = x.shape.slice(-2) as [number, number];
      const k = Math.min(m, n);
      return [
        valuesOf(x),
        eachMatrix(x, (a) => singular(a).u, [m, k]),
        eachMatrix(x, (a) => transpose(singular(a).v), [k, n]),
        x,
      ];
    },
    shapes,
    dtypes: wide,
    inputs: apart,
    length: 5,
    steps: 3,
    cancels: 4,
    gradientCancels: 4,
    unknownAxes: false,
  });
}
opTest("svd of the null space", {
  // The projection on what the columns of full matrices add.
  run: (x) => {
    const [u] = ops.svd(x, { fullMatrices: true }) as [Tensor, Tensor, Tensor];
    const more = ops.take(u, ops.arange(2, 4), { axis: -1 });
    return ops.matmul(more, ops.swapaxes(more, -1, -2));
  },
  reference: (x) =>
    eachMatrix(
      x,
      (a) => {
        const t = transpose(a);
        const inside = multiply(multiply(a, inverse(multiply(t, a))), t);
        return inside.map((row, i) => row.map((v, j) => Number(i === j) - v));
      },
      [4, 4],
    ),
  shapes: [
    [4, 2],
    [3, 4, 2],
  ],
  dtypes: wide,
  inputs: apart,
  length: 5,
  steps: 3,
  cancels: 1,
  gradientCancels: 4,
  unknownAxes: false,
});
opTest("singular values", {
  ops: ["singular_values"],
  run: (x) => ops.svd(x, { computeUv: false }),
  reference: valuesOf,
  shapes,
  dtypes: wide,
  inputs: apart,
  length: 5,
  steps: 3,
  cancels: 4,
  gradientCancels: 4,
  unknownAxes: false,
});

/** Of full rank: (a^T a)^-1 a^T, or the transpose of that of a^T. */
function pseudoInverse(a: Rows): Rows {
  if (a.length < (a[0]?.length as number)) return transpose(pseudoInverse(transpose(a)));
  const t = transpose(a);
  return multiply(inverse(multiply(t, a)), t);
}

opTest("pinv", {
  ops: ["pinv"],
  run: (x) => ops.pinv(x),
  reference: (x) => {
    const [m, n] = x.shape.slice(-2) as [number, number];
    return eachMatrix(x, pseudoInverse, [n, m]);
  },
  shapes,
  dtypes: wide,
  inputs: apart,
  length: 5,
  steps: 4,
  cancels: 2,
  gradientCancels: 4,
  unknownAxes: false,
});
opTest("lstsq", {
  run: (a, b) => ops.lstsq(a as Tensor, b as Tensor),
  reference: (a, b) => {
    const [m, n] = (a as Nd).shape as [number, number];
    const isVector = (b as Nd).shape.length === 1;
    const k = isVector ? 1 : ((b as Nd).shape[1] as number);
    const right = matricesOf({ shape: [m, k], data: (b as Nd).data })[0] as Rows;
    const x = multiply(pseudoInverse(matricesOf(a as Nd)[0] as Rows), right);
    return { shape: isVector ? [n] : [n, k], data: Float64Array.from(x.flat()) };
  },
  shapes: [
    [[5, 3], [5]],
    [
      [5, 3],
      [5, 2],
    ],
    [[3, 5], [3]],
    [
      [3, 3],
      [3, 4],
    ],
  ],
  dtypes: wide,
  inputs: [apart, uniform()],
  length: 5,
  steps: 4,
  cancels: 4,
  gradientCancels: 8,
  unknownAxes: false,
});

describe("special matrices", () => {
  beforeEach(() => setDevice("cpu"));
  const largest = async (x: Tensor): Promise<number> => Number(await ops.max(ops.abs(x)).item());
  const isOrthogonal = async (x: Tensor): Promise<void> => {
    const n = x.shape.at(-1) as number;
    const error = ops.subtract(ops.matmul(ops.transpose(x), x), ops.eye(n, { dtype: x.dtype }));
    expect(await largest(error)).toBeLessThan(1e-13);
  };
  const cases: Record<string, { rows: Rows; s: number[] }> = {
    zero: {
      rows: [
        [0, 0],
        [0, 0],
        [0, 0],
      ],
      s: [0, 0],
    },
    "rank one": {
      rows: [
        [1, 2, 2],
        [2, 4, 4],
      ],
      s: [Math.sqrt(45), 0],
    },
    "equal values": {
      rows: [
        [0, 2, 0],
        [2, 0, 0],
        [0, 0, -2],
      ],
      s: [2, 2, 2],
    },
    "wide range": {
      rows: [
        [1e150, 0],
        [0, 1e-150],
      ],
      s: [1e150, 1e-150],
    },
  };
  test.each(Object.keys(cases))("%s", async (name) => {
    const { rows, s: expected } = cases[name] as { rows: Rows; s: number[] };
    const x = tensor(rows, { dtype: "float64" });
    const [u, s, vh] = ops.svd(x) as [Tensor, Tensor, Tensor];
    for (const [i, value] of ((await s.array()) as number[]).entries()) {
      const wanted = expected[i] as number;
      expect(Math.abs(value - wanted)).toBeLessThanOrEqual(
        1e-14 * Math.max(wanted, expected[0] as number),
      );
    }
    await isOrthogonal(u);
    await isOrthogonal(ops.transpose(vh));
  });

  test("small singular values of scaled columns keep their digits", async () => {
    // Columns of very different length, well apart in direction.
    const x = tensor(
      [
        [1, 1e-10],
        [1, -1e-10],
      ],
      { dtype: "float64" },
    );
    const s = await ops.svd(x, { computeUv: false }).data();
    expect(Math.abs(Number(s[1]) / (Math.SQRT2 * 1e-10) - 1)).toBeLessThan(1e-14);
  });

  test("a large matrix", async () => {
    const values = Array.from({ length: 90 * 60 }, (_, i) => Math.sin(i * i * 0.7 + i));
    const x = tensor(values, { shape: [60, 90], dtype: "float64" });
    const [u, s, vh] = ops.svd(x, { fullMatrices: true }) as [Tensor, Tensor, Tensor];
    expect(vh.shape).toEqual([90, 90]);
    await isOrthogonal(u);
    await isOrthogonal(vh);
    const product = ops.matmul(ops.multiply(u, s), ops.take(vh, ops.arange(60), { axis: 0 }));
    expect(await largest(ops.subtract(product, x))).toBeLessThan(1e-13 * 10);
  });

  test("rank and tolerance", async () => {
    const x = [
      [1, 2, 3],
      [2, 4, 6],
      [0, 0, 1e-3],
    ];
    expect(await ops.matrixRank(x).item()).toBe(2);
    expect(await ops.matrixRank(x, { tol: 0.1 }).item()).toBe(1);
    expect(await ops.matrixRank(ops.zeros([2, 3, 3])).array()).toEqual([0, 0]);
    expect(ops.matrixRank(x).dtype).toBe("int32");
    expect(await ops.matrixRank(ops.zeros([0, 3])).item()).toBe(0);
    expect(
      await ops
        .pinv(
          [
            [2, 0],
            [0, 0.1],
          ],
          { rcond: 0.1 },
        )
        .array(),
    ).toEqual([
      [0.5, 0],
      [0, 0],
    ]);
    expect(ops.pinv(ops.zeros([0, 3])).shape).toEqual([3, 0]);
  });

  test("what cannot be", async () => {
    const error = await (async () =>
      ops.svd([[Number.POSITIVE_INFINITY]], { computeUv: false }).data())().catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(KernelError);
    expect(() => ops.svd([1, 2])).toThrow(ShapeError);
    expect(() => ops.pinv([1, 2])).toThrow(ShapeError);
    expect(() => ops.matrixRank([1, 2])).toThrow("matrixRank: expected matrices");
    expect(() => ops.lstsq(ops.ones([2, 2]), ops.ones([3]))).toThrow("lstsq: expected");
  });
});
