/** Tests of src/ops/pooling.ts. */
import { apply, ops } from "../../src/index.ts";
import { distinct, uniform } from "../support/inputs.ts";
import { at, build, count, indicesOf, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";
import { primitive } from "../support/shapes.ts";

interface Windows {
  readonly window: readonly number[];
  readonly strides: readonly number[];
  readonly padding: readonly number[];
}

/** For each output the places that its window covers, without the padding. */
function pool(
  x: readonly number[],
  { window, strides, padding }: Windows,
  fn: (places: number[][], index: number[]) => number,
): Nd {
  const size = window.map((w, i) => {
    const padded =
      (x[i + 1] as number) + (padding[2 * i] as number) + (padding[2 * i + 1] as number);
    return Math.floor((padded - w) / (strides[i] as number)) + 1;
  });
  return build([x[0] as number, ...size, x.at(-1) as number], (index) => {
    const places: number[][] = [];
    for (const tap of indicesOf(window)) {
      const place = index
        .slice(1, -1)
        .map(
          (o, i) => o * (strides[i] as number) + (tap[i] as number) - (padding[2 * i] as number),
        );
      if (place.every((p, i) => p >= 0 && p < (x[i + 1] as number))) {
        places.push([index[0] as number, ...place, index.at(-1) as number]);
      }
    }
    return fn(places, index);
  });
}

function exact(x: Nd, index: readonly number[]): number {
  return x.data[index.reduce((flat, n, axis) => flat * (x.shape[axis] as number) + n, 0)] as number;
}

function same(
  size: readonly number[],
  window: readonly number[],
  strides: readonly number[],
): number[] {
  return size.flatMap((n, i) => {
    const stride = strides[i] as number;
    const total = Math.max(0, (Math.ceil(n / stride) - 1) * stride + (window[i] as number) - n);
    return [Math.floor(total / 2), total - Math.floor(total / 2)];
  });
}

const mean = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / values.length;

const cases: readonly {
  readonly name: string;
  readonly x: readonly number[];
  readonly window: readonly number[];
  readonly strides: readonly number[];
  readonly padding?: "same";
}[] = [
  { name: "1D", x: [2, 9, 3], window: [3], strides: [2] },
  { name: "1D, same", x: [2, 8, 5], window: [3], strides: [2], padding: "same" },
  { name: "2D", x: [2, 6, 6, 3], window: [2, 2], strides: [2, 2] },
  { name: "2D, overlapping", x: [1, 7, 6, 17], window: [3, 2], strides: [2, 1] },
  { name: "2D, same", x: [2, 5, 7, 2], window: [3, 3], strides: [2, 2], padding: "same" },
  { name: "2D, gaps", x: [1, 8, 8, 2], window: [2, 2], strides: [3, 3] },
  { name: "3D", x: [1, 4, 5, 4, 3], window: [2, 2, 2], strides: [2, 2, 2], padding: "same" },
  { name: "empty batch", x: [0, 4, 4, 2], window: [2, 2], strides: [2, 2] },
];
for (const { name, x, window, strides, padding } of cases) {
  const attributes: Windows = {
    window,
    strides,
    padding:
      padding === "same"
        ? same(x.slice(1, -1), window, strides)
        : new Array<number>(2 * window.length).fill(0),
  };
  const options = { strides, ...(padding === undefined ? {} : { padding }) };
  const isEmpty = count(x) === 0;
  opTest(`maxPool ${name}`, {
    ops: isEmpty ? ["max_pool"] : ["max_pool", "max_pool_backward"],
    run: (inputs) => ops.maxPool(inputs, window, options),
    reference: (inputs) =>
      pool(x, attributes, (places) => Math.max(...places.map((p) => exact(inputs, p)))),
    shapes: [x],
    inputs: distinct(0.0625),
    dtypes: ["float32", "float64", "float16"],
    length: count(window),
    cancels: false,
    unknownAxes: false,
  });
  const places = (inputs: Nd): Nd =>
    pool(x, attributes, (list) => {
      const best = list.reduce((a, b) => (exact(inputs, b) > exact(inputs, a) ? b : a));
      return best.slice(1, -1).reduce((flat, n, i) => flat * (x[i + 1] as number) + n, 0);
    });
  opTest(`max_pool_argmax ${name}`, {
    ops: ["max_pool_argmax"],
    run: (inputs) => apply(primitive("max_pool_argmax"), [inputs], attributes as never),
    reference: places,
    shapes: [x],
    // Ties: the first one counts.
    inputs: uniform(0, 3),
    dtypes: ["float32", "float64", "float16", "bfloat16"],
    resultDType: "int32",
    differentiable: "zero",
    internal: true,
    unknownAxes: false,
  });
  const outputs = pool(x, attributes, () => 0).shape;
  opTest(`max_pool_backward ${name}`, {
    ops: ["max_pool_backward"],
    run: (inputs, dy) => apply(primitive("max_pool_backward"), [inputs, dy], attributes as never),
    reference: (inputs, dy) => {
      const sums = { shape: x, data: new Float64Array(count(x)) };
      pool(x, attributes, (list, index) => {
        const best = list.reduce((a, b) => (exact(inputs, b) > exact(inputs, a) ? b : a));
        const flat = best.reduce((at, n, i) => at * (x[i] as number) + n, 0);
        sums.data[flat] = (sums.data[flat] as number) + exact(dy, index);
        return 0;
      });
      return sums;
    },
    shapes: [[x, outputs]],
    inputs: [distinct(0.0625), uniform()],
    dtypes: ["float32", "float64", "float16"],
    length: count(window),
    internal: true,
    unknownAxes: false,
  });
  opTest(`averagePool ${name}`, {
    ops: isEmpty ? ["average_pool"] : ["average_pool", "average_pool_backward"],
    run: (inputs) => ops.averagePool(inputs, window, options),
    reference: (inputs) => pool(x, attributes, (list) => mean(list.map((p) => exact(inputs, p)))),
    shapes: [x],
    length: count(window),
    steps: 2,
    unknownAxes: false,
  });
  opTest(`average_pool_backward ${name}`, {
    ops: ["average_pool_backward"],
    run: (dy) =>
      apply(primitive("average_pool_backward"), [dy], { ...attributes, shape: x } as never),
    reference: (dy) => {
      const sums = { shape: x, data: new Float64Array(count(x)) };
      pool(x, attributes, (list, index) => {
        for (const place of list) {
          const flat = place.reduce((at, n, i) => at * (x[i] as number) + n, 0);
          sums.data[flat] = (sums.data[flat] as number) + exact(dy, index) / list.length;
        }
        return 0;
      });
      return sums;
    },
    shapes: [outputs],
    length: count(window),
    steps: 2,
    internal: true,
    unknownAxes: false,
  });
}
opTest("maxPool, channels first, of a batch", {
  run: (x) => ops.maxPool(x, 2, { dataFormat: "channels_first" }),
  reference: (x) => {
    const [n, c, h, w] = x.shape as [number, number, number, number];
    const windows: Windows = { window: [2, 2], strides: [2, 2], padding: [0, 0, 0, 0] };
    const last = build([n, h, w, c], ([b, i, j, k]) => at(x, [b, k, i, j] as number[]));
    const y = pool([n, h, w, c], windows, (list) => Math.max(...list.map((p) => exact(last, p))));
    const [, oh, ow] = y.shape as [number, number, number, number];
    return build([n, c, oh, ow], ([b, k, i, j]) => at(y, [b, i, j, k] as number[]));
  },
  shapes: [[5, 3, 4, 6]],
  inputs: distinct(),
  dtypes: ["float32", "float64"],
});
opTest("averagePool of integers", {
  run: (x) => ops.averagePool(x, 2),
  reference: (x) =>
    pool(x.shape, { window: [2, 2], strides: [2, 2], padding: [0, 0, 0, 0] }, (list) =>
      mean(list.map((p) => exact(x, p))),
    ),
  shapes: [[2, 4, 4, 3]],
  needs: ["float64"],
  dtypes: ["int32"],
  inputs: uniform(0, 9),
});
