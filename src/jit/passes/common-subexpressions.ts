/**
 * Computes equal expressions once.
 *
 * @module
 */
import type { Attributes } from "../../runtime/attributes.ts";
import { type Graph, type GraphNode, type GraphValue, replaceValues } from "../graph.ts";

/** The graph with nodes of equal op, attributes and inputs merged. */
export function commonSubexpressions(graph: Graph): Graph {
  const known = new Map<string, GraphNode>();
  const replacement = new Map<GraphValue, GraphValue>();
  const kept: GraphNode[] = [];
  for (const node of graph.nodes) {
    if (node.op.traits.unique === true) {
      kept.push(node);
      continue;
    }
    let key = node.op.name;
    for (const input of node.inputs) key += ` ${(replacement.get(input) ?? input).id}`;
    key += attributesKey(node.attributes);
    const twin = known.get(key);
    if (twin === undefined) {
      known.set(key, node);
      kept.push(node);
    } else {
      for (const [i, output] of node.outputs.entries()) {
        replacement.set(output, twin.outputs[i] as GraphValue);
      }
    }
  }
  return replacement.size === 0 ? graph : replaceValues(graph, kept, replacement);
}

function attributesKey(attributes: Attributes): string {
  let key = "";
  for (const name in attributes) {
    const value = attributes[name];
    // -0 and 0 differ; both print as 0.
    key += `|${name}=${Object.is(value, -0) ? "-0" : String(value)}`;
  }
  return key;
}
