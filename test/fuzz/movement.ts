/**
 * Ops that move elements, against index arithmetic: equal to the last bit.
 *
 * @module
 */
import { ops } from "../../src/index.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import type { Nd } from "../support/nd.ts";
import type { Random } from "../support/random.ts";
import type { FuzzCase, FuzzOp, Input } from "./case.ts";
import { anyDType, axis, broadcasting, chance, pick, shape, someSpecial, values } from "./draw.ts";
import { fromIndex, get } from "./reference.ts";

type Dims = readonly number[];

function inputOf(random: Random, dims: Dims, dtype = anyDType(random)): Input {
  return { shape: dims, dtype, values: values(random, dims, dtype, someSpecial(random)) };
}

/** A case of one input whose result picks elements; `from` null: `otherwise`. */
function picking(
  input: Input,
  attributes: unknown,
  run: (x: Tensor) => Tensor,
  to: Dims,
  from: (index: Dims) => Dims | null,
  otherwise = 0,
): FuzzCase {
  return {
    attributes,
    inputs: [input],
    run: (x) => run(x as Tensor),
    reference: (x) =>
      fromIndex(to, (index) => {
        const source = from(index);
        return source === null ? otherwise : get(x as Nd, source);
      }),
    cancels: false,
    gradient: true,
  };
}

function transpose(random: Random): FuzzCase {
  const input = inputOf(random, shape(random));
  const order = random.permutation(input.shape.length);
  return picking(
    input,
    { axes: order },
    (x) => ops.transpose(x, { axes: order }),
    order.map((a) => input.shape[a] as number),
    (index) => {
      const source = new Array<number>(index.length);
      for (const [i, a] of order.entries()) source[a] = index[i] as number;
      return source;
    },
  );
}

function broadcastTo(random: Random): FuzzCase {
  const whole = shape(random);
  const input = inputOf(random, broadcasting(random, whole));
  const lead = whole.length - input.shape.length;
  return picking(
    input,
    { shape: whole },
    (x) => ops.broadcastTo(x, whole),
    whole,
    (index) => input.shape.map((dim, i) => (dim === 1 ? 0 : (index[i + lead] as number))),
  );
}

/** Python's slices, with steps of both signs. */
function getItem(random: Random): FuzzCase {
  const input = inputOf(random, shape(random, { rank: random.integer(1, 4) }));
  const ranges = input.shape.map((dim) => {
    const step = pick(random, [1, 1, 1, 2, 3, 7, -1, -2, -5]);
    const end = (): number => random.integer(-dim - 2, dim + 2);
    const start = chance(random, 0.3) ? null : end();
    const stop = chance(random, 0.3) ? null : end();
    return { start, stop, step };
  });
  const places = ranges.map(({ start, stop, step }, i) => {
    const dim = input.shape[i] as number;
    const [low, high] = step > 0 ? [0, dim] : [-1, dim - 1];
    const clamp = (n: number): number => Math.min(high, Math.max(low, n < 0 ? n + dim : n));
    const first = start === null ? (step > 0 ? 0 : dim - 1) : clamp(start);
    const last = stop === null ? (step > 0 ? dim : -1) : clamp(stop);
    const list: number[] = [];
    for (let n = first; step > 0 ? n < last : n > last; n += step) list.push(n);
    return list;
  });
  return picking(
    input,
    ranges,
    (x) => ops.getItem(x, ranges),
    places.map((list) => list.length),
    (index) => index.map((n, i) => places[i]?.[n] as number),
  );
}

const modes = ["constant", "reflect", "symmetric", "edge", "wrap"] as const;

function pad(random: Random): FuzzCase {
  const mode = pick(random, modes);
  const least = mode === "constant" ? 0 : 1;
  const input = inputOf(
    random,
    shape(random, { rank: random.integer(1, 4), least, elements: 500 }),
  );
  const widths = input.shape.map((dim) => {
    const most = mode === "reflect" ? dim - 1 : mode === "symmetric" ? dim : 9;
    const width = (): number => Math.min(most, pick(random, [0, 0, 1, 2, 3, 8]));
    return [width(), width()];
  });
  const value = mode === "constant" && chance(random, 0.5) ? 1 : undefined;
  return picking(
    input,
    { widths, mode, value },
    (x) => ops.pad(x, widths, { mode, constantValues: value }),
    input.shape.map((dim, i) => dim + (widths[i]?.[0] as number) + (widths[i]?.[1] as number)),
    (index) => {
      const source = index.map((n, i) => {
        const dim = input.shape[i] as number;
        const place = n - (widths[i]?.[0] as number);
        if (place >= 0 && place < dim) return place;
        if (mode === "constant") return -1;
        if (mode === "edge") return place < 0 ? 0 : dim - 1;
        if (mode === "wrap") return ((place % dim) + dim) % dim;
        const skip = mode === "reflect" ? 0 : 1;
        return place < 0 ? -place - skip : 2 * dim - 2 - place + skip;
      });
      return source.includes(-1) ? null : source;
    },
    value ?? 0,
  );
}

function roll(random: Random): FuzzCase {
  const input = inputOf(random, shape(random, { rank: random.integer(1, 4) }));
  const along = axis(random, input.shape.length);
  const normal = along < 0 ? along + input.shape.length : along;
  const dim = input.shape[normal] as number;
  const shift = random.integer(-2 * dim - 1, 2 * dim + 1);
  return picking(
    input,
    { shift, axis: along },
    (x) => ops.roll(x, shift, { axis: along }),
    input.shape,
    (index) => index.map((n, i) => (i === normal ? (((n - shift) % dim) + dim) % dim : n)),
  );
}

function tile(random: Random): FuzzCase {
  const input = inputOf(random, shape(random, { elements: 300 }));
  const rank = input.shape.length;
  const times = Array.from({ length: random.integer(1, rank + 1) }, () =>
    pick(random, [0, 1, 1, 2, 3]),
  );
  const full = Math.max(rank, times.length);
  const wide = [...new Array<number>(full - rank).fill(1), ...input.shape];
  const all = [...new Array<number>(full - times.length).fill(1), ...times];
  return picking(
    input,
    { repeats: times },
    (x) => ops.tile(x, times),
    wide.map((dim, i) => dim * (all[i] as number)),
    (index) => index.map((n, i) => n % (wide[i] as number)).slice(full - rank),
  );
}

function repeat(random: Random): FuzzCase {
  const input = inputOf(random, shape(random, { rank: random.integer(1, 4), elements: 300 }));
  const along = axis(random, input.shape.length);
  const normal = along < 0 ? along + input.shape.length : along;
  const dim = input.shape[normal] as number;
  const counts = chance(random, 0.5)
    ? random.integer(0, 3)
    : Array.from({ length: dim }, () => random.integer(0, 3));
  const isList = typeof counts !== "number" && counts.length > 1;
  const each = typeof counts === "number" ? counts : (counts[0] ?? 1);
  const given = isList ? counts : each;
  const places = Array.from({ length: dim }, (_, i) => i).flatMap((i) =>
    new Array<number>(isList ? (counts[i] as number) : each).fill(i),
  );
  return picking(
    input,
    { repeats: given, axis: along },
    (x) => ops.repeat(x, given, { axis: along }),
    input.shape.map((n, i) => (i === normal ? places.length : n)),
    (index) => index.map((n, i) => (i === normal ? (places[n] as number) : n)),
  );
}

function concatenate(random: Random): FuzzCase {
  const dims = shape(random, { rank: random.integer(1, 4) });
  const dtype = anyDType(random);
  const along = axis(random, dims.length);
  const normal = along < 0 ? along + dims.length : along;
  const inputs = Array.from({ length: random.integer(1, 5) }, () => {
    const own = dims.map((dim, i) => (i === normal ? random.integer(0, dim) : dim));
    return inputOf(random, own, dtype);
  });
  const edges = [0];
  for (const { shape } of inputs) {
    edges.push((edges.at(-1) as number) + (shape[normal] as number));
  }
  return {
    attributes: { axis: along },
    inputs,
    run: (...x) => ops.concatenate(x, { axis: along }),
    reference: (...x) =>
      fromIndex(
        dims.map((dim, i) => (i === normal ? (edges.at(-1) as number) : dim)),
        (index) => {
          const place = index[normal] as number;
          const part = edges.findIndex((edge) => edge > place) - 1;
          const start = edges[part] as number;
          return get(
            x[part] as Nd,
            index.map((n, i) => (i === normal ? n - start : n)),
          );
        },
      ),
    cancels: false,
    gradient: true,
  };
}

function split(random: Random): FuzzCase {
  const input = inputOf(random, shape(random, { rank: random.integer(1, 4) }));
  const along = axis(random, input.shape.length);
  const normal = along < 0 ? along + input.shape.length : along;
  const dim = input.shape[normal] as number;
  const cuts = Array.from({ length: random.integer(1, 3) }, () => random.integer(0, dim)).sort(
    (a, b) => a - b,
  );
  const edges = [0, ...cuts, dim];
  return {
    attributes: { indices: cuts, axis: along },
    inputs: [input],
    run: (x) => ops.split(x as Tensor, cuts, { axis: along }),
    reference: (x) =>
      edges.slice(1).map((end, k) => {
        const start = edges[k] as number;
        return fromIndex(
          input.shape.map((n, i) => (i === normal ? end - start : n)),
          (index) =>
            get(
              x as Nd,
              index.map((n, i) => (i === normal ? n + start : n)),
            ),
        );
      }),
    cancels: false,
    gradient: true,
  };
}

function reshape(random: Random): FuzzCase {
  const input = inputOf(random, shape(random));
  const to: number[] = [];
  let left = input.values.length;
  while (left > 1 && to.length < 5) {
    const divisors = [2, 3, 5, 7, 8, 16, 33].filter((n) => left % n === 0);
    const dim = divisors.length === 0 || chance(random, 0.2) ? left : pick(random, divisors);
    to.push(dim);
    left /= dim;
  }
  if (left > 1 || input.values.length === 0) to.push(left);
  if (chance(random, 0.3)) to.splice(random.integer(0, to.length), 0, 1);
  const hidden = input.values.length > 0 && to.length > 0 && chance(random, 0.5);
  const free = hidden ? random.integer(0, to.length - 1) : -1;
  const given = to.map((dim, i) => (i === free ? -1 : dim));
  return {
    attributes: { newshape: given },
    inputs: [input],
    run: (x) => ops.reshape(x as Tensor, given),
    reference: (x) => ({ shape: to, data: (x as Nd).data }),
    cancels: false,
    gradient: true,
  };
}

/** Ops that move elements. */
export const movementOps: readonly FuzzOp[] = Object.entries({
  transpose,
  broadcastTo,
  getItem,
  pad,
  roll,
  tile,
  repeat,
  concatenate,
  split,
  reshape,
}).map(([name, draw]) => ({ name, weight: 3, draw }));
