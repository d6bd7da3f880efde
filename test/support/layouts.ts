/**
 * Where the inputs of an op come from.
 *
 * @module
 */
import { split, transpose } from "../../src/ops/index.ts";
import { tensor } from "../../src/tensor/create.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { type DType, isFloat, isWide } from "../../src/util/dtypes.ts";
import { build, count, type Nd } from "./nd.ts";

/** As it was made; the result of a transpose; the result of a slice. */
export type Layout = "contiguous" | "transposed" | "sliced";

/** All layouts. */
export const layouts: readonly Layout[] = ["contiguous", "transposed", "sliced"];

/** Values that a tensor of the dtype can be made of. */
export function makeTensor(
  values: ArrayLike<number>,
  shape: readonly number[],
  dtype: DType,
): Tensor {
  const isBig = isWide(dtype) && !isFloat(dtype);
  const list = Array.from(values);
  if (isBig) {
    return tensor(
      list.map((value) => BigInt(Math.trunc(value))),
      { shape, dtype },
    );
  }
  return tensor(list, { shape, dtype });
}

/** A tensor as it is stored, and how the input is made of it. */
export interface Source {
  readonly stored: Tensor;
  readonly view: (stored: Tensor) => Tensor;
}

/** An input of the given values as the result of the layout's op. */
export function makeSource(layout: Layout, values: Nd, dtype: DType): Source {
  const { shape, data } = values;
  if (layout === "contiguous" || shape.length === 0) {
    return { stored: makeTensor(data, shape, dtype), view: (x) => x };
  }
  if (layout === "transposed") {
    const reversed = [...shape].reverse();
    const stored = build(reversed, (index) => data[flatten([...index].reverse(), shape)] as number);
    return {
      stored: makeTensor(stored.data, reversed, dtype),
      view: (x) => transpose(x),
    };
  }
  // One element before and two behind, which must not be read.
  const poison = isFloat(dtype) ? Number.NaN : 1;
  const wide = shape.map((dim) => dim + 3);
  const stored = build(wide, (index) => {
    const inner = index.map((n) => n - 1);
    const isInside = inner.every((n, axis) => n >= 0 && n < (shape[axis] as number));
    return isInside ? (data[flatten(inner, shape)] as number) : poison;
  });
  return {
    stored: makeTensor(stored.data, wide, dtype),
    view: (x) => shape.reduce((y, dim, axis) => split(y, [1, dim + 1], { axis })[1] as Tensor, x),
  };
}

function flatten(index: readonly number[], shape: readonly number[]): number {
  return index.reduce((flat, n, axis) => flat * (shape[axis] as number) + n, 0);
}

/** The values of a tensor as float64. */
export async function valuesOf(x: Tensor): Promise<Nd> {
  const data = Float64Array.from((await x.data()) as ArrayLike<number | bigint>, Number);
  if (data.length !== count(x.shape)) {
    throw new Error(`data() gave ${data.length} values for shape [${x.shape.join(", ")}].`);
  }
  return { shape: x.shape, data };
}
