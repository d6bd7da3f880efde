/**
 * Axes taken apart, reordered and put together by a pattern.
 *
 * @module
 */
import {
  type PublicOp,
  publicOp,
  requiredArgument,
  tensorArgument,
  variadicArgument,
} from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../util/errors.ts";
import { reshapeTo } from "./broadcasting.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { permute } from "./shaping.ts";

/** All axes that have no name. */
const ellipsis = "...";

/** One side of a pattern: for each axis the names of what it is made of. */
type Side = readonly (readonly string[])[];
/** The same with a bare "..." in place of the axes it stands for. */
type OpenSide = readonly (readonly string[] | typeof ellipsis)[];

function complain(pattern: string, what: string): ArgumentError {
  return new ArgumentError(`rearrange: ${what} in the pattern ${describe(pattern)}.`, {
    op: "rearrange",
  });
}

/** Side = { name | "1" | "(" { name | "1" } ")" | "..." }. A "1" has no name: it is left out. */
function parseSide(pattern: string, text: string): OpenSide {
  const axes: (string[] | typeof ellipsis)[] = [];
  const names = new Set<string>();
  let group: string[] | null = null;
  const tokens = text.match(/\.\.\.|[()]|[A-Za-z_][A-Za-z0-9_]*|[^\s()]+/g) ?? [];
  for (const token of tokens) {
    if (token === "(") {
      if (group !== null) throw complain(pattern, "parentheses lie within parentheses");
      group = [];
    } else if (token === ")") {
      if (group === null) throw complain(pattern, 'there is a ")" without "("');
      axes.push(group);
      group = null;
    } else if (token === "1") {
      if (group === null) axes.push([]);
    } else {
      if (token !== ellipsis && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(token)) {
        throw complain(pattern, `${describe(token)} is no name of an axis`);
      }
      if (names.has(token)) throw complain(pattern, `${describe(token)} stands twice on one side`);
      names.add(token);
      if (group !== null) group.push(token);
      else axes.push(token === ellipsis ? ellipsis : [token]);
    }
  }
  if (group !== null) throw complain(pattern, 'a ")" is missing');
  return axes;
}

function parsePattern(pattern: string): [from: OpenSide, to: OpenSide] {
  const sides = pattern.split("->");
  if (sides.length !== 2) throw complain(pattern, 'there must be one "->"');
  const [from, to] = sides.map((side) => parseSide(pattern, side)) as [OpenSide, OpenSide];
  if (from.some((axis) => axis !== ellipsis && axis.includes(ellipsis))) {
    throw complain(pattern, '"..." stands in parentheses on the left');
  }
  const [left, right] = [from.flat(), to.flat()];
  for (const name of [...left, ...right]) {
    if (!left.includes(name) || !right.includes(name)) {
      throw complain(pattern, `${describe(name)} stands on one side only`);
    }
  }
  return [from, to];
}

/** Gives names to the axes that "..." stands for. */
function nameAll(
  pattern: string,
  [from, to]: [OpenSide, OpenSide],
  shape: readonly number[],
): [from: Side, to: Side] {
  const named = from.filter((axis) => axis !== ellipsis).length;
  const open = named < from.length;
  if (open ? shape.length < named : shape.length !== named) {
    throw new ShapeError(
      `rearrange: the pattern ${describe(pattern)} has ${open ? "at least " : ""}${named} axes, ` +
        `got shape ${formatShape(shape)}.`,
      { op: "rearrange", shapes: [shape] },
    );
  }
  const rest = Array.from({ length: shape.length - named }, (_, i) => `...${i}`);
  const resolve = (side: OpenSide): Side =>
    side.flatMap((axis) =>
      axis === ellipsis
        ? rest.map((name) => [name])
        : [axis.flatMap((name) => (name === ellipsis ? rest : [name]))],
    );
  return [resolve(from), resolve(to)];
}

/** The length of each name. */
function solve(
  pattern: string,
  from: Side,
  shape: readonly number[],
  given: Readonly<Record<string, number>>,
): Map<string, number> {
  const lengths = new Map<string, number>();
  const names = new Set(from.flat());
  for (const [name, length] of Object.entries(given)) {
    if (!names.has(name)) throw complain(pattern, `the axis ${describe(name)} is not`);
    if (!Number.isInteger(length) || length < 0) {
      throw new ArgumentError(
        `rearrange: the length of ${describe(name)} must be an integer >= 0, got ` +
          `${describe(length)}.`,
        { op: "rearrange" },
      );
    }
    lengths.set(name, length);
  }
  for (const [i, axis] of from.entries()) {
    const dim = shape[i] as number;
    const open = axis.filter((name) => !lengths.has(name));
    const known = axis.reduce((product, name) => product * (lengths.get(name) ?? 1), 1);
    if (open.length > 1) {
      throw new ArgumentError(
        `rearrange: the lengths of ${open.map(describe).join(" and ")} in the pattern ` +
          `${describe(pattern)} are unknown. Give all but one of them.`,
        { op: "rearrange" },
      );
    }
    const divides = open.length === 0 ? known === dim : known > 0 && dim % known === 0;
    if (!divides) {
      throw new ShapeError(
        `rearrange: axis ${i} of shape ${formatShape(shape)} does not divide into ` +
          `(${axis.join(" ")}) of the pattern ${describe(pattern)}: ${dim} by ${known}.`,
        { op: "rearrange", shapes: [shape] },
      );
    }
    if (open.length === 1) lengths.set(open[0] as string, dim / known);
  }
  return lengths;
}

/**
 * Takes axes apart, reorders them and puts them together, as the pattern says:
 * names stand for axes, parentheses for an axis made of several, `...` for all
 * further ones, `1` for an axis of length 1.
 *
 * @param axesLengths Lengths of names that do not follow from the shape.
 * @throws {ArgumentError} If the pattern is none.
 * @throws {ShapeError} If the shape does not fit it.
 * @example
 * const x = ops.reshape(ops.arange(6), [6]);
 * await ops.rearrange(x, "(a b) -> b a", { a: 2 }).array(); // [[0, 3], [1, 4], [2, 5]]
 */
export const rearrange: PublicOp<
  (tensor: TensorLike, pattern: string, axesLengths?: Readonly<Record<string, number>>) => Tensor
> = publicOp(
  "keras.ops.rearrange",
  { tensor: tensorArgument, pattern: requiredArgument, axes_lengths: variadicArgument },
  (given: TensorLike, pattern: string, axesLengths: Readonly<Record<string, number>> = {}) => {
    const x = toTensor("rearrange", given);
    const [from, to] = nameAll(pattern, parsePattern(pattern), x.shape);
    const lengths = solve(pattern, from, x.shape, axesLengths);
    const names = from.flat();
    const lengthOf = (name: string): number => lengths.get(name) as number;
    const split = reshapeTo(x, names.map(lengthOf));
    const moved = permute(
      split,
      to.flat().map((name) => names.indexOf(name)),
    );
    return reshapeTo(
      moved,
      to.map((axis) => axis.reduce((product, name) => product * lengthOf(name), 1)),
    );
  },
);
