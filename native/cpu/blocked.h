// What the blocked factorisations share: the update of the trailing matrix by
// the micro-kernel, and the first failure of a batch. Retargeted: include
// after gemm.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// Columns of a panel: its updates of the rest are products of this depth.
constexpr int64_t kPanelColumns = 64;

template <class T>
constexpr DType kDTypeOf = sizeof(T) == 4 ? DType::kFloat32 : DType::kFloat64;

// C -= A B, m x n by k, in strips of rows so that a product stays in cache.
// Strides as in Gemm. False: out of scratch memory.
template <class T>
bool SubtractProduct(int64_t m, int64_t n, int64_t k, const T* a,
                     int64_t a_row, int64_t a_step, const T* b, int64_t b_step,
                     int64_t b_column, T* c, int64_t c_row) {
  if (m <= 0 || n <= 0 || k <= 0) return true;
  constexpr int64_t kStripElements = int64_t{1} << 18;
  int64_t strip = kStripElements / n;
  if (strip < kPanelColumns) strip = kPanelColumns;
  if (strip > m) strip = m;
  Scratch scratch;
  T* product = scratch.Take<T>(strip * n);
  if (product == nullptr) return false;
  for (int64_t i = 0; i < m; i += strip) {
    const int64_t rows = m - i < strip ? m - i : strip;
    if (!RunGemm(Gemm{kDTypeOf<T>, rows, n, k, a + i * a_row, a_row, a_step, b,
                      b_step, b_column, product, n, nullptr,
                      Activation::kNone})) {
      return false;
    }
    for (int64_t r = 0; r < rows; r++) {
      T* to = c + (i + r) * c_row;
      const T* from = product + r * n;
      for (int64_t j = 0; j < n; j++) to[j] -= from[j];
    }
  }
  return true;
}

// Solves T X = B in place of B (n x count, rows b_row apart) for the
// triangular T, whose element (i, j) is at i row + j column; one of row and
// column is 1. A unit diagonal is not read.
template <class T>
bool SolveTriangle(const T* t, int64_t row, int64_t column, bool lower,
                   bool unit, int64_t n, T* b, int64_t b_row, int64_t count) {
  const int64_t blocks = (n + kPanelColumns - 1) / kPanelColumns;
  for (int64_t s = 0; s < blocks; s++) {
    const int64_t block = lower ? s : blocks - 1 - s;
    const int64_t begin = block * kPanelColumns;
    const int64_t end = begin + kPanelColumns < n ? begin + kPanelColumns : n;
    for (int64_t step = begin; step < end; step++) {
      const int64_t i = lower ? step : begin + end - 1 - step;
      T* x = b + i * b_row;
      if (!unit) {
        const T pivot = t[i * row + i * column];
        for (int64_t j = 0; j < count; j++) x[j] /= pivot;
      }
      const int64_t from = lower ? i + 1 : begin;
      const int64_t to = lower ? end : i;
      for (int64_t r = from; r < to; r++) {
        const T factor = t[r * row + i * column];
        T* y = b + r * b_row;
        for (int64_t j = 0; j < count; j++) y[j] -= factor * x[j];
      }
    }
    // The rows that are still to come.
    const int64_t from = lower ? end : 0;
    const int64_t to = lower ? n : begin;
    if (!SubtractProduct(to - from, count, end - begin,
                         t + from * row + begin * column, row, column,
                         b + begin * b_row, b_row, int64_t{1}, b + from * b_row,
                         b_row)) {
      return false;
    }
  }
  return true;
}

// The least index of a batch that failed, whatever threads found it.
class FirstFailure {
 public:
  void Report(int64_t index) {
    int64_t seen = __atomic_load_n(&index_, __ATOMIC_RELAXED);
    while (index < seen &&
           !__atomic_compare_exchange_n(&index_, &seen, index, false,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
  }
  void OutOfMemory() { __atomic_store_n(&memory_, true, __ATOMIC_RELAXED); }
  bool failed() const { return index_ != INT64_MAX; }
  bool out_of_memory() const { return memory_; }
  int64_t index() const { return index_; }

 private:
  int64_t index_ = INT64_MAX;
  bool memory_ = false;
};

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
