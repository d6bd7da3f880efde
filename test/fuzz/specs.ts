/**
 * The op tests' specs, at shapes that they do not name.
 *
 * @module
 */
import { type DType, isFloat } from "../../src/util/dtypes.ts";
import { allSpecs } from "../support/all-specs.ts";
import { accuracyOf, floats, listOf, shapesOf } from "../support/calls.ts";
import { type InputSpec, uniform } from "../support/inputs.ts";
import { broadcast, count } from "../support/nd.ts";
import type { NamedSpec } from "../support/op-test.ts";
import type { Random } from "../support/random.ts";
import { binaryShapes, unaryShapes } from "../support/shapes.ts";
import type { FuzzCase, FuzzOp } from "./case.ts";
import { broadcasting, budget, chance, length, pick, shape, specials } from "./draw.ts";

/** What a result may have, so that no case takes a minute. */
const mostElements = 200_000;

/** Shapes for one call: of any kind, or like those of the spec with another first axis. */
function drawShapes(random: Random, spec: NamedSpec): (readonly number[])[] {
  if (spec.shapes === unaryShapes) return [shape(random)];
  if (spec.shapes === binaryShapes) {
    const whole = shape(random);
    const pair = [broadcasting(random, whole), whole];
    return chance(random, 0.5) ? pair : pair.reverse();
  }
  const given = pick(random, shapesOf(spec)) as (readonly number[])[];
  const first = given[0]?.[0];
  // Products of many integers leave the range of a float64.
  const isProduct = /prod of integers/.test(spec.name);
  if (isProduct || spec.unknownAxes === false || first === undefined || chance(random, 0.3))
    return [...given];
  const rows = Math.max(1, ...given.map((s) => (s[0] === first ? count(s.slice(1)) : 1)));
  // Not shorter: what a spec slices must be there.
  const longer = length(random, first, Math.max(first, Math.floor(budget(random) / rows)));
  const lengthened = given.map((s) =>
    s.length > 0 && s[0] === first ? [longer, ...s.slice(1)] : s,
  );
  // First axes that do not lie over each other multiply when they broadcast.
  const isHuge = count(lengthened.reduce((all, s) => broadcast(all, s), [])) > mostElements;
  return isHuge ? [...given] : lengthened;
}

/**
 * Where the reference says nothing of NaN or infinities (the op has Keras's
 * rule: NaN in the comparison of `where` picks the other branch), or is a
 * series for small numbers. In `mod` and `floorDivide` it underflows where the
 * quotient is tiny, in `gammainc` it is an integral without end where a is tiny,
 * and JavaScript has 1 ** NaN = NaN, IEEE 754 has 1. Tiny numbers are close
 * without being equal.
 */
const plainOnly =
  /^(heaviside|fmin|fmax|divideNoNan|mod|floorDivide|power|isclose|sinc|softShrink|hardShrink|sparse|threshold|relu of NaN|gammainc)/;

function drawCase(random: Random, spec: NamedSpec): FuzzCase {
  const dtype = pick(random, spec.dtypes ?? floats);
  const shapes = drawShapes(random, spec);
  const isFree = spec.shapes === unaryShapes || spec.shapes === binaryShapes;
  const special = isFree && !plainOnly.test(spec.name) && chance(random, 0.25);
  const inputs = shapes.map((dims, i) => {
    const kind = ((Array.isArray(spec.inputs) ? spec.inputs[i] : spec.inputs) ??
      uniform()) as InputSpec;
    const own: DType = kind.dtype ?? dtype;
    const made = kind.values(random, dims, own, shapes);
    const extra = specials(own);
    const values =
      special && isFloat(own)
        ? made.map((value) => (chance(random, 0.3) ? pick(random, extra) : value))
        : made;
    return { shape: dims, dtype: own, values };
  });
  const { length: terms, steps } = accuracyOf(spec, shapes);
  const longest = Math.max(1, ...shapes.map((s) => s[0] ?? 1));
  // With other numbers than the test's a lone result may cancel wholly: its
  // terms are products of inputs of size 2.
  const cancels = (spec.cancels ?? terms > 1) === true ? 4 : (spec.cancels ?? false);
  return {
    attributes: { spec: spec.name, special },
    inputs,
    run: spec.run,
    reference: (...x) => listOf(spec.reference(...x)),
    // The reference, too, is rounded in float64.
    accuracy: {
      length: terms > 1 ? terms * longest : 1,
      steps: steps + Number(dtype === "float64"),
    },
    // Ordinary numbers stand beside the special ones.
    cancels,
  };
}

/** One op for each spec. */
export async function specOps(): Promise<FuzzOp[]> {
  return (await allSpecs()).map(({ spec }) => ({
    name: `spec ${spec.name}`,
    weight: spec.shapes === unaryShapes || spec.shapes === binaryShapes ? 0.6 : 0.15,
    draw: (random) => drawCase(random, spec),
  }));
}
