/** Tests of src/ops/recurrent.ts. */
import { beforeAll, describe, expect, test } from "vitest";
import { jit, ops, ShapeError, setDevice, type Tensor, vjp } from "../../src/index.ts";
import {
  gruSequence,
  lstmSequence,
  type SequenceResult,
  type SequenceRules,
  simpleRnnSequence,
} from "../../src/ops/recurrent.ts";
import { apply } from "../../src/tensor/apply.ts";
import { definedOps, type OpDefinition } from "../../src/tensor/define-op.ts";
import { floats } from "../support/data.ts";
import { type InputSpec, oneOf, uniform } from "../support/inputs.ts";
import { build, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";

type Kind = "lstm" | "gru" | "gru, reset before" | "simple" | "simple, relu";

const kinds: readonly Kind[] = ["lstm", "gru", "gru, reset before", "simple", "simple, relu"];
const columnsOf = (kind: Kind): number => (kind === "lstm" ? 4 : kind.startsWith("gru") ? 3 : 1);
const statesOf = (kind: Kind): number => (kind === "lstm" ? 2 : 1);

interface Rules {
  readonly bias: boolean;
  readonly mask: boolean;
  readonly reverse: boolean;
  readonly sequences: boolean;
}

/** The inputs by name: x, kernel, recurrent kernel, states, bias, mask. */
function named<T>(kind: Kind, { bias, mask }: Rules, inputs: readonly T[]) {
  const count = 3 + statesOf(kind);
  return {
    x: inputs[0] as T,
    kernel: inputs[1] as T,
    recurrent: inputs[2] as T,
    states: inputs.slice(3, count),
    bias: bias ? (inputs[count] as T) : null,
    mask: mask ? (inputs.at(-1) as T) : null,
  };
}

function run(kind: Kind, rules: Rules, inputs: readonly Tensor[]): Tensor[] {
  const { x, kernel, recurrent, states, bias, mask } = named(kind, rules, inputs);
  const given: SequenceRules = { ...rules, bias, mask };
  const kernels = [kernel, recurrent] as const;
  let result: SequenceResult;
  if (kind === "lstm") {
    result = lstmSequence(x, kernels, states as [Tensor, Tensor], given);
  } else if (kind === "gru" || kind === "gru, reset before") {
    const resetAfter = kind === "gru";
    result = gruSequence(x, kernels, states as [Tensor], { ...given, resetAfter });
  } else {
    const activation = kind === "simple" ? "tanh" : "relu";
    result = simpleRnnSequence(x, kernels, states as [Tensor], { ...given, activation });
  }
  return [...result.states, ...(result.outputs === null ? [] : [result.outputs])];
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** One sample and one step: the next states from those before it. */
function step(
  kind: Kind,
  sums: readonly number[],
  [h, c]: readonly (readonly number[])[],
  product: (state: readonly number[], column: number) => number,
): number[][] {
  const before = h as readonly number[];
  const units = before.length;
  const gate = (i: number, at: number): number =>
    (sums[at * units + i] as number) + product(before, at * units + i);
  if (kind === "lstm") {
    const cell = before.map(
      (_, i) =>
        sigmoid(gate(i, 1)) * ((c as readonly number[])[i] as number) +
        sigmoid(gate(i, 0)) * Math.tanh(gate(i, 2)),
    );
    return [cell.map((x, i) => sigmoid(gate(i, 3)) * Math.tanh(x)), cell];
  }
  if (kind === "simple") return [before.map((_, i) => Math.tanh(gate(i, 0)))];
  if (kind === "simple, relu") return [before.map((_, i) => Math.max(gate(i, 0), 0))];
  const reset = before.map((x, i) => sigmoid(gate(i, 1)) * x);
  return [
    before.map((x, i) => {
      const z = sigmoid(gate(i, 0));
      const column = 2 * units + i;
      const inner =
        kind === "gru" ? sigmoid(gate(i, 1)) * product(before, column) : product(reset, column);
      return z * x + (1 - z) * Math.tanh((sums[column] as number) + inner);
    }),
  ];
}

function reference(kind: Kind, rules: Rules, inputs: readonly Nd[]): Nd[] {
  const { x, kernel, recurrent, states, bias, mask } = named(kind, rules, inputs);
  const [batch, length, features] = x.shape as [number, number, number];
  const [units, all] = recurrent.shape as [number, number];
  const biasAt = (row: number, column: number): number => bias?.data[row * all + column] ?? 0;
  const outputs: number[][][] = [];
  const last: number[][][] = [];
  for (let b = 0; b < batch; b++) {
    let own = states.map(({ data }) => Array.from(data.subarray(b * units, (b + 1) * units)));
    let output = new Array<number>(units).fill(0);
    outputs.push([]);
    for (let s = 0; s < length; s++) {
      const t = rules.reverse ? length - 1 - s : s;
      const row = b * length + t;
      const sums = Array.from({ length: all }, (_, column) => {
        let sum = biasAt(0, column);
        for (let i = 0; i < features; i++) {
          sum += (x.data[row * features + i] as number) * (kernel.data[i * all + column] as number);
        }
        return sum;
      });
      const next = step(kind, sums, own, (state, column) =>
        state.reduce(
          (sum, value, i) => sum + value * (recurrent.data[i * all + column] as number),
          kind === "gru" ? biasAt(1, column) : 0,
        ),
      );
      if (mask === null || mask.data[row] !== 0) {
        own = next;
        output = next[0] as number[];
      }
      outputs[b]?.push(output);
    }
    last.push(own);
  }
  return [
    ...states.map((_, state) =>
      build([batch, units], ([b, i]) => last[b as number]?.[state]?.[i as number] as number),
    ),
    ...(rules.sequences
      ? [
          build(
            [batch, length, units],
            ([b, s, i]) => outputs[b as number]?.[s as number]?.[i as number] as number,
          ),
        ]
      : []),
  ];
}

function shapesOf(
  kind: Kind,
  { bias, mask }: Rules,
  [batch, length, features, units]: readonly [number, number, number, number],
): number[][] {
  const all = columnsOf(kind) * units;
  return [
    [batch, length, features],
    [features, all],
    [units, all],
    ...new Array<number[]>(statesOf(kind)).fill([batch, units]),
    ...(bias ? [kind === "gru" ? [2, all] : [all]] : []),
    ...(mask ? [[batch, length]] : []),
  ];
}

const plain: Rules = { bias: true, mask: false, reverse: false, sequences: true };
const sizes = [
  [2, 3, 4, 5],
  [1, 1, 1, 1],
  [3, 4, 2, 1],
  [0, 3, 2, 4],
  [2, 0, 3, 4],
  // More than a vector, a panel and a block of samples.
  [50, 2, 3, 19],
] as const;
const cases: Readonly<
  Record<string, [Rules, readonly (readonly [number, number, number, number])[]]>
> = {
  "": [plain, sizes],
  "without a bias, backwards": [{ ...plain, bias: false, reverse: true }, [[2, 4, 3, 3]]],
  masked: [{ ...plain, mask: true }, [[4, 5, 2, 3]]],
  "masked, backwards": [{ ...plain, mask: true, reverse: true }, [[4, 5, 2, 3]]],
  "the last states of masked steps": [{ ...plain, mask: true, sequences: false }, [[4, 5, 2, 3]]],
  "the last states": [{ ...plain, sequences: false }, [[2, 4, 3, 3]]],
};

/** Positive, and of weights (`columns`) negative in every other one: no sum is near relu's kink. */
function apart(columns: boolean): InputSpec {
  return {
    values: (random, shape) =>
      Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => {
        const column = i % (shape.at(-1) as number);
        return random.uniform(0.1, 0.6) * (columns && column % 2 === 1 ? -1 : 1);
      }),
  };
}

function inputsOf(kind: Kind, rules: Rules): InputSpec[] {
  const shapes = shapesOf(kind, rules, [1, 1, 1, 1]);
  const { kernel, recurrent, bias } = named(kind, rules, [...shapes.keys()]);
  return shapes.map((_, i) => {
    if (rules.mask && i === shapes.length - 1) return oneOf([0, 1, 1], "bool");
    return kind === "simple, relu" ? apart([kernel, recurrent, bias].includes(i)) : uniform(-1, 1);
  });
}

for (const kind of kinds) {
  const name = kind.startsWith("gru") ? "gru" : kind.startsWith("simple") ? "simple_rnn" : "lstm";
  for (const [what, [rules, shapes]] of Object.entries(cases)) {
    opTest(`${kind} sequence${what === "" ? "" : `, ${what}`}`, {
      ops: [`${name}_sequence`, `${name}_sequence_backward`],
      run: (...given) => run(kind, rules, given),
      reference: (...given) => reference(kind, rules, given),
      shapes: shapes.map((size) => shapesOf(kind, rules, size)),
      inputs: inputsOf(kind, rules),
      // Sums of each step, and the steps.
      length: 64,
      steps: 4,
      gradientSteps: 16,
      cancels: 1,
      gradientCancels: 4,
      unknownAxes: false,
      internal: true,
    });
  }
}

describe("what a gradient needs", () => {
  const shapes = shapesOf("lstm", plain, [2, 3, 4, 5]);
  const [x, ...rest] = shapes.map((shape, i) => floats(shape, i)) as [Tensor, ...Tensor[]];
  const last = (given: Tensor): Tensor => run("lstm", plain, [given, ...rest])[0] as Tensor;
  const keeps = (fn: (given: Tensor) => Tensor): string | undefined =>
    jit(fn)
      .explain(x)
      .match(/lstm_sequence .* keep=(\w+)/)?.[1];

  beforeAll(async () => {
    await setDevice("cpu");
  });

  test("is kept under a tape alone", async () => {
    expect(keeps(last)).toBe("false");
    expect(keeps((given) => vjp(last, given)[0])).toBe("true");
    expect(await vjp(last, x)[0].array()).toEqual(await last(x).array());
  });

  test("is computed again where it was not kept", async () => {
    const op = definedOps().get("lstm_sequence") as OpDefinition;
    const gradientWith = (keep: boolean): Tensor => {
      const attributes = { reverse: false, sequences: true, keep, hasBias: true, hasMask: false };
      const [y, pull] = vjp((given) => apply(op, [given, ...rest], attributes), x);
      return pull(y)[0] as Tensor;
    };
    expect(await gradientWith(false).array()).toEqual(await gradientWith(true).array());
  });
});

describe("what does not fit", () => {
  const x = ops.ones([2, 3, 4]);
  const state = ops.zeros([2, 5]);
  const kernels = [ops.ones([4, 15]), ops.ones([5, 15])] as const;
  const refused: Record<string, () => SequenceResult> = {
    "a rank": () => gruSequence(ops.ones([3, 4]), kernels, [state], { resetAfter: false }),
    "a kernel": () => lstmSequence(x, kernels, [state, state]),
    "a state": () => gruSequence(x, kernels, [ops.zeros([3, 5])], { resetAfter: true }),
    "a bias of one row": () =>
      gruSequence(x, kernels, [state], { resetAfter: true, bias: ops.ones([15]) }),
    "a mask": () => gruSequence(x, kernels, [state], { resetAfter: true, mask: ops.ones([2, 4]) }),
  };
  for (const [name, fn] of Object.entries(refused)) {
    test(name, () => {
      expect(fn).toThrow(ShapeError);
      expect(fn).toThrow(/_sequence: inputs/);
    });
  }
});
