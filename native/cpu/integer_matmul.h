// Products of integers, which wrap: unsigned arithmetic gives the bits of the
// signed types too. Retargeted: include after pack.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// C = A B of one matrix: element (i, p) of A at i a_row + p a_step, (p, j) of
// B at p b_step + j b_column; C has n columns.
struct IntegerGemm {
  int64_t m, n, k;
  const void* a;
  int64_t a_row, a_step;
  const void* b;
  int64_t b_step, b_column;
  void* c;
};

// Narrower types wrap in 32 bits just as well; those are what vectors multiply.
template <class T>
struct WideInteger {
  using Type = uint32_t;
};
template <>
struct WideInteger<uint64_t> {
  using Type = uint64_t;
};

constexpr int64_t kIntegerBytes = 512;  // of the sums of a row, in L1
constexpr int64_t kIntegerDepth = 128;

// Rows [begin, end) of C. B is widened block by block, with its columns
// contiguous; four rows of A use each of its rows at a time.
template <class T>
bool RunIntegers(const IntegerGemm& g, int64_t begin, int64_t end) {
  using W = typename WideInteger<T>::Type;
  constexpr int kRows = 4;
  constexpr int64_t kColumns = kIntegerBytes / sizeof(W);
  const T* const a = static_cast<const T*>(g.a);
  const T* const b = static_cast<const T*>(g.b);
  T* const c = static_cast<T*>(g.c);
  const int64_t depth = EvenBlock(g.k, kIntegerDepth);
  Scratch scratch;
  W* block = scratch.Take<W>(depth * kColumns);
  if (block == nullptr) return false;
  for (int64_t j0 = 0; j0 < g.n; j0 += kColumns) {
    const int64_t n = Min(kColumns, g.n - j0);
    for (int64_t p0 = 0; p0 < g.k; p0 += depth) {
      const int64_t k = Min(depth, g.k - p0);
      for (int64_t p = 0; p < k; p++) {
        const T* from = b + (p0 + p) * g.b_step + j0 * g.b_column;
        for (int64_t j = 0; j < n; j++) {
          block[p * kColumns + j] = from[j * g.b_column];
        }
      }
      for (int64_t i = begin; i < end; i += kRows) {
        W sums[kRows][kColumns] = {};
        const int rows = static_cast<int>(Min(kRows, end - i));
        for (int64_t p = 0; p < k; p++) {
          const T* x = a + i * g.a_row + (p0 + p) * g.a_step;
          const W* row = block + p * kColumns;
          for (int r = 0; r < rows; r++) {
            const W factor = x[r * g.a_row];
            for (int64_t j = 0; j < n; j++) sums[r][j] += factor * row[j];
          }
        }
        for (int r = 0; r < rows; r++) {
          T* to = c + (i + r) * g.n + j0;
          for (int64_t j = 0; j < n; j++) {
            to[j] = static_cast<T>(p0 == 0 ? sums[r][j] : to[j] + sums[r][j]);
          }
        }
      }
    }
  }
  return true;
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
