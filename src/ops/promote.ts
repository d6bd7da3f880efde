/**
 * What ops do with their arguments: JavaScript values become tensors, dtypes
 * are promoted as in Keras.
 *
 * @module
 */
import { floatx } from "../runtime/precision.ts";
import { castTo } from "../tensor/cast.ts";
import {
  type ArrayLike,
  convertArray,
  isPythonFloat,
  scalar,
  WeakFloat,
} from "../tensor/create.ts";
import { Tensor } from "../tensor/tensor.ts";
import { Variable } from "../tensor/variable.ts";
import {
  type DType,
  isFloat,
  isTypedArray,
  type PromotionDType,
  resultType,
} from "../util/dtypes.ts";
import { ArgumentError, DTypeError, describe } from "../util/errors.ts";

/** What ops take where Keras takes a tensor. */
export type TensorLike = Tensor | Variable | WeakFloat | ArrayLike;

type Scalar = number | bigint | boolean | WeakFloat;

function isScalar(value: unknown): value is Scalar {
  return (
    typeof value === "number" ||
    typeof value === "boolean" ||
    typeof value === "bigint" ||
    value instanceof WeakFloat
  );
}

function scalarValue(value: Scalar): number | bigint | boolean {
  return value instanceof WeakFloat ? value.value : value;
}

function promotionDType(value: Tensor | Scalar): PromotionDType {
  if (value instanceof Tensor) return value.dtype;
  if (typeof value === "boolean") return "bool";
  return isPythonFloat(value) ? "float" : "int";
}

/**
 * A tensor of any value, with Python's dtypes: integral numbers int32, others
 * floatx, unless `dtype` is given.
 *
 * @throws {ArgumentError} If `value` is nothing of the kind.
 */
export function toTensor(op: string, value: TensorLike, dtype?: DType): Tensor {
  if (value instanceof Tensor) return dtype === undefined ? value : castTo(value, dtype);
  if (value instanceof Variable) {
    return dtype === undefined ? value.value : castTo(value.value, dtype);
  }
  if (isScalar(value)) {
    return scalar(scalarValue(value), dtype ?? resultType([promotionDType(value)], floatx()));
  }
  if (Array.isArray(value) || isTypedArray(value)) return convertNested(op, value, dtype);
  throw new ArgumentError(
    `${op}: expected a tensor, a number or an array, got ${describe(value)}.`,
    { op },
  );
}

// An array may hold tensors (of rank 0 or more): those are stacked by `ops.stack`.
function convertNested(op: string, value: ArrayLike, dtype: DType | undefined): Tensor {
  if (Array.isArray(value) && value.some((item) => item instanceof Tensor)) {
    throw new ArgumentError(
      `${op}: an array of tensors is no tensor. Put them together with ops.stack(…).`,
      { op },
    );
  }
  return convertArray(value, dtype, op);
}

/** The dtype that values are computed in together; `also` counts as one more. */
export function promotedDType(
  op: string,
  values: readonly TensorLike[],
  also?: PromotionDType,
): DType {
  const kinds = values.map((value) =>
    promotionDType(isScalar(value) ? value : toTensor(op, value)),
  );
  return resultType(also === undefined ? kinds : [...kinds, also], floatx());
}

/** Two operands as tensors of their common dtype. */
export function promotePair(
  op: string,
  a: TensorLike,
  b: TensorLike,
  also?: PromotionDType,
): [Tensor, Tensor] {
  if (a instanceof Tensor && b instanceof Tensor && a.dtype === b.dtype) {
    if (also === undefined || (also === "float" && isFloat(a.dtype))) return [a, b];
  }
  const x = isScalar(a) ? a : toTensor(op, a);
  const y = isScalar(b) ? b : toTensor(op, b);
  const kinds = [promotionDType(x), promotionDType(y)];
  if (also !== undefined) kinds.push(also);
  const dtype = resultType(kinds, floatx());
  return [
    x instanceof Tensor ? castTo(x, dtype) : scalar(scalarValue(x), dtype),
    y instanceof Tensor ? castTo(y, dtype) : scalar(scalarValue(y), dtype),
  ];
}

/** Operands as tensors of their common dtype. */
export function promoteAll(op: string, values: readonly TensorLike[]): Tensor[] {
  if (!Array.isArray(values)) {
    throw new ArgumentError(`${op}: expected an array of tensors, got ${describe(values)}.`, {
      op,
    });
  }
  if (values.length === 0) {
    throw new ArgumentError(`${op}: expected at least one tensor, got none.`, { op });
  }
  const dtype = promotedDType(op, values);
  return values.map((value) =>
    isScalar(value) ? scalar(scalarValue(value), dtype) : castTo(toTensor(op, value), dtype),
  );
}

/** An operand as a float tensor: integers and booleans become floatx. */
export function toFloat(op: string, value: TensorLike): Tensor {
  const x = toTensor(op, value);
  return isFloat(x.dtype) ? x : castTo(x, floatx());
}

/** @throws {DTypeError} If `x` is not of the kind an op wants. */
export function requireDType(
  op: string,
  x: Tensor,
  fits: (dtype: DType) => boolean,
  what: string,
): Tensor {
  if (!fits(x.dtype)) {
    throw new DTypeError(`${op}: expected ${what}, got ${x.dtype}. Cast it with ops.cast.`, {
      op,
      dtypes: [x.dtype],
    });
  }
  return x;
}

/**
 * Two operands of which plain numbers count as tensors, int32 or floatx: where
 * Keras makes tensors of its arguments before it promotes.
 */
export function promoteTensors(
  op: string,
  a: TensorLike,
  b: TensorLike,
  also?: PromotionDType,
): [Tensor, Tensor] {
  return promotePair(op, toTensor(op, a), toTensor(op, b), also);
}

/** A float dtype for values of `dtype`: 64-bit integers take float64, others floatx. */
export function widerFloat(dtype: DType): DType {
  if (isFloat(dtype)) return dtype;
  return dtype === "int64" || dtype === "uint64" ? "float64" : floatx();
}
