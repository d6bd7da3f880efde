/**
 * Complex tensors: how they are made, and what each op does with them, in
 * terms of real and imaginary part.
 *
 * @module
 */
import { castTo } from "../tensor/cast.ts";
import { ComplexTensor } from "../tensor/complex.ts";
import { zerosLike } from "../tensor/fill.ts";
import {
  type PublicOp,
  publicOp,
  publicOpNamed,
  registerComplexHook,
  type Signature,
  tensorArgument,
} from "../tensor/public-op.ts";
import { Tensor } from "../tensor/tensor.ts";
import { isHalf } from "../util/dtypes.ts";
import {
  ArgumentError,
  describe,
  formatShape,
  ShapeError,
  UnsupportedError,
} from "../util/errors.ts";
import { dimAt } from "../util/shapes.ts";
import { abs, add, clip, divide, multiply, negative, square, subtract } from "./arithmetic.ts";
import { reshapeTo } from "./broadcasting.ts";
import {
  equal,
  greaterEqual,
  isfinite,
  isinf,
  isnan,
  logicalAnd,
  logicalNot,
  logicalOr,
  select,
} from "./comparison.ts";
import { exp, expm1, log, log1p, sqrt } from "./exponential.ts";
import { matmul } from "./linear.ts";
import { wideMatrix } from "./matrices.ts";
import { promotePair, type TensorLike, toFloat } from "./promote.ts";
import { sum } from "./reduction.ts";
import { concatenateAlong, sliceAxis } from "./shaping.ts";
import { hypot } from "./special.ts";
import { eigenParts } from "./spectral.ts";
import { arctan2, cos, cosh, sin, sinh } from "./trigonometric.ts";

/** A complex tensor of real and imaginary part, in float32 or float64. */
function complex(real: TensorLike, imag: TensorLike): ComplexTensor {
  const [re, im] = promotePair("complex", real, imag, "float");
  return isHalf(re.dtype)
    ? new ComplexTensor(castTo(re, "float32"), castTo(im, "float32"))
    : new ComplexTensor(re, im);
}

/**
 * The complex tensor whose real and imaginary parts lie side by side in the
 * last axis: [..., 2] becomes [...].
 *
 * @throws {ShapeError} If the last axis has not two elements.
 * @example
 * await ops.viewAsComplex([[1, 2], [3, 4]]).array(); // [[1, 2], [3, 4]]
 */
export const viewAsComplex: PublicOp<(x: TensorLike) => ComplexTensor> = publicOp(
  "keras.ops.view_as_complex",
  { x: tensorArgument },
  (given) => {
    const x = toFloat("viewAsComplex", given);
    if (x.ndim === 0 || dimAt(x.shape, -1) !== 2) {
      throw new ShapeError(
        `viewAsComplex: expected a last axis of 2, got shape ${formatShape(x.shape)}.`,
        { op: "viewAsComplex", shapes: [x.shape] },
      );
    }
    const part = (i: number): Tensor =>
      reshapeTo(sliceAxis(x, x.ndim - 1, i, i + 1), x.shape.slice(0, -1));
    return complex(part(0), part(1));
  },
);

function sideBySide(z: ComplexTensor): Tensor {
  const parts = [z.real, z.imag].map((x) => reshapeTo(x, [...x.shape, 1]));
  return concatenateAlong(parts, z.ndim);
}

/**
 * The real and imaginary parts of a complex tensor side by side in a new last
 * axis: [...] becomes [..., 2]. Real numbers have an imaginary part of 0.
 *
 * @example
 * await ops.viewAsReal(ops.polar(2, 0)).array(); // [2, 0]
 */
export const viewAsReal: PublicOp<(x: TensorLike | ComplexTensor) => Tensor> = publicOp(
  "keras.ops.view_as_real",
  { x: tensorArgument },
  (given) => {
    const x = toFloat("viewAsReal", given as TensorLike);
    return sideBySide(new ComplexTensor(x, zerosLike(x)));
  },
);

/**
 * The complex tensor of these absolute values and angles.
 *
 * @example
 * await ops.polar([2], [0]).array(); // [[2, 0]]
 */
export const polar: PublicOp<(abs: TensorLike, angle: TensorLike) => ComplexTensor> = publicOp(
  "keras.ops.polar",
  { abs_: tensorArgument, angle: tensorArgument },
  (absolute, angle) => {
    const [r, phi] = promotePair("polar", absolute, angle, "float");
    return complex(multiply(r, cos(phi)), multiply(r, sin(phi)));
  },
);

/**
 * Eigenvalues and right eigenvectors of square matrices in the last two axes,
 * as complex tensors. The vectors are the columns of the second result, of
 * length 1. Not differentiable.
 *
 * @throws {ShapeError} If the matrices are not square.
 * @throws {KernelError} If there is an element that is not finite.
 * @example
 * const [values] = ops.eig([[0, -1], [1, 0]]);
 * await values.array(); // [[0, 1], [0, -1]]
 */
export const eig: PublicOp<(x: TensorLike) => [ComplexTensor, ComplexTensor]> = publicOp(
  "keras.ops.eig",
  { x: tensorArgument },
  (given) => {
    const [re, im, vectorRe, vectorIm] = eigenParts(wideMatrix("eig", given, true));
    return [new ComplexTensor(re, im), new ComplexTensor(vectorRe, vectorIm)];
  },
);

type Parts = readonly [Tensor, Tensor];

/** Real and imaginary part of an operand, complex or not. */
function partsOf(op: string, value: unknown): Parts {
  if (value instanceof ComplexTensor) return [value.real, value.imag];
  const re = toFloat(op, value as TensorLike);
  return [re, zerosLike(re)];
}

function product([a, b]: Parts, [c, d]: Parts): Parts {
  return [subtract(multiply(a, c), multiply(b, d)), add(multiply(a, d), multiply(b, c))];
}

/** Smith's division: no square of a part, which might overflow. */
function quotient([a, b]: Parts, [c, d]: Parts): Parts {
  const isWide = greaterEqual(abs(c), abs(d));
  const large = select(isWide, c, d);
  const small = select(isWide, d, c);
  const r = divide(small, large);
  const denominator = add(large, multiply(small, r));
  const [x, y] = [select(isWide, a, b), select(isWide, b, a)];
  const re = divide(add(x, multiply(y, r)), denominator);
  const im = divide(subtract(y, multiply(x, r)), denominator);
  return [re, select(isWide, im, negative(im))];
}

function logarithm([a, b]: Parts): Parts {
  return [log(hypot(a, b)), arctan2(b, a)];
}

function exponential([a, b]: Parts): Parts {
  const size = exp(a);
  return [multiply(size, cos(b)), multiply(size, sin(b))];
}

/** The root in the right half plane: its larger part is sqrt((|z| + |a|) / 2). */
function root([a, b]: Parts): Parts {
  const half = 0.5;
  const large = sqrt(multiply(add(hypot(a, b), abs(a)), half));
  const isZero = equal(large, 0);
  const small = divide(multiply(b, half), select(isZero, add(large, 1), large));
  const isRight = greaterEqual(a, 0);
  const turned = select(greaterEqual(b, 0), large, negative(large));
  return [select(isRight, large, abs(small)), select(isRight, small, turned)];
}

function scaled([a, b]: Parts, factor: number): Parts {
  return [multiply(a, factor), multiply(b, factor)];
}

/** tanh(a + bi) = (sinh 2a + i sin 2b) / (cosh 2a + cos 2b), past 20 equal to ±1. */
function hyperbolicTangent([a, b]: Parts): Parts {
  const twice = multiply(clip(a, -20, 20), 2);
  const angle = multiply(b, 2);
  const denominator = add(cosh(twice), cos(angle));
  return [divide(sinh(twice), denominator), divide(sin(angle), denominator)];
}

/** (log(1 + w) - log(1 - w)) / 2. */
function areaTangent([a, b]: Parts): Parts {
  const over = add(square(add(a, 1)), square(b));
  const under = add(square(subtract(a, 1)), square(b));
  const twice = multiply(b, 2);
  const rest = subtract(subtract(1, square(a)), square(b));
  return [multiply(log(divide(over, under)), 0.25), multiply(arctan2(twice, rest), 0.5)];
}

/** Functions of z that have complex values. */
const functions: Readonly<Record<string, (z: Parts) => Parts>> = {
  copy: (z) => z,
  conj: ([a, b]) => [a, negative(b)],
  conjugate: ([a, b]) => [a, negative(b)],
  negative: ([a, b]) => [negative(a), negative(b)],
  square: (z) => product(z, z),
  reciprocal: (z) => quotient([add(zerosLike(z[0]), 1), zerosLike(z[0])], z),
  sqrt: root,
  rsqrt: (z) => quotient([add(zerosLike(z[0]), 1), zerosLike(z[0])], root(z)),
  exp: exponential,
  // e^a cos b - 1 = (e^a - 1) cos b - 2 sin^2(b / 2).
  expm1: ([a, b]) => [
    subtract(multiply(expm1(a), cos(b)), multiply(square(sin(multiply(b, 0.5))), 2)),
    multiply(exp(a), sin(b)),
  ],
  log: logarithm,
  log2: (z) => scaled(logarithm(z), Math.LOG2E),
  log10: (z) => scaled(logarithm(z), Math.LOG10E),
  // |1 + z|^2 = 1 + a (2 + a) + b^2.
  log1p: ([a, b]) => [
    multiply(log1p(add(multiply(a, add(a, 2)), square(b))), 0.5),
    arctan2(b, add(a, 1)),
  ],
  sign: ([a, b]) => {
    const size = hypot(a, b);
    const isZero = equal(size, 0);
    const safe = select(isZero, add(size, 1), size);
    return [divide(a, safe), divide(b, safe)];
  },
  sin: ([a, b]) => [multiply(sin(a), cosh(b)), multiply(cos(a), sinh(b))],
  cos: ([a, b]) => [multiply(cos(a), cosh(b)), negative(multiply(sin(a), sinh(b)))],
  sinh: ([a, b]) => [multiply(sinh(a), cos(b)), multiply(cosh(a), sin(b))],
  cosh: ([a, b]) => [multiply(cosh(a), cos(b)), multiply(sinh(a), sin(b))],
  tanh: hyperbolicTangent,
  // tan z = -i tanh(iz), arctan z = -i artanh(iz).
  tan: ([a, b]) => turnedBack(hyperbolicTangent([negative(b), a])),
  arctan: ([a, b]) => turnedBack(areaTangent([negative(b), a])),
  arctanh: areaTangent,
};

function turnedBack([a, b]: Parts): Parts {
  return [b, negative(a)];
}

/** Functions of z that have real values. */
const measures: Readonly<Record<string, (z: Parts) => Tensor>> = {
  real: ([a]) => a,
  imag: ([, b]) => b,
  abs: ([a, b]) => hypot(a, b),
  absolute: ([a, b]) => hypot(a, b),
  angle: ([a, b]) => arctan2(b, a),
  isreal: ([, b]) => equal(b, 0),
  isnan: ([a, b]) => logicalOr(isnan(a), isnan(b)),
  isinf: ([a, b]) => logicalOr(isinf(a), isinf(b)),
  isfinite: ([a, b]) => logicalAnd(isfinite(a), isfinite(b)),
  view_as_real: ([a, b]) => sideBySide(new ComplexTensor(a, b)),
};

/** A product that is linear in both operands, of its parts. */
function bilinear(of: (a: Tensor, b: Tensor) => Tensor): (x: Parts, y: Parts) => Parts {
  return ([a, b], [c, d]) => [subtract(of(a, c), of(b, d)), add(of(a, d), of(b, c))];
}

const isEqual = ([a, b]: Parts, [c, d]: Parts): Tensor => logicalAnd(equal(a, c), equal(b, d));

/** Functions of two operands, of which one may be real. */
const operations: Readonly<Record<string, (x: Parts, y: Parts) => Parts | Tensor>> = {
  add: ([a, b], [c, d]) => [add(a, c), add(b, d)],
  subtract: ([a, b], [c, d]) => [subtract(a, c), subtract(b, d)],
  multiply: product,
  divide: quotient,
  true_divide: quotient,
  power: (z, n) => exponential(product(n, logarithm(z))),
  matmul: bilinear((a, b) => matmul(a, b)),
  // The first operand conjugated, both flat.
  vdot: ([a, b], y) => bilinear((p, q) => sum(multiply(flat(p), flat(q))))([a, negative(b)], y),
  equal: isEqual,
  not_equal: (x, y) => logicalNot(isEqual(x, y)),
};

function flat(x: Tensor): Tensor {
  return reshapeTo(x, [x.size]);
}

/** Ops that move or add elements: done with each part of the complex arguments. */
const byPart: ReadonlySet<string> = new Set([
  "broadcast_to",
  "cumsum",
  "diag",
  "diagonal",
  "expand_dims",
  "flip",
  "get_item",
  "mean",
  "moveaxis",
  "ravel",
  "repeat",
  "reshape",
  "roll",
  "slice",
  "split",
  "squeeze",
  "stop_gradient",
  "sum",
  "swapaxes",
  "take",
  "take_along_axis",
  "tile",
  "trace",
  "transpose",
  "tril",
  "triu",
  "unstack",
]);

/** Ops that join the tensors of their first argument, of which some may be real. */
const joining: ReadonlySet<string> = new Set(["concatenate", "hstack", "stack", "vstack"]);

/** An op on real parts, called by name. */
function call(signature: Signature, args: readonly unknown[]): unknown {
  const op = publicOpNamed(signature.path) as unknown as (...given: unknown[]) => unknown;
  return op(...args);
}

function pairUp(real: unknown, imag: unknown): unknown {
  if (Array.isArray(real)) return real.map((item, i) => pairUp(item, (imag as unknown[])[i]));
  return new ComplexTensor(real as Tensor, imag as Tensor);
}

function onParts(
  signature: Signature,
  args: readonly unknown[],
  part: (value: unknown, index: 0 | 1) => unknown,
): unknown {
  const given = (index: 0 | 1): unknown[] => args.map((arg) => part(arg, index));
  return pairUp(call(signature, given(0)), call(signature, given(1)));
}

function partAt(value: unknown, index: 0 | 1): unknown {
  return value instanceof ComplexTensor ? [value.real, value.imag][index] : value;
}

function asResult(value: Parts | Tensor): Tensor | ComplexTensor {
  return value instanceof Tensor ? value : new ComplexTensor(value[0], value[1]);
}

/** What an op does with complex arguments. */
function onComplex(signature: Signature, args: readonly unknown[]): unknown {
  const name = signature.path.slice(signature.path.lastIndexOf(".") + 1);
  const [first, second] = args;
  const fn = functions[name] ?? measures[name];
  if (fn !== undefined) return asResult(fn(partsOf(name, first)));
  const operation = operations[name];
  if (operation !== undefined) {
    return asResult(operation(partsOf(name, first), partsOf(name, second)));
  }
  if (byPart.has(name)) return onParts(signature, args, partAt);
  if (joining.has(name)) {
    const lists = (first as readonly unknown[]).map((item) => partsOf(name, item));
    return onParts(signature, args, (arg, index) =>
      arg === first ? lists.map((parts) => parts[index]) : arg,
    );
  }
  if (name === "shape") return [...(first as ComplexTensor).shape];
  if (name === "convert_to_tensor" || name === "array") return first;
  if (name === "convert_to_numpy") return (first as ComplexTensor).dataSync();
  if (name === "view_as_complex") {
    throw new ArgumentError(`viewAsComplex: expected real numbers, got ${describe(first)}.`, {
      op: "viewAsComplex",
    });
  }
  throw new UnsupportedError(
    `${name}: there is no rule for complex tensors. Compute with their parts, ops.real(x) and ` +
      "ops.imag(x).",
    { op: name, dtypes: ["complex64"] },
  );
}

registerComplexHook(onComplex);
