/**
 * Recurrent cells over whole sequences.
 *
 * @module
 */
import type { TensorSpec } from "../runtime/backend.ts";
import { applyMany } from "../tensor/apply.ts";
import { state as interpreter } from "../tensor/context.ts";
import { scalar } from "../tensor/create.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { formatShape, ShapeError } from "../util/errors.ts";
import { type Shape, sameShape } from "../util/shapes.ts";
import { relu } from "./activation.ts";
import { add, multiply, subtract } from "./arithmetic.ts";
import { sigmoid, tanh } from "./exponential.ts";
import { matrixProduct } from "./linear.ts";
import {
  type Cell,
  columnsOf,
  gradientsByOps,
  outputsByOps,
  resultCount,
  type SequenceAttributes,
  sequenceSchema,
} from "./recurrent-steps.ts";
import { concatenateAlong } from "./shaping.ts";

/** A cell and the op that runs it over sequences. */
interface SequenceOp<A extends SequenceAttributes> {
  readonly cell: Cell<A>;
  readonly op: OpDefinition<A>;
}

/** Defines the op of a cell, and that of its gradients. */
function defineSequence<A extends SequenceAttributes>(cell: Cell<A>): SequenceOp<A> {
  const attributes = { ...sequenceSchema, ...cell.attributes };
  // x [B, T, F], kernel [F, columns U], recurrent kernel [U, columns U], states
  // [B, U], bias, mask [B, T] -> states, outputs [B, T, U], and what the
  // gradients need: the states before each step, its gates, the cells after it.
  const sequence: OpDefinition<A> = defineOp<A>({
    name: cell.op,
    attributes,
    infer: ([x, , recurrent], { sequences, keep }) => {
      const { shape, dtype } = x as TensorSpec;
      const [batch, length] = shape as readonly [number, number, number];
      const [units] = (recurrent as TensorSpec).shape as readonly [number, number];
      const last = { shape: [batch, units], dtype };
      const each = (columns: number): TensorSpec => ({
        shape: [batch, length, columns * units],
        dtype,
      });
      return [
        ...new Array<TensorSpec>(cell.states).fill(last),
        ...(sequences ? [each(1)] : []),
        ...(keep ? [each(1), each(cell.kept), ...(cell.states === 2 ? [each(1)] : [])] : []),
      ];
    },
    vjp: ({ inputs, outputs, grads, needs }, given) => {
      const count = resultCount(cell, given);
      const kept = given.keep ? outputs : applyMany(sequence, inputs, { ...given, keep: true });
      const [dprojected, ...others] = applyMany(
        backward,
        [...inputs, ...kept.slice(count), ...grads.slice(0, count)],
        given,
      ) as [Tensor, ...Tensor[]];
      const kernel = inputs[1] as Tensor;
      const dx = needs(0) ? matrixProduct(dprojected, kernel, false, true) : null;
      const ofFloats = others.slice(0, inputs.length - (given.hasMask ? 2 : 1));
      return [dx, ...ofFloats, ...(given.hasMask ? [null] : [])];
    },
    decompose: (inputs, given) => outputsByOps(cell, inputs, given),
  });
  // The inputs of the op, what it kept, gradients of its results -> of the
  // products with the kernel, [B, T, columns U], then of the kernel and all
  // float inputs after it. Where the candidate is apart also the gradient of
  // its product with the recurrent kernel, [B, T, U], which nobody reads.
  const backward: OpDefinition<A> = defineOp<A>({
    name: `${cell.op}_backward`,
    attributes,
    infer: (inputs, given) => {
      const [x, kernel, recurrent, ...rest] = inputs as readonly [
        TensorSpec,
        TensorSpec,
        TensorSpec,
        ...TensorSpec[],
      ];
      const [batch, length] = x.shape as readonly [number, number, number];
      const each = (columns: number): TensorSpec => ({
        shape: [batch, length, columns],
        dtype: x.dtype,
      });
      return [
        each(kernel.shape[1] as number),
        kernel,
        recurrent,
        ...rest.slice(0, cell.states + (given.hasBias ? 1 : 0)),
        ...(cell.isApart(given) ? [each(recurrent.shape[0] as number)] : []),
      ];
    },
    vjp: "decompose",
    decompose: (inputs, given) => gradientsByOps(cell, inputs, given),
  });
  return { cell, op: sequence };
}

const lstm: SequenceOp<SequenceAttributes> = defineSequence({
  op: "lstm_sequence",
  attributes: {},
  states: 2,
  columns: 4,
  kept: 4,
  isApart: () => false,
  // Gates i, f, candidate, o.
  step: (projected, [h, c], { recurrent }) => {
    const units = recurrent.shape[0] as number;
    const sums = add(projected, matrixProduct(h as Tensor, recurrent));
    const [i, f, o] = [0, 1, 3].map((at) => sigmoid(columnsOf(sums, units, at))) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const candidate = tanh(columnsOf(sums, units, 2));
    const cell = add(multiply(f, c as Tensor), multiply(i, candidate));
    return {
      states: [multiply(o, tanh(cell)), cell],
      gates: concatenateAlong([i, f, candidate, o], 1),
    };
  },
});

interface GruAttributes extends SequenceAttributes {
  readonly resetAfter: boolean;
}

const gru: SequenceOp<GruAttributes> = defineSequence<GruAttributes>({
  op: "gru_sequence",
  attributes: { resetAfter: "bool" },
  states: 1,
  columns: 3,
  kept: 4,
  isApart: ({ resetAfter }) => resetAfter,
  // Gates z, r, candidate; the fourth column is what r scales or has scaled.
  step: (projected, [h], { recurrent, bias }, { resetAfter }) => {
    const units = recurrent.shape[0] as number;
    const before = h as Tensor;
    const product = (x: Tensor, from: number, to: number): Tensor => {
      const sums = matrixProduct(x, columnsOf(recurrent, units, from, to));
      if (bias === null) return sums;
      return add(sums, columnsOf(bias, units, from, to));
    };
    const sums = add(columnsOf(projected, units, 0, 2), product(before, 0, 2));
    const [z, r] = [0, 1].map((at) => sigmoid(columnsOf(sums, units, at))) as [Tensor, Tensor];
    const fourth = resetAfter ? product(before, 2, 3) : multiply(r, before);
    const inner = resetAfter ? multiply(r, fourth) : product(fourth, 2, 3);
    const candidate = tanh(add(columnsOf(projected, units, 2), inner));
    const rest = subtract(scalar(1, z.dtype), z);
    return {
      states: [add(multiply(z, before), multiply(rest, candidate))],
      gates: concatenateAlong([z, r, candidate, fourth], 1),
    };
  },
});

/** Activations that the simple cell may have. */
export type SimpleRnnActivation = "tanh" | "relu";

const simpleActivations: Readonly<Record<SimpleRnnActivation, (x: Tensor) => Tensor>> = {
  tanh,
  relu,
};

interface SimpleRnnAttributes extends SequenceAttributes {
  readonly activation: SimpleRnnActivation;
}

const simpleRnn: SequenceOp<SimpleRnnAttributes> = defineSequence<SimpleRnnAttributes>({
  op: "simple_rnn_sequence",
  attributes: { activation: ["tanh", "relu"] },
  states: 1,
  columns: 1,
  kept: 1,
  isApart: () => false,
  step: (projected, [h], { recurrent }, { activation }) => {
    const sums = add(projected, matrixProduct(h as Tensor, recurrent));
    const next = simpleActivations[activation](sums);
    return { states: [next], gates: next };
  },
});

/** How to go through a sequence. */
export interface SequenceRules {
  /** Of the products with the kernel; with a second row where the cell has a second bias. */
  readonly bias?: Tensor | null;
  /** [B, T], bool: false where a step leaves the states and repeats the output before it. */
  readonly mask?: Tensor | null;
  /** From the last step to the first; outputs come in that order. */
  readonly reverse?: boolean;
  /** Whether the outputs of all steps are wanted. */
  readonly sequences?: boolean;
}

/** What a sequence ends with. */
export interface SequenceResult {
  /** After the last step, [B, U] each. */
  readonly states: Tensor[];
  /** Of all steps, [B, T, U]; zero where a mask left out every step so far. Null: not wanted. */
  readonly outputs: Tensor | null;
}

/** The weights of a cell: [F, columns U] and [U, columns U]. */
export type SequenceKernels = readonly [kernel: Tensor, recurrent: Tensor];

function checkShapes(
  op: string,
  x: Tensor,
  inputs: readonly Tensor[],
  expected: readonly Shape[],
): void {
  const fits =
    x.ndim === 3 && inputs.every((input, i) => sameShape(input.shape, expected[i] as Shape));
  if (fits) return;
  throw new ShapeError(
    `${op}: inputs ${formatShape(x.shape)} do not fit ` +
      `${inputs.map(({ shape }) => formatShape(shape)).join(", ")}. Expected [batch, time, ` +
      `features] and ${expected.map(formatShape).join(", ")}.`,
    { op, shapes: [x.shape, ...inputs.map(({ shape }) => shape)] },
  );
}

function runSequence<A extends SequenceAttributes>(
  { cell, op }: SequenceOp<A>,
  x: Tensor,
  [kernel, recurrent]: SequenceKernels,
  states: readonly Tensor[],
  { bias = null, mask = null, reverse = false, sequences = false }: SequenceRules,
  own: Omit<A, keyof SequenceAttributes>,
): SequenceResult {
  const attributes = {
    reverse,
    sequences,
    // Without a tape nobody asks for gradients.
    keep: interpreter.tapes.length > 0,
    hasBias: bias !== null,
    hasMask: mask !== null,
    ...own,
  } as unknown as A;
  const inputs = [
    kernel,
    recurrent,
    ...states,
    ...(bias === null ? [] : [bias]),
    ...(mask === null ? [] : [mask]),
  ];
  const [batch, length, features] = x.shape as readonly [number, number, number];
  const units = recurrent.shape[0] as number;
  const all = cell.columns * units;
  checkShapes(op.name, x, inputs, [
    [features, all],
    [units, all],
    ...states.map(() => [batch, units]),
    ...(bias === null ? [] : [cell.isApart(attributes) ? [2, all] : [all]]),
    ...(mask === null ? [] : [[batch, length]]),
  ]);
  const outputs = applyMany(op, [x, ...inputs], attributes);
  return {
    states: outputs.slice(0, cell.states),
    outputs: sequences ? (outputs[cell.states] as Tensor) : null,
  };
}

/**
 * @internal
 * An LSTM over sequences x [B, T, F], from the states h and c. Gates i, f,
 * candidate and o come from `x · kernel + h · recurrent + bias`;
 * `c' = f * c + i * candidate`, `h' = o * tanh(c')`.
 *
 * All tensors are of one float dtype; half types compute in float32.
 *
 * @throws {ShapeError} If the shapes do not fit.
 */
export function lstmSequence(
  x: Tensor,
  kernels: SequenceKernels,
  states: readonly [h: Tensor, c: Tensor],
  rules: SequenceRules = {},
): SequenceResult {
  return runSequence(lstm, x, kernels, states, rules, {});
}

/**
 * @internal
 * A gated recurrent unit over sequences x [B, T, F], from the state h. With
 * `resetAfter` the reset gate scales the candidate's product with the recurrent
 * kernel and the bias is [2, 3 U]; else it scales the state before that product.
 *
 * All tensors are of one float dtype; half types compute in float32.
 *
 * @throws {ShapeError} If the shapes do not fit.
 */
export function gruSequence(
  x: Tensor,
  kernels: SequenceKernels,
  states: readonly [h: Tensor],
  { resetAfter, ...rules }: SequenceRules & { readonly resetAfter: boolean },
): SequenceResult {
  return runSequence(gru, x, kernels, states, rules, { resetAfter });
}

/**
 * @internal
 * `h' = activation(x · kernel + h · recurrent + bias)` over sequences x
 * [B, T, F], from the state h.
 *
 * All tensors are of one float dtype; half types compute in float32.
 *
 * @throws {ShapeError} If the shapes do not fit.
 */
export function simpleRnnSequence(
  x: Tensor,
  kernels: SequenceKernels,
  states: readonly [h: Tensor],
  { activation, ...rules }: SequenceRules & { readonly activation: SimpleRnnActivation },
): SequenceResult {
  return runSequence(simpleRnn, x, kernels, states, rules, { activation });
}
