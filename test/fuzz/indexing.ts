/**
 * Gathers, scatters, selections and conversions.
 *
 * @module
 */
import { ops } from "../../src/index.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { type DType, isFloat, isInteger, itemSize } from "../../src/util/dtypes.ts";
import { count, type Nd } from "../support/nd.ts";
import type { Random } from "../support/random.ts";
import type { FuzzCase, FuzzOp, Input } from "./case.ts";
import {
  anyDType,
  axis,
  broadcasting,
  chance,
  numberDType,
  pick,
  shape,
  someSpecial,
  values,
} from "./draw.ts";
import { fromIndex, get } from "./reference.ts";

type Dims = readonly number[];

function inputOf(random: Random, dims: Dims, dtype: DType): Input {
  return { shape: dims, dtype, values: values(random, dims, dtype, someSpecial(random)) };
}

/** Indices into an axis of length `dim`, some counted from the end. */
function indices(random: Random, dims: Dims, dim: number): Input {
  const dtype: DType = pick(random, ["int32", "int32", "int64"]);
  const least = chance(random, 0.5) ? 0 : -dim;
  const list = Array.from({ length: count(dims) }, () => random.integer(least, dim - 1));
  return { shape: dims, dtype, values: list };
}

const wrap = (n: number, dim: number): number => (n < 0 ? n + dim : n);

function take(random: Random): FuzzCase {
  const dims = shape(random, { rank: random.integer(1, 3), least: 1, elements: 1000 });
  const along = axis(random, dims.length);
  const normal = wrap(along, dims.length);
  const dim = dims[normal] as number;
  const at = shape(random, { rank: random.integer(0, 2), elements: 40 });
  const to = [...dims.slice(0, normal), ...at, ...dims.slice(normal + 1)];
  return {
    attributes: { axis: along },
    inputs: [inputOf(random, dims, anyDType(random)), indices(random, at, dim)],
    run: (x, i) => ops.take(x as Tensor, i as Tensor, { axis: along }),
    reference: (x, i) =>
      fromIndex(to, (index) => {
        const place = get(i as Nd, index.slice(normal, normal + at.length));
        return get(x as Nd, [
          ...index.slice(0, normal),
          wrap(place, dim),
          ...index.slice(normal + at.length),
        ]);
      }),
    accuracy: { length: 1 + count(at), steps: 1 },
    cancels: false,
    gradient: true,
  };
}

function takeAlongAxis(random: Random): FuzzCase {
  const dims = shape(random, { rank: random.integer(1, 3), least: 1, elements: 1000 });
  const along = axis(random, dims.length);
  const normal = wrap(along, dims.length);
  const dim = dims[normal] as number;
  const to = dims.map((n, i) => (i === normal ? random.integer(0, 9) : n));
  return {
    attributes: { axis: along },
    inputs: [inputOf(random, dims, anyDType(random)), indices(random, to, dim)],
    run: (x, i) => ops.takeAlongAxis(x as Tensor, i as Tensor, { axis: along }),
    reference: (x, i) =>
      fromIndex(to, (index) => {
        const place = wrap(get(i as Nd, index), dim);
        return get(
          x as Nd,
          index.map((n, a) => (a === normal ? place : n)),
        );
      }),
    accuracy: { length: 10, steps: 1 },
    cancels: false,
    gradient: true,
  };
}

/** Rows added up where they fall on one another. */
function scatter(random: Random): FuzzCase {
  const dims = shape(random, { rank: random.integer(1, 3), least: 1, elements: 600 });
  const known = random.integer(1, dims.length);
  const number = random.integer(0, 20);
  const dtype = numberDType(random);
  const places = Array.from({ length: number }, () =>
    dims.slice(0, known).map((dim) => random.integer(0, dim - 1)),
  ).flat();
  const update = [number, ...dims.slice(known)];
  return {
    attributes: { shape: dims },
    inputs: [
      { shape: [number, known], dtype: "int32", values: places },
      { shape: update, dtype, values: values(random, update, dtype) },
    ],
    run: (i, v) => ops.scatter(i as Tensor, v as Tensor, dims),
    reference: (i, v) => {
      const inner = count(dims.slice(known));
      const data = new Float64Array(count(dims));
      for (let k = 0; k < number; k++) {
        let row = 0;
        for (let a = 0; a < known; a++) {
          row = row * (dims[a] as number) + ((i as Nd).data[k * known + a] as number);
        }
        for (let j = 0; j < inner; j++) {
          const place = row * inner + j;
          data[place] = (data[place] as number) + ((v as Nd).data[k * inner + j] as number);
        }
      }
      return { shape: dims, data };
    },
    // Half types are rounded at each addition.
    accuracy: { length: 20, steps: isFloat(dtype) ? 20 : 1 },
    cancels: 2 * Math.sqrt(number + 1),
    gradient: true,
  };
}

function where(random: Random): FuzzCase {
  const whole = shape(random);
  const dtype = anyDType(random);
  const dims = [0, 1, 2].map(() => broadcasting(random, whole));
  // One of them has the whole shape.
  dims[random.integer(0, 2)] = whole;
  const [a, b, c] = dims as [number[], number[], number[]];
  const source = (x: Nd, index: Dims): number =>
    get(
      x,
      x.shape.map((dim, i) =>
        dim === 1 ? 0 : (index[i + index.length - x.shape.length] as number),
      ),
    );
  return {
    attributes: null,
    inputs: [inputOf(random, a, "bool"), inputOf(random, b, dtype), inputOf(random, c, dtype)],
    run: (p, x, y) => ops.where(p as Tensor, x as Tensor, y as Tensor),
    reference: (p, x, y) =>
      fromIndex(whole, (index) =>
        source(source(p as Nd, index) !== 0 ? (x as Nd) : (y as Nd), index),
      ),
    accuracy: { length: 3000, steps: 1 },
    cancels: false,
    gradient: true,
  };
}

/** Floats out of range saturate, NaN becomes 0, integers wrap. */
function cast(random: Random): FuzzCase {
  const dims = shape(random);
  const from = anyDType(random);
  const to = anyDType(random);
  const wide = isFloat(from) ? [1e3, -1e3, 3e4, 130.75, -129.5, 255.5] : [127, 100];
  const input = inputOf(random, dims, from);
  const list = input.values.map((x) => (chance(random, 0.3) ? pick(random, wide) : x));
  const bits = itemSize(to) * 8;
  const [low, high] = to.startsWith("uint")
    ? [0, 2 ** bits - 1]
    : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  return {
    attributes: { to },
    inputs: [{ ...input, values: from === "bool" ? input.values : list }],
    run: (x) => ops.cast(x as Tensor, to),
    reference: (x) => ({
      shape: dims,
      data: (x as Nd).data.map((value) => {
        if (to === "bool") return Number(value !== 0);
        if (!isInteger(to) || !isFloat(from)) return value;
        if (Number.isNaN(value)) return 0;
        return Math.min(high, Math.max(low, Math.trunc(value)));
      }),
    }),
    cancels: false,
  };
}

function triangle(random: Random): FuzzCase {
  const dims = shape(random, { rank: random.integer(2, 4) });
  const k = random.integer(-5, 5);
  const lower = chance(random, 0.5);
  const dtype = anyDType(random);
  return {
    attributes: { k, lower },
    inputs: [inputOf(random, dims, dtype)],
    run: (x) => (lower ? ops.tril : ops.triu)(x as Tensor, { k }),
    reference: (x) =>
      fromIndex(dims, (index) => {
        const off = (index.at(-1) as number) - (index.at(-2) as number);
        return (lower ? off <= k : off >= k) ? get(x as Nd, index) : 0;
      }),
    cancels: false,
    gradient: true,
  };
}

/** Ops with indices, and conversions. */
export const indexingOps: readonly FuzzOp[] = Object.entries({
  take,
  takeAlongAxis,
  scatter,
  where,
  cast,
  triangle,
}).map(([name, draw]) => ({ name, weight: 4, draw }));
