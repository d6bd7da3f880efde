/**
 * What can be a step of a functional model: layers and ops alike.
 *
 * @module
 */
import { ArgumentError, StateError } from "../util/errors.ts";
import { autoName, checkName } from "../util/naming.ts";
import { anySymbolic, type KerasTensor } from "./keras-tensor.ts";
import { Node } from "./node.ts";
import { type Config, KerasObject, type ParameterTable } from "./object.ts";
import { inferSymbolic } from "./symbolic.ts";

/**
 * A step with a name that maps tensors to tensors. Called on symbolic tensors
 * it gives symbolic tensors and remembers the call as a node.
 */
export abstract class Operation extends KerasObject {
  static override readonly parameters: ParameterTable = { name: null };
  static override readonly kerasModule: string = "keras";

  name: string;
  /** The calls of this operation, in order. */
  readonly inboundNodes!: Node[];
  /** The calls that use its outputs. */
  readonly outboundNodes!: Node[];

  constructor(options: { name?: string | null | undefined } = {}) {
    super();
    this.name = checkName(options.name ?? autoName(new.target.name), new.target.name);
    // Not enumerable: they are the graph's, not parts of the operation.
    Object.defineProperty(this, "inboundNodes", { value: [] });
    Object.defineProperty(this, "outboundNodes", { value: [] });
  }

  /** What the operation computes. */
  abstract call(...args: never[]): unknown;

  /** @internal */
  override invoke(args: unknown[]): unknown {
    if (!anySymbolic(args)) return this.compute(args, {});
    const outputs = this.computeOutputSpec(args, {});
    new Node(this, args, {}, outputs);
    return outputs;
  }

  /** @internal The computation on tensors. */
  compute(args: readonly unknown[], kwargs: Readonly<Record<string, unknown>>): unknown {
    const all = Object.keys(kwargs).length > 0 ? [...args, kwargs] : args;
    return this.call(...(all as never[]));
  }

  /** Symbolic tensors of the shapes and dtypes that a call on symbolic tensors gives. */
  computeOutputSpec(args: readonly unknown[], kwargs: Readonly<Record<string, unknown>>): unknown {
    return inferSymbolic(this.name, [args, kwargs], (given) => {
      const [a, k] = given as [unknown[], Record<string, unknown>];
      return this.compute(a, k);
    });
  }

  /** The symbolic input of the only call. @throws {StateError} If there is not just one call. */
  get input(): unknown {
    return single(this, this.inboundNodes).inputs.length === 1
      ? single(this, this.inboundNodes).inputs[0]
      : [...single(this, this.inboundNodes).inputs];
  }

  /** The symbolic output of the only call. @throws {StateError} If there is not just one call. */
  get output(): KerasTensor | KerasTensor[] {
    const { outputs } = single(this, this.inboundNodes);
    return outputs.length === 1 ? (outputs[0] as KerasTensor) : [...outputs];
  }

  override getConfig(): Config {
    return { name: this.name };
  }
}

function single(operation: Operation, nodes: readonly Node[]): Node {
  const [node] = nodes;
  if (node === undefined || nodes.length !== 1) {
    throw new StateError(
      `"${operation.name}" has been called ${nodes.length} times on symbolic tensors; ` +
        "its input and output are defined for exactly one call.",
      { layer: operation.name },
    );
  }
  return node;
}

/** @throws {ArgumentError} If two operations of a list share a name. */
export function checkUniqueNames(what: string, operations: readonly Operation[]): void {
  const seen = new Set<string>();
  for (const { name } of operations) {
    if (seen.has(name)) {
      throw new ArgumentError(
        `${what}: the name "${name}" is used twice. All layers of a model need different names: ` +
          "pass { name } to one of them.",
      );
    }
    seen.add(name);
  }
}
