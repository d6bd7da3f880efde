/**
 * Functional models as configs, and back.
 *
 * @module
 */

import { SerializationError } from "../../util/errors.ts";
import { toCamelCase, toSnakeCase } from "../../util/naming.ts";
import { isPlainObject, mapTree } from "../../util/pytree.ts";
import { KerasTensor } from "../keras-tensor.ts";
import type { Node } from "../node.ts";
import type { Config } from "../object.ts";
import { Operation } from "../operation.ts";
import {
  deserializeKerasObject,
  type SerializedObject,
  serializeKerasObject,
} from "../saving/serialization.ts";
import type { Graph, TensorTree } from "./graph.ts";

/** Models of graphs inside: configs count their calls from 1. */
function isNested(operation: Operation): boolean {
  return (operation as { isFunctional?: boolean }).isFunctional === true;
}

/** The graph's part of a model's config. */
export function graphToConfig(graph: Graph): Config {
  // Only calls in this graph count. A functional model inside begins with the call that it is.
  const indices = new Map<Node, number>();
  for (const operation of graph.operations) {
    let next = isNested(operation) ? 1 : 0;
    for (const node of operation.inboundNodes) if (graph.has(node)) indices.set(node, next++);
  }
  const own = (tensor: KerasTensor): [name: string, node: number, tensor: number] => {
    const { operation, nodeIndex, tensorIndex } = tensor.history as NonNullable<
      KerasTensor["history"]
    >;
    const index = indices.get(operation.inboundNodes[nodeIndex] as Node) as number;
    return [operation.name, index, tensorIndex];
  };
  const history = (tensor: KerasTensor): [string, number, number] => {
    const [name, index, tensorIndex] = own(tensor);
    const { operation } = tensor.history as NonNullable<KerasTensor["history"]>;
    return [name, isNested(operation) ? index - 1 : index, tensorIndex];
  };
  const layers = graph.operations.map((operation) => {
    const nodes = operation.inboundNodes
      .filter((node) => graph.has(node) && !node.isInput)
      .map((node) => ({
        args: serializeArguments(node.args, history),
        kwargs: serializeOptions(node.kwargs, history),
      }));
    return {
      ...(serializeKerasObject(operation) as SerializedObject),
      name: operation.name,
      inbound_nodes: nodes,
    };
  });
  return {
    layers,
    input_layers: mapTree(graph.inputTree, (leaf) => own(leaf as KerasTensor)),
    output_layers: mapTree(graph.outputTree, (leaf) => own(leaf as KerasTensor)),
  };
}

type History = (tensor: KerasTensor) => [string, number, number];

function serializeArguments(tree: unknown, history: History): unknown {
  if (tree instanceof KerasTensor) {
    return {
      class_name: "__keras_tensor__",
      config: { shape: [...tree.shape], dtype: tree.dtype, keras_history: history(tree) },
    };
  }
  if (Array.isArray(tree)) return tree.map((item) => serializeArguments(item, history));
  if (isPlainObject(tree)) {
    return Object.fromEntries(
      Object.entries(tree).map(([key, item]) => [key, serializeArguments(item, history)]),
    );
  }
  return serializeKerasObject(tree);
}

function serializeOptions(options: Readonly<Record<string, unknown>>, history: History): Config {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [
      toSnakeCase(key),
      serializeArguments(value, history),
    ]),
  );
}

/** Inputs and outputs that a config describes, through layers made anew. */
export function graphFromConfig(
  config: Config,
  customObjects?: Readonly<Record<string, unknown>> | null,
  moduleObjects?: Readonly<Record<string, unknown>>,
): { inputs: TensorTree; outputs: TensorTree } {
  const given = config["layers"];
  if (!Array.isArray(given))
    throw new SerializationError("The model's config has no list of layers.");
  const operations = new Map<string, Operation>();
  const waiting = new Map<Operation, unknown[]>();
  for (const item of given as SerializedLayer[]) {
    const operation = deserializeKerasObject(item, { customObjects, moduleObjects });
    if (!(operation instanceof Operation)) {
      throw new SerializationError(`"${item.class_name}" in the model's config is no layer.`);
    }
    const name = item.name ?? operation.name;
    operations.set(name, operation);
    const nodes = item.inbound_nodes ?? [];
    if (!Array.isArray(nodes)) {
      throw new SerializationError(`The calls of layer "${name}" are no list.`);
    }
    if (nodes.length > 0) waiting.set(operation, [...nodes]);
  }
  const find = (name: string, nodeIndex: number, tensorIndex: number): KerasTensor | null => {
    const operation = operations.get(name);
    if (operation === undefined) {
      throw new SerializationError(`The model's config names a layer "${name}" that it lacks.`);
    }
    return operation.inboundNodes[nodeIndex]?.outputs[tensorIndex] ?? null;
  };
  // Layers may stand in any order: each round calls what has its inputs.
  while (waiting.size > 0) {
    let progress = false;
    for (const [operation, nodes] of waiting) {
      while (nodes.length > 0) {
        const call = readCall(nodes[0], find);
        if (call === null) break;
        operation.invoke(call);
        nodes.shift();
        progress = true;
      }
      if (nodes.length === 0) waiting.delete(operation);
    }
    if (!progress) {
      throw new SerializationError(
        "The model's config has calls whose inputs never come: " +
          `${[...waiting.keys()].map(({ name }) => name).join(", ")}.`,
      );
    }
  }
  const resolve = (tree: unknown): TensorTree => {
    if (isReference(tree)) {
      const [name, node, tensor] = tree;
      const operation = operations.get(name);
      const index = operation !== undefined && isNested(operation) ? node - 1 : node;
      const found = find(name, index, tensor);
      if (found === null) throw new SerializationError(`Layer "${name}" has no call ${node}.`);
      return found;
    }
    if (Array.isArray(tree)) return tree.map(resolve);
    if (isPlainObject(tree)) {
      return Object.fromEntries(Object.entries(tree).map(([key, item]) => [key, resolve(item)]));
    }
    throw new SerializationError(
      "The model's config does not say which tensors it takes and gives.",
    );
  };
  return { inputs: resolve(config["input_layers"]), outputs: resolve(config["output_layers"]) };
}

interface SerializedLayer extends SerializedObject {
  name?: string;
  inbound_nodes?: unknown;
}

type Find = (name: string, nodeIndex: number, tensorIndex: number) => KerasTensor | null;

function isReference(value: unknown): value is [string, number, number] {
  return Array.isArray(value) && value.length === 3 && typeof value[0] === "string";
}

/** Thrown where an input does not exist yet. */
class NotYet extends Error {}

/** The arguments of a call; null if its inputs are not there yet. */
function readCall(data: unknown, find: Find): unknown[] | null {
  const tensorAt = ([name, node, tensor]: [string, number, number]): KerasTensor => {
    const found = find(name, node, tensor);
    if (found === null) throw new NotYet();
    return found;
  };
  try {
    if (Array.isArray(data)) return readLegacyCall(data, tensorAt);
    if (!isPlainObject(data))
      throw new SerializationError("A call in the model's config is no object.");
    const args = (readValue(data["args"] ?? [], tensorAt) ?? []) as unknown[];
    const kwargs = readOptions((data["kwargs"] ?? {}) as Config, tensorAt);
    return Object.keys(kwargs).length > 0 ? [...args, kwargs] : [...args];
  } catch (error) {
    if (error instanceof NotYet) return null;
    throw error;
  }
}

/** `[[layer, node, tensor, kwargs?], …]`: one for each input. */
function readLegacyCall(
  data: readonly unknown[],
  tensorAt: (reference: [string, number, number]) => KerasTensor,
): unknown[] {
  let kwargs: Config = {};
  const inputs = data.map((item) => {
    if (!Array.isArray(item) || item.length < 3) {
      throw new SerializationError("A call in the model's config is not understood.");
    }
    if (isPlainObject(item[3])) kwargs = item[3];
    return tensorAt([item[0], item[1], item[2]] as [string, number, number]);
  });
  const options = readOptions(kwargs, tensorAt);
  const args = [inputs.length === 1 ? inputs[0] : inputs];
  return Object.keys(options).length > 0 ? [...args, options] : args;
}

function readOptions(
  kwargs: Config,
  tensorAt: (reference: [string, number, number]) => KerasTensor,
): Config {
  const options: Config = {};
  for (const [key, value] of Object.entries(kwargs)) {
    // Keras writes null for arguments that were not given.
    if (value !== null) options[toCamelCase(key)] = readValue(value, tensorAt);
  }
  return options;
}

function readValue(
  value: unknown,
  tensorAt: (reference: [string, number, number]) => KerasTensor,
): unknown {
  if (Array.isArray(value)) return value.map((item) => readValue(item, tensorAt));
  if (!isPlainObject(value)) return value;
  if (value["class_name"] === "__keras_tensor__") {
    const history = (value["config"] as Config | undefined)?.["keras_history"];
    if (!isReference(history))
      throw new SerializationError("A tensor in the config has no origin.");
    return tensorAt(history);
  }
  if ("class_name" in value && "config" in value) return deserializeKerasObject(value);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, readValue(item, tensorAt)]),
  );
}
