/**
 * Graphs as text, to see what the compiler does.
 *
 * @module
 */
import { formatShape } from "../util/errors.ts";
import type { Graph, GraphNode, GraphValue } from "./graph.ts";
import { passes } from "./optimize.ts";

/** The graph as traced and after each pass that changes it. */
export function explainPasses(graph: Graph): string {
  let current = graph;
  const parts = [`traced\n${formatGraph(graph)}`];
  for (const [name, pass] of passes) {
    const next = pass(current);
    parts.push(next === current ? `${name}: no change` : `${name}\n${formatGraph(next)}`);
    current = next;
  }
  return parts.join("\n\n");
}

/** A line for each node, `%3 float32 [2, 5] = add %1 %2`, then results and writes. */
export function formatGraph(graph: Graph): string {
  const lines = formatNodes(graph.nodes, "  ");
  for (const value of graph.results) lines.push(`  return ${nameOf(value)}`);
  for (const { variable, value } of graph.writes) {
    lines.push(`  ${variable.name} := ${nameOf(value)}`);
  }
  return lines.join("\n");
}

function formatNodes(nodes: readonly GraphNode[], indent: string): string[] {
  const lines: string[] = [];
  for (const { op, inputs, attributes, outputs, bodies, fused } of nodes) {
    const made = outputs.map(
      (value) => `${nameOf(value)} ${value.dtype} ${formatShape(value.shape)}`,
    );
    const given = inputs.map((value) => ` ${nameOf(value)}`).join("");
    const options = Object.entries(attributes).map(([name, value]) => ` ${name}=${String(value)}`);
    lines.push(`${indent}${made.join(", ")} = ${op.name}${given}${options.join("")}`);
    if (fused !== undefined) lines.push(...formatNodes(fused, `${indent}  `));
    for (const [i, body] of (bodies ?? []).entries()) {
      lines.push(`${indent}  body ${i}`, ...formatNodes(body.nodes, `${indent}    `));
      lines.push(`${indent}    return ${body.results.map(nameOf).join(", ")}`);
    }
  }
  return lines;
}

function nameOf({ id, origin }: GraphValue): string {
  switch (origin.kind) {
    case "argument":
      return `argument${origin.index}`;
    case "variable":
      return origin.variable.name;
    case "capture":
      return `capture${id}`;
    case "constant":
      return String(origin.value);
    case "node":
      return `%${id}`;
  }
}
