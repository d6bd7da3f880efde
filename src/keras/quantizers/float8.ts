/**
 * Scaling for 8-bit floats. Tensors of such dtypes there are none: values are
 * rounded to what these could hold.
 *
 * @module
 */
import { customGradient } from "../../autograd/grad.ts";
import * as ops from "../../ops/index.ts";
import { type TensorLike, toFloat, toTensor } from "../../ops/promote.ts";
import { floatx } from "../../runtime/precision.ts";
import {
  type PublicOp,
  publicOp,
  requiredArgument,
  tensorArgument,
} from "../../tensor/public-op.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type DType, standardizeDType } from "../../util/dtypes.ts";
import { describe, UnsupportedError } from "../../util/errors.ts";

/**
 * The next scale for 8-bit floats: what the largest absolute value of late is
 * divided by to be the largest of the dtype. Where that is 0 or not finite the
 * old scale stays.
 *
 * @param amax The largest absolute value.
 * @param scale The scale so far.
 * @param dtypeMax The largest value of the dtype.
 * @param options.margin How many powers of two to stay below.
 * @example
 * await quantizers.computeFloat8Scale(tensor(896), tensor(1), 448).item(); // 2
 * await quantizers.computeFloat8Scale(tensor(0), tensor(1), 448).item(); // 1
 */
export const computeFloat8Scale: PublicOp<
  (
    amax: TensorLike,
    scale: TensorLike,
    dtypeMax: TensorLike,
    options?: { margin?: number | undefined },
  ) => Tensor
> = publicOp(
  "keras.quantizers.compute_float8_scale",
  { amax: tensorArgument, scale: tensorArgument, dtype_max: tensorArgument, margin: 0 },
  (given, scale, dtypeMax, { margin = 0 } = {}) => {
    const amax = toFloat("compute_float8_scale", given);
    const factor = ops.divide(ops.divide(dtypeMax, amax), 2 ** margin);
    const isUsable = ops.logicalAnd(ops.greater(amax, 0), ops.isfinite(amax));
    return ops.reciprocal(ops.where(isUsable, factor, ops.reciprocal(scale)));
  },
);

/**
 * A history of largest absolute values moved up by one, that of `x` first.
 *
 * @param amaxHistory [length]
 * @example
 * const history = quantizers.computeFloat8AmaxHistory([-3, 2], tensor([1, 4, 5]));
 * await history.array(); // [3, 5, 1]
 */
export const computeFloat8AmaxHistory: PublicOp<
  (x: TensorLike, amaxHistory: TensorLike) => Tensor
> = publicOp(
  "keras.quantizers.compute_float8_amax_history",
  { x: tensorArgument, amax_history: tensorArgument },
  (x, given) => {
    const history = toTensor("compute_float8_amax_history", given);
    const largest = ops.cast(ops.max(ops.absolute(x)), history.dtype);
    return ops.scatterUpdate(ops.roll(history, -1), [[0]], ops.reshape(largest, [1]));
  },
);

interface Float8 {
  /** Bits behind the leading one. */
  readonly mantissa: number;
  /** The exponent of the smallest normal number. */
  readonly lowest: number;
  readonly max: number;
}

/** Source: Micikevicius et al., 2022, arXiv:2209.05433. */
const float8: Readonly<Record<string, Float8>> = {
  float8_e4m3fn: { mantissa: 3, lowest: -6, max: 448 },
  float8_e5m2: { mantissa: 2, lowest: -14, max: 57344 },
};

/** The sign and exponent bits of float32. */
const exponentBits = 0x7f800000;

/** The float32 numbers of a dtype nearest to `x`, ties to even; the gradient passes as it is. */
function rounded(x: Tensor, { mantissa, lowest }: Float8): Tensor {
  return customGradient((given: Tensor) => {
    const bits = ops.bitwiseAnd(ops.view(given, { dtype: "int32" }), exponentBits);
    // The power of two at or below |x|, and so the distance of neighbours: exact.
    const power = ops.maximum(ops.view(bits, { dtype: "float32" }), 2 ** lowest);
    const step = ops.multiply(power, 2 ** -mantissa);
    return [ops.multiply(ops.round(ops.divide(given, step)), step), (dy: Tensor) => dy];
  })(x);
}

/**
 * Inputs divided by a scale, rounded to what an 8-bit float dtype holds, and
 * multiplied with the scale again. The gradient is that of clipping.
 *
 * @param scale What the largest input is divided by to be the dtype's largest.
 * @param quantizedDtype `"float8_e4m3fn"` or `"float8_e5m2"`.
 * @param computeDtype What it is computed in, and comes back as.
 * @throws {UnsupportedError} For another 8-bit dtype.
 * @example
 * const x = tensor([1.06, 17, 1000]);
 * const y = quantizers.quantizeAndDequantize(x, 1, "float8_e4m3fn", "float32");
 * await y.array(); // [1, 16, 448]
 */
export const quantizeAndDequantize: PublicOp<
  (inputs: TensorLike, scale: TensorLike, quantizedDtype: string, computeDtype: DType) => Tensor
> = publicOp(
  "keras.quantizers.quantize_and_dequantize",
  {
    inputs: tensorArgument,
    scale: tensorArgument,
    quantized_dtype: requiredArgument,
    compute_dtype: requiredArgument,
  },
  (inputs, given, quantizedDtype, computeDtype) => {
    const op = "quantize_and_dequantize";
    const kind = float8[quantizedDtype];
    if (kind === undefined) {
      throw new UnsupportedError(
        `${op}: quantization to ${describe(quantizedDtype)} is not supported, only to ` +
          `${Object.keys(float8).join(" and ")}.`,
        { op, dtypes: [String(quantizedDtype)] },
      );
    }
    const dtype = standardizeDType(computeDtype, floatx());
    const scale = toTensor(op, given, dtype);
    const x = ops.clip(ops.divide(toTensor(op, inputs), scale), -kind.max, kind.max);
    const quantized = ops.cast(rounded(ops.cast(x, "float32"), kind), dtype);
    return ops.multiply(quantized, scale);
  },
);
