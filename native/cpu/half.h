// float16 and bfloat16 as stored, converted in blocks. Retargeted: include
// after simd/target.h and simd/f32.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};

KERATIN_INLINE uint32_t BitsOf(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  return bits;
}
KERATIN_INLINE float FloatOf(uint32_t bits) {
  float x;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}

KERATIN_INLINE float ToFloat(BFloat16 x) {
  return FloatOf(static_cast<uint32_t>(x.bits) << 16);
}
// To nearest even; NaN stays NaN.
KERATIN_INLINE BFloat16 ToBFloat16(float x) {
  const uint32_t bits = BitsOf(x);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const uint32_t nan = (bits >> 16) | 0x40;
  return {static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? nan
                                                                 : rounded)};
}
KERATIN_INLINE float ToFloat(Half x) {
  const uint32_t magnitude = x.bits & 0x7fff;
  const uint32_t sign = static_cast<uint32_t>(x.bits & 0x8000) << 16;
  // Scaling by 2^112 moves the exponent and makes denormals normal.
  const float scaled = FloatOf(magnitude << 13) * FloatOf(0x77800000);
  const uint32_t bits = magnitude >= 0x7c00
                            ? 0x7f800000 | ((magnitude & 0x3ff) << 13)
                            : BitsOf(scaled);
  return FloatOf(bits | sign);
}
KERATIN_INLINE Half ToHalf(float x) {
  const uint32_t bits = BitsOf(x);
  const uint32_t sign = (bits >> 16) & 0x8000;
  const uint32_t magnitude = bits & 0x7fffffff;
  uint32_t half;
  if (magnitude > 0x7f800000) {
    half = 0x7e00;
  } else if (magnitude >= 0x477ff000) {
    half = 0x7c00;  // 65520 and above round to infinity
  } else if (magnitude < 0x38800000) {
    // Below 2^-14, in units of 2^-24: adding 0.5 lets the float unit round.
    half = BitsOf(FloatOf(magnitude) + 0.5f) - 0x3f000000;
  } else {
    half = (magnitude + 0xfff + ((magnitude >> 13) & 1) - 0x38000000) >> 13;
  }
  return {static_cast<uint16_t>(half | sign)};
}

[[maybe_unused]] void Widen(const BFloat16* from, float* to, int64_t n) {
  for (int64_t i = 0; i < n; i++) to[i] = ToFloat(from[i]);
}
[[maybe_unused]] void Narrow(const float* from, BFloat16* to, int64_t n) {
  for (int64_t i = 0; i < n; i++) to[i] = ToBFloat16(from[i]);
}
[[maybe_unused]] void Widen(const Half* from, float* to, int64_t n) {
  int64_t i = 0;
#if defined(KERATIN_CONVERTS_HALVES)
  for (; i + Vec::kLanes <= n; i += Vec::kLanes) {
    Store(to + i, LoadHalf(&from[i].bits));
  }
#endif
  for (; i < n; i++) to[i] = ToFloat(from[i]);
}
[[maybe_unused]] void Narrow(const float* from, Half* to, int64_t n) {
  int64_t i = 0;
#if defined(KERATIN_CONVERTS_HALVES)
  for (; i + Vec::kLanes <= n; i += Vec::kLanes) {
    StoreHalf(&to[i].bits, Load(from + i));
  }
#endif
  for (; i < n; i++) to[i] = ToHalf(from[i]);
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
