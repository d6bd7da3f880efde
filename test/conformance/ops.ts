/**
 * Cases of functions: `op`, `activation`, `dtype_promotion`, `random`,
 * `random_exact`, `seed_generator`.
 *
 * @module
 */
import { jit, ops, random, Tensor, valueAndGrad } from "../../src/index.ts";
import { fill } from "../../src/tensor/fill.ts";
import type { Parameter } from "../../src/tensor/public-op.ts";
import { type DType, isFloat } from "../../src/util/dtypes.ts";
import { flatten } from "../../src/util/pytree.ts";
import { callFunction, functionNamed } from "./call.ts";
import { type Case, type CaseRunner, type Mode, withAlternatives } from "./run-case.ts";
import { alignedWith } from "./up-to.ts";
import {
  arraysIn,
  type CaseArray,
  decode,
  difference,
  differenceOfNumbers,
  elements,
  type Json,
  listOf,
  tagOf,
  toInput,
  toTensor,
} from "./values.ts";

/** Runs `fn` on arrays as it is or compiled. */
export function runOn<R>(mode: Mode, inputs: readonly Tensor[], fn: (...inputs: Tensor[]) => R): R {
  return mode === "jit" ? (jit(fn)(...(inputs as Tensor[])) as R) : fn(...inputs);
}

/** Arguments that are lists of numbers, whatever holds them in Python. */
const lists: ReadonlySet<string> = new Set(["shape"]);
/** Functions that Keras gave NumPy arrays, which nested lists stand for. */
const ofNumPyArrays: ReadonlySet<string> = new Set(["keras.utils.to_categorical"]);
/** Arguments whose values say what shape comes out: known when a program is made. */
const statics: ReadonlySet<string> = new Set([
  "axis",
  "indices_or_sections",
  "num",
  "repeats",
  "shift",
]);
/** Functions of a length, all of whose arguments are such. */
const windows = /^keras\.ops\.(bartlett|blackman|hamming|hanning|kaiser)$/;

/** Decodes arguments so that the n-th array in them is the n-th input. */
function argumentsOf(
  test: Case,
  inputs: readonly Tensor[],
): { args: unknown[]; kwargs: Record<string, unknown> } {
  let next = 0;
  const take = (): Tensor => inputs[next++] as Tensor;
  const { signature } = functionNamed(test["name"] as string);
  // Where Keras takes no tensor an array stands for a list.
  const convert = (value: Json, parameter: Parameter | undefined): unknown =>
    decode(value, (array) => {
      const input = take();
      const name = parameter?.kerasName ?? "";
      if (lists.has(name)) return listOf(array);
      if (ofNumPyArrays.has(test["name"] as string)) return toTensor(array).arraySync();
      const isStatic = statics.has(name) || windows.test(test["name"] as string);
      return isStatic ? toTensor(array) : input;
    });
  const args = (test["args"] as Json[]).map((value, i) =>
    convert(value, signature?.variadic === true ? undefined : signature?.parameters[i]),
  );
  const kwargs = Object.fromEntries(
    Object.entries((test["kwargs"] ?? {}) as Record<string, Json>).map(([k, v]) => [
      k,
      convert(
        v,
        signature?.parameters.find(({ kerasName }) => kerasName === k),
      ),
    ]),
  );
  return { args, kwargs };
}

/** What these return is called at once, with the arguments after the first. */
const returnsFunction: ReadonlySet<string> = new Set([
  "keras.ops.custom_gradient",
  "keras.ops.vectorize",
]);
/** What these give is no tensor: they run as they are, not in a program. */
const leavesTensors: ReadonlySet<string> = new Set(["keras.ops.convert_to_numpy"]);

/** `op`: values, and gradients where the case has them. */
export const runOp: CaseRunner = async (test, mode) => {
  const fn = functionNamed(test["name"] as string);
  const arrays = arraysIn([test["args"] as Json, (test["kwargs"] ?? {}) as Json]);
  // Complex ones, too, which ops take in place of tensors.
  const inputs = arrays.map((array) => toInput(array) as Tensor);
  const call = (...given: Tensor[]): unknown => {
    const { args, kwargs } = argumentsOf(test, given);
    if (!returnsFunction.has(test["name"] as string)) return callFunction(fn, args, kwargs);
    const [first, ...rest] = args;
    return (callFunction(fn, [first], kwargs) as (...given: unknown[]) => unknown)(...rest);
  };
  const output = runOn(leavesTensors.has(test["name"] as string) ? "eager" : mode, inputs, call);
  const gradients =
    test["cotangent"] === undefined
      ? null
      : runOn(mode, inputs, (...given) => gradientsOf(call, given, test["cotangent"] as Json));
  if (test["up_to"] === "partition") {
    const args = test["args"] as Json[];
    return differenceOfPartitions(output as Tensor, test["output"] as Json, args[1] as number, {
      axis: -1,
      ...(test["kwargs"] as object),
    });
  }
  return withAlternatives(test, async (expected) => {
    const own = await alignedWith(test, output, expected["output"] as Json);
    const reason = await difference(own, expected["output"] as Json, test.tol);
    if (reason !== null || gradients === null) return reason;
    for (const [i, wanted] of (expected["input_grads"] as Json[]).entries()) {
      // No gradient in Keras: ours is zero everywhere.
      const own = gradients[i] ?? null;
      const reason =
        wanted === null && own !== null
          ? await differenceOfNumbers(
              Array.from((await own.data()) as ArrayLike<number>),
              new Array<number>(own.size).fill(0),
              { atol: 0, rtol: 0 },
              `input_grads[${i}]`,
            )
          : await difference(own, wanted, test.tol, `input_grads[${i}]`);
      if (reason !== null) return reason;
    }
    return null;
  });
};

/**
 * Why indices do not part an axis at `kth` as expected. Within the parts any
 * order is right, so that the first part and being a permutation say it all.
 */
async function differenceOfPartitions(
  actual: Tensor,
  expected: Json,
  kth: number,
  { axis }: { axis: number | null },
): Promise<string | null> {
  const wanted = toTensor((expected as unknown as { $array: CaseArray }).$array);
  const along = axis ?? 0;
  const first = (x: Tensor): Tensor =>
    ops.sort(ops.split(x, [kth + 1], { axis: along })[0] as Tensor, { axis: along });
  const places = ops.argsort(ops.argsort(actual, { axis: along }), { axis: along });
  const exactly = { atol: 0, rtol: 0 };
  const values = async (x: Tensor): Promise<number[]> =>
    Array.from((await x.data()) as ArrayLike<number>);
  return (
    (await differenceOfNumbers(
      await values(actual),
      await values(places),
      exactly,
      "permutation",
    )) ??
    differenceOfNumbers(
      await values(first(actual)),
      await values(first(wanted)),
      exactly,
      "first part",
    )
  );
}

/** Gradients of sum(output * cotangent), null for inputs that have none. */
export function gradientsOf(
  call: (...inputs: Tensor[]) => unknown,
  inputs: readonly Tensor[],
  cotangent: Json,
): (Tensor | null)[] {
  const positions = inputs.map((x, i) => (isFloat(x.dtype) ? i : -1)).filter((i) => i >= 0);
  const weights = arraysOrNull(cotangent);
  const [, gradients] = valueAndGrad(
    (...given: Tensor[]) => weightedSum(flatten(call(...given)), weights),
    { argnums: positions },
  )(...inputs);
  return inputs.map((_, i) => {
    const at = positions.indexOf(i);
    return at < 0 ? null : (gradients[at] as Tensor);
  });
}

function arraysOrNull(cotangent: Json): (CaseArray | null)[] {
  if (cotangent === null) return [null];
  if (tagOf(cotangent) === "$array")
    return [(cotangent as unknown as { $array: CaseArray }).$array];
  if (tagOf(cotangent) === "$tuple") return arraysOrNull((cotangent as { $tuple: Json }).$tuple);
  if (Array.isArray(cotangent)) return cotangent.flatMap(arraysOrNull);
  return Object.keys(cotangent as object)
    .sort()
    .flatMap((key) => arraysOrNull((cotangent as Record<string, Json>)[key] as Json));
}

/** sum(output * cotangent) over all outputs that have one. */
export function weightedSum(
  outputs: readonly unknown[],
  weights: readonly (CaseArray | null)[],
): Tensor {
  let total: Tensor | null = null;
  for (const [i, weight] of weights.entries()) {
    const output = outputs[i];
    if (weight === null || !(output instanceof Tensor)) continue;
    const term = ops.sum(
      ops.multiply(ops.cast(output, "float64"), ops.cast(toTensor(weight), "float64")),
    );
    total = total === null ? term : ops.add(total, term);
  }
  return total ?? fill([], "float64", 0);
}

/** `activation`: values and the gradient of their sum. */
export const runActivation: CaseRunner = async (test, mode) => {
  const fn = functionNamed(test["name"] as string);
  const input = toTensor((test["input"] as { $array: CaseArray }).$array);
  const kwargs = decode((test["kwargs"] ?? {}) as Json) as Record<string, unknown>;
  const call = (x: Tensor): unknown => callFunction(fn, [x], kwargs);
  const output = runOn(mode, [input], call);
  const gradient = runOn(mode, [input], (x) => {
    const [, dx] = valueAndGrad((given: Tensor) => ops.sum(call(given) as Tensor))(x);
    return dx;
  });
  return withAlternatives(test, async (expected) => {
    const reason = await difference(output, expected["output"] as Json, test.tol);
    if (reason !== null || expected["grad"] === undefined) return reason;
    return difference(gradient, expected["grad"] as Json, test.tol, "grad");
  });
};

/** `dtype_promotion`: only the dtype of the result. */
export const runPromotion: CaseRunner = async (test) => {
  const fn = functionNamed(test["name"] as string);
  const spec = (value: Json): unknown => {
    if (tagOf(value) === "$spec") {
      const { dtype, shape } = (value as { $spec: { dtype: string; shape: number[] } }).$spec;
      return fill(shape, dtype as DType, 1);
    }
    return Array.isArray(value) ? value.map(spec) : decode(value);
  };
  const args = (test["args"] as Json[]).map(spec);
  const kwargs = Object.fromEntries(
    Object.entries((test["kwargs"] ?? {}) as Record<string, Json>).map(([k, v]) => [k, spec(v)]),
  );
  const outputs = flatten(callFunction(fn, args, kwargs)).map((x) => (x as Tensor).dtype);
  const expected = flatten(test["output"]);
  return outputs.join() === expected.join()
    ? null
    : `dtype ${outputs.join()}, expected ${expected.join()}`;
};

interface Properties {
  readonly count: number;
  readonly mean: number;
  readonly std: number;
  readonly min: number;
  readonly max: number;
  readonly zeros: number;
  readonly quantiles?: readonly number[];
}

/** Why a sample does not look like one of those properties. */
export async function differenceOfSample(
  sample: Tensor,
  properties: Properties,
): Promise<string | null> {
  const half = sample.dtype === "float16" || sample.dtype === "bfloat16" ? 0.02 : 0;
  const values = elements(
    "float64",
    Array.from((await sample.data()) as Iterable<number | bigint>),
  ).map(Number);
  const n = values.length;
  if (n !== properties.count) return `count ${n}, expected ${properties.count}`;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const std = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / n);
  const zeros = values.filter((v) => v === 0).length / n;
  const error =
    (8 * properties.std) / Math.sqrt(n) + half * Math.abs(properties.mean) + half * properties.std;
  if (!(Math.abs(mean - properties.mean) <= error + 1e-12)) {
    return `mean ${mean}, expected ${properties.mean} within ${error}`;
  }
  if (!(Math.abs(std - properties.std) <= (0.05 + half) * properties.std + 1e-12)) {
    return `std ${std}, expected ${properties.std}`;
  }
  if (!(Math.abs(zeros - properties.zeros) <= 0.03 + half)) {
    return `zeros ${zeros}, expected ${properties.zeros}`;
  }
  return null;
}

/** `random`: a sample by its statistics. */
export const runRandom: CaseRunner = async (test, mode) => {
  const fn = functionNamed(test["name"] as string);
  const arrays = arraysIn([test["args"] as Json, (test["kwargs"] ?? {}) as Json]);
  const inputs = arrays.map(toTensor);
  const sample = runOn(mode, inputs, (...given) => {
    const { args, kwargs } = argumentsOf(test, given);
    return callFunction(fn, args, kwargs) as Tensor;
  });
  if (sample.shape.join() !== (test["shape"] as number[]).join())
    return `shape [${sample.shape.join()}]`;
  if (sample.dtype !== decode(test["dtype"] as Json)) return `dtype ${sample.dtype}`;
  const reason = await differenceOfSample(sample, test["properties"] as Properties);
  if (reason !== null) return reason;
  const axis = test["permutes_axis"] as number | undefined;
  if (axis !== undefined) {
    const given = callArgument(test, inputs);
    const own = await ops.sort(sample, { axis: null }).data();
    const theirs = await ops.sort(given, { axis: null }).data();
    if (
      Array.from(own as Iterable<number>).join() !== Array.from(theirs as Iterable<number>).join()
    ) {
      return "not a permutation";
    }
  }
  for (const constant of (test["constant_axes"] ?? []) as number[]) {
    const spread = ops.subtract(
      ops.max(sample, { axis: constant }),
      ops.min(sample, { axis: constant }),
    );
    if (Number(await ops.max(spread).item()) !== 0) return `varies along axis ${constant}`;
  }
  return null;
};

function callArgument(test: Case, inputs: readonly Tensor[]): Tensor {
  const [first] = test["args"] as Json[];
  return inputs[0] ?? (decode(first as Json) as Tensor);
}

/** `random_exact`: the very numbers. */
export const runRandomExact: CaseRunner = async (test, mode) => {
  const fn = functionNamed(test["name"] as string);
  if (test["times"] === undefined) return runOp(test, mode);
  const generator = new random.SeedGenerator(test["seed"] as number);
  const arrays = arraysIn([test["args"] as Json, (test["kwargs"] ?? {}) as Json]);
  const inputs = arrays.map(toTensor);
  const draw = (...given: Tensor[]): unknown => {
    const { args, kwargs } = argumentsOf(test, given);
    return callFunction(fn, args, { ...kwargs, seed: generator });
  };
  const run = mode === "jit" ? jit(draw) : draw;
  for (let i = 0; i < (test["times"] as number); i++) {
    const output = run(...inputs);
    const reason =
      (await difference(
        output,
        (test["outputs"] as Json[])[i] as Json,
        test.tol,
        `outputs[${i}]`,
      )) ??
      (await difference(
        generator.state.value,
        (test["states"] as Json[])[i] as Json,
        undefined,
        `states[${i}]`,
      ));
    if (reason !== null) return reason;
  }
  return null;
};

/** `seed_generator`: states and what `next` returns. */
export const runSeedGenerator: CaseRunner = async (test, mode) => {
  const generator = new random.SeedGenerator(test["seed"] as number);
  const check = async (actual: Tensor, expected: Json, where: string): Promise<string | null> => {
    // The states as numbers: their dtype depends on the backend.
    const words = (expected as number[]).map((v) => Number(BigInt.asUintN(32, BigInt(v))));
    return differenceOfNumbers(
      Array.from((await actual.data()) as Iterable<number>),
      words,
      { atol: 0, rtol: 0 },
      where,
    );
  };
  const initial = await check(generator.state.value, test["initial"] as Json, "initial");
  if (initial !== null) return initial;
  for (const [i, ordered] of (test["ordered"] as boolean[]).entries()) {
    const next = (): Tensor => generator.next(ordered);
    const returned = mode === "jit" ? jit(next)() : next();
    const reason = await check(returned, (test["returned"] as Json[])[i] as Json, `returned[${i}]`);
    if (reason !== null) return reason;
  }
  return check(generator.state.value, test["state"] as Json, "state");
};
