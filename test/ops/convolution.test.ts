/** Tests of src/ops/convolution.ts. */
import { apply, ops } from "../../src/index.ts";
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
