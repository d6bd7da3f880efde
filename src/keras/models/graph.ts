/**
 * The graph of a functional model: which calls lead from inputs to outputs.
 *
 * @module
 */
import { ArgumentError, StateError } from "../../util/errors.ts";
import { flatten, mapTree } from "../../util/pytree.ts";
import { KerasTensor } from "../keras-tensor.ts";
import { Input, InputLayer } from "../layers/core/input-layer.ts";
import { Node } from "../node.ts";
import { checkUniqueNames, type Operation } from "../operation.ts";

/** Symbolic tensors in arrays and objects. */
export type TensorTree =
  | KerasTensor
  | readonly TensorTree[]
  | { readonly [key: string]: TensorTree };

/** The call that made a symbolic tensor. */
export function nodeOf(tensor: KerasTensor): Node | null {
  const { history } = tensor;
  return history === null ? null : (history.operation.inboundNodes[history.nodeIndex] as Node);
}

/** Calls from inputs to outputs, in an order in which they can run. */
export class Graph {
  /** As given. */
  readonly inputTree: TensorTree;
  readonly outputTree: TensorTree;
  readonly inputs: readonly KerasTensor[];
  readonly outputs: readonly KerasTensor[];
  /** In the order in which they run. */
  readonly nodes: readonly Node[];
  /** By depth, farthest from the outputs first: Keras's order. */
  readonly operations: readonly Operation[];
  /** How far the nodes are from the outputs: first the farthest. */
  readonly nodesByDepth: readonly (readonly Node[])[];

  /** @throws {ArgumentError} If the outputs do not follow from the inputs, or names are used twice. */
  constructor(name: string, inputs: TensorTree, outputs: TensorTree) {
    const given = {
      inputs: checkTensors(name, "inputs", inputs),
      outputs: checkTensors(name, "outputs", outputs),
    };
    const isOpen = given.inputs.some((tensor) => nodeOf(tensor)?.isInput !== true);
    [this.inputTree, this.outputTree] = isOpen ? cloneGraph(inputs, outputs) : [inputs, outputs];
    this.inputs = flatten(this.inputTree) as KerasTensor[];
    this.outputs = flatten(this.outputTree) as KerasTensor[];
    const { order, firstSeen } = sortNodes(this.inputs, this.outputs);
    const { nodeDepths, operationDepths } = depthsOf(this.inputs, order, firstSeen);
    this.nodesByDepth = byDepth(nodeDepths);
    this.nodes = this.nodesByDepth.flat();
    this.operations = byDepth(operationDepths).flatMap((operations) =>
      [...operations].sort((a, b) => (firstSeen.get(a) as number) - (firstSeen.get(b) as number)),
    );
    checkConnected(name, this.inputs, this.nodes);
    checkUniqueNames(`Model "${name}"`, this.operations);
  }

  /**
   * Runs the calls on values in place of the inputs. Where `training` is given
   * it stands above what calls were recorded with, as in Keras.
   */
  run(values: readonly unknown[], training?: boolean | null): unknown {
    const known = new Map<KerasTensor, unknown>();
    for (const [i, input] of this.inputs.entries()) known.set(input, values[i]);
    for (const node of this.nodes) {
      if (node.isInput) continue;
      const { args, kwargs } = node.fillIn((tensor) => known.get(tensor));
      if (training !== undefined && training !== null) delete kwargs["training"];
      const all = Object.keys(kwargs).length > 0 ? [...args, kwargs] : args;
      const results = flatten(node.operation.invoke(all));
      for (const [i, output] of node.outputs.entries()) known.set(output, results[i]);
    }
    return mapTree(this.outputTree, (leaf) => known.get(leaf as KerasTensor));
  }

  has(node: Node): boolean {
    return this.nodes.includes(node);
  }
}

function checkTensors(name: string, what: string, tree: TensorTree): KerasTensor[] {
  const tensors = flatten(tree);
  for (const tensor of tensors) {
    if (!(tensor instanceof KerasTensor)) {
      throw new ArgumentError(
        `Model "${name}": ${what} must be symbolic tensors, as Input and layers called on them ` +
          `give. Got ${String(tensor)}.`,
      );
    }
  }
  return tensors as KerasTensor[];
}

/** Depth first from the outputs: parents before children. */
function sortNodes(
  inputs: readonly KerasTensor[],
  outputs: readonly KerasTensor[],
): { order: Node[]; firstSeen: Map<Operation, number> } {
  const order: Node[] = [];
  const firstSeen = new Map<Operation, number>();
  const seen = new Set<Node>();
  const declared = new Set(inputs);
  // A stack of its own: models may be deeper than the call stack.
  const stack: { tensor: KerasTensor; leave: Node | null }[] = [];
  const push = (tensors: readonly KerasTensor[]): void => {
    for (let i = tensors.length - 1; i >= 0; i--) {
      stack.push({ tensor: tensors[i] as KerasTensor, leave: null });
    }
  };
  push(outputs);
  while (stack.length > 0) {
    const { tensor, leave } = stack.pop() as { tensor: KerasTensor; leave: Node | null };
    if (leave !== null) {
      order.push(leave);
      continue;
    }
    const node = nodeOf(tensor);
    if (node === null || seen.has(node)) continue;
    seen.add(node);
    if (!node.isInput && declared.has(tensor)) continue;
    if (!firstSeen.has(node.operation)) firstSeen.set(node.operation, firstSeen.size);
    stack.push({ tensor, leave: node });
    push(node.inputs);
  }
  return { order, firstSeen };
}

function depthsOf(
  inputs: readonly KerasTensor[],
  order: readonly Node[],
  firstSeen: Map<Operation, number>,
): { nodeDepths: Map<Node, number>; operationDepths: Map<Operation, number> } {
  const inGraph = new Set(order);
  const nodeDepths = new Map<Node, number>();
  const operationDepths = new Map<Operation, number>();
  for (const node of [...order].reverse()) {
    const depth = Math.max(nodeDepths.get(node) ?? 0, operationDepths.get(node.operation) ?? 0);
    operationDepths.set(node.operation, depth);
    nodeDepths.set(node, depth);
    for (const parent of node.parents) {
      if (!inGraph.has(parent)) continue;
      nodeDepths.set(parent, Math.max(depth + 1, nodeDepths.get(parent) ?? 0));
    }
  }
  for (const input of inputs) {
    const node = nodeOf(input);
    // An input that no output depends on.
    if (node?.isInput && !operationDepths.has(node.operation)) {
      operationDepths.set(node.operation, 0);
      nodeDepths.set(node, 0);
      firstSeen.set(node.operation, -1);
    }
  }
  return { nodeDepths, operationDepths };
}

function byDepth<T>(depths: ReadonlyMap<T, number>): T[][] {
  const groups: T[][] = [];
  for (const [item, depth] of depths) {
    groups[depth] ??= [];
    (groups[depth] as T[]).push(item);
  }
  return groups.filter((group) => group !== undefined).reverse();
}

function checkConnected(
  name: string,
  inputs: readonly KerasTensor[],
  nodes: readonly Node[],
): void {
  const known = new Set<KerasTensor>(inputs);
  for (const node of nodes) {
    // Other models' inputs are no beginnings of this one.
    if (node.isInput) continue;
    for (const tensor of node.inputs) {
      if (!known.has(tensor)) {
        throw new ArgumentError(
          `Model "${name}": the outputs depend on ${tensor}, an input of "${node.operation.name}", ` +
            "which does not follow from the model's inputs. Add it to the inputs.",
        );
      }
    }
    for (const tensor of node.outputs) known.add(tensor);
  }
}

/** The same calls once more, from new inputs in place of tensors in the midst of a graph. */
function cloneGraph(inputs: TensorTree, outputs: TensorTree): [TensorTree, TensorTree] {
  const flatInputs = flatten(inputs) as KerasTensor[];
  const { order } = sortNodes(flatInputs, flatten(outputs) as KerasTensor[]);
  const clones = new Map<KerasTensor, KerasTensor>();
  for (const input of flatInputs) {
    const isInput = nodeOf(input)?.operation instanceof InputLayer;
    clones.set(
      input,
      isInput
        ? input
        : Input({ batchShape: input.shape, dtype: input.dtype, name: `${input.name}CLONE` }),
    );
  }
  const cloneOf = (tensor: KerasTensor): KerasTensor => {
    let clone = clones.get(tensor);
    if (clone === undefined) {
      clone = new KerasTensor(tensor.shape, { dtype: tensor.dtype, name: `${tensor.name}_clone` });
      clones.set(tensor, clone);
    }
    return clone;
  };
  for (const node of order) {
    if (node.isInput) {
      for (const tensor of node.outputs) clones.set(tensor, tensor);
      continue;
    }
    const { args, kwargs } = node.fillIn(cloneOf);
    new Node(node.operation, args, kwargs, node.outputs.map(cloneOf));
  }
  const replace = (tree: TensorTree): TensorTree =>
    mapTree(tree, (leaf) => cloneOf(leaf as KerasTensor)) as TensorTree;
  return [replace(inputs), replace(outputs)];
}

/** @throws {StateError} If the model has no graph. */
export function requireGraph(graph: Graph | null, name: string, what: string): Graph {
  if (graph === null) {
    throw new StateError(
      `Model "${name}" has no ${what}: it was not made from symbolic inputs and outputs.`,
      { layer: name },
    );
  }
  return graph;
}
