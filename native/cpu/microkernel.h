// The one micro-kernel: a tile of C = A B held in registers. The reduction
// runs over segments of equal length, each with its own place in A and B, so
// that a segment can be the part of an image row under a window: the same
// kernel serves matrix products, direct convolution and both its gradients.
//
// Only declarations, so that conv.cc shares the code that matmul.cc compiles
// (tiles.h). Retargeted: include after simd/lanes.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {

// Applied where a tile is stored, after the bias.
enum class Activation { kNone, kRelu };

// Where a segment begins, in elements from Tile::a and Tile::b.
struct Segment {
  int64_t a, b;
};

template <class T>
struct Tile {
  const Segment* segments;
  int64_t num_segments;
  int64_t steps;  // of every segment
  const T* a;     // element (i, p) of segment s: a[s.a + i row + p step]
  int64_t a_row, a_step;
  const T* b;  // element (p, j) of segment s: b[s.b + p step + j]
  int64_t b_step;
  T* c;
  int64_t c_row;
  int columns;      // of C: at most a panel
  bool accumulate;  // adds to C instead of overwriting it
  Activation activation;
  const T* bias;  // of the columns, or null
};

// Rows of a tile and vectors of a panel: as many sums as the registers hold
// beside a row of B and a broadcast of A; for float64, which nothing trains
// in, fewer functions to compile.
#if defined(KERATIN_TARGET_AVX512)
template <class T>
constexpr int kTileRows = sizeof(T) == 4 ? 12 : 6;
// A masked load costs nothing: no functions of their own for full panels.
template <class T>
constexpr bool kHasFullTiles = false;
#elif defined(KERATIN_TARGET_AVX2)
template <class T>
constexpr int kTileRows = 6;
template <class T>
constexpr bool kHasFullTiles = sizeof(T) == 4;
#else
// NEON has 32 registers, whatever else there is 16.
#if defined(KERATIN_TARGET_NEON)
template <class T>
constexpr int kTileRows = sizeof(T) == 4 ? 12 : 6;
#else
template <class T>
constexpr int kTileRows = 4;
#endif
template <class T>
constexpr bool kHasFullTiles = true;
#endif
constexpr int kPanelVectors = 2;

template <class T>
using TileFunction = void (*)(const Tile<T>&);

// By vectors - 1, whether the last vector is full, rows - 1.
template <class T>
struct TileFunctions {
  TileFunction<T> by[kPanelVectors][1 + kHasFullTiles<T>][kTileRows<T>];
};
extern const TileFunctions<float> kFloatTiles;
extern const TileFunctions<double> kDoubleTiles;

namespace {

// Columns of a panel.
template <class T>
constexpr int kPanel = kPanelVectors * Simd<T>::kLanes;

constexpr Segment kWhole[1] = {{0, 0}};

template <class T>
KERATIN_INLINE TileFunction<T> TileFor(int rows, int columns) {
  constexpr int kLanes = Simd<T>::kLanes;
  const int vectors = columns > kLanes ? 2 : 1;
  const bool full = kHasFullTiles<T> && columns == vectors * kLanes;
  if constexpr (sizeof(T) == sizeof(float)) {
    return kFloatTiles.by[vectors - 1][full][rows - 1];
  } else {
    return kDoubleTiles.by[vectors - 1][full][rows - 1];
  }
}

// `tile` moved down over `count` rows, in tiles of equal height: 26 rows as
// 6, 5, 5, 5, 5, since few rows cannot hide the latency of the sums.
template <class T>
KERATIN_INLINE void RunRows(Tile<T> tile, int64_t count) {
  const int64_t tiles = (count + kTileRows<T> - 1) / kTileRows<T>;
  const int64_t shorter = tiles > 0 ? count / tiles : 0;
  int64_t longer = count - tiles * shorter;  // tiles with one row more
  TileFunction<T> run = longer > 0
                            ? TileFor<T>(static_cast<int>(shorter) + 1, tile.columns)
                            : nullptr;
  const auto next = [&](int64_t rows) {
    run(tile);
    tile.a += rows * tile.a_row;
    tile.c += rows * tile.c_row;
  };
  for (int64_t i = 0; i < longer; i++) next(shorter + 1);
  if (shorter == 0) return;
  run = TileFor<T>(static_cast<int>(shorter), tile.columns);
  for (int64_t i = longer; i < tiles; i++) next(shorter);
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
