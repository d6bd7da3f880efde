/**
 * Reshape, broadcast and sum: what every derivative with broadcasting needs,
 * each the derivative of another.
 *
 * @module
 */
import { apply } from "../tensor/apply.ts";
import {
  defineOp,
  type OpDefinition,
  type TracedCall,
  type TracedValue,
} from "../tensor/define-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { reducedShape, type Shape, sameShape, sizeOf } from "../util/shapes.ts";

const reshapeOp: OpDefinition<{ shape: Shape }> = defineOp({
  name: "reshape",
  attributes: { shape: "ints" },
  infer: ([x], { shape }) => ({ shape, dtype: (x as Tensor).dtype }),
  vjp: ({ inputs: [x], grads: [dy] }) => [reshapeTo(dy as Tensor, (x as Tensor).shape)],
  traits: { view: true },
  // One reshape is as good as two, and as none where the shape is there already.
  rewrite: ([x], attributes) => {
    const { source, shape } = x as TracedValue;
    if (sameShape(shape, attributes.shape)) return x as TracedValue;
    return source?.op.name === "reshape" ? { ...source, attributes } : null;
  },
});

/** For rewrite rules: a reshape instead. */
export function reshapeCall(x: TracedValue, shape: Shape): TracedCall {
  return { op: reshapeOp as unknown as OpDefinition, inputs: [x], attributes: { shape } };
}

/** `x` with its elements under another shape of the same size. */
export function reshapeTo(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : apply(reshapeOp, [x], { shape });
}

const broadcastOp: OpDefinition<{ shape: Shape }> = defineOp({
  name: "broadcast_to",
  attributes: { shape: "ints" },
  infer: ([x], { shape }) => ({ shape, dtype: (x as Tensor).dtype }),
  vjp: ({ inputs: [x], grads: [dy] }) => [unbroadcast(dy as Tensor, (x as Tensor).shape)],
  traits: { broadcast: true },
});

/** `x` repeated along axes of length 1, and along new axes in front. */
export function broadcastOver(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : apply(broadcastOp, [x], { shape });
}

const sumOp: OpDefinition<{ axes: readonly number[]; keepdims: boolean }> = defineOp({
  name: "sum",
  attributes: { axes: "ints", keepdims: "bool" },
  infer: ([x], { axes, keepdims }) => ({
    shape: reducedShape((x as Tensor).shape, axes, keepdims),
    dtype: (x as Tensor).dtype,
  }),
  vjp: ({ inputs: [x], grads: [dy] }, { axes }) => [
    spread(dy as Tensor, (x as Tensor).shape, axes),
  ],
  traits: { sum: true },
  // Nothing is added up along axes of length 1.
  rewrite: ([x], { axes }, { shape }) =>
    axes.every((axis) => (x as TracedValue).shape[axis] === 1)
      ? reshapeCall(x as TracedValue, shape)
      : null,
});

/** The sum over `axes`, which are normalized. */
export function sumOver(x: Tensor, axes: readonly number[], keepdims = false): Tensor {
  if (axes.length === 0) return x;
  return apply(sumOp, [x], { axes, keepdims });
}

/** The gradient of a reduction: `dy` along the reduced axes of `shape`. */
export function spread(dy: Tensor, shape: Shape, axes: readonly number[]): Tensor {
  return broadcastOver(reshapeTo(dy, reducedShape(shape, axes, true)), shape);
}

/** The gradient of a broadcast: `dy` summed to the shape that was broadcast. */
export function unbroadcast(dy: Tensor, shape: Shape): Tensor {
  if (sameShape(dy.shape, shape)) return dy;
  const added = dy.shape.length - shape.length;
  const axes: number[] = [];
  for (let i = 0; i < dy.shape.length; i++) {
    if (i < added || (shape[i - added] === 1 && dy.shape[i] !== 1)) axes.push(i);
  }
  const summed = sizeOf(dy.shape) === sizeOf(shape) ? dy : sumOver(dy, axes);
  return reshapeTo(summed, shape);
}
