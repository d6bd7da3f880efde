/**
 * A function applied along an axis, with a carry.
 *
 * @module
 */
import { accumulate } from "../../autograd/accumulate.ts";
import {
  arranged,
  type BodyArgument,
  type Capture,
  controlOps,
  runControl,
  traceBody,
} from "../../jit/body.ts";
import { state, type Tracer } from "../../tensor/context.ts";
import { zerosLike } from "../../tensor/fill.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Variable } from "../../tensor/variable.ts";
import { isFloat } from "../../util/dtypes.ts";
import { ShapeError } from "../../util/errors.ts";
import {
  floatsOf,
  givenBy,
  gradientsOf,
  inputOf,
  recordControl,
  sourceOf,
  type VariableRules,
} from "./gradients.ts";
import { formatSpecs, sameSpecs } from "./specs.ts";

/** From the carry and one slice of each input to the next carry and results. */
export type ScanFunction = (
  carry: Tensor[],
  slices: Tensor[],
) => { readonly carry: readonly Tensor[]; readonly results: readonly Tensor[] };

/** How to scan. */
export interface ScanRules extends VariableRules {
  readonly length: number;
  readonly reverse: boolean;
}

/** The last carry, and the results of all rounds stacked. */
export interface Scanned {
  readonly carry: Tensor[];
  readonly results: Tensor[];
}

/** @throws {ShapeError} If a round changes the shape or dtype of the carry. */
export function checkCarry(
  name: string,
  before: readonly Tensor[],
  after: readonly Tensor[],
): readonly Tensor[] {
  if (sameSpecs(before, after)) return after;
  throw new ShapeError(
    `${name}: the function changes what it carries: from ${formatSpecs(before)} to ` +
      `${formatSpecs(after)}. Each round must give values of the same shapes and dtypes ` +
      "(see ops.cast).",
    { op: name },
  );
}

/** Applies `step` to each slice of `xs` along the first axis. */
export function scanTensors(
  name: string,
  step: ScanFunction,
  init: readonly Tensor[],
  xs: readonly Tensor[],
  rules: ScanRules,
): Scanned {
  const { length, reverse, given, keepsWrites = true } = rules;
  const carried = init.length;
  const slices = xs.map(({ shape, dtype }) => ({ shape: shape.slice(1), dtype }));
  const body = traceBody([...init, ...slices], (args) => {
    const { carry, results } = step(args.slice(0, carried), args.slice(carried));
    return [...checkCarry(name, args.slice(0, carried), carry), ...results];
  });
  const { writes } = body;
  const ys = body.results - carried;
  const constants = body.captures.filter(
    (capture) => !(writes as readonly Capture[]).includes(capture),
  );
  const layout: BodyArgument[] = [
    ...init.keys(),
    ...writes,
    ...xs.map((_, i) => carried + i),
    ...constants,
  ];
  const states = carried + writes.length;
  // Under a gradient each round's carry is kept.
  const saves = state.tapes.length > 0;
  const graph = arranged(body, layout, (own, args) => [
    ...own.slice(0, carried),
    ...own.slice(carried + ys),
    ...own.slice(carried, carried + ys),
    ...(saves ? args.slice(0, states) : []),
  ]);
  const inputs = [
    ...init,
    ...writes.map((variable) => inputOf(variable, given)),
    ...xs,
    ...constants.map((capture) => inputOf(capture, given)),
  ];
  const outputs = runControl(
    controlOps.scan,
    inputs,
    { carried: states, scanned: xs.length, length, reverse },
    [graph],
    graph.results.map(({ shape, dtype }, i) => ({
      shape: i < states ? shape : [length, ...shape],
      dtype,
    })),
  );
  const carry = outputs.slice(0, carried);
  const results = outputs.slice(states, states + ys);
  if (saves) {
    const saved = outputs.slice(states + ys);
    const scanned: ScanRecord = {
      name,
      step,
      rules,
      writes,
      captures: [...writes, ...constants],
      counts: { carried, states, scanned: xs.length },
      saved,
    };
    recordControl(name, inputs, [...carry, ...results], ({ inputs: used, grads, needs }) =>
      scanGradients(
        scanned,
        used,
        needs,
        grads.slice(0, carried),
        grads.slice(carried),
        (round) => [...round.results],
      ),
    );
    // What the gradient itself is differentiated through.
    recordControl(`${name} states`, inputs, saved, ({ inputs: used, grads, needs }) =>
      scanGradients(scanned, used, needs, carry.map(zerosLike), grads, (round) => [
        ...round.carryIn,
        ...round.writtenIn,
      ]),
    );
  }
  if (keepsWrites) {
    for (const [i, variable] of writes.entries()) variable.assign(outputs[carried + i] as Tensor);
  }
  return { carry, results };
}

/** What the gradient of a scan needs to know of it. */
interface ScanRecord {
  readonly name: string;
  readonly step: ScanFunction;
  readonly rules: ScanRules;
  readonly writes: readonly Variable[];
  /** Written variables first. */
  readonly captures: readonly Capture[];
  /** Inputs: carry, then written variables (together the states), slices, other captures. */
  readonly counts: { readonly carried: number; readonly states: number; readonly scanned: number };
  /** The states before each round. */
  readonly saved: readonly Tensor[];
}

/** One round, seen again. */
interface Round {
  readonly carryIn: readonly Tensor[];
  readonly writtenIn: readonly Tensor[];
  readonly results: readonly Tensor[];
}

/**
 * Gradients of the inputs of a scan, by a scan in the other direction. With
 * `resultsOf` it says which results of a round `resultGrads` belong to.
 */
function scanGradients(
  { name, step, rules, writes, captures, counts, saved }: ScanRecord,
  used: readonly Tensor[],
  needs: (input: number) => boolean,
  carryGrads: readonly Tensor[],
  resultGrads: readonly Tensor[],
  resultsOf: (round: Round) => readonly Tensor[],
): (Tensor | null)[] {
  const { carried, states, scanned } = counts;
  const places = captures.map((_, i) => (i < writes.length ? carried + i : scanned + carried + i));
  const likes = places.map((place) => used[place] as Tensor);
  const sources = captures
    .map((capture, i) => ({ capture, like: likes[i] as Tensor, at: places[i] as number }))
    .filter(({ like, at }) => isFloat(like.dtype) && needs(at));
  const upstream = floatsOf(carryGrads);
  const back: ScanFunction = (before, at) => {
    const carryIn = at.slice(0, carried);
    const writtenIn = at.slice(carried, states);
    const slices = at.slice(states, states + scanned);
    for (const [i, variable] of writes.entries()) {
      (state.tracer as Tracer).assignVariable(variable, writtenIn[i] as Tensor);
    }
    const dCarry = before.slice(0, upstream.length);
    const sums = before.slice(upstream.length);
    const gradients = gradientsOf(
      () => {
        const { carry, results } = step(carryIn, slices);
        return [...carry, ...resultsOf({ carryIn, writtenIn, results })];
      },
      [...dCarry, ...at.slice(states + scanned)],
      [...floatsOf(carryIn), ...floatsOf(slices), ...sources.map(sourceOf)],
    );
    const dSources = gradients.slice(gradients.length - sums.length);
    return {
      carry: [
        ...gradients.slice(0, dCarry.length),
        ...sums.map((sum, i) => accumulate(sum, dSources[i] as Tensor)),
      ],
      results: gradients.slice(dCarry.length, gradients.length - sums.length),
    };
  };
  const xs = used.slice(states, states + scanned);
  const { carry, results } = scanTensors(
    `gradient of ${name}`,
    back,
    [...upstream, ...sources.map(({ like }) => zerosLike(like))],
    [...saved, ...xs, ...floatsOf(resultGrads)],
    {
      length: rules.length,
      reverse: !rules.reverse,
      given: givenBy(captures, likes),
      keepsWrites: false,
    },
  );
  const found: (Tensor | null)[] = new Array<null>(used.length).fill(null);
  let next = 0;
  for (let i = 0; i < carried; i++) {
    if (isFloat((used[i] as Tensor).dtype)) found[i] = carry[next++] as Tensor;
  }
  for (const { at } of sources) found[at] = carry[next++] as Tensor;
  next = 0;
  for (const [i, x] of xs.entries()) {
    if (isFloat(x.dtype)) found[states + i] = results[next++] as Tensor;
  }
  return found;
}
