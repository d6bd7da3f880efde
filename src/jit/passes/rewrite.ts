/**
 * Calls that their ops know a simpler form of take that form.
 *
 * @module
 */
import type { TracedCall, TracedValue } from "../../tensor/define-op.ts";
import { sameShape } from "../../util/shapes.ts";
import { type Graph, type GraphNode, type GraphValue, replaceValues } from "../graph.ts";

/** A value of the graph, shown to rules. */
class View implements TracedValue {
  readonly value: GraphValue;
  readonly source: TracedCall | null;

  constructor(value: GraphValue, source: TracedCall | null) {
    this.value = value;
    this.source = source;
  }

  get shape(): TracedValue["shape"] {
    return this.value.shape;
  }

  get dtype(): TracedValue["dtype"] {
    return this.value.dtype;
  }

  get constant(): TracedValue["constant"] {
    const { origin } = this.value;
    return origin.kind === "constant" ? origin.value : null;
  }
}

/** The graph after the rules of its ops; what they leave unused stays in it. */
export function rewrite(graph: Graph): Graph {
  const views = new Map<GraphValue, View>();
  const replacement = new Map<GraphValue, GraphValue>();
  const kept: GraphNode[] = [];
  let isChanged = false;
  const viewOf = (value: GraphValue): View => {
    const current = replacement.get(value) ?? value;
    let view = views.get(current);
    if (view === undefined) {
      view = new View(current, null);
      views.set(current, view);
    }
    return view;
  };
  for (const node of graph.nodes) {
    const call: TracedCall = {
      op: node.op,
      inputs: node.inputs.map(viewOf),
      attributes: node.attributes,
    };
    const simpler = simplest(call, node.outputs[0] as GraphValue);
    if (simpler instanceof View) {
      replacement.set(node.outputs[0] as GraphValue, simpler.value);
      isChanged = true;
      continue;
    }
    if (simpler === call) kept.push(node);
    else {
      const inputs = simpler.inputs.map((input) => (input as View).value);
      kept.push({ ...node, ...simpler, inputs });
      isChanged = true;
    }
    for (const output of node.outputs) views.set(output, new View(output, simpler));
  }
  return isChanged ? replaceValues(graph, kept, replacement) : graph;
}

/** A value that is there already, or the call that no rule makes simpler. */
function simplest(given: TracedCall, output: GraphValue): View | TracedCall {
  let call = given;
  for (;;) {
    const simpler = call.op.rewrite?.(call.inputs, call.attributes, output);
    if (simpler == null) return call;
    if (simpler instanceof View) {
      const fits = simpler.dtype === output.dtype && sameShape(simpler.shape, output.shape);
      return fits ? simpler : call;
    }
    call = simpler as TracedCall;
  }
}
