/**
 * Initializers that draw.
 *
 * @module
 */
import { normal, truncatedNormal, uniform } from "../../nn/random.ts";
import { makeDefaultSeed, SeedGenerator } from "../../nn/seed-generator.ts";
import { multiply, sign } from "../../ops/arithmetic.ts";
import { reshapeTo } from "../../ops/broadcasting.ts";
import { diagonalOf, qr } from "../../ops/linalg.ts";
import { permute } from "../../ops/shaping.ts";
import { scalar } from "../../tensor/create.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../../util/errors.ts";
import { type Shape, sizeOf } from "../../util/shapes.ts";
import { type Config, checkConstructorOptions, type ParameterTable } from "../object.ts";
import { deserializeKerasObject, serializeKerasObject } from "../saving/serialization.ts";
import { type InitializeOptions, Initializer } from "./initializer.ts";

/** A seed as initializers take it: an integer makes every call draw the same. */
export type InitializerSeed = number | SeedGenerator | Config | null | undefined;

/** Options with a seed. */
export interface SeedOptions {
  seed?: InitializerSeed;
}

/** What random initializers have in common. */
export abstract class RandomInitializer extends Initializer {
  readonly seed: number | SeedGenerator;
  readonly #given: InitializerSeed;

  constructor(options: SeedOptions) {
    super();
    checkConstructorOptions(new.target, options);
    const { seed } = options;
    this.#given = seed;
    if (seed === null || seed === undefined) this.seed = makeDefaultSeed();
    else if (seed instanceof SeedGenerator) this.seed = seed;
    else if (typeof seed === "number" && Number.isInteger(seed)) this.seed = seed;
    else if (typeof seed === "object") this.seed = deserializeKerasObject(seed) as SeedGenerator;
    else {
      throw new ArgumentError(
        `${new.target.name}: the seed must be an integer or a SeedGenerator, got ${describe(seed)}.`,
      );
    }
  }

  override getConfig(): Config {
    return { seed: serializeKerasObject(this.#given) };
  }
}

/** Options of `RandomNormal` and `TruncatedNormal`. */
export interface NormalInitializerOptions extends SeedOptions {
  mean?: number | undefined;
  stddev?: number | undefined;
}

/** Draws from a normal distribution. */
export class RandomNormal extends RandomInitializer {
  static override readonly parameters: ParameterTable = { mean: 0, stddev: 0.05, seed: null };
  readonly mean: number;
  readonly stddev: number;

  constructor(options: NormalInitializerOptions = {}) {
    super(options);
    this.mean = options.mean ?? 0;
    this.stddev = options.stddev ?? 0.05;
  }

  override call(shape: Shape, { dtype }: InitializeOptions = {}): Tensor {
    return normal(shape, { mean: this.mean, stddev: this.stddev, seed: this.seed, dtype });
  }

  override getConfig(): Config {
    return { ...super.getConfig(), mean: this.mean, stddev: this.stddev };
  }
}

/** Draws from a normal distribution cut off at two standard deviations. */
export class TruncatedNormal extends RandomInitializer {
  static override readonly parameters: ParameterTable = { mean: 0, stddev: 0.05, seed: null };
  readonly mean: number;
  readonly stddev: number;

  constructor(options: NormalInitializerOptions = {}) {
    super(options);
    this.mean = options.mean ?? 0;
    this.stddev = options.stddev ?? 0.05;
  }

  override call(shape: Shape, { dtype }: InitializeOptions = {}): Tensor {
    return truncatedNormal(shape, { mean: this.mean, stddev: this.stddev, seed: this.seed, dtype });
  }

  override getConfig(): Config {
    return { ...super.getConfig(), mean: this.mean, stddev: this.stddev };
  }
}

/** Options of `RandomUniform`. */
export interface UniformInitializerOptions extends SeedOptions {
  minval?: number | undefined;
  maxval?: number | undefined;
}

/** Draws from a uniform distribution. */
export class RandomUniform extends RandomInitializer {
  static override readonly parameters: ParameterTable = { minval: -0.05, maxval: 0.05, seed: null };
  readonly minval: number;
  readonly maxval: number;

  constructor(options: UniformInitializerOptions = {}) {
    super(options);
    this.minval = options.minval ?? -0.05;
    this.maxval = options.maxval ?? 0.05;
  }

  override call(shape: Shape, { dtype }: InitializeOptions = {}): Tensor {
    return uniform(shape, { minval: this.minval, maxval: this.maxval, seed: this.seed, dtype });
  }

  override getConfig(): Config {
    return { ...super.getConfig(), minval: this.minval, maxval: this.maxval };
  }
}

/**
 * Inputs and outputs of a weight: of a matrix its two axes, of a convolution's
 * kernel [window…, inputs, outputs] times the window.
 */
export function computeFans(
  shape: Shape,
  inputAxes?: readonly number[] | null,
  outputAxes?: readonly number[] | null,
): [fanIn: number, fanOut: number] {
  if (inputAxes && outputAxes) {
    const product = (axes: readonly number[]): number =>
      axes.reduce((total, axis) => total * (shape.at(axis) as number), 1);
    return [product(inputAxes), product(outputAxes)];
  }
  if (shape.length === 0) return [1, 1];
  if (shape.length === 1) return [shape[0] as number, shape[0] as number];
  const window = sizeOf(shape.slice(0, -2));
  return [(shape.at(-2) as number) * window, (shape.at(-1) as number) * window];
}

/** Options with the axes that count as inputs and outputs. */
export interface FanOptions extends SeedOptions {
  inputAxes?: readonly number[] | null | undefined;
  outputAxes?: readonly number[] | null | undefined;
}

/** Options of `VarianceScaling`. */
export interface VarianceScalingOptions extends FanOptions {
  scale?: number | undefined;
  mode?: "fan_in" | "fan_out" | "fan_avg" | undefined;
  distribution?: "truncated_normal" | "untruncated_normal" | "uniform" | "normal" | undefined;
}

/** The standard deviation of a normal distribution cut off at two of its own. */
const truncatedDeviation = 0.8796256610342398;

/** Draws with a variance of scale divided by the fan. */
export class VarianceScaling extends RandomInitializer {
  static override readonly parameters: ParameterTable = {
    scale: 1,
    mode: "fan_in",
    distribution: "truncated_normal",
    seed: null,
    input_axes: null,
    output_axes: null,
  };
  readonly scale: number;
  readonly mode: "fan_in" | "fan_out" | "fan_avg";
  readonly distribution: "truncated_normal" | "untruncated_normal" | "uniform";
  readonly inputAxes: readonly number[] | null;
  readonly outputAxes: readonly number[] | null;

  /** `fixed` is what a subclass does not leave to its caller. */
  constructor(options: VarianceScalingOptions = {}, fixed: VarianceScalingOptions = {}) {
    super(options);
    const {
      scale = 1,
      mode = "fan_in",
      distribution = "truncated_normal",
    } = { ...options, ...fixed };
    if (!(scale > 0)) {
      throw new ArgumentError(`${new.target.name}: scale must be positive, got ${scale}.`);
    }
    if (!["fan_in", "fan_out", "fan_avg"].includes(mode)) {
      throw new ArgumentError(
        `${new.target.name}: mode must be "fan_in", "fan_out" or "fan_avg", got ${describe(mode)}.`,
      );
    }
    const lower = distribution.toLowerCase();
    const kind = lower === "normal" ? "truncated_normal" : lower;
    if (!["uniform", "truncated_normal", "untruncated_normal"].includes(kind)) {
      throw new ArgumentError(
        `${new.target.name}: distribution must be "uniform", "truncated_normal" or ` +
          `"untruncated_normal", got ${describe(distribution)}.`,
      );
    }
    this.scale = scale;
    this.mode = mode;
    this.distribution = kind as typeof this.distribution;
    this.inputAxes = options.inputAxes ?? null;
    this.outputAxes = options.outputAxes ?? null;
  }

  override call(shape: Shape, { dtype }: InitializeOptions = {}): Tensor {
    const [fanIn, fanOut] = computeFans(shape, this.inputAxes, this.outputAxes);
    const fan =
      this.mode === "fan_in" ? fanIn : this.mode === "fan_out" ? fanOut : (fanIn + fanOut) / 2;
    const scale = this.scale / Math.max(1, fan);
    const { seed } = this;
    if (this.distribution === "uniform") {
      const limit = Math.sqrt(3 * scale);
      return uniform(shape, { minval: -limit, maxval: limit, dtype, seed });
    }
    if (this.distribution === "untruncated_normal") {
      return normal(shape, { stddev: Math.sqrt(scale), dtype, seed });
    }
    return truncatedNormal(shape, { stddev: Math.sqrt(scale) / truncatedDeviation, dtype, seed });
  }

  override getConfig(): Config {
    return {
      ...super.getConfig(),
      scale: this.scale,
      mode: this.mode,
      distribution: this.distribution,
      input_axes: this.inputAxes,
      output_axes: this.outputAxes,
    };
  }
}

const fanParameters: ParameterTable = { seed: null, input_axes: null, output_axes: null };

function fanConfig(initializer: VarianceScaling, config: Config): Config {
  return {
    seed: config["seed"],
    input_axes: initializer.inputAxes,
    output_axes: initializer.outputAxes,
  };
}

/** Uniform with limits sqrt(6 / (fanIn + fanOut)). Source: Glorot and Bengio 2010. */
export class GlorotUniform extends VarianceScaling {
  static override readonly parameters: ParameterTable = fanParameters;

  constructor(options: FanOptions = {}) {
    super(options, { scale: 1, mode: "fan_avg", distribution: "uniform" });
  }

  override getConfig(): Config {
    return fanConfig(this, super.getConfig());
  }
}

/** Normal, cut off, with deviation sqrt(2 / (fanIn + fanOut)). Source: Glorot and Bengio 2010. */
export class GlorotNormal extends VarianceScaling {
  static override readonly parameters: ParameterTable = fanParameters;

  constructor(options: FanOptions = {}) {
    super(options, { scale: 1, mode: "fan_avg", distribution: "truncated_normal" });
  }

  override getConfig(): Config {
    return fanConfig(this, super.getConfig());
  }
}

/** Normal, cut off, with deviation sqrt(1 / fanIn). Source: LeCun et al. 1998. */
export class LecunNormal extends VarianceScaling {
  static override readonly parameters: ParameterTable = fanParameters;

  constructor(options: FanOptions = {}) {
    super(options, { scale: 1, mode: "fan_in", distribution: "truncated_normal" });
  }

  override getConfig(): Config {
    return fanConfig(this, super.getConfig());
  }
}

/** Uniform with limits sqrt(3 / fanIn). Source: LeCun et al. 1998. */
export class LecunUniform extends VarianceScaling {
  static override readonly parameters: ParameterTable = fanParameters;

  constructor(options: FanOptions = {}) {
    super(options, { scale: 1, mode: "fan_in", distribution: "uniform" });
  }

  override getConfig(): Config {
    return fanConfig(this, super.getConfig());
  }
}

/** Normal, cut off, with deviation sqrt(2 / fanIn). Source: He et al. 2015. */
export class HeNormal extends VarianceScaling {
  static override readonly parameters: ParameterTable = fanParameters;

  constructor(options: FanOptions = {}) {
    super(options, { scale: 2, mode: "fan_in", distribution: "truncated_normal" });
  }

  override getConfig(): Config {
    return fanConfig(this, super.getConfig());
  }
}

/** Uniform with limits sqrt(6 / fanIn). Source: He et al. 2015. */
export class HeUniform extends VarianceScaling {
  static override readonly parameters: ParameterTable = fanParameters;

  constructor(options: FanOptions = {}) {
    super(options, { scale: 2, mode: "fan_in", distribution: "uniform" });
  }

  override getConfig(): Config {
    return fanConfig(this, super.getConfig());
  }
}

/** Options of `Orthogonal`. */
export interface OrthogonalOptions extends SeedOptions {
  gain?: number | undefined;
}

/**
 * An orthogonal matrix, from the QR decomposition of a normal one. Source: Saxe
 * et al. 2014, https://openreview.net/forum?id=_wzZwKpTDF_9C.
 */
export class Orthogonal extends RandomInitializer {
  static override readonly parameters: ParameterTable = { gain: 1, seed: null };
  readonly gain: number;

  constructor(options: OrthogonalOptions = {}) {
    super(options);
    this.gain = options.gain ?? 1;
  }

  override call(shape: Shape, { dtype }: InitializeOptions = {}): Tensor {
    if (shape.length < 2) {
      throw new ShapeError(
        `Orthogonal: expected at least two axes, got shape ${formatShape(shape)}.`,
        { shapes: [shape] },
      );
    }
    const rows = sizeOf(shape.slice(0, -1));
    const columns = shape.at(-1) as number;
    const tall = [Math.max(rows, columns), Math.min(rows, columns)];
    const [q, r] = qr(normal(tall, { seed: this.seed, dtype }));
    // Signs by the diagonal of r make the distribution uniform.
    const signed = multiply(q, sign(diagonalOf(r)));
    const oriented = rows < columns ? permute(signed, [1, 0]) : signed;
    return multiply(scalar(this.gain, oriented.dtype), reshapeTo(oriented, shape));
  }

  override getConfig(): Config {
    return { ...super.getConfig(), gain: this.gain };
  }
}
