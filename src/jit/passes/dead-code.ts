/**
 * Drops nodes whose outputs nobody uses.
 *
 * @module
 */
import type { Graph, GraphNode, GraphValue } from "../graph.ts";

/** The graph without dead nodes. */
export function deadCode(graph: Graph): Graph {
  const live = new Set<GraphValue>(graph.results);
  for (const { value } of graph.writes) live.add(value);
  const kept: GraphNode[] = [];
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i] as GraphNode;
    if (!node.outputs.some((output) => live.has(output))) continue;
    for (const input of node.inputs) live.add(input);
    kept.push(node);
  }
  if (kept.length === graph.nodes.length) return graph;
  return { ...graph, nodes: kept.reverse() };
}
