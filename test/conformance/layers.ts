/**
 * Cases of layers.
 *
 * @module
 */
import {
  jit,
  type Layer,
  type layers,
  Tensor,
  type Variable,
  valueAndGrad,
} from "../../src/index.ts";
import { getMask, setMask } from "../../src/keras/masks.ts";
import { isFloat } from "../../src/util/dtypes.ts";
import { toCamelCase } from "../../src/util/naming.ts";
import { flatten, isPlainObject, unflatten } from "../../src/util/pytree.ts";
import { makeObject } from "./objects.ts";
import { weightedSum } from "./ops.ts";
import { type Case, type CaseRunner, type Mode, withAlternatives } from "./run-case.ts";
import {
  arraysIn,
  type CaseArray,
  decode,
  difference,
  type Json,
  tagOf,
  toTensor,
} from "./values.ts";

interface CaseWeight {
  readonly path: string;
  readonly value: { readonly $array: CaseArray };
  readonly trainable: boolean;
}

/** Arguments of a call, rebuilt from flat tensors. */
interface Call {
  readonly tensors: readonly Tensor[];
  readonly run: (...tensors: Tensor[]) => unknown;
  /** Which of the tensors are inputs (the others are masks and options). */
  readonly inputCount: number;
}

function callOf(test: Case, layer: Layer): Call {
  const given = (test["inputs"] as Json[]).map((input) => decode(input));
  // What Keras's layers take by position after the inputs is an option here: the mask.
  const inputs = given.slice(0, layer.callParameters.length);
  const masks = ((test["input_masks"] as Json[] | undefined) ?? []).map((mask) => decode(mask));
  const kwargs = Object.fromEntries(
    Object.entries((test["call_kwargs"] ?? {}) as Record<string, Json>).map(([key, value]) => [
      toCamelCase(key),
      decode(value),
    ]),
  );
  if (given.length > inputs.length) kwargs["mask"] = given[inputs.length];
  // Python may also give inputs by name.
  for (const name of layer.callParameters.slice(inputs.length)) {
    if (!Object.hasOwn(kwargs, name)) break;
    inputs.push(kwargs[name]);
    delete kwargs[name];
  }
  if (test["training"] !== null) kwargs["training"] = test["training"];
  const tree = { inputs, kwargs, masks };
  const leaves = flatten(tree);
  // `inputs` comes first in the order of keys.
  const positions = leaves
    .map((leaf, i) => (leaf instanceof Tensor ? i : -1))
    .filter((i) => i >= 0);
  const inputCount = flatten(inputs).filter((leaf) => leaf instanceof Tensor).length;
  return {
    tensors: positions.map((i) => leaves[i] as Tensor),
    inputCount,
    run: (...tensors) => {
      const all = [...leaves];
      for (const [at, i] of positions.entries()) all[i] = tensors[at];
      const filled = unflatten(tree, all) as typeof tree;
      for (const [i, mask] of filled.masks.entries()) {
        const maskLeaves = flatten(mask);
        for (const [j, x] of flatten(filled.inputs[i]).entries()) setMask(x, maskLeaves[j] ?? null);
      }
      const options = Object.keys(filled.kwargs).length > 0 ? [filled.kwargs] : [];
      return layer.invoke([...filled.inputs, ...options]);
    },
  };
}

function build(test: Case, layer: Layer, call: Call): void {
  const shape = test["build_shape"];
  if (layer.built || shape === undefined) return;
  if (shape !== null) {
    layer.build(...(isPlainObject(shape) ? Object.values(shape) : [shape]));
  } else if ((test["weights"] as unknown[]).length > 0) call.run(...call.tensors);
}

function setState(test: Case, layer: Layer): Variable[] {
  const given = test["weights"] as CaseWeight[];
  const variables = stateOf(test, layer);
  if (variables.length !== given.length) {
    throw new Error(
      `the layer has ${variables.length} weights (${variables.map((v) => v.path).join(", ")}), ` +
        `the case ${given.length} (${given.map((w) => w.path).join(", ")})`,
    );
  }
  for (const [i, { value }] of given.entries())
    (variables[i] as Variable).assign(toTensor(value.$array));
  // What a stateful layer keeps between calls is no weight: cases start without it.
  if (isStateful(layer)) layer.resetState();
  return variables;
}

function isStateful(layer: Layer): layer is layers.RNN {
  return (layer as Partial<layers.RNN>).stateful === true;
}

/** The weights; with exact random numbers the rest of the state too. */
function stateOf(test: Case, layer: Layer): Variable[] {
  const { weights } = layer;
  if (test["exact_random"] !== true) return weights;
  return [...weights, ...layer.variables.filter((variable) => !weights.includes(variable))];
}

function runOnce<R>(mode: Mode, tensors: readonly Tensor[], fn: (...tensors: Tensor[]) => R): R {
  return mode === "jit" ? (jit(fn)(...(tensors as Tensor[])) as R) : fn(...tensors);
}

/** `layer`: output, masks, losses, gradients, state. */
export const runLayer: CaseRunner = async (test, mode) => {
  if (test["method"] !== undefined || test["adapt"] !== undefined) {
    makeObject<Layer>(test["layer"]);
    throw new Error(`this runner does not know method ${test["method"]} and adapt`);
  }
  const layer = makeObject<Layer>(test["layer"]);
  const call = callOf(test, layer);
  build(test, layer, call);
  const variables = setState(test, layer);
  if (test["random"] === true) return runRandomLayer(test, mode, layer, call);
  const forward = (...tensors: Tensor[]): unknown[] => {
    const output = call.run(...tensors);
    return [output, flatten(output).map(getMask), layer.losses];
  };
  const [output, masks, losses] = runOnce(mode, call.tensors, forward) as [
    unknown,
    (Tensor | null)[],
    Tensor[],
  ];
  const after = variables.map((variable) => variable.value);
  const gradients = test["cotangent"] === undefined ? null : gradientsOf(test, mode, layer, call);
  return withAlternatives(test, async (expected) => {
    let reason = await difference(output, expected["output"] as Json, test.tol);
    if (reason !== null) return reason;
    const wantedMask = expected["output_mask"] as Json | undefined;
    if (wantedMask !== undefined && wantedMask !== null) {
      const mask = masks.length === 1 ? masks[0] : masks;
      reason = await difference(mask, wantedMask, test.tol, "output_mask");
      if (reason !== null) return reason;
    }
    if (expected["losses"] !== undefined) {
      reason = await difference(losses, expected["losses"] as Json, test.tol, "losses");
      if (reason !== null) return reason;
    }
    if (expected["weights_after"] !== undefined) {
      const wanted = (expected["weights_after"] as (CaseWeight | { $array: CaseArray })[]).map(
        (w) => ("value" in w ? w.value : w),
      );
      reason = await difference(after, wanted as unknown as Json, test.tol, "weights_after");
      if (reason !== null) return reason;
    }
    if (gradients === null) return null;
    reason = await difference(
      gradients.inputs,
      flattenCase(expected["input_grads"] as Json),
      test.tol,
      "input_grads",
    );
    if (reason !== null) return reason;
    return difference(
      gradients.weights,
      expected["weight_grads"] as Json,
      test.tol,
      "weight_grads",
    );
  });
};

/** A tree of arrays and nulls as a list. */
function flattenCase(value: Json): Json[] {
  if (value === null || tagOf(value) === "$array") return [value];
  if (tagOf(value) === "$tuple") return flattenCase((value as { $tuple: Json }).$tuple);
  if (Array.isArray(value)) return value.flatMap(flattenCase);
  const object = value as Record<string, Json>;
  return Object.keys(object)
    .sort()
    .flatMap((key) => flattenCase(object[key] as Json));
}

function gradientsOf(
  test: Case,
  mode: Mode,
  layer: Layer,
  call: Call,
): { inputs: (Tensor | null)[]; weights: (Tensor | null)[] } {
  const cotangents = flattenCase(test["cotangent"] as Json).map((c) =>
    c === null ? null : (c as unknown as { $array: CaseArray }).$array,
  );
  const scalar = (...tensors: Tensor[]): Tensor =>
    weightedSum(flatten(call.run(...tensors)), cotangents);
  const positions = call.tensors
    .map((tensor, i) => (i < call.inputCount && isFloat(tensor.dtype) ? i : -1))
    .filter((i) => i >= 0);
  setState(test, layer);
  const byInput = runOnce(mode, call.tensors, (...tensors: Tensor[]) =>
    positions.length === 0 ? [] : valueAndGrad(scalar, { argnums: positions })(...tensors)[1],
  ) as Tensor[];
  const variables = setState(test, layer);
  const wanted = (test["weight_grads"] as Json[] | undefined) ?? [];
  const trained = variables.filter((_, i) => wanted[i] !== null && wanted[i] !== undefined);
  const byWeight = runOnce(mode, call.tensors, (...tensors: Tensor[]) =>
    trained.length === 0 ? [] : valueAndGrad(scalar, { variables: trained })(...tensors)[1],
  ) as (Tensor | null)[];
  const expectedInputs = flattenCase((test["input_grads"] as Json) ?? []);
  return {
    inputs: expectedInputs.map((expected, i) => {
      const at = positions.indexOf(i);
      return expected === null || at < 0 ? null : (byInput[at] as Tensor);
    }),
    weights: wanted.map((_, i) => {
      const at = trained.indexOf(variables[i] as Variable);
      return at < 0 ? null : (byWeight[at] as Tensor | null);
    }),
  };
}

interface Properties {
  readonly samples?: number;
  readonly mean?: { readonly $array: CaseArray };
  readonly std?: { readonly $array: CaseArray };
  readonly min?: number;
  readonly max?: number;
  readonly zero_fraction?: number;
  readonly one_of?: readonly Json[];
  readonly shape_varies?: boolean;
}

/** Random output: shape and dtype, and statistics over as many calls as Keras made. */
async function runRandomLayer(
  test: Case,
  mode: Mode,
  layer: Layer,
  call: Call,
): Promise<string | null> {
  const given = test["properties"] as Properties | readonly Properties[];
  const all = Array.isArray(given) ? (given as Properties[]) : [given as Properties];
  const expected = arraysIn(test["output"] as Json);
  const fn = mode === "jit" ? jit((...tensors: Tensor[]) => call.run(...tensors)) : call.run;
  const samples = Math.max(1, ...all.map((p) => p.samples ?? 1));
  const draws: Float64Array[][] = expected.map(() => []);
  if (isStateful(layer)) {
    // Keras's samples are from where the states that calls leave had settled.
    for (let i = 0; i < samples; i++) fn(...call.tensors);
  }
  for (let i = 0; i < samples; i++) {
    const outputs = flatten(fn(...call.tensors)) as Tensor[];
    for (const [j, output] of outputs.entries()) {
      const wanted = expected[j] as CaseArray;
      if (output.dtype !== wanted.dtype) return `dtype ${output.dtype}, expected ${wanted.dtype}`;
      const isSameShape = output.shape.join() === wanted.shape.join();
      if (!isSameShape && all[j]?.shape_varies !== true) {
        return `shape [${output.shape}], expected [${wanted.shape}]`;
      }
      draws[j]?.push(Float64Array.from((await output.data()) as Iterable<number>));
    }
  }
  for (const [j, properties] of all.entries()) {
    const reason = await differenceOfDraws(draws[j] as Float64Array[], properties);
    if (reason !== null) return `output ${j}: ${reason}`;
  }
  return null;
}

async function differenceOfDraws(
  draws: readonly Float64Array[],
  properties: Properties,
): Promise<string | null> {
  if (properties.mean === undefined || properties.std === undefined) return null;
  const means = Array.from((await toTensor(properties.mean.$array).data()) as Iterable<number>);
  const stds = Array.from((await toTensor(properties.std.$array).data()) as Iterable<number>);
  const count = draws.length;
  const zeros =
    draws.reduce((sum, draw) => sum + draw.filter((x) => x === 0).length, 0) /
    (count * means.length);
  for (const [i, mean] of means.entries()) {
    const actual = draws.reduce((sum, draw) => sum + (draw[i] as number), 0) / count;
    // Both means come from as many samples.
    const room =
      (8 * Math.SQRT2 * (stds[i] as number)) / Math.sqrt(count) + 1e-3 * Math.abs(mean) + 1e-6;
    if (!(Math.abs(actual - mean) <= room))
      return `mean of element ${i} is ${actual}, expected ${mean}`;
  }
  const fraction = properties.zero_fraction ?? zeros;
  const room = 0.03 + 8 / Math.sqrt(count * means.length);
  return Math.abs(zeros - fraction) <= room ? null : `${zeros} are zero, expected ${fraction}`;
}
