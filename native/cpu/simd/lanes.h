// The vector operations that matrix products, convolution and pooling need, for
// float32 and float64 alike. Retargeted: include after simd/f32.h.
//
// V is a vector, M the mask of its first lanes, B a comparison. Max is NaN
// where either operand is; Exceeds(a, b) is a > b with NaN above every number,
// Reaches(a, top) is a = top with NaN equal to NaN.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

template <class T>
struct Simd;

template <>
struct Simd<float> {
  using V = Vec;
  using M = Lanes;
  static constexpr int kLanes = Vec::kLanes;
  KERATIN_INLINE V Broadcast(float x) { return Set(x); }
  KERATIN_INLINE V Load(const float* p) { return KERATIN_TARGET::Load(p); }
  KERATIN_INLINE V Load(const float* p, M m) {
    return KERATIN_TARGET::Load(p, m);
  }
  KERATIN_INLINE void Store(float* p, V x) { KERATIN_TARGET::Store(p, x); }
  KERATIN_INLINE void Store(float* p, M m, V x) {
    KERATIN_TARGET::Store(p, m, x);
  }
  KERATIN_INLINE M First(int n) { return FirstLanes(n); }
  KERATIN_INLINE V Fma(V a, V b, V c) { return MulAdd(a, b, c); }
  KERATIN_INLINE V Plus(V a, V b) { return a + b; }
  KERATIN_INLINE V Times(V a, V b) { return a * b; }
  KERATIN_INLINE V Over(V a, V b) { return a / b; }
  KERATIN_INLINE V Max(V a, V b) { return KERATIN_TARGET::Max(a, b); }
  using B = Lanes;
  KERATIN_INLINE B Exceeds(V a, V b) {
    return AndNot(Or(Less(b, a), IsNan(a)), IsNan(b));
  }
  KERATIN_INLINE B Reaches(V a, V top) { return Or(Equal(a, top), IsNan(a)); }
  KERATIN_INLINE V Select(B m, V yes, V no) {
    return KERATIN_TARGET::Select(m, yes, no);
  }
  // Integers carried in lanes.
  KERATIN_INLINE V Index(int32_t i) { return FromBits(ISet(i)); }
  KERATIN_INLINE void StoreIndex(int32_t* p, V x) { IStore(p, Bits(x)); }
};

#if defined(KERATIN_TARGET_AVX512)
template <>
struct Simd<double> {
  using V = __m512d;
  using M = __mmask8;
  static constexpr int kLanes = 8;
  KERATIN_INLINE V Broadcast(double x) { return _mm512_set1_pd(x); }
  KERATIN_INLINE V Load(const double* p) { return _mm512_loadu_pd(p); }
  KERATIN_INLINE V Load(const double* p, M m) {
    return _mm512_maskz_loadu_pd(m, p);
  }
  KERATIN_INLINE void Store(double* p, V x) { _mm512_storeu_pd(p, x); }
  KERATIN_INLINE void Store(double* p, M m, V x) {
    _mm512_mask_storeu_pd(p, m, x);
  }
  KERATIN_INLINE M First(int n) {
    return static_cast<M>(n >= 8 ? 0xff : n <= 0 ? 0 : (1u << n) - 1);
  }
  KERATIN_INLINE V Fma(V a, V b, V c) { return _mm512_fmadd_pd(a, b, c); }
  KERATIN_INLINE V Plus(V a, V b) { return _mm512_add_pd(a, b); }
  KERATIN_INLINE V Times(V a, V b) { return _mm512_mul_pd(a, b); }
  KERATIN_INLINE V Over(V a, V b) { return _mm512_div_pd(a, b); }
  KERATIN_INLINE V Max(V a, V b) {
    return _mm512_mask_mov_pd(_mm512_max_pd(a, b), IsNan(a), a);
  }
  using B = __mmask8;
  KERATIN_INLINE B IsNan(V a) { return _mm512_cmp_pd_mask(a, a, _CMP_UNORD_Q); }
  KERATIN_INLINE B Exceeds(V a, V b) {
    return static_cast<B>(
        (_mm512_cmp_pd_mask(a, b, _CMP_GT_OQ) | IsNan(a)) & ~IsNan(b));
  }
  KERATIN_INLINE B Reaches(V a, V top) {
    return static_cast<B>(_mm512_cmp_pd_mask(a, top, _CMP_EQ_OQ) | IsNan(a));
  }
  KERATIN_INLINE V Select(B m, V yes, V no) {
    return _mm512_mask_blend_pd(m, no, yes);
  }
  KERATIN_INLINE V Index(int32_t i) { return Broadcast(i); }
  KERATIN_INLINE void StoreIndex(int32_t* p, V x) {
    for (int i = 0; i < kLanes; i++) p[i] = static_cast<int32_t>(x[i]);
  }
};
#elif defined(KERATIN_TARGET_AVX2)
template <>
struct Simd<double> {
  using V = __m256d;
  using M = __m256i;
  static constexpr int kLanes = 4;
  KERATIN_INLINE V Broadcast(double x) { return _mm256_set1_pd(x); }
  KERATIN_INLINE V Load(const double* p) { return _mm256_loadu_pd(p); }
  KERATIN_INLINE V Load(const double* p, M m) {
    return _mm256_maskload_pd(p, m);
  }
  KERATIN_INLINE void Store(double* p, V x) { _mm256_storeu_pd(p, x); }
  KERATIN_INLINE void Store(double* p, M m, V x) {
    _mm256_maskstore_pd(p, m, x);
  }
  KERATIN_INLINE M First(int n) {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n),
                              _mm256_setr_epi64x(0, 1, 2, 3));
  }
  KERATIN_INLINE V Fma(V a, V b, V c) { return _mm256_fmadd_pd(a, b, c); }
  KERATIN_INLINE V Plus(V a, V b) { return _mm256_add_pd(a, b); }
  KERATIN_INLINE V Times(V a, V b) { return _mm256_mul_pd(a, b); }
  KERATIN_INLINE V Over(V a, V b) { return _mm256_div_pd(a, b); }
  KERATIN_INLINE V Max(V a, V b) {
    return Select(IsNan(a), a, _mm256_max_pd(a, b));
  }
  using B = __m256d;
  KERATIN_INLINE B IsNan(V a) { return _mm256_cmp_pd(a, a, _CMP_UNORD_Q); }
  KERATIN_INLINE B Exceeds(V a, V b) {
    return _mm256_andnot_pd(
        IsNan(b), _mm256_or_pd(_mm256_cmp_pd(a, b, _CMP_GT_OQ), IsNan(a)));
  }
  KERATIN_INLINE B Reaches(V a, V top) {
    return _mm256_or_pd(_mm256_cmp_pd(a, top, _CMP_EQ_OQ), IsNan(a));
  }
  KERATIN_INLINE V Select(B m, V yes, V no) {
    return _mm256_blendv_pd(no, yes, m);
  }
  KERATIN_INLINE V Index(int32_t i) { return Broadcast(i); }
  KERATIN_INLINE void StoreIndex(int32_t* p, V x) {
    for (int i = 0; i < kLanes; i++) p[i] = static_cast<int32_t>(x[i]);
  }
};
#else
template <>
struct Simd<double> {
  typedef double V __attribute__((vector_size(16)));
  using M = int;
  static constexpr int kLanes = 2;
  KERATIN_INLINE V Broadcast(double x) { return V{x, x}; }
  KERATIN_INLINE V Load(const double* p) {
    V x;
    __builtin_memcpy(&x, p, sizeof x);
    return x;
  }
  KERATIN_INLINE V Load(const double* p, M m) {
    return V{m > 0 ? p[0] : 0, m > 1 ? p[1] : 0};
  }
  KERATIN_INLINE void Store(double* p, V x) {
    __builtin_memcpy(p, &x, sizeof x);
  }
  KERATIN_INLINE void Store(double* p, M m, V x) {
    if (m > 0) p[0] = x[0];
    if (m > 1) p[1] = x[1];
  }
  KERATIN_INLINE M First(int n) { return n; }
#if defined(KERATIN_TARGET_NEON)
  KERATIN_INLINE V Fma(V a, V b, V c) { return vfmaq_f64(c, a, b); }
#else
  KERATIN_INLINE V Fma(V a, V b, V c) { return a * b + c; }
#endif
  KERATIN_INLINE V Plus(V a, V b) { return a + b; }
  KERATIN_INLINE V Times(V a, V b) { return a * b; }
  KERATIN_INLINE V Over(V a, V b) { return a / b; }
  KERATIN_INLINE V Max(V a, V b) { return a > b || a != a ? a : b; }
  typedef int64_t B __attribute__((vector_size(16)));
  KERATIN_INLINE B Exceeds(V a, V b) { return (a > b || a != a) && b == b; }
  KERATIN_INLINE B Reaches(V a, V top) { return a == top || a != a; }
  KERATIN_INLINE V Select(B m, V yes, V no) { return m ? yes : no; }
  KERATIN_INLINE V Index(int32_t i) { return Broadcast(i); }
  KERATIN_INLINE void StoreIndex(int32_t* p, V x) {
    for (int i = 0; i < kLanes; i++) p[i] = static_cast<int32_t>(x[i]);
  }
};
#endif

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
