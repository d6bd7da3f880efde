/**
 * From graph to plan: order, commit, memory, instructions.
 *
 * @module
 */
import { AttributePacker } from "../runtime/attributes.ts";
import type {
  Backend,
  Kernel,
  Loop,
  Place,
  Plan,
  PlanInstruction,
  PlanValue,
} from "../runtime/backend.ts";
import type { Storage } from "../runtime/storage.ts";
import { scalarBytes } from "../tensor/create.ts";
import type { Variable } from "../tensor/variable.ts";
import { itemSize } from "../util/dtypes.ts";
import { sizeOf } from "../util/shapes.ts";
import { bytesOf, type Graph, type GraphNode, type GraphValue } from "./graph.ts";
import { type SumLayout, shapeOf, sumLayout } from "./loops.ts";
import { type Interval, planOffsets, planSlots } from "./memory.ts";

/** The unit of offsets, in bytes. */
const unit = 64;
const noAttributes = new AttributePacker({});

/** A step of the plan before memory is laid out. */
interface Step {
  readonly node: GraphNode | null;
  readonly inputs: readonly GraphValue[];
  /** Where the outputs go: their own values, or a variable written in the commit. */
  readonly outputs: readonly Target[];
}

type Target =
  | { readonly kind: "value"; readonly value: GraphValue }
  | { readonly kind: "variable"; readonly variable: Variable; readonly like: GraphValue }
  | { readonly kind: "result"; readonly index: number; readonly like: GraphValue };

/** Whether a loop makes a value by adding up. */
function isSum(node: GraphNode, value: GraphValue): boolean {
  return (
    node.fused?.some(({ op, outputs }) => op.traits.sum === true && outputs[0] === value) === true
  );
}

/** The plan of a graph for a backend. */
export function makePlan(graph: Graph, backend: Backend): Plan {
  return new Planner(graph, backend).plan();
}

class Planner {
  readonly #graph: Graph;
  readonly #backend: Backend;
  /** The value whose memory a view shows. */
  readonly #roots = new Map<GraphValue, GraphValue>();
  readonly #producers = new Map<GraphValue, GraphNode>();
  readonly #written = new Map<Variable, GraphValue>();

  readonly #values: PlanValue[] = [];
  readonly #numbers = new Map<GraphValue, number>();
  readonly #held: Storage[] = [];
  readonly #heldIndex = new Map<Storage, number>();
  readonly #constants: Uint8Array[] = [];
  #constantUnits = 0;

  constructor(graph: Graph, backend: Backend) {
    this.#graph = graph;
    this.#backend = backend;
    for (const node of graph.nodes) {
      for (const output of node.outputs) this.#producers.set(output, node);
      if (node.op.traits.view === true) {
        this.#roots.set(node.outputs[0] as GraphValue, this.#root(node.inputs[0] as GraphValue));
      }
    }
    for (const { variable, value } of graph.writes) this.#written.set(variable, value);
  }

  #root(value: GraphValue): GraphValue {
    return this.#roots.get(value) ?? value;
  }

  #isComputed(value: GraphValue): boolean {
    return value.origin.kind === "node";
  }

  plan(): Plan {
    const { steps, commitStart, resultOf } = this.#order();
    const arena = this.#layOut(steps, resultOf);
    const instructions = steps.map((step) => this.#instruction(step));
    const constants = new Uint8Array(this.#constantUnits * unit);
    let at = 0;
    for (const bytes of this.#constants) {
      constants.set(bytes, at);
      at += Math.ceil(bytes.length / unit) * unit;
    }
    return {
      values: this.#values,
      instructions,
      commitStart,
      arena,
      constants,
      held: this.#held,
      inputs: this.#graph.arguments.map(({ shape, dtype }) => ({ shape, dtype })),
      outputs: this.#graph.results.map(({ shape, dtype }) => ({ shape, dtype })),
    };
  }

  /**
   * Steps in order. The body computes everything; then the commit writes
   * variables. A node goes into the commit itself, straight into its variables,
   * when it is elementwise and nobody else wants its values or, later in the
   * commit, the variables' old ones; other values are copied.
   */
  #order(): { steps: Step[]; commitStart: number; resultOf: Map<GraphValue, number> } {
    const { nodes, results, writes } = this.#graph;
    const uses = new Map<GraphValue, number>();
    const use = (value: GraphValue): void => {
      const root = this.#root(value);
      uses.set(root, (uses.get(root) ?? 0) + 1);
    };
    for (const node of nodes) if (node.op.traits.view !== true) node.inputs.forEach(use);
    results.forEach(use);
    for (const { value } of writes) use(value);

    const sunk = this.#chooseSunk(uses);
    const body: Step[] = [];
    const commit: Step[] = [];
    for (const node of nodes) {
      if (node.op.traits.view === true) continue;
      const variables = sunk.get(node);
      const steps = variables === undefined ? body : commit;
      steps.push({
        node,
        inputs: node.inputs,
        outputs: node.outputs.map((value, i) => {
          const variable = variables?.[i];
          return variable === undefined
            ? { kind: "value", value }
            : { kind: "variable", variable, like: value };
        }),
      });
    }

    // A result that a node computes is computed in place; others are copied.
    const resultOf = new Map<GraphValue, number>();
    for (const [index, result] of results.entries()) {
      const root = this.#root(result);
      if (this.#isComputed(root) && !resultOf.has(root)) resultOf.set(root, index);
      else
        body.push({
          node: null,
          inputs: [result],
          outputs: [{ kind: "result", index, like: result }],
        });
    }

    const sunkVariables = new Set([...sunk.values()].flat());
    for (const { variable, value } of writes) {
      if (sunkVariables.has(variable)) continue;
      const { origin } = this.#root(value);
      let source = value;
      if (origin.kind === "variable") {
        if (origin.variable === variable) continue;
        if (this.#written.has(origin.variable)) {
          // The source is itself overwritten by the commit: saved before.
          source = this.#temporary(value);
          body.push({ node: null, inputs: [value], outputs: [{ kind: "value", value: source }] });
        }
      }
      commit.push({
        node: null,
        inputs: [source],
        outputs: [{ kind: "variable", variable, like: value }],
      });
    }
    return { steps: [...body, ...commit], commitStart: body.length, resultOf };
  }

  #temporary(like: GraphValue): GraphValue {
    // A value of its own that only its copy computes.
    return Object.assign(Object.create(Object.getPrototypeOf(like) as object), like, {
      origin: { kind: "node" },
    }) as GraphValue;
  }

  /** Elementwise nodes all of whose outputs go into variables and nowhere else. */
  #chooseSunk(uses: ReadonlyMap<GraphValue, number>): Map<GraphNode, readonly Variable[]> {
    const targets = new Map<GraphValue, Variable>();
    for (const { variable, value } of this.#graph.writes) {
      if (uses.get(value) === 1) targets.set(value, variable);
    }
    // Backwards, with the variables that later steps of the commit read.
    const sunk = new Map<GraphNode, readonly Variable[]>();
    const readLater = new Set<Variable>();
    for (let i = this.#graph.nodes.length - 1; i >= 0; i--) {
      const node = this.#graph.nodes[i] as GraphNode;
      if (node.op.traits.elementwise !== true || node.outputs.some((v) => isSum(node, v))) continue;
      const variables = node.outputs.flatMap((value) => targets.get(value) ?? []);
      if (variables.length !== node.outputs.length) continue;
      if (variables.some((variable) => readLater.has(variable))) continue;
      sunk.set(node, variables);
      for (const input of node.inputs) {
        const { origin } = this.#root(input);
        if (origin.kind === "variable") readLater.add(origin.variable);
      }
    }
    return sunk;
  }

  #layOut(
    steps: readonly Step[],
    resultOf: ReadonlyMap<GraphValue, number>,
  ): number | readonly number[] {
    const first = new Map<GraphValue, number>();
    const last = new Map<GraphValue, number>();
    for (const [i, step] of steps.entries()) {
      for (const target of step.outputs) {
        if (target.kind !== "value") continue;
        first.set(target.value, i);
        last.set(target.value, i);
      }
      for (const input of step.inputs) last.set(this.#root(input), i);
    }
    const intervals = new Map<GraphValue, Interval>();
    const slots = this.#backend.memoryModel === "slots";
    for (const [i, step] of steps.entries()) {
      for (const target of step.outputs) {
        if (target.kind !== "value" || resultOf.has(target.value)) continue;
        const { value } = target;
        const bytes = bytesOf(value);
        const interval: Interval = {
          size: slots ? bytes : Math.ceil(bytes / unit),
          first: i,
          last: last.get(value) as number,
          replaces: slots ? undefined : this.#dying(step, value, i, last, intervals),
        };
        intervals.set(value, interval);
      }
    }
    const list = [...intervals.values()];
    const index = new Map<GraphValue, number>();
    let arena: number | readonly number[];
    if (slots) {
      const layout = planSlots(list);
      for (const [value, interval] of intervals)
        index.set(value, layout.slots.get(interval) as number);
      arena = layout.sizes;
    } else {
      const layout = planOffsets(list);
      for (const [value, interval] of intervals)
        index.set(value, layout.offsets.get(interval) as number);
      arena = layout.total;
    }
    for (const value of intervals.keys()) this.#number(value, "arena", index.get(value) as number);
    for (const [value, result] of resultOf) this.#number(value, "output", result);
    return arena;
  }

  /** The interval of an input whose memory an elementwise output may take over. */
  #dying(
    step: Step,
    output: GraphValue,
    at: number,
    last: ReadonlyMap<GraphValue, number>,
    intervals: ReadonlyMap<GraphValue, Interval>,
  ): Interval | undefined {
    if (step.node?.op.traits.elementwise !== true || isSum(step.node, output)) return undefined;
    for (const input of step.inputs) {
      const root = this.#root(input);
      if (
        last.get(root) === at &&
        sizeOf(input.shape) === sizeOf(output.shape) &&
        itemSize(root.dtype) === itemSize(output.dtype)
      ) {
        const interval = intervals.get(root);
        if (interval !== undefined) return interval;
      }
    }
    return undefined;
  }

  #number(value: GraphValue, place: Place, index: number): number {
    const number = this.#values.length;
    this.#values.push({ place, index, shape: value.shape, dtype: value.dtype });
    this.#numbers.set(value, number);
    return number;
  }

  #numberOf(value: GraphValue): number {
    const known = this.#numbers.get(value);
    if (known !== undefined) return known;
    const root = this.#root(value);
    if (root !== value) {
      const { place, index } = this.#values[this.#numberOf(root)] as PlanValue;
      return this.#number(value, place, index);
    }
    const { origin } = value;
    switch (origin.kind) {
      case "argument":
        return this.#number(value, "input", origin.index);
      case "variable":
        return this.#number(value, "held", this.#hold(origin.variable.storage));
      case "capture":
        return this.#number(value, "held", this.#hold(origin.tensor.storage));
      case "constant": {
        const bytes = scalarBytes(origin.value, value.dtype);
        const at = this.#constantUnits;
        this.#constants.push(bytes);
        this.#constantUnits += Math.ceil(bytes.length / unit);
        return this.#number(value, "constant", at);
      }
      case "node":
        throw new Error(`value ${value.id} is used before it is computed`);
    }
  }

  #hold(storage: Storage): number {
    let index = this.#heldIndex.get(storage);
    if (index === undefined) {
      index = this.#held.length;
      this.#held.push(storage);
      this.#heldIndex.set(storage, index);
    }
    return index;
  }

  #instruction(step: Step): PlanInstruction {
    const inputs = step.inputs.map((input) => this.#numberOf(input));
    const outputs = step.outputs.map((target) => {
      switch (target.kind) {
        case "value":
          return this.#numberOf(target.value);
        case "variable": {
          const held = this.#hold(target.variable.storage);
          return this.#target(target.like, "held", held);
        }
        case "result":
          return this.#target(target.like, "output", target.index);
      }
    });
    const { node } = step;
    const bodies = node?.bodies?.map((body) => makePlan(body, this.#backend));
    const loop = node?.fused && this.#loop(node, node.fused);
    return {
      op: node?.op.name ?? "copy",
      kernel: node === null || bodies || loop ? null : this.#kernelOf(node),
      inputs,
      outputs,
      packer: node?.op.packer ?? noAttributes,
      attributes: node?.attributes ?? {},
      ...(bodies && { bodies }),
      ...(loop && { loop }),
    };
  }

  #kernelOf(node: GraphNode): Kernel {
    return node.op.kernelOn(this.#backend) as Kernel;
  }

  #loop({ inputs, outputs }: GraphNode, nodes: readonly GraphNode[]): Loop {
    const steps = nodes.filter(({ op }) => op.traits.sum !== true);
    const numbers = new Map(inputs.map((input, i) => [input, i]));
    for (const [step, node] of steps.entries()) {
      numbers.set(node.outputs[0] as GraphValue, inputs.length + step);
    }
    const numberOf = (value: GraphValue): number => numbers.get(value) as number;
    let longest = 0;
    const sums = nodes.slice(steps.length).map((node) => {
      const [value] = node.inputs as [GraphValue];
      const axes = node.attributes["axes"] as readonly number[];
      const { over, row } = sumLayout(value.shape, axes) as SumLayout;
      longest = Math.max(longest, row);
      const name = over === "columns" ? "accumulate_columns" : "accumulate_rows";
      return { kernel: this.#backend.resolve(name) as Kernel, value: numberOf(value), over };
    });
    return {
      shape: shapeOf(nodes),
      row: longest,
      sums,
      steps: steps.map((node) => ({
        op: node.op.name,
        kernel: this.#kernelOf(node),
        inputs: node.inputs.map(numberOf),
        dtype: (node.outputs[0] as GraphValue).dtype,
        packer: node.op.packer,
        attributes: node.attributes,
      })),
      outputs: outputs
        .slice(0, outputs.length - sums.length)
        .map((output) => numberOf(output) - inputs.length),
    };
  }

  /** A place of the shape and dtype of `like` that is no value of the graph. */
  #target(like: GraphValue, place: Place, index: number): number {
    const number = this.#values.length;
    this.#values.push({ place, index, shape: like.shape, dtype: like.dtype });
    return number;
  }
}
