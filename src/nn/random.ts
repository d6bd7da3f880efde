/**
 * `keras.random`: draws with the numbers of Keras on JAX.
 *
 * @module
 */
import {
  add,
  clip,
  divide,
  maximum,
  mod,
  multiply,
  negative,
  subtract,
} from "../ops/arithmetic.ts";
import { bitcastTo, bitwiseOr, rightShift } from "../ops/bits.ts";
import { broadcastOver, reshapeTo } from "../ops/broadcasting.ts";
import { less, select } from "../ops/comparison.ts";
import { type DTypeLike, zerosLike } from "../ops/creation.ts";
import { erfinv, exp, log } from "../ops/exponential.ts";
import { takeAlong } from "../ops/indexing.ts";
import { type TensorLike, toFloat, toTensor } from "../ops/promote.ts";
import { argmax } from "../ops/reduction.ts";
import { sliceAxis } from "../ops/shaping.ts";
import { argsort } from "../ops/sorting.ts";
import { floatx } from "../runtime/precision.ts";
import { apply } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import { type PublicOp, publicOp, requiredArgument, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type DType, isFloat, isInteger, itemSize, standardizeDType } from "../util/dtypes.ts";
import { DTypeError, formatShape, ShapeError } from "../util/errors.ts";
import { checkShape, normalizeAxis, type Shape, sizeOf } from "../util/shapes.ts";
import { drawSeed, type Seed } from "./seed-generator.ts";

const bitsOp: OpDefinition<{ shape: Shape; dtype: DType }> = defineOp({
  name: "random_bits",
  attributes: { shape: "ints", dtype: "dtype" },
  infer: (_, { shape, dtype }) => ({ shape, dtype }),
  vjp: () => [null],
});

const splitOp: OpDefinition<{ count: number }> = defineOp({
  name: "random_split",
  attributes: { count: "int" },
  infer: (_, { count }) => ({ shape: [count, 2], dtype: "uint32" }),
  vjp: () => [null],
});

const gammaOp: OpDefinition<{ logSpace: boolean }> = defineOp({
  name: "random_gamma",
  attributes: { logSpace: "bool" },
  infer: ([alpha]) => alpha as Tensor,
  vjp: null,
});

const binomialOp: OpDefinition = defineOp({
  name: "random_binomial",
  infer: ([counts]) => counts as Tensor,
  vjp: null,
});

/** Random bits of uint8, uint16 or uint32. */
function randomBits(key: Tensor, shape: Shape, dtype: DType): Tensor {
  return apply(bitsOp, [key], { shape, dtype });
}

/** Independent keys from one. */
function splitKey(key: Tensor, count: number): Tensor[] {
  const keys = apply(splitOp, [key], { count });
  return Array.from({ length: count }, (_, i) => reshapeTo(sliceAxis(keys, 0, i, i + 1), [2]));
}

/** Bits of fraction, the bits of 1, the words drawn, the unsigned dtype of the same size. */
const formats = {
  float16: { fraction: 10, one: 0x3c00, drawn: "uint16", bits: "uint16" },
  bfloat16: { fraction: 7, one: 0x3f80, drawn: "uint8", bits: "uint16" },
  float32: { fraction: 23, one: 0x3f800000, drawn: "uint32", bits: "uint32" },
} as const;

/** The largest number below 1 in size, of each format. */
const nearOne = { float16: 0.99951171875, bfloat16: 0.99609375, float32: 1 - 2 ** -24 } as const;

/** float64 is drawn as float32: JAX has no more without 64-bit mode. */
function drawnAs(dtype: DType): keyof typeof formats {
  return dtype === "float64" ? "float32" : (dtype as keyof typeof formats);
}

/** Uniform draws in [0, 1): random bits as the fraction of a number in [1, 2), less 1. */
function unit(key: Tensor, shape: Shape, dtype: keyof typeof formats): Tensor {
  const { fraction, one, drawn, bits } = formats[dtype];
  const random = castTo(randomBits(key, shape, drawn), bits);
  const shifted = rightShift(random, scalar(itemSize(drawn) * 8 - fraction, bits));
  const ones = bitcastTo(bitwiseOr(shifted, scalar(one, bits)), dtype);
  return subtract(ones, scalar(1, dtype));
}

/** Uniform draws in [low, high), which are numbers or tensors of that dtype. */
function uniformIn(
  key: Tensor,
  shape: Shape,
  dtype: keyof typeof formats,
  low: Tensor,
  high: Tensor,
): Tensor {
  const scaled = add(multiply(unit(key, shape, dtype), subtract(high, low)), low);
  return maximum(low, scaled);
}

function floatDType(op: string, dtype: DTypeLike | null | undefined): DType {
  const kind = standardizeDType(dtype, floatx());
  if (!isFloat(kind)) {
    throw new DTypeError(`${op}: draws are floats, got dtype ${kind}.`, { op, dtypes: [kind] });
  }
  return kind;
}

/** Options of the distributions with bounds. */
export interface UniformOptions {
  minval?: number | undefined;
  maxval?: number | undefined;
  dtype?: DTypeLike | null | undefined;
  seed?: Seed | Tensor;
}

/**
 * Draws from the uniform distribution on [minval, maxval).
 *
 * @example
 * random.uniform([2, 3], { seed: 1 }).shape; // [2, 3]
 */
export const uniform: PublicOp<(shape: Shape, options?: UniformOptions) => Tensor> = publicOp(
  "keras.random.uniform",
  { shape: requiredArgument, minval: 0, maxval: 1, dtype: null, seed: null },
  (shape, { minval = 0, maxval = 1, dtype, seed } = {}) => {
    const kind = floatDType("uniform", dtype);
    const drawn = drawnAs(kind);
    const key = drawSeed(seed);
    checkShape("uniform", shape);
    return castTo(uniformIn(key, shape, drawn, scalar(minval, drawn), scalar(maxval, drawn)), kind);
  },
);

/** Options of the normal distributions. */
export interface NormalOptions {
  mean?: number | undefined;
  stddev?: number | undefined;
  dtype?: DTypeLike | null | undefined;
  seed?: Seed | Tensor;
}

/** `sample * stddev + mean`, as Keras scales its draws. */
function scale(sample: Tensor, stddev: number, mean: number): Tensor {
  return add(multiply(sample, scalar(stddev, sample.dtype)), scalar(mean, sample.dtype));
}

/**
 * Draws from the normal distribution.
 *
 * @example
 * random.normal([2, 3], { seed: 1 }).shape; // [2, 3]
 */
export const normal: PublicOp<(shape: Shape, options?: NormalOptions) => Tensor> = publicOp(
  "keras.random.normal",
  { shape: requiredArgument, mean: 0, stddev: 1, dtype: null, seed: null },
  (shape, { mean = 0, stddev = 1, dtype, seed } = {}) => {
    const kind = floatDType("normal", dtype);
    const drawn = drawnAs(kind);
    const key = drawSeed(seed);
    checkShape("normal", shape);
    const u = uniformIn(key, shape, drawn, scalar(-nearOne[drawn], drawn), scalar(1, drawn));
    const sample = multiply(scalar(Math.SQRT2, drawn), erfinv(u));
    return scale(castTo(sample, kind), stddev, mean);
  },
);

/** erf(sqrt(2)): the share of the normal distribution within two deviations. */
const erfOfTwoSigma = 0.9544997361036416;
/** The numbers next to 2 towards 0, of each format. */
const belowTwo = { float16: 1.9990234375, bfloat16: 1.9921875, float32: 2 - 2 ** -23 } as const;

/**
 * Draws from the normal distribution, cut off at two standard deviations.
 *
 * @example
 * random.truncatedNormal([2, 3], { seed: 1 }).shape; // [2, 3]
 */
export const truncatedNormal: PublicOp<(shape: Shape, options?: NormalOptions) => Tensor> =
  publicOp(
    "keras.random.truncated_normal",
    { shape: requiredArgument, mean: 0, stddev: 1, dtype: null, seed: null },
    (shape, { mean = 0, stddev = 1, dtype, seed } = {}) => {
      const kind = floatDType("truncated_normal", dtype);
      const drawn = drawnAs(kind);
      const key = drawSeed(seed);
      checkShape("truncated_normal", shape);
      const edge = scalar(erfOfTwoSigma, drawn);
      const u = uniformIn(key, shape, drawn, negative(edge), edge);
      const sample = multiply(scalar(Math.SQRT2, drawn), erfinv(u));
      const bounded = clip(sample, -belowTwo[drawn], belowTwo[drawn]);
      return scale(castTo(bounded, kind), stddev, mean);
    },
  );

/** Options with a dtype and a seed. */
export interface DrawOptions {
  dtype?: DTypeLike | null | undefined;
  seed?: Seed | Tensor;
}

const integerRange: Readonly<Record<string, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
  uint32: [0, 4294967295],
  int32: [-2147483648, 2147483647],
};

/**
 * Draws integers from [minval, maxval).
 *
 * @throws {DTypeError} If `dtype` is no integer.
 * @example
 * random.randint([4], 0, 10, { seed: 1 }).dtype; // "int32"
 */
export const randint: PublicOp<
  (shape: Shape, minval: number, maxval: number, options?: DrawOptions) => Tensor
> = publicOp(
  "keras.random.randint",
  {
    shape: requiredArgument,
    minval: requiredArgument,
    maxval: requiredArgument,
    dtype: "int32",
    seed: null,
  },
  (shape, minval, maxval, { dtype = "int32", seed } = {}) => {
    const kind = standardizeDType(dtype, "int32");
    if (!isInteger(kind)) {
      throw new DTypeError(
        `randint: draws are integers, got dtype ${kind}. Use uniform for floats.`,
        {
          op: "randint",
          dtypes: [kind],
        },
      );
    }
    // All are drawn in 32 bits: fewer would be biased, more JAX has only in 64-bit mode.
    const drawn: DType = kind.startsWith("uint") ? "uint32" : "int32";
    const [least, most] = integerRange[drawn] as readonly [number, number];
    const [lowest, highest] = integerRange[kind] ?? [least, most];
    const low = Math.min(highest, Math.max(lowest, Math.trunc(minval)));
    const top = Math.trunc(maxval);
    // Where maxval lies beyond the dtype, its largest value can come too; a
    // full range of 32 bits wraps to 0.
    const high = Math.min(highest + 1, Math.max(lowest, top));
    const span = high <= low ? 1 : (high - low) % 2 ** 32;
    const key = drawSeed(seed);
    checkShape("randint", shape);
    const [first, second] = splitKey(key, 2) as [Tensor, Tensor];
    const offset = remainderOfPair(
      randomBits(first, shape, "uint32"),
      randomBits(second, shape, "uint32"),
      span,
    );
    return castTo(add(bitcastTo(offset, drawn), scalar(low, drawn)), kind);
  },
);

/** (higher * 2^32 + lower) mod span, in 32 bits as JAX computes it; 0 stands for 2^32. */
function remainderOfPair(higher: Tensor, lower: Tensor, span: number): Tensor {
  if (span === 0) return lower;
  const n = BigInt(span);
  const root = 65536n % n;
  const multiplier = Number(((root * root) % 2n ** 32n) % n);
  const by = scalar(span, "uint32");
  const high = multiply(mod(higher, by), scalar(multiplier, "uint32"));
  return mod(add(high, mod(lower, by)), by);
}

/** Options of `categorical`. */
export type CategoricalOptions = DrawOptions;

/**
 * Draws classes with the given unnormalized log-probabilities.
 *
 * @param logits [batch, classes].
 * @returns [batch, numSamples].
 * @example
 * random.categorical([[0, 0]], 5, { seed: 1 }).shape; // [1, 5]
 */
export const categorical: PublicOp<
  (logits: TensorLike, numSamples: number, options?: CategoricalOptions) => Tensor
> = publicOp(
  "keras.random.categorical",
  { logits: tensorArgument, num_samples: requiredArgument, dtype: "int32", seed: null },
  (given, numSamples, { dtype = "int32", seed } = {}) => {
    const logits = toFloat("categorical", given);
    if (logits.ndim !== 2) {
      throw new ShapeError(
        `categorical: logits must be [batch, classes], got ${formatShape(logits.shape)}.`,
        { op: "categorical", shapes: [logits.shape] },
      );
    }
    const [batch, classes] = logits.shape as [number, number];
    const drawn = drawnAs(logits.dtype);
    const key = drawSeed(seed);
    const tiny = drawn === "float16" ? 2 ** -14 : 2 ** -126;
    const u = uniformIn(
      key,
      [batch, classes, numSamples],
      drawn,
      scalar(tiny, drawn),
      scalar(1, drawn),
    );
    const gumbel = negative(log(negative(log(u))));
    const score = add(gumbel, reshapeTo(castTo(logits, drawn), [batch, classes, 1]));
    return castTo(argmax(score, { axis: 1 }), standardizeDType(dtype, floatx()));
  },
);

/** Options of `dropout`. */
export interface DropoutOptions {
  /** The shape of the mask, which broadcasts; null: as the input. */
  noiseShape?: readonly (number | null)[] | null | undefined;
  seed?: Seed | Tensor;
}

/**
 * `inputs` with elements set to 0 at the given rate, the others scaled up.
 *
 * @example
 * await random.dropout([1, 2], 0, { seed: 1 }).array(); // [1, 2]
 */
export const dropout: PublicOp<
  (inputs: TensorLike, rate: number, options?: DropoutOptions) => Tensor
> = publicOp(
  "keras.random.dropout",
  { inputs: tensorArgument, rate: requiredArgument, noise_shape: null, seed: null },
  (given, rate, { noiseShape, seed } = {}) => {
    const inputs = toFloat("dropout", given);
    if (rate === 1) return zerosLike(inputs);
    if (rate === 0) return inputs;
    const key = drawSeed(seed);
    const keep = 1 - rate;
    const shape =
      noiseShape === undefined || noiseShape === null
        ? inputs.shape
        : noiseShape.map((dim, i) => dim ?? (inputs.shape[i] as number));
    const mask = broadcastOver(
      less(unit(key, shape, "float32"), scalar(keep, "float32")),
      inputs.shape,
    );
    return select(mask, divide(inputs, scalar(keep, inputs.dtype)), scalar(0, inputs.dtype));
  },
);

/** Options of `shuffle`. */
export interface ShuffleOptions {
  axis?: number | undefined;
  seed?: Seed | Tensor;
}

/**
 * `x` with its elements shuffled along an axis, each slice in an order of its own.
 *
 * @example
 * await ops.sum(random.shuffle([1, 2, 3], { seed: 1 })).item(); // 6
 */
export const shuffle: PublicOp<(x: TensorLike, options?: ShuffleOptions) => Tensor> = publicOp(
  "keras.random.shuffle",
  { x: tensorArgument, axis: 0, seed: null },
  (given, { axis = 0, seed } = {}) => {
    let x = toTensor("shuffle", given);
    const along = normalizeAxis("shuffle", axis, x.ndim);
    let key = drawSeed(seed);
    // Sorting by random words, often enough that equal words do not matter.
    const size = Math.max(1, sizeOf(x.shape));
    const rounds = Math.ceil((3 * Math.log(size)) / Math.log(2 ** 32 - 1));
    for (let i = 0; i < rounds; i++) {
      const [next, draw] = splitKey(key, 2) as [Tensor, Tensor];
      key = next;
      x = takeAlong(x, argsort(randomBits(draw, x.shape, "uint32"), { axis: along }), along);
    }
    return x;
  },
);

/**
 * Draws from the gamma distribution of shape `alpha`.
 *
 * @example
 * random.gamma([2], 1, { seed: 1 }).shape; // [2]
 */
export const gamma: PublicOp<(shape: Shape, alpha: TensorLike, options?: DrawOptions) => Tensor> =
  publicOp(
    "keras.random.gamma",
    { shape: requiredArgument, alpha: tensorArgument, dtype: null, seed: null },
    (shape, alpha, { dtype, seed } = {}) => {
      const kind = floatDType("gamma", dtype);
      const key = drawSeed(seed);
      return castTo(gammaDraws("gamma", key, shape, alpha, drawnAs(kind), false), kind);
    },
  );

function gammaDraws(
  op: string,
  key: Tensor,
  shape: Shape,
  alpha: TensorLike,
  dtype: DType,
  logSpace: boolean,
): Tensor {
  const shaped = broadcastOver(toTensor(op, alpha, dtype), checkShape(op, shape));
  return apply(gammaOp, [shaped, key], { logSpace });
}

/**
 * Draws from the binomial distribution: how many of `counts` trials succeed.
 *
 * @example
 * random.binomial([2], 10, 0.5, { seed: 1 }).shape; // [2]
 */
export const binomial: PublicOp<
  (shape: Shape, counts: TensorLike, probabilities: TensorLike, options?: DrawOptions) => Tensor
> = publicOp(
  "keras.random.binomial",
  {
    shape: requiredArgument,
    counts: tensorArgument,
    probabilities: tensorArgument,
    dtype: null,
    seed: null,
  },
  (shape, counts, probabilities, { dtype, seed } = {}) => {
    const kind = floatDType("binomial", dtype);
    const key = drawSeed(seed);
    const shaped = (x: TensorLike): Tensor =>
      broadcastOver(toTensor("binomial", x, "float32"), checkShape("binomial", shape));
    return castTo(apply(binomialOp, [shaped(counts), shaped(probabilities), key]), kind);
  },
);

/**
 * Draws from the beta distribution.
 *
 * @example
 * random.beta([2], 1, 2, { seed: 1 }).shape; // [2]
 */
export const beta: PublicOp<
  (shape: Shape, alpha: TensorLike, beta: TensorLike, options?: DrawOptions) => Tensor
> = publicOp(
  "keras.random.beta",
  {
    shape: requiredArgument,
    alpha: tensorArgument,
    beta: tensorArgument,
    dtype: null,
    seed: null,
  },
  (shape, alpha, betaParameter, { dtype, seed } = {}) => {
    const kind = floatDType("beta", dtype);
    const drawn = drawnAs(kind);
    const [keyA, keyB] = splitKey(drawSeed(seed), 2) as [Tensor, Tensor];
    // Gammas in log space, so that small parameters do not underflow.
    const a = gammaDraws("beta", keyA, shape, alpha, drawn, true);
    const b = gammaDraws("beta", keyB, shape, betaParameter, drawn, true);
    const top = maximum(a, b);
    const left = exp(subtract(a, top));
    return castTo(divide(left, add(left, exp(subtract(b, top)))), kind);
  },
);
