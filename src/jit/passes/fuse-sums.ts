/**
 * Sums of what a loop computes, or reads anyway, are made by that loop: the
 * values need not be read again for them, nor even written if nobody else does.
 *
 * @module
 */
import { type Shape, sizeOf } from "../../util/shapes.ts";
import type { Graph, GraphNode, GraphValue } from "../graph.ts";
import { loopOf, type SumLayout, shapeOf, stepsOf, sumLayout } from "../loops.ts";

// The kernel of sums adds up such as these in the same order as a loop, so that
// compiled and eager functions have the same bits (native/cpu/reduce.cc).
/** Shorter sums take less time than a loop with sums takes to begin and end. */
const leastSize = 2048;
/** Rows are not cut: with fewer of them threads would have nothing to do. */
const leastRows = 64;
/** Sums of one loop. */
const mostSums = 8;

/** A loop that may make sums. */
interface Host {
  readonly index: number;
  /** The value that is added up, as the loop knows it. */
  readonly value: GraphValue;
}

/** The graph with sums moved into loops. */
export function fuseSums(graph: Graph): Graph {
  const roots = rootsOf(graph.nodes);
  const rootOf = (value: GraphValue): GraphValue => roots.get(value) ?? value;
  const hosts = hostsOf(graph.nodes, rootOf);
  const firstUse = firstUses(graph.nodes);
  const nodes: (GraphNode | null)[] = [...graph.nodes];
  const rows = new Map<number, number>();
  const counts = new Map<number, number>();
  for (const [i, node] of graph.nodes.entries()) {
    if (node.op.traits.sum !== true) continue;
    const [input] = node.inputs as [GraphValue];
    const [output] = node.outputs as [GraphValue];
    const layout = sumLayout(input.shape, node.attributes["axes"] as readonly number[]);
    if (layout === null || !isWorthIt(input, layout)) continue;
    const { row } = layout;
    const host = hosts
      .get(rootOf(input))
      ?.find(
        ({ index }) =>
          index < (firstUse.get(output) ?? Number.POSITIVE_INFINITY) &&
          (counts.get(index) ?? 0) < mostSums &&
          (rows.get(index) ?? row) === row,
      );
    if (host === undefined) continue;
    const axes = axesOf(host.value.shape, layout);
    if (axes === null) continue;
    const { index, value } = host;
    const loop = nodes[index] as GraphNode;
    const sum = { ...node, inputs: [value], attributes: { axes, keepdims: false } };
    nodes[index] = loopOf(
      [...(stepsOf(loop) as readonly GraphNode[]), sum],
      [...loop.outputs, output],
    );
    nodes[i] = null;
    rows.set(index, row);
    counts.set(index, (counts.get(index) ?? 0) + 1);
  }
  if (counts.size === 0) return graph;
  return { ...graph, nodes: nodes.filter((node) => node !== null) };
}

function isWorthIt({ shape, dtype }: GraphValue, { over, row }: SumLayout): boolean {
  if (dtype !== "float32" && dtype !== "float64") return false;
  const size = sizeOf(shape);
  return size >= leastSize && (over !== "rows" || size / row >= leastRows);
}

/** The axes of another shape of the same elements whose sum is the same; null: none. */
function axesOf(shape: Shape, { over, row }: SumLayout): readonly number[] | null {
  const axes = shape.map((_, axis) => axis);
  if (over === "all") return axes;
  const split = axes.findLastIndex((axis) => sizeOf(shape.slice(axis)) === row);
  if (split < 0) return null;
  return over === "columns" ? axes.slice(0, split) : axes.slice(split);
}

/** The value whose elements a view shows. */
function rootsOf(nodes: readonly GraphNode[]): ReadonlyMap<GraphValue, GraphValue> {
  const roots = new Map<GraphValue, GraphValue>();
  for (const { op, inputs, outputs } of nodes) {
    if (op.traits.view !== true) continue;
    const [input] = inputs as [GraphValue];
    roots.set(outputs[0] as GraphValue, roots.get(input) ?? input);
  }
  return roots;
}

/** For each value the loops that compute it, or read all of it. */
function hostsOf(
  nodes: readonly GraphNode[],
  rootOf: (value: GraphValue) => GraphValue,
): ReadonlyMap<GraphValue, readonly Host[]> {
  const hosts = new Map<GraphValue, Host[]>();
  for (const [index, node] of nodes.entries()) {
    const steps = stepsOf(node);
    if (steps === null) continue;
    const size = sizeOf(shapeOf(steps));
    const own = steps.map(({ outputs }) => outputs[0] as GraphValue);
    for (const value of [...own, ...node.inputs]) {
      if (sizeOf(value.shape) !== size) continue;
      const root = rootOf(value);
      const list = hosts.get(root);
      if (list === undefined) hosts.set(root, [{ index, value }]);
      else list.push({ index, value });
    }
  }
  return hosts;
}

/** The first node that reads a value, or a view of it. */
function firstUses(nodes: readonly GraphNode[]): ReadonlyMap<GraphValue, number> {
  const uses = new Map<GraphValue, number>();
  for (const [index, { inputs }] of nodes.entries()) {
    for (const input of inputs) if (!uses.has(input)) uses.set(input, index);
  }
  return uses;
}
