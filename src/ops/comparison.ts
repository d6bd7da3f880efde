/**
 * Comparisons, logic and selection.
 *
 * @module
 */
import { apply } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import type { PublicOp } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isFloat } from "../util/dtypes.ts";
import { broadcastShapes } from "../util/shapes.ts";
import { unbroadcast } from "./broadcasting.ts";
import {
  type Binary,
  binaryOp,
  binaryPrimitive,
  publicBinary,
  publicUnary,
  type Unary,
  unaryPrimitive,
} from "./elementwise-define.ts";
import { promotePair, type TensorLike, toTensor } from "./promote.ts";

/**
 * x1 == x2, as bool.
 *
 * @example
 * await ops.equal([1, 2], [1, 3]).array(); // [true, false]
 */
export const equal: PublicOp<Binary> = binaryOp("equal", null, { dtype: "bool" });
/**
 * x1 != x2, as bool.
 *
 * @example
 * await ops.notEqual([1, 2], [1, 3]).array(); // [false, true]
 */
export const notEqual: PublicOp<Binary> = binaryOp("not_equal", null, { dtype: "bool" });
/**
 * x1 < x2, as bool.
 *
 * @example
 * await ops.less([1, 2, 3], 2).array(); // [true, false, false]
 */
export const less: PublicOp<Binary> = binaryOp("less", null, { dtype: "bool" });
/**
 * x1 <= x2, as bool.
 *
 * @example
 * await ops.lessEqual([1, 2, 3], 2).array(); // [true, true, false]
 */
export const lessEqual: PublicOp<Binary> = binaryOp("less_equal", null, { dtype: "bool" });
/**
 * x1 > x2, as bool.
 *
 * @example
 * await ops.greater([1, 2, 3], 2).array(); // [false, false, true]
 */
export const greater: PublicOp<Binary> = binaryOp("greater", null, { dtype: "bool" });
/**
 * x1 >= x2, as bool.
 *
 * @example
 * await ops.greaterEqual([1, 2, 3], 2).array(); // [false, true, true]
 */
export const greaterEqual: PublicOp<Binary> = binaryOp("greater_equal", null, { dtype: "bool" });

function truth(op: string, x: TensorLike): Tensor {
  return castTo(toTensor(op, x), "bool");
}

function logicalOp(name: string): PublicOp<Binary> {
  const op = binaryPrimitive(name, null, { dtype: "bool" });
  return publicBinary(name, (x1, x2) => apply(op, [truth(name, x1), truth(name, x2)]));
}

/**
 * Whether both are true. Numbers count as true where they are not 0.
 *
 * @example
 * await ops.logicalAnd([true, true], [true, false]).array(); // [true, false]
 */
export const logicalAnd: PublicOp<Binary> = logicalOp("logical_and");
/**
 * Whether either is true.
 *
 * @example
 * await ops.logicalOr([true, false], [false, false]).array(); // [true, false]
 */
export const logicalOr: PublicOp<Binary> = logicalOp("logical_or");
/**
 * Whether one is true and the other is not.
 *
 * @example
 * await ops.logicalXor([true, true], [true, false]).array(); // [false, true]
 */
export const logicalXor: PublicOp<Binary> = logicalOp("logical_xor");

const logicalNotOp = unaryPrimitive("logical_not", null, { dtype: "bool" });

/**
 * Whether it is not true.
 *
 * @example
 * await ops.logicalNot([true, false]).array(); // [false, true]
 */
export const logicalNot: PublicOp<Unary> = publicUnary("logical_not", (x) =>
  apply(logicalNotOp, [truth("logical_not", x)]),
);

function floatTest(name: string, ofIntegers: boolean): PublicOp<Unary> {
  const op = unaryPrimitive(name, null, { dtype: "bool" });
  return publicUnary(name, (given) => {
    const x = toTensor(name, given);
    if (isFloat(x.dtype)) return apply(op, [x]);
    // Integers are all finite: compared with themselves, which keeps shapes symbolic.
    return ofIntegers ? equal(x, x) : notEqual(x, x);
  });
}

/**
 * Whether it is NaN.
 *
 * @example
 * await ops.isnan([1, Number.NaN]).array(); // [false, true]
 */
export const isnan: PublicOp<Unary> = floatTest("isnan", false);
/**
 * Whether it is plus or minus infinity.
 *
 * @example
 * await ops.isinf([1, Number.POSITIVE_INFINITY]).array(); // [false, true]
 */
export const isinf: PublicOp<Unary> = floatTest("isinf", false);
/**
 * Whether it is neither NaN nor infinite.
 *
 * @example
 * await ops.isfinite([1, Number.NaN]).array(); // [true, false]
 */
export const isfinite: PublicOp<Unary> = floatTest("isfinite", true);

const whereOp: OpDefinition = defineOp({
  name: "where",
  infer: ([condition, a, b]) => {
    const x = a as Tensor;
    const values = broadcastShapes("where", x.shape, (b as Tensor).shape);
    return {
      shape: broadcastShapes("where", (condition as Tensor).shape, values),
      dtype: x.dtype,
    };
  },
  vjp: ({ inputs, grads: [dy], needs }) => {
    const [condition, a, b] = inputs as readonly [Tensor, Tensor, Tensor];
    const d = dy as Tensor;
    const zero = scalar(0, d.dtype);
    return [
      null,
      needs(1) ? unbroadcast(select(condition, d, zero), a.shape) : null,
      needs(2) ? unbroadcast(select(condition, zero, d), b.shape) : null,
    ];
  },
  traits: { elementwise: true },
});

/** `a` where the bool `condition` holds, else `b`; one dtype. */
export function select(condition: Tensor, a: Tensor, b: Tensor): Tensor {
  return apply(whereOp, [condition, a, b]);
}

/** Elements of `x1` where `condition` is true, else of `x2`; all broadcast. */
export function where(condition: TensorLike, x1: TensorLike, x2: TensorLike): Tensor {
  const [a, b] = promotePair("where", x1, x2);
  return select(truth("where", condition), a, b);
}
