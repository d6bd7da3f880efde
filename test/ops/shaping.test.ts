/** Tests of src/ops/broadcasting.ts and of the ops that rearrange elements. */
import { apply, ops, type Tensor } from "../../src/index.ts";
import type { DType } from "../../src/util/dtypes.ts";
import { uniform } from "../support/inputs.ts";
import { at, build, type Nd } from "../support/nd.ts";
import { type OpTestSpec, opTest } from "../support/op-test.ts";
import { numberDTypes, primitive } from "../support/shapes.ts";

const all: readonly DType[] = [...numberDTypes, "bool"];

/** Tests an op that moves elements: its results are exact in every dtype. */
function movementTest(name: string, spec: Omit<OpTestSpec, "dtypes">): void {
  opTest(name, {
    dtypes: all,
    inputs: uniform(-50, 50),
    // The gradient of a repetition adds up.
    length: 32,
    ...spec,
  });
}

const reshaped = (x: Nd, shape: readonly number[]): Nd => ({ shape, data: x.data });

movementTest("reshape", {
  ops: ["reshape"],
  run: (x) => ops.reshape(x, [4, 6]),
  reference: (x) => reshaped(x, [4, 6]),
  shapes: [[24], [2, 3, 4], [1, 2, 3, 1, 4, 1]],
  unknownAxes: false,
});
movementTest("reshape with -1", {
  run: (x) => ops.reshape(x, [-1, 2, 3]),
  reference: (x) => reshaped(x, [x.data.length / 6, 2, 3]),
  shapes: [
    [4, 6],
    [2, 3, 2],
    [0, 6],
  ],
});
movementTest("reshape to a scalar", {
  run: (x) => ops.reshape(x, []),
  reference: (x) => reshaped(x, []),
  shapes: [[1], [1, 1, 1]],
  unknownAxes: false,
});
movementTest("ravel", {
  run: ops.ravel,
  reference: (x) => reshaped(x, [x.data.length]),
  shapes: [[], [5], [3, 5], [2, 0], [1, 2, 1, 2, 1, 3]],
});
movementTest("expandDims", {
  run: (x) => ops.expandDims(x, [0, -1]),
  reference: (x) => reshaped(x, [1, ...x.shape, 1]),
  shapes: [[], [5], [3, 0], [2, 3, 2, 1]],
});
movementTest("squeeze", {
  run: (x) => ops.squeeze(x),
  reference: (x) =>
    reshaped(
      x,
      x.shape.filter((dim) => dim !== 1),
    ),
  shapes: [[], [5], [2, 1, 3], [1, 1, 0]],
  unknownAxes: false,
});
movementTest("squeeze, axis 1", {
  run: (x) => ops.squeeze(x, { axis: 1 }),
  reference: (x) => reshaped(x, [x.shape[0] as number, ...x.shape.slice(2)]),
  shapes: [
    [3, 1],
    [2, 1, 3],
  ],
});
movementTest("broadcastTo", {
  ops: ["broadcast_to"],
  run: (x) => ops.broadcastTo(x, [2, 3, 4]),
  reference: (x) => build([2, 3, 4], (index) => at(x, index)),
  shapes: [[], [1], [4], [3, 1], [3, 4], [2, 1, 4], [2, 3, 4]],
  unknownAxes: false,
});
movementTest("broadcastTo, rank 6 and empty", {
  ops: ["broadcast_to"],
  run: (x) => ops.broadcastTo(x, [2, 0, 1, 2, 1, 2]),
  reference: (x) => build([2, 0, 1, 2, 1, 2], (index) => at(x, index)),
  shapes: [
    [2, 1, 2],
    [1, 1, 2, 1, 1],
  ],
  unknownAxes: false,
});

function permuted(x: Nd, axes: readonly number[]): Nd {
  return build(
    axes.map((axis) => x.shape[axis] as number),
    (index) => {
      const from = new Array<number>(axes.length);
      for (const [i, axis] of axes.entries()) from[axis] = index[i] as number;
      return at(x, from);
    },
  );
}
movementTest("transpose", {
  run: (x) => ops.transpose(x),
  reference: (x) =>
    permuted(
      x,
      x.shape.map((_, i) => x.shape.length - 1 - i),
    ),
  shapes: [[], [5], [3, 5], [17, 33], [2, 0, 3], [2, 3, 4], [1, 2, 1, 3, 2, 2]],
});
for (const axes of [
  [0, 2, 1],
  [1, 0, 2],
  [2, 0, 1],
  [1, 2, 0],
]) {
  movementTest(`transpose ${axes.join()}`, {
    ops: ["transpose"],
    run: (x) => ops.transpose(x, { axes }),
    reference: (x) => permuted(x, axes),
    shapes: [
      [2, 3, 4],
      [1, 5, 3],
      [3, 0, 2],
      [9, 17, 5],
    ],
  });
}
movementTest("transpose of rank 6", {
  ops: ["transpose"],
  run: (x) => ops.transpose(x, { axes: [4, 1, 0, 5, 3, 2] }),
  reference: (x) => permuted(x, [4, 1, 0, 5, 3, 2]),
  shapes: [[2, 1, 3, 2, 2, 3]],
});
movementTest("moveaxis", {
  run: (x) => ops.moveaxis(x, [0, 1], [-1, 0]),
  reference: (x) => permuted(x, [1, 2, 0]),
  shapes: [[2, 3, 4]],
});
movementTest("swapaxes", {
  run: (x) => ops.swapaxes(x, 0, -1),
  reference: (x) => permuted(x, [2, 1, 0]),
  shapes: [[2, 3, 4]],
});

function concatenated(parts: readonly Nd[], axis: number): Nd {
  const shape = [...(parts[0] as Nd).shape];
  shape[axis] = parts.reduce((sum, part) => sum + (part.shape[axis] as number), 0);
  return build(shape, (index) => {
    let offset = index[axis] as number;
    for (const part of parts) {
      const length = part.shape[axis] as number;
      // Axes of length 1 must not repeat: the index is exact.
      if (offset < length)
        return at(
          part,
          index.map((n, i) => (i === axis ? offset : n)),
        );
      offset -= length;
    }
    return Number.NaN;
  });
}
movementTest("concatenate", {
  ops: ["concatenate"],
  run: (...xs) => ops.concatenate(xs),
  reference: (...xs) => concatenated(xs, 0),
  shapes: [
    [[3], [5]],
    [
      [2, 3],
      [1, 3],
      [0, 3],
      [4, 3],
    ],
    [
      [1, 2, 1, 2, 1, 2],
      [2, 2, 1, 2, 1, 2],
    ],
  ],
});
movementTest("concatenate, last axis", {
  ops: ["concatenate"],
  run: (...xs) => ops.concatenate(xs, { axis: -1 }),
  reference: (...xs) => concatenated(xs, (xs[0] as Nd).shape.length - 1),
  shapes: [
    [
      [2, 3],
      [2, 1],
      [2, 17],
    ],
    [
      [2, 3, 1],
      [2, 3, 4],
    ],
  ],
});
movementTest("stack", {
  run: (...xs) => ops.stack(xs, { axis: 1 }),
  reference: (...xs) =>
    build([(xs[0] as Nd).shape[0] as number, xs.length, ...(xs[0] as Nd).shape.slice(1)], (index) =>
      at(xs[index[1] as number] as Nd, [index[0] as number, ...index.slice(2)]),
    ),
  shapes: [
    [[3], [3]],
    [
      [2, 3],
      [2, 3],
      [2, 3],
    ],
  ],
});

const slice = primitive("slice");
function sliced(
  x: Nd,
  starts: readonly number[],
  limits: readonly number[],
  strides: readonly number[],
): Nd {
  return build(
    starts.map((start, i) =>
      Math.max(0, Math.ceil(((limits[i] as number) - start) / (strides[i] as number))),
    ),
    (index) =>
      at(
        x,
        index.map((n, i) => (starts[i] as number) + n * (strides[i] as number)),
      ),
  );
}
for (const [starts, limits, strides] of [
  [[1], [5], [1]],
  [[0], [7], [3]],
  [[2], [2], [1]],
  [
    [1, 0],
    [3, 5],
    [1, 2],
  ],
  [
    [0, 1, 2],
    [2, 3, 9],
    [1, 1, 3],
  ],
  [
    [0, 1, 0, 0, 1, 0],
    [1, 2, 2, 1, 2, 3],
    [1, 1, 2, 1, 1, 2],
  ],
] as const) {
  const shape = [[7], [4, 5], [2, 3, 10], [], [], [2, 2, 2, 1, 2, 3]][
    starts.length - 1
  ] as number[];
  movementTest(`slice ${starts.join()}:${limits.join()}:${strides.join()}`, {
    ops: ["slice"],
    run: (x) => apply(slice, [x], { starts, limits, strides } as never),
    reference: (x) => sliced(x, starts, limits, strides),
    shapes: [shape],
    internal: true,
    unknownAxes: false,
  });
}

const pad = primitive("pad");
function padded(
  x: Nd,
  low: readonly number[],
  high: readonly number[],
  interior: readonly number[],
  value: number,
): Nd {
  const shape = x.shape.map(
    (dim, i) =>
      (low[i] as number) +
      dim +
      Math.max(0, dim - 1) * (interior[i] as number) +
      (high[i] as number),
  );
  return build(shape, (index) => {
    const from: number[] = [];
    for (const [i, n] of index.entries()) {
      const step = (interior[i] as number) + 1;
      const offset = n - (low[i] as number);
      if (offset < 0 || offset % step !== 0 || offset / step >= (x.shape[i] as number))
        return value;
      from.push(offset / step);
    }
    return at(x, from);
  });
}
for (const [low, high, interior] of [
  [[2], [1], [0]],
  [[0], [0], [2]],
  [[-1], [3], [0]],
  [[-2], [-1], [1]],
  [
    [1, -1],
    [0, 2],
    [1, 0],
  ],
  [
    [0, 1, 0],
    [1, 0, 2],
    [0, 0, 1],
  ],
] as const) {
  const rank = low.length;
  movementTest(`pad ${low.join()} ${high.join()} ${interior.join()}`, {
    ops: ["pad"],
    run: (x) => apply(pad, [x], { low, high, interior, value: 1 } as never),
    reference: (x) => padded(x, low, high, interior, 1),
    shapes:
      rank === 1
        ? [[5], [17]]
        : rank === 2
          ? [[3, 4]]
          : [
              [2, 0, 3],
              [2, 3, 4],
            ],
    internal: true,
    inputs: uniform(0, 50),
  });
}
movementTest("pad, public", {
  run: (x) =>
    ops.pad(
      x,
      [
        [1, 2],
        [0, 1],
      ],
      { constantValues: 1 },
    ),
  reference: (x) => padded(x, [1, 0], [2, 1], [0, 0], 1),
  shapes: [
    [2, 3],
    [0, 2],
  ],
});
const mirrored = (n: number, length: number, skip: number): number =>
  n < 0 ? -n - 1 + skip : n >= length ? 2 * length - 1 - skip - n : n;
for (const [mode, skip] of [
  ["reflect", 1],
  ["symmetric", 0],
] as const) {
  movementTest(`pad, ${mode}`, {
    run: (x) =>
      ops.pad(
        x,
        [
          [1, 2],
          [2, 0],
        ],
        { mode },
      ),
    reference: (x) =>
      build([(x.shape[0] as number) + 3, (x.shape[1] as number) + 2], ([i, j]) =>
        at(x, [
          mirrored((i as number) - 1, x.shape[0] as number, skip),
          mirrored((j as number) - 2, x.shape[1] as number, skip),
        ]),
      ),
    shapes: [[3, 4]],
  });
}

function flipped(x: Nd, axes: readonly number[]): Nd {
  return build(x.shape, (index) =>
    at(
      x,
      index.map((n, i) => (axes.includes(i) ? (x.shape[i] as number) - 1 - n : n)),
    ),
  );
}
movementTest("flip", {
  ops: ["flip"],
  run: (x) => ops.flip(x),
  reference: (x) =>
    flipped(
      x,
      x.shape.map((_, i) => i),
    ),
  shapes: [[], [37], [3, 5], [2, 0], [2, 1, 2, 1, 2, 3]],
});
movementTest("flip, axis 1", {
  ops: ["flip"],
  run: (x) => ops.flip(x, { axis: 1 }),
  reference: (x) => flipped(x, [1]),
  shapes: [
    [3, 5],
    [2, 3, 4],
  ],
});
movementTest("repeat", {
  run: (x) => ops.repeat(x, 3, { axis: 0 }),
  reference: (x) =>
    build([(x.shape[0] as number) * 3, ...x.shape.slice(1)], ([i, ...rest]) =>
      at(x, [Math.floor((i as number) / 3), ...rest]),
    ),
  shapes: [[5], [2, 3], [0, 3]],
});
movementTest("repeat, flat", {
  run: (x) => ops.repeat(x, 2),
  reference: (x) => ({
    shape: [x.data.length * 2],
    data: Float64Array.from({ length: x.data.length * 2 }, (_, i) => x.data[i >> 1] as number),
  }),
  shapes: [[], [2, 3]],
});
movementTest("tile", {
  run: (x) => ops.tile(x, [2, 3]),
  reference: (x) => {
    const [m, n] = [1, 1, ...x.shape].slice(-2) as [number, number];
    return build([m * 2, n * 3], ([i, j]) => at(x, [(i as number) % m, (j as number) % n]));
  },
  shapes: [[], [3], [2, 3], [1, 0]],
  unknownAxes: false,
});
movementTest("split", {
  run: (x) => ops.split(x, 2, { axis: 1 }),
  reference: (x) => [
    sliced(x, [0, 0], [x.shape[0] as number, 3], [1, 1]),
    sliced(x, [0, 3], [x.shape[0] as number, 6], [1, 1]),
  ],
  shapes: [
    [3, 6],
    [0, 6],
  ],
});
movementTest("split at indices", {
  run: (x) => ops.split(x, [1, -1]),
  reference: (x) => {
    const n = x.shape[0] as number;
    return [sliced(x, [0], [1], [1]), sliced(x, [1], [n - 1], [1]), sliced(x, [n - 1], [n], [1])];
  },
  shapes: [[5]],
  // Where the cuts are depends on the length.
  unknownAxes: false,
});
opTest("accumulate", {
  ops: ["accumulate"],
  run: (a, b) => apply(primitive("accumulate"), [a as Tensor, b as Tensor]),
  reference: (a, b) => build(a.shape, (index) => at(a, index) + at(b, index)),
  shapes: [
    [[], []],
    [[37], [37]],
    [
      [2, 3],
      [2, 3],
    ],
  ],
  internal: true,

  inputs: uniform(-2, 2),
});
