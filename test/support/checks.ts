/**
 * The checks of `opTest`. Each throws an error that says what differs where.
 *
 * @module
 */

import { vjp } from "../../src/autograd/grad.ts";
import { jit } from "../../src/jit/jit.ts";
import { KerasTensor } from "../../src/keras/keras-tensor.ts";
import { inferSymbolic } from "../../src/keras/symbolic.ts";
import { type Tape, type TapeEntry, withTape } from "../../src/tensor/context.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { type DType, isFloat } from "../../src/util/dtypes.ts";
import { availableDTypes, type TestBackend } from "./backends.ts";
import {
  accuracyOf,
  type Call,
  callsOf,
  floats,
  gradientAccuracyOf,
  listOf,
  makeCall,
  shapesOf,
  tensorsOf,
} from "./calls.ts";
import { expectClose, expectSame, failure, type Where } from "./compare.ts";
import { checkGradient, checkSecondDerivative } from "./gradients.ts";
import { uniform } from "./inputs.ts";
import { layouts, makeSource, makeTensor, type Source, valuesOf } from "./layouts.ts";
import type { Nd } from "./nd.ts";
import type { NamedSpec } from "./op-test.ts";
import { Random } from "./random.ts";

/** A check of an op on a backend. */
export type Check = (spec: NamedSpec, backend: TestBackend) => Promise<void>;

function resultDTypes(spec: NamedSpec, call: Call, outputs: number): readonly DType[] {
  const { resultDType } = spec;
  const given =
    typeof resultDType === "function"
      ? resultDType(call.where.dtype)
      : (resultDType ?? call.dtypes[0] ?? call.where.dtype);
  return typeof given === "string" ? new Array<DType>(outputs).fill(given) : given;
}

async function values(spec: NamedSpec, backend: TestBackend): Promise<void> {
  await backend.use();
  for (const dtype of availableDTypes(spec.dtypes ?? floats)) {
    for (const call of await callsOf(spec, backend, "values", dtype)) {
      const expected = listOf(spec.reference(...call.values));
      const accuracy = accuracyOf(spec, call.where.shapes);
      for (const layout of spec.layouts ?? layouts) {
        const where = { ...call.where, layout };
        const inputs = call.values.map((value, i) => {
          const { stored, view } = makeSource(layout, value, call.dtypes[i] as DType);
          return view(stored);
        });
        const results = listOf(spec.run(...inputs));
        if (results.length !== expected.length) {
          throw failure(where, `${results.length} results, expected ${expected.length}.`);
        }
        const dtypes = resultDTypes(spec, call, results.length);
        for (const [i, result] of results.entries()) {
          const what = results.length === 1 ? "the result" : `result ${i}`;
          const wanted = expected[i] as Nd;
          await expectClose(
            where,
            what,
            result,
            wanted,
            dtypes[i] as DType,
            accuracy,
            spec.cancels ?? accuracy.length > 1,
          );
        }
      }
    }
  }
}

async function compiled(spec: NamedSpec, backend: TestBackend): Promise<void> {
  await backend.use();
  for (const dtype of availableDTypes(spec.dtypes ?? floats)) {
    for (const call of await callsOf(spec, backend, "compiled", dtype)) {
      for (const layout of spec.layouts ?? layouts) {
        const where = { ...call.where, layout };
        const sources = call.values.map((value, i) =>
          makeSource(layout, value, call.dtypes[i] as DType),
        );
        const stored = sources.map((source) => source.stored);
        const fn = (...given: Tensor[]): readonly Tensor[] =>
          listOf(spec.run(...given.map((x, i) => (sources[i] as Source).view(x))));
        const program = jit(fn, { name: spec.name });
        const eager = fn(...stored);
        const results = program(...stored);
        for (const [i, result] of results.entries()) {
          await expectSame(where, `compiled result ${i}`, result, eager[i] as Tensor);
        }
        program.clear();
      }
    }
  }
}

/** The inputs of a call as symbolic tensors. */
function symbols(
  call: Call,
  shapes: readonly (readonly (number | null)[])[],
): readonly KerasTensor[] {
  return shapes.map((shape, i) => new KerasTensor(shape, { dtype: call.dtypes[i] as DType }));
}

async function symbolic(spec: NamedSpec, backend: TestBackend): Promise<void> {
  await backend.use();
  await eachSymbolic(spec, backend, "symbolic", (inputs) =>
    inferSymbolic(spec.name, inputs, (given) => spec.run(...(given as Tensor[]))),
  );
}

/** The public op itself on symbolic tensors, which records an operation. */
async function operation(spec: NamedSpec, backend: TestBackend): Promise<void> {
  await backend.use();
  if (shapesOf(spec).every((shapes) => shapes.length === 0)) return;
  const run = spec.run as unknown as (...x: readonly KerasTensor[]) => unknown;
  await eachSymbolic(spec, backend, "operation", (inputs) => run(...inputs));
}

/** Compares what `infer` gives for symbolic inputs with eager results, for each call. */
async function eachSymbolic(
  spec: NamedSpec,
  backend: TestBackend,
  check: string,
  infer: (inputs: readonly KerasTensor[]) => unknown,
): Promise<void> {
  const dtype = availableDTypes(spec.dtypes ?? floats)[0];
  if (dtype === undefined) return;
  for (const call of await callsOf(spec, backend, check, dtype)) {
    const { where } = call;
    const { shapes } = where;
    const eager = listOf(spec.run(...tensorsOf(call)));
    const on = (given: readonly (readonly (number | null)[])[]): readonly KerasTensor[] =>
      listOf(infer(symbols(call, given)) as KerasTensor | readonly KerasTensor[]);
    compareSymbolic(
      where,
      on(shapes),
      eager.map(({ shape }) => shape),
      eager,
    );
    // With the first axis of all inputs unknown: what follows it is unknown too.
    const length = shapes[0]?.[0];
    if (spec.unknownAxes === false || length === undefined) continue;
    const replaced = <D>(by: D): (readonly (number | D)[])[] =>
      shapes.map((shape) =>
        shape.length > 0 && shape[0] === length ? [by, ...shape.slice(1)] : shape,
      );
    const runs: (readonly Tensor[])[] = [];
    for (const other of [length + 2, length + 5]) {
      const longer = { ...where, shapes: replaced(other) };
      const made = await makeCall(spec, longer, longer.shapes, spec.seed);
      runs.push(listOf(spec.run(...tensorsOf(made))));
    }
    const [first, second] = runs as [readonly Tensor[], readonly Tensor[]];
    const expected = first.map(({ shape }, k) =>
      shape.map((dim, axis) => (second[k]?.shape[axis] === dim ? dim : null)),
    );
    const open = { ...where, check: `${check}, first axis unknown` };
    compareSymbolic(open, on(replaced(null)), expected, eager);
  }
}

function compareSymbolic(
  where: Where,
  results: readonly KerasTensor[],
  shapes: readonly (readonly (number | null)[])[],
  eager: readonly Tensor[],
): void {
  if (results.length !== eager.length) {
    throw failure(where, `${results.length} symbolic results, expected ${eager.length}.`);
  }
  for (const [i, result] of results.entries()) {
    const { dtype } = eager[i] as Tensor;
    if (result.dtype !== dtype) {
      throw failure(where, `symbolic result ${i} has dtype ${result.dtype}, eager ${dtype}.`);
    }
    const wanted = shapes[i] as readonly (number | null)[];
    if (JSON.stringify(result.shape) !== JSON.stringify(wanted)) {
      throw failure(
        where,
        `symbolic result ${i} has shape ${JSON.stringify(result.shape)}, expected ` +
          `${JSON.stringify(wanted)}.`,
      );
    }
  }
}

/** Everything that a function runs. */
function recorded(fn: () => void): TapeEntry[] {
  const tape: Tape = { entries: [], reads: new Map() };
  withTape(tape, fn);
  return tape.entries;
}

/** Runs the op and, where it has one, its gradient. */
function runWhole(spec: NamedSpec, inputs: readonly Tensor[]): TapeEntry[] {
  return recorded(() => {
    const canDifferentiate =
      spec.differentiable !== false &&
      spec.differentiable !== "throws" &&
      inputs.some((x) => isFloat(x.dtype));
    if (!canDifferentiate) {
      spec.run(...inputs);
      return;
    }
    const [result, pull] = vjp((...given: Tensor[]) => listOf(spec.run(...given)), ...inputs);
    pull(result);
  });
}

async function primitives(spec: NamedSpec, backend: TestBackend): Promise<void> {
  if (spec.ops === undefined) return;
  await backend.use();
  const dtype = availableDTypes(spec.dtypes ?? floats)[0];
  if (dtype === undefined) return;
  const calls = await callsOf(spec, backend, "primitives", dtype);
  const names = new Set(
    calls.flatMap((call) => runWhole(spec, tensorsOf(call)).map(({ op }) => op.name)),
  );
  for (const name of spec.ops) {
    if (!names.has(name)) {
      throw failure(
        (calls[0] as Call).where,
        `the primitive "${name}" is not run; these are: ${[...names].sort().join(", ")}.`,
      );
    }
  }
}

async function decomposition(spec: NamedSpec, backend: TestBackend): Promise<void> {
  await backend.use();
  for (const dtype of availableDTypes(spec.dtypes ?? floats)) {
    if (!isFloat(dtype)) continue;
    for (const call of await callsOf(spec, backend, "decomposition", dtype)) {
      const entries = runWhole(spec, tensorsOf(call)).filter(
        ({ op }) => op.decompose !== undefined && (spec.ops ?? []).includes(op.name),
      );
      for (const entry of entries) await checkDecomposition(spec, call, entry);
    }
  }
}

async function checkDecomposition(spec: NamedSpec, call: Call, entry: TapeEntry): Promise<void> {
  const { op, inputs, attributes, outputs } = entry;
  const decompose = op.decompose as NonNullable<typeof op.decompose>;
  const accuracy = gradientAccuracyOf(spec, call.where.shapes);
  const where = { ...call.where, check: `decomposition of ${op.name}` };
  const compare = async (
    what: string,
    made: readonly Tensor[],
    own: readonly Tensor[],
  ): Promise<void> => {
    for (const [i, x] of made.entries()) {
      const expected = own[i] as Tensor;
      await expectClose(
        where,
        `${what} ${i}`,
        x,
        await valuesOf(expected),
        expected.dtype,
        accuracy,
        spec.gradientCancels ?? true,
      );
    }
  };
  const made = listOf(decompose(inputs, attributes) as Tensor | readonly Tensor[]);
  if (made.length !== outputs.length) {
    throw failure(where, `${made.length} results, expected ${outputs.length}.`);
  }
  await compare("decomposed result", made, outputs);
  if (op.vjp === null || op.vjp === "decompose") return;
  // Its own derivative against that of its parts.
  const needed = inputs.map((x, i) => (isFloat(x.dtype) ? i : -1)).filter((i) => i >= 0);
  if (needed.length === 0 || !outputs.every((x) => isFloat(x.dtype))) return;
  const [, pull] = vjp(
    (...floats: Tensor[]) =>
      listOf(
        decompose(
          inputs.map((x, i) => (needed.includes(i) ? (floats[needed.indexOf(i)] as Tensor) : x)),
          attributes,
        ) as Tensor | readonly Tensor[],
      ),
    ...needed.map((i) => inputs[i] as Tensor),
  );
  const random = new Random(spec.seed);
  const grads = outputs.map((x) =>
    makeTensor(uniform(-1, 1).values(random, x.shape, x.dtype, []), x.shape, x.dtype),
  );
  const own = op.vjp({ inputs, outputs, grads, needs: (i) => needed.includes(i) }, attributes);
  const viaParts = pull(grads);
  for (const [k, i] of needed.entries()) {
    const gradient = own[i];
    if (gradient === null || gradient === undefined) {
      // A derivative that is zero everywhere.
      const { data } = await valuesOf(viaParts[k] as Tensor);
      if (data.some((value) => value !== 0)) {
        throw failure(where, `there is no gradient of input ${i}, but its decomposition has one.`);
      }
      continue;
    }
    await compare(
      `gradient of the decomposition, input ${i},`,
      [viaParts[k] as Tensor],
      [gradient],
    );
  }
}

/** All checks under their names, in the order in which they are run. */
export const checks: Readonly<Record<string, Check>> = {
  values,
  compiled,
  symbolic,
  operation,
  primitives,
  decomposition,
  gradient: checkGradient,
  "second derivative": checkSecondDerivative,
};
