/**
 * One call of an operation in the graph of a functional model.
 *
 * @module
 */
import { flatten, mapTree } from "../util/pytree.ts";
import { KerasTensor } from "./keras-tensor.ts";
import type { Operation } from "./operation.ts";

/** A call: the operation, its arguments, its outputs. */
export class Node {
  readonly operation: Operation;
  /** As passed, symbolic tensors included. */
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** The symbolic tensors among the arguments, in order. */
  readonly inputs: readonly KerasTensor[];
  readonly outputs: readonly KerasTensor[];

  constructor(
    operation: Operation,
    args: readonly unknown[],
    kwargs: Readonly<Record<string, unknown>>,
    outputs: unknown,
  ) {
    this.operation = operation;
    this.args = args;
    this.kwargs = kwargs;
    this.inputs = symbolicIn([args, kwargs]);
    this.outputs = symbolicIn(outputs);
    const nodeIndex = operation.inboundNodes.length;
    for (const [tensorIndex, output] of this.outputs.entries()) {
      output.history = { operation, nodeIndex, tensorIndex };
    }
    operation.inboundNodes.push(this);
    for (const input of this.inputs) {
      const producer = input.history;
      producer?.operation.outboundNodes.push(this);
    }
  }

  /** Whether this is where a model's input comes in. */
  get isInput(): boolean {
    return this.inputs.length === 0;
  }

  /** The operations whose outputs are the inputs. */
  get parents(): Node[] {
    return this.inputs.flatMap((input) => {
      const history = input.history;
      if (history === null) return [];
      return [history.operation.inboundNodes[history.nodeIndex] as Node];
    });
  }

  /** The arguments with each symbolic tensor replaced. */
  fillIn(value: (tensor: KerasTensor) => unknown): {
    args: unknown[];
    kwargs: Record<string, unknown>;
  } {
    const replace = (leaf: unknown): unknown => (leaf instanceof KerasTensor ? value(leaf) : leaf);
    return {
      args: mapTree(this.args, replace) as unknown[],
      kwargs: mapTree(this.kwargs, replace) as Record<string, unknown>,
    };
  }
}

function symbolicIn(tree: unknown): KerasTensor[] {
  return flatten(tree).filter((leaf): leaf is KerasTensor => leaf instanceof KerasTensor);
}
