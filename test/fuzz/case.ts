/**
 * One case of the fuzzer: what is run, and what must hold.
 *
 * @module
 */
import { vjp } from "../../src/autograd/grad.ts";
import { requireAddon } from "../../src/backends/native/loader.ts";
import { jit } from "../../src/jit/jit.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { type DType, isFloat } from "../../src/util/dtypes.ts";
import { listOf } from "../support/calls.ts";
import { expectClose, expectSame, failure, type Where } from "../support/compare.ts";
import { type Layout, layouts, makeSource, makeTensor, valuesOf } from "../support/layouts.ts";
import type { Nd } from "../support/nd.ts";
import { Random } from "../support/random.ts";
import type { Accuracy } from "../support/tolerances.ts";
import { chance, pick } from "./draw.ts";

/** An input before it is rounded to its dtype. */
export interface Input {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly values: readonly number[];
}

/** What an op of the fuzzer draws. */
export interface FuzzCase {
  /** Everything beside the inputs that makes the call, for the report. */
  readonly attributes: unknown;
  readonly inputs: readonly Input[];
  readonly run: (...x: Tensor[]) => Tensor | readonly Tensor[];
  /** In float64 with plain loops; null: what `run` gives for float64 inputs. */
  readonly reference: ((...x: Nd[]) => Nd | readonly Nd[]) | null;
  readonly accuracy?: Accuracy;
  /** As in an op test. */
  readonly cancels?: boolean | number;
  /** Whether the gradient, too, is compared with that in float64. */
  readonly gradient?: boolean;
}

/** Something that draws cases. */
export interface FuzzOp {
  readonly name: string;
  /** How often it is drawn, relative to others. Default 1. */
  readonly weight?: number;
  readonly draw: (random: Random) => FuzzCase;
}

const threads = requireAddon().info().threads;
/** Transposed and sliced inputs are made element by element. */
const mostOfLayouts = 20_000;

/** Runs a case. Throws what is wrong. */
export async function check(op: FuzzOp, drawn: FuzzCase, seed: number): Promise<void> {
  const random = new Random(seed);
  const { inputs, run, reference, accuracy = { length: 1, steps: 1 } } = drawn;
  const size = inputs.reduce((total, { values }) => total + values.length, 0);
  const layout: Layout = size > mostOfLayouts ? "contiguous" : pick(random, layouts);
  const where: Where = {
    op: op.name,
    backend: "cpu",
    check: "values",
    dtype: inputs[0]?.dtype ?? "float32",
    shapes: inputs.map(({ shape }) => shape),
    layout,
    seed,
  };
  const rounded: Nd[] = [];
  for (const { values, shape, dtype } of inputs) {
    rounded.push(await valuesOf(makeTensor(values, shape, dtype)));
  }
  const sources = rounded.map((value, i) => makeSource(layout, value, dtypeOf(inputs, i)));
  const stored = sources.map((source) => source.stored);
  const differentiates =
    drawn.gradient === true && inputs.some(({ dtype }) => isFloat(dtype)) && chance(random, 0.5);
  const whole = differentiates ? withGradient(run, seed) : run;
  const fn = (...given: Tensor[]): readonly Tensor[] =>
    listOf(whole(...given.map((x, i) => (sources[i] as (typeof sources)[0]).view(x))));

  const eager = fn(...stored);
  const plain = listOf(run(...rounded.map((x, i) => asTensor(x, dtypeOf(inputs, i)))));
  for (const [i, result] of plain.entries()) {
    await expectSame({ ...where, check: "layout" }, `result ${i}`, eager[i] as Tensor, result);
  }
  await expectReference();
  await expectSameOf("compiled", () => compiled(fn, stored));
  await expectSameOf("one thread", () => onOneThread(() => fn(...stored)));

  async function expectSameOf(check: string, make: () => readonly Tensor[]): Promise<void> {
    for (const [i, result] of make().entries()) {
      await expectSame({ ...where, check }, `result ${i}`, result, eager[i] as Tensor);
    }
  }

  async function expectReference(): Promise<void> {
    const exact = reference === null ? [] : listOf(reference(...rounded));
    if (reference !== null && exact.length !== plain.length) {
      throw failure(where, `${plain.length} results, expected ${exact.length}.`);
    }
    // Results without a reference, which are those of float64.
    const rest = eager.slice(exact.length);
    const isWorth = rest.length > 0 && inputs.some(({ dtype }) => isFloat(dtype));
    const wide = isWorth ? listOf(whole(...rounded.map((x, i) => widened(x, i)))) : [];
    for (const [i, result] of eager.entries()) {
      const given = wide[i];
      const wanted = exact[i] ?? (given === undefined ? undefined : await valuesOf(given));
      if (wanted === undefined) continue;
      const cancels = drawn.cancels ?? accuracy.length > 1;
      const steps = i < plain.length ? accuracy.steps : accuracy.steps + 4;
      const named = exact[i] === undefined ? { ...where, check: "float64" } : where;
      const what = i < plain.length ? `result ${i}` : `gradient ${i - plain.length}`;
      await expectClose(
        named,
        what,
        result,
        wanted,
        result.dtype,
        { ...accuracy, steps },
        i < plain.length ? cancels : cancels === false ? true : cancels,
      );
    }
  }

  function widened(x: Nd, i: number): Tensor {
    const dtype = dtypeOf(inputs, i);
    return asTensor(x, isFloat(dtype) ? "float64" : dtype);
  }
}

function dtypeOf(inputs: readonly Input[], i: number): DType {
  return (inputs[i] as Input).dtype;
}

function asTensor({ data, shape }: Nd, dtype: DType): Tensor {
  return makeTensor(data, shape, dtype);
}

function compiled(
  fn: (...given: Tensor[]) => readonly Tensor[],
  inputs: readonly Tensor[],
): readonly Tensor[] {
  const program = jit(fn);
  const results = program(...inputs);
  program.clear();
  return results;
}

function onOneThread<T>(fn: () => T): T {
  const addon = requireAddon();
  addon.setThreads(1);
  try {
    return fn();
  } finally {
    addon.setThreads(threads);
  }
}

/** The results of `run` and their derivatives by the float inputs, times random numbers. */
function withGradient(run: FuzzCase["run"], seed: number): FuzzCase["run"] {
  return (...inputs) => {
    const floats = inputs.map((x, i) => (isFloat(x.dtype) ? i : -1)).filter((i) => i >= 0);
    const [results, pull] = vjp(
      (...given: Tensor[]) => {
        const all = [...inputs];
        for (const [k, i] of floats.entries()) all[i] = given[k] as Tensor;
        return listOf(run(...all));
      },
      ...floats.map((i) => inputs[i] as Tensor),
    );
    const random = new Random(seed);
    // Few digits, so that all dtypes have the same numbers.
    const grads = results.map(({ shape, dtype, size }) =>
      makeTensor(
        Array.from({ length: size }, () => random.integer(-8, 8) / 8),
        shape,
        dtype,
      ),
    );
    return [...results, ...pull(grads)];
  };
}
