/**
 * Recurrent cells step by step: what their ops are made of.
 *
 * @module
 */
import { vjp } from "../autograd/grad.ts";
import type { AttributeSchema, AttributeValue } from "../runtime/attributes.ts";
import { castTo } from "../tensor/cast.ts";
import { fill } from "../tensor/fill.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { computedIn } from "../util/dtypes.ts";
import { add, multiply } from "./arithmetic.ts";
import { reshapeTo, sumOver } from "./broadcasting.ts";
import { select } from "./comparison.ts";
import { scanTensors } from "./control/scan.ts";
import { matrixProduct } from "./linear.ts";
import { concatenateAlong, flipOver, sliceAt, sliceAxis, swapTime } from "./shaping.ts";

/** Attributes of the ops of all cells. */
export interface SequenceAttributes {
  /** From the last step to the first; outputs come in that order. */
  readonly reverse: boolean;
  /** Whether the outputs of all steps are wanted. */
  readonly sequences: boolean;
  /** Whether what the gradient needs is wanted. */
  readonly keep: boolean;
  readonly hasBias: boolean;
  readonly hasMask: boolean;
  readonly [name: string]: AttributeValue;
}

/** Their kinds, in the order in which kernels read them. */
export const sequenceSchema: AttributeSchema = {
  reverse: "bool",
  sequences: "bool",
  keep: "bool",
  hasBias: "bool",
  hasMask: "bool",
};

/** What all steps of a sequence have in common. */
export interface StepWeights {
  /** [U, columns U]. */
  readonly recurrent: Tensor;
  /** Of the products with it, [columns U]; or none. */
  readonly bias: Tensor | null;
}

/** What tells one kind of cell from another. `U`: units. */
export interface Cell<A extends SequenceAttributes> {
  readonly op: string;
  /** Attributes beside those of all. */
  readonly attributes: AttributeSchema;
  /** How many states it has: h, and a cell. */
  readonly states: 1 | 2;
  /** Columns of the kernels, in U: one for each gate. */
  readonly columns: number;
  /** Columns of what the gradient needs of a step, in U. */
  readonly kept: number;
  /**
   * Whether the candidate's product with the recurrent kernel stays apart from
   * that with the kernel. The bias has a second row for it then.
   */
  isApart(attributes: A): boolean;
  /** A step, from the inputs' product with the kernel and the states before it. */
  step(
    projected: Tensor,
    states: readonly Tensor[],
    weights: StepWeights,
    attributes: A,
  ): { readonly states: Tensor[]; readonly gates: Tensor };
}

/** The inputs of an op by name, and those after them. */
interface Operands {
  readonly x: Tensor;
  readonly kernel: Tensor;
  readonly recurrent: Tensor;
  readonly states: readonly Tensor[];
  readonly bias: Tensor | null;
  readonly mask: Tensor | null;
  readonly rest: readonly Tensor[];
}

function operandsOf<A extends SequenceAttributes>(
  cell: Cell<A>,
  inputs: readonly Tensor[],
  { hasBias, hasMask }: A,
): Operands {
  const [x, kernel, recurrent] = inputs as readonly [Tensor, Tensor, Tensor];
  let next = 3 + cell.states;
  const states = inputs.slice(3, next);
  const bias = hasBias ? (inputs[next++] as Tensor) : null;
  const mask = hasMask ? (inputs[next++] as Tensor) : null;
  return { x, kernel, recurrent, states, bias, mask, rest: inputs.slice(next) };
}

/** How many outputs have gradients: those before what is kept. */
export function resultCount<A extends SequenceAttributes>(cell: Cell<A>, attributes: A): number {
  return cell.states + (attributes.sequences ? 1 : 0);
}

/** Columns [from, to) of the last axis, in units. */
export function columnsOf(x: Tensor, units: number, from: number, to: number = from + 1): Tensor {
  return sliceAxis(x, x.ndim - 1, from * units, to * units);
}

/** The row of a bias that belongs to the kernel (0) or the recurrent kernel (1). */
function biasRow(bias: Tensor | null, twoRows: boolean, row: 0 | 1): Tensor | null {
  if (bias === null) return null;
  if (twoRows) return sliceAt(bias, 0, row);
  return row === 0 ? bias : null;
}

/** What the steps of a sequence are made of, in the type computed in. */
interface Steps {
  /** [B, T, columns U]. */
  readonly projected: Tensor;
  readonly weights: StepWeights;
  readonly states: readonly Tensor[];
  readonly mask: Tensor | null;
}

function stepsOf<A extends SequenceAttributes>(
  cell: Cell<A>,
  { x, kernel, recurrent, states, bias, mask }: Operands,
  attributes: A,
): Steps {
  const wide = computedIn(x.dtype);
  const cast = (tensor: Tensor): Tensor => castTo(tensor, wide);
  const wideBias = bias === null ? null : cast(bias);
  const twoRows = cell.isApart(attributes);
  const product = matrixProduct(cast(x), cast(kernel));
  const inputBias = biasRow(wideBias, twoRows, 0);
  return {
    projected: inputBias === null ? product : add(product, inputBias),
    weights: { recurrent: cast(recurrent), bias: biasRow(wideBias, twoRows, 1) },
    states: states.map(cast),
    mask,
  };
}

/** As the op's results: the last states, the outputs if wanted, and what the gradient needs. */
function loopOver<A extends SequenceAttributes>(
  cell: Cell<A>,
  { projected, weights, states, mask }: Steps,
  attributes: A,
): Tensor[] {
  const { reverse, sequences, keep } = attributes;
  // A masked step repeats the output before it, which at first is zero.
  const repeats = sequences && mask !== null;
  const none = fill((states[0] as Tensor).shape, projected.dtype, 0);
  const { carry, results } = scanTensors(
    cell.op,
    (before, [sums, now]) => {
      const own = before.slice(0, cell.states);
      const { states: after, gates } = cell.step(sums as Tensor, own, weights, attributes);
      const isOn = now === undefined ? null : reshapeTo(now, [...now.shape, 1]);
      const choose = (x: Tensor, other: Tensor): Tensor =>
        isOn === null ? x : select(isOn, x, other);
      const next = after.map((x, i) => choose(x, own[i] as Tensor));
      const y = repeats ? choose(after[0] as Tensor, before.at(-1) as Tensor) : (next[0] as Tensor);
      return {
        carry: repeats ? [...next, y] : next,
        results: [
          ...(sequences ? [y] : []),
          ...(keep ? [own[0] as Tensor, gates, ...next.slice(1)] : []),
        ],
      };
    },
    repeats ? [...states, none] : states,
    [projected, ...(mask === null ? [] : [mask])].map(swapTime),
    { length: projected.shape[1] as number, reverse },
  );
  const each = results.map(swapTime);
  // A scan puts its results where the inputs were.
  if (sequences && reverse) each[0] = flipOver(each[0] as Tensor, [1]);
  return [...carry.slice(0, cell.states), ...each];
}

/** What the op of a cell gives, by a scan. */
export function outputsByOps<A extends SequenceAttributes>(
  cell: Cell<A>,
  inputs: readonly Tensor[],
  attributes: A,
): Tensor[] {
  const operands = operandsOf(cell, inputs, attributes);
  const results = resultCount(cell, attributes);
  // What is kept for the gradient has none itself.
  return loopOver(cell, stepsOf(cell, operands, attributes), attributes)
    .map((x, i) => (i < results ? x : x.detached()))
    .map((x) => castTo(x, operands.x.dtype));
}

/** What the op of its gradients gives, by differentiating that scan. */
export function gradientsByOps<A extends SequenceAttributes>(
  cell: Cell<A>,
  inputs: readonly Tensor[],
  attributes: A,
): Tensor[] {
  const { columns } = cell;
  const operands = operandsOf(cell, inputs, attributes);
  const { x, recurrent, states, bias, rest } = operands;
  const units = recurrent.shape[0] as number;
  const { dtype } = x;
  const steps = stepsOf(cell, operands, attributes);
  const dresults = rest.slice(1 + cell.states).map((dy) => castTo(dy, computedIn(dtype)));
  const { recurrent: kernel, bias: ownBias } = steps.weights;
  const differentiated: Tensor[] = [steps.projected, kernel, ...steps.states];
  if (ownBias !== null) differentiated.push(ownBias);
  const [, pullback] = vjp(
    (...given: Tensor[]) => {
      const [projected, own, ...others] = given as [Tensor, Tensor, ...Tensor[]];
      const weights = {
        recurrent: own,
        bias: ownBias === null ? null : (others.pop() as Tensor),
      };
      const { mask } = steps;
      return loopOver(
        cell,
        { projected, weights, states: others, mask },
        { ...attributes, keep: false },
      );
    },
    ...differentiated,
  );
  const gradients = pullback(dresults).map((d) => castTo(d, dtype));
  const [dprojected, drecurrent] = gradients as [Tensor, Tensor];
  const rows = (d: Tensor): Tensor => {
    const [batch, length, last] = d.shape as readonly [number, number, number];
    return reshapeTo(d, [batch * length, last]);
  };
  const dbias = sumOver(dprojected, [0, 1]);
  const results = [
    dprojected,
    matrixProduct(rows(x), rows(dprojected), true),
    drecurrent,
    ...gradients.slice(2, 2 + states.length),
  ];
  if (!cell.isApart(attributes)) return bias === null ? results : [...results, dbias];
  const both = [dbias, gradients.at(-1) as Tensor].map((d) => reshapeTo(d, [1, columns * units]));
  const r = columnsOf((rest[1] as Tensor).detached(), units, 1);
  return [
    ...results,
    ...(bias === null ? [] : [concatenateAlong(both, 0)]),
    multiply(r, columnsOf(dprojected, units, columns - 1)),
  ];
}
