/**
 * float16 and bfloat16 in JavaScript, where neither exists.
 *
 * @module
 */

const float32 = new Float32Array(1);
const bits32 = new Uint32Array(float32.buffer);

/** The bits of `value` rounded to bfloat16, to nearest even. */
export function toBFloat16Bits(value: number): number {
  float32[0] = value;
  const bits = bits32[0] as number;
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** The value of bfloat16 bits. */
export function fromBFloat16Bits(bits: number): number {
  bits32[0] = bits << 16;
  return float32[0] as number;
}

/** The bits of `value` rounded to float16 (IEEE binary16), to nearest even. */
export function toFloat16Bits(value: number): number {
  float32[0] = value;
  const bits = bits32[0] as number;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 65520 and above round to infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Below 2^-14: a multiple of 2^-24. Adding 0.5 lets the float unit round.
    bits32[0] = magnitude;
    float32[0] = (float32[0] as number) + 0.5;
    return sign | ((bits32[0] as number) - 0x3f000000);
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

/** The value of float16 bits. */
export function fromFloat16Bits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
