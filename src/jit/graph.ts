/**
 * The graph of a traced function.
 *
 * @module
 */
import type { Attributes } from "../runtime/attributes.ts";
import type { TensorSpec } from "../runtime/backend.ts";
import type { OpDefinition } from "../tensor/define-op.ts";
import type { SymbolicValue, Tensor } from "../tensor/tensor.ts";
import type { Variable } from "../tensor/variable.ts";
import { type DType, itemSize } from "../util/dtypes.ts";
import { type Shape, sizeOf } from "../util/shapes.ts";

/** Where a value comes from. */
export type Origin =
  | { readonly kind: "argument"; readonly index: number }
  | { readonly kind: "variable"; readonly variable: Variable }
  | { readonly kind: "capture"; readonly tensor: Tensor }
  | { readonly kind: "constant"; readonly value: number | bigint }
  | { readonly kind: "node" };

/** A value of the graph: assigned once. */
export class GraphValue implements TensorSpec, SymbolicValue {
  readonly tracer: object;
  readonly id: number;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly origin: Origin;

  constructor(tracer: object, id: number, spec: TensorSpec, origin: Origin) {
    this.tracer = tracer;
    this.id = id;
    this.shape = spec.shape;
    this.dtype = spec.dtype;
    this.origin = origin;
  }
}

/** How much memory a value takes. */
export function bytesOf({ shape, dtype }: TensorSpec): number {
  return sizeOf(shape) * itemSize(dtype);
}

/** An op and its operands. */
export interface GraphNode {
  readonly op: OpDefinition;
  readonly inputs: readonly GraphValue[];
  readonly attributes: Attributes;
  readonly outputs: readonly GraphValue[];
  /** Of a control op: what it runs. Bodies have no captures, variables or writes. */
  readonly bodies?: readonly Graph[];
  /** Of a fused node: the elementwise nodes that run as one loop, in order. */
  readonly fused?: readonly GraphNode[];
}

/** A variable's new value. */
export interface GraphWrite {
  readonly variable: Variable;
  readonly value: GraphValue;
}

/** A traced function: nodes in an order in which they can run. */
export interface Graph {
  readonly arguments: readonly GraphValue[];
  readonly nodes: readonly GraphNode[];
  readonly results: readonly GraphValue[];
  readonly writes: readonly GraphWrite[];
}

/** A step of the compiler: a graph that computes the same. */
export type Pass = (graph: Graph) => Graph;

/** The graph with values replaced, wherever they are used. */
export function replaceValues(
  graph: Graph,
  nodes: readonly GraphNode[],
  replacement: ReadonlyMap<GraphValue, GraphValue>,
): Graph {
  if (replacement.size === 0) return { ...graph, nodes };
  const now = (value: GraphValue): GraphValue => replacement.get(value) ?? value;
  const renamed = (node: GraphNode): GraphNode =>
    node.inputs.some((input) => replacement.has(input))
      ? {
          ...node,
          inputs: node.inputs.map(now),
          ...(node.fused && { fused: node.fused.map(renamed) }),
        }
      : node;
  return {
    arguments: graph.arguments,
    nodes: nodes.map(renamed),
    results: graph.results.map(now),
    writes: graph.writes.map(({ variable, value }) => ({ variable, value: now(value) })),
  };
}
