// LU factors with partial pivoting (LAPACK's getrf: unit lower triangle and
// upper triangle in one matrix, pivots as row swaps), right-looking in panels
// of kPanelColumns columns; linear systems and determinants by them.
#include <cmath>
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

template <class T>
void SwapRows(T* a, T* b, int64_t n) {
  for (int64_t j = 0; j < n; j++) {
    const T x = a[j];
    a[j] = b[j];
    b[j] = x;
  }
}

// a: m x n, overwritten by the factors. Row i was swapped with row pivots[i],
// one after the other. A zero pivot is left, its column then has zeros below.
template <class T>
bool FactorLu(T* a, int64_t m, int64_t n, int32_t* pivots) {
  const int64_t steps = m < n ? m : n;
  for (int64_t begin = 0; begin < steps; begin += kPanelColumns) {
    const int64_t end = begin + kPanelColumns < steps ? begin + kPanelColumns : steps;
    for (int64_t j = begin; j < end; j++) {
      int64_t best = j;
      T largest = __builtin_fabs(a[j * n + j]);
      for (int64_t i = j + 1; i < m; i++) {
        const T size = __builtin_fabs(a[i * n + j]);
        // The first NaN wins, so that it reaches the result.
        if (size > largest || (size != size && largest == largest)) {
          largest = size;
          best = i;
        }
      }
      pivots[j] = static_cast<int32_t>(best);
      if (best != j) SwapRows(a + j * n, a + best * n, n);
      const T* top = a + j * n;
      if (top[j] == 0) continue;
      for (int64_t i = j + 1; i < m; i++) {
        T* row = a + i * n;
        const T factor = row[j] / top[j];
        row[j] = factor;
        for (int64_t c = j + 1; c < end; c++) row[c] -= factor * top[c];
      }
    }
    if (end >= n) continue;
    // U12 = L11^-1 A12, then A22 -= L21 U12.
    if (!SolveTriangle(a + begin * n + begin, n, int64_t{1}, true, true,
                       end - begin, a + begin * n + end, n, n - end) ||
        !SubtractProduct(m - end, n - end, end - begin, a + end * n + begin, n,
                         int64_t{1}, a + begin * n + end, n, int64_t{1},
                         a + end * n + end, n)) {
      return false;
    }
  }
  return true;
}

double CubeOf(int64_t m, int64_t n, int64_t k) {
  return static_cast<double>(m) * static_cast<double>(n) *
             static_cast<double>(k) / 2 +
         100;
}

template <class T>
bool LuBatch(const TensorView& x, const TensorView* outputs) {
  const int64_t m = x.shape[x.ndim - 2];
  const int64_t n = x.shape[x.ndim - 1];
  const int64_t k = m < n ? m : n;
  FirstFailure failure;
  ParallelFor(x.size / (m * n), CubeOf(m, n, k), 1,
              [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; b++) {
      T* to = outputs[0].as<T>() + b * m * n;
      std::memcpy(to, x.as<const T>() + b * m * n,
                  static_cast<size_t>(m * n) * sizeof(T));
      int32_t* pivots = outputs[1].as<int32_t>() + b * k;
      int32_t* permutation = outputs[2].as<int32_t>() + b * m;
      if (!FactorLu(to, m, n, pivots)) failure.OutOfMemory();
      for (int64_t i = 0; i < m; i++) permutation[i] = static_cast<int32_t>(i);
      for (int64_t i = 0; i < k; i++) {
        const int32_t row = permutation[i];
        permutation[i] = permutation[pivots[i]];
        permutation[pivots[i]] = row;
      }
    }
  });
  return !failure.out_of_memory();
}

// [..., M, N] -> [..., M, N], pivots int32 [..., min(M, N)], and the rows of x
// in the order of the factors, int32 [..., M].
Status Lu(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  if (x.size == 0) {
    // Without a column no row moves.
    const TensorView& order = call.outputs[2];
    const int64_t m = x.shape[x.ndim - 2];
    for (int64_t i = 0; i < order.size; i++) {
      order.as<int32_t>()[i] = static_cast<int32_t>(i % m);
    }
    return 0;
  }
  const bool done =
      x.dtype == DType::kFloat64
          ? LuBatch<double>(x, call.outputs)
          : LuBatch<float>(x, call.outputs);
  return done ? 0 : call.Fail("out of memory");
}

template <class T>
void SolveBatch(const TensorView& a, const TensorView& b, const TensorView& out,
                FirstFailure* failure) {
  const int64_t n = a.shape[a.ndim - 1];
  const int64_t count = b.shape[b.ndim - 1];
  ParallelFor(b.size / (n * count), CubeOf(n, n, n + count), 1,
              [&](int64_t begin, int64_t end) {
    Scratch scratch;
    T* lu = scratch.Take<T>(n * n);
    int32_t* pivots = scratch.Take<int32_t>(n);
    if (lu == nullptr || pivots == nullptr) {
      failure->OutOfMemory();
      return;
    }
    for (int64_t k = begin; k < end; k++) {
      T* x = out.as<T>() + k * n * count;
      std::memcpy(lu, a.as<const T>() + k * n * n,
                  static_cast<size_t>(n * n) * sizeof(T));
      std::memcpy(x, b.as<const T>() + k * n * count,
                  static_cast<size_t>(n * count) * sizeof(T));
      if (!FactorLu(lu, n, n, pivots)) failure->OutOfMemory();
      for (int64_t i = 0; i < n; i++) {
        if (lu[i * n + i] == 0) failure->Report(k);
        if (pivots[i] != i) {
          SwapRows(x + i * count, x + pivots[i] * count, count);
        }
      }
      if (!SolveTriangle(lu, n, int64_t{1}, true, true, n, x, count, count) ||
          !SolveTriangle(lu, n, int64_t{1}, false, false, n, x, count, count)) {
        failure->OutOfMemory();
      }
    }
  });
}

// a: [..., N, N], b: [..., N, K] -> x: [..., N, K] with a x = b.
Status Solve(const KernelCall& call) {
  const TensorView& a = call.inputs[0];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  FirstFailure failure;
  if (a.dtype == DType::kFloat64) {
    SolveBatch<double>(a, call.inputs[1], out, &failure);
  } else {
    SolveBatch<float>(a, call.inputs[1], out, &failure);
  }
  if (failure.out_of_memory()) return call.Fail("out of memory");
  if (failure.failed()) {
    return call.Fail("matrix %lld of the batch is singular. Use pinv or lstsq "
                     "for the solution of least squares",
                     static_cast<long long>(failure.index()));
  }
  return 0;
}

// Of each matrix the sign and logarithm of the determinant, or the product.
template <class T, bool kLogarithm>
bool DeterminantBatch(const TensorView& x, const TensorView* outputs) {
  const int64_t n = x.shape[x.ndim - 1];
  FirstFailure failure;
  ParallelFor(outputs[0].size, CubeOf(n, n, n), 1,
              [&](int64_t begin, int64_t end) {
    Scratch scratch;
    T* lu = scratch.Take<T>(n * n + 1);
    int32_t* pivots = scratch.Take<int32_t>(n + 1);
    if (lu == nullptr || pivots == nullptr) {
      failure.OutOfMemory();
      return;
    }
    for (int64_t k = begin; k < end; k++) {
      if (n > 0) {
        std::memcpy(lu, x.as<const T>() + k * n * n,
                    static_cast<size_t>(n * n) * sizeof(T));
      }
      if (!FactorLu(lu, n, n, pivots)) failure.OutOfMemory();
      // In float64: logarithms cancel, and a product of float32 may overflow
      // on its way.
      double total = 0;
      double s = 1;
      for (int64_t i = 0; i < n; i++) {
        const double pivot = static_cast<double>(lu[i * n + i]);
        if (pivots[i] != i) s = -s;
        if (!kLogarithm) {
          s *= pivot;
          continue;
        }
        s = pivot < 0 ? -s : pivot > 0 ? s : pivot * s;
        total += ::log(__builtin_fabs(pivot));
      }
      if (s == 0) s = 0;  // no negative zero
      outputs[0].as<T>()[k] = static_cast<T>(s);
      if (kLogarithm) outputs[1].as<T>()[k] = static_cast<T>(total);
    }
  });
  return !failure.out_of_memory();
}

// [..., N, N] -> sign [...], logarithm of the absolute value [...]; or -> [...].
template <bool kLogarithm>
Status Determinant(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  if (call.outputs[0].size == 0) return 0;
  const bool done = x.dtype == DType::kFloat64
                        ? DeterminantBatch<double, kLogarithm>(x, call.outputs)
                        : DeterminantBatch<float, kLogarithm>(x, call.outputs);
  return done ? 0 : call.Fail("out of memory");
}

}  // namespace

void Register_lu(Registry& registry) {
  constexpr DTypeMask kWide = Mask(DType::kFloat32) | Mask(DType::kFloat64);
  registry.Add("lu_factor", Lu, kWide);
  registry.Add("solve", Solve, kWide);
  registry.Add("det", Determinant<false>, kWide);
  registry.Add("slogdet", Determinant<true>, kWide);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
