/**
 * Loops: nodes that run several elementwise nodes of one shape, block by block.
 *
 * @module
 */
import { AttributePacker } from "../runtime/attributes.ts";
import type { OpDefinition } from "../tensor/define-op.ts";
import { sizeOf } from "../util/shapes.ts";
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

/** What a loop over its one shape may hold: elementwise nodes, themselves or in a loop. */
export function stepsOf(node: GraphNode): readonly GraphNode[] | null {
  if (node.fused !== undefined) return node.fused;
  const [output] = node.outputs;
  if (node.op.traits.elementwise !== true || node.outputs.length !== 1) return null;
  return sizeOf((output as GraphValue).shape) > 0 ? [node] : null;
}

/** One node of some steps, in order, that hands out `outputs`. */
export function loopOf(steps: readonly GraphNode[], outputs: readonly GraphValue[]): GraphNode {
  const [only] = steps;
  if (only !== undefined && steps.length === 1) return only;
  return { op: fusedOp, inputs: inputsOf(steps), attributes: {}, outputs, fused: steps };
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
