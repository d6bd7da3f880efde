/**
 * Normalization over the last axes, as whole ops.
 *
 * @module
 */
import { vjp } from "../autograd/grad.ts";
import { apply, applyMany } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { computedIn } from "../util/dtypes.ts";
import { add, multiply, negative, square, subtract } from "./arithmetic.ts";
import { broadcastOver, reshapeTo } from "./broadcasting.ts";
import { rsqrt } from "./exponential.ts";
import { meanOver } from "./reduction.ts";
import { concatenateAlong } from "./shaping.ts";

interface RowAttributes {
  /** How many of the last axes are normalized together. */
  readonly axes: number;
  readonly epsilon: number;
  readonly hasGamma: boolean;
  readonly hasBeta: boolean;
  readonly [name: string]: number | boolean;
}

const schema = { axes: "int", epsilon: "float", hasGamma: "bool", hasBeta: "bool" } as const;

/**
 * The result, and of each row its mean (where that is taken off) and one over
 * its deviation: constants, which only the gradients read.
 */
function normalizeByOps(
  operands: readonly Tensor[],
  { axes, epsilon, hasGamma, hasBeta }: RowAttributes,
  centres: boolean,
): [y: Tensor, stats: Tensor] {
  const [given, ...rest] = operands as readonly [Tensor, ...Tensor[]];
  const compute = computedIn(given.dtype);
  const x = castTo(given, compute);
  const over = Array.from({ length: axes }, (_, i) => x.ndim - axes + i);
  const mean = centres ? meanOver(x, over, true) : null;
  const centred = mean === null ? x : subtract(x, mean);
  const rstd = rsqrt(add(meanOver(square(centred), over, true), scalar(epsilon, compute)));
  const factor = hasGamma ? multiply(rstd, rest[0] as Tensor) : rstd;
  let y = multiply(x, factor);
  if (mean !== null) {
    // As in Keras: far from zero this rounds otherwise than (x - mean) * factor.
    let shift = negative(multiply(mean, factor));
    if (hasBeta) shift = add(shift, rest[hasGamma ? 1 : 0] as Tensor);
    y = add(y, shift);
  }
  const leading = x.shape.slice(0, x.ndim - axes);
  const stats = [mean, rstd].flatMap((t) => (t === null ? [] : [reshapeTo(t, [...leading, 1])]));
  return [castTo(y, given.dtype), concatenateAlong(stats, leading.length).detached()];
}

/** The op of a name and its gradients; `centres`: whether the mean is taken off. */
function defineRows(name: string, centres: boolean): OpDefinition<RowAttributes> {
  // x, stats, dy, gamma -> dx, dgamma (and dbeta), whether there are gamma and beta or not
  const backwardOp = defineOp<RowAttributes>({
    name: `${name}_backward`,
    attributes: schema,
    infer: ([x], { axes }) => {
      const { shape, dtype } = x as Tensor;
      const parameter = { shape: shape.slice(shape.length - axes), dtype: computedIn(dtype) };
      return [{ shape, dtype }, parameter, ...(centres ? [parameter] : [])];
    },
    vjp: "decompose",
    decompose: ([x, , dy, gamma], attributes) => {
      const { shape, dtype } = x as Tensor;
      const filled = (value: number): Tensor =>
        broadcastOver(
          scalar(value, computedIn(dtype)),
          shape.slice(shape.length - attributes.axes),
        );
      const [, pullback] = vjp(
        (...operands: Tensor[]) =>
          normalizeByOps(operands, { ...attributes, hasGamma: true, hasBeta: centres }, centres)[0],
        x as Tensor,
        gamma ?? filled(1),
        ...(centres ? [filled(0)] : []),
      );
      return pullback(dy as Tensor) as Tensor[];
    },
  });
  // x [..., axes], gamma and beta [axes] -> y like x, statistics [..., 2 or 1]
  return defineOp<RowAttributes>({
    name,
    attributes: schema,
    infer: ([x], { axes }) => {
      const { shape, dtype } = x as Tensor;
      const leading = shape.slice(0, shape.length - axes);
      return [
        { shape, dtype },
        { shape: [...leading, centres ? 2 : 1], dtype: computedIn(dtype) },
      ];
    },
    vjp: ({ inputs, outputs: [, stats], grads: [dy] }, attributes) => {
      const { hasGamma, hasBeta } = attributes;
      const [x, gamma] = inputs as readonly [Tensor, Tensor];
      const operands = [x, stats as Tensor, dy as Tensor, ...(hasGamma ? [gamma] : [])];
      const [dx, dgamma, dbeta] = applyMany(backwardOp, operands, {
        ...attributes,
        hasBeta: false,
      });
      return [
        dx as Tensor,
        ...(hasGamma ? [dgamma as Tensor] : []),
        ...(hasBeta ? [dbeta as Tensor] : []),
      ];
    },
    decompose: (operands, attributes) => normalizeByOps(operands, attributes, centres),
  });
}

const layerNormOp: OpDefinition<RowAttributes> = defineRows("layer_norm", true);
const rmsNormOp: OpDefinition<RowAttributes> = defineRows("rms_norm", false);

/** Whether `axes`, in order, are the last ones of `x` and not empty. */
export function areLastAxes(x: Tensor, axes: readonly number[]): boolean {
  const first = x.ndim - axes.length;
  return axes.length > 0 && axes.every((axis, i) => axis === first + i && x.shape[axis] !== 0);
}

/** What `normalizeRows` takes beside the tensor. */
export interface RowOptions {
  /** How many of the last axes. */
  readonly axes: number;
  readonly epsilon: number;
  /** Of the shape of those axes, in float32 (float64 if `x` is that). */
  readonly gamma: Tensor | null;
  /** The same. Not without `centres`. */
  readonly beta: Tensor | null;
  /** Whether the mean is taken off. */
  readonly centres: boolean;
}

/** (x - mean) / sqrt(mean((x - mean)^2) + epsilon) * gamma + beta over the last axes. */
export function normalizeRows(x: Tensor, options: RowOptions): Tensor {
  const { axes, epsilon, gamma, beta, centres } = options;
  const operands = [x, gamma, beta].filter((t) => t !== null);
  const attributes = { axes, epsilon, hasGamma: gamma !== null, hasBeta: beta !== null };
  return apply(centres ? layerNormOp : rmsNormOp, operands, attributes);
}
