// One vector of float32 per instruction set, and a mask for its first lanes.
// Include after simd/target.h, inside no namespace. Functions are the same on
// every target; `Vec::kLanes` tells the width.
#pragma once

#define KERATIN_INLINE static inline __attribute__((always_inline))

namespace keratin {
namespace KERATIN_TARGET {
namespace {

#if defined(KERATIN_TARGET_AVX512)

struct Vec {
  __m512 v;
  static constexpr int kLanes = 16;
};
struct Lanes {
  __mmask16 m;
};
struct IVec {
  __m512i v;
};

KERATIN_INLINE Lanes FirstLanes(int n) {
  return {static_cast<__mmask16>(n >= 16 ? 0xffff : n <= 0 ? 0 : (1u << n) - 1)};
}
KERATIN_INLINE Vec Set(float x) { return {_mm512_set1_ps(x)}; }
KERATIN_INLINE Vec Load(const float* p) { return {_mm512_loadu_ps(p)}; }
KERATIN_INLINE void Store(float* p, Vec x) { _mm512_storeu_ps(p, x.v); }
KERATIN_INLINE void Stream(float* p, Vec x) { _mm512_stream_ps(p, x.v); }
KERATIN_INLINE Vec Load(const float* p, Lanes m) {
  return {_mm512_maskz_loadu_ps(m.m, p)};
}
KERATIN_INLINE void Store(float* p, Lanes m, Vec x) {
  _mm512_mask_storeu_ps(p, m.m, x.v);
}
KERATIN_INLINE Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
KERATIN_INLINE Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
KERATIN_INLINE Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
KERATIN_INLINE Vec operator/(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
// a * b + c and c - a * b, rounded once.
KERATIN_INLINE Vec MulAdd(Vec a, Vec b, Vec c) {
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
KERATIN_INLINE Vec NegMulAdd(Vec a, Vec b, Vec c) {
  return {_mm512_fnmadd_ps(a.v, b.v, c.v)};
}
// The second operand where either is NaN, as the instruction does.
KERATIN_INLINE Vec RawMax(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
KERATIN_INLINE Vec RawMin(Vec a, Vec b) { return {_mm512_min_ps(a.v, b.v)}; }
KERATIN_INLINE Vec Sqrt(Vec a) { return {_mm512_sqrt_ps(a.v)}; }
KERATIN_INLINE Vec Floor(Vec a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
}
KERATIN_INLINE Vec Ceil(Vec a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)};
}
KERATIN_INLINE Vec Trunc(Vec a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC)};
}
// Half to even.
KERATIN_INLINE Vec Round(Vec a) {
  return {_mm512_roundscale_ps(a.v,
                               _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
KERATIN_INLINE Lanes Less(Vec a, Vec b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)};
}
KERATIN_INLINE Lanes LessEqual(Vec a, Vec b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)};
}
KERATIN_INLINE Lanes Equal(Vec a, Vec b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)};
}
KERATIN_INLINE Lanes IsNan(Vec a) {
  return {_mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q)};
}
KERATIN_INLINE Lanes And(Lanes a, Lanes b) {
  return {static_cast<__mmask16>(a.m & b.m)};
}
KERATIN_INLINE Lanes Or(Lanes a, Lanes b) {
  return {static_cast<__mmask16>(a.m | b.m)};
}
// a and not b.
KERATIN_INLINE Lanes AndNot(Lanes a, Lanes b) {
  return {static_cast<__mmask16>(a.m & ~b.m)};
}
KERATIN_INLINE bool Any(Lanes a) { return a.m != 0; }
KERATIN_INLINE Vec Select(Lanes m, Vec yes, Vec no) {
  return {_mm512_mask_blend_ps(m.m, no.v, yes.v)};
}
KERATIN_INLINE IVec Bits(Vec a) { return {_mm512_castps_si512(a.v)}; }
KERATIN_INLINE Vec FromBits(IVec a) { return {_mm512_castsi512_ps(a.v)}; }
KERATIN_INLINE IVec ISet(int32_t x) { return {_mm512_set1_epi32(x)}; }
KERATIN_INLINE IVec ILoad(const void* p) { return {_mm512_loadu_si512(p)}; }
KERATIN_INLINE void IStore(void* p, IVec a) { _mm512_storeu_si512(p, a.v); }
KERATIN_INLINE IVec operator+(IVec a, IVec b) {
  return {_mm512_add_epi32(a.v, b.v)};
}
KERATIN_INLINE IVec operator-(IVec a, IVec b) {
  return {_mm512_sub_epi32(a.v, b.v)};
}
KERATIN_INLINE IVec operator&(IVec a, IVec b) {
  return {_mm512_and_si512(a.v, b.v)};
}
KERATIN_INLINE IVec operator|(IVec a, IVec b) {
  return {_mm512_or_si512(a.v, b.v)};
}
KERATIN_INLINE IVec operator^(IVec a, IVec b) {
  return {_mm512_xor_si512(a.v, b.v)};
}
template <int kBits>
KERATIN_INLINE IVec ShiftLeft(IVec a) {
  return {_mm512_slli_epi32(a.v, kBits)};
}
template <int kBits>
KERATIN_INLINE IVec ShiftRight(IVec a) {  // logical
  return {_mm512_srli_epi32(a.v, kBits)};
}
template <int kBits>
KERATIN_INLINE IVec ShiftRightArithmetic(IVec a) {
  return {_mm512_srai_epi32(a.v, kBits)};
}
KERATIN_INLINE IVec ToInt(Vec a) {  // rounds to nearest
  return {_mm512_cvtps_epi32(a.v)};
}
KERATIN_INLINE Vec ToFloat(IVec a) { return {_mm512_cvtepi32_ps(a.v)}; }
KERATIN_INLINE Vec LoadHalf(const uint16_t* p) {
  return {_mm512_cvtph_ps(
      _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
KERATIN_INLINE void StoreHalf(uint16_t* p, Vec x) {
  _mm256_storeu_si256(
      reinterpret_cast<__m256i*>(p),
      _mm512_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
KERATIN_INLINE IVec ILoad16(const uint16_t* p) {  // zero-extended
  return {_mm512_cvtepu16_epi32(
      _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
KERATIN_INLINE void IStore16(uint16_t* p, IVec a) {  // the low halves
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(a.v));
}

#elif defined(KERATIN_TARGET_AVX2)

struct Vec {
  __m256 v;
  static constexpr int kLanes = 8;
};
struct Lanes {
  __m256 m;
};
struct IVec {
  __m256i v;
};

KERATIN_INLINE Lanes FirstLanes(int n) {
  const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(n), index))};
}
KERATIN_INLINE Vec Set(float x) { return {_mm256_set1_ps(x)}; }
KERATIN_INLINE Vec Load(const float* p) { return {_mm256_loadu_ps(p)}; }
KERATIN_INLINE void Store(float* p, Vec x) { _mm256_storeu_ps(p, x.v); }
KERATIN_INLINE void Stream(float* p, Vec x) { _mm256_stream_ps(p, x.v); }
KERATIN_INLINE Vec Load(const float* p, Lanes m) {
  return {_mm256_maskload_ps(p, _mm256_castps_si256(m.m))};
}
KERATIN_INLINE void Store(float* p, Lanes m, Vec x) {
  _mm256_maskstore_ps(p, _mm256_castps_si256(m.m), x.v);
}
KERATIN_INLINE Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
KERATIN_INLINE Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
KERATIN_INLINE Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
KERATIN_INLINE Vec operator/(Vec a, Vec b) { return {_mm256_div_ps(a.v, b.v)}; }
KERATIN_INLINE Vec MulAdd(Vec a, Vec b, Vec c) {
  return {_mm256_fmadd_ps(a.v, b.v, c.v)};
}
KERATIN_INLINE Vec NegMulAdd(Vec a, Vec b, Vec c) {
  return {_mm256_fnmadd_ps(a.v, b.v, c.v)};
}
KERATIN_INLINE Vec RawMax(Vec a, Vec b) { return {_mm256_max_ps(a.v, b.v)}; }
KERATIN_INLINE Vec RawMin(Vec a, Vec b) { return {_mm256_min_ps(a.v, b.v)}; }
KERATIN_INLINE Vec Sqrt(Vec a) { return {_mm256_sqrt_ps(a.v)}; }
KERATIN_INLINE Vec Floor(Vec a) { return {_mm256_floor_ps(a.v)}; }
KERATIN_INLINE Vec Ceil(Vec a) { return {_mm256_ceil_ps(a.v)}; }
KERATIN_INLINE Vec Trunc(Vec a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC)};
}
KERATIN_INLINE Vec Round(Vec a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
KERATIN_INLINE Lanes Less(Vec a, Vec b) {
  return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)};
}
KERATIN_INLINE Lanes LessEqual(Vec a, Vec b) {
  return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)};
}
KERATIN_INLINE Lanes Equal(Vec a, Vec b) {
  return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)};
}
KERATIN_INLINE Lanes IsNan(Vec a) {
  return {_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q)};
}
KERATIN_INLINE Lanes And(Lanes a, Lanes b) {
  return {_mm256_and_ps(a.m, b.m)};
}
KERATIN_INLINE Lanes Or(Lanes a, Lanes b) { return {_mm256_or_ps(a.m, b.m)}; }
KERATIN_INLINE Lanes AndNot(Lanes a, Lanes b) {
  return {_mm256_andnot_ps(b.m, a.m)};
}
KERATIN_INLINE bool Any(Lanes a) { return _mm256_movemask_ps(a.m) != 0; }
KERATIN_INLINE Vec Select(Lanes m, Vec yes, Vec no) {
  return {_mm256_blendv_ps(no.v, yes.v, m.m)};
}
KERATIN_INLINE IVec Bits(Vec a) { return {_mm256_castps_si256(a.v)}; }
KERATIN_INLINE Vec FromBits(IVec a) { return {_mm256_castsi256_ps(a.v)}; }
KERATIN_INLINE IVec ISet(int32_t x) { return {_mm256_set1_epi32(x)}; }
KERATIN_INLINE IVec ILoad(const void* p) {
  return {_mm256_loadu_si256(static_cast<const __m256i*>(p))};
}
KERATIN_INLINE void IStore(void* p, IVec a) {
  _mm256_storeu_si256(static_cast<__m256i*>(p), a.v);
}
KERATIN_INLINE IVec operator+(IVec a, IVec b) {
  return {_mm256_add_epi32(a.v, b.v)};
}
KERATIN_INLINE IVec operator-(IVec a, IVec b) {
  return {_mm256_sub_epi32(a.v, b.v)};
}
KERATIN_INLINE IVec operator&(IVec a, IVec b) {
  return {_mm256_and_si256(a.v, b.v)};
}
KERATIN_INLINE IVec operator|(IVec a, IVec b) {
  return {_mm256_or_si256(a.v, b.v)};
}
KERATIN_INLINE IVec operator^(IVec a, IVec b) {
  return {_mm256_xor_si256(a.v, b.v)};
}
template <int kBits>
KERATIN_INLINE IVec ShiftLeft(IVec a) {
  return {_mm256_slli_epi32(a.v, kBits)};
}
template <int kBits>
KERATIN_INLINE IVec ShiftRight(IVec a) {
  return {_mm256_srli_epi32(a.v, kBits)};
}
template <int kBits>
KERATIN_INLINE IVec ShiftRightArithmetic(IVec a) {
  return {_mm256_srai_epi32(a.v, kBits)};
}
KERATIN_INLINE IVec ToInt(Vec a) { return {_mm256_cvtps_epi32(a.v)}; }
KERATIN_INLINE Vec ToFloat(IVec a) { return {_mm256_cvtepi32_ps(a.v)}; }
KERATIN_INLINE Vec LoadHalf(const uint16_t* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
KERATIN_INLINE void StoreHalf(uint16_t* p, Vec x) {
  _mm_storeu_si128(
      reinterpret_cast<__m128i*>(p),
      _mm256_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
KERATIN_INLINE IVec ILoad16(const uint16_t* p) {
  return {_mm256_cvtepu16_epi32(
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
KERATIN_INLINE void IStore16(uint16_t* p, IVec a) {
  const __m256i low = _mm256_and_si256(a.v, _mm256_set1_epi32(0xffff));
  const __m256i packed =
      _mm256_permute4x64_epi64(_mm256_packus_epi32(low, low), 0xd8);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   _mm256_castsi256_si128(packed));
}

#else  // four lanes of the compiler's own vectors: any machine, and NEON

typedef float F32x4 __attribute__((vector_size(16)));
typedef int32_t I32x4 __attribute__((vector_size(16)));
typedef uint32_t U32x4 __attribute__((vector_size(16)));

struct Vec {
  F32x4 v;
  static constexpr int kLanes = 4;
};
struct Lanes {
  I32x4 m;
};
struct IVec {
  I32x4 v;
};

KERATIN_INLINE Lanes FirstLanes(int n) {
  return {I32x4{0, 1, 2, 3} < I32x4{n, n, n, n}};
}
KERATIN_INLINE Vec Set(float x) { return {F32x4{x, x, x, x}}; }
KERATIN_INLINE Vec Load(const float* p) {
  Vec x;
  __builtin_memcpy(&x.v, p, sizeof x.v);
  return x;
}
KERATIN_INLINE void Store(float* p, Vec x) {
  __builtin_memcpy(p, &x.v, sizeof x.v);
}
KERATIN_INLINE void Stream(float* p, Vec x) { Store(p, x); }
KERATIN_INLINE Vec Load(const float* p, Lanes m) {
  Vec x = Set(0);
  for (int i = 0; i < 4; i++) {
    if (m.m[i]) x.v[i] = p[i];
  }
  return x;
}
KERATIN_INLINE void Store(float* p, Lanes m, Vec x) {
  for (int i = 0; i < 4; i++) {
    if (m.m[i]) p[i] = x.v[i];
  }
}
KERATIN_INLINE Vec operator+(Vec a, Vec b) { return {a.v + b.v}; }
KERATIN_INLINE Vec operator-(Vec a, Vec b) { return {a.v - b.v}; }
KERATIN_INLINE Vec operator*(Vec a, Vec b) { return {a.v * b.v}; }
KERATIN_INLINE Vec operator/(Vec a, Vec b) { return {a.v / b.v}; }
#if defined(KERATIN_TARGET_NEON)
KERATIN_INLINE Vec MulAdd(Vec a, Vec b, Vec c) {
  return {vfmaq_f32(c.v, a.v, b.v)};
}
KERATIN_INLINE Vec NegMulAdd(Vec a, Vec b, Vec c) {
  return {vfmsq_f32(c.v, a.v, b.v)};
}
KERATIN_INLINE Vec Sqrt(Vec a) { return {vsqrtq_f32(a.v)}; }
KERATIN_INLINE Vec Floor(Vec a) { return {vrndmq_f32(a.v)}; }
KERATIN_INLINE Vec Ceil(Vec a) { return {vrndpq_f32(a.v)}; }
KERATIN_INLINE Vec Trunc(Vec a) { return {vrndq_f32(a.v)}; }
KERATIN_INLINE Vec Round(Vec a) { return {vrndnq_f32(a.v)}; }
KERATIN_INLINE bool Any(Lanes a) {
  return vmaxvq_u32(reinterpret_cast<uint32x4_t>(a.m)) != 0;
}
KERATIN_INLINE IVec ToInt(Vec a) {
  return {reinterpret_cast<I32x4>(vcvtnq_s32_f32(a.v))};
}
KERATIN_INLINE Vec LoadHalf(const uint16_t* p) {
  return {vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)))};
}
KERATIN_INLINE void StoreHalf(uint16_t* p, Vec x) {
  vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(x.v)));
}
KERATIN_INLINE IVec ILoad16(const uint16_t* p) {
  return {reinterpret_cast<I32x4>(vmovl_u16(vld1_u16(p)))};
}
KERATIN_INLINE void IStore16(uint16_t* p, IVec a) {
  vst1_u16(p, vmovn_u32(reinterpret_cast<uint32x4_t>(a.v)));
}
#else
// Rounded twice: not every machine has a fused multiply-add.
KERATIN_INLINE Vec MulAdd(Vec a, Vec b, Vec c) { return {a.v * b.v + c.v}; }
KERATIN_INLINE Vec NegMulAdd(Vec a, Vec b, Vec c) { return {c.v - a.v * b.v}; }
#define KERATIN_EACH_LANE(name, function)          \
  KERATIN_INLINE Vec name(Vec a) {                 \
    for (int i = 0; i < 4; i++) a.v[i] = function(a.v[i]); \
    return a;                                      \
  }
KERATIN_EACH_LANE(Sqrt, __builtin_sqrtf)
KERATIN_EACH_LANE(Floor, __builtin_floorf)
KERATIN_EACH_LANE(Ceil, __builtin_ceilf)
KERATIN_EACH_LANE(Trunc, __builtin_truncf)
KERATIN_EACH_LANE(Round, __builtin_rintf)
#undef KERATIN_EACH_LANE
KERATIN_INLINE bool Any(Lanes a) {
  return (a.m[0] | a.m[1] | a.m[2] | a.m[3]) != 0;
}
KERATIN_INLINE IVec ToInt(Vec a) {
  return {__builtin_convertvector(Round(a).v, I32x4)};
}
KERATIN_INLINE IVec ILoad16(const uint16_t* p) {
  return {I32x4{p[0], p[1], p[2], p[3]}};
}
KERATIN_INLINE void IStore16(uint16_t* p, IVec a) {
  for (int i = 0; i < 4; i++) p[i] = static_cast<uint16_t>(a.v[i]);
}

#endif
KERATIN_INLINE Vec RawMax(Vec a, Vec b) {
  return {a.v > b.v ? a.v : b.v};
}
KERATIN_INLINE Vec RawMin(Vec a, Vec b) {
  return {a.v < b.v ? a.v : b.v};
}
KERATIN_INLINE Lanes Less(Vec a, Vec b) { return {a.v < b.v}; }
KERATIN_INLINE Lanes LessEqual(Vec a, Vec b) { return {a.v <= b.v}; }
KERATIN_INLINE Lanes Equal(Vec a, Vec b) { return {a.v == b.v}; }
KERATIN_INLINE Lanes IsNan(Vec a) { return {a.v != a.v}; }
KERATIN_INLINE Lanes And(Lanes a, Lanes b) { return {a.m & b.m}; }
KERATIN_INLINE Lanes Or(Lanes a, Lanes b) { return {a.m | b.m}; }
KERATIN_INLINE Lanes AndNot(Lanes a, Lanes b) { return {a.m & ~b.m}; }
KERATIN_INLINE Vec Select(Lanes m, Vec yes, Vec no) {
  return {m.m ? yes.v : no.v};
}
KERATIN_INLINE IVec Bits(Vec a) { return {reinterpret_cast<I32x4>(a.v)}; }
KERATIN_INLINE Vec FromBits(IVec a) { return {reinterpret_cast<F32x4>(a.v)}; }
KERATIN_INLINE IVec ISet(int32_t x) { return {I32x4{x, x, x, x}}; }
KERATIN_INLINE IVec ILoad(const void* p) {
  IVec x;
  __builtin_memcpy(&x.v, p, sizeof x.v);
  return x;
}
KERATIN_INLINE void IStore(void* p, IVec a) {
  __builtin_memcpy(p, &a.v, sizeof a.v);
}
KERATIN_INLINE IVec operator+(IVec a, IVec b) {
  return {reinterpret_cast<I32x4>(reinterpret_cast<U32x4>(a.v) +
                                  reinterpret_cast<U32x4>(b.v))};
}
KERATIN_INLINE IVec operator-(IVec a, IVec b) {
  return {reinterpret_cast<I32x4>(reinterpret_cast<U32x4>(a.v) -
                                  reinterpret_cast<U32x4>(b.v))};
}
KERATIN_INLINE IVec operator&(IVec a, IVec b) { return {a.v & b.v}; }
KERATIN_INLINE IVec operator|(IVec a, IVec b) { return {a.v | b.v}; }
KERATIN_INLINE IVec operator^(IVec a, IVec b) { return {a.v ^ b.v}; }
template <int kBits>
KERATIN_INLINE IVec ShiftLeft(IVec a) {
  return {reinterpret_cast<I32x4>(reinterpret_cast<U32x4>(a.v) << kBits)};
}
template <int kBits>
KERATIN_INLINE IVec ShiftRight(IVec a) {
  return {reinterpret_cast<I32x4>(reinterpret_cast<U32x4>(a.v) >> kBits)};
}
template <int kBits>
KERATIN_INLINE IVec ShiftRightArithmetic(IVec a) {
  return {a.v >> kBits};
}
KERATIN_INLINE Vec ToFloat(IVec a) {
  return {__builtin_convertvector(a.v, F32x4)};
}
#endif

// |a|, and the magnitude of a with the sign of b.
KERATIN_INLINE Vec Abs(Vec a) {
  return FromBits(Bits(a) & ISet(0x7fffffff));
}
KERATIN_INLINE Vec CopySign(Vec a, Vec b) {
  return FromBits((Bits(a) & ISet(0x7fffffff)) |
                  (Bits(b) & ISet(INT32_MIN)));
}
// NaN where either operand is NaN.
KERATIN_INLINE Vec Max(Vec a, Vec b) {
  return Select(IsNan(a), a, RawMax(a, b));
}
KERATIN_INLINE Vec Min(Vec a, Vec b) {
  return Select(IsNan(a), a, RawMin(a, b));
}
// bfloat16 is the upper half of float32: rounded to nearest even, NaN kept.
KERATIN_INLINE Vec LoadBFloat16(const uint16_t* p) {
  return FromBits(ShiftLeft<16>(ILoad16(p)));
}
KERATIN_INLINE void StoreBFloat16(uint16_t* p, Vec x) {
  const IVec bits = Bits(x);
  const IVec odd = ShiftRight<16>(bits) & ISet(1);
  const IVec rounded = bits + ISet(0x7fff) + odd;
  const Vec result =
      Select(IsNan(x), FromBits(bits | ISet(0x400000)), FromBits(rounded));
  IStore16(p, ShiftRight<16>(Bits(result)));
}

// All lanes combined, in halves: one order for one instruction set.
template <class Combine>
KERATIN_INLINE float FoldLanes(Vec a, const Combine& combine) {
#if defined(KERATIN_TARGET_AVX512)
  a = combine(a, Vec{_mm512_shuffle_f32x4(a.v, a.v, 0x4e)});
  a = combine(a, Vec{_mm512_shuffle_f32x4(a.v, a.v, 0xb1)});
  a = combine(a, Vec{_mm512_permute_ps(a.v, 0x4e)});
  a = combine(a, Vec{_mm512_permute_ps(a.v, 0xb1)});
#elif defined(KERATIN_TARGET_AVX2)
  a = combine(a, Vec{_mm256_permute2f128_ps(a.v, a.v, 1)});
  a = combine(a, Vec{_mm256_permute_ps(a.v, 0x4e)});
  a = combine(a, Vec{_mm256_permute_ps(a.v, 0xb1)});
#else
  a = combine(a, Vec{__builtin_shufflevector(a.v, a.v, 2, 3, 0, 1)});
  a = combine(a, Vec{__builtin_shufflevector(a.v, a.v, 1, 0, 3, 2)});
#endif
  return a.v[0];
}
KERATIN_INLINE float SumLanes(Vec a) {
  return FoldLanes(a, [](Vec x, Vec y) { return x + y; });
}
// NaN where a lane is.
KERATIN_INLINE float MaxLanes(Vec a) {
  return FoldLanes(a, [](Vec x, Vec y) { return Max(x, y); });
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
