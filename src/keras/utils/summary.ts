/**
 * Tables of a model's layers.
 *
 * @module
 */
import type { Variable } from "../../tensor/variable.ts";
import { itemSize } from "../../util/dtypes.ts";
import { ArgumentError } from "../../util/errors.ts";
import { flatten, isPlainObject } from "../../util/pytree.ts";
import { sizeOf } from "../../util/shapes.ts";
import { KerasTensor } from "../keras-tensor.ts";
import type { Layer } from "../layers/layer.ts";
import { isShape } from "../layers/shape-trees.ts";
import type { Graph } from "../models/graph.ts";

/** Options of `summary`. */
export interface SummaryOptions {
  /** The width of the table. */
  lineLength?: number | undefined;
  /** Where each line goes. Default: the console. */
  printFn?: ((line: string) => void) | undefined;
  /** Whether layers inside of models get rows too. */
  expandNested?: boolean | undefined;
  /** Whether there is a column for `trainable`. */
  showTrainable?: boolean | undefined;
  /** The names of the first and the last layer to show. */
  layerRange?: readonly [first: string, last: string] | undefined;
}

interface Summarized extends Layer {
  readonly layers: readonly Layer[];
  readonly graph: Graph | null;
  readonly optimizer: { readonly variables: readonly Variable[] } | null;
}

type Row = readonly string[];

/** @internal Prints the table of a model. */
export function printSummary(model: Layer, options: SummaryOptions): void {
  const print = options.printFn ?? ((line: string): void => console.log(line));
  for (const line of summaryLines(model as Summarized, options)) print(line);
}

function summaryLines(model: Summarized, options: SummaryOptions): string[] {
  const isGraph = model.graph !== null && !isChain(model);
  const headers = ["Layer (type)", "Output Shape", "Param #"];
  if (isGraph) headers.push("Connected to");
  if (options.showTrainable) headers.push("Trainable");
  const rows = rowsOf(model, options, isGraph, 0);
  const widths = columnWidths(isGraph ? "graph" : "chain", options);
  return [`Model: "${model.name}"`, ...table(headers, rows, widths), ...totals(model)];
}

/** Whether each layer's input is just the output of the one before. */
function isChain(model: Summarized): boolean {
  const { graph } = model;
  if (graph === null) return true;
  return graph.nodesByDepth.every((nodes) => {
    const [node] = nodes;
    return nodes.length === 1 && node !== undefined && node.inputs.length <= 1;
  });
}

function rowsOf(
  model: Summarized,
  options: SummaryOptions,
  isGraph: boolean,
  depth: number,
): Row[] {
  const shown = inRange(isGraph ? allLayers(model) : model.layers, options.layerRange);
  return shown.flatMap((layer) => {
    const row = [
      `${depth === 0 ? "" : `${"   ".repeat(depth)}└ `}${layer.name} (${layer.constructor.name})`,
      outputShape(layer),
      layer.built ? countParams(layer.weights).toLocaleString("en-US") : "0 (unbuilt)",
    ];
    if (isGraph) row.push(connections(model, layer));
    if (options.showTrainable)
      row.push(layer.weights.length === 0 ? "-" : layer.trainable ? "Y" : "N");
    const inner = layer as Partial<Summarized>;
    return options.expandNested && Array.isArray(inner.layers)
      ? [row, ...rowsOf(layer as Summarized, options, isGraph, depth + 1)]
      : [row];
  });
}

/** With the input layers. */
function allLayers(model: Summarized): readonly Layer[] {
  return model.sublayers;
}

function inRange(
  layers: readonly Layer[],
  range: readonly [first: string, last: string] | undefined,
): readonly Layer[] {
  if (range === undefined) return layers;
  const matches = (name: string, pattern: string): boolean =>
    name === pattern || new RegExp(`^(?:${pattern})`).test(name);
  const first = layers.findIndex(({ name }) => matches(name, range[0]));
  const last = layers.findLastIndex(({ name }) => matches(name, range[1]));
  if (first === -1 || last < first) {
    throw new ArgumentError(`summary: no layers from "${range[0]}" to "${range[1]}".`);
  }
  return layers.slice(first, last + 1);
}

function outputShape(layer: Layer): string {
  const shapes = layer.inboundNodes.flatMap((node) => node.outputs.map(({ shape }) => shape));
  if (shapes.length === 0) return "?";
  const texts = [...new Set(shapes.map(formatPythonShape))];
  return texts.length === 1 ? (texts[0] as string) : `[${texts.join(", ")}]`;
}

/** `(None, 28, 28)`, as Keras prints shapes. */
export function formatPythonShape(shape: unknown): string {
  if (!isShape(shape)) return isPlainObject(shape) || Array.isArray(shape) ? "multiple" : "?";
  const dims = shape.map((dim) => (dim === null ? "None" : String(dim)));
  return dims.length === 1 ? `(${dims[0]},)` : `(${dims.join(", ")})`;
}

function connections(model: Summarized, layer: Layer): string {
  const names = layer.inboundNodes
    .filter((node) => model.graph?.has(node))
    .flatMap((node) => flatten(node.inputs))
    .filter((tensor): tensor is KerasTensor => tensor instanceof KerasTensor)
    .map(
      ({ history }) => `${history?.operation.name}[${history?.nodeIndex}][${history?.tensorIndex}]`,
    );
  return names.length === 0 ? "-" : names.join(", ");
}

function countParams(variables: readonly Variable[]): number {
  return variables.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

function bytesOf(variables: readonly Variable[]): number {
  return variables.reduce((sum, v) => sum + sizeOf(v.shape) * itemSize(v.storageDtype), 0);
}

function formatBytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(2)} ${units[unit]}`;
}

function totals(model: Summarized): string[] {
  const optimizer = model.optimizer?.variables ?? [];
  const weights = [...new Set(model.weights)];
  const trainable = [...new Set(model.trainableWeights)];
  const rest = weights.filter((variable) => !trainable.includes(variable));
  const line = (what: string, variables: readonly Variable[]): string =>
    ` ${what} params: ${countParams(variables).toLocaleString("en-US")} (${formatBytes(bytesOf(variables))})`;
  return [
    line("Total", [...weights, ...optimizer]),
    line("Trainable", trainable),
    line("Non-trainable", rest),
    ...(optimizer.length > 0 ? [line("Optimizer", optimizer)] : []),
  ];
}

/** Where columns end, as parts of the width: Keras's, for chains and for graphs. */
const columnEnds = {
  chain: [0.45, 0.8, 1],
  graph: [0.3, 0.56, 0.74, 1],
} as const;

/** How wide tables are where the terminal has the room. */
const fullWidths = { chain: 88, graph: 108 } as const;

/** Half of the way to the even neighbour, as Python rounds. */
function roundToEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

/** The widths of the columns' texts: Keras's shares, less what lines and padding take. */
function columnWidths(kind: "chain" | "graph", options: SummaryOptions): number[] {
  const { showTrainable = false } = options;
  const terminal = (globalThis as { process?: { stdout?: { columns?: number } } }).process;
  const full = fullWidths[kind] + (showTrainable ? 12 : 0);
  const width = options.lineLength ?? Math.min(full, (terminal?.stdout?.columns ?? 80) - 4);
  const shares = columnEnds[kind].map((end) => (showTrainable ? end * 0.9 : end));
  const ends = [...shares, ...(showTrainable ? [1] : [])].map((end) => Math.trunc(end * width));
  const cells = ends.map((end, i) => end - (ends[i - 1] ?? 0));
  if (cells.some((cell) => cell < 4)) {
    throw new ArgumentError(`summary: a width of ${width} is too little for the table.`);
  }
  // Every cell has a space on both sides, and there is a line beside each.
  let excess = 2 * cells.length + (cells.length + 1);
  return cells.map((cell, i) => {
    const part = roundToEven(excess / (cells.length - i));
    excess -= part;
    return cell - part;
  });
}

/** A cell's text in lines that fit, broken between words; a longer word is cut. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.match(/\s*\S+\s*/g) ?? []) {
    if (line !== "" && line.length + word.trimEnd().length > width) {
      lines.push(line);
      line = "";
    }
    line += word;
  }
  return [...lines, line].map((full) => {
    const trimmed = full.trimEnd();
    return trimmed.length > width ? `${trimmed.slice(0, width - 1)}…` : trimmed;
  });
}

/** Numbers stand to the right, marks in the middle. */
function align(text: string, width: number, header: string): string {
  if (header === "Param #") return text.padStart(width);
  if (header === "Trainable") return text.padStart((width + text.length) >> 1).padEnd(width);
  return text.padEnd(width);
}

function table(headers: Row, rows: readonly Row[], widths: readonly number[]): string[] {
  const line = (left: string, fill: string, joint: string, right: string): string =>
    left + widths.map((width) => fill.repeat(width + 2)).join(joint) + right;
  const cells = (row: Row, edge: string): string[] => {
    const wrapped = row.map((text, i) => wrap(text, widths[i] as number));
    const height = Math.max(...wrapped.map((lines) => lines.length));
    return Array.from({ length: height }, (_, at) => {
      const texts = wrapped.map((lines, i) => {
        const text = lines[at] ?? "";
        return align(text, widths[i] as number, headers[i] as string);
      });
      return `${edge} ${texts.join(` ${edge} `)} ${edge}`;
    });
  };
  const body = rows.flatMap((row, i) => [
    ...(i > 0 ? [line("├", "─", "┼", "┤")] : []),
    ...cells(row, "│"),
  ]);
  return [
    line("┏", "━", "┳", "┓"),
    ...cells(headers, "┃"),
    line("┡", "━", "╇", "┩"),
    ...body,
    line("└", "─", "┴", "┘"),
  ];
}
