/**
 * The calls that an op test makes.
 *
 * @module
 */
import type { Tensor } from "../../src/tensor/tensor.ts";
import type { DType } from "../../src/util/dtypes.ts";
import type { TestBackend } from "./backends.ts";
import type { Where } from "./compare.ts";
import { type InputSpec, uniform } from "./inputs.ts";
import { makeTensor, valuesOf } from "./layouts.ts";
import type { Nd } from "./nd.ts";
import type { NamedSpec } from "./op-test.ts";
import { Random } from "./random.ts";
import type { Accuracy } from "./tolerances.ts";

/** The dtypes that ops are tested in by default. */
export const floats: readonly DType[] = ["float32", "float64", "float16", "bfloat16"];

/** One call of an op: shapes and values of its inputs. */
export interface Call {
  readonly where: Where;
  /** Of each input. */
  readonly dtypes: readonly DType[];
  /** Rounded to the dtypes. */
  readonly values: readonly Nd[];
}

/** The outputs of a call as a list. */
export function listOf<T>(result: T | readonly T[]): readonly T[] {
  return Array.isArray(result) ? (result as readonly T[]) : [result as T];
}

/** The shapes of the inputs of each call. */
export function shapesOf(spec: NamedSpec): (readonly (readonly number[])[])[] {
  const none = Array.isArray(spec.inputs) && spec.inputs.length === 0;
  return spec.shapes.map((entry) => {
    if (none) return [];
    const isList = entry.length > 0 && Array.isArray(entry[0]);
    return isList ? (entry as readonly (readonly number[])[]) : [entry as readonly number[]];
  });
}

/** The calls of a spec in one dtype. */
export async function callsOf(
  spec: NamedSpec,
  backend: TestBackend,
  check: string,
  dtype: DType,
): Promise<Call[]> {
  const calls: Call[] = [];
  for (const [i, shapes] of shapesOf(spec).entries()) {
    const where: Where = {
      op: spec.name,
      backend: backend.name,
      check,
      dtype,
      shapes,
      layout: "contiguous",
      seed: spec.seed,
    };
    calls.push(await makeCall(spec, where, shapes, spec.seed + i));
  }
  return calls;
}

/** A call with random values. */
export async function makeCall(
  spec: NamedSpec,
  where: Where,
  shapes: readonly (readonly number[])[],
  seed: number,
): Promise<Call> {
  const random = new Random(seed);
  const kinds = shapes.map((_, i) => inputSpec(spec, i));
  const dtypes = kinds.map((kind) => kind.dtype ?? where.dtype);
  const values: Nd[] = [];
  for (const [i, shape] of shapes.entries()) {
    const dtype = dtypes[i] as DType;
    const made = (kinds[i] as InputSpec).values(random, shape, dtype, shapes);
    values.push(await valuesOf(makeTensor(made, shape, dtype)));
  }
  return { where, dtypes, values };
}

function inputSpec({ inputs }: NamedSpec, i: number): InputSpec {
  if (inputs === undefined) return uniform();
  return (Array.isArray(inputs) ? inputs[i] : inputs) as InputSpec;
}

/** The inputs of a call as tensors. */
export function tensorsOf({ values, dtypes }: Call): Tensor[] {
  return values.map(({ data, shape }, i) => makeTensor(data, shape, dtypes[i] as DType));
}

/** How near a result of these shapes must be. */
export function accuracyOf(
  { length = 1, steps = 1 }: NamedSpec,
  shapes: readonly (readonly number[])[],
): Accuracy {
  const of = (count: NonNullable<NamedSpec["steps"]>): number =>
    typeof count === "function" ? count(...shapes) : count;
  return { length: of(length), steps: of(steps) };
}

/** The same of a gradient. */
export function gradientAccuracyOf(
  spec: NamedSpec,
  shapes: readonly (readonly number[])[],
): Accuracy {
  const { length, steps } = accuracyOf(spec, shapes);
  return { length, steps: steps + (spec.gradientSteps ?? 4) };
}
