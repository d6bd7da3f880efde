/** Tests of src/ops/linear.ts. */
import { apply, ops } from "../../src/index.ts";
import { uniform } from "../support/inputs.ts";
import { at, broadcast, build, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";
import { floatDTypes, integerDTypes, primitive } from "../support/shapes.ts";

/** Vectors count as a row on the left and as a column on the right. */
function matmul(a: Nd, b: Nd): Nd {
  const isRow = a.shape.length === 1;
  const isColumn = b.shape.length === 1;
  const x: Nd = isRow ? { shape: [1, ...a.shape], data: a.data } : a;
  const y: Nd = isColumn ? { shape: [...b.shape, 1], data: b.data } : b;
  const inner = x.shape.at(-1) as number;
  const batch = broadcast(x.shape.slice(0, -2), y.shape.slice(0, -2));
  const full = [...batch, x.shape.at(-2) as number, y.shape.at(-1) as number];
  const { data } = build(full, (index) => {
    const lead = index.slice(0, -2);
    const [i, j] = index.slice(-2) as [number, number];
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += at2(x, lead, i, k) * at2(y, lead, k, j);
    return sum;
  });
  const shape = full.filter(
    (_, i) => !(isRow && i === full.length - 2) && !(isColumn && i === full.length - 1),
  );
  return { shape, data };
}

/** Matrix axes are exact; only the leading ones broadcast. */
function at2(x: Nd, lead: readonly number[], row: number, column: number): number {
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const batch: Nd = { shape: x.shape.slice(0, -2), data: new Float64Array() };
  let flat = 0;
  const offset = lead.length - batch.shape.length;
  for (const [axis, dim] of batch.shape.entries()) {
    flat = flat * dim + (dim === 1 ? 0 : (lead[axis + offset] as number));
  }
  return x.data[(flat * rows + row) * columns + column] as number;
}

const shapes = [
  [[3], [3]],
  [[4], [4, 3]],
  [[2, 4], [4]],
  [
    [3, 4],
    [4, 5],
  ],
  [
    [1, 1],
    [1, 1],
  ],
  [
    [2, 0],
    [0, 3],
  ],
  [
    [0, 2],
    [2, 3],
  ],
  [
    [17, 33],
    [33, 19],
  ],
  [
    [2, 3, 4],
    [4, 5],
  ],
  [
    [2, 3, 4],
    [2, 4, 5],
  ],
  [
    [3, 4],
    [2, 4, 5],
  ],
  [
    [2, 1, 3, 4],
    [3, 4, 2],
  ],
  [
    [2, 1, 2, 1, 3, 4],
    [1, 2, 1, 2, 4, 2],
  ],
];
opTest("matmul", {
  ops: ["matmul"],
  run: ops.matmul,
  reference: matmul,
  shapes,
  length: 40,
  unknownAxes: false,
});
opTest("matmul of a batch", {
  run: (a, b) => ops.matmul(a, b),
  reference: matmul,
  shapes: [
    [
      [5, 4],
      [4, 3],
    ],
    [
      [6, 2, 3],
      [3, 2],
    ],
  ],
  length: 4,
});
opTest("matmul of integers", {
  run: ops.matmul,
  reference: matmul,
  shapes,
  dtypes: integerDTypes,
  inputs: uniform(-4, 4),
  // Of bytes alone, as in Keras.
  resultDType: (dtype) => (dtype === "int8" ? "int32" : dtype),
  unknownAxes: false,
});
for (const [transposeA, transposeB] of [
  [false, true],
  [true, false],
  [true, true],
] as const) {
  const flip = (x: Nd, isStored: boolean): Nd =>
    isStored
      ? build(
          [...x.shape.slice(0, -2), x.shape.at(-1) as number, x.shape.at(-2) as number],
          (index) => {
            const [i, j] = index.slice(-2) as [number, number];
            return at2(x, index.slice(0, -2), j, i);
          },
        )
      : x;
  const stored = (shape: readonly number[], isStored: boolean): readonly number[] =>
    isStored ? [...shape.slice(0, -2), shape.at(-1) as number, shape.at(-2) as number] : shape;
  opTest(`matmul, transposed ${transposeA} ${transposeB}`, {
    ops: ["matmul"],
    run: (a, b) => apply(primitive("matmul"), [a, b], { transposeA, transposeB } as never),
    reference: (a, b) => matmul(flip(a, transposeA), flip(b, transposeB)),
    shapes: [
      [
        [3, 4],
        [4, 5],
      ],
      [
        [17, 33],
        [33, 19],
      ],
      [
        [2, 0],
        [0, 3],
      ],
      [
        [2, 3, 4],
        [2, 4, 5],
      ],
      [
        [3, 1, 5, 4],
        [2, 4, 2],
      ],
      [
        [1, 7],
        [7, 9],
      ],
      [
        [9, 7],
        [7, 1],
      ],
    ].map(([a, b]) => [stored(a as number[], transposeA), stored(b as number[], transposeB)]),
    length: 33,
    internal: true,
    unknownAxes: false,
  });
}
// Sizes on both sides of the tiles and panels of the kernels; too long to differentiate by elements.
opTest("matmul, larger", {
  run: ops.matmul,
  reference: matmul,
  shapes: [
    [
      [65, 130],
      [130, 67],
    ],
    [
      [1, 300],
      [300, 70],
    ],
    [
      [97, 64],
      [64, 1],
    ],
  ],
  length: 300,
  unknownAxes: false,
});

const dots = { length: 12, unknownAxes: false, dtypes: floatDTypes } as const;
opTest("dot", {
  ...dots,
  run: ops.dot,
  reference: (a, b) =>
    a.shape.length === 0 || b.shape.length === 0
      ? build(broadcast(a.shape, b.shape), (index) => at(a, index) * at(b, index))
      : matmul(a, b),
  shapes: [
    [[], []],
    [[], [3]],
    [[3], [3]],
    [[2, 3], [3]],
    [
      [2, 3],
      [3, 4],
    ],
    [[2, 2, 3], [3]],
  ],
});
opTest("dot of a matrix and a stack", {
  ...dots,
  run: ops.dot,
  reference: (a, b) =>
    build([2, 4, 5], ([i, j, k]) => {
      let sum = 0;
      for (let n = 0; n < 3; n++) {
        sum += at(a, [i as number, n]) * at(b, [j as number, n, k as number]);
      }
      return sum;
    }),
  shapes: [
    [
      [2, 3],
      [4, 3, 5],
    ],
  ],
});
opTest("tensordot", {
  ...dots,
  run: (a, b) => ops.tensordot(a, b),
  reference: (a, b) =>
    build([2, 2], ([i, j]) => {
      let sum = 0;
      for (let m = 0; m < 3; m++) {
        for (let n = 0; n < 4; n++) sum += at(a, [i as number, m, n]) * at(b, [m, n, j as number]);
      }
      return sum;
    }),
  shapes: [
    [
      [2, 3, 4],
      [3, 4, 2],
    ],
  ],
});
opTest("tensordot over given axes", {
  ...dots,
  run: (a, b) =>
    ops.tensordot(a, b, {
      axes: [
        [0, 2],
        [1, 0],
      ],
    }),
  reference: (a, b) =>
    build([3, 5], ([i, j]) => {
      let sum = 0;
      for (let m = 0; m < 2; m++) {
        for (let n = 0; n < 4; n++) sum += at(a, [m, i as number, n]) * at(b, [n, m, j as number]);
      }
      return sum;
    }),
  shapes: [
    [
      [2, 3, 4],
      [4, 2, 5],
    ],
  ],
});
