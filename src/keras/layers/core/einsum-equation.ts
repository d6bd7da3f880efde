/**
 * Equations of `EinsumDense`: what they say about its weights.
 *
 * @module
 */
import { ArgumentError, formatShape, ShapeError } from "../../../util/errors.ts";
import type { SymbolicShape } from "../../keras-tensor.ts";

/** The weights of an `EinsumDense`. */
export interface EinsumWeights {
  readonly kernel: readonly number[];
  readonly bias: readonly number[] | null;
  /** The axes of the kernel over which is summed. */
  readonly inputAxes: readonly number[];
  /** The axes of the kernel that the output has. */
  readonly outputAxes: readonly number[];
}

const forms = [
  /^([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]+)$/,
  /^\.\.\.([a-zA-Z]+),([a-zA-Z]+)->\.\.\.([a-zA-Z]+)$/,
  /^([a-zA-Z]{2,})\.\.\.,([a-zA-Z]+)->([a-zA-Z]+)\.\.\.$/,
] as const;

/**
 * The weights of the layer `layer` for inputs of a shape.
 *
 * @param outputShape That of the output without its first axis and the elided ones.
 * @param biasAxes The letters of the output that the bias has.
 * @throws {ArgumentError} If the equation has none of the three forms, or letters from nowhere.
 * @throws {ShapeError} If the shapes do not fit it.
 */
export function weightsOfEquation(
  layer: string,
  equation: string,
  inputShape: SymbolicShape,
  outputShape: SymbolicShape,
  biasAxes: string | null,
): EinsumWeights {
  const match = forms.map((form) => form.exec(equation)).find((found) => found !== null);
  if (match === undefined || match === null) {
    throw new ArgumentError(
      `Layer "${layer}": the equation must be like "ab,bc->ac", "...b,bc->...c" or ` +
        `"ab...,bc->ac...", got "${equation}".`,
      { layer },
    );
  }
  const [input, weight, output] = match.slice(1) as [string, string, string];
  const elided = inputShape.length - input.length;
  const isLeft = equation.startsWith("...");
  if (elided < 0 || (elided > 0 && !equation.includes("..."))) {
    throw new ShapeError(
      `Layer "${layer}": the equation "${equation}" does not fit inputs of shape ` +
        `${formatShape(inputShape)}.`,
      { layer, shapes: [inputShape] },
    );
  }
  const [batch = null, ...rest] = inputShape;
  // Of the letters only; elided axes stand before or behind them.
  const inputDims = isLeft ? inputShape.slice(elided) : inputShape.slice(0, input.length);
  const outputDims = isLeft && elided > 0 ? outputShape : [batch, ...outputShape];
  if (outputDims.length !== output.length) {
    throw new ShapeError(
      `Layer "${layer}": outputs of shape ${formatShape(outputShape)} do not fit the equation ` +
        `"${equation}" and inputs of shape ${formatShape([batch, ...rest])}.`,
      { layer, shapes: [inputShape, outputShape] },
    );
  }
  const dims = new Map([...output].map((letter, i) => [letter, outputDims[i] ?? null]));
  for (const [i, letter] of [...input].entries()) {
    const [mine, other] = [inputDims[i] ?? null, dims.get(letter) ?? null];
    if (other !== null && other !== mine) {
      throw new ShapeError(
        `Layer "${layer}": "${letter}" of "${equation}" is ${mine} in inputs of shape ` +
          `${formatShape(inputShape)} and ${other} in the output.`,
        { layer, shapes: [inputShape, outputShape] },
      );
    }
  }
  const stray = [...output].find((letter) => !input.includes(letter) && !weight.includes(letter));
  if (stray !== undefined) {
    throw new ArgumentError(
      `Layer "${layer}": "${stray}" of the output of "${equation}" is in no input.`,
      { layer },
    );
  }
  const kernel = [...weight].map((letter) => {
    const dim = dims.has(letter) ? dims.get(letter) : inputDims[input.indexOf(letter)];
    if (dim === undefined || dim === null) {
      throw new ShapeError(
        `Layer "${layer}": "${letter}" of the kernel of "${equation}" needs a known length from ` +
          `the inputs (${formatShape(inputShape)}) or the output (${formatShape(outputShape)}).`,
        { layer, shapes: [inputShape, outputShape] },
      );
    }
    return dim;
  });
  const axes = [...weight].map((_, i) => i);
  return {
    kernel,
    bias: biasAxes === null ? null : biasShape(layer, biasAxes, output, dims, isLeft ? 0 : elided),
    inputAxes: axes.filter((i) => !output.includes(weight[i] as string)),
    outputAxes: axes.filter((i) => output.includes(weight[i] as string)),
  };
}

/** From its first letter on; 1 where the bias lacks a letter, and for axes elided behind. */
function biasShape(
  layer: string,
  biasAxes: string,
  output: string,
  dims: ReadonlyMap<string, number | null>,
  behind: number,
): number[] {
  const places = [...biasAxes].map((letter) => output.indexOf(letter));
  if (places.length === 0 || places.includes(-1)) {
    throw new ArgumentError(
      `Layer "${layer}": biasAxes must be letters of the output "${output}", got "${biasAxes}".`,
      { layer },
    );
  }
  const shape = [...output.slice(Math.min(...places))].map((letter) => {
    const dim = biasAxes.includes(letter) ? (dims.get(letter) ?? null) : 1;
    if (dim === null) {
      throw new ShapeError(
        `Layer "${layer}": the bias needs a known length of the axis "${letter}" of the output.`,
        { layer },
      );
    }
    return dim;
  });
  return [...shape, ...new Array<number>(behind).fill(1)];
}
