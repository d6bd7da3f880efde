// Matrices of float32 or float64 read and written as float64: the iterative
// decompositions compute in it, so that a float32 result is rounded once.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "../../kernel.h"
#include "../parallel.h"

namespace keratin {
namespace portable {
namespace {

constexpr DTypeMask kWide = Mask(DType::kFloat32) | Mask(DType::kFloat64);
constexpr double kEpsilon = 0x1p-52;
// The least normal number divided by it.
constexpr double kTiny = 0x1p-970;

inline void Load(const TensorView& x, int64_t begin, int64_t count,
                 double* to) {
  if (x.dtype == DType::kFloat64) {
    if (count > 0) {
      std::memcpy(to, x.as<const double>() + begin,
                  static_cast<size_t>(count) * sizeof(double));
    }
    return;
  }
  const float* from = x.as<const float>() + begin;
  for (int64_t i = 0; i < count; i++) to[i] = static_cast<double>(from[i]);
}

inline void Store(const TensorView& x, int64_t begin, int64_t count,
                  const double* from) {
  if (x.dtype == DType::kFloat64) {
    if (count > 0) {
      std::memcpy(x.as<double>() + begin, from,
                  static_cast<size_t>(count) * sizeof(double));
    }
    return;
  }
  float* to = x.as<float>() + begin;
  for (int64_t i = 0; i < count; i++) to[i] = static_cast<float>(from[i]);
}

inline bool AllFinite(const double* x, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += x[i] * 0;
  return sum == 0;
}

inline double Dot(const double* a, const double* b, int64_t n) {
  // Four sums, so that they go on side by side.
  double s[4] = {0, 0, 0, 0};
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    for (int k = 0; k < 4; k++) s[k] += a[i + k] * b[i + k];
  }
  for (; i < n; i++) s[0] += a[i] * b[i];
  return (s[0] + s[1]) + (s[2] + s[3]);
}

inline void AddMultiple(double factor, const double* x, double* y, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] += factor * x[i];
}

// (a, b) -> (c a + s b, c b - s a).
inline void Rotate(double* a, double* b, double c, double s, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const double x = a[i];
    const double y = b[i];
    a[i] = c * x + s * y;
    b[i] = c * y - s * x;
  }
}

// A power of two near the largest element, so that squares neither overflow
// nor vanish. 1 for a zero matrix.
inline double ScaleOf(const double* x, int64_t count) {
  double largest = 0;
  for (int64_t i = 0; i < count; i++) largest = std::fmax(largest, std::fabs(x[i]));
  if (largest == 0) return 1;
  int exponent;
  std::frexp(largest, &exponent);
  // 2^1024 is no number.
  return std::ldexp(1.0, exponent < 1024 ? exponent : 1023);
}

}  // namespace
}  // namespace portable
}  // namespace keratin
