/** Tests of src/ops/image/sampling.ts and src/ops/image/transforms.ts. */
import { describe, expect, test } from "vitest";
import { ArgumentError, apply, ops, ShapeError, tensor } from "../../src/index.ts";
import { type FillMode, fillModes } from "../../src/ops/image/sampling.ts";
import { type InputSpec, integers, uniform } from "../support/inputs.ts";
import { at, build, indicesOf, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";
import { primitive } from "../support/shapes.ts";

/** Continued as the picture says: walking from the edge. */
const pictures: Readonly<Record<FillMode, (i: number, n: number) => number | null>> = {
  constant: (i, n) => (i < 0 || i >= n ? null : i),
  nearest: (i, n) => Math.min(n - 1, Math.max(0, i)),
  // a b c d | a b c d | a b c d
  wrap: (i, n) => ((i % n) + n) % n,
  // d c b | a b c d | c b a
  mirror: (i, n) => {
    const line = [
      ...Array(n).keys(),
      ...Array.from({ length: Math.max(0, n - 2) }, (_, k) => n - 2 - k),
    ];
    return line[((i % line.length) + line.length) % line.length] as number;
  },
  // d c b a | a b c d | d c b a
  reflect: (i, n) => {
    const line = [...Array(n).keys(), ...Array.from({ length: n }, (_, k) => n - 1 - k)];
    return line[((i % line.length) + line.length) % line.length] as number;
  },
};

interface Sampling {
  readonly order: number;
  readonly mode: FillMode;
  readonly value: number;
}

/** Halves away from zero. */
function nearestTo(c: number): number {
  return c < 0 ? -Math.floor(-c + 0.5) : Math.floor(c + 0.5);
}

/** One element at a point: the neighbours of each axis with their weights. */
function pointOf(
  read: (index: number[]) => number,
  size: readonly number[],
  point: readonly number[],
  { order, mode, value }: Sampling,
): number {
  let sum = 0;
  for (const step of indicesOf(size.map(() => (order === 0 ? 1 : 2)))) {
    let weight = 1;
    const index = size.map((n, axis) => {
      const c = point[axis] as number;
      const k = step[axis] as number;
      if (order === 0) return pictures[mode](nearestTo(c), n);
      const lower = Math.floor(c);
      weight *= k === 0 ? 1 - (c - lower) : c - lower;
      return pictures[mode](lower + k, n);
    });
    const inside = index.every((i) => i !== null);
    sum += weight * (inside ? read(index as number[]) : value);
  }
  return sum;
}

// x [B, S…, C], coordinates [B, r, P] -> [B, P, C]
function sample(x: Nd, coordinates: Nd, sampling: Sampling): Nd {
  const [batch, rank, points] = coordinates.shape as [number, number, number];
  return build([batch, points, x.shape.at(-1) as number], ([b, p, c]) =>
    pointOf(
      (index) => x.data[flat(x, [b as number, ...index, c as number])] as number,
      x.shape.slice(1, -1),
      Array.from({ length: rank }, (_, axis) => at(coordinates, [b as number, axis, p as number])),
      sampling,
    ),
  );
}

function flat(x: Nd, index: readonly number[]): number {
  return index.reduce((sum, n, axis) => sum * (x.shape[axis] as number) + n, 0);
}

/** Points that keep off the pixels, where derivatives jump, and off the middles. */
function between(low: number, high: number): InputSpec {
  return {
    values: (random, shape) =>
      Array.from({ length: shape.reduce((a, n) => a * n, 1) }, () => {
        const part = random.uniform(0.1, 0.4) + (random.integer(0, 1) === 0 ? 0 : 0.5);
        return random.integer(low, high) + part;
      }),
  };
}

const shapes = [
  [
    [2, 4, 3, 2],
    [2, 2, 7],
  ],
  [
    [1, 5, 1],
    [1, 1, 6],
  ],
  [
    [1, 2, 3, 2, 17],
    [1, 3, 4],
  ],
  [
    [1, 1, 4, 1],
    [1, 2, 3],
  ],
] as const;

for (const mode of fillModes) {
  for (const order of [0, 1]) {
    const sampling = { order, mode, value: 0.5 };
    opTest(`sample, order ${order}, ${mode}`, {
      ops: ["sample", "sample_image_backward", "sample_coordinates_backward"],
      run: (x, c) => apply(primitive("sample"), [x, c], sampling as never),
      reference: (x, c) => sample(x, c, sampling),
      // With a constant most points lie within, or there is nothing to differentiate.
      shapes: mode === "constant" ? shapes.slice(0, -1) : shapes,
      dtypes: ["float32", "float64"],
      inputs: [uniform(), mode === "constant" ? between(-1, 3) : between(-7, 8)],
      length: 8,
      steps: 4,
      cancels: 2,
      gradientCancels: 8,
      internal: true,
      unknownAxes: false,
    });
  }
  opTest(`mapCoordinates, ${mode}`, {
    run: (x, c) => ops.image.mapCoordinates(x, c, 1, { fillMode: mode, fillValue: -1 }),
    reference: (x, c) =>
      build(c.shape.slice(1), (index) =>
        pointOf(
          (place) => at(x, place),
          x.shape,
          x.shape.map((_, axis) => at(c, [axis, ...index])),
          { order: 1, mode, value: -1 },
        ),
      ),
    shapes: [
      [[5], [1, 7]],
      [
        [3, 4],
        [2, 2, 3],
      ],
    ],
    inputs: [uniform(), between(-3, 5)],
    length: 8,
    // The weights of half coordinates are halves.
    dtypes: ["float32", "float64"],
    steps: 4,
    cancels: 2,
    gradientCancels: 8,
    unknownAxes: false,
  });
}
opTest("mapCoordinates of integers", {
  run: (x, c) => ops.image.mapCoordinates(x, c, 1, { fillMode: "nearest" }),
  reference: (x, c) =>
    build(c.shape.slice(1), (index) => {
      const point = x.shape.map((_, axis) => at(c, [axis, ...index]));
      const value = pointOf((i) => at(x, i), x.shape, point, {
        order: 1,
        mode: "nearest",
        value: 0,
      });
      return Math.round(value);
    }),
  shapes: [
    [
      [3, 4],
      [2, 6],
    ],
  ],
  dtypes: ["uint8", "int16", "int32", "int64"],
  needs: ["float64"],
  // Thirds and fifths of pixels: no halves to round.
  inputs: [
    integers(0, 100),
    {
      dtype: "float32",
      values: (random, shape) =>
        Array.from(
          { length: shape.reduce((a, n) => a * n, 1) },
          () => random.integer(-3, 12) / 3 + 0.07,
        ),
    },
  ],
  differentiable: false,
  unknownAxes: false,
});
opTest("halves are rounded away from zero", {
  run: (x, c) => ops.image.mapCoordinates(x, c, 0, { fillMode: "nearest" }),
  reference: (x, c) =>
    build(c.shape.slice(1), (index) =>
      at(x, [Math.min(4, Math.max(0, nearestTo(at(c, [0, ...index]))))]),
    ),
  shapes: [[[5], [1, 6]]],
  inputs: [
    uniform(),
    { values: (_, shape) => Array.from({ length: shape[1] as number }, (_v, i) => i - 0.5) },
  ],
  differentiable: false,
  unknownAxes: false,
});

/** The transform of one image, or of each. */
function transformed(
  x: Nd,
  t: Nd,
  sampling: Sampling,
  place: (c: number, n: number) => number = (c) => c,
): Nd {
  return build(x.shape, ([b, i, j, c]) => {
    const p = (k: number): number => (t.shape.length === 1 ? at(t, [k]) : at(t, [b as number, k]));
    const [y, z] = [i as number, j as number];
    const k = p(6) * z + p(7) * y + 1;
    const from = [(p(3) * z + p(4) * y + p(5)) / k, (p(0) * z + p(1) * y + p(2)) / k];
    const [, height, width] = x.shape as [number, number, number];
    return pointOf(
      (index) => at(x, [b as number, ...index, c as number]),
      [height, width],
      [place(from[0] as number, height), place(from[1] as number, width)],
      sampling,
    );
  });
}

/** Near the identity, in the middle between pixels. */
const transform: InputSpec = {
  values: (random, shape) => {
    const count = shape.length === 1 ? 1 : (shape[0] as number);
    return Array.from({ length: count }, () => [
      1 + random.uniform(0.01, 0.02),
      random.uniform(0.005, 0.02),
      random.uniform(0.4, 0.45),
      random.uniform(0.005, 0.02),
      1 + random.uniform(0.01, 0.02),
      random.uniform(-0.5, -0.45),
      random.uniform(0.0005, 0.001),
      random.uniform(0.0005, 0.001),
    ]).flat();
  },
};
for (const mode of ["constant", "nearest", "mirror", "reflect"] as const) {
  opTest(`affineTransform, ${mode}`, {
    run: (x, t) => ops.image.affineTransform(x, t, { fillMode: mode, fillValue: 2 }),
    reference: (x, t) => transformed(x, t, { order: 1, mode, value: 2 }),
    shapes: [
      [[1, 4, 5, 2], [8]],
      [
        [2, 3, 4, 1],
        [2, 8],
      ],
    ],
    dtypes: ["float64", "float32"],
    inputs: [uniform(), transform],
    length: 16,
    steps: 16,
    gradientSteps: 32,
    cancels: 8,
    gradientCancels: 40,
    unknownAxes: false,
  });
}

test("what affineTransform continues", async () => {
  const x = ops.reshape(tensor([1, 2, 3]), [1, 3, 1]);
  const moved = async (by: number, fillMode: FillMode): Promise<unknown> => {
    const y = ops.image.affineTransform(x, tensor([1, 0, by, 0, 1, 0, 0, 0]), {
      fillMode,
      interpolation: "nearest",
    });
    return ops.ravel(y).array();
  };
  expect(await moved(2, "constant")).toEqual([3, 0, 0]);
  expect(await moved(2, "nearest")).toEqual([3, 3, 3]);
  expect(await moved(1, "wrap")).toEqual([2, 3, 1]);
  expect(await moved(2, "mirror")).toEqual([3, 2, 1]);
  expect(await moved(2, "reflect")).toEqual([3, 3, 2]);
  expect(await moved(-2, "reflect")).toEqual([2, 1, 1]);
  expect(await moved(-2, "mirror")).toEqual([3, 2, 1]);
  expect(await moved(-1, "wrap")).toEqual([3, 1, 2]);
  expect(await moved(-5, "reflect")).toEqual([2, 3, 3]);
  expect(await moved(7, "reflect")).toEqual([2, 3, 3]);
});

test("one image, channels first, unsigned bytes", async () => {
  const x = tensor(new Uint8Array([10, 20, 30, 40]), { shape: [1, 2, 2] });
  const y = ops.image.affineTransform(x, tensor([1, 0, 0.5, 0, 1, 0, 0, 0]), {
    dataFormat: "channels_first",
  });
  expect(y.dtype).toBe("uint8");
  expect(await y.array()).toEqual([
    [
      [15, 10],
      [35, 20],
    ],
  ]);
});

/** Four points near the corners of a 4 x 5 image. */
function corners(spread: number): InputSpec {
  return {
    values: (random, shape) => {
      const count = shape.length === 2 ? 1 : (shape[0] as number);
      const square = [0, 0, 4, 0, 0, 3, 4, 3];
      return Array.from({ length: count }, () =>
        square.map((v) => v + random.uniform(0.2 * spread, spread)),
      ).flat();
    },
  };
}

/** Gaussian elimination of the eight equations of the four points. */
function homography(start: readonly number[], end: readonly number[]): number[] {
  const rows = Array.from({ length: 4 }, (_, i) => {
    const [x, y] = [start[2 * i] as number, start[2 * i + 1] as number];
    const [u, v] = [end[2 * i] as number, end[2 * i + 1] as number];
    return [
      [u, v, 1, 0, 0, 0, -x * u, -x * v, x],
      [0, 0, 0, u, v, 1, -y * u, -y * v, y],
    ];
  }).flat();
  for (let c = 0; c < 8; c++) {
    const pivot = rows
      .slice(c)
      .reduce((a, b) => (Math.abs(b[c] as number) > Math.abs(a[c] as number) ? b : a));
    rows.splice(rows.indexOf(pivot), 1);
    rows.splice(c, 0, pivot);
    for (const row of rows) {
      if (row === pivot) continue;
      const factor = (row[c] as number) / (pivot[c] as number);
      for (let k = c; k < 9; k++) row[k] = (row[k] as number) - factor * (pivot[k] as number);
    }
  }
  return rows.map((row, i) => (row[8] as number) / (row[i] as number));
}

opTest("perspectiveTransform", {
  run: (x, start, end) => ops.image.perspectiveTransform(x, start, end, { fillValue: 1 }),
  reference: (x, start, end) => {
    const count = start.shape.length === 2 ? 1 : (start.shape[0] as number);
    const t = Array.from({ length: count }, (_, b) =>
      homography([...start.data.slice(8 * b, 8 * b + 8)], [...end.data.slice(8 * b, 8 * b + 8)]),
    );
    const all = { shape: [count, 8], data: Float64Array.from(t.flat()) };
    return transformed(x, count === 1 ? { shape: [8], data: all.data } : all, {
      order: 1,
      mode: "constant",
      value: 1,
    });
  },
  shapes: [
    [
      [1, 4, 5, 2],
      [4, 2],
      [4, 2],
    ],
    [
      [2, 4, 5, 1],
      [2, 4, 2],
      [2, 4, 2],
    ],
  ],
  inputs: [uniform(), corners(0.9), corners(0.4)],
  dtypes: ["float32"],
  // The points are float32, whatever the images are.
  differentiable: false,
  length: 100,
  steps: 64,
  cancels: 8,
  unknownAxes: false,
});

test("perspectiveTransform has the gradient of sampling", async () => {
  const x = ops.reshape(ops.arange(20, undefined, undefined, { dtype: "float32" }), [4, 5, 1]);
  const square = tensor([
    [0, 0],
    [4, 0],
    [0, 3],
    [4, 3],
  ]);
  const moved = ops.add(square, tensor([1, 0]));
  const y = ops.image.perspectiveTransform(x, moved, square, { interpolation: "nearest" });
  expect(await ops.ravel(y).array()).toEqual(
    [0, 1, 2, 3].flatMap((row) => [1, 2, 3, 4].map((c) => 5 * row + c).concat(0)),
  );
});

describe("what does not fit", () => {
  const image = [[[1], [2]]];
  const transformOf = [1, 0, 0, 0, 1, 0, 0, 0];
  const points = [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ];
  const refused: Record<string, [() => unknown, new (...args: never[]) => Error]> = {
    "coordinates of another rank": [() => ops.image.mapCoordinates(image, [[1]], 1), ShapeError],
    "an order": [() => ops.image.mapCoordinates([1, 2], [[1]], 2), ArgumentError],
    "a fill mode": [
      () => ops.image.mapCoordinates([1, 2], [[1]], 1, { fillMode: "edge" as "wrap" }),
      ArgumentError,
    ],
    "no image": [() => ops.image.affineTransform([1, 2], transformOf), ShapeError],
    "a transform": [() => ops.image.affineTransform(image, [1, 2, 3]), ShapeError],
    "too many transforms": [
      () => ops.image.affineTransform(image, [transformOf, transformOf]),
      ShapeError,
    ],
    "an interpolation": [
      () => ops.image.affineTransform(image, transformOf, { interpolation: "cubic" as "nearest" }),
      ArgumentError,
    ],
    "three points": [
      () => ops.image.perspectiveTransform(image, points.slice(1), points.slice(1)),
      ShapeError,
    ],
    "points of different shapes": [
      () => ops.image.perspectiveTransform(image, points, [points]),
      ShapeError,
    ],
  };
  for (const [name, [fn, Class]] of Object.entries(refused)) {
    test(name, () => {
      expect(fn).toThrow(Class);
      expect(fn).toThrow(/map_coordinates|affine_transform|perspective_transform/);
    });
  }
});
