/**
 * Tracing: running a function on symbolic tensors to learn its graph.
 *
 * @module
 */
import type { Attributes } from "../runtime/attributes.ts";
import type { TensorSpec } from "../runtime/backend.ts";
import { state, type Tracer } from "../tensor/context.ts";
import type { OpDefinition } from "../tensor/define-op.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Variable } from "../tensor/variable.ts";
import type { DType } from "../util/dtypes.ts";
import { formatShape, TraceError } from "../util/errors.ts";
import { type Graph, type GraphNode, GraphValue, type Origin } from "./graph.ts";

/** Records the ops of one function as a graph. */
export class Trace implements Tracer {
  readonly #arguments: GraphValue[] = [];
  readonly #nodes: GraphNode[] = [];
  readonly #constants = new Map<string, Tensor>();
  readonly #captures = new Map<Tensor, GraphValue>();
  readonly #current = new Map<Variable, Tensor>();
  readonly #writes = new Map<Variable, GraphValue>();
  readonly #undo: (() => void)[] = [];
  #count = 0;
  readonly isAbstract: boolean;
  /** Whether values of other traces may enter, as they may an abstract one or a body. */
  readonly #isOpen: boolean;

  /** `abstract`: nothing of it will run; `body`: it becomes part of another trace. */
  constructor(kind: "program" | "abstract" | "body" = "program") {
    this.isAbstract = kind === "abstract" || (kind === "body" && state.tracer?.isAbstract === true);
    this.#isOpen = kind !== "program";
  }

  /** A symbolic argument. */
  argument(spec: TensorSpec): Tensor {
    const value = this.#newValue(spec, { kind: "argument", index: this.#arguments.length });
    this.#arguments.push(value);
    return symbolic(value);
  }

  apply(
    op: OpDefinition,
    inputs: readonly Tensor[],
    attributes: Attributes,
    outputs: readonly TensorSpec[],
    bodies?: readonly Graph[],
  ): Tensor[] {
    const values = outputs.map((spec) => this.#newValue(spec, { kind: "node" }));
    this.#nodes.push({
      op,
      inputs: inputs.map((input) => this.valueOf(input)),
      attributes,
      outputs: values,
      ...(bodies && { bodies }),
    });
    return values.map(symbolic);
  }

  constant(spec: TensorSpec, value: number | bigint): Tensor {
    const key = `${spec.dtype} ${Object.is(value, -0) ? "-0" : value}`;
    let known = this.#constants.get(key);
    if (known === undefined) {
      known = symbolic(this.#newValue(spec, { kind: "constant", value }));
      this.#constants.set(key, known);
    }
    return known;
  }

  readVariable(variable: Variable): Tensor {
    let value = this.#current.get(variable);
    if (value === undefined) {
      const spec = { shape: variable.shape, dtype: variable.storageDtype };
      value = symbolic(this.#newValue(spec, { kind: "variable", variable }));
      this.#current.set(variable, value);
    }
    return value;
  }

  assignVariable(variable: Variable, value: Tensor): void {
    this.#writes.set(variable, this.valueOf(value));
    // An object of its own, so that a tape can tell the read from the value.
    this.#current.set(variable, value.detached());
  }

  onFailure(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** The function threw: takes back what it did outside the trace. */
  fail(): void {
    for (const undo of this.#undo.reverse()) undo();
    this.release();
  }

  /** Lets go of captured tensors. */
  release(): void {
    for (const tensor of this.#captures.keys())
      if (tensor.symbol === null) tensor.storage.release();
    this.#captures.clear();
  }

  /** What a tensor is in this trace. */
  valueOf(tensor: Tensor): GraphValue {
    const { symbol } = tensor;
    if (symbol !== null && symbol.tracer === this) return symbol as GraphValue;
    const known = this.#captures.get(tensor);
    if (known !== undefined) return known;
    if (symbol === null) {
      // Held from now on: a tidy inside the function must not free it.
      tensor.storage.retain();
    } else if (!this.#isOpen) {
      throw new TraceError(
        `A tensor of shape ${formatShape(tensor.shape)} was made while another function was ` +
          "traced and kept outside of it. Return it from that function instead.",
      );
    }
    const value = this.#newValue(tensor, { kind: "capture", tensor });
    this.#captures.set(tensor, value);
    return value;
  }

  /** The graph that computes `results`, with all assignments. */
  graph(results: readonly Tensor[]): Graph {
    return {
      arguments: this.#arguments,
      nodes: this.#nodes,
      results: results.map((result) => this.valueOf(result)),
      writes: [...this.#writes].map(([variable, value]) => ({ variable, value })),
    };
  }

  #newValue(spec: TensorSpec, origin: Origin): GraphValue {
    return new GraphValue(this, this.#count++, spec, origin);
  }
}

function symbolic(value: GraphValue): Tensor {
  return new Tensor<DType>(value.shape, value.dtype, null, value);
}
