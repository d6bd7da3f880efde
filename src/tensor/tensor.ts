/**
 * The tensor.
 *
 * @module
 */

import type { Operand, TensorSpec } from "../runtime/backend.ts";
import { currentBackend } from "../runtime/device.ts";
import { Storage } from "../runtime/storage.ts";
import {
  type DType,
  itemSize,
  storedArray,
  type TypedArray,
  type TypedArrayOf,
} from "../util/dtypes.ts";
import { DeviceError, formatShape, ShapeError, TraceError } from "../util/errors.ts";
import { fromBFloat16Bits, fromFloat16Bits } from "../util/half.ts";
import { printAs } from "../util/inspect.ts";
import { type Shape, sizeOf } from "../util/shapes.ts";
import { state } from "./context.ts";
import { formatTensor } from "./print.ts";

/** Nested arrays of values, as `array()` gives them. */
export type NestedArray = number | bigint | boolean | readonly NestedArray[];

/** What a tracer knows of a symbolic tensor. */
export interface SymbolicValue {
  /** Of the tracer that made it. */
  readonly tracer: object;
  /** Its number in the trace. */
  readonly id: number;
}

/**
 * An immutable n-dimensional array on a device.
 *
 * Its values may be pending: reading waits for them. While a function is
 * traced a tensor has shape and dtype but no values.
 *
 * @example
 * const x = tensor([[1, 2], [3, 4]]);
 * x.shape; // [2, 2]
 * x.dtype; // "float32"
 * await x.array(); // [[1, 2], [3, 4]]
 */
export class Tensor<D extends DType = DType> implements TensorSpec {
  readonly shape: Shape;
  readonly dtype: D;
  /** @internal */
  readonly symbol: SymbolicValue | null;
  #storage: Storage | null;

  /** @internal */
  constructor(shape: Shape, dtype: D, storage: Storage | null, symbol: SymbolicValue | null) {
    this.shape = shape;
    this.dtype = dtype;
    this.#storage = storage;
    this.symbol = symbol;
    if (state.scope !== null && storage !== null) state.scope.tensors.push(this);
  }

  /** The number of axes. */
  get ndim(): number {
    return this.shape.length;
  }

  /** The number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** The device that holds the values. */
  get device(): string {
    return this.#storage?.backend.name ?? currentBackend().name;
  }

  /**
   * Where the values lie.
   *
   * @internal
   * @throws {TraceError} For a symbolic tensor.
   * @throws {DisposedError} After `dispose`.
   */
  get storage(): Storage {
    const storage = this.#storage;
    if (storage === null) {
      throw new TraceError(
        `This tensor of shape ${formatShape(this.shape)} belongs to a function that was being ` +
          "traced and has no values. Return it from that function instead of storing it outside.",
      );
    }
    if (storage.isFreed) storage.check("tensor");
    return storage;
  }

  /** Whether the memory has been given up by `dispose` or `tidy`. */
  get isDisposed(): boolean {
    return this.#storage?.isFreed === true;
  }

  /** The values, flat, in a fresh array; float16 and bfloat16 as float32. */
  async data(): Promise<TypedArrayOf<D>> {
    const storage = this.#readable("data");
    const buffer = await storage.backend.read(storage, this.#bytes());
    return toValues(this.dtype, buffer);
  }

  /** The values as nested arrays (a scalar: the value itself). */
  async array(): Promise<NestedArray> {
    return nest(this.shape, this.dtype, await this.data());
  }

  /**
   * The only value of a tensor of size 1.
   *
   * @throws {ShapeError} If it has more or fewer.
   */
  async item(): Promise<number | bigint | boolean> {
    this.#checkSingle();
    return element(this.dtype, await this.data(), 0);
  }

  /**
   * The values, flat, waiting for them here.
   *
   * @throws {DeviceError} On devices that cannot be read synchronously.
   */
  dataSync(): TypedArrayOf<D> {
    const storage = this.#readable("dataSync");
    if (!storage.backend.syncRead) {
      throw new DeviceError(
        `dataSync: tensors on ${storage.backend.name} cannot be read synchronously. ` +
          "Write `await x.data()` (or array(), item()) instead.",
      );
    }
    return toValues(this.dtype, storage.backend.readSync(storage, this.#bytes()));
  }

  /** The values as nested arrays, waiting for them here. See `dataSync`. */
  arraySync(): NestedArray {
    return nest(this.shape, this.dtype, this.dataSync());
  }

  /** The only value of a tensor of size 1, waiting for it here. See `dataSync`. */
  itemSync(): number | bigint | boolean {
    this.#checkSingle();
    return element(this.dtype, this.dataSync(), 0);
  }

  /**
   * Gives the memory up now. Nobody has to call this: it only frees earlier.
   * Views (`reshape`) keep the memory they share.
   */
  dispose(): void {
    const storage = this.#storage;
    if (storage === null || storage.isFreed) return;
    if (storage.references > 1) {
      storage.release();
      // This tensor is gone, its sharers are not.
      const gone = new Storage(storage.backend, 0);
      gone.isFreed = true;
      this.#storage = gone;
    } else {
      storage.release();
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  toString(): string {
    return formatTensor(this);
  }

  /** @throws {TraceError} Always: a tensor is no number. */
  valueOf(): number {
    throw new TraceError(
      `A tensor of shape ${formatShape(this.shape)} was used as a JavaScript value. ` +
        "Use ops (ops.add(x, y)), or read it first: await x.item().",
    );
  }

  /** @internal The same value as a different object, unknown to every tape. */
  detached(): Tensor<D> {
    return new Tensor(this.shape, this.dtype, this.#storage?.retain() ?? null, this.symbol);
  }

  #bytes(): number {
    return sizeOf(this.shape) * itemSize(this.dtype);
  }

  #checkSingle(): void {
    if (sizeOf(this.shape) !== 1) {
      throw new ShapeError(
        `item: expected a tensor of one element, got shape ${formatShape(this.shape)}. ` +
          "Use array() or data().",
        { shapes: [this.shape] },
      );
    }
  }

  #readable(method: string): Storage {
    if (this.symbol !== null) {
      throw new TraceError(
        `${method}: this tensor of shape ${formatShape(this.shape)} has no values yet: it is ` +
          "being traced (by jit, fit or a symbolic call). Compute with ops instead, return it " +
          "and read it outside, or run eagerly (compile with { runEagerly: true }).",
      );
    }
    return this.storage;
  }
}

printAs(Tensor, (x) => x.toString());

/** @internal A tensor with a storage of its own, to be filled by a backend. */
export function newOutput(spec: TensorSpec): Tensor {
  const { shape, dtype } = spec;
  const storage = new Storage(currentBackend(), sizeOf(shape) * itemSize(dtype));
  return new Tensor(shape, dtype, storage, null);
}

/** @internal Whether `tensor` has values and they are there. */
export function isConcrete(tensor: Tensor): tensor is Tensor & Operand {
  return tensor.symbol === null;
}

function toValues<D extends DType>(dtype: D, buffer: ArrayBuffer): TypedArrayOf<D> {
  const stored = storedArray(dtype, buffer);
  if (dtype === "float16")
    return Float32Array.from(stored as Uint16Array, fromFloat16Bits) as TypedArrayOf<D>;
  if (dtype === "bfloat16")
    return Float32Array.from(stored as Uint16Array, fromBFloat16Bits) as TypedArrayOf<D>;
  return stored as TypedArrayOf<D>;
}

function element(dtype: DType, data: TypedArray, index: number): number | bigint | boolean {
  const value = data[index] as number | bigint;
  return dtype === "bool" ? value !== 0 : value;
}

function nest(shape: Shape, dtype: DType, data: TypedArray): NestedArray {
  let position = 0;
  const build = (axis: number): NestedArray => {
    if (axis === shape.length) return element(dtype, data, position++);
    const list: NestedArray[] = [];
    for (let i = 0; i < (shape[axis] as number); i++) list.push(build(axis + 1));
    return list;
  };
  return build(0);
}
