// Gradients of the weights of recurrent cells: C = A^T B over the rows of all
// steps and samples, for one or two A (the inputs, the states) that share each
// packed panel of B, and the sums of B's columns. Retargeted: include after
// pack.h, wide.h and gemm_blocks.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

template <class S>
struct LeftSide {
  const S* a;  // row i at a + i row
  int64_t row, columns;
  S* c;  // columns x Reduction::columns
};

template <class S>
struct Reduction {
  int64_t rows;
  const S* b;
  int64_t b_row, columns;
  int64_t c_row;  // of every C
  LeftSide<S> sides[2];
  int num_sides;
  S* sums;  // of B's columns, or null
};

// Adds the sums of a panel's columns.
template <class T>
void AddPanel(const T* panel, int64_t rows, T* sums) {
  using V = typename Simd<T>::V;
  constexpr int kLanes = Simd<T>::kLanes;
  for (int64_t j = 0; j < kPanel<T>; j += kLanes) {
    // Sums that do not wait for each other.
    V sum[4];
    for (V& s : sum) s = Simd<T>::Broadcast(0);
    int64_t i = 0;
    for (; i + 4 <= rows; i += 4) {
#pragma GCC unroll 4
      for (int k = 0; k < 4; k++) {
        sum[k] = sum[k] + Simd<T>::Load(panel + (i + k) * kPanel<T> + j);
      }
    }
    for (; i < rows; i++) {
      sum[0] = sum[0] + Simd<T>::Load(panel + i * kPanel<T> + j);
    }
    Simd<T>::Store(sums + j, Simd<T>::Load(sums + j) +
                                 ((sum[0] + sum[1]) + (sum[2] + sum[3])));
  }
}

// The columns [begin, end), which begin at a panel. False: out of scratch memory.
template <class S>
bool ReduceColumns(const Reduction<S>& r, int64_t begin, int64_t end) {
  using T = Wide<S>;
  constexpr bool kWidens = sizeof(S) != sizeof(T);
  constexpr int64_t kWidth = kPanel<T>;
  if (begin >= end) return true;
  const int64_t depth = EvenBlock(r.rows, kDepth);
  const int64_t width = RoundUp(end - begin, kWidth);
  Scratch scratch;
  T* const panel = scratch.Take<T>(kWidth * depth);
  T* const column_sums = scratch.Take<T>(width);
  if (panel == nullptr || column_sums == nullptr) return false;
  for (int64_t j = 0; j < width; j++) column_sums[j] = 0;
  // Of halves: blocks of A, and C before it is rounded.
  T* blocks[2] = {};
  T* products[2] = {};
  for (int side = 0; kWidens && side < r.num_sides; side++) {
    blocks[side] = scratch.Take<T>(r.sides[side].columns * depth);
    products[side] = scratch.Take<T>(r.sides[side].columns * width);
    if (blocks[side] == nullptr || products[side] == nullptr) return false;
  }
  Tile<T> tile{};
  tile.segments = kWhole;
  tile.num_segments = 1;
  tile.b = panel;
  tile.b_step = kWidth;
  int64_t p = 0;
  do {  // once for sums of nothing
    tile.steps = Min(depth, r.rows - p);
    tile.accumulate = p > 0;
    for (int side = 0; kWidens && side < r.num_sides; side++) {
      const LeftSide<S>& left = r.sides[side];
      for (int64_t i = 0; i < tile.steps; i++) {
        Widen(left.a + (p + i) * left.row, blocks[side] + i * left.columns,
              left.columns);
      }
    }
    for (int64_t j = begin; j < end; j += kWidth) {
      tile.columns = static_cast<int>(Min(kWidth, end - j));
      PackPanel(r.b + p * r.b_row + j, r.b_row, int64_t{1}, tile.steps,
                tile.columns, panel);
      if (r.sums != nullptr) {
        AddPanel(panel, tile.steps, column_sums + j - begin);
      }
      for (int side = 0; side < r.num_sides; side++) {
        const LeftSide<S>& left = r.sides[side];
        tile.a_row = 1;
        if constexpr (kWidens) {
          tile.a = blocks[side];
          tile.a_step = left.columns;
          tile.c = products[side] + j - begin;
          tile.c_row = width;
        } else {
          tile.a = left.a + p * left.row;
          tile.a_step = left.row;
          tile.c = left.c + j;
          tile.c_row = r.c_row;
        }
        RunRows(tile, left.columns);
      }
    }
    p += tile.steps;
  } while (p < r.rows);
  for (int side = 0; kWidens && side < r.num_sides; side++) {
    for (int64_t i = 0; i < r.sides[side].columns; i++) {
      Narrow(products[side] + i * width,
             r.sides[side].c + i * r.c_row + begin, end - begin);
    }
  }
  if (r.sums != nullptr) Narrow(column_sums, r.sums + begin, end - begin);
  return true;
}

// On as many threads as it is worth. False: out of scratch memory.
template <class S>
bool Reduce(const Reduction<S>& r) {
  using T = Wide<S>;
  int64_t left = 0;
  for (int side = 0; side < r.num_sides; side++) left += r.sides[side].columns;
  const double ns_per_panel =
      GemmCost(sizeof(T) == sizeof(double) ? DType::kFloat64 : DType::kFloat32,
               left, kPanel<T>, r.rows);
  bool failed = false;
  ParallelFor(
      r.columns, ns_per_panel / kPanel<T>,
      kPanel<T>, [&](int64_t begin, int64_t end) {
        if (!ReduceColumns(r, begin, end)) {
          __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
        }
      });
  return !failed;
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
