/** Tests of src/ops/convolution.ts. */
import { expect, test } from "vitest";
import { ArgumentError, apply, ops, ShapeError } from "../../src/index.ts";
import { uniform } from "../support/inputs.ts";
import { at, build, count, indicesOf, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";
import { primitive } from "../support/shapes.ts";

interface Geometry {
  readonly strides: readonly number[];
  /** Low and high of each axis in turn. */
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
}

/** [batch, spatial…, channels] with [window…, channels / groups, filters]. */
function conv(x: Nd, kernel: Nd, { strides, padding, dilation }: Geometry): Nd {
  const window = kernel.shape.slice(0, -2);
  const [perGroup, filters] = kernel.shape.slice(-2) as [number, number];
  const groups = (x.shape.at(-1) as number) / perGroup;
  const size = window.map((w, i) => {
    const extent = (w - 1) * (dilation[i] as number) + 1;
    const padded =
      (x.shape[i + 1] as number) + (padding[2 * i] as number) + (padding[2 * i + 1] as number);
    return Math.floor((padded - extent) / (strides[i] as number)) + 1;
  });
  return build([x.shape[0] as number, ...size, filters], (index) => {
    const [batch, ...rest] = index as [number, ...number[]];
    const filter = rest.pop() as number;
    const group = Math.floor(filter / (filters / groups));
    let sum = 0;
    for (const tap of indicesOf(window)) {
      const place = rest.map(
        (o, i) =>
          o * (strides[i] as number) +
          (tap[i] as number) * (dilation[i] as number) -
          (padding[2 * i] as number),
      );
      if (place.some((p, i) => p < 0 || p >= (x.shape[i + 1] as number))) continue;
      for (let c = 0; c < perGroup; c++) {
        sum +=
          exact(x, [batch, ...place, group * perGroup + c]) * exact(kernel, [...tap, c, filter]);
      }
    }
    return sum;
  });
}

function exact(x: Nd, index: readonly number[]): number {
  return x.data[index.reduce((flat, n, axis) => flat * (x.shape[axis] as number) + n, 0)] as number;
}

/** Padding "same", as in TensorFlow. */
function same(
  size: readonly number[],
  window: readonly number[],
  g: Omit<Geometry, "padding">,
): number[] {
  return size.flatMap((n, i) => {
    const extent = ((window[i] as number) - 1) * (g.dilation[i] as number) + 1;
    const stride = g.strides[i] as number;
    const total = Math.max(0, (Math.ceil(n / stride) - 1) * stride + extent - n);
    return [Math.floor(total / 2), total - Math.floor(total / 2)];
  });
}

const cases: readonly {
  readonly name: string;
  readonly x: readonly number[];
  readonly kernel: readonly number[];
  readonly strides?: number;
  readonly dilation?: number;
  readonly padding?: "same" | "valid";
}[] = [
  { name: "1D", x: [2, 9, 3], kernel: [3, 3, 4] },
  { name: "1D, strided", x: [2, 10, 3], kernel: [3, 3, 4], strides: 2, padding: "same" },
  { name: "1D, dilated", x: [1, 12, 2], kernel: [3, 2, 3], dilation: 3, padding: "same" },
  { name: "2D", x: [2, 6, 7, 3], kernel: [3, 3, 3, 5] },
  { name: "2D, same", x: [1, 5, 6, 2], kernel: [3, 2, 2, 3], padding: "same" },
  { name: "2D, strided", x: [2, 7, 6, 3], kernel: [3, 3, 3, 4], strides: 2, padding: "same" },
  { name: "2D, dilated", x: [1, 8, 8, 2], kernel: [3, 3, 2, 3], dilation: 2 },
  { name: "2D, pointwise", x: [2, 4, 4, 5], kernel: [1, 1, 5, 7] },
  { name: "2D, groups", x: [1, 5, 5, 6], kernel: [3, 3, 2, 6], padding: "same" },
  { name: "2D, depthwise", x: [2, 6, 5, 4], kernel: [3, 3, 1, 4], padding: "same" },
  { name: "2D, depthwise, multiplied", x: [1, 6, 6, 3], kernel: [3, 3, 1, 6], strides: 2 },
  { name: "2D, one channel", x: [2, 8, 8, 1], kernel: [5, 5, 1, 3] },
  { name: "3D", x: [1, 4, 5, 4, 2], kernel: [2, 3, 2, 2, 3], padding: "same" },
  { name: "empty batch", x: [0, 5, 5, 2], kernel: [3, 3, 2, 3] },
];
for (const { name, x, kernel, strides = 1, dilation = 1, padding = "valid" } of cases) {
  const rank = x.length - 2;
  const spread = {
    strides: new Array<number>(rank).fill(strides),
    dilation: new Array<number>(rank).fill(dilation),
  };
  const window = kernel.slice(0, -2);
  const geometry: Geometry = {
    ...spread,
    padding:
      padding === "same"
        ? same(x.slice(1, -1), window, spread)
        : new Array<number>(2 * rank).fill(0),
  };
  const length = count(kernel) / (kernel.at(-1) as number);
  opTest(`conv ${name}`, {
    ops: x[0] === 0 ? ["conv"] : ["conv", "conv_input_backward", "conv_kernel_backward"],
    run: (inputs, weights) =>
      ops.conv(inputs, weights, { strides, dilationRate: dilation, padding }),
    reference: (inputs, weights) => conv(inputs, weights, geometry),
    shapes: [[x, kernel]],
    inputs: uniform(-1, 1),
    length: length + count(x),
    // The batch alone: windows decide what other lengths become.
    unknownAxes: x[0] !== kernel[0],
  });

  // The gradients as ops of their own, by their sums.
  const groups = (x.at(-1) as number) / (kernel.at(-2) as number);
  const attributes = { ...geometry, groups };
  const outputs = conv(
    { shape: x, data: new Float64Array(count(x)) },
    { shape: kernel, data: new Float64Array(count(kernel)) },
    geometry,
  ).shape;
  const pull = (which: "input" | "kernel", a: Nd, b: Nd): Nd => {
    const shape = which === "input" ? x : kernel;
    // Linear: the derivative by an element is the response to a one there.
    return build(shape, (index) => {
      const unit = new Float64Array(count(shape));
      unit[index.reduce((flat, n, axis) => flat * (shape[axis] as number) + n, 0)] = 1;
      const response =
        which === "input"
          ? conv({ shape, data: unit }, b, geometry)
          : conv(a, { shape, data: unit }, geometry);
      const dy = which === "input" ? a : b;
      return response.data.reduce((sum, v, i) => sum + v * (dy.data[i] as number), 0);
    });
  };
  const backward = {
    dtypes: ["float64", "float32", "float16"],
    inputs: uniform(-1, 1),
    length: length + count(x),
    internal: true,
    unknownAxes: false,
  } as const;
  if (count(x) > 200) continue;
  opTest(`conv_input_backward ${name}`, {
    ...backward,
    ops: ["conv_input_backward"],
    run: (dy, weights) =>
      apply(primitive("conv_input_backward"), [dy, weights], { ...attributes, shape: x } as never),
    reference: (dy, weights) => pull("input", dy, weights),
    shapes: [[outputs, kernel]],
  });
  opTest(`conv_kernel_backward ${name}`, {
    ...backward,
    ops: ["conv_kernel_backward"],
    run: (inputs, dy) =>
      apply(primitive("conv_kernel_backward"), [inputs, dy], {
        ...attributes,
        shape: kernel,
      } as never),
    reference: (inputs, dy) => pull("kernel", inputs, dy),
    shapes: [[x, outputs]],
  });
}

opTest("conv, channels first", {
  run: (x, kernel) => ops.conv(x, kernel, { dataFormat: "channels_first" }),
  reference: (x, kernel) => {
    const [n, c, h, w] = x.shape as [number, number, number, number];
    const last = build([n, h, w, c], ([b, i, j, k]) => at(x, [b, k, i, j] as number[]));
    const y = conv(last, kernel, { strides: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] });
    const [, oh, ow, f] = y.shape as [number, number, number, number];
    return build([n, f, oh, ow], ([b, k, i, j]) => at(y, [b, i, j, k] as number[]));
  },
  shapes: [
    [
      [2, 3, 5, 6],
      [3, 3, 3, 4],
    ],
  ],
  inputs: uniform(-1, 1),
  length: 60,
});
opTest("conv of integers", {
  run: (x, kernel) => ops.conv(x, kernel),
  reference: (x, kernel) =>
    conv(x, kernel, { strides: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] }),
  shapes: [
    [
      [2, 5, 6, 3],
      [3, 3, 3, 4],
    ],
  ],
  needs: ["float64"],
  dtypes: ["int32", "int8", "int64"],
  inputs: uniform(-2, 2),
});

/** [window…, channels, multiplier] as a kernel of groups. */
function grouped(kernel: Nd): Nd {
  const [channels, times] = kernel.shape.slice(-2) as [number, number];
  return { shape: [...kernel.shape.slice(0, -2), 1, channels * times], data: kernel.data };
}
for (const { name, x, kernel, strides = 1, dilation = 1, padding = "valid" } of [
  { name: "1D", x: [2, 9, 3], kernel: [3, 3, 2] },
  { name: "2D", x: [2, 6, 5, 3], kernel: [3, 2, 3, 1], padding: "same" },
  { name: "2D, strided", x: [1, 7, 6, 2], kernel: [3, 3, 2, 2], strides: 2, padding: "same" },
  { name: "2D, dilated", x: [1, 7, 7, 2], kernel: [2, 2, 2, 3], dilation: 2 },
  { name: "3D", x: [1, 4, 3, 4, 2], kernel: [2, 2, 2, 2, 1] },
] as (typeof cases)[number][]) {
  const rank = x.length - 2;
  const spread = {
    strides: new Array<number>(rank).fill(strides),
    dilation: new Array<number>(rank).fill(dilation),
  };
  const none = new Array<number>(2 * rank).fill(0);
  const geometry: Geometry = {
    ...spread,
    padding: padding === "same" ? same(x.slice(1, -1), kernel.slice(0, -2), spread) : none,
  };
  const options = { strides, dilationRate: dilation, padding };
  opTest(`depthwiseConv ${name}`, {
    run: (inputs, weights) => ops.depthwiseConv(inputs, weights, options),
    reference: (inputs, weights) => conv(inputs, grouped(weights), geometry),
    shapes: [[x, kernel]],
    inputs: uniform(-1, 1),
    length: count(x),
    unknownAxes: false,
  });
  const filters = (kernel.at(-1) as number) * (kernel.at(-2) as number);
  const pointwise = [...new Array<number>(rank).fill(1), filters, 2];
  opTest(`separableConv ${name}`, {
    run: (inputs, weights, mix) => ops.separableConv(inputs, weights, mix, options),
    reference: (inputs, weights, mix) =>
      conv(conv(inputs, grouped(weights), geometry), mix, {
        strides: new Array<number>(rank).fill(1),
        dilation: new Array<number>(rank).fill(1),
        padding: none,
      }),
    shapes: [[x, kernel, pointwise]],
    inputs: uniform(-1, 1),
    length: count(x),
    steps: 2,
    gradientSteps: 12,
    cancels: 4,
    gradientCancels: 16,
    unknownAxes: false,
  });
}

/** Every input adds its window to the output, from `low` on. */
function spreadOut(
  x: Nd,
  kernel: Nd,
  size: readonly number[],
  low: readonly number[],
  stride: number,
  dilation: number,
): Nd {
  const [filters, channels] = kernel.shape.slice(-2) as [number, number];
  const window = kernel.shape.slice(0, -2);
  return build([x.shape[0] as number, ...size, filters], (index) => {
    let sum = 0;
    for (const from of indicesOf(x.shape.slice(1, -1))) {
      for (const tap of indicesOf(window)) {
        const hits = from.every(
          (n, i) =>
            n * stride + (tap[i] as number) * dilation - (low[i] as number) === index[i + 1],
        );
        if (!hits) continue;
        for (let c = 0; c < channels; c++) {
          sum +=
            exact(x, [index[0] as number, ...from, c]) *
            exact(kernel, [...tap, index.at(-1) as number, c]);
        }
      }
    }
    return sum;
  });
}
for (const { name, x, kernel, strides = 1, dilation = 1, padding, added, size, low } of [
  // (n - 1) * stride + max(window, stride)
  { name: "valid", x: [2, 4, 3], kernel: [3, 2, 3], size: [6], low: [0] },
  { name: "strided", x: [1, 3, 4, 2], kernel: [3, 3, 2, 2], strides: 2, size: [7, 9], low: [0, 0] },
  { name: "wide steps", x: [1, 3, 2], kernel: [2, 1, 2], strides: 4, size: [12], low: [0] },
  { name: "added", x: [1, 3, 2], kernel: [3, 1, 2], strides: 2, added: 3, size: [10], low: [0] },
  { name: "dilated", x: [1, 4, 2], kernel: [3, 2, 2], dilation: 2, size: [8], low: [0] },
  // n * stride, cut off by floor((window - stride) / 2) in front
  {
    name: "same",
    x: [1, 4, 4, 2],
    kernel: [3, 3, 2, 2],
    padding: "same",
    size: [4, 4],
    low: [1, 1],
  },
  {
    name: "same, strided",
    x: [1, 4, 3],
    kernel: [3, 2, 3],
    strides: 2,
    padding: "same",
    size: [8],
    low: [0],
  },
  {
    name: "same, wide steps",
    x: [1, 3, 2],
    kernel: [2, 1, 2],
    strides: 3,
    padding: "same",
    size: [9],
    low: [0],
  },
  // (n - 1) * stride + window % 2 + added
  {
    name: "same, added",
    x: [1, 4, 2],
    kernel: [3, 2, 2],
    strides: 3,
    padding: "same",
    added: 1,
    size: [11],
    low: [0],
  },
  {
    name: "same, none added",
    x: [1, 4, 2],
    kernel: [3, 2, 2],
    strides: 3,
    padding: "same",
    added: 0,
    size: [10],
    low: [1],
  },
  {
    name: "3D",
    x: [1, 2, 1, 2, 2],
    kernel: [2, 2, 2, 1, 2],
    strides: 2,
    size: [4, 2, 4],
    low: [0, 0, 0],
  },
] as readonly ((typeof cases)[number] & { added?: number; size: number[]; low: number[] })[]) {
  opTest(`convTranspose ${name}`, {
    run: (inputs, weights) =>
      ops.convTranspose(inputs, weights, {
        strides,
        dilationRate: dilation,
        padding,
        outputPadding: added,
      }),
    reference: (inputs, weights) => spreadOut(inputs, weights, size, low, strides, dilation),
    shapes: [[x, kernel]],
    inputs: uniform(-1, 1),
    length: count(kernel) + count(x),
    unknownAxes: false,
  });
}
opTest("convTranspose, channels first", {
  run: (x, kernel) => ops.convTranspose(x, kernel, { dataFormat: "channels_first", strides: 2 }),
  reference: (x, kernel) => {
    const [n, c, w] = x.shape as [number, number, number];
    const last = build([n, w, c], ([b, i, k]) => at(x, [b, k, i] as number[]));
    const y = spreadOut(last, kernel, [2 * w + 1], [0], 2, 1);
    return build([n, 2, 2 * w + 1], ([b, k, i]) => at(y, [b, i, k] as number[]));
  },
  shapes: [
    [
      [2, 3, 4],
      [3, 2, 3],
    ],
  ],
  inputs: uniform(-1, 1),
  length: 60,
  unknownAxes: false,
});

test("kernels that do not fit", () => {
  const image = [[[1.5, 2, 3]]];
  const fails = [
    () => ops.depthwiseConv(image, [[[1], [1]]]),
    () => ops.separableConv(image, [[[1], [1]]], [[[1]]]),
    () => ops.separableConv(image, [[[1], [1], [1]]], [[[1], [1]]]),
    () => ops.convTranspose(image, [[[1, 1]]]),
  ];
  for (const fn of fails) {
    expect(fn).toThrow(ShapeError);
    expect(fn).toThrow(/_conv|conv_/);
  }
  expect(() => ops.convTranspose(image, [[[1, 1, 1]]], { outputPadding: -1 })).toThrow(
    ArgumentError,
  );
  expect(() => ops.convTranspose(image, [[[1, 1, 1]]], { padding: "full" as "same" })).toThrow(
    ArgumentError,
  );
});
