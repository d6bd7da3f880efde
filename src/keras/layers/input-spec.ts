/**
 * What a layer expects of its inputs.
 *
 * @module
 */

import type { DType } from "../../util/dtypes.ts";
import { DTypeError, describe, formatShape, ShapeError } from "../../util/errors.ts";
import { flatten, isPlainObject } from "../../util/pytree.ts";
import type { Shape } from "../../util/shapes.ts";
import type { SymbolicShape } from "../keras-tensor.ts";
import type { Config } from "../object.ts";

/** Options of `InputSpec`. */
export interface InputSpecOptions {
  dtype?: DType | null | undefined;
  /** The whole shape; null for lengths that may vary. */
  shape?: SymbolicShape | null | undefined;
  ndim?: number | null | undefined;
  maxNdim?: number | null | undefined;
  minNdim?: number | null | undefined;
  /** Lengths of some axes, by axis (negative ones count from the end). */
  axes?: Readonly<Record<number, number | null>> | null | undefined;
  /** Whether a last axis of length 1 may be missing or too many. */
  allowLastAxisSqueeze?: boolean | undefined;
  name?: string | null | undefined;
  /** Whether null may be passed. */
  optional?: boolean | undefined;
}

/**
 * Rank, dtype and lengths that an input must have.
 *
 * @example
 * const images = new layers.InputSpec({ ndim: 4, axes: { [-1]: 3 } });
 * images.ndim; // 4
 */
export class InputSpec {
  readonly dtype: DType | null;
  readonly shape: SymbolicShape | null;
  readonly ndim: number | null;
  readonly maxNdim: number | null;
  readonly minNdim: number | null;
  readonly axes: Readonly<Record<number, number | null>>;
  readonly allowLastAxisSqueeze: boolean;
  readonly name: string | null;
  readonly optional: boolean;

  constructor(options: InputSpecOptions = {}) {
    this.dtype = options.dtype ?? null;
    this.shape = options.shape ?? null;
    this.ndim = options.shape?.length ?? options.ndim ?? null;
    this.maxNdim = options.maxNdim ?? null;
    this.minNdim = options.minNdim ?? null;
    this.axes = options.axes ?? {};
    this.allowLastAxisSqueeze = options.allowLastAxisSqueeze ?? false;
    this.name = options.name ?? null;
    this.optional = options.optional ?? false;
  }

  getConfig(): Config {
    return {
      dtype: this.dtype,
      shape: this.shape,
      ndim: this.ndim,
      max_ndim: this.maxNdim,
      min_ndim: this.minNdim,
      axes: this.axes,
      optional: this.optional,
    };
  }

  /** @throws {ShapeError | DTypeError} If `x` is not what is expected. */
  check(x: Shaped, index: number, layer: string): void {
    const { shape } = x;
    const ndim = shape.length;
    const refuse = (expected: string): never => {
      throw new ShapeError(
        `Input ${index}${this.name === null ? "" : ` ("${this.name}")`} of layer "${layer}": ` +
          `expected ${expected}, got shape ${formatShape(shape)}.`,
        { layer, shapes: [shape] },
      );
    };
    if (this.ndim !== null && !this.allowLastAxisSqueeze && ndim !== this.ndim) {
      refuse(`${this.ndim} axes`);
    }
    if (this.maxNdim !== null && ndim > this.maxNdim) refuse(`at most ${this.maxNdim} axes`);
    if (this.minNdim !== null && ndim < this.minNdim) refuse(`at least ${this.minNdim} axes`);
    if (this.dtype !== null && x.dtype !== this.dtype) {
      throw new DTypeError(
        `Input ${index} of layer "${layer}": expected ${this.dtype}, got ${x.dtype}.`,
        { layer, dtypes: [x.dtype, this.dtype] },
      );
    }
    for (const [key, length] of Object.entries(this.axes)) {
      const axis = Number(key);
      const found = shape[axis < 0 ? axis + ndim : axis];
      if (length !== null && found !== null && found !== length) {
        refuse(`axis ${axis} to have length ${length}`);
      }
    }
    if (this.shape !== null) {
      const squeeze = (s: SymbolicShape): SymbolicShape =>
        this.allowLastAxisSqueeze && s.at(-1) === 1 ? s.slice(0, -1) : s;
      const [expected, actual] = [squeeze(this.shape), squeeze(shape)];
      const fits = expected.every((dim, i) => {
        const found = actual[i] ?? null;
        return dim === null || found === null || dim === found;
      });
      if (!fits) refuse(`shape ${formatShape(this.shape)}`);
    }
  }
}

/** What has a shape and a dtype: tensors, symbolic or not. */
export interface Shaped {
  readonly shape: Shape | SymbolicShape;
  readonly dtype: DType;
}

/** @throws {ShapeError | DTypeError} If a tree of inputs does not fit its specs. */
export function checkInputs(specs: unknown, inputs: unknown, layer: string): void {
  if (specs === null || specs === undefined) return;
  const expected = flatten(specs) as (InputSpec | null)[];
  if (expected.length === 0) return;
  const names = expected.map((spec) => spec?.name ?? null);
  let given: unknown[];
  if (isPlainObject(inputs) && names.every((name) => name !== null)) {
    given = (names as string[]).map((name) => {
      if (!Object.hasOwn(inputs, name)) {
        throw new ShapeError(
          `Layer "${layer}" misses the input "${name}": got ${Object.keys(inputs).join(", ")}, ` +
            `expected ${names.join(", ")}.`,
          { layer },
        );
      }
      return inputs[name];
    });
  } else {
    given = flatten(inputs);
  }
  if (given.length !== expected.length) {
    throw new ShapeError(
      `Layer "${layer}" expects ${expected.length} inputs, got ${given.length}.`,
      { layer },
    );
  }
  for (const [index, spec] of expected.entries()) {
    const x = given[index];
    if (spec === null || (spec.optional && (x === null || x === undefined))) continue;
    if (!hasShape(x)) {
      throw new ShapeError(
        `Input ${index} of layer "${layer}" must be a tensor, got ${describe(x)}.`,
        { layer },
      );
    }
    spec.check(x, index, layer);
  }
}

function hasShape(x: unknown): x is Shaped {
  return (typeof x === "object" || typeof x === "function") && x !== null && "shape" in x;
}
