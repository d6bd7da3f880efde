/**
 * Initializers that do not draw.
 *
 * @module
 */
import { absolute, divide, multiply, square } from "../../ops/arithmetic.ts";
import { broadcastOver, reshapeTo, sumOver } from "../../ops/broadcasting.ts";
import { arange, eye } from "../../ops/creation.ts";
import { sqrt } from "../../ops/exponential.ts";
import { type TensorLike, toTensor } from "../../ops/promote.ts";
import { cos, sin } from "../../ops/trigonometric.ts";
import { floatx } from "../../runtime/precision.ts";
import { castTo } from "../../tensor/cast.ts";
import { scalar } from "../../tensor/create.ts";
import { fill } from "../../tensor/fill.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../../util/errors.ts";
import type { Shape } from "../../util/shapes.ts";
import { windowByName } from "../../util/windows.ts";
import {
  type Config,
  type ConstructorOf,
  checkConstructorOptions,
  type ParameterTable,
} from "../object.ts";
import { deserializeKerasObject, serializeKerasObject } from "../saving/serialization.ts";
import { type InitializeOptions, Initializer } from "./initializer.ts";

/** The same value everywhere, or values that broadcast to the shape. */
export class Constant extends Initializer {
  static override readonly parameters: ParameterTable = { value: 0 };
  readonly value: TensorLike;

  constructor(options: { value?: TensorLike | undefined } = {}) {
    super();
    checkConstructorOptions(new.target, options);
    this.value = options.value ?? 0;
  }

  override call(shape: Shape, { dtype }: InitializeOptions = {}): Tensor {
    const kind = dtype ?? floatx();
    return typeof this.value === "number"
      ? fill(shape, kind, this.value)
      : broadcastOver(toTensor("Constant", this.value, kind), shape);
  }

  override getConfig(): Config {
    return { value: serializeKerasObject(this.value) };
  }

  static override fromConfig<T>(this: ConstructorOf<T>, config: Config): T {
    const value = deserializeKerasObject(config["value"]);
    return Reflect.construct(this, [{ value }]) as T;
  }
}

/** Zeros. */
export class Zeros extends Initializer {
  static override readonly parameters: ParameterTable = {};

  override call(shape: Shape, { dtype }: InitializeOptions = {}): Tensor {
    return fill(shape, dtype ?? floatx(), 0);
  }
}

/** Ones. */
export class Ones extends Initializer {
  static override readonly parameters: ParameterTable = {};

  override call(shape: Shape, { dtype }: InitializeOptions = {}): Tensor {
    return fill(shape, dtype ?? floatx(), 1);
  }
}

/** A multiple of the identity matrix. */
export class Identity extends Initializer {
  static override readonly parameters: ParameterTable = { gain: 1 };
  readonly gain: number;

  constructor(options: { gain?: number | undefined } = {}) {
    super();
    checkConstructorOptions(new.target, options);
    this.gain = options.gain ?? 1;
  }

  override call(shape: Shape, { dtype }: InitializeOptions = {}): Tensor {
    if (shape.length !== 2) {
      throw new ShapeError(`Identity: expected a matrix, got shape ${formatShape(shape)}.`, {
        shapes: [shape],
      });
    }
    const [rows, columns] = shape as [number, number];
    const kind = dtype ?? floatx();
    return multiply(scalar(this.gain, kind), eye(rows, { M: columns, dtype: kind }));
  }

  override getConfig(): Config {
    return { gain: this.gain };
  }
}

/** Options of `STFT`. */
export interface StftOptions {
  side?: "real" | "imag" | undefined;
  window?: string | TensorLike | null | undefined;
  scaling?: "density" | "spectrum" | null | undefined;
  periodic?: boolean | undefined;
}

/** The kernel of a short-time Fourier transform as a convolution. */
export class STFT extends Initializer {
  static override readonly parameters: ParameterTable = {
    side: "real",
    window: "hann",
    scaling: "density",
    periodic: false,
  };
  readonly side: "real" | "imag";
  readonly window: string | TensorLike | null;
  readonly scaling: "density" | "spectrum" | null;
  readonly periodic: boolean;

  constructor(options: StftOptions = {}) {
    super();
    checkConstructorOptions(new.target, options);
    const { side = "real", window = "hann", scaling = "density", periodic = false } = options;
    if (side !== "real" && side !== "imag") {
      throw new ArgumentError(`STFT: side must be "real" or "imag", got ${describe(side)}.`);
    }
    if (scaling !== null && scaling !== "density" && scaling !== "spectrum") {
      throw new ArgumentError(
        `STFT: scaling must be "density", "spectrum" or null, got ${describe(scaling)}.`,
      );
    }
    if (typeof window === "string") windowByName(window, 1, true);
    this.side = side;
    this.window = window;
    this.scaling = scaling;
    this.periodic = periodic;
  }

  override call(shape: Shape, { dtype }: InitializeOptions = {}): Tensor {
    const kind = dtype ?? floatx();
    const [frames, , bins] = shape as [number, number, number];
    const frequency = divide(
      reshapeTo(arange(bins, null, null, { dtype: kind }), [1, 1, bins]),
      scalar((bins - 1) * 2, kind),
    );
    const time = reshapeTo(arange(frames, null, null, { dtype: kind }), [frames, 1, 1]);
    const angle = multiply(
      multiply(multiply(scalar(-2, kind), time), frequency),
      scalar(Math.PI, kind),
    );
    const wave = this.side === "real" ? cos(angle) : sin(angle);
    if (this.window === null) return castTo(wave, kind);
    const values =
      typeof this.window === "string"
        ? windowByName(this.window, frames, this.periodic)
        : this.window;
    const window = values instanceof Tensor ? castTo(values, kind) : toTensor("STFT", values, kind);
    if (window.ndim !== 1 || window.shape[0] !== frames) {
      throw new ShapeError(
        `STFT: the window must have shape [${frames}], got ${formatShape(window.shape)}.`,
        { shapes: [window.shape] },
      );
    }
    const shaped = reshapeTo(window, [frames, 1, 1]);
    const windowed = multiply(wave, shaped);
    if (this.scaling === null) return windowed;
    const total =
      this.scaling === "density"
        ? sqrt(sumOver(square(shaped), [0, 1, 2]))
        : sumOver(absolute(shaped), [0, 1, 2]);
    return divide(windowed, total);
  }

  override getConfig(): Config {
    return {
      side: this.side,
      window: serializeKerasObject(this.window),
      periodic: this.periodic,
      scaling: this.scaling,
    };
  }
}
