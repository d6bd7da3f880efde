/** Tests of src/ops/image: borders, color, filters, patches, resize. */
import { describe, expect, test } from "vitest";
import { ArgumentError, DTypeError, ops, ShapeError, tensor } from "../../src/index.ts";
import { type InputSpec, uniform } from "../support/inputs.ts";
import { at, build, count, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";

/** The same of [batch, channels, spatial…], and back. */
function moved(x: Nd, order: readonly number[]): Nd {
  return build(
    order.map((axis) => x.shape[axis] as number),
    (index) =>
      at(
        x,
        order.map((_, axis) => index[order.indexOf(axis)] as number),
      ),
  );
}

// Resize -----------------------------------------------------------------------------------

const kernels: Record<string, { radius: number; of: (x: number) => number }> = {
  bilinear: { radius: 1, of: (x) => 1 - x },
  bicubic: {
    radius: 2,
    of: (x) => (x < 1 ? 1.5 * x ** 3 - 2.5 * x ** 2 + 1 : -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2),
  },
  lanczos3: { radius: 3, of: (x) => sinc(x) * sinc(x / 3) },
  lanczos5: { radius: 5, of: (x) => sinc(x) * sinc(x / 5) },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Weights of an axis: those within the radius, summing to one. */
function weightsAt(center: number, n: number, name: string, width: number): number[] {
  const { radius, of } = kernels[name] as (typeof kernels)[string];
  const raw = Array.from({ length: n }, (_, j) => {
    const x = Math.abs(j - center) / width;
    return x < radius ? of(x) : 0;
  });
  const sum = raw.reduce((a, w) => a + w, 0);
  return raw.map((w) => w / sum);
}

/** [batch, height, width, channels] to [batch, ...size, channels]. */
function resized(x: Nd, size: readonly [number, number], name: string, antialias: boolean): Nd {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const centerOf = (o: number, n: number, outputs: number): number => {
    const exact = ((o + 0.5) * n) / outputs - 0.5;
    // Keras's cubic kernel has 1024 places in a pixel.
    return name === "bicubic" && !antialias ? Math.round(exact * 1024) / 1024 : exact;
  };
  return build([batch, ...size, channels], ([b, i, j, c]) => {
    const axis = (o: number, n: number, outputs: number): number[] =>
      weightsAt(centerOf(o, n, outputs), n, name, antialias ? Math.max(1, n / outputs) : 1);
    const rows = axis(i as number, height, size[0]);
    const columns = axis(j as number, width, size[1]);
    let sum = 0;
    for (const [r, u] of rows.entries()) {
      for (const [s, v] of columns.entries()) sum += u * v * at(x, [b, r, s, c] as number[]);
    }
    return sum;
  });
}

for (const interpolation of ["bilinear", "bicubic", "lanczos3", "lanczos5"] as const) {
  for (const antialias of [false, true]) {
    opTest(`resize, ${interpolation}, antialias ${antialias}`, {
      run: (x) => [
        ops.image.resize(x, [3, 7], { interpolation, antialias }),
        ops.image.resize(x, [8, 2], { interpolation, antialias }),
      ],
      reference: (x) => [
        resized(x, [3, 7], interpolation, antialias),
        resized(x, [8, 2], interpolation, antialias),
      ],
      shapes: [
        [2, 5, 4, 3],
        [1, 6, 1, 1],
        [0, 3, 3, 1],
      ],
      length: 25,
      steps: 2,
      cancels: 2,
    });
  }
}
opTest("resize, nearest", {
  run: (x) => ops.image.resize(x, [7, 2], { interpolation: "nearest" }),
  reference: (x) =>
    build([x.shape[0] as number, 7, 2, x.shape[3] as number], ([b, i, j, c]) =>
      at(x, [
        b as number,
        Math.floor((((i as number) + 0.5) * (x.shape[1] as number)) / 7),
        Math.floor((((j as number) + 0.5) * (x.shape[2] as number)) / 2),
        c as number,
      ]),
    ),
  shapes: [
    [2, 5, 4, 3],
    [1, 1, 9, 1],
  ],
  dtypes: ["float32", "float16", "uint8", "int32"],
});
opTest("resize, channels first", {
  run: (x) => ops.image.resize(x, [3, 4], { dataFormat: "channels_first" }),
  reference: (x) => moved(resized(moved(x, [0, 2, 3, 1]), [3, 4], "bilinear", false), [0, 3, 1, 2]),
  shapes: [[2, 3, 5, 6]],
  length: 4,
  steps: 2,
});

test("resize of bytes rounds and stays within them", async () => {
  const x = tensor(new Uint8Array([0, 255, 255, 0]), { shape: [1, 4, 1] });
  const y = ops.image.resize(x, [1, 8], { interpolation: "bicubic" });
  expect(y.dtype).toBe("uint8");
  const values = (await ops.ravel(y).array()) as number[];
  expect(Math.max(...values)).toBe(255);
  expect(Math.min(...values)).toBe(0);
  const linear = ops.image.resize(x, [1, 8]);
  expect(await ops.ravel(linear).array()).toEqual([0, 64, 191, 255, 255, 191, 64, 0]);
});

test("proportions", async () => {
  const x = ops.reshape(ops.arange(12, undefined, undefined, { dtype: "float32" }), [2, 6, 1]);
  const crop = ops.image.resize(x, [2, 2], { cropToAspectRatio: true });
  expect(await ops.squeeze(crop, { axis: -1 }).array()).toEqual([
    [2, 3],
    [8, 9],
  ]);
  const pad = ops.image.resize(x, [6, 6], { padToAspectRatio: true, fillValue: -1 });
  expect(await ops.squeeze(pad, { axis: -1 }).array()).toEqual([
    ...Array.from({ length: 2 }, () => new Array(6).fill(-1)),
    [0, 1, 2, 3, 4, 5],
    [6, 7, 8, 9, 10, 11],
    ...Array.from({ length: 2 }, () => new Array(6).fill(-1)),
  ]);
});

for (const method of ["linear", "cubic", "lanczos3", "lanczos5"]) {
  for (const antialias of [false, true]) {
    opTest(`scaleAndTranslate, ${method}, antialias ${antialias}`, {
      run: (x, scale, translation) =>
        ops.image.scaleAndTranslate(x, [2, 7, 3], scale, translation, [1, 2], method, {
          antialias,
        }),
      reference: (x, scale, translation) => {
        const name = { linear: "bilinear", cubic: "bicubic" }[method] ?? method;
        return build([2, 7, 3], ([b, i, j]) => {
          const axes = [i, j].map((o, axis) => {
            const n = x.shape[axis + 1] as number;
            const step = 1 / at(scale, [axis]);
            const center = ((o as number) + 0.5 - at(translation, [axis])) * step - 0.5;
            if (center < -0.5 || center > n - 0.5) return new Array<number>(n).fill(0);
            return weightsAt(center, n, name, antialias ? Math.max(1, step) : 1);
          }) as [number[], number[]];
          let sum = 0;
          for (const [r, u] of axes[0].entries()) {
            for (const [s, v] of axes[1].entries()) sum += u * v * at(x, [b as number, r, s]);
          }
          return sum;
        });
      },
      shapes: [[[2, 5, 6], [2], [2]]],
      inputs: [uniform(), uniform(0.61, 0.62), uniform(0.3, 0.31)],
      dtypes: ["float64", "float32"],
      length: 30,
      steps: 32,
      gradientSteps: 64,
      cancels: 4,
      gradientCancels: 32,
      unknownAxes: false,
    });
  }
}

// Color ------------------------------------------------------------------------------------

const rgb: InputSpec = {
  values: (random, shape) =>
    Array.from({ length: count(shape) / 3 }, () => {
      // Far apart: which is the largest never changes.
      const order = random.permutation(3);
      return order.map((rank) => 0.15 + 0.3 * rank + random.uniform(0, 0.1));
    }).flat(),
};
function byPixel(x: Nd, fn: (a: number, b: number, c: number) => readonly number[]): Nd {
  return build(x.shape, (index) => {
    const [a, b, c] = [0, 1, 2].map((k) => at(x, [...index.slice(0, -1), k]));
    return fn(a as number, b as number, c as number)[index.at(-1) as number] as number;
  });
}
opTest("rgbToHsv", {
  run: (x) => ops.image.rgbToHsv(x),
  reference: (x) =>
    byPixel(x, (r, g, b) => {
      const value = Math.max(r, g, b);
      const range = value - Math.min(r, g, b);
      const angle =
        value === r ? (g - b) / range : value === g ? 2 + (b - r) / range : 4 + (r - g) / range;
      return [(((angle / 6) % 1) + 1) % 1, range / value, value];
    }),
  shapes: [
    [2, 3, 3],
    [2, 2, 2, 3],
  ],
  inputs: rgb,
  steps: 8,
  gradientSteps: 32,
  cancels: 1,
  gradientCancels: 4,
  unknownAxes: false,
});
opTest("hsvToRgb", {
  run: (x) => ops.image.hsvToRgb(x),
  reference: (x) =>
    byPixel(x, (h, s, v) => {
      const hue = (h - Math.floor(h)) * 6;
      const sector = Math.floor(hue);
      const f = hue - sector;
      const [p, q, t] = [v * (1 - s), v * (1 - s * f), v * (1 - s * (1 - f))];
      return [
        [v, t, p],
        [q, v, p],
        [p, v, t],
        [p, q, v],
        [t, p, v],
        [v, p, q],
      ][sector] as number[];
    }),
  shapes: [
    [2, 3, 3],
    [2, 2, 2, 3],
  ],
  // Hues off the sixths, where derivatives jump.
  inputs: {
    values: (random, shape) =>
      Array.from({ length: count(shape) / 3 }, () => [
        (random.integer(-6, 11) + random.uniform(0.2, 0.8)) / 6,
        random.uniform(0.2, 0.9),
        random.uniform(0.2, 0.9),
      ]).flat(),
  },
  steps: 8,
  gradientSteps: 32,
  cancels: 2,
  gradientCancels: 8,
  unknownAxes: false,
});
opTest("rgbToGrayscale", {
  run: (x) => ops.image.rgbToGrayscale(x),
  reference: (x) =>
    build([...x.shape.slice(0, -1), 1], (index) =>
      [0.2989, 0.587, 0.114].reduce(
        (sum, weight, k) => sum + weight * at(x, [...index.slice(0, -1), k]),
        0,
      ),
    ),
  shapes: [
    [2, 3, 3],
    [2, 1, 2, 3],
  ],
  length: 3,
  steps: 3,
  unknownAxes: false,
});
test("colors of black, of gray, and of bytes", async () => {
  const x = tensor([
    [
      [0, 0, 0],
      [0.5, 0.5, 0.5],
    ],
  ]);
  expect(await ops.image.rgbToHsv(x).array()).toEqual([
    [
      [0, 0, 0],
      [0, 0, 0.5],
    ],
  ]);
  const bytes = tensor(new Uint8Array([255, 255, 255]), { shape: [1, 1, 3] });
  const gray = ops.image.rgbToGrayscale(bytes);
  expect(gray.dtype).toBe("uint8");
  expect(await gray.array()).toEqual([[[254]]]);
  const first = ops.image.rgbToHsv(ops.reshape(tensor([0, 0, 1]), [3, 1, 1]), {
    dataFormat: "channels_first",
  });
  expect(first.shape).toEqual([3, 1, 1]);
});

// Borders and patches ----------------------------------------------------------------------

opTest("cropImages", {
  run: (x) =>
    ops.image.cropImages(x, { topCropping: 1, targetHeight: 2, rightCropping: 1, targetWidth: 1 }),
  reference: (x) =>
    build([x.shape[0] as number, 2, 1, x.shape[3] as number], ([b, i, , c]) =>
      at(x, [b as number, (i as number) + 1, (x.shape[2] as number) - 2, c as number]),
    ),
  shapes: [[2, 4, 3, 2]],
  dtypes: ["float32", "int32", "uint8"],
});
opTest("padImages", {
  run: (x) =>
    ops.image.padImages(x, {
      bottomPadding: 1,
      targetHeight: 6,
      leftPadding: 2,
      rightPadding: 0,
      dataFormat: "channels_first",
    }),
  reference: (x) =>
    build([...x.shape.slice(0, -2), 6, (x.shape.at(-1) as number) + 2], (index) => {
      const low = [...index.slice(0, -2).map(() => 0), 5 - (x.shape.at(-2) as number), 2];
      const from = index.map((n, axis) => n - (low[axis] as number));
      const inside = from.every((n, axis) => n >= 0 && n < (x.shape[axis] as number));
      return inside ? at(x, from) : 0;
    }),
  shapes: [
    [2, 4, 3],
    [2, 1, 4, 3],
  ],
  dtypes: ["float32", "int32", "uint8"],
  unknownAxes: false,
});

/** Windows of any rank, [batch, spatial…, channels]. */
function patches(
  x: Nd,
  size: readonly number[],
  strides: readonly number[],
  dilation: number,
  same: boolean,
): Nd {
  const lengths = x.shape.slice(1, -1);
  const channels = x.shape.at(-1) as number;
  const extents = size.map((w) => (w - 1) * dilation + 1);
  const counts = lengths.map((n, i) =>
    same
      ? Math.ceil(n / (strides[i] as number))
      : Math.floor((n - (extents[i] as number)) / (strides[i] as number)) + 1,
  );
  const low = lengths.map((n, i) => {
    const total = ((counts[i] as number) - 1) * (strides[i] as number) + (extents[i] as number) - n;
    return same ? Math.floor(Math.max(0, total) / 2) : 0;
  });
  return build([x.shape[0] as number, ...counts, count(size) * channels], (index) => {
    let rest = index.at(-1) as number;
    const channel = rest % channels;
    rest = Math.floor(rest / channels);
    const place = [...size].map(() => 0);
    for (let axis = size.length - 1; axis >= 0; axis--) {
      const w = size[axis] as number;
      place[axis] =
        (index[axis + 1] as number) * (strides[axis] as number) +
        (rest % w) * dilation -
        (low[axis] as number);
      rest = Math.floor(rest / w);
    }
    const inside = place.every((n, axis) => n >= 0 && n < (lengths[axis] as number));
    return inside ? at(x, [index[0] as number, ...place, channel]) : 0;
  });
}
for (const padding of ["valid", "same"] as const) {
  opTest(`extractPatches, ${padding}`, {
    run: (x) => [
      ops.image.extractPatches(x, [2, 3], { padding }),
      ops.image.extractPatches(x, 2, { strides: [1, 2], dilationRate: 2, padding }),
    ],
    reference: (x) => [
      patches(x, [2, 3], [2, 3], 1, padding === "same"),
      patches(x, [2, 2], [1, 2], 2, padding === "same"),
    ],
    shapes: [
      [2, 5, 7, 2],
      [0, 4, 4, 1],
    ],
    dtypes: ["float32", "float16", "int32"],
  });
  opTest(`extractPatches3d, ${padding}`, {
    run: (x) => ops.image.extractPatches3d(x, [2, 1, 3], { strides: [1, 2, 2], padding }),
    reference: (x) => patches(x, [2, 1, 3], [1, 2, 2], 1, padding === "same"),
    shapes: [[1, 3, 3, 5, 2]],
  });
  opTest(`reconstructPatches, ${padding}`, {
    run: (x) => {
      const [, h, w] = x.shape as readonly [number, number, number];
      const parts = ops.image.extractPatches(x, [2, 3], { padding });
      return ops.image.reconstructPatches(parts, [2, 3], [h, w], { padding });
    },
    reference: (x) => x,
    shapes: padding === "same" ? [[2, 5, 7, 2]] : [[2, 4, 6, 2]],
    unknownAxes: false,
  });
}
opTest("patches, channels first", {
  run: (x) => {
    const parts = ops.image.extractPatches(x, 2, { dataFormat: "channels_first" });
    return [
      parts,
      ops.image.reconstructPatches(parts, 2, [4, 6], { dataFormat: "channels_first" }),
    ];
  },
  reference: (x) => [
    moved(patches(moved(x, [0, 2, 3, 1]), [2, 2], [2, 2], 1, false), [0, 3, 1, 2]),
    x,
  ],
  shapes: [[2, 3, 4, 6]],
});

// Filters ----------------------------------------------------------------------------------

function gaussian(size: number, sigma: number): number[] {
  const raw = Array.from({ length: size }, (_, i) =>
    Math.exp(-((i - (size - 1) / 2) ** 2) / (2 * sigma ** 2)),
  );
  const sum = raw.reduce((a, v) => a + v, 0);
  return raw.map((v) => v / sum);
}

opTest("gaussianBlur", {
  run: (x) => ops.image.gaussianBlur(x, { kernelSize: [3, 3], sigma: [0.8, 1.3] }),
  reference: (x) => {
    const [columns, rows] = [gaussian(3, 0.8), gaussian(3, 1.3)];
    const [, height, width] = x.shape as [number, number, number];
    return build(x.shape, ([b, i, j, c]) => {
      let sum = 0;
      for (let u = -1; u <= 1; u++) {
        for (let v = -1; v <= 1; v++) {
          const [y, z] = [(i as number) + u, (j as number) + v];
          if (y < 0 || z < 0 || y >= height || z >= width) continue;
          sum +=
            (rows[u + 1] as number) *
            (columns[v + 1] as number) *
            at(x, [b as number, y, z, c as number]);
        }
      }
      return sum;
    });
  },
  shapes: [[2, 4, 5, 3]],
  length: 9,
  // The window is rounded to the dtype.
  steps: 3,
});
opTest("sobelEdges", {
  run: (x) => ops.image.sobelEdges(x),
  reference: (x) => {
    const [, height, width] = x.shape as [number, number, number];
    const mirror = (i: number, n: number): number => (i < 0 ? -i : i >= n ? 2 * n - 2 - i : i);
    return build([...x.shape, 2], ([b, i, j, c, axis]) => {
      const read = (u: number, v: number): number =>
        at(x, [
          b as number,
          mirror((i as number) + u, height),
          mirror((j as number) + v, width),
          c as number,
        ]);
      return [-1, 0, 1].reduce((sum, k) => {
        const weight = k === 0 ? 2 : 1;
        const difference = axis === 0 ? read(1, k) - read(-1, k) : read(k, 1) - read(k, -1);
        return sum + weight * difference;
      }, 0);
    });
  },
  shapes: [[2, 4, 5, 2]],
  length: 6,
});
opTest("ssim", {
  run: (x, y) => ops.image.ssim(x, y, { maxVal: 2, filterSize: 3, filterSigma: 0.9 }),
  reference: (x, y) => {
    const [batch, height, width, channels] = x.shape as [number, number, number, number];
    const line = gaussian(3, 0.9);
    const [c1, c2] = [0.02 ** 2, 0.06 ** 2];
    return build([batch], ([b]) => {
      let sum = 0;
      for (let i = 0; i + 3 <= height; i++) {
        for (let j = 0; j + 3 <= width; j++) {
          for (let c = 0; c < channels; c++) {
            const mean = (of: (p: number, q: number) => number): number => {
              let total = 0;
              for (let u = 0; u < 3; u++) {
                for (let v = 0; v < 3; v++) {
                  const index = [b as number, i + u, j + v, c];
                  total +=
                    (line[u] as number) * (line[v] as number) * of(at(x, index), at(y, index));
                }
              }
              return total;
            };
            const [mx, my] = [mean((p) => p), mean((_, q) => q)];
            const xx = mean((p) => (p - mx) ** 2);
            const yy = mean((_, q) => (q - my) ** 2);
            const xy = mean((p, q) => (p - mx) * (q - my));
            sum +=
              ((2 * mx * my + c1) * (2 * xy + c2)) / ((mx * mx + my * my + c1) * (xx + yy + c2));
          }
        }
      }
      return sum / ((height - 2) * (width - 2) * channels);
    });
  },
  shapes: [
    [
      [2, 4, 5, 2],
      [2, 4, 5, 2],
    ],
  ],
  inputs: uniform(0, 2),
  dtypes: ["float64", "float32"],
  length: 9,
  steps: 32,
  gradientSteps: 128,
  cancels: 4,
  gradientCancels: 16,
});
opTest("psnr", {
  run: (x, y) => ops.psnr(x, y, 3),
  reference: (x, y) => {
    const error = x.data.reduce((sum, v, i) => sum + (v - (y.data[i] as number)) ** 2, 0);
    return build([], () => 10 * Math.log10(9 / (error / x.data.length)));
  },
  shapes: [
    [
      [3, 4],
      [3, 4],
    ],
  ],
  length: 12,
  steps: 8,
  cancels: 10,
});

describe("what does not fit", () => {
  const image = [[[1, 2, 3]]];
  const refused: Record<string, [() => unknown, new (...args: never[]) => Error]> = {
    "no image to resize": [() => ops.image.resize([[1]], [2, 2]), ShapeError],
    "a size": [() => ops.image.resize(image, [0, 2]), ArgumentError],
    "an interpolation": [
      () => ops.image.resize(image, [2, 2], { interpolation: "area" as "nearest" }),
      ArgumentError,
    ],
    "crop and pad": [
      () => ops.image.resize(image, [2, 2], { cropToAspectRatio: true, padToAspectRatio: true }),
      ArgumentError,
    ],
    "another shape": [
      () => ops.image.scaleAndTranslate(image, [1, 2, 2], [1], [0], [1], "linear"),
      ShapeError,
    ],
    "a method": [
      () => ops.image.scaleAndTranslate(image, [1, 2, 3], [1], [0], [1], "best"),
      ArgumentError,
    ],
    "colors of integers": [() => ops.image.rgbToHsv(image), DTypeError],
    "two channels": [() => ops.image.rgbToGrayscale([[[1, 2]]]), ShapeError],
    "one of three": [() => ops.image.cropImages(image, { topCropping: 0 }), ArgumentError],
    "too much cut off": [
      () =>
        ops.image.cropImages(image, {
          topCropping: 2,
          bottomCropping: 0,
          leftCropping: 0,
          rightCropping: 0,
        }),
      ShapeError,
    ],
    "a smaller target": [
      () =>
        ops.image.padImages(image, {
          topPadding: 0,
          targetHeight: 0,
          leftPadding: 0,
          rightPadding: 0,
        }),
      ShapeError,
    ],
    "no patch": [() => ops.image.extractPatches(image, 2), ShapeError],
    "patches of another size": [() => ops.image.reconstructPatches(image, 2, [2, 2]), ShapeError],
    "patches that overlap": [
      () => ops.image.reconstructPatches([[[1, 2, 3, 4]]], 2, [2, 2], { strides: 1 }),
      ArgumentError,
    ],
    "a sigma": [() => ops.image.gaussianBlur(image, { sigma: 0 }), ArgumentError],
    "one image's edges": [() => ops.image.sobelEdges(image), ShapeError],
    "images of different shapes": [() => ops.image.ssim(image, [image]), ShapeError],
    "signals of different shapes": [() => ops.psnr([1], [1, 2], 1), ShapeError],
  };
  for (const [name, [fn, Class]] of Object.entries(refused)) {
    test(name, () => {
      expect(fn).toThrow(Class);
      expect(fn).toThrow(/resize|translate|rgb_to|_images|patches|blur|sobel|ssim|psnr/);
    });
  }
});
