/**
 * Batches of data for training, from arrays and from iterables.
 *
 * @module
 */

import { shuffleOrder } from "../../nn/seed-generator.ts";
import { tensor } from "../../tensor/create.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { Variable } from "../../tensor/variable.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../../util/errors.ts";
import { flatten, isPlainObject, mapTree } from "../../util/pytree.ts";
import { limited, maxStepsPerEpoch } from "../limits.ts";
import { asFloatx, sliceRows, takeRows } from "./rows.ts";

/** What `fit` takes as x, y and sample weights: arrays in trees, or a source of batches. */
export type DataLike = unknown;

/** The arrays of one step. Without y and weights these are null. */
export interface Batch {
  readonly x: unknown;
  readonly y: unknown;
  readonly sampleWeight: unknown;
  /** What was made for this batch, to be freed after it. */
  readonly owned?: readonly Tensor[];
}

/** Where batches come from, epoch by epoch. */
export interface BatchSource {
  /** Batches of one pass; null if nobody knows before. */
  readonly numBatches: number | null;
  readonly batchSize: number | null;
  /** One pass over the data. */
  batches(): AsyncIterator<Batch> | Iterator<Batch>;
  /** After each epoch. */
  onEpochEnd(): void;
  /** Frees what was made to hold the data. */
  dispose(): void;
}

/** How a source is made. */
export interface SourceOptions {
  readonly y?: unknown;
  readonly sampleWeight?: unknown;
  readonly batchSize?: number | null | undefined;
  readonly shuffle?: boolean | "batch" | undefined;
  readonly steps?: number | null | undefined;
  readonly classWeight?: Readonly<Record<string, number>> | null | undefined;
}

/**
 * The source of what was given as x: arrays, an iterable of batches, or a dataset.
 *
 * @throws {ArgumentError | ShapeError} If the parts do not go together.
 */
export async function makeSource(x: DataLike, options: SourceOptions): Promise<BatchSource> {
  if (isIterableOfBatches(x) || isDataset(x)) {
    for (const [name, value] of Object.entries({
      y: options.y,
      sampleWeight: options.sampleWeight,
    })) {
      if (value !== undefined && value !== null) {
        throw new ArgumentError(
          `With an iterable as x, ${name} comes with its batches: yield [x, y, sampleWeight].`,
        );
      }
    }
    return isDataset(x) ? new DatasetSource(x, options) : new IterableSource(x, options);
  }
  return makeArraySource(x, options);
}

/** Keras's PyDataset: batches by index. */
export interface IndexedDataset {
  /** The number of batches. */
  readonly length: number;
  getItem(index: number): unknown;
  onEpochEnd?(): void;
  onEpochBegin?(): void;
}

function isDataset(x: unknown): x is IndexedDataset {
  return typeof (x as Partial<IndexedDataset> | null)?.getItem === "function";
}

function isIterableOfBatches(x: unknown): x is AsyncIterable<unknown> | Iterable<unknown> {
  if (x === null || x === undefined || Array.isArray(x) || ArrayBuffer.isView(x)) return false;
  if (x instanceof Tensor || x instanceof Variable || typeof x === "string") return false;
  return typeof x === "object" && (Symbol.asyncIterator in x || Symbol.iterator in x);
}

/**
 * Arrays in a tree as tensors; floats in the default float.
 *
 * @param made Gets the tensors that were made for it, to be freed later.
 */
function toTensors(tree: unknown, name: string, made: Tensor[]): unknown {
  const own = (x: Tensor): Tensor => {
    made.push(x);
    return convert(x);
  };
  const convert = (x: Tensor): Tensor => {
    const converted = asFloatx(x);
    if (converted !== x) made.push(converted);
    return converted;
  };
  const visit = (node: unknown): unknown => {
    if (node === null || node === undefined) return null;
    if (node instanceof Tensor) return convert(node);
    if (node instanceof Variable) return own(node.value);
    if (ArrayBuffer.isView(node)) return own(tensor(node as Float32Array));
    if (Array.isArray(node)) {
      const leaves = flatten(node);
      const isNumbers = leaves.every(
        (leaf) => typeof leaf === "number" || typeof leaf === "boolean" || typeof leaf === "bigint",
      );
      if (isNumbers && leaves.length > 0) return own(tensor(node as number[]));
      return node.map(visit);
    }
    if (isPlainObject(node)) {
      return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, visit(item)]));
    }
    throw new ArgumentError(
      `${name}: expected tensors, typed arrays or nested arrays of numbers, got ${describe(node)}.`,
    );
  };
  return visit(tree);
}

function tensorsOf(tree: unknown): Tensor[] {
  return flatten(tree).filter((leaf): leaf is Tensor => leaf instanceof Tensor);
}

/** What frees tensors when something fails before their owner exists. */
async function owning<T>(make: (made: Tensor[]) => Promise<T>): Promise<T> {
  const made: Tensor[] = [];
  try {
    return await make(made);
  } catch (error) {
    for (const tensor of made) tensor.dispose();
    throw error;
  }
}

function makeArraySource(given: unknown, options: SourceOptions): Promise<BatchSource> {
  return owning(async (made) => {
    const data = await convertBatch([given, options.y, options.sampleWeight], options, made);
    const tensors = tensorsOf([data.x, data.y, data.sampleWeight]);
    const shapes = tensors.map(({ shape }) => shape);
    if (shapes.some((shape) => shape.length === 0)) {
      throw new ShapeError("Data must have an axis for the samples, got a scalar.", { shapes });
    }
    const lengths = new Set(shapes.map(([length]) => length as number));
    if (lengths.size !== 1) {
      throw new ShapeError(
        lengths.size === 0
          ? "There is no data: x holds no tensor."
          : "x, y and sampleWeight must have the same number of samples, got " +
              `${shapes.map(formatShape).join(", ")}.`,
        { shapes },
      );
    }
    return new ArraySource(data, [...lengths][0] as number, made, options);
  });
}

async function convertBatch(
  [x, y, weight]: readonly unknown[],
  options: Pick<SourceOptions, "classWeight">,
  made: Tensor[],
): Promise<Batch> {
  const data = { x: toTensors(x, "x", made), y: toTensors(y, "y", made) };
  let sampleWeight = toTensors(weight, "sampleWeight", made);
  if (options.classWeight) {
    if (sampleWeight !== null) {
      throw new ArgumentError("classWeight and sampleWeight do not go together: give one of them.");
    }
    const weights = await classWeights(data.y, options.classWeight);
    made.push(weights);
    sampleWeight = weights;
  }
  return { ...data, sampleWeight };
}

/** One batch of what users give. Its `owned` tensors are to be freed. */
export function makeBatch(
  given: readonly [x: unknown, y?: unknown, sampleWeight?: unknown],
  options: Pick<SourceOptions, "classWeight"> = {},
): Promise<Batch> {
  return owning(async (owned) => ({ ...(await convertBatch(given, options, owned)), owned }));
}

/** Weights of samples by their class: indices, or one-hot rows. */
async function classWeights(
  y: unknown,
  weights: Readonly<Record<string, number>>,
): Promise<Tensor> {
  const [labels, ...others] = tensorsOf(y);
  if (labels === undefined || others.length > 0) {
    throw new ArgumentError("classWeight is for models with one output.");
  }
  const values = await labels.data();
  const rows = labels.shape[0] as number;
  const width = rows === 0 ? 0 : values.length / rows;
  const result = new Float32Array(rows);
  for (let i = 0; i < rows; i++) {
    let label = Number(values[i * width]);
    if (width > 1) {
      label = 0;
      for (let j = 1; j < width; j++) {
        if ((values[i * width + j] as number) > (values[i * width + label] as number)) label = j;
      }
    }
    result[i] = weights[Math.round(label)] ?? 1;
  }
  return tensor(result);
}

class ArraySource implements BatchSource {
  readonly numBatches: number;
  readonly batchSize: number;
  readonly #data: Batch;
  readonly #count: number;
  readonly #shuffle: boolean | "batch";
  /** What was made of the user's arrays. */
  readonly #made: readonly Tensor[];

  constructor(data: Batch, count: number, made: readonly Tensor[], options: SourceOptions) {
    this.#data = data;
    this.#count = count;
    this.#made = made;
    const { batchSize, steps } = options;
    // As in Keras: from the number of steps, where only that is given.
    const size = batchSize ?? (steps ? Math.ceil(count / steps) : 32);
    if (!Number.isInteger(size) || size < 1) {
      throw new ArgumentError(`batchSize must be a positive integer, got ${describe(batchSize)}.`);
    }
    this.batchSize = size;
    this.#shuffle = options.shuffle ?? false;
    this.numBatches = Math.ceil(count / size);
  }

  *batches(): Iterator<Batch> {
    const { batchSize } = this;
    const order = this.#order();
    for (let start = 0; start < this.#count; start += batchSize) {
      const end = Math.min(start + batchSize, this.#count);
      yield this.#rows(start, end, order);
    }
  }

  #rows(start: number, end: number, order: Int32Array | null): Batch {
    const owned: Tensor[] = [];
    const indices = order === null ? null : tensor(order.slice(start, end));
    if (indices !== null) owned.push(indices);
    const rows = (tree: unknown): unknown =>
      mapTree(tree, (leaf) => {
        if (!(leaf instanceof Tensor)) return leaf;
        const part = indices === null ? sliceRows(leaf, start, end) : takeRows(leaf, indices);
        if (part !== leaf) owned.push(part);
        return part;
      });
    const { x, y, sampleWeight } = this.#data;
    return { x: rows(x), y: rows(y), sampleWeight: rows(sampleWeight), owned };
  }

  #order(): Int32Array | null {
    if (this.#shuffle === false) return null;
    if (this.#shuffle !== "batch") return shuffleOrder(this.#count);
    const order = new Int32Array(this.#count);
    for (let start = 0; start < this.#count; start += this.batchSize) {
      const rows = shuffleOrder(Math.min(this.batchSize, this.#count - start));
      order.set(
        rows.map((row) => start + row),
        start,
      );
    }
    return order;
  }

  onEpochEnd(): void {}

  dispose(): void {
    for (const tensor of this.#made) tensor.dispose();
  }
}

/** `x`, `[x]`, `[x, y]` or `[x, y, sampleWeight]`. */
function toBatch(item: unknown, options: SourceOptions): Promise<Batch> {
  const isTuple =
    Array.isArray(item) && item.length <= 3 && item.some((part) => typeof part === "object");
  return makeBatch((isTuple ? item : [item]) as [unknown], options);
}

class IterableSource implements BatchSource {
  readonly numBatches: null = null;
  readonly batchSize: null = null;
  readonly #data: AsyncIterable<unknown> | Iterable<unknown>;
  readonly #options: SourceOptions;

  constructor(data: AsyncIterable<unknown> | Iterable<unknown>, options: SourceOptions) {
    this.#data = data;
    this.#options = options;
  }

  async *batches(): AsyncGenerator<Batch, void, undefined> {
    for await (const item of this.#data) yield await toBatch(item, this.#options);
  }

  onEpochEnd(): void {}
  dispose(): void {}
}

class DatasetSource implements BatchSource {
  readonly numBatches: number;
  readonly batchSize: null = null;
  readonly #data: IndexedDataset;
  readonly #options: SourceOptions;

  constructor(data: IndexedDataset, options: SourceOptions) {
    this.#data = data;
    this.#options = options;
    this.numBatches = data.length;
  }

  async *batches(): AsyncGenerator<Batch, void, undefined> {
    this.#data.onEpochBegin?.();
    const count = this.#data.length;
    const order = this.#options.shuffle ? shuffleOrder(count) : null;
    for (let i = 0; i < count; i++) {
      yield await toBatch(await this.#data.getItem(order?.[i] ?? i), this.#options);
    }
  }

  onEpochEnd(): void {
    this.#data.onEpochEnd?.();
  }

  dispose(): void {}
}

/** Arrays in two parts. */
export interface Split {
  /** `[x, y, sampleWeight]` */
  readonly train: readonly unknown[];
  readonly validation: readonly unknown[];
  /** What was made for it, to be freed. */
  readonly owned: readonly Tensor[];
}

/**
 * The last part of arrays for validation, the first for training.
 *
 * @throws {ArgumentError} If one of them would be empty.
 */
export function splitValidation(data: readonly unknown[], fraction: number): Promise<Split> {
  return owning(async (owned) => {
    const tensors = data.map((part, i) =>
      toTensors(part, ["x", "y", "sampleWeight"][i] ?? "data", owned),
    );
    const [first] = tensorsOf(tensors);
    const count = first?.shape[0] ?? 0;
    const split = Math.floor(count * (1 - fraction));
    if (!(split > 0 && split < count)) {
      throw new ArgumentError(
        `validationSplit of ${fraction} leaves ${split} of ${count} samples for training. ` +
          "Give more data or another fraction.",
      );
    }
    const rows = (from: number, to: number): unknown[] =>
      tensors.map((tree) =>
        mapTree(tree, (leaf) => {
          if (!(leaf instanceof Tensor)) return leaf;
          const part = sliceRows(leaf, from, to);
          owned.push(part);
          return part;
        }),
      );
    return { train: rows(0, split), validation: rows(split, count), owned };
  });
}

/** Steps of epochs, which may go on where the epoch before stopped. */
export class EpochIterator {
  readonly source: BatchSource;
  readonly #steps: number | null;
  #numBatches: number | null;
  #current: AsyncIterator<Batch> | Iterator<Batch> | null = null;
  #seen = 0;
  #peeked: Batch | null = null;

  constructor(source: BatchSource, steps?: number | null) {
    this.source = source;
    const limit = maxStepsPerEpoch();
    // An epoch that has fewer batches stays as long as it is.
    const isShorter = limit !== null && (steps ?? source.numBatches ?? limit) < limit;
    this.#steps = (isShorter ? steps : limited(steps, limit)) ?? null;
    this.#numBatches = source.numBatches;
  }

  /** Steps of an epoch; null if nobody knows yet. */
  get numBatches(): number | null {
    return this.#steps ?? this.#numBatches;
  }

  /** The first batch of the next epoch, which still gets it. */
  async peek(): Promise<Batch | null> {
    if (this.#current === null) this.#restart();
    const { value, done } = await (this.#current as AsyncIterator<Batch>).next();
    if (done) return null;
    this.#peeked = value as Batch;
    return this.#peeked;
  }

  /** One epoch. */
  async *epoch(): AsyncGenerator<Batch, void, undefined> {
    const limit = this.#steps ?? this.#numBatches ?? Number.POSITIVE_INFINITY;
    if (this.#current === null || (this.#steps === null && this.#peeked === null)) this.#restart();
    for (let step = 0; step < limit; step++) {
      const { value, done } = await this.#next();
      if (done) {
        this.#numBatches ??= this.#seen;
        if (this.#steps !== null) {
          console.warn(
            `The data ran out after ${step} of ${this.#steps} steps. Give at least ` +
              "stepsPerEpoch * epochs batches.",
          );
        }
        this.#current = null;
        break;
      }
      this.#seen++;
      yield value as Batch;
    }
    if (this.#numBatches !== null && this.#seen >= this.#numBatches) this.#current = null;
    this.source.onEpochEnd();
  }

  async #next(): Promise<IteratorResult<Batch, unknown>> {
    const value = this.#peeked;
    this.#peeked = null;
    if (value !== null) return { value, done: false };
    return (this.#current as AsyncIterator<Batch>).next();
  }

  #restart(): void {
    this.#current = this.source.batches();
    this.#seen = 0;
  }

  /** Ends the iteration of the data, and frees what was made to hold it. */
  async close(): Promise<void> {
    const current = this.#current;
    this.#current = null;
    for (const tensor of this.#peeked?.owned ?? []) tensor.dispose();
    this.#peeked = null;
    this.source.dispose();
    await current?.return?.();
  }
}
