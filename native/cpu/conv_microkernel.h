// The one micro-kernel: C (M x N) = A (M x K) times B (K x N) with the tile of
// C in registers. The reduction runs over segments of k steps each, so that a
// segment can be a row of an image: the same kernel serves matrix products,
// direct convolution and both its gradients.
//
// Retargeted: include after simd/lanes.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

enum class Activation { kNone, kRelu };

template <class T>
struct Tile {
  int64_t segments, k;
  const T* a;  // element (i, p) of segment s: a[i row + p step + s segment]
  int64_t a_row, a_step, a_segment;
  const T* b;  // element (p, j) of segment s: b[p row + j + s segment]
  int64_t b_row, b_segment;
  T* c;
  int64_t c_row;
  int columns;      // of C, at most the panel's width
  bool accumulate;  // adds to C instead of overwriting it
  const T* bias;    // of the columns, or null
  Activation activation;
};

// Rows of a tile and vectors of a panel: as many accumulators as registers
// allow beside a broadcast and a row of B.
#if defined(KERATIN_TARGET_AVX512)
constexpr int kTileRows = 12;
#elif defined(KERATIN_TARGET_AVX2)
constexpr int kTileRows = 6;
#else
constexpr int kTileRows = 4;
#endif
constexpr int kPanelVectors = 2;
template <class T>
constexpr int kPanel = kPanelVectors * Simd<T>::kLanes;

// kFull: all columns of the panel exist.
template <class T, int kRows, int kVectors, bool kFull>
__attribute__((noinline)) void RunTile(const Tile<T>& tile) {
  using S = Simd<T>;
  using V = typename S::V;
  constexpr int kLanes = S::kLanes;
  V sum[kRows][kVectors];
  typename S::M mask[kVectors];
  for (int j = 0; j < kVectors; j++) mask[j] = S::First(tile.columns - j * kLanes);
#pragma GCC unroll 16
  for (int i = 0; i < kRows; i++) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; j++) sum[i][j] = S::Broadcast(0);
    __builtin_prefetch(tile.c + i * tile.c_row, 1);
  }
  const int64_t a_row = tile.a_row;
  const int64_t a_step = tile.a_step;
  const int64_t b_row = tile.b_row;
  const T* a = tile.a;
  const T* b = tile.b;
  for (int64_t s = 0; s < tile.segments;
       s++, a += tile.a_segment, b += tile.b_segment) {
    // One pointer for three rows of A.
    constexpr int kPointers = (kRows + 2) / 3;
    const T* rows[kPointers];
    const T* row_b = b;
#pragma GCC unroll 8
    for (int i = 0; i < kPointers; i++) rows[i] = a + 3 * i * a_row;
#pragma GCC unroll 2
    for (int64_t p = 0; p < tile.k; p++) {
      V vb[kVectors];
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; j++) {
        vb[j] = kFull ? S::Load(row_b + j * kLanes)
                      : S::Load(row_b + j * kLanes, mask[j]);
      }
#pragma GCC unroll 16
      for (int i = 0; i < kRows; i++) {
        const V va = S::Broadcast(rows[i / 3][(i % 3) * a_row]);
#pragma GCC unroll 4
        for (int j = 0; j < kVectors; j++) {
          sum[i][j] = S::Fma(va, vb[j], sum[i][j]);
        }
      }
      row_b += b_row;
#pragma GCC unroll 8
      for (int i = 0; i < kPointers; i++) rows[i] += a_step;
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; i++) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; j++) {
      T* c = tile.c + i * tile.c_row + j * kLanes;
      V x = sum[i][j];
      if (tile.accumulate) {
        x = S::Plus(x, kFull ? S::Load(c) : S::Load(c, mask[j]));
      }
      if (tile.bias != nullptr) {
        const T* bias = tile.bias + j * kLanes;
        x = S::Plus(x, kFull ? S::Load(bias) : S::Load(bias, mask[j]));
      }
      if (tile.activation == Activation::kRelu) {
        x = S::Max(x, S::Broadcast(0));
      }
      if (kFull) {
        S::Store(c, x);
      } else {
        S::Store(c, mask[j], x);
      }
    }
  }
}

template <class T>
using TileFunction = void (*)(const Tile<T>&);

template <class T, int kVectors, bool kFull, int kRows>
struct TileTable {
  static constexpr void Fill(TileFunction<T>* table) {
    if constexpr (kRows > 0) {
      table[kRows - 1] = RunTile<T, kRows, kVectors, kFull>;
      TileTable<T, kVectors, kFull, kRows - 1>::Fill(table);
    }
  }
};

template <class T>
struct TileFunctions {
  TileFunction<T> by[kPanelVectors][2][kTileRows];
};

template <class T>
constexpr TileFunctions<T> MakeTileFunctions() {
  TileFunctions<T> f{};
  TileTable<T, 1, false, kTileRows>::Fill(f.by[0][0]);
  TileTable<T, 1, true, kTileRows>::Fill(f.by[0][1]);
  TileTable<T, 2, false, kTileRows>::Fill(f.by[1][0]);
  TileTable<T, 2, true, kTileRows>::Fill(f.by[1][1]);
  return f;
}

template <class T>
constexpr TileFunctions<T> kTiles = MakeTileFunctions<T>();

// The function for a tile of so many rows and columns.
template <class T>
KERATIN_INLINE TileFunction<T> TileFor(int rows, int columns) {
  const int lanes = Simd<T>::kLanes;
  const int vectors = columns > lanes ? 2 : 1;
  return kTiles<T>.by[vectors - 1][columns == vectors * lanes][rows - 1];
}

// Runs the rows [0, count) of a tile description in equal tiles: 26 rows as
// 6, 5, 5, 5, 5, since a short tile cannot hide the latency of the sums.
template <class T>
KERATIN_INLINE void RunRows(Tile<T> tile, int64_t count) {
  const int64_t tiles = (count + kTileRows - 1) / kTileRows;
  const T* a = tile.a;
  T* c = tile.c;
  for (int64_t i = 0; i < tiles; i++) {
    const int64_t begin = count * i / tiles;
    const int rows = static_cast<int>(count * (i + 1) / tiles - begin);
    tile.a = a + begin * tile.a_row;
    tile.c = c + begin * tile.c_row;
    TileFor<T>(rows, tile.columns)(tile);
  }
}

// Packs a K x N matrix into panels [N / kPanel][K][kPanel], zero-padded.
// Element (p, j) lies at b[p row + j column].
template <class T>
void PackPanel(const T* b, int64_t row, int64_t column, int64_t k, int columns,
               T* to) {
  constexpr int kWidth = kPanel<T>;
  if (column == 1 && columns == kWidth) {
    for (int64_t p = 0; p < k; p++, to += kWidth, b += row) {
      __builtin_memcpy(to, b, kWidth * sizeof(T));
    }
    return;
  }
  if (column == 1) {
    for (int64_t p = 0; p < k; p++, to += kWidth, b += row) {
      for (int j = 0; j < columns; j++) to[j] = b[j];
      for (int j = columns; j < kWidth; j++) to[j] = 0;
    }
    return;
  }
  // Columns lie apart: in blocks of k, so that lines are used whole.
  constexpr int64_t kStep = 16;
  for (int64_t p = 0; p < k; p += kStep) {
    const int64_t n = k - p < kStep ? k - p : kStep;
    for (int j = 0; j < columns; j++) {
      const T* from = b + p * row + j * column;
      T* target = to + p * kWidth + j;
      for (int64_t q = 0; q < n; q++) target[q * kWidth] = from[q * row];
    }
    for (int j = columns; j < kWidth; j++) {
      for (int64_t q = 0; q < n; q++) to[(p + q) * kWidth + j] = 0;
    }
  }
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
