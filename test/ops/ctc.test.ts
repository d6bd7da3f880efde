/** Tests of src/ops/ctc.ts. */
import { describe, expect, test } from "vitest";
import { ArgumentError, ops, ShapeError, tensor } from "../../src/index.ts";
import { type InputSpec, integers, uniform } from "../support/inputs.ts";
import { at, build, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";
import { logSoftmaxRow } from "../support/special.ts";

/** All sequences of `time` classes. */
function* sequences(time: number, classes: number): Generator<number[]> {
  const total = classes ** time;
  for (let n = 0; n < total; n++) {
    yield Array.from({ length: time }, (_, t) => Math.floor(n / classes ** t) % classes);
  }
}

/** Repetitions, then blanks taken out. */
function collapse(sequence: readonly number[], blank: number): number[] {
  return sequence.filter((k, t) => k !== sequence[t - 1]).filter((k) => k !== blank);
}

function logSoftmaxAt(x: Nd, b: number, t: number): number[] {
  const row = Array.from({ length: x.shape[2] as number }, (_, k) => at(x, [b, t, k]));
  return logSoftmaxRow(row);
}

/** By trying every sequence of classes. */
function probabilities(x: Nd, b: number, steps: number, blank: number): Map<string, number> {
  const classes = x.shape[2] as number;
  const logs = Array.from({ length: steps }, (_, t) => logSoftmaxAt(x, b, t));
  const found = new Map<string, number>();
  for (const sequence of sequences(steps, classes)) {
    const p = Math.exp(sequence.reduce((sum, k, t) => sum + (logs[t]?.[k] as number), 0));
    const key = collapse(sequence, blank).join();
    found.set(key, (found.get(key) ?? 0) + p);
  }
  return found;
}

function loss(target: Nd, x: Nd, lengths: Nd, steps: Nd, blank: number): Nd {
  return build([x.shape[0] as number], ([b]) => {
    const sample = b as number;
    const labels = Array.from({ length: at(lengths, [sample]) }, (_, i) => at(target, [sample, i]));
    return -Math.log(probabilities(x, sample, at(steps, [sample]), blank).get(labels.join()) ?? 0);
  });
}

/** Labels that are no blanks: of 4 classes with blank 0, or with blank 3. */
const fromOne = integers(1, 2, "int32");
const lengths: InputSpec = integers(0, 2, "int32");
const steps: InputSpec = integers(3, 4, "int32");

for (const blank of [0, 3]) {
  opTest(`ctcLoss, blank ${blank}`, {
    ops: ["ctc_loss", "ctc_loss_backward"],
    run: (target, output, length, count) =>
      ops.ctcLoss(target, output, length, count, { maskIndex: blank }),
    reference: (target, output, length, count) => loss(target, output, length, count, blank),
    shapes: [
      [[3, 2], [3, 4, 4], [3], [3]],
      [[1, 2], [1, 4, 4], [1], [1]],
    ],
    inputs: [fromOne, uniform(), lengths, steps],
    resultDType: (dtype) => (dtype === "float64" ? "float64" : "float32"),
    length: 64,
    steps: 4,
    gradientSteps: 32,
    gradientCancels: 4,
    argnums: [1],
    unknownAxes: false,
  });
}

test("labels that no sequence gives", async () => {
  const output = ops.zeros([2, 2, 3]);
  // Two equal labels need a blank between them: three steps.
  const result = ops.ctcLoss(
    [
      [1, 1],
      [1, 2],
    ],
    output,
    [2, 2],
    [2, 2],
  );
  const [first, second] = (await result.array()) as number[];
  expect(first).toBe(Number.POSITIVE_INFINITY);
  expect(second).toBeCloseTo(Math.log(9), 5);
});

test("no labels and no steps", async () => {
  const output = ops.zeros([2, 2, 2]);
  const result = ops.ctcLoss([[1], [1]], output, [0, 0], [0, 2]);
  const [none, blanks] = (await result.array()) as number[];
  expect(none).toBeCloseTo(0, 6);
  expect(blanks).toBeCloseTo(Math.log(4), 6);
});

/** The best labels of all sequences. */
function best(x: Nd, b: number, count: number, blank: number): { labels: number[]; p: number }[] {
  return [...probabilities(x, b, count, blank)]
    .map(([key, p]) => ({ labels: key === "" ? [] : key.split(",").map(Number), p }))
    .sort((u, v) => v.p - u.p);
}

function padded(labels: readonly number[], time: number): number[] {
  return Array.from({ length: time }, (_, t) => labels[t] ?? -1);
}

for (const blank of [0, 2]) {
  opTest(`ctcDecode, a beam that drops nothing, blank ${blank}`, {
    ops: ["ctc_beam_search"],
    run: (x, count) =>
      ops.ctcDecode(x, count, {
        strategy: "beam_search",
        beamWidth: 200,
        topPaths: 3,
        maskIndex: blank,
      }),
    reference: (x, count) => {
      const [batch, time] = x.shape as [number, number];
      const all = Array.from({ length: batch }, (_, b) => best(x, b, at(count, [b]), blank));
      return [
        build(
          [3, batch, time],
          ([p, b, t]) =>
            padded(all[b as number]?.[p as number]?.labels ?? [], time)[t as number] as number,
        ),
        build([batch, 3], ([b, p]) => Math.log(all[b as number]?.[p as number]?.p as number)),
      ];
    },
    shapes: [
      [[2, 4, 3], [2]],
      [[1, 3, 3], [1]],
    ],
    inputs: [uniform(-3, 3), integers(3, 3, "int32")],
    resultDType: (dtype) => ["int32", dtype === "float64" ? "float64" : "float32"],
    dtypes: ["float32", "float64"],
    length: 16,
    steps: 4,
    differentiable: "throws",
    unknownAxes: false,
  });
}

for (const merge of [true, false]) {
  opTest(`ctcDecode, greedy, merged ${merge}`, {
    run: (x, count) => ops.ctcDecode(x, count, { mergeRepeated: merge, maskIndex: 1 }),
    reference: (x, count) => {
      const [batch, time, classes] = x.shape as [number, number, number];
      const row = (b: number, t: number): number[] =>
        Array.from({ length: classes }, (_, k) => at(x, [b, t, k]));
      const used = (b: number): number[] => Array.from({ length: at(count, [b]) }, (_, t) => t);
      return [
        build([1, batch, time], ([, b, t]) => {
          const sample = b as number;
          const classesOf = used(sample).map((s) => {
            const scores = row(sample, s);
            return scores.indexOf(Math.max(...scores));
          });
          const kept = classesOf
            .filter((k, s) => !merge || k !== classesOf[s - 1])
            .filter((k) => k !== 1);
          return padded(kept, time)[t as number] as number;
        }),
        build([batch, 1], ([b]) =>
          used(b as number).reduce((sum, t) => sum - Math.max(...row(b as number, t)), 0),
        ),
      ];
    },
    shapes: [
      [[3, 6, 3], [3]],
      [[1, 1, 2], [1]],
    ],
    inputs: [uniform(), integers(0, 1, "int32")],
    resultDType: (dtype) => ["int32", dtype === "float64" ? "float64" : "float32"],
    length: 6,
    differentiable: false,
    unknownAxes: false,
  });
}

test("a narrow beam keeps the best prefixes only", async () => {
  // Blank 0: "1" wins by many ways, each of which is worse than the best one of "".
  const p = [0.4, 0.6];
  const scores = tensor([[p.map(Math.log), p.map(Math.log)]]);
  const [labels, found] = ops.ctcDecode(scores, [2], { strategy: "beam_search", beamWidth: 1 });
  expect(await labels.array()).toEqual([[[1, -1]]]);
  // 1 1, then 1 blank: with one prefix kept the way blank 1 is lost.
  expect(((await found.array()) as number[][])[0]?.[0]).toBeCloseTo(Math.log(0.36 + 0.24), 5);
});

test("fewer results than asked for", async () => {
  const [labels, found] = ops.ctcDecode(ops.zeros([1, 1, 2]), [1], {
    strategy: "beam_search",
    topPaths: 3,
  });
  expect((await labels.array()) as number[][][]).toHaveLength(3);
  expect(((await found.array()) as number[][])[0]?.[2]).toBe(Number.NEGATIVE_INFINITY);
});

describe("what does not fit", () => {
  // Arrays: made on whatever device is current then.
  const scores = Array.from({ length: 2 }, () => Array.from({ length: 3 }, () => [0, 0, 0, 0]));
  const refused: Record<string, [() => unknown, new (...args: never[]) => Error]> = {
    "scores of another rank": [() => ops.ctcLoss([[1]], ops.zeros([3, 4]), [1], [1]), ShapeError],
    "another batch of labels": [() => ops.ctcLoss([[1]], scores, [1, 1], [3, 3]), ShapeError],
    "another batch of lengths": [() => ops.ctcLoss([[1], [1]], scores, [1], [3, 3]), ShapeError],
    "a blank that is no class": [
      () => ops.ctcLoss([[1], [1]], scores, [1, 1], [3, 3], { maskIndex: 4 }),
      ArgumentError,
    ],
    "lengths to decode": [() => ops.ctcDecode(scores, [3]), ShapeError],
    "a strategy": [
      () => ops.ctcDecode(scores, [3, 3], { strategy: "best" as "greedy" }),
      ArgumentError,
    ],
    "more results than the beam has": [
      () => ops.ctcDecode(scores, [3, 3], { strategy: "beam_search", beamWidth: 2, topPaths: 3 }),
      ArgumentError,
    ],
  };
  for (const [name, [fn, Class]] of Object.entries(refused)) {
    test(name, () => {
      expect(fn).toThrow(Class);
      expect(fn).toThrow(/ctc_/);
    });
  }
});
