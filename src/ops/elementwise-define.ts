/**
 * How elementwise ops are defined: primitive and public op in one line each.
 *
 * @module
 */
import type { Attributes } from "../runtime/attributes.ts";
import { apply } from "../tensor/apply.ts";
import {
  defineOp,
  type OpDefinition,
  type RewriteRule,
  type TracedValue,
} from "../tensor/define-op.ts";
import {
  type PublicOp,
  publicOp,
  type SignatureSpec,
  tensorArgument,
} from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { DType, PromotionDType } from "../util/dtypes.ts";
import { broadcastShapes } from "../util/shapes.ts";
import { unbroadcast } from "./broadcasting.ts";
import { promotePair, type TensorLike, toFloat, toTensor } from "./promote.ts";

/** The type of an op of one tensor. */
export type Unary = (x: TensorLike) => Tensor;
/** The type of an op of two tensors. */
export type Binary = (x1: TensorLike, x2: TensorLike) => Tensor;

/** dx from dy, x and y; null: the derivative is zero or undefined everywhere. */
export type UnaryDerivative = ((dy: Tensor, x: Tensor, y: Tensor) => Tensor) | null;
/** The gradient of one operand, of the output's shape. */
export type BinaryDerivative = (dy: Tensor, a: Tensor, b: Tensor, y: Tensor) => Tensor;

/** Of exp, sin and their like: a polynomial and what prepares it. */
export const functionWork = 8;

/** What else may be said of a unary primitive. */
interface UnaryOptions {
  /** Of the output; default: that of the input. */
  readonly dtype?: DType;
  /** For ops without a kernel of their own. */
  readonly decompose?: (x: Tensor) => Tensor;
  /** What an element takes, an addition taking 1. */
  readonly work?: number;
  readonly rewrite?: RewriteRule<Attributes>;
}

/** What else may be said of an op of two operands. */
interface BinaryOptions {
  /** Promoted with the operands, as one more. */
  readonly also?: PromotionDType;
  /** Of the output; default: that of the operands. */
  readonly dtype?: DType;
  /** What an element takes, an addition taking 1. */
  readonly work?: number;
  readonly rewrite?: RewriteRule<Attributes>;
}

/** The other operand where one of them is a constant that changes nothing. */
export function neutral(value: number, onBothSides: boolean): RewriteRule<Attributes> {
  return ([a, b]) => {
    const [left, right] = [a, b] as [TracedValue, TracedValue];
    if (isConstant(right, value)) return left;
    return onBothSides && isConstant(left, value) ? right : null;
  };
}

function isConstant({ constant }: TracedValue, value: number): boolean {
  return constant !== null && Object.is(Number(constant), value);
}

/** A primitive of one input. */
export function unaryPrimitive(
  name: string,
  derivative: UnaryDerivative,
  { dtype, decompose, work = 1, rewrite }: UnaryOptions = {},
): OpDefinition {
  return defineOp({
    name,
    infer: ([x]) => {
      const { shape, dtype: own } = x as Tensor;
      return { shape, dtype: dtype ?? own };
    },
    vjp:
      derivative === null
        ? () => [null]
        : ({ inputs: [x], outputs: [y], grads: [dy] }) => [
            derivative(dy as Tensor, x as Tensor, y as Tensor),
          ],
    ...(decompose === undefined ? {} : { decompose: ([x]) => decompose(x as Tensor) }),
    traits: { elementwise: true, work },
    ...(rewrite && { rewrite }),
  });
}

/** A primitive of two inputs of one dtype, which broadcast. */
export function binaryPrimitive(
  name: string,
  derivatives: readonly [BinaryDerivative, BinaryDerivative] | null,
  { dtype, work = 1, rewrite }: Omit<BinaryOptions, "also"> = {},
): OpDefinition {
  return defineOp({
    name,
    infer: ([a, b]) => {
      const x = a as Tensor;
      const y = b as Tensor;
      return { shape: broadcastShapes(name, x.shape, y.shape), dtype: dtype ?? x.dtype };
    },
    vjp:
      derivatives === null
        ? () => [null, null]
        : ({ inputs, outputs: [y], grads: [dy], needs }) => {
            const [a, b] = inputs as readonly [Tensor, Tensor];
            return derivatives.map((derivative, i) =>
              needs(i)
                ? unbroadcast(
                    derivative(dy as Tensor, a, b, y as Tensor),
                    (inputs[i] as Tensor).shape,
                  )
                : null,
            );
          },
    traits: { elementwise: true, work },
    ...(rewrite && { rewrite }),
  });
}

const unarySignature: SignatureSpec = { x: tensorArgument };
const binarySignature: SignatureSpec = { x1: tensorArgument, x2: tensorArgument };

/** A public op of one tensor. */
export function publicUnary(name: string, fn: (x: TensorLike) => Tensor): PublicOp<Unary> {
  return publicOp(`keras.ops.${name}`, unarySignature, fn);
}

/** An op of any number that keeps its dtype. */
export function unaryOp(
  name: string,
  derivative: UnaryDerivative,
  options: UnaryOptions = {},
): PublicOp<Unary> {
  const op = unaryPrimitive(name, derivative, options);
  return publicUnary(name, (x) => apply(op, [toTensor(name, x)]));
}

/** An op of floats; integers and booleans become floatx. */
export function floatOp(
  name: string,
  derivative: UnaryDerivative,
  options: UnaryOptions = {},
): PublicOp<Unary> {
  const op = unaryPrimitive(name, derivative, { work: functionWork, ...options });
  return publicUnary(name, (x) => apply(op, [toFloat(name, x)]));
}

/** A public op of two tensors. */
export function publicBinary(
  name: string,
  fn: (x1: TensorLike, x2: TensorLike) => Tensor,
): PublicOp<Binary> {
  return publicOp(`keras.ops.${name}`, binarySignature, fn);
}

/** An op of two operands, promoted. */
export function binaryOp(
  name: string,
  derivatives: readonly [BinaryDerivative, BinaryDerivative] | null,
  { also, ...options }: BinaryOptions = {},
): PublicOp<Binary> {
  const op = binaryPrimitive(name, derivatives, options);
  return publicBinary(name, (x1, x2) => apply(op, promotePair(name, x1, x2, also)));
}

/** The same op under another of Keras's names. */
export function alias<F extends (...args: never[]) => unknown>(
  name: string,
  op: PublicOp<F>,
): PublicOp<F> {
  const { signature } = op;
  const spec = Object.fromEntries(signature.parameters.map((p) => [p.kerasName, p.argument]));
  return publicOp(`keras.ops.${name}`, spec, op as unknown as F);
}
