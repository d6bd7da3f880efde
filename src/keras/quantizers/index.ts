/**
 * `keras.quantizers`.
 *
 * @module
 */
export {
  type AbsMaxQuantizeOptions,
  absMaxQuantize,
  absMaxQuantizeGroupedWithZeroPoint,
} from "./abs-max.ts";
export { type FakeQuantOptions, fakeQuantWithMinMaxVars } from "./fake-quant.ts";
export {
  computeFloat8AmaxHistory,
  computeFloat8Scale,
  quantizeAndDequantize,
} from "./float8.ts";
export {
  type Packed,
  type PackOptions,
  packInt2,
  packInt4,
  packTernary,
  unpackInt2,
  unpackInt4,
  unpackTernary,
} from "./packing.ts";
