/**
 * Complex tensors: pairs of real ones.
 *
 * @module
 */
import { ShapeError } from "../util/errors.ts";
import { TreeNode } from "../util/pytree.ts";
import type { Shape } from "../util/shapes.ts";
import type { Tensor } from "./tensor.ts";

/** The dtypes of complex tensors, by that of their parts: float32 or float64. */
export type ComplexDType = "complex64" | "complex128";

/** Nested arrays of [real, imaginary]. */
export type NestedPairs = readonly [number, number] | readonly NestedPairs[];

/**
 * A complex tensor: its real and its imaginary part, of one shape. Ops take it
 * where Keras takes complex numbers; in trees (of `jit`, `grad` …) it is a
 * branch of two leaves.
 *
 * @example
 * const z = new ComplexTensor(tensor([3, 0]), tensor([4, 1]));
 * await ops.abs(z).array(); // [5, 1]
 */
export class ComplexTensor extends TreeNode {
  readonly real: Tensor;
  readonly imag: Tensor;

  constructor(real: Tensor, imag: Tensor) {
    super();
    this.real = real;
    this.imag = imag;
  }

  get shape(): Shape {
    return this.real.shape;
  }

  get ndim(): number {
    return this.real.ndim;
  }

  get size(): number {
    return this.real.size;
  }

  get dtype(): ComplexDType {
    return this.real.dtype === "float64" ? "complex128" : "complex64";
  }

  /** The values, flat: real and imaginary part of each element. */
  async data(): Promise<Float32Array | Float64Array> {
    const [real, imag] = await Promise.all([this.real.data(), this.imag.data()]);
    return interleave(this.dtype, real as ArrayLike<number>, imag as ArrayLike<number>);
  }

  /** As `data`, waiting for the values here. See `Tensor.dataSync`. */
  dataSync(): Float32Array | Float64Array {
    const [real, imag] = [this.real.dataSync(), this.imag.dataSync()];
    return interleave(this.dtype, real as ArrayLike<number>, imag as ArrayLike<number>);
  }

  /** The values as nested arrays of pairs [real, imaginary]. */
  async array(): Promise<NestedPairs> {
    const [real, imag] = await Promise.all([this.real.array(), this.imag.array()]);
    return pairs(real, imag);
  }

  /**
   * The only value of a tensor of size 1, as a pair [real, imaginary].
   *
   * @throws {ShapeError} If it has more or fewer.
   */
  async item(): Promise<readonly [number, number]> {
    if (this.size !== 1) {
      throw new ShapeError(`item: expected one element, got ${this.size}. Use array().`, {
        op: "item",
        shapes: [this.shape],
      });
    }
    return [Number(await this.real.item()), Number(await this.imag.item())];
  }

  /** Frees the memory of both parts. */
  dispose(): void {
    this.real.dispose();
    this.imag.dispose();
  }

  /** @internal */
  override get children(): readonly unknown[] {
    return [this.real, this.imag];
  }

  /** @internal */
  override withChildren(children: readonly unknown[]): unknown {
    const [real, imag] = children as readonly [Tensor, Tensor];
    return new ComplexTensor(real, imag);
  }
}

function interleave(
  dtype: ComplexDType,
  real: ArrayLike<number>,
  imag: ArrayLike<number>,
): Float32Array | Float64Array {
  const data = new (dtype === "complex64" ? Float32Array : Float64Array)(2 * real.length);
  for (let i = 0; i < real.length; i++) {
    data[2 * i] = real[i] as number;
    data[2 * i + 1] = imag[i] as number;
  }
  return data;
}

function pairs(real: unknown, imag: unknown): NestedPairs {
  return Array.isArray(real)
    ? real.map((item, i) => pairs(item, (imag as unknown[])[i]))
    : [real as number, imag as number];
}
