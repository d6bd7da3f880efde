/**
 * Elementwise nodes that feed each other become one loop, whose values between
 * them never reach memory.
 *
 * A group runs where its last node stood. That is right as long as nobody
 * outside needs one of its values before then, so a group is closed by the
 * first node outside of it that uses a value of it.
 *
 * @module
 */
import { sameShape } from "../../util/shapes.ts";
import type { Graph, GraphNode, GraphValue } from "../graph.ts";
import { loopOf, mostInputs, mostSteps, stepsOf } from "../loops.ts";

class Group {
  readonly nodes: GraphNode[] = [];
  readonly inputs = new Set<GraphValue>();
  isClosed = false;
  /** The group that took this one in. */
  into: Group | null = null;
}

/** The graph with chains of elementwise nodes of one shape fused. */
export function fuseElementwise(graph: Graph): Graph {
  const groupOf = groupNodes(graph.nodes);
  const outside = usedOutside(graph, groupOf);
  const nodes: GraphNode[] = [];
  let isChanged = false;
  for (const node of graph.nodes) {
    const group = groupOf.get(node);
    if (group === undefined || group.nodes.length === 1) nodes.push(node);
    else if (group.nodes.at(-1) === node) {
      const values = group.nodes.map(({ outputs }) => outputs[0] as GraphValue);
      nodes.push(
        loopOf(
          group.nodes,
          values.filter((value) => outside.has(value)),
        ),
      );
      isChanged = true;
    }
  }
  return isChanged ? { ...graph, nodes } : graph;
}

function groupNodes(nodes: readonly GraphNode[]): ReadonlyMap<GraphNode, Group> {
  const producers = new Map<GraphValue, Group>();
  const groups = new Map<GraphNode, Group>();
  for (const node of nodes) {
    const shape = stepsOf(node) === null ? null : (node.outputs[0] as GraphValue).shape;
    let group: Group | null = null;
    for (const input of node.inputs) {
      const producer = lastOf(producers.get(input));
      if (producer === null || producer === group || producer.isClosed) continue;
      const fits =
        shape !== null && sameShape(input.shape, shape) && canMerge(node, group, producer);
      if (!fits) producer.isClosed = true;
      else group = group === null ? producer : merged(group, producer);
    }
    if (shape === null) continue;
    group ??= new Group();
    group.nodes.push(node);
    for (const input of node.inputs) {
      if (lastOf(producers.get(input)) !== group) group.inputs.add(input);
    }
    producers.set(node.outputs[0] as GraphValue, group);
    groups.set(node, group);
  }
  for (const [node, group] of groups) groups.set(node, lastOf(group) as Group);
  return groups;
}

function lastOf(group: Group | undefined): Group | null {
  let last = group ?? null;
  while (last?.into != null) last = last.into;
  return last;
}

function canMerge(node: GraphNode, group: Group | null, producer: Group): boolean {
  const steps = (group?.nodes.length ?? 0) + producer.nodes.length + 1;
  const inputs = (group?.inputs.size ?? 0) + producer.inputs.size + node.inputs.length;
  return steps <= mostSteps && inputs <= mostInputs;
}

function merged(a: Group, b: Group): Group {
  b.into = a;
  // In the order of the graph: ids of values grow along it.
  const nodes = [...a.nodes, ...b.nodes].sort((x, y) => idOf(x) - idOf(y));
  a.nodes.splice(0, a.nodes.length, ...nodes);
  for (const input of b.inputs) a.inputs.add(input);
  return a;
}

function idOf({ outputs }: GraphNode): number {
  return (outputs[0] as GraphValue).id;
}

/** The values that somebody outside of their group uses. */
function usedOutside(
  graph: Graph,
  groupOf: ReadonlyMap<GraphNode, Group>,
): ReadonlySet<GraphValue> {
  const producers = new Map<GraphValue, Group>();
  for (const [node, group] of groupOf) producers.set(node.outputs[0] as GraphValue, group);
  const outside = new Set<GraphValue>(graph.results);
  for (const { value } of graph.writes) outside.add(value);
  for (const node of graph.nodes) {
    const group = groupOf.get(node);
    for (const input of node.inputs) {
      if (group === undefined || producers.get(input) !== group) outside.add(input);
    }
  }
  return outside;
}
