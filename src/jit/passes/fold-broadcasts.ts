/**
 * Elementwise ops broadcast by themselves: what was spread out for them is not.
 *
 * @module
 */
import { broadcastShapes, sameShape } from "../../util/shapes.ts";
import type { Graph, GraphNode, GraphValue } from "../graph.ts";

/** The graph with elementwise nodes that read the values before a broadcast. */
export function foldBroadcasts(graph: Graph): Graph {
  const sources = new Map<GraphValue, GraphValue>();
  let isChanged = false;
  const nodes = graph.nodes.map((node) => {
    const [output] = node.outputs as [GraphValue];
    if (node.op.traits.broadcast === true) {
      const [input] = node.inputs as [GraphValue];
      sources.set(output, sources.get(input) ?? input);
      return node;
    }
    if (node.op.traits.elementwise !== true || node.inputs.length < 2) return node;
    const folded = fold(node, sources);
    if (folded !== node) isChanged = true;
    return folded;
  });
  return isChanged ? { ...graph, nodes } : graph;
}

/** As many inputs as leave the shape of the output as it is. */
function fold(node: GraphNode, sources: ReadonlyMap<GraphValue, GraphValue>): GraphNode {
  const [output] = node.outputs as [GraphValue];
  const inputs = [...node.inputs];
  let isChanged = false;
  for (const [i, input] of inputs.entries()) {
    const source = sources.get(input);
    if (source === undefined) continue;
    const rest = inputs.map((value, k) => (k === i ? source.shape : value.shape));
    const shape = rest.reduce((all, own) => broadcastShapes("broadcast", all, own));
    if (!sameShape(shape, output.shape)) continue;
    inputs[i] = source;
    isChanged = true;
  }
  return isChanged ? { ...node, inputs } : node;
}
