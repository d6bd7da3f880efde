/**
 * Products, convolutions and pooling of random sizes.
 *
 * @module
 */
import { ops } from "../../src/index.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { count, type Nd } from "../support/nd.ts";
import type { Random } from "../support/random.ts";
import type { FuzzCase, FuzzOp, Input } from "./case.ts";
import { broadcasting, chance, floatDType, length, pick, shape, values } from "./draw.ts";
import { fromIndex, get } from "./reference.ts";

type Dims = readonly number[];

function inputOf(random: Random, dims: Dims, dtype: Input["dtype"]): Input {
  return { shape: dims, dtype, values: values(random, dims, dtype) };
}

/** Terms of a product of two values in [-2, 2], added up. */
const termSize = (terms: number): number => 4 * Math.sqrt(Math.max(1, terms));

/** Sum of products over the labels that the output does not have. */
function einsum(inputs: readonly string[], output: string, operands: readonly Nd[]): Nd {
  const sizes = new Map<string, number>();
  for (const [k, labels] of inputs.entries()) {
    for (const [i, label] of [...labels].entries()) {
      sizes.set(label, operands[k]?.shape[i] as number);
    }
  }
  const inner = [...sizes.keys()].filter((label) => !output.includes(label));
  const order = [...output, ...inner];
  const at = inputs.map((labels) => [...labels].map((label) => order.indexOf(label)));
  const dims = [...output].map((label) => sizes.get(label) as number);
  const summed = inner.map((label) => sizes.get(label) as number);
  const whole = new Array<number>(order.length);
  return fromIndex(dims, (index) => {
    for (const [i, n] of index.entries()) whole[i] = n;
    let sum = 0;
    fromIndex(summed, (rest) => {
      for (const [i, n] of rest.entries()) whole[dims.length + i] = n;
      let product = 1;
      for (const [k, x] of operands.entries()) {
        let flat = 0;
        for (const [i, place] of (at[k] as number[]).entries()) {
          flat = flat * (x.shape[i] as number) + (whole[place] as number);
        }
        product *= x.data[flat] as number;
      }
      sum += product;
      return 0;
    });
    return sum;
  });
}

function drawMatmul(random: Random): FuzzCase {
  const isLarge = chance(random, 0.05);
  const side = (): number => length(random, isLarge ? 1 : 0, isLarge ? 200 : 70);
  const [m, k, n] = [side(), side(), side()];
  const batch = isLarge ? [] : shape(random, { rank: random.integer(0, 2), elements: 6 });
  const dtype = chance(random, 0.1) ? "int32" : floatDType(random);
  const [flipA, flipB] = [chance(random, 0.4), chance(random, 0.4)];
  const matrix = (rows: number, columns: number, flip: boolean): number[] => [
    ...broadcasting(random, batch),
    ...(flip ? [columns, rows] : [rows, columns]),
  ];
  const isVector = chance(random, 0.1);
  const a = isVector ? [k] : matrix(m, k, flipA);
  const b = matrix(k, n, flipB);
  const turn = (x: Tensor, flip: boolean): Tensor => (flip ? ops.swapaxes(x, -1, -2) : x);
  const bias = chance(random, 0.4);
  const inputs = [inputOf(random, a, dtype), inputOf(random, b, dtype)];
  if (bias) inputs.push(inputOf(random, [n], dtype));
  const activation = bias && dtype !== "int32" && chance(random, 0.5);
  return {
    attributes: { flipA, flipB, bias, activation },
    inputs,
    run: (x, y, z) => {
      const left = turn(x as Tensor, flipA && !isVector);
      const product = ops.matmul(left, turn(y as Tensor, flipB));
      const sum = z === undefined ? product : ops.add(product, z);
      return activation ? ops.relu(sum) : sum;
    },
    reference: (x, y, z) => {
      const left = x as Nd;
      const right = y as Nd;
      const lead = right.shape.length > left.shape.length ? right.shape : left.shape;
      const rank = Math.max(left.shape.length, right.shape.length);
      const dims = lead.slice(0, rank - 2).map((_, i) => {
        const p = left.shape[i - rank + left.shape.length] ?? 1;
        const q = right.shape[i - rank + right.shape.length] ?? 1;
        return isVector ? q : p === 1 ? q : p;
      });
      const to = [...dims, ...(isVector ? [] : [m]), n];
      const place = (t: Nd, index: Dims, row: number, column: number, flip: boolean): number => {
        const start = dims.length - (t.shape.length - 2);
        const outer = t.shape
          .slice(0, -2)
          .map((dim, i) => (dim === 1 ? 0 : (index[i + start] as number)));
        return get(t, [...outer, ...(flip ? [column, row] : [row, column])]);
      };
      return fromIndex(to, (index) => {
        const column = index.at(-1) as number;
        const row = isVector ? 0 : (index.at(-2) as number);
        let sum = z === undefined ? 0 : (z.data[column] as number);
        for (let i = 0; i < k; i++) {
          const p = isVector ? (left.data[i] as number) : place(left, index, row, i, flipA);
          sum += p * place(right, index, i, column, flipB);
        }
        return activation ? Math.max(0, sum) : sum;
      });
    },
    accuracy: { length: Math.max(1, k), steps: bias ? 2 : 1 },
    cancels: termSize(k),
    gradient: !activation,
  };
}

function drawEinsum(random: Random): FuzzCase {
  const labels = ["a", "b", "c", "d", "e"].slice(0, random.integer(1, 5));
  const sizes = new Map(labels.map((label) => [label, length(random, 1, 9)]));
  const operands = Array.from({ length: random.integer(1, 3) }, () =>
    random
      .permutation(labels.length)
      .slice(0, random.integer(1, Math.min(4, labels.length)))
      .map((i) => labels[i] as string)
      .join(""),
  );
  const used = [...new Set(operands.join(""))];
  const output = random
    .permutation(used.length)
    .slice(0, random.integer(0, used.length))
    .map((i) => used[i] as string)
    .join("");
  const subscripts = `${operands.join(",")}->${output}`;
  const dtype = floatDType(random);
  const dims = operands.map((list) => [...list].map((label) => sizes.get(label) as number));
  const terms = count(used.filter((l) => !output.includes(l)).map((l) => sizes.get(l) as number));
  return {
    attributes: subscripts,
    inputs: dims.map((list) => inputOf(random, list, dtype)),
    run: (...x) => ops.einsum(subscripts, ...x),
    reference: (...x) => einsum(operands, output, x),
    accuracy: { length: terms, steps: operands.length },
    cancels: 2 ** operands.length * Math.sqrt(terms) * 2,
    gradient: true,
  };
}

interface Windows {
  readonly rank: number;
  readonly size: number[];
  readonly window: number[];
  readonly strides: number[];
  readonly dilation: number[];
  readonly padding: "same" | "valid";
  readonly low: number[];
  readonly out: number[];
  readonly format: "channels_last" | "channels_first";
}

function drawWindows(random: Random, dilates: boolean): Windows {
  const rank = pick(random, [1, 2, 2, 2, 3]);
  const most = [40, 14, 7][rank - 1] as number;
  const list = (fn: () => number): number[] => Array.from({ length: rank }, fn);
  const window = list(() => random.integer(1, rank === 1 ? 7 : 4));
  const isDilated = dilates && chance(random, 0.3);
  const strides = list(() => (isDilated ? 1 : pick(random, [1, 1, 2, 3])));
  const dilation = list(() => (isDilated ? random.integer(1, 3) : 1));
  const extents = window.map((w, i) => (w - 1) * (dilation[i] as number) + 1);
  const padding = pick(random, ["same", "valid"] as const);
  const size = extents.map((extent) =>
    Math.max(padding === "valid" ? extent : 1, random.integer(1, most)),
  );
  const out = size.map((n, i) => {
    const stride = strides[i] as number;
    return padding === "same"
      ? Math.ceil(n / stride)
      : Math.floor((n - (extents[i] as number)) / stride) + 1;
  });
  const low = out.map((n, i) => {
    const needed = (n - 1) * (strides[i] as number) + (extents[i] as number) - (size[i] as number);
    return padding === "same" ? Math.floor(Math.max(0, needed) / 2) : 0;
  });
  const format = chance(random, 0.25) ? "channels_first" : "channels_last";
  return { rank, size, window, strides, dilation, padding, low, out, format };
}

const ordered = (w: Windows, batch: number, space: Dims, channels: number): number[] =>
  w.format === "channels_last" ? [batch, ...space, channels] : [batch, channels, ...space];

/** A number for each window of each channel, from the places in x that it covers. */
function eachWindow(
  w: Windows,
  batch: number,
  channels: number,
  fn: (batch: number, channel: number, places: { place: number[]; tap: number[] }[]) => number,
): Nd {
  return fromIndex(ordered(w, batch, w.out, channels), (index) => {
    const [b, ...rest] = index as [number, ...number[]];
    const channel = (w.format === "channels_last" ? rest.at(-1) : rest[0]) as number;
    const space = w.format === "channels_last" ? rest.slice(0, -1) : rest.slice(1);
    const places: { place: number[]; tap: number[] }[] = [];
    fromIndex(w.window, (tap) => {
      const place = space.map(
        (o, i) =>
          o * (w.strides[i] as number) +
          (tap[i] as number) * (w.dilation[i] as number) -
          (w.low[i] as number),
      );
      const isInside = place.every((p, i) => p >= 0 && p < (w.size[i] as number));
      if (isInside) places.push({ place, tap: [...tap] });
      return 0;
    });
    return fn(b, channel, places);
  });
}

function drawConv(random: Random): FuzzCase {
  const w = drawWindows(random, true);
  const dtype = floatDType(random);
  const batch = pick(random, [0, 1, 1, 2, 3]);
  const groups = pick(random, [1, 1, 1, 2, 3, 8]);
  const perGroup = pick(random, groups === 1 ? [1, 2, 3, 4, 7, 16, 17] : [1, 1, 2, 3]);
  const filters = groups * pick(random, groups === 1 ? [1, 2, 5, 8, 16, 17] : [1, 2, 3]);
  const x = ordered(w, batch, w.size, groups * perGroup);
  const kernel = [...w.window, perGroup, filters];
  const options = {
    strides: w.strides,
    padding: w.padding,
    dilationRate: w.dilation,
    dataFormat: w.format,
  };
  const terms = count(w.window) * perGroup;
  return {
    attributes: { ...options, groups },
    inputs: [inputOf(random, x, dtype), inputOf(random, kernel, dtype)],
    run: (inputs, weights) => ops.conv(inputs as Tensor, weights as Tensor, options),
    reference: (inputs, weights) =>
      eachWindow(w, batch, filters, (b, filter, places) => {
        const first = Math.floor(filter / (filters / groups)) * perGroup;
        let sum = 0;
        for (const { place, tap } of places) {
          for (let c = 0; c < perGroup; c++) {
            sum +=
              get(inputs as Nd, ordered(w, b, place, first + c)) *
              get(weights as Nd, [...tap, c, filter]);
          }
        }
        return sum;
      }),
    // In the gradient of the kernel all places are added up.
    accuracy: { length: terms + batch * count(w.out) + filters * count(w.window), steps: 1 },
    cancels: termSize(terms + batch * count(w.out)),
    gradient: true,
  };
}

function drawPool(random: Random, kind: "max" | "average"): FuzzCase {
  const w = drawWindows(random, false);
  const dtype = floatDType(random);
  const batch = pick(random, [0, 1, 1, 2, 3]);
  const channels = pick(random, [1, 2, 3, 7, 8, 9, 16, 17, 33]);
  const options = { strides: w.strides, padding: w.padding, dataFormat: w.format };
  const pool = kind === "max" ? ops.maxPool : ops.averagePool;
  const terms = count(w.window);
  return {
    attributes: { ...options, poolSize: w.window },
    inputs: [inputOf(random, ordered(w, batch, w.size, channels), dtype)],
    run: (x) => pool(x as Tensor, w.window, options),
    reference: (x) =>
      eachWindow(w, batch, channels, (b, channel, places) => {
        const all = places.map(({ place }) => get(x as Nd, ordered(w, b, place, channel)));
        if (kind === "max") return all.reduce((p, q) => Math.max(p, q), Number.NEGATIVE_INFINITY);
        return all.reduce((p, q) => p + q, 0) / all.length;
      }),
    accuracy: { length: terms, steps: 1 },
    cancels: kind === "average" ? termSize(terms) : false,
    gradient: true,
  };
}

/** Products and windows. */
export const linearOps: readonly FuzzOp[] = [
  { name: "matmul", weight: 8, draw: drawMatmul },
  { name: "einsum", weight: 6, draw: drawEinsum },
  { name: "conv", weight: 8, draw: drawConv },
  { name: "maxPool", weight: 4, draw: (random) => drawPool(random, "max") },
  { name: "averagePool", weight: 4, draw: (random) => drawPool(random, "average") },
];
