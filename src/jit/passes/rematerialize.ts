/**
 * What a loop computes from little and only later loops read is computed by
 * them again: that is faster than to write and read it, and nothing has to be
 * kept for the backward pass but what it was computed from.
 *
 * @module
 */
import { sameShape, sizeOf } from "../../util/shapes.ts";
import { bytesOf, type Graph, type GraphNode, GraphValue } from "../graph.ts";
import { inputsOf, loopOf, mostInputs, mostSteps, shapeOf, stepsFor, stepsOf } from "../loops.ts";

/** Smaller values stay in a cache until they are read. */
const leastBytes = 1 << 16;
/** Nanoseconds to move a byte to or from where large values lie. */
const nanosecondsOfByte = 0.025;
/** Nanoseconds of an addition inside a loop, per element. */
const nanosecondsOfWork = 0.04;

/** The graph with values computed again where that is cheaper than to keep them. */
export function rematerialize(graph: Graph): Graph {
  const pass = new Rematerialization(graph);
  for (let i = 0; i < graph.nodes.length; i++) pass.visit(i);
  return pass.graph();
}

function sum<T>(items: Iterable<T>, of: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
}

/** A loop that would compute values of an earlier one again. */
interface Reader {
  readonly index: number;
  readonly steps: readonly GraphNode[];
  readonly values: readonly GraphValue[];
  /** The steps of the earlier loop that it needs, and what they read. */
  readonly again: readonly GraphNode[];
  readonly leaves: readonly GraphValue[];
}

class Rematerialization {
  readonly #graph: Graph;
  /** null: nothing of it is left. */
  readonly #nodes: (GraphNode | null)[];
  /** The indices of the nodes that read a value. */
  readonly #readers = new Map<GraphValue, Set<number>>();
  readonly #kept = new Set<GraphValue>();
  #nextId = 0;
  #isChanged = false;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#nodes = [...graph.nodes];
    for (const [i, node] of graph.nodes.entries()) {
      for (const input of node.inputs) this.#readersOf(input).add(i);
      for (const { outputs } of node.fused ?? [node]) {
        for (const { id } of outputs) this.#nextId = Math.max(this.#nextId, id + 1);
      }
    }
    for (const value of graph.results) this.#kept.add(value);
    for (const { value } of graph.writes) this.#kept.add(value);
  }

  graph(): Graph {
    if (!this.#isChanged) return this.#graph;
    return { ...this.#graph, nodes: this.#nodes.filter((node) => node !== null) };
  }

  #readersOf(value: GraphValue): Set<number> {
    let readers = this.#readers.get(value);
    if (readers === undefined) {
      readers = new Set();
      this.#readers.set(value, readers);
    }
    return readers;
  }

  /** Where a value is read for the last time. */
  #lastUse(value: GraphValue): number {
    if (value.origin.kind !== "node" || this.#kept.has(value)) return Number.POSITIVE_INFINITY;
    return Math.max(-1, ...this.#readersOf(value));
  }

  visit(index: number): void {
    const node = this.#nodes[index] as GraphNode;
    const steps = stepsOf(node);
    if (steps === null) return;
    const sums = steps.filter(({ op }) => op.traits.sum === true);
    const summed = new Set(sums.flatMap(({ outputs }) => outputs));
    const chosen = new Set(
      node.outputs.filter((value) => !summed.has(value) && this.#isCandidate(value)),
    );
    while (chosen.size > 0) {
      const readers = this.#plan(node, steps, chosen);
      if (this.#pays(chosen, readers)) {
        this.#apply(index, node, steps, chosen, readers);
        return;
      }
      chosen.delete(this.#dearest(steps, chosen));
    }
  }

  #isCandidate(value: GraphValue): boolean {
    if (this.#kept.has(value) || bytesOf(value) < leastBytes) return false;
    for (const reader of this.#readersOf(value)) {
      const steps = stepsOf(this.#nodes[reader] as GraphNode);
      if (steps === null || !sameShape(shapeOf(steps), value.shape)) return false;
    }
    return true;
  }

  #plan(
    node: GraphNode,
    steps: readonly GraphNode[],
    chosen: ReadonlySet<GraphValue>,
  ): readonly Reader[] {
    const stays = new Set(node.outputs.filter((value) => !chosen.has(value)));
    const indices = new Set([...chosen].flatMap((value) => [...this.#readersOf(value)]));
    return [...indices].map((index) => {
      const reader = this.#nodes[index] as GraphNode;
      const values = reader.inputs.filter((input) => chosen.has(input));
      const again = stepsFor(steps, values, (value) => stays.has(value));
      return {
        index,
        steps: stepsOf(reader) as readonly GraphNode[],
        values,
        again,
        leaves: inputsOf(again),
      };
    });
  }

  /** Whether it takes less time, no more memory, and the loops have room for it. */
  #pays(chosen: ReadonlySet<GraphValue>, readers: readonly Reader[]): boolean {
    const extended = new Set<GraphValue>();
    let bytes = sum(chosen, bytesOf);
    let time = 0;
    for (const { index, steps, values, again, leaves } of readers) {
      const { inputs } = this.#nodes[index] as GraphNode;
      const added = leaves.filter((leaf) => !inputs.includes(leaf));
      if (steps.length + again.length > mostSteps) return false;
      if (inputs.length + added.length > mostInputs) return false;
      for (const leaf of leaves) if (this.#lastUse(leaf) < index) extended.add(leaf);
      bytes += sum(values, bytesOf) - sum(added, bytesOf);
      const [{ shape }] = values as [GraphValue];
      time += sizeOf(shape) * nanosecondsOfWork * sum(again, ({ op }) => op.traits.work ?? 1);
    }
    return sum(extended, bytesOf) <= sum(chosen, bytesOf) && time < bytes * nanosecondsOfByte;
  }

  /** The one that takes most to compute. */
  #dearest(steps: readonly GraphNode[], chosen: ReadonlySet<GraphValue>): GraphValue {
    const workOf = (value: GraphValue): number =>
      sum(stepsFor(steps, [value]), ({ op }) => op.traits.work ?? 1);
    return [...chosen].reduce((a, b) => (workOf(b) > workOf(a) ? b : a));
  }

  #apply(
    index: number,
    node: GraphNode,
    steps: readonly GraphNode[],
    chosen: ReadonlySet<GraphValue>,
    readers: readonly Reader[],
  ): void {
    this.#isChanged = true;
    const outputs = node.outputs.filter((value) => !chosen.has(value));
    this.#replace(index, outputs.length === 0 ? null : loopOf(stepsFor(steps, outputs), outputs));
    for (const { index: at, steps: own, again } of readers) {
      const copies = new Map<GraphValue, GraphValue>();
      const read = (step: GraphNode): GraphNode => ({
        ...step,
        inputs: step.inputs.map((input) => copies.get(input) ?? input),
      });
      const copied = again.map((step) => {
        const [value] = step.outputs as [GraphValue];
        const copy = new GraphValue(value.tracer, this.#nextId++, value, { kind: "node" });
        const moved = { ...read(step), outputs: [copy] };
        copies.set(value, copy);
        return moved;
      });
      const reader = this.#nodes[at] as GraphNode;
      this.#replace(at, loopOf([...copied, ...own.map(read)], reader.outputs));
    }
  }

  #replace(index: number, node: GraphNode | null): void {
    for (const input of (this.#nodes[index] as GraphNode).inputs) {
      this.#readersOf(input).delete(index);
    }
    for (const input of node?.inputs ?? []) this.#readersOf(input).add(index);
    this.#nodes[index] = node;
  }
}
