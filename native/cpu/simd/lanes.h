// The few vector operations that the micro-kernel needs, for float32 and
// float64. Retargeted: include after simd/f32.h.
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
  KERATIN_INLINE V AtLeast(V a, V b) { return Max(a, b); }
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
  KERATIN_INLINE V AtLeast(V a, V b) { return _mm512_max_pd(b, a); }
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
  KERATIN_INLINE V AtLeast(V a, V b) { return _mm256_max_pd(b, a); }
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
  KERATIN_INLINE V Fma(V a, V b, V c) { return a * b + c; }
  KERATIN_INLINE V Plus(V a, V b) { return a + b; }
  KERATIN_INLINE V AtLeast(V a, V b) { return a > b || a != a ? a : b; }
};
#endif

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
