// Convolution, its input gradient and its kernel gradient, directly on the
// micro-kernel: no image is unrolled.
//
// Forward: a tile's rows are neighbouring output pixels, its reduction one
// segment per row of the window, each S * C contiguous floats of the (width-
// padded) input. Input gradient of stride 1: the same with the kernel flipped
// and transposed while it is packed. Kernel gradient: rows are (s, c) of the
// input, the reduction runs over the output pixels, one segment per image row;
// each thread owns tiles of the result and goes through all images in order.
// What these do not cover (dilation, groups, three axes, strided input
// gradients) goes tap by tap over the same micro-kernel.
#include <cstdint>

#include "../kernel.h"
#include "parallel.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"
#include "simd/lanes.h"
#include "half.h"
#include "elementwise.h"
#include "conv_microkernel.h"
#include "conv_gemm.h"
#include "conv_geometry.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// Scratch that the rows of a block of outputs may take.
constexpr int64_t kRowBlockBytes = 160 << 10;

template <class T>
double ConvCost(const Geometry& g) {
  return GemmCost<T>(g.batch * g.out[0] * g.out[1] * g.out[2], g.group_out,
                     g.taps() * g.group_in) *
         static_cast<double>(g.groups);
}

// Splits `units` over threads: body(begin, end) returns false when scratch
// memory has run out.
template <class Body>
bool Distribute(int64_t units, double cost, const Body& body) {
  int failed = 0;
  ParallelFor(units, cost / static_cast<double>(units), 1,
              [&](int64_t begin, int64_t end) {
    if (!body(begin, end)) __atomic_store_n(&failed, 1, __ATOMIC_RELAXED);
  });
  return failed == 0;
}

template <class T>
KERATIN_INLINE void Zero(T* x, int64_t n) {
  __builtin_memset(x, 0, static_cast<size_t>(n) * sizeof(T));
}

template <class T>
KERATIN_INLINE void Copy(T* to, const T* from, int64_t n) {
  __builtin_memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
}

// ---- two spatial axes, one group, no dilation: the direct form ----

// Kernel [R, S, C, F] into panels [F / width][R S C][width].
template <class T>
void PackKernel(const T* w, int64_t depth, int64_t filters, T* to) {
  constexpr int64_t kWidth = kPanel<T>;
  for (int64_t j = 0; j < filters; j += kWidth) {
    const int64_t n = filters - j < kWidth ? filters - j : kWidth;
    PackPanel(w + j, filters, 1, depth, static_cast<int>(n), to + j * depth);
  }
}

// The same for the input gradient: taps reversed, C and F exchanged.
template <class T>
void PackFlipped(const T* w, int64_t rows, int64_t columns, int64_t channels,
                 int64_t filters, T* to) {
  constexpr int64_t kWidth = kPanel<T>;
  const int64_t depth = rows * columns * filters;
  for (int64_t j = 0; j < channels; j += kWidth) {
    const int64_t n = channels - j < kWidth ? channels - j : kWidth;
    T* panel = to + j * depth;
    for (int64_t r = 0; r < rows; r++) {
      for (int64_t s = 0; s < columns; s++) {
        const T* tap =
            w + ((rows - 1 - r) * columns + (columns - 1 - s)) * channels * filters;
        PackPanel(tap + j * filters, 1, filters, filters, static_cast<int>(n),
                  panel);
        panel += filters * kWidth;
      }
    }
  }
}

// One image of `direct`: rows of x copied between zero columns where the
// width is padded.
template <class T>
struct RowSource {
  const T* image;      // [H, W, C]
  int64_t height, width, channels;
  int64_t left, padded_width;  // columns before, and in all
  bool padded;
};

template <class T>
void FillRows(const RowSource<T>& s, int64_t first, int64_t count, T* to) {
  const int64_t row = s.padded_width * s.channels;
  const int64_t right = s.padded_width - s.left - s.width;
  // Columns that no window reaches are left out on the right.
  const int64_t kept = right < 0 ? s.width + right : s.width;
  for (int64_t i = 0; i < count; i++, to += row) {
    const int64_t y = first + i;
    if (y < 0 || y >= s.height) continue;  // skipped by the caller
    Zero(to, s.left * s.channels);
    Copy(to + s.left * s.channels, s.image + y * s.width * s.channels,
         kept * s.channels);
    if (right > 0) Zero(to + (s.left + s.width) * s.channels, right * s.channels);
  }
}

// y [N, OH, OW, F] from x [N, H, W, C] and packed weights.
template <class T>
bool Direct(const Geometry& g, const T* x, const T* packed, T* y) {
  constexpr int64_t kWidth = kPanel<T>;
  const int64_t rows = g.window[1];
  const int64_t columns = g.window[2];
  const int64_t channels = g.in_channels;
  const int64_t filters = g.out_channels;
  const int64_t depth = rows * columns * channels;
  const int64_t out_height = g.out[1];
  const int64_t out_width = g.out[2];
  const int64_t padded_width = (out_width - 1) * g.stride[2] + columns;
  const bool padded = g.low[2] != 0 || padded_width > g.in[2];
  const int64_t row_elements = padded_width * channels;
  int64_t block = kRowBlockBytes /
                  static_cast<int64_t>(sizeof(T)) / (row_elements * g.stride[1]);
  if (!padded) block = 8;
  if (block < 1) block = 1;
  int64_t blocks = (out_height + block - 1) / block;
  block = (out_height + blocks - 1) / blocks;
  blocks = (out_height + block - 1) / block;
  return Distribute(g.batch * blocks, ConvCost<T>(g),
                    [&](int64_t begin, int64_t end) {
    Scratch scratch;
    T* buffer = nullptr;
    if (padded) {
      buffer = scratch.Take<T>(((block - 1) * g.stride[1] + rows) * row_elements);
      if (buffer == nullptr) return false;
    }
    for (int64_t u = begin; u < end; u++) {
      const int64_t n = u / blocks;
      const int64_t o0 = u % blocks * block;
      const int64_t o1 = o0 + block < out_height ? o0 + block : out_height;
      const T* image = x + n * g.in_size();
      const int64_t first = o0 * g.stride[1] - g.low[1];
      const T* base = image + first * g.in[2] * channels;
      int64_t line = g.in[2] * channels;
      if (padded) {
        const RowSource<T> source{image,    g.in[1],  g.in[2],     channels,
                                  g.low[2], padded_width, padded};
        FillRows(source, first, (o1 - o0 - 1) * g.stride[1] + rows, buffer);
        base = buffer;
        line = row_elements;
      }
      Tile<T> tile{};
      tile.k = columns * channels;
      tile.a_row = g.stride[2] * channels;
      tile.a_step = 1;
      tile.a_segment = line;
      tile.b_row = kWidth;
      tile.b_segment = columns * channels * kWidth;
      tile.c_row = filters;
      for (int64_t j = 0; j < filters; j += kWidth) {
        tile.columns =
            static_cast<int>(filters - j < kWidth ? filters - j : kWidth);
        for (int64_t o = o0; o < o1; o++) {
          int64_t r0, r1;
          ValidTaps(o, g.stride[1], 1, g.low[1], rows, g.in[1], &r0, &r1);
          tile.segments = r1 - r0;
          tile.a = base + ((o - o0) * g.stride[1] + r0) * line;
          tile.b = packed + j * depth + r0 * columns * channels * kWidth;
          tile.c = y + ((n * out_height + o) * out_width) * filters + j;
          RunRows(tile, out_width);
        }
      }
    }
    return true;
  });
}

// ---- tap by tap: everything else ----

// Kernel tap [C / groups, F]: the columns of one group packed into panels
// [groups][taps][group panels][group_in][width].
template <class T>
int64_t TapPanelElements(const Geometry& g) {
  return RoundUp(g.group_out, kPanel<T>) * g.group_in;
}

template <class T>
void PackTaps(const Geometry& g, const T* w, T* to) {
  constexpr int64_t kWidth = kPanel<T>;
  const int64_t size = TapPanelElements<T>(g);
  for (int64_t q = 0; q < g.groups; q++) {
    for (int64_t t = 0; t < g.taps(); t++) {
      T* tap = to + (q * g.taps() + t) * size;
      for (int64_t j = 0; j < g.group_out; j += kWidth) {
        const int64_t n = g.group_out - j < kWidth ? g.group_out - j : kWidth;
        PackPanel(w + t * g.group_in * g.out_channels + q * g.group_out + j,
                  g.out_channels, 1, g.group_in, static_cast<int>(n),
                  tap + j * g.group_in);
      }
    }
  }
}

// body(tap, first output column, count, offset of the input pixel under it)
// for the taps that reach an output row. Offsets are in pixels of the image.
template <class Body>
KERATIN_INLINE void ForEachTap(const Geometry& g, int64_t depth, int64_t row,
                               const Body& body) {
  int64_t d0, d1, r0, r1;
  ValidTaps(depth, g.stride[0], g.dilation[0], g.low[0], g.window[0], g.in[0],
            &d0, &d1);
  ValidTaps(row, g.stride[1], g.dilation[1], g.low[1], g.window[1], g.in[1],
            &r0, &r1);
  for (int64_t d = d0; d < d1; d++) {
    const int64_t z = depth * g.stride[0] + d * g.dilation[0] - g.low[0];
    for (int64_t r = r0; r < r1; r++) {
      const int64_t y = row * g.stride[1] + r * g.dilation[1] - g.low[1];
      for (int64_t s = 0; s < g.window[2]; s++) {
        int64_t begin, end;
        ValidOutputs(s, g.stride[2], g.dilation[2], g.low[2], g.out[2], g.in[2],
                     &begin, &end);
        if (begin >= end) continue;
        const int64_t x = begin * g.stride[2] + s * g.dilation[2] - g.low[2];
        body((d * g.window[1] + r) * g.window[2] + s, begin, end - begin,
             (z * g.in[1] + y) * g.in[2] + x);
      }
    }
  }
}

template <class T>
bool ForwardByTaps(const Geometry& g, const T* x, const T* w, T* y) {
  constexpr int64_t kWidth = kPanel<T>;
  const int64_t size = TapPanelElements<T>(g);
  Scratch shared;
  T* packed = shared.Take<T>(g.groups * g.taps() * size);
  if (packed == nullptr) return false;
  PackTaps(g, w, packed);
  return Distribute(g.batch * g.out[0] * g.out[1], ConvCost<T>(g),
                    [&](int64_t begin, int64_t end) {
    for (int64_t u = begin; u < end; u++) {
      const int64_t row = u % g.out[1];
      const int64_t depth = u / g.out[1] % g.out[0];
      const T* image = x + u / (g.out[0] * g.out[1]) * g.in_size();
      T* out = y + u * g.out[2] * g.out_channels;
      Zero(out, g.out[2] * g.out_channels);
      Tile<T> tile{};
      tile.segments = 1;
      tile.k = g.group_in;
      tile.a_row = g.stride[2] * g.in_channels;
      tile.a_step = 1;
      tile.b_row = kWidth;
      tile.c_row = g.out_channels;
      tile.accumulate = true;
      ForEachTap(g, depth, row,
                 [&](int64_t tap, int64_t column, int64_t count, int64_t pixel) {
        for (int64_t q = 0; q < g.groups; q++) {
          tile.a = image + pixel * g.in_channels + q * g.group_in;
          for (int64_t j = 0; j < g.group_out; j += kWidth) {
            tile.columns = static_cast<int>(
                g.group_out - j < kWidth ? g.group_out - j : kWidth);
            tile.b = packed + (q * g.taps() + tap) * size + j * g.group_in;
            tile.c = out + column * g.out_channels + q * g.group_out + j;
            RunRows(tile, count);
          }
        }
      });
    }
    return true;
  });
}

// One filter for each channel: plain vectors over the channels.
template <class T>
bool Depthwise(const Geometry& g, const T* x, const T* w, T* y) {
  const int64_t channels = g.in_channels;
  const double cost = static_cast<double>(g.batch * g.out_size() * g.taps()) * 0.1;
  return Distribute(g.batch * g.out[0] * g.out[1], cost,
                    [&](int64_t begin, int64_t end) {
    for (int64_t u = begin; u < end; u++) {
      const T* image = x + u / (g.out[0] * g.out[1]) * g.in_size();
      T* out = y + u * g.out[2] * channels;
      Zero(out, g.out[2] * channels);
      ForEachTap(g, u / g.out[1] % g.out[0], u % g.out[1],
                 [&](int64_t tap, int64_t column, int64_t count, int64_t pixel) {
        const T* weights = w + tap * channels;
        for (int64_t i = 0; i < count; i++) {
          const T* from = image + (pixel + i * g.stride[2]) * channels;
          T* to = out + (column + i) * channels;
#pragma GCC ivdep
          for (int64_t c = 0; c < channels; c++) to[c] += from[c] * weights[c];
        }
      });
    }
    return true;
  });
}

// dx [N, spatial, C]: adds dy times the transposed tap at the pixels it came
// from. A thread owns images.
template <class T>
bool InputByTaps(const Geometry& g, const T* dy, const T* w, T* dx) {
  constexpr int64_t kWidth = kPanel<T>;
  const int64_t size = RoundUp(g.group_in, kWidth) * g.group_out;
  Scratch shared;
  T* packed = shared.Take<T>(g.groups * g.taps() * size);
  if (packed == nullptr) return false;
  for (int64_t q = 0; q < g.groups; q++) {
    for (int64_t t = 0; t < g.taps(); t++) {
      for (int64_t j = 0; j < g.group_in; j += kWidth) {
        const int64_t n = g.group_in - j < kWidth ? g.group_in - j : kWidth;
        PackPanel(w + (t * g.group_in + j) * g.out_channels + q * g.group_out, 1,
                  g.out_channels, g.group_out, static_cast<int>(n),
                  packed + (q * g.taps() + t) * size + j * g.group_out);
      }
    }
  }
  return Distribute(g.batch, ConvCost<T>(g), [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; n++) {
      T* image = dx + n * g.in_size();
      Zero(image, g.in_size());
      Tile<T> tile{};
      tile.segments = 1;
      tile.k = g.group_out;
      tile.a_row = g.out_channels;
      tile.a_step = 1;
      tile.b_row = kWidth;
      tile.c_row = g.stride[2] * g.in_channels;
      tile.accumulate = true;
      for (int64_t u = 0; u < g.out[0] * g.out[1]; u++) {
        const T* from = dy + n * g.out_size() + u * g.out[2] * g.out_channels;
        ForEachTap(g, u / g.out[1], u % g.out[1],
                   [&](int64_t tap, int64_t column, int64_t count, int64_t pixel) {
          for (int64_t q = 0; q < g.groups; q++) {
            tile.a = from + column * g.out_channels + q * g.group_out;
            for (int64_t j = 0; j < g.group_in; j += kWidth) {
              tile.columns = static_cast<int>(
                  g.group_in - j < kWidth ? g.group_in - j : kWidth);
              tile.b = packed + (q * g.taps() + tap) * size + j * g.group_out;
              tile.c = image + pixel * g.in_channels + q * g.group_in + j;
              RunRows(tile, count);
            }
          }
        });
      }
    }
    return true;
  });
}

// dW [taps, C / groups, F]: a thread owns (tap, group) pairs and goes through
// the images in order.
template <class T>
bool KernelByTaps(const Geometry& g, const T* x, const T* dy, T* dw) {
  constexpr int64_t kWidth = kPanel<T>;
  return Distribute(g.taps() * g.groups, ConvCost<T>(g),
                    [&](int64_t begin, int64_t end) {
    for (int64_t u = begin; u < end; u++) {
      const int64_t q = u % g.groups;
      const int64_t tap = u / g.groups;
      const int64_t s = tap % g.window[2];
      const int64_t r = tap / g.window[2] % g.window[1];
      const int64_t d = tap / (g.window[2] * g.window[1]);
      int64_t z0, z1, y0, y1, x0, x1;
      ValidOutputs(d, g.stride[0], g.dilation[0], g.low[0], g.out[0], g.in[0],
                   &z0, &z1);
      ValidOutputs(r, g.stride[1], g.dilation[1], g.low[1], g.out[1], g.in[1],
                   &y0, &y1);
      ValidOutputs(s, g.stride[2], g.dilation[2], g.low[2], g.out[2], g.in[2],
                   &x0, &x1);
      T* result = dw + tap * g.group_in * g.out_channels + q * g.group_out;
      for (int64_t c = 0; c < g.group_in; c++) {
        Zero(result + c * g.out_channels, g.group_out);
      }
      if (y0 >= y1 || x0 >= x1) continue;
      Tile<T> tile{};
      tile.segments = y1 - y0;
      tile.k = x1 - x0;
      tile.a_row = 1;
      tile.a_step = g.stride[2] * g.in_channels;
      tile.a_segment = g.stride[1] * g.in[2] * g.in_channels;
      tile.b_row = g.out_channels;
      tile.b_segment = g.out[2] * g.out_channels;
      tile.c_row = g.out_channels;
      tile.accumulate = true;
      const int64_t y = y0 * g.stride[1] + r * g.dilation[1] - g.low[1];
      const int64_t xx = x0 * g.stride[2] + s * g.dilation[2] - g.low[2];
      for (int64_t n = 0; n < g.batch; n++) {
        for (int64_t o = z0; o < z1; o++) {
          const int64_t z = o * g.stride[0] + d * g.dilation[0] - g.low[0];
          tile.a = x + n * g.in_size() +
                   ((z * g.in[1] + y) * g.in[2] + xx) * g.in_channels +
                   q * g.group_in;
          const T* rows = dy + n * g.out_size() +
                          ((o * g.out[1] + y0) * g.out[2] + x0) * g.out_channels +
                          q * g.group_out;
          for (int64_t j = 0; j < g.group_out; j += kWidth) {
            tile.columns = static_cast<int>(
                g.group_out - j < kWidth ? g.group_out - j : kWidth);
            tile.b = rows + j;
            tile.c = result + j;
            RunRows(tile, g.group_in);
          }
        }
      }
    }
    return true;
  });
}

// dW of the direct form: rows (s, c) of a tile are contiguous in the padded
// image. Threads split tiles (r, rows, panel).
template <class T>
bool DirectKernel(const Geometry& g, const T* x, const T* dy, T* dw) {
  constexpr int64_t kWidth = kPanel<T>;
  const int64_t rows = g.window[1];
  const int64_t columns = g.window[2];
  const int64_t channels = g.in_channels;
  const int64_t filters = g.out_channels;
  const int64_t depth = columns * channels;
  const int64_t padded_width = (g.out[2] - 1) * g.stride[2] + columns;
  const bool padded = g.low[2] != 0 || padded_width > g.in[2];
  const int64_t tiles = (depth + kTileRows - 1) / kTileRows;
  const int64_t panels = (filters + kWidth - 1) / kWidth;
  return Distribute(rows * tiles * panels, ConvCost<T>(g),
                    [&](int64_t begin, int64_t end) {
    Scratch scratch;
    T* buffer = nullptr;
    if (padded) {
      buffer = scratch.Take<T>(g.in[1] * padded_width * channels);
      if (buffer == nullptr) return false;
    }
    for (int64_t n = 0; n < g.batch; n++) {
      const T* image = x + n * g.in_size();
      int64_t line = g.in[2] * channels;
      if (padded) {
        const RowSource<T> source{image,    g.in[1],  g.in[2],     channels,
                                  g.low[2], padded_width, padded};
        FillRows(source, 0, g.in[1], buffer);
        image = buffer;
        line = padded_width * channels;
      }
      for (int64_t u = begin; u < end; u++) {
        const int64_t j = u / (rows * tiles) * kWidth;
        const int64_t r = u / tiles % rows;
        const int64_t first = depth * (u % tiles) / tiles;
        const int64_t last = depth * (u % tiles + 1) / tiles;
        int64_t y0, y1;
        ValidOutputs(r, g.stride[1], 1, g.low[1], g.out[1], g.in[1], &y0, &y1);
        Tile<T> tile{};
        tile.segments = y1 - y0;
        tile.k = g.out[2];
        tile.a = image + (y0 * g.stride[1] + r - g.low[1]) * line + first;
        tile.a_row = 1;
        tile.a_step = g.stride[2] * channels;
        tile.a_segment = g.stride[1] * line;
        tile.b = dy + n * g.out_size() + y0 * g.out[2] * filters + j;
        tile.b_row = filters;
        tile.b_segment = g.out[2] * filters;
        tile.c = dw + (r * depth + first) * filters + j;
        tile.c_row = filters;
        tile.columns =
            static_cast<int>(filters - j < kWidth ? filters - j : kWidth);
        tile.accumulate = n > 0;
        TileFor<T>(static_cast<int>(last - first), tile.columns)(tile);
      }
    }
    return true;
  });
}

// ---- choosing ----

bool IsDirect(const Geometry& g) {
  return g.groups == 1 && g.unit_dilation() && g.in[0] == 1 && g.window[0] == 1 &&
         g.low[0] == 0;
}

bool IsPointwise(const Geometry& g) {
  return g.groups == 1 && g.taps() == 1 && g.unit_stride() && !g.padded();
}

template <class T>
bool Forward(const Geometry& g, const T* x, const T* w, T* y) {
  if (IsPointwise(g)) {
    Gemm<T> gemm;
    gemm.m = g.batch * g.in[0] * g.in[1] * g.in[2];
    gemm.n = g.out_channels;
    gemm.k = g.in_channels;
    gemm.a = x;
    gemm.a_row = gemm.k;
    gemm.a_step = 1;
    gemm.b = w;
    gemm.b_row = gemm.n;
    gemm.b_column = 1;
    gemm.c = y;
    gemm.c_row = gemm.n;
    return RunGemm(gemm);
  }
  if (g.group_in == 1 && g.group_out == 1) return Depthwise(g, x, w, y);
  if (!IsDirect(g)) return ForwardByTaps(g, x, w, y);
  const int64_t depth = g.taps() * g.in_channels;
  Scratch scratch;
  T* packed = scratch.Take<T>(RoundUp(g.out_channels, kPanel<T>) * depth);
  if (packed == nullptr) return false;
  PackKernel(w, depth, g.out_channels, packed);
  return Direct(g, x, packed, y);
}

template <class T>
bool InputBackward(const Geometry& g, const T* dy, const T* w, T* dx) {
  if (IsPointwise(g)) {
    Gemm<T> gemm;
    gemm.m = g.batch * g.in[0] * g.in[1] * g.in[2];
    gemm.n = g.in_channels;
    gemm.k = g.out_channels;
    gemm.a = dy;
    gemm.a_row = gemm.k;
    gemm.a_step = 1;
    gemm.b = w;
    gemm.b_row = 1;
    gemm.b_column = g.out_channels;
    gemm.c = dx;
    gemm.c_row = gemm.n;
    return RunGemm(gemm);
  }
  if (!IsDirect(g) || !g.unit_stride()) return InputByTaps(g, dy, w, dx);
  // A convolution of dy with the flipped kernel, padded by the rest of it.
  Geometry back = g;
  for (int i = 0; i < 3; i++) {
    back.in[i] = g.out[i];
    back.out[i] = g.in[i];
    back.low[i] = g.window[i] - 1 - g.low[i];
  }
  back.in_channels = back.group_in = g.out_channels;
  back.out_channels = back.group_out = g.in_channels;
  if (back.low[2] < 0) return InputByTaps(g, dy, w, dx);
  const int64_t depth = g.taps() * g.out_channels;
  Scratch scratch;
  T* packed = scratch.Take<T>(RoundUp(g.in_channels, kPanel<T>) * depth);
  if (packed == nullptr) return false;
  PackFlipped(w, g.window[1], g.window[2], g.in_channels, g.out_channels, packed);
  return Direct(back, dy, packed, dx);
}

template <class T>
bool KernelBackward(const Geometry& g, const T* x, const T* dy, T* dw) {
  if (IsPointwise(g)) {
    Gemm<T> gemm;
    gemm.m = g.in_channels;
    gemm.n = g.out_channels;
    gemm.k = g.batch * g.in[0] * g.in[1] * g.in[2];
    gemm.a = x;
    gemm.a_row = 1;
    gemm.a_step = g.in_channels;
    gemm.b = dy;
    gemm.b_row = gemm.n;
    gemm.b_column = 1;
    gemm.c = dw;
    gemm.c_row = gemm.n;
    return RunGemm(gemm);
  }
  return IsDirect(g) ? DirectKernel(g, x, dy, dw) : KernelByTaps(g, x, dy, dw);
}

enum class Part { kForward, kInput, kKernel };

template <class T, Part kPart>
bool RunPart(const Geometry& g, const T* a, const T* b, T* out) {
  if constexpr (kPart == Part::kForward) return Forward(g, a, b, out);
  if constexpr (kPart == Part::kInput) return InputBackward(g, a, b, out);
  if constexpr (kPart == Part::kKernel) return KernelBackward(g, a, b, out);
}

// Halves are widened, computed in float32 and rounded once.
template <class H, Part kPart>
bool RunHalves(const Geometry& g, const KernelCall& call) {
  const TensorView& a = call.inputs[0];
  const TensorView& b = call.inputs[1];
  const TensorView& out = call.outputs[0];
  Scratch scratch;
  float* wide_a = scratch.Take<float>(a.size);
  float* wide_b = scratch.Take<float>(b.size);
  float* wide_out = scratch.Take<float>(out.size);
  if (wide_a == nullptr || wide_b == nullptr || wide_out == nullptr) {
    return false;
  }
  Widen(a.as<const H>(), wide_a, a.size);
  Widen(b.as<const H>(), wide_b, b.size);
  if (!RunPart<float, kPart>(g, wide_a, wide_b, wide_out)) return false;
  Narrow(wide_out, out.as<H>(), out.size);
  return true;
}

template <Part kPart>
Status Conv(const KernelCall& call) {
  const TensorView& a = call.inputs[0];
  const TensorView& b = call.inputs[1];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  Attributes attributes = call.attributes();
  const TensorView& x = kPart == Part::kInput ? out : a;
  const TensorView& kernel = kPart == Part::kKernel ? out : b;
  const TensorView& y = kPart == Part::kForward ? out : kPart == Part::kInput ? a : b;
  Geometry g;
  ReadGeometry(attributes, x.shape, kernel.shape, y.shape, x.ndim, &g);
  if (a.size == 0 || b.size == 0) {
    __builtin_memset(out.data, 0, static_cast<size_t>(out.bytes()));
    return 0;
  }
  bool ok;
  switch (a.dtype) {
    case DType::kFloat16:
      ok = RunHalves<Half, kPart>(g, call);
      break;
    case DType::kBFloat16:
      ok = RunHalves<BFloat16, kPart>(g, call);
      break;
    case DType::kFloat64:
      ok = RunPart<double, kPart>(g, a.as<const double>(), b.as<const double>(),
                                  out.as<double>());
      break;
    default:
      ok = RunPart<float, kPart>(g, a.as<const float>(), b.as<const float>(),
                                 out.as<float>());
      break;
  }
  return ok ? 0 : call.Fail("out of memory: no room for packed kernels or rows");
}

}  // namespace

void Register_conv(Registry& registry) {
  registry.Add("conv", Conv<Part::kForward>, kFloats);
  registry.Add("conv_input_backward", Conv<Part::kInput>, kFloats);
  registry.Add("conv_kernel_backward", Conv<Part::kKernel>, kFloats);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
