/**
 * What depends on nothing is computed once, when the function is compiled, and
 * held by its program.
 *
 * @module
 */
import { applyMany } from "../../tensor/apply.ts";
import { outsideTapesAndScope, outsideTrace } from "../../tensor/context.ts";
import { scalar } from "../../tensor/create.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { bytesOf, type Graph, type GraphNode, GraphValue, replaceValues } from "../graph.ts";

/** Larger values take longer to read than to compute again. */
const mostBytes = 1 << 18;

/** The graph with constant nodes replaced by tensors that it captures. */
export function foldConstants(graph: Graph): Graph {
  const constants = new Map<GraphValue, GraphNode>();
  const kept: GraphNode[] = [];
  for (const node of graph.nodes) {
    if (!isConstant(node, constants)) kept.push(node);
    else for (const output of node.outputs) constants.set(output, node);
  }
  if (constants.size === 0) return graph;
  const used = new Set<GraphValue>(kept.flatMap(({ inputs }) => inputs));
  for (const value of graph.results) used.add(value);
  for (const { value } of graph.writes) used.add(value);
  const replacement = new Map<GraphValue, GraphValue>();
  outsideTrace(() =>
    outsideTapesAndScope(() => {
      const tensors = new Map<GraphValue, Tensor>();
      for (const value of used) {
        if (!constants.has(value)) continue;
        const tensor = evaluate(value, constants, tensors);
        replacement.set(
          value,
          new GraphValue(value.tracer, value.id, value, { kind: "capture", tensor }),
        );
      }
    }),
  );
  return replaceValues(graph, kept, replacement);
}

function isConstant(
  { op, inputs, outputs, bodies }: GraphNode,
  constants: ReadonlyMap<GraphValue, GraphNode>,
): boolean {
  if (op.traits.unique === true || bodies !== undefined) return false;
  return (
    inputs.every((value) => value.origin.kind === "constant" || constants.has(value)) &&
    outputs.every((value) => bytesOf(value) <= mostBytes)
  );
}

function evaluate(
  value: GraphValue,
  constants: ReadonlyMap<GraphValue, GraphNode>,
  tensors: Map<GraphValue, Tensor>,
): Tensor {
  const known = tensors.get(value);
  if (known !== undefined) return known;
  const { origin } = value;
  if (origin.kind === "constant") {
    const tensor = scalar(origin.value, value.dtype);
    tensors.set(value, tensor);
    return tensor;
  }
  const { op, inputs, attributes, outputs } = constants.get(value) as GraphNode;
  const results = applyMany(
    op,
    inputs.map((input) => evaluate(input, constants, tensors)),
    attributes,
  );
  for (const [i, output] of outputs.entries()) tensors.set(output, results[i] as Tensor);
  return tensors.get(value) as Tensor;
}
