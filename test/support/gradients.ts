/**
 * Derivatives against differences.
 *
 * In float64 ⟨v, Jᵀu⟩ is compared with the change of ⟨u, f⟩ along random
 * directions v; the other float dtypes are compared with the float64 gradient
 * at the same point.
 *
 * @module
 */
import { vjp } from "../../src/autograd/grad.ts";
import { jit } from "../../src/jit/jit.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { type DType, isFloat } from "../../src/util/dtypes.ts";
import { GradientError } from "../../src/util/errors.ts";
import { availableDTypes, backends, type TestBackend } from "./backends.ts";
import { type Call, callsOf, floats, gradientAccuracyOf, listOf, tensorsOf } from "./calls.ts";
import { expectClose, expectSame, failure, type Where } from "./compare.ts";
import { makeTensor, valuesOf } from "./layouts.ts";
import type { Nd } from "./nd.ts";
import type { NamedSpec } from "./op-test.ts";
import { Random } from "./random.ts";
import { gradientTolerance } from "./tolerances.ts";

/** How many directions: dense ones, and single elements. */
const directions = { dense: 2, single: 4 } as const;

/** A function of the differentiated inputs, and the point where it is taken. */
interface Problem {
  readonly where: Where;
  /** The differentiated inputs. */
  readonly point: readonly Nd[];
  readonly dtypes: readonly DType[];
  /** The float outputs. */
  readonly fn: (...inputs: Tensor[]) => Tensor[];
}

function problemOf(spec: NamedSpec, call: Call): Problem {
  const all = tensorsOf(call);
  const argnums =
    spec.argnums ?? all.map((x, i) => (isFloat(x.dtype) ? i : -1)).filter((i) => i >= 0);
  return {
    where: call.where,
    point: argnums.map((i) => call.values[i] as Nd),
    dtypes: argnums.map((i) => call.dtypes[i] as DType),
    fn: (...given) => {
      const inputs = [...all];
      for (const [k, i] of argnums.entries()) inputs[i] = given[k] as Tensor;
      return listOf(spec.run(...inputs)).filter((x) => isFloat(x.dtype));
    },
  };
}

function tensors(list: readonly Nd[], dtypes: readonly DType[]): Tensor[] {
  return list.map(({ data, shape }, i) => makeTensor(data, shape, dtypes[i] as DType));
}

function randomLike(list: readonly Nd[], random: Random): Nd[] {
  return list.map(({ shape, data }) => ({ shape, data: data.map(() => random.uniform(-1, 1)) }));
}

/** Jᵀu of a function, as a function. */
function pullOf(fn: Problem["fn"], weights: readonly Tensor[]): Problem["fn"] {
  return (...inputs) => {
    const [, pull] = vjp(fn, ...inputs);
    return pull([...weights]);
  };
}

async function readAll(list: readonly Tensor[]): Promise<Nd[]> {
  return Promise.all(list.map(valuesOf));
}

function dot(a: readonly Nd[], b: readonly Nd[]): { sum: number; size: number } {
  let sum = 0;
  let size = 0;
  for (const [i, { data }] of a.entries()) {
    for (const [k, value] of data.entries()) {
      const product = value * ((b[i] as Nd).data[k] as number);
      sum += product;
      size += Math.abs(product);
    }
  }
  return { sum, size };
}

function directionsAt(point: readonly Nd[], random: Random): Nd[][] {
  const list = Array.from({ length: directions.dense }, () => randomLike(point, random));
  const sizes = point.map(({ data }) => data.length);
  const total = sizes.reduce((a, b) => a + b, 0);
  for (let n = 0; n < Math.min(directions.single, total); n++) {
    let at = random.integer(0, total - 1);
    list.push(
      point.map(({ shape, data }) => {
        const unit = new Float64Array(data.length);
        if (at >= 0 && at < data.length) unit[at] = 1;
        at -= data.length;
        return { shape, data: unit };
      }),
    );
  }
  return list;
}

/**
 * The change of ⟨weights, fn⟩ along a direction, by differences of order 4:
 * (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h.
 */
async function differences(
  { fn, point, dtypes }: Problem,
  weights: readonly Nd[],
  direction: readonly Nd[],
): Promise<{ change: number; size: number }> {
  const h = gradientTolerance.step;
  let change = 0;
  let size = 0;
  for (const [times, factor] of [
    [1, 8],
    [-1, -8],
    [2, -1],
    [-2, 1],
  ] as const) {
    const moved = point.map(({ shape, data }, i) => ({
      shape,
      data: data.map((value, k) => value + times * h * ((direction[i] as Nd).data[k] as number)),
    }));
    const value = dot(weights, await readAll(fn(...tensors(moved, dtypes))));
    change += (factor * value.sum) / (12 * h);
    size = Math.max(size, value.size);
  }
  return { change, size };
}

/** Compares the gradient of ⟨weights, fn⟩ with differences along several directions. */
async function compareWithDifferences(
  problem: Problem,
  weights: readonly Nd[],
  gradients: readonly Nd[],
  random: Random,
): Promise<void> {
  for (const [n, direction] of directionsAt(problem.point, random).entries()) {
    const { sum, size } = dot(direction, gradients);
    const found = await differences(problem, weights, direction);
    const { relative, noise } = gradientTolerance;
    const allowed = relative * Math.max(size, Math.abs(found.change)) + noise * found.size;
    if (!(Math.abs(sum - found.change) <= allowed)) {
      const single = direction
        .flatMap(({ data }, i) => [...data].map((value, k) => ({ value, i, k })))
        .filter(({ value }) => value !== 0);
      const place =
        single.length === 1
          ? `along element ${single[0]?.k} of input ${single[0]?.i}`
          : `along direction ${n}`;
      throw failure(
        problem.where,
        `the derivative ${place} is ${sum}, differences give ${found.change} ` +
          `(off by ${Math.abs(sum - found.change)}, allowed ${allowed}).`,
      );
    }
  }
}

function isEmpty({ point }: Problem): boolean {
  return point.length === 0 || point.every(({ data }) => data.length === 0);
}

async function zeroGradient(problem: Problem): Promise<void> {
  const inputs = tensors(problem.point, problem.dtypes);
  const [outputs, pull] = vjp(problem.fn, ...inputs);
  if (outputs.length === 0) return;
  for (const [i, gradient] of (await readAll(pull(outputs))).entries()) {
    for (const [k, value] of gradient.data.entries()) {
      if (value !== 0) {
        throw failure(problem.where, `the gradient of input ${i} at ${k} is ${value}, expected 0.`);
      }
    }
  }
}

async function throwingGradient(problem: Problem): Promise<void> {
  const inputs = tensors(problem.point, problem.dtypes);
  try {
    const [outputs, pull] = vjp(problem.fn, ...inputs);
    pull(outputs);
  } catch (error) {
    if (error instanceof GradientError) return;
    throw failure(problem.where, `asking for a gradient threw ${String(error)}.`);
  }
  throw failure(problem.where, "asking for a gradient did not throw a GradientError.");
}

/** First derivatives. */
export async function checkGradient(spec: NamedSpec, backend: TestBackend): Promise<void> {
  const reference = backends[0] as TestBackend;
  const dtypes = (spec.dtypes ?? floats).filter(isFloat);
  await backend.use();
  const available = availableDTypes(dtypes);
  for (const dtype of available) {
    for (const call of await callsOf(spec, backend, "gradient", dtype)) {
      const problem = problemOf(spec, call);
      if (spec.differentiable === "throws") {
        await throwingGradient(problem);
        continue;
      }
      if (spec.differentiable === "zero") {
        await zeroGradient(problem);
        continue;
      }
      if (problem.point.length === 0) continue;
      const random = new Random(spec.seed ^ 0x5bd1e995);
      const inputs = tensors(problem.point, problem.dtypes);
      const outputs = problem.fn(...inputs);
      const shapes = await readAll(outputs);
      const kinds = outputs.map((x) => x.dtype);
      // Rounded to the dtype, so that the float64 run sees the same.
      const weights = await readAll(tensors(randomLike(shapes, random), kinds));
      const pull = pullOf(problem.fn, tensors(weights, kinds));
      const gradients = pull(...inputs);
      const program = jit((...given: Tensor[]) => pull(...given), { name: spec.name });
      for (const [i, gradient] of program(...inputs).entries()) {
        await expectSame(call.where, `compiled gradient ${i}`, gradient, gradients[i] as Tensor);
      }
      program.clear();

      const doubles: Call = {
        ...call,
        dtypes: call.dtypes.map((d) => (isFloat(d) ? "float64" : d)),
      };
      await reference.use();
      const exact = problemOf(spec, doubles);
      const wide = outputs.map((): DType => "float64");
      const expected = await readAll(
        pullOf(exact.fn, tensors(weights, wide))(...tensors(exact.point, exact.dtypes)),
      );
      if (!isEmpty(exact) && dtype === available[0]) {
        await compareWithDifferences(exact, weights, expected, random);
      }
      await backend.use();
      const accuracy = gradientAccuracyOf(spec, call.where.shapes);
      for (const [i, gradient] of gradients.entries()) {
        await expectClose(
          call.where,
          `gradient ${i}`,
          gradient,
          expected[i] as Nd,
          problem.dtypes[i] as DType,
          accuracy,
          spec.gradientCancels ?? true,
        );
      }
    }
  }
}

/** Derivatives of the gradient. */
export async function checkSecondDerivative(spec: NamedSpec, backend: TestBackend): Promise<void> {
  await backend.use();
  const [dtype] = availableDTypes(["float64"]);
  if (dtype === undefined || !(spec.dtypes ?? floats).some(isFloat)) return;
  for (const call of await callsOf(spec, backend, "second derivative", dtype)) {
    const problem = problemOf(spec, call);
    if (isEmpty(problem)) continue;
    const random = new Random(spec.seed ^ 0x27d4eb2f);
    const outputs = await readAll(problem.fn(...tensors(problem.point, problem.dtypes)));
    const weights = tensors(
      randomLike(outputs, random),
      outputs.map((): DType => "float64"),
    );
    const gradient: Problem = { ...problem, fn: pullOf(problem.fn, weights) };
    const mixed = randomLike(problem.point, random);
    if (spec.secondDerivative === "throws") {
      await throwingGradient(gradient);
      continue;
    }
    const second = pullOf(gradient.fn, tensors(mixed, problem.dtypes));
    const derivatives = await readAll(second(...tensors(problem.point, problem.dtypes)));
    await compareWithDifferences(gradient, mixed, derivatives, random);
  }
}
