/**
 * Bodies of control ops: functions traced as graphs that hold nothing.
 *
 * @module
 */
import { AttributePacker, type AttributeSchema, type Attributes } from "../runtime/attributes.ts";
import type { TensorSpec } from "../runtime/backend.ts";
import { currentBackend } from "../runtime/device.ts";
import { outsideTapesAndScope, state, withTracer } from "../tensor/context.ts";
import type { OpDefinition } from "../tensor/define-op.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Variable } from "../tensor/variable.ts";
import { type Graph, type GraphNode, GraphValue, replaceValues } from "./graph.ts";
import { optimizeBody } from "./optimize.ts";
import { foldConstants } from "./passes/fold-constants.ts";
import { makePlan } from "./plan.ts";
import { submitProgram } from "./submit.ts";
import { Trace } from "./trace.ts";

/** What a body takes from around it: a tensor, or what a variable holds then. */
export type Capture = Tensor | Variable;

/** A traced body: its graph takes the arguments, then the captures. */
export interface Body {
  readonly graph: Graph;
  readonly captures: readonly Capture[];
  /** How many results the function itself returned. */
  readonly results: number;
  /** Variables that it assigns; their new values follow the results. */
  readonly writes: readonly Variable[];
}

/**
 * Traces `fn` on symbolic arguments. Tensors and variables of outside that it
 * uses become further arguments, variables it assigns further results.
 */
export function traceBody(
  specs: readonly TensorSpec[],
  fn: (args: Tensor[]) => readonly Tensor[],
): Body {
  const trace = new Trace("body");
  try {
    const args = specs.map((spec) => trace.argument(spec));
    const results = outsideTapesAndScope(() => withTracer(trace, () => fn(args)));
    const graph = trace.graph(results);
    return closed(trace.isAbstract ? graph : foldConstants(graph));
  } catch (error) {
    trace.fail();
    throw error;
  } finally {
    trace.release();
  }
}

/** The graph with everything from outside as an argument. */
function closed(graph: Graph): Body {
  const captures: Capture[] = [];
  const replacement = new Map<GraphValue, GraphValue>();
  const graphArguments = [...graph.arguments];
  const lift = (value: GraphValue): void => {
    const { origin } = value;
    if (replacement.has(value)) return;
    if (origin.kind !== "capture" && origin.kind !== "variable") return;
    const index = graphArguments.length;
    const argument = new GraphValue(value.tracer, value.id, value, { kind: "argument", index });
    captures.push(origin.kind === "capture" ? origin.tensor : origin.variable);
    graphArguments.push(argument);
    replacement.set(value, argument);
  };
  for (const { inputs } of graph.nodes) inputs.forEach(lift);
  graph.results.forEach(lift);
  for (const { value } of graph.writes) lift(value);
  const lifted = replaceValues({ ...graph, arguments: graphArguments }, graph.nodes, replacement);
  return {
    graph: optimizeBody({
      ...lifted,
      results: [...lifted.results, ...lifted.writes.map(({ value }) => value)],
      writes: [],
    }),
    captures,
    results: graph.results.length,
    writes: graph.writes.map(({ variable }) => variable),
  };
}

/** An argument of an arranged body: the n-th of its own, or a capture. */
export type BodyArgument = number | Capture;

/** The shape and dtype of what is captured. */
export function specOf(capture: Capture): TensorSpec {
  return capture instanceof Tensor
    ? capture
    : { shape: capture.shape, dtype: capture.storageDtype };
}

/**
 * The body's graph with its arguments in the given order (also such that it
 * does not use), and results chosen from its own and its arguments.
 */
export function arranged(
  { graph, captures }: Body,
  layout: readonly BodyArgument[],
  results: (own: readonly GraphValue[], args: readonly GraphValue[]) => readonly GraphValue[],
): Graph {
  const own = graph.arguments.length - captures.length;
  const tracer = {};
  const replacement = new Map<GraphValue, GraphValue>();
  const args = layout.map((argument, index) => {
    const at = typeof argument === "number" ? argument : own + captures.indexOf(argument);
    const old = at < own && typeof argument !== "number" ? undefined : graph.arguments[at];
    const spec = typeof argument === "number" ? (old as GraphValue) : specOf(argument);
    const value = new GraphValue(tracer, -1 - index, spec, { kind: "argument", index });
    if (old !== undefined) replacement.set(old, value);
    return value;
  });
  const moved = replaceValues({ ...graph, arguments: args }, graph.nodes, replacement);
  return { ...moved, results: results(moved.results, args) };
}

function controlOp(name: string, attributes: AttributeSchema): OpDefinition {
  return {
    name,
    infer: () => {
      throw new Error(`${name} has no shape rule`);
    },
    vjp: null,
    decompose: undefined,
    rewrite: undefined,
    traits: { unique: true },
    packer: new AttributePacker(attributes),
    kernelOn: () => undefined,
  };
}

/** The control ops; `native/runtime/control.h` says what each computes. */
export const controlOps: Readonly<Record<"branch" | "loop" | "scan", OpDefinition>> = {
  branch: controlOp("branch", {}),
  loop: controlOp("loop", { carried: "int", limit: "int64" }),
  scan: controlOp("scan", { carried: "int", scanned: "int", length: "int", reverse: "bool" }),
};

/** Runs a control op: adds it to the trace, or makes it a program of its own. */
export function runControl(
  op: OpDefinition,
  inputs: readonly Tensor[],
  attributes: Attributes,
  bodies: readonly Graph[],
  outputs: readonly TensorSpec[],
): Tensor[] {
  if (state.tracer !== null) return state.tracer.apply(op, inputs, attributes, outputs, bodies);
  const owner = {};
  let id = 0;
  const graphArguments = inputs.map(
    (spec, index) => new GraphValue(owner, id++, spec, { kind: "argument", index }),
  );
  const values = outputs.map((spec) => new GraphValue(owner, id++, spec, { kind: "node" }));
  const node: GraphNode = { op, inputs: graphArguments, attributes, outputs: values, bodies };
  const backend = currentBackend();
  const program = backend.prepare(
    makePlan({ arguments: graphArguments, nodes: [node], results: values, writes: [] }, backend),
    true,
  );
  const { tensors } = submitProgram(backend, program, inputs);
  program.release();
  return tensors;
}
