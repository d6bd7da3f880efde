/**
 * The language of `einsum`.
 *
 * @module
 */
import { ArgumentError, formatShape, ShapeError } from "../util/errors.ts";
import type { Shape } from "../util/shapes.ts";

/** One axis: a letter, or `"0"`, `"1"`, … for the axes of an ellipsis, from the last one. */
export type Label = string;

/** What subscripts say of given operands. */
export interface Contraction {
  /** The labels of each operand's axes. */
  readonly inputs: readonly (readonly Label[])[];
  readonly output: readonly Label[];
  /** How long the axes of a label are; 1 broadcasts. */
  readonly sizes: ReadonlyMap<Label, number>;
}

function fail(subscripts: string, why: string): ArgumentError {
  return new ArgumentError(`einsum: "${subscripts}": ${why}.`, { op: "einsum" });
}

/** The letters before and behind a term's ellipsis; undefined behind: it has none. */
function partsOf(subscripts: string, term: string): [string, string | undefined] {
  const [before = "", after, ...more] = term.split("...");
  if (more.length > 0) throw fail(subscripts, "a term has one ellipsis at most");
  for (const letter of before + (after ?? "")) {
    if (!/[A-Za-z]/.test(letter)) throw fail(subscripts, `"${letter}" is no letter`);
  }
  return [before, after];
}

/** The labels of one term, its ellipsis standing for `covered` axes. */
function labelsOf(subscripts: string, term: string, covered: number): Label[] {
  const [before, after] = partsOf(subscripts, term);
  if (after === undefined) return [...before];
  const middle = Array.from({ length: covered }, (_, i) => String(covered - 1 - i));
  return [...before, ...middle, ...after];
}

/** The output that subscripts without "->" mean: the ellipsis, then letters that come once. */
function implicitOutput(inputs: readonly (readonly Label[])[], covered: number): Label[] {
  const count = new Map<Label, number>();
  for (const label of inputs.flat()) count.set(label, (count.get(label) ?? 0) + 1);
  const letters = [...count.keys()].filter((label) => /[A-Za-z]/.test(label));
  return [
    ...Array.from({ length: covered }, (_, i) => String(covered - 1 - i)),
    ...letters.filter((label) => count.get(label) === 1).sort(),
  ];
}

/**
 * Reads subscripts: `"ij,jk->ik"`, `"...ij,...jk"`, `"ii->i"`.
 *
 * @throws {ArgumentError} If they are malformed, or not for so many operands.
 * @throws {ShapeError} If they do not fit the shapes.
 */
export function parseEinsum(subscripts: string, shapes: readonly Shape[]): Contraction {
  const [left, right, ...more] = subscripts.replace(/\s+/g, "").split("->");
  if (more.length > 0) throw fail(subscripts, '"->" stands more than once');
  const terms = (left as string).split(",");
  if (terms.length !== shapes.length) {
    throw fail(subscripts, `${terms.length} terms for ${shapes.length} operands`);
  }
  let covered = 0;
  const inputs = terms.map((term, i) => {
    const { length } = shapes[i] as Shape;
    const [before, after] = partsOf(subscripts, term);
    const letters = before.length + (after?.length ?? 0);
    const own = after === undefined ? 0 : length - letters;
    if (own < 0 || letters + own !== length) {
      throw new ShapeError(
        `einsum: term "${term}" of "${subscripts}" does not have the ${length} axes of shape ` +
          `${formatShape(shapes[i] as Shape)}.`,
        { op: "einsum", shapes },
      );
    }
    covered = Math.max(covered, own);
    return labelsOf(subscripts, term, own);
  });
  const output =
    right === undefined ? implicitOutput(inputs, covered) : labelsOf(subscripts, right, covered);
  const sizes = new Map<Label, number>();
  for (const [i, labels] of inputs.entries()) {
    for (const [axis, label] of labels.entries()) {
      const length = (shapes[i] as Shape)[axis] as number;
      const known = sizes.get(label) ?? 1;
      if (known !== 1 && length !== 1 && known !== length) {
        throw new ShapeError(
          `einsum: "${subscripts}": axes of ${/[A-Za-z]/.test(label) ? `"${label}"` : "the ellipsis"} ` +
            `differ: ${known} vs ${length}, in shapes ${shapes.map(formatShape).join(", ")}.`,
          { op: "einsum", shapes },
        );
      }
      sizes.set(label, known === 1 ? length : known);
    }
  }
  if (new Set(output).size !== output.length) {
    throw fail(subscripts, "the output has a label twice");
  }
  for (const label of output) {
    if (!sizes.has(label)) throw fail(subscripts, `no operand has the output's "${label}"`);
  }
  return { inputs, output, sizes };
}
