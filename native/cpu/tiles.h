// The code of the micro-kernel (microkernel.h) and its table of functions, for
// every number of rows from 1. Retargeted: include after microkernel.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// kFull: the last vector's columns all exist.
template <class T, int kRows, int kVectors, bool kFull>
__attribute__((noinline)) void RunTile(const Tile<T>& tile) {
  using S = Simd<T>;
  using V = typename S::V;
  constexpr int kLanes = S::kLanes;
  constexpr int kLast = kVectors - 1;
  const typename S::M mask = S::First(tile.columns - kLast * kLanes);
  const auto load = [&](const T* row, int j) {
    return kFull || j < kLast ? S::Load(row + j * kLanes)
                              : S::Load(row + j * kLanes, mask);
  };
  V sum[kRows][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; i++) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; j++) sum[i][j] = S::Broadcast(0);
    // The first and the last line of the row.
    __builtin_prefetch(tile.c + i * tile.c_row, 1);
    if (kVectors > 1) {
      __builtin_prefetch(tile.c + i * tile.c_row + kVectors * kLanes - 1, 1);
    }
  }
  const int64_t a_row = tile.a_row;
  const int64_t a_step = tile.a_step;
  const int64_t b_step = tile.b_step;
  const Segment* const end = tile.segments + tile.num_segments;
  for (const Segment* s = tile.segments; s < end; s++) {
    // One pointer for three rows of A.
    constexpr int kPointers = (kRows + 2) / 3;
    const T* rows[kPointers];
#pragma GCC unroll 8
    for (int i = 0; i < kPointers; i++) rows[i] = tile.a + s->a + 3 * i * a_row;
    const T* b = tile.b + s->b;
#pragma GCC unroll 2
    for (int64_t p = tile.steps; p > 0; p--) {
      V row_b[kVectors];
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; j++) row_b[j] = load(b, j);
      b += b_step;
#pragma GCC unroll 16
      for (int i = 0; i < kRows; i++) {
        const V x = S::Broadcast(rows[i / 3][(i % 3) * a_row]);
#pragma GCC unroll 4
        for (int j = 0; j < kVectors; j++) {
          sum[i][j] = S::Fma(x, row_b[j], sum[i][j]);
        }
      }
#pragma GCC unroll 8
      for (int i = 0; i < kPointers; i++) rows[i] += a_step;
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; i++) {
    T* c = tile.c + i * tile.c_row;
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; j++) {
      V x = sum[i][j];
      if (tile.accumulate) x = S::Plus(load(c, j), x);
      if (tile.bias != nullptr) x = S::Plus(x, load(tile.bias, j));
      if (tile.activation == Activation::kRelu) {
        x = S::Max(x, S::Broadcast(0));
      }
      if (kFull || j < kLast) {
        S::Store(c + j * kLanes, x);
      } else {
        S::Store(c + j * kLanes, mask, x);
      }
    }
  }
}

template <class T, int kVectors, bool kFull, int kRows = kTileRows<T>>
constexpr void FillTiles(TileFunctions<T>* functions) {
  if constexpr (kRows > 0) {
    functions->by[kVectors - 1][kFull][kRows - 1] =
        RunTile<T, kRows, kVectors, kFull>;
    FillTiles<T, kVectors, kFull, kRows - 1>(functions);
  }
}

template <class T>
constexpr TileFunctions<T> MakeTiles() {
  TileFunctions<T> functions{};
  FillTiles<T, 1, false>(&functions);
  FillTiles<T, 2, false>(&functions);
  if constexpr (kHasFullTiles<T>) {
    FillTiles<T, 1, true>(&functions);
    FillTiles<T, 2, true>(&functions);
  }
  return functions;
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
