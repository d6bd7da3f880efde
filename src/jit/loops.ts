/**
 * Loops: nodes that run several elementwise nodes of one shape, block by block.
 *
 * @module
 */
import { AttributePacker } from "../runtime/attributes.ts";
import type { LoopSum } from "../runtime/backend.ts";
import type { OpDefinition } from "../tensor/define-op.ts";
import { type Shape, sizeOf } from "../util/shapes.ts";
import type { GraphNode, GraphValue } from "./graph.ts";

/** What a loop keeps at hand: its steps, inputs and outputs. */
export const mostSteps = 48;
export const mostInputs = 24;

/** The op of fused nodes. It has no kernel: backends run or compile its steps. */
const fusedOp: OpDefinition = {
  name: "fused",
  infer: () => {
    throw new Error("fused nodes are made by the compiler");
  },
  vjp: null,
  decompose: undefined,
  rewrite: undefined,
  traits: { elementwise: true },
  packer: new AttributePacker({}),
  kernelOn: () => undefined,
};

/** What a loop may hold: elementwise nodes, themselves or in a loop with sums of them. */
export function stepsOf(node: GraphNode): readonly GraphNode[] | null {
  if (node.fused !== undefined) return node.fused;
  const [output] = node.outputs;
  if (node.op.traits.elementwise !== true || node.outputs.length !== 1) return null;
  return sizeOf((output as GraphValue).shape) > 0 ? [node] : null;
}

/** One node of some steps, in order, sums last, that hands out `outputs`, sums last. */
export function loopOf(steps: readonly GraphNode[], outputs: readonly GraphValue[]): GraphNode {
  const [only] = steps;
  if (only !== undefined && steps.length === 1) return only;
  return { op: fusedOp, inputs: inputsOf(steps), attributes: {}, outputs, fused: steps };
}

/** The shape that a loop runs over. */
export function shapeOf(steps: readonly GraphNode[]): Shape {
  const { op, inputs, outputs } = steps[0] as GraphNode;
  return ((op.traits.sum === true ? inputs : outputs)[0] as GraphValue).shape;
}

/** What a sum adds up: everything, or each row or column of rows of one length. */
export interface SumLayout {
  readonly over: LoopSum["over"];
  /** Elements of a row; 0 where everything is added up. */
  readonly row: number;
}

/** The layout of a sum over some axes; null: it has none of these. */
export function sumLayout(shape: Shape, axes: readonly number[]): SumLayout | null {
  const long = shape.flatMap((length, axis) => (length === 1 ? [] : [axis]));
  const isSummed = long.map((axis) => axes.includes(axis));
  const summed = isSummed.filter(Boolean).length;
  const lengths = (count: number): number =>
    sizeOf(long.slice(-count).map((axis) => shape[axis] as number));
  if (summed === long.length) return { over: "all", row: 0 };
  if (isSummed.lastIndexOf(true) === summed - 1) {
    return { over: "columns", row: lengths(long.length - summed) };
  }
  const isTail = isSummed.indexOf(true) === long.length - summed;
  return isTail ? { over: "rows", row: lengths(summed) } : null;
}

/** The steps that compute some values, in order, up to what is there anyway. */
export function stepsFor(
  steps: readonly GraphNode[],
  values: Iterable<GraphValue>,
  isThere: (value: GraphValue) => boolean = () => false,
): GraphNode[] {
  const wanted = new Set(values);
  const chosen: GraphNode[] = [];
  for (let i = steps.length - 1; i >= 0; i--) {
    const step = steps[i] as GraphNode;
    if (!wanted.has(step.outputs[0] as GraphValue)) continue;
    chosen.push(step);
    for (const input of step.inputs) if (!isThere(input)) wanted.add(input);
  }
  return chosen.reverse();
}

/** What steps read that none of them computes. */
export function inputsOf(steps: readonly GraphNode[]): GraphValue[] {
  const inner = new Set(steps.flatMap(({ outputs }) => outputs));
  const inputs = new Set<GraphValue>();
  for (const step of steps) {
    for (const input of step.inputs) if (!inner.has(input)) inputs.add(input);
  }
  return [...inputs];
}
