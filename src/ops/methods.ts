/**
 * The common ops as methods of tensors: `x.add(y)` is `ops.add(x, y)`.
 *
 * The package's entries import this file for its effect.
 *
 * @module
 */
import { Tensor } from "../tensor/tensor.ts";
import type { DType } from "../util/dtypes.ts";
import type { Shape } from "../util/shapes.ts";
import * as activation from "./activation.ts";
import * as arithmetic from "./arithmetic.ts";
import * as comparison from "./comparison.ts";
import * as creation from "./creation.ts";
import * as exponential from "./exponential.ts";
import { getItem, type IndexItem } from "./get-item.ts";
import * as linear from "./linear.ts";
import type { TensorLike } from "./promote.ts";
import * as reduction from "./reduction.ts";
import * as shaping from "./shaping.ts";
import { slice } from "./slicing.ts";

type AnyFunction = (x: Tensor, ...rest: never[]) => unknown;

interface Along {
  axis?: number | readonly number[] | null | undefined;
  keepdims?: boolean | undefined;
}

type UnaryName =
  | "absolute"
  | "exp"
  | "log"
  | "logicalNot"
  | "negative"
  | "relu"
  | "sigmoid"
  | "sqrt"
  | "square"
  | "tanh";

/** Methods that take nothing beside their tensor. */
const unary: Readonly<Record<UnaryName, AnyFunction>> = {
  absolute: arithmetic.absolute,
  exp: exponential.exp,
  log: exponential.log,
  logicalNot: comparison.logicalNot,
  negative: arithmetic.negative,
  relu: activation.relu,
  sigmoid: exponential.sigmoid,
  sqrt: exponential.sqrt,
  square: arithmetic.square,
  tanh: exponential.tanh,
};

type BinaryName =
  | "add"
  | "divide"
  | "equal"
  | "floorDivide"
  | "greater"
  | "greaterEqual"
  | "less"
  | "lessEqual"
  | "logicalAnd"
  | "logicalOr"
  | "matmul"
  | "maximum"
  | "minimum"
  | "mod"
  | "multiply"
  | "notEqual"
  | "power"
  | "subtract";

/** Methods of a second operand. */
const binary: Readonly<Record<BinaryName, AnyFunction>> = {
  add: arithmetic.add,
  divide: arithmetic.divide,
  equal: comparison.equal,
  floorDivide: arithmetic.floorDivide,
  greater: comparison.greater,
  greaterEqual: comparison.greaterEqual,
  less: comparison.less,
  lessEqual: comparison.lessEqual,
  logicalAnd: comparison.logicalAnd,
  logicalOr: comparison.logicalOr,
  matmul: linear.matmul,
  maximum: arithmetic.maximum,
  minimum: arithmetic.minimum,
  mod: arithmetic.mod,
  multiply: arithmetic.multiply,
  notEqual: comparison.notEqual,
  power: exponential.power,
  subtract: arithmetic.subtract,
};

type ReductionName = "all" | "any" | "max" | "mean" | "min" | "prod" | "std" | "sum" | "var";

/** Methods over axes. */
const reductions: Readonly<Record<ReductionName, AnyFunction>> = {
  all: reduction.all,
  any: reduction.any,
  max: reduction.max,
  mean: reduction.mean,
  min: reduction.min,
  prod: reduction.prod,
  std: reduction.std,
  sum: reduction.sum,
  var: reduction.variance,
};

type Unary = { [K in UnaryName]: () => Tensor };
type Binary = { [K in BinaryName]: (other: TensorLike) => Tensor };
type Reductions = { [K in ReductionName]: (options?: Along) => Tensor };

/** What tensors can do beside being read. */
export interface TensorMethods extends Unary, Binary, Reductions {
  /** Positions of the largest elements. See `ops.argmax`. */
  argmax(options?: { axis?: number | null | undefined; keepdims?: boolean | undefined }): Tensor;
  /** Positions of the smallest elements. See `ops.argmin`. */
  argmin(options?: { axis?: number | null | undefined; keepdims?: boolean | undefined }): Tensor;
  /**
   * Elements by NumPy's indexing: integers, ranges, null for a new axis,
   * `"..."`, integer arrays. See `ops.getItem`.
   */
  at(...items: IndexItem[]): Tensor;
  /** The same values in another dtype. See `ops.cast`. */
  cast(dtype: DType | "float" | "int"): Tensor;
  /** Values outside of a range become its ends. See `ops.clip`. */
  clip(xMin: TensorLike, xMax: TensorLike): Tensor;
  /** An axis of length 1 more. See `ops.expandDims`. */
  expandDims(axis: number | readonly number[]): Tensor;
  /** The same elements in another shape; -1 is what is left. See `ops.reshape`. */
  reshape(shape: readonly number[]): Tensor;
  /** A block of a given shape. See `ops.slice`. */
  slice(startIndices: TensorLike, shape: Shape): Tensor;
  /** exp(x) over its sum along an axis. See `ops.softmax`. */
  softmax(options?: { axis?: number | readonly number[] | undefined }): Tensor;
  /** Without axes of length 1. See `ops.squeeze`. */
  squeeze(options?: { axis?: number | readonly number[] | null | undefined }): Tensor;
  /** The axes in another order; reversed by default. See `ops.transpose`. */
  transpose(options?: { axes?: readonly number[] | null | undefined }): Tensor;
}

declare module "../tensor/tensor.js" {
  interface Tensor<D extends DType = DType> extends TensorMethods {}
}

const methods: Readonly<Record<string, AnyFunction>> = {
  ...unary,
  ...binary,
  ...reductions,
  argmax: reduction.argmax,
  argmin: reduction.argmin,
  at: (x: Tensor, ...items: IndexItem[]) => getItem(x, items),
  cast: creation.cast,
  clip: arithmetic.clip,
  expandDims: shaping.expandDims,
  reshape: shaping.reshape,
  slice,
  softmax: activation.softmax,
  squeeze: shaping.squeeze,
  transpose: shaping.transpose,
};

for (const [name, fn] of Object.entries(methods)) {
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...rest: never[]) {
      return fn(this, ...rest);
    },
    writable: true,
    configurable: true,
  });
}
