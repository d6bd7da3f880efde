// The loops of a matrix product around the micro-kernel. Each thread computes
// a rectangle of C and packs for itself; sums are cut by the shape alone, so
// that the bits do not depend on the rectangles. Retargeted: include after
// pack.h and gemm.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// Steps of K at a time (a panel of B stays in L1), rows of A (with which they
// stay in L2), columns of B packed at a time (L3).
constexpr int64_t kDepth = 256;
constexpr int64_t kBlockRows = 144;
constexpr int64_t kBlockColumns = 4096;
// B is packed from so many elements on, when so many rows of A use it.
constexpr int64_t kPackElements = 400000;
constexpr int64_t kPackRows = 64;
// From so many columns on, A is made contiguous.
constexpr int64_t kManyColumns = 1024;

struct Blocking {
  bool pack_a, pack_b;
  int64_t depth;
};

template <class S, class T>
Blocking BlockingOf(const Gemm& g) {
  const bool widens = sizeof(S) != sizeof(T);
  Blocking b;
  b.pack_b = widens || g.b_column != 1 ||
             (g.n * g.k > kPackElements && g.m > kPackRows);
  b.pack_a = widens || (g.n > kManyColumns && g.m > kTileRows<T>);
  b.depth = EvenBlock(g.k, kDepth);
  return b;
}

struct Rectangle {
  int64_t row, rows, column, columns;
};

// The part of `worker`: the grid of workers that costs each the least, in
// multiply-adds: an element packed counts as 8, one read as 4.
template <class T>
Rectangle RectangleOf(const Gemm& g, const Blocking& blocking, int worker,
                      int workers) {
  const int64_t tiles = CeilDiv(g.m, kTileRows<T>);
  const int64_t panels = CeilDiv(g.n, kPanel<T>);
  const double rows_cost = blocking.pack_a ? 12 : 4;
  const double columns_cost = blocking.pack_b ? 12 : 4;
  int64_t best_down = 1, best_across = 1;
  double best = 0;
  for (int64_t down = 1; down <= Min(tiles, workers); down++) {
    const int64_t across = Min(panels, workers / down);
    const double rows = static_cast<double>(CeilDiv(tiles, down) * kTileRows<T>);
    const double columns =
        static_cast<double>(CeilDiv(panels, across) * kPanel<T>);
    const double cost =
        rows * columns + rows_cost * rows + columns_cost * columns;
    if (best == 0 || cost < best) {
      best = cost;
      best_down = down;
      best_across = across;
    }
  }
  if (worker >= best_down * best_across) return {0, 0, 0, 0};
  const int64_t i = worker / best_across;
  const int64_t j = worker % best_across;
  Rectangle r;
  r.row = tiles * i / best_down * kTileRows<T>;
  r.rows = Min(g.m, tiles * (i + 1) / best_down * kTileRows<T>) - r.row;
  r.column = panels * j / best_across * kPanel<T>;
  r.columns =
      Min(g.n, panels * (j + 1) / best_across * kPanel<T>) - r.column;
  return r;
}

// False: out of scratch memory.
template <class S, class T>
bool RunBlocks(const Gemm& g, const Blocking& blocking, const Rectangle& r) {
  constexpr bool kWidens = sizeof(S) != sizeof(T);
  constexpr int64_t kWidth = kPanel<T>;
  if (r.rows <= 0 || r.columns <= 0) return true;
  const int64_t depth = blocking.depth;
  const int64_t block_columns = EvenBlock(
      RoundUp(r.columns, kWidth), kWidens ? kBlockColumns / 8 : kBlockColumns);
  const int64_t width = RoundUp(block_columns, kWidth);
  const int64_t height = RoundUp(EvenBlock(r.rows, kBlockRows), kTileRows<T>);
  Scratch scratch;
  T* panels = nullptr;
  T* block = nullptr;
  T* sums = nullptr;  // of C, where it is stored narrower
  if (blocking.pack_b) panels = scratch.Take<T>(width * depth);
  if (blocking.pack_a) block = scratch.Take<T>(height * depth);
  if (kWidens) sums = scratch.Take<T>(height * width);
  if ((blocking.pack_b && panels == nullptr) ||
      (blocking.pack_a && block == nullptr) || (kWidens && sums == nullptr)) {
    return false;
  }
  const S* const a = static_cast<const S*>(g.a);
  const S* const b = static_cast<const S*>(g.b);
  S* const c = static_cast<S*>(g.c);
  const T* const bias = static_cast<const T*>(g.bias);
  Tile<T> tile{};
  tile.segments = kWhole;
  tile.num_segments = 1;
  // Narrow results need all of K before the next rows begin.
  const int64_t span = kWidens ? height : r.rows;
  const int64_t column_end = r.column + r.columns;
  const int64_t row_end = r.row + r.rows;
  for (int64_t jc = r.column; jc < column_end; jc += width) {
    const int64_t columns = Min(width, column_end - jc);
    for (int64_t first = r.row; first < row_end; first += span) {
      const int64_t last = Min(first + span, row_end);
      for (int64_t p = 0; p < g.k; p += depth) {
        tile.steps = Min(depth, g.k - p);
        tile.accumulate = p > 0;
        const bool ends = p + depth >= g.k;
        tile.activation = ends ? g.activation : Activation::kNone;
        for (int64_t j = 0; blocking.pack_b && j < columns; j += kWidth) {
          PackPanel(b + p * g.b_step + (jc + j) * g.b_column, g.b_step,
                    g.b_column, tile.steps,
                    static_cast<int>(Min(kWidth, columns - j)),
                    panels + j * tile.steps);
        }
        for (int64_t i = first; i < last; i += height) {
          const int64_t rows = Min(height, last - i);
          const S* from = a + i * g.a_row + p * g.a_step;
          if (blocking.pack_a) {
            PackBlock(from, g.a_row, g.a_step, rows, tile.steps, block,
                      &tile.a_row, &tile.a_step);
            tile.a = block;
          } else if constexpr (!kWidens) {
            tile.a = from;
            tile.a_row = g.a_row;
            tile.a_step = g.a_step;
          }
          for (int64_t j = 0; j < columns; j += kWidth) {
            tile.columns = static_cast<int>(Min(kWidth, columns - j));
            tile.bias = ends && bias != nullptr ? bias + jc + j : nullptr;
            if (blocking.pack_b) {
              tile.b = panels + j * tile.steps;
              tile.b_step = kWidth;
            } else if constexpr (!kWidens) {
              tile.b = b + p * g.b_step + jc + j;
              tile.b_step = g.b_step;
            }
            if constexpr (kWidens) {
              tile.c = sums + j;
              tile.c_row = width;
            } else {
              tile.c = c + i * g.c_row + jc + j;
              tile.c_row = g.c_row;
            }
            RunRows(tile, rows);
          }
        }
      }
      for (int64_t i = first; kWidens && i < last; i++) {
        Narrow(sums + (i - first) * width, c + i * g.c_row + jc, columns);
      }
    }
  }
  return true;
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
