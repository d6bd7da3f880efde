/** Tests of src/ops/blocks.ts. */
import { describe, expect, test } from "vitest";
import { ArgumentError, ops, ShapeError } from "../../src/index.ts";
import { at, build, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";

interface Fold {
  readonly window: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly stride: readonly [number, number];
}

function countOf(n: number, axis: 0 | 1, g: Fold): number {
  const extent = (g.window[axis] - 1) * g.dilation[axis] + 1;
  return Math.floor((n + 2 * g.padding[axis] - extent) / g.stride[axis]) + 1;
}

/** Row and column of an element of a column, for a window. */
function placeOf(element: number, window: number, columns: number, g: Fold): [number, number] {
  const [i, j] = [Math.floor(element / g.window[1]), element % g.window[1]];
  const [y, x] = [Math.floor(window / columns), window % columns];
  return [
    y * g.stride[0] + i * g.dilation[0] - g.padding[0],
    x * g.stride[1] + j * g.dilation[1] - g.padding[1],
  ];
}

function unfold(x: Nd, g: Fold): Nd {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const size = g.window[0] * g.window[1];
  const [rows, columns] = [countOf(height, 0, g), countOf(width, 1, g)];
  return build([batch, channels * size, rows * columns], ([b, k, w]) => {
    const [y, z] = placeOf((k as number) % size, w as number, columns, g);
    if (y < 0 || z < 0 || y >= height || z >= width) return 0;
    return at(x, [b as number, Math.floor((k as number) / size), y, z]);
  });
}

function fold(x: Nd, [height, width]: readonly [number, number], g: Fold): Nd {
  const [batch, depth, windows] = x.shape as [number, number, number];
  const size = g.window[0] * g.window[1];
  const columns = countOf(width, 1, g);
  return build([batch, depth / size, height, width], ([b, c, i, j]) => {
    let sum = 0;
    for (let element = 0; element < size; element++) {
      for (let w = 0; w < windows; w++) {
        const [y, z] = placeOf(element, w, columns, g);
        if (y === i && z === j) sum += at(x, [b as number, (c as number) * size + element, w]);
      }
    }
    return sum;
  });
}

const geometries: readonly Fold[] = [
  { window: [2, 3], dilation: [1, 1], padding: [0, 0], stride: [1, 1] },
  { window: [3, 2], dilation: [1, 2], padding: [1, 0], stride: [2, 1] },
  { window: [2, 2], dilation: [2, 1], padding: [0, 2], stride: [1, 3] },
];
for (const [i, g] of geometries.entries()) {
  const { window, ...options } = g;
  opTest(`unfold ${i}`, {
    run: (x) => ops.unfold(x, window, options),
    reference: (x) => unfold(x, g),
    shapes: [
      [2, 3, 5, 6],
      [0, 1, 4, 4],
    ],
    dtypes: ["float32", "float64", "float16", "int32"],
  });
  const [rows, columns] = [countOf(5, 0, g), countOf(6, 1, g)];
  opTest(`fold ${i}`, {
    run: (x) => ops.fold(x, [5, 6], window, options),
    reference: (x) => fold(x, [5, 6], g),
    shapes: [[2, 2 * window[0] * window[1], rows * columns]],
    dtypes: ["float32", "float64", "int32"],
    length: window[0] * window[1],
  });
}

opTest("depthToSpace", {
  run: (x) => ops.depthToSpace(x, 2),
  reference: (x) => {
    const [n, h, w, c] = x.shape as [number, number, number, number];
    return build([n, 2 * h, 2 * w, c / 4], ([b, i, j, k]) => {
      const [y, z] = [i as number, j as number];
      const block = (y % 2) * 2 + (z % 2);
      return at(x, [b as number, y >> 1, z >> 1, (block * c) / 4 + (k as number)]);
    });
  },
  shapes: [
    [2, 2, 3, 8],
    [1, 0, 1, 4],
  ],
  dtypes: ["float32", "int32"],
});
opTest("depthToSpace and back, channels first", {
  run: (x) => {
    const y = ops.depthToSpace(x, 3, { dataFormat: "channels_first" });
    return [y, ops.spaceToDepth(y, 3, { dataFormat: "channels_first" })];
  },
  reference: (x) => {
    const [n, c, h, w] = x.shape as [number, number, number, number];
    const y = build([n, c / 9, 3 * h, 3 * w], ([b, k, i, j]) => {
      const [p, q] = [i as number, j as number];
      const block = (p % 3) * 3 + (q % 3);
      return at(x, [
        b as number,
        (block * c) / 9 + (k as number),
        Math.floor(p / 3),
        Math.floor(q / 3),
      ]);
    });
    return [y, x];
  },
  shapes: [[2, 18, 2, 1]],
});
opTest("spaceToDepth", {
  run: (x) => ops.spaceToDepth(x, 2),
  reference: (x) => {
    const [n, h, w, c] = x.shape as [number, number, number, number];
    return build([n, h / 2, w / 2, 4 * c], ([b, i, j, k]) => {
      const block = Math.floor((k as number) / c);
      const [y, z] = [2 * (i as number) + (block >> 1), 2 * (j as number) + (block % 2)];
      return at(x, [b as number, y, z, (k as number) % c]);
    });
  },
  shapes: [[2, 4, 6, 3]],
  unknownAxes: false,
});

describe("what does not fit", () => {
  const image = [[[[1, 2, 3]]]];
  const refused: Record<string, [() => unknown, new (...args: never[]) => Error]> = {
    "no batch of images to unfold": [() => ops.unfold([[1]], 1), ShapeError],
    "no window": [() => ops.unfold(image, 2), ShapeError],
    "a padding": [() => ops.unfold(image, 1, { padding: -1 }), ArgumentError],
    "columns of another window": [() => ops.fold([[[1, 2]]], 2, 2), ShapeError],
    "a block of 1": [() => ops.depthToSpace(image, 1), ArgumentError],
    "channels that do not divide": [() => ops.depthToSpace(image, 2), ShapeError],
    "sides that do not divide": [() => ops.spaceToDepth(image, 2), ShapeError],
    "a vector": [() => ops.spaceToDepth([1, 2], 2), ShapeError],
  };
  for (const [name, [fn, Class]] of Object.entries(refused)) {
    test(name, () => {
      expect(fn).toThrow(Class);
      expect(fn).toThrow(/fold|_to_/);
    });
  }
});
