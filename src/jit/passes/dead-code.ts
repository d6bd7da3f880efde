/**
 * Drops nodes, and steps of loops, whose outputs nobody uses.
 *
 * @module
 */
import type { Graph, GraphNode, GraphValue } from "../graph.ts";
import { loopOf, stepsFor } from "../loops.ts";

/** The graph without dead nodes. */
export function deadCode(graph: Graph): Graph {
  const live = new Set<GraphValue>(graph.results);
  for (const { value } of graph.writes) live.add(value);
  const kept: GraphNode[] = [];
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = livePart(graph.nodes[i] as GraphNode, live);
    if (node === null) continue;
    for (const input of node.inputs) live.add(input);
    kept.push(node);
  }
  kept.reverse();
  const isSame = kept.length === graph.nodes.length && kept.every((n, i) => n === graph.nodes[i]);
  return isSame ? graph : { ...graph, nodes: kept };
}

/** What is left of a node: null where nothing is. */
function livePart(node: GraphNode, live: ReadonlySet<GraphValue>): GraphNode | null {
  const outputs = node.outputs.filter((output) => live.has(output));
  if (outputs.length === 0) return null;
  if (node.fused === undefined || outputs.length === node.outputs.length) return node;
  return loopOf(stepsFor(node.fused, outputs), outputs);
}
