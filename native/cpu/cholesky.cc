// Cholesky factors of symmetric positive definite matrices, right-looking in
// panels of kPanelColumns columns, and triangular systems. Only the lower triangle of
// a matrix is read.
#include <cstdint>
#include <cstring>

#include "../kernel.h"
#include "parallel.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"
#include "simd/lanes.h"
#include "half.h"
#include "wide.h"
#include "microkernel.h"
#include "gemm.h"
#include "blocked.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

enum class Outcome { kDone, kNotPositive, kOutOfMemory };

// a: n x n, its lower triangle overwritten by the factor.
template <class T>
Outcome Factor(T* a, int64_t n) {
  for (int64_t begin = 0; begin < n; begin += kPanelColumns) {
    const int64_t end = begin + kPanelColumns < n ? begin + kPanelColumns : n;
    const int64_t width = end - begin;
    for (int64_t j = begin; j < end; j++) {
      T* row = a + j * n;
      T pivot = row[j];
      for (int64_t p = begin; p < j; p++) pivot -= row[p] * row[p];
      // Also false for NaN.
      if (!(pivot > 0 && pivot - pivot == 0)) return Outcome::kNotPositive;
      row[j] = __builtin_sqrt(pivot);
      for (int64_t i = j + 1; i < end; i++) {
        T* other = a + i * n;
        T sum = other[j];
        for (int64_t p = begin; p < j; p++) sum -= other[p] * row[p];
        other[j] = sum / row[j];
      }
    }
    const int64_t below = n - end;
    if (below == 0) continue;
    // The panel below, L21 = A21 L11^-T, by columns: they lie in rows here.
    Scratch scratch;
    T* columns = scratch.Take<T>(width * below);
    if (columns == nullptr) return Outcome::kOutOfMemory;
    for (int64_t i = 0; i < below; i++) {
      const T* row = a + (end + i) * n + begin;
      for (int64_t j = 0; j < width; j++) columns[j * below + i] = row[j];
    }
    if (!SolveTriangle(a + begin * n + begin, n, int64_t{1}, true, false, width,
                       columns, below, below)) {
      return Outcome::kOutOfMemory;
    }
    for (int64_t i = 0; i < below; i++) {
      T* row = a + (end + i) * n + begin;
      for (int64_t j = 0; j < width; j++) row[j] = columns[j * below + i];
    }
    // A22 -= L21 L21^T, from the diagonal block of each column down.
    for (int64_t j = end; j < n; j += kPanelColumns) {
      const int64_t count = n - j < kPanelColumns ? n - j : kPanelColumns;
      if (!SubtractProduct(n - j, count, width, a + j * n + begin, n,
                           int64_t{1}, columns + (j - end), below, int64_t{1},
                           a + j * n + j, n)) {
        return Outcome::kOutOfMemory;
      }
    }
  }
  return Outcome::kDone;
}

template <class T>
void FactorBatch(const TensorView& x, const TensorView& out, int64_t n,
                 FirstFailure* failure) {
  const double d = static_cast<double>(n);
  ParallelFor(x.size / (n * n), d * d * d / 3 + d * d, 1,
              [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; b++) {
      const T* from = x.as<const T>() + b * n * n;
      T* to = out.as<T>() + b * n * n;
      for (int64_t i = 0; i < n; i++) {
        std::memcpy(to + i * n, from + i * n,
                    static_cast<size_t>(i + 1) * sizeof(T));
        std::memset(static_cast<void*>(to + i * n + i + 1), 0,
                    static_cast<size_t>(n - i - 1) * sizeof(T));
      }
      const Outcome outcome = Factor(to, n);
      if (outcome == Outcome::kNotPositive) failure->Report(b);
      if (outcome == Outcome::kOutOfMemory) failure->OutOfMemory();
      // The updates by blocks wrote above the diagonal.
      for (int64_t i = 0; i < n; i++) {
        std::memset(static_cast<void*>(to + i * n + i + 1), 0,
                    static_cast<size_t>(n - i - 1) * sizeof(T));
      }
    }
  });
}

// [..., N, N] -> [..., N, N].
Status Cholesky(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  const int64_t n = x.shape[x.ndim - 1];
  FirstFailure failure;
  if (x.dtype == DType::kFloat64) {
    FactorBatch<double>(x, out, n, &failure);
  } else {
    FactorBatch<float>(x, out, n, &failure);
  }
  if (failure.out_of_memory()) return call.Fail("out of memory");
  if (failure.failed()) {
    return call.Fail(
        "matrix %lld of the batch is not positive definite. Check that it is "
        "symmetric, or add a small multiple of the identity",
        static_cast<long long>(failure.index()));
  }
  return 0;
}

template <class T>
void SolveBatch(const TensorView& a, const TensorView& b, const TensorView& out,
                bool lower, bool transpose, FirstFailure* failure) {
  const int64_t n = a.shape[a.ndim - 1];
  const int64_t count = b.shape[b.ndim - 1];
  const double d = static_cast<double>(n);
  ParallelFor(b.size / (n * count), d * d * static_cast<double>(count) / 2, 1,
              [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; k++) {
      const T* t = a.as<const T>() + k * n * n;
      T* x = out.as<T>() + k * n * count;
      std::memcpy(x, b.as<const T>() + k * n * count,
                  static_cast<size_t>(n * count) * sizeof(T));
      for (int64_t i = 0; i < n; i++) {
        if (t[i * n + i] == 0) {
          failure->Report(k);
          break;
        }
      }
      const bool done =
          transpose ? SolveTriangle(t, int64_t{1}, n, !lower, false, n, x,
                                    count, count)
                    : SolveTriangle(t, n, int64_t{1}, lower, false, n, x,
                                    count, count);
      if (!done) failure->OutOfMemory();
    }
  });
}

// a: [..., N, N], b: [..., N, K] -> x: [..., N, K] with a x = b or a^T x = b.
Status TriangularSolve(const KernelCall& call) {
  const TensorView& a = call.inputs[0];
  const TensorView& b = call.inputs[1];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  Attributes attributes = call.attributes();
  const bool lower = attributes.Bool();
  const bool transpose = attributes.Bool();
  FirstFailure failure;
  if (a.dtype == DType::kFloat64) {
    SolveBatch<double>(a, b, out, lower, transpose, &failure);
  } else {
    SolveBatch<float>(a, b, out, lower, transpose, &failure);
  }
  if (failure.out_of_memory()) return call.Fail("out of memory");
  if (failure.failed()) {
    return call.Fail("matrix %lld of the batch is singular: there is a zero on "
                     "its diagonal",
                     static_cast<long long>(failure.index()));
  }
  return 0;
}

}  // namespace

void Register_cholesky(Registry& registry) {
  constexpr DTypeMask kWide = Mask(DType::kFloat32) | Mask(DType::kFloat64);
  registry.Add("cholesky", Cholesky, kWide);
  registry.Add("triangular_solve", TriangularSolve, kWide);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
