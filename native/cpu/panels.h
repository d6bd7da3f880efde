// A right operand that many products share, packed once. Retargeted: include
// after pack.h and gemm_blocks.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// B, k x n, in blocks of `depth` rows, each in panels of kPanel columns.
template <class T>
struct Panels {
  const T* data;  // null: out of scratch memory
  int64_t k, n, depth;
};

// Element (p, j) of B lies at b[p step + j column]; one of the strides is 1.
template <class T, class S>
Panels<T> MakePanels(Scratch& scratch, const S* b, int64_t step, int64_t column,
                     int64_t k, int64_t n) {
  const int64_t width = RoundUp(n, kPanel<T>);
  const int64_t depth = EvenBlock(k, kDepth);
  T* const data = scratch.Take<T>(width * k);
  if (data == nullptr) return {nullptr, k, n, depth};
  for (int64_t p = 0; p < k; p += depth) {
    const int64_t steps = Min(depth, k - p);
    for (int64_t j = 0; j < n; j += kPanel<T>) {
      PackPanel(b + p * step + j * column, step, column, steps,
                static_cast<int>(Min(kPanel<T>, n - j)),
                data + p * width + j * steps);
    }
  }
  return {data, k, n, depth};
}

// C = A B + bias, or C += A B + bias. A and C are row-major; bias, of the
// columns, may be null. A row's bits do not depend on how many there are.
template <class T>
void RunPanels(const T* a, int64_t a_row, int64_t rows, const Panels<T>& b,
               const T* bias, bool accumulate, T* c, int64_t c_row) {
  if (rows == 0) return;
  const int64_t width = RoundUp(b.n, kPanel<T>);
  Tile<T> tile{};
  tile.segments = kWhole;
  tile.num_segments = 1;
  tile.a_row = a_row;
  tile.a_step = 1;
  tile.b_step = kPanel<T>;
  tile.c_row = c_row;
  int64_t p = 0;
  do {  // once for sums of nothing
    tile.steps = Min(b.depth, b.k - p);
    tile.accumulate = accumulate || p > 0;
    const bool ends = p + tile.steps == b.k;
    tile.a = a + p;
    for (int64_t j = 0; j < b.n; j += kPanel<T>) {
      tile.b = b.data + p * width + j * tile.steps;
      tile.c = c + j;
      tile.columns = static_cast<int>(Min(kPanel<T>, b.n - j));
      tile.bias = ends && bias != nullptr ? bias + j : nullptr;
      RunRows(tile, rows);
    }
    p += tile.steps;
  } while (p < b.k);
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
