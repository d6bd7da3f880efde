/**
 * Sampling of images between their pixels.
 *
 * @module
 */
import { apply } from "../../tensor/apply.ts";
import { castTo } from "../../tensor/cast.ts";
import { scalar } from "../../tensor/create.ts";
import { defineOp, type OpDefinition } from "../../tensor/define-op.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type Shape, sizeOf } from "../../util/shapes.ts";
import {
  absolute,
  add,
  clip,
  floor,
  floorDivide,
  mod,
  multiply,
  negative,
  subtract,
  trunc,
} from "../arithmetic.ts";
import { broadcastOver, reshapeTo, sumOver } from "../broadcasting.ts";
import { greaterEqual, less, logicalAnd, select } from "../comparison.ts";
import { zerosLike } from "../creation.ts";
import { takeAlong } from "../indexing.ts";
import { concatenateAlong, sliceAxis } from "../shaping.ts";

/** What lies outside of an image; native/cpu/portable/sample.cc has the same order. */
export const fillModes = ["constant", "nearest", "wrap", "mirror", "reflect"] as const;

/** See `fillModes`. */
export type FillMode = (typeof fillModes)[number];

/** How a point between pixels is computed. */
export interface Sampling {
  /** 0: the nearest pixel; 1: those around it. */
  readonly order: number;
  readonly mode: FillMode;
  /** With mode `"constant"`. */
  readonly value: number;
  readonly [name: string]: number | string;
}

interface ImageAttributes {
  readonly order: number;
  readonly mode: FillMode;
  readonly value: number;
  readonly shape: Shape;
  readonly [name: string]: number | string | Shape;
}

const schema = { order: "int", mode: fillModes, value: "float" } as const;

/** Along one axis: for each tap its pixel [batch, points], where that is within, and its weight. */
interface Tap {
  readonly index: Tensor;
  readonly inside: Tensor | null;
  readonly weight: Tensor;
}

/** The triangular wave 0, 1, .., size - 1, .., 1, 0, .. */
function mirrorIndex(index: Tensor, size: number): Tensor {
  const half = size - 1;
  const number = (n: number): Tensor => scalar(n, "int32");
  if (half === 0) return multiply(index, number(0));
  return absolute(subtract(mod(add(index, number(half)), number(2 * half)), number(half)));
}

function pixelAt(index: Tensor, size: number, mode: FillMode): Omit<Tap, "weight"> {
  const number = (n: number): Tensor => scalar(n, "int32");
  switch (mode) {
    case "constant":
      return {
        index: clip(index, 0, size - 1),
        inside: logicalAnd(greaterEqual(index, number(0)), less(index, number(size))),
      };
    case "nearest":
      return { index: clip(index, 0, size - 1), inside: null };
    case "wrap":
      return { index: mod(index, number(size)), inside: null };
    case "mirror":
      return { index: mirrorIndex(index, size), inside: null };
    case "reflect": {
      const odd = add(multiply(index, number(2)), number(1));
      const wave = mirrorIndex(odd, 2 * size + 1);
      return { index: floorDivide(subtract(wave, number(1)), number(2)), inside: null };
    }
  }
}

/** Far beyond any image, and within int32 after doubling. */
const farAway = 2 ** 29;

function toIndex(x: Tensor): Tensor {
  return castTo(clip(x, -farAway, farAway), "int32");
}

/** To the nearest integer, halves away from zero. */
function roundAway(c: Tensor): Tensor {
  const half = scalar(0.5, c.dtype);
  return trunc(select(less(c, scalar(0, c.dtype)), subtract(c, half), add(c, half)));
}

function tapsOf(coordinates: Tensor, size: readonly number[], sampling: Sampling): Tap[][] {
  const [batch, , points] = coordinates.shape as readonly [number, number, number];
  return size.map((length, axis) => {
    const c = reshapeTo(sliceAxis(coordinates, 1, axis, axis + 1), [batch, points]);
    const one = scalar(1, c.dtype);
    if (sampling.order === 0) {
      const at = pixelAt(toIndex(roundAway(c)), length, sampling.mode);
      return [{ ...at, weight: broadcastOver(one, c.shape) }];
    }
    const lower = floor(c);
    const upper = subtract(c, lower);
    const index = toIndex(lower);
    return [
      { ...pixelAt(index, length, sampling.mode), weight: subtract(one, upper) },
      { ...pixelAt(add(index, scalar(1, "int32")), length, sampling.mode), weight: upper },
    ];
  });
}

/** All ways to take one tap of each axis: the place of each tap among those of its axis. */
function cornersOf(taps: readonly (readonly Tap[])[]): number[][] {
  return taps.reduce<number[][]>(
    (corners, { length }) =>
      corners.flatMap((corner) => Array.from({ length }, (_, k) => [...corner, k])),
    [[]],
  );
}

function productOf(factors: readonly Tensor[], like: Tensor): Tensor {
  const [first, ...rest] = factors;
  if (first === undefined) return broadcastOver(scalar(1, like.dtype), like.shape);
  return rest.reduce((product, factor) => multiply(product, factor), first);
}

/** The pixels of a corner: [batch, points, channels]. */
function gather(x: Tensor, corner: readonly Tap[], value: number): Tensor {
  const [batch, ...rest] = x.shape as readonly [number, ...number[]];
  const channels = rest.at(-1) as number;
  const size = rest.slice(0, -1);
  let flat: Tensor | null = null;
  let inside: Tensor | null = null;
  for (const [i, tap] of corner.entries()) {
    const length = scalar(size[i] as number, "int32");
    flat = flat === null ? tap.index : add(multiply(flat, length), tap.index);
    if (tap.inside !== null) inside = inside === null ? tap.inside : logicalAnd(inside, tap.inside);
  }
  const at = flat as Tensor;
  const points = at.shape[1] as number;
  const shape = [batch, points, channels];
  const spread = (t: Tensor): Tensor => broadcastOver(reshapeTo(t, [batch, points, 1]), shape);
  const pixels = takeAlong(reshapeTo(x, [batch, sizeOf(size), channels]), spread(at), 1);
  return inside === null ? pixels : select(spread(inside), pixels, scalar(value, x.dtype));
}

function sampleByOps(x: Tensor, coordinates: Tensor, sampling: Sampling): Tensor {
  const taps = tapsOf(coordinates, x.shape.slice(1, -1), sampling);
  const parts = cornersOf(taps).map((corner) => {
    const chosen = corner.map((k, axis) => taps[axis]?.[k] as Tap);
    const [first] = chosen as [Tap];
    const weight = productOf(
      chosen.map((tap) => tap.weight),
      first.weight,
    );
    const pixels = gather(x, chosen, sampling.value);
    return multiply(reshapeTo(weight, [...weight.shape, 1]), pixels);
  });
  return parts.reduce((sum, part) => add(sum, part));
}

// x [B, S1..Sr, C], coordinates [B, r, P] -> [B, P, C]
const sampleOp: OpDefinition<Sampling> = defineOp<Sampling>({
  name: "sample",
  attributes: schema,
  infer: ([x, coordinates]) => {
    const { shape, dtype } = x as Tensor;
    const points = (coordinates as Tensor).shape[2] as number;
    return { shape: [shape[0] as number, points, shape.at(-1) as number], dtype };
  },
  vjp: ({ inputs: [x, coordinates], grads: [dy], needs }, sampling) => [
    needs(0)
      ? apply(imageBackwardOp, [dy as Tensor, coordinates as Tensor], {
          ...sampling,
          shape: (x as Tensor).shape,
        })
      : null,
    needs(1)
      ? apply(coordinatesBackwardOp, [x as Tensor, coordinates as Tensor, dy as Tensor], sampling)
      : null,
  ],
  decompose: ([x, coordinates], sampling) =>
    sampleByOps(x as Tensor, coordinates as Tensor, sampling),
});

/** The constant has no part in the gradients. */
function withoutValue({ order, mode }: ImageAttributes): Sampling {
  return { order, mode, value: 0 };
}

// The transpose of sampling: <dx(dy), d> = <dy, sample(d)>.
const imageBackwardOp: OpDefinition<ImageAttributes> = defineOp<ImageAttributes>({
  name: "sample_image_backward",
  attributes: { ...schema, shape: "ints" },
  infer: ([dy], { shape }) => ({ shape, dtype: (dy as Tensor).dtype }),
  vjp: ({ inputs: [dy, coordinates], grads: [d], needs }, attributes) => {
    const sampling = withoutValue(attributes);
    return [
      needs(0) ? apply(sampleOp, [d as Tensor, coordinates as Tensor], sampling) : null,
      needs(1)
        ? apply(coordinatesBackwardOp, [d as Tensor, coordinates as Tensor, dy as Tensor], sampling)
        : null,
    ];
  },
});

const coordinatesBackwardOp: OpDefinition<Sampling> = defineOp<Sampling>({
  name: "sample_coordinates_backward",
  attributes: schema,
  infer: ([, coordinates]) => coordinates as Tensor,
  vjp: "decompose",
  decompose: ([x, coordinates, dy], sampling) => {
    const c = coordinates as Tensor;
    if (sampling.order === 0) return zerosLike(c);
    const taps = tapsOf(c, (x as Tensor).shape.slice(1, -1), sampling);
    const corners = cornersOf(taps).map((corner) => {
      const chosen = corner.map((k, axis) => taps[axis]?.[k] as Tap);
      const pixels = gather(x as Tensor, chosen, sampling.value);
      return { corner, chosen, dot: sumOver(multiply(pixels, dy as Tensor), [2]) };
    });
    // Along an axis the weights are 1 - t and t: their derivatives are -1 and 1.
    const along = taps.map((_, axis) => {
      const terms = corners.map(({ corner, chosen, dot }) => {
        const others = chosen.filter((_tap, i) => i !== axis).map((tap) => tap.weight);
        const term = multiply(productOf(others, dot), dot);
        return corner[axis] === 1 ? term : negative(term);
      });
      const total = terms.reduce((sum, term) => add(sum, term));
      return reshapeTo(total, [total.shape[0] as number, 1, total.shape[1] as number]);
    });
    return concatenateAlong(along, 1);
  },
});

/**
 * The image at points between its pixels.
 *
 * @param x [batch, spatial…, channels], float32 or float64.
 * @param coordinates [batch, spatial axes, points], of the same dtype, in pixels.
 * @returns [batch, points, channels].
 */
export function sample(x: Tensor, coordinates: Tensor, sampling: Sampling): Tensor {
  return apply(sampleOp, [x, coordinates], sampling);
}
