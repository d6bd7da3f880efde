/**
 * A function applied along an axis, with a carry.
 *
 * @module
 */
import { accumulate } from "../../autograd/accumulate.ts";
import { arranged, type BodyArgument, controlOps, runControl, traceBody } from "../../jit/body.ts";
import { state } from "../../tensor/context.ts";
import { zerosLike } from "../../tensor/fill.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { isFloat } from "../../util/dtypes.ts";
import { formatShape, ShapeError } from "../../util/errors.ts";
import { sameShape } from "../../util/shapes.ts";
import { sourceOf } from "./branch.ts";
import {
  floatsOf,
  givenBy,
  gradientsOf,
  inputOf,
  recordControl,
  type VariableRules,
} from "./gradients.ts";

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
  const fits =
    before.length === after.length &&
    before.every(
      ({ shape, dtype }, i) =>
        after[i]?.dtype === dtype && sameShape((after[i] as Tensor).shape, shape),
    );
  if (fits) return after;
  const text = (list: readonly Tensor[]): string =>
    list.map(({ dtype, shape }) => `${dtype} ${formatShape(shape)}`).join(", ");
  throw new ShapeError(
    `${name}: the function changes what it carries: from ${text(before)} to ${text(after)}. ` +
      "Each round must give values of the same shapes and dtypes (see ops.cast).",
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
  const ys = body.graph.results.length - carried - writes.length;
  const constants = body.captures.filter(
    (capture) => !("storageDtype" in capture && writes.includes(capture)),
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
    const captures = [...writes, ...constants];
    recordControl(name, inputs, [...carry, ...results], ({ inputs: used, grads, needs }) => {
      const usedXs = used.slice(states, states + xs.length);
      const likes = [...used.slice(carried, states), ...used.slice(states + xs.length)];
      const positions = [
        ...writes.map((_, i) => carried + i),
        ...constants.map((_, i) => states + xs.length + i),
      ];
      const sources = captures
        .map((capture, i) => ({ capture, like: likes[i] as Tensor, at: positions[i] as number }))
        .filter(({ like, at }) => isFloat(like.dtype) && needs(at));
      const floatCarry = init.map(({ dtype }) => isFloat(dtype));
      const carryGrads = floatsOf(grads.slice(0, carried));
      const resultGrads = floatsOf(grads.slice(carried));
      const back: ScanFunction = (upstream, at) => {
        const carryIn = at.slice(0, carried);
        const writtenIn = at.slice(carried, states);
        const slice = at.slice(states, states + xs.length);
        const dy = at.slice(states + xs.length);
        for (const [i, variable] of writes.entries()) {
          state.tracer?.assignVariable(variable, writtenIn[i] as Tensor);
        }
        const dCarry = upstream.slice(0, carryGrads.length);
        const sums = upstream.slice(carryGrads.length);
        const gradients = gradientsOf(
          () => {
            const { carry: next, results: own } = step(carryIn, slice);
            return [...next, ...own];
          },
          [...dCarry, ...dy],
          [...floatsOf(carryIn), ...floatsOf(slice), ...sources.map(sourceOf)],
        );
        const dSlices = gradients.slice(dCarry.length, gradients.length - sums.length);
        const dSources = gradients.slice(gradients.length - sums.length);
        return {
          carry: [
            ...gradients.slice(0, dCarry.length),
            ...sums.map((sum, i) => accumulate(sum, dSources[i] as Tensor)),
          ],
          results: dSlices,
        };
      };
      const { carry: dInit, results: dXs } = scanTensors(
        `gradient of ${name}`,
        back,
        [...carryGrads, ...sources.map(({ like }) => zerosLike(like))],
        [...saved, ...usedXs, ...resultGrads],
        {
          length,
          reverse: !reverse,
          given: givenBy(captures, likes),
          keepsWrites: false,
        },
      );
      const found: (Tensor | null)[] = new Array<null>(inputs.length).fill(null);
      let next = 0;
      for (const [i, isFloatCarry] of floatCarry.entries()) {
        if (isFloatCarry) found[i] = dInit[next++] as Tensor;
      }
      for (const { at } of sources) found[at] = dInit[next++] as Tensor;
      next = 0;
      for (const [i, x] of usedXs.entries()) {
        if (isFloat(x.dtype)) found[states + i] = dXs[next++] as Tensor;
      }
      return found;
    });
  }
  if (keepsWrites) {
    for (const [i, variable] of writes.entries()) variable.assign(outputs[carried + i] as Tensor);
  }
  return { carry, results };
}
