/**
 * Reductions, scans and sorts over random axes.
 *
 * @module
 */
import { ops } from "../../src/index.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { type DType, isFloat } from "../../src/util/dtypes.ts";
import { count } from "../support/nd.ts";
import type { Random } from "../support/random.ts";
import type { FuzzCase, FuzzOp } from "./case.ts";
import {
  anyDType,
  axes,
  axis,
  chance,
  floatDType,
  numberDType,
  pick,
  shape,
  someSpecial,
  values,
} from "./draw.ts";
import { mapRows, reduceOver } from "./reference.ts";

type Row = readonly number[];
interface Options {
  axis?: number | number[] | null;
  keepdims?: boolean;
}

const total = (row: Row): number => row.reduce((a, b) => a + b, 0);
const mean = (row: Row): number => total(row) / row.length;
const variance = (row: Row): number => {
  const middle = mean(row);
  return mean(row.map((x) => (x - middle) ** 2));
};
const logSumExp = (row: Row): number => {
  const top = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (!Number.isFinite(top)) return top;
  return top + Math.log(total(row.map((x) => Math.exp(x - top))));
};
/** The first largest; NaN wins. */
const argOf = (row: Row, isBetter: (a: number, b: number) => boolean): number => {
  let best = 0;
  for (let i = 1; i < row.length; i++) {
    const [x, y] = [row[i] as number, row[best] as number];
    if (Number.isNaN(y)) break;
    if (Number.isNaN(x) || isBetter(x, y)) best = i;
  }
  return best;
};

interface Reduction {
  readonly run: (x: Tensor, options: Options) => Tensor;
  readonly fn: (row: Row) => number;
  readonly dtype?: (random: Random) => DType;
  /** Takes no empty axes. */
  readonly least?: number;
  readonly special?: boolean;
  readonly steps?: number;
  readonly oneAxis?: boolean;
  readonly noKeepdims?: boolean;
  readonly gradient?: boolean;
}

const reductions: Readonly<Record<string, Reduction>> = {
  sum: { run: ops.sum, fn: total, dtype: numberDType, gradient: true },
  mean: { run: ops.mean, fn: mean, least: 1, steps: 2, gradient: true },
  variance: { run: ops.variance, fn: variance, least: 1, steps: 6, gradient: true },
  std: { run: ops.std, fn: (row) => Math.sqrt(variance(row)), least: 2, steps: 8 },
  max: { run: ops.max, fn: (r) => r.reduce((a, b) => Math.max(a, b)), least: 1, special: true },
  min: { run: ops.min, fn: (r) => r.reduce((a, b) => Math.min(a, b)), least: 1, special: true },
  argmax: {
    run: (x, o) => ops.argmax(x, o as { axis: number }),
    fn: (row) => argOf(row, (a, b) => a > b),
    least: 1,
    special: true,
    oneAxis: true,
  },
  argmin: {
    run: (x, o) => ops.argmin(x, o as { axis: number }),
    fn: (row) => argOf(row, (a, b) => a < b),
    least: 1,
    special: true,
    oneAxis: true,
  },
  any: {
    run: ops.any,
    fn: (row) => Number(row.some((x) => x !== 0)),
    dtype: anyDType,
    special: true,
  },
  all: {
    run: ops.all,
    fn: (row) => Number(row.every((x) => x !== 0)),
    dtype: anyDType,
    special: true,
  },
  countNonzero: {
    run: (x, { axis }) => ops.countNonzero(x, { axis: axis ?? null }),
    fn: (row) => row.filter((x) => x !== 0).length,
    dtype: anyDType,
    noKeepdims: true,
    special: true,
  },
  logsumexp: { run: ops.logsumexp, fn: logSumExp, least: 1, steps: 3, gradient: true },
  ptp: {
    run: ops.ptp,
    fn: (row) => row.reduce((a, b) => Math.max(a, b)) - row.reduce((a, b) => Math.min(a, b)),
    least: 1,
  },
  nansum: { run: ops.nansum, fn: (row) => total(row.filter((x) => !Number.isNaN(x))) },
};

function drawReduction(random: Random, reduction: Reduction): FuzzCase {
  const { run, fn, least = 0, steps = 1, oneAxis = false, noKeepdims = false } = reduction;
  const dims = shape(random, { least });
  const dtype = (reduction.dtype ?? floatDType)(random);
  const all = chance(random, 0.2) || dims.length === 0;
  const over = oneAxis ? [axis(random, Math.max(1, dims.length))] : axes(random, dims.length, 1);
  const keepdims = !noKeepdims && chance(random, 0.5);
  const given = all ? null : over.length === 1 ? (over[0] as number) : over;
  const options: Options = { axis: given, ...(noKeepdims ? {} : { keepdims }) };
  const normal = all ? dims.map((_, i) => i) : over.map((a) => (a < 0 ? a + dims.length : a));
  const terms = Math.max(1, count(normal.map((a) => dims[a] as number)));
  const special = reduction.special === true ? someSpecial(random) : 0;
  return {
    attributes: { ...options, special },
    inputs: [{ shape: dims, dtype, values: values(random, dims, dtype, special) }],
    run: (x) => run(x as Tensor, options),
    reference: (x) => reduceOver(x as never, normal, keepdims, fn),
    accuracy: { length: terms, steps },
    // Terms of size 2, of which a random walk is summed up.
    cancels: special > 0 ? false : 2 * Math.sqrt(terms),
    gradient: reduction.gradient === true,
  };
}

const order = (a: number, b: number): number => {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a - b;
};

interface Scan {
  readonly run: (x: Tensor, axis: number) => Tensor | readonly Tensor[];
  readonly fn: (row: Row) => Row;
  readonly special?: boolean;
  readonly dtype?: (random: Random) => DType;
  readonly steps?: number;
  readonly gradient?: boolean;
}

const softmaxRow = (row: Row): number[] => {
  const top = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const e = row.map((x) => Math.exp(x - top));
  const sum = total(e);
  return e.map((x) => x / sum);
};

const scans: Readonly<Record<string, Scan>> = {
  cumsum: {
    run: (x, along) => ops.cumsum(x, { axis: along }),
    fn: (row) => {
      let sum = 0;
      return row.map((x) => (sum += x));
    },
    dtype: numberDType,
    gradient: true,
  },
  sort: {
    run: (x, along) => ops.sort(x, { axis: along }),
    fn: (row) => [...row].sort(order),
    dtype: anyDType,
    special: true,
  },
  argsort: {
    run: (x, along) => ops.argsort(x, { axis: along }),
    fn: (row) => row.map((_, i) => i).sort((i, j) => order(row[i] as number, row[j] as number)),
    dtype: anyDType,
    special: true,
  },
  softmax: {
    run: (x, along) => ops.softmax(x, { axis: along }),
    fn: softmaxRow,
    steps: 2,
    gradient: true,
  },
  logSoftmax: {
    run: (x, along) => ops.logSoftmax(x, { axis: along }),
    fn: (row) => {
      const lse = logSumExp(row);
      return row.map((x) => x - lse);
    },
    steps: 2,
    gradient: true,
  },
  flip: {
    run: (x, along) => ops.flip(x, { axis: along }),
    fn: (row) => [...row].reverse(),
    special: true,
    dtype: anyDType,
  },
  diff: {
    run: (x, along) => ops.diff(x, { axis: along }),
    fn: (row) => row.slice(1).map((x, i) => x - (row[i] as number)),
    gradient: true,
  },
};

function drawScan(random: Random, scan: Scan): FuzzCase {
  const dims = shape(random, {
    rank: random.integer(1, 4),
    least: scan.fn([1, 2]).length === 2 ? 0 : 1,
  });
  const dtype = (scan.dtype ?? floatDType)(random);
  const along = axis(random, dims.length);
  const normal = along < 0 ? along + dims.length : along;
  const terms = Math.max(1, dims[normal] as number);
  const special = scan.special === true ? someSpecial(random) : 0;
  const made = scan.fn(new Array<number>(dims[normal] as number).fill(0)).length;
  return {
    attributes: { axis: along, special },
    inputs: [{ shape: dims, dtype, values: values(random, dims, dtype, special) }],
    run: (x) => scan.run(x as Tensor, along),
    reference: (x) => mapRows(x as never, normal, made, scan.fn),
    accuracy: { length: terms, steps: scan.steps ?? 1 },
    cancels: special > 0 ? false : isFloat(dtype) ? 2 * Math.sqrt(terms) : false,
    gradient: scan.gradient === true,
  };
}

function drawTopK(random: Random): FuzzCase {
  const dims = shape(random, { rank: random.integer(1, 3), least: 1 });
  const dtype = anyDType(random);
  const size = dims.at(-1) as number;
  const k = pick(random, [0, 1, Math.ceil(size / 2), size]);
  const special = someSpecial(random);
  // Descending, NaN first, equal ones by their index.
  const ranked = (row: Row): number[] =>
    row.map((_, i) => i).sort((i, j) => order(row[j] as number, row[i] as number) || i - j);
  const last = dims.length - 1;
  return {
    attributes: { k, special },
    inputs: [{ shape: dims, dtype, values: values(random, dims, dtype, special) }],
    run: (x) => ops.topK(x as Tensor, k),
    reference: (x) => [
      mapRows(x as never, last, k, (row) =>
        ranked(row)
          .slice(0, k)
          .map((i) => row[i] as number),
      ),
      mapRows(x as never, last, k, (row) => ranked(row).slice(0, k)),
    ],
    cancels: false,
  };
}

/** Ops along axes. */
export const reductionOps: readonly FuzzOp[] = [
  ...Object.entries(reductions).map(([name, reduction]) => ({
    name,
    weight: 2,
    draw: (random: Random) => drawReduction(random, reduction),
  })),
  ...Object.entries(scans).map(([name, scan]) => ({
    name,
    weight: 2,
    draw: (random: Random) => drawScan(random, scan),
  })),
  { name: "topK", weight: 2, draw: drawTopK },
];
