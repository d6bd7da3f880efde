// Depthwise convolution, one filter for each channel: vectors along the
// channels. Retargeted: include after wide.h and conv_geometry.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// Output pixels that use a weight each time it is loaded: enough sums to hide
// their latency.
constexpr int kPixelsAtOnce = 8;
constexpr int kFewPixels = 3;  // at the end of a row

// Nanoseconds of a multiply-add, with its loads.
template <class S>
constexpr double kDepthwiseNs = sizeof(S) == 2 ? 0.15 : 0.06;

// A kernel row over an image row: taps `step` apart in x and `tap_step` apart
// in w, pixels `stride` apart.
struct RowOfTaps {
  int64_t step, tap_step, stride;
};

// Adds the taps to the sums of kCount neighbouring pixels, in n channels.
// kTaps: how many they are, 0 where not known.
template <int kCount, int kTaps, class S>
KERATIN_INLINE void AddTaps(const RowOfTaps& row, const S* x, const S* w,
                            int64_t taps, int64_t n,
                            typename Simd<Wide<S>>::V* sums) {
  if (kTaps > 0) taps = kTaps;
#pragma GCC unroll 3
  for (int64_t k = 0; k < taps; k++, x += row.step, w += row.tap_step) {
    const auto weight = LoadWide(w, n);
    const S* pixel = x;
#pragma GCC unroll 8
    for (int i = 0; i < kCount; i++, pixel += row.stride) {
      sums[i] = Simd<Wide<S>>::Fma(LoadWide(pixel, n), weight, sums[i]);
    }
  }
}

// A number that a generic lambda takes as a constant.
template <int kValue>
struct Constant {
  static constexpr int value = kValue;
};

// The image and kernel rows under a row of outputs, at column 0 and first tap.
template <class S>
struct RowPair {
  const S* x;
  const S* w;
};

// kCount pixels from `column` on, all channels, with the given taps.
template <int kCount, int kTaps, class S>
void RunPixels(const Direct& d, const RowPair<S>* rows, int64_t count,
               int64_t column, Range taps, S* out) {
  using V = Simd<Wide<S>>;
  const DirectAxis& axis = d.axis[2];
  const int64_t c = d.in_channels;
  const RowOfTaps row{axis.step * c, axis.tap_step * c, axis.stride * c};
  const int64_t from =
      (column * axis.stride + axis.offset + taps.begin * axis.step) * c;
  const int64_t first_tap = taps.begin * row.tap_step;
  const int64_t spacing = axis.spacing * c;
  out += column * spacing;
  if (taps.size() == 0) count = 0;
  const auto run = [&](int64_t k, int64_t n) __attribute__((always_inline)) {
    typename V::V sums[kCount];
#pragma GCC unroll 8
    for (auto& sum : sums) sum = V::Broadcast(0);
    for (int64_t r = 0; r < count; r++) {
      AddTaps<kCount, kTaps>(row, rows[r].x + from + k,
                             rows[r].w + first_tap + k, taps.size(), n, sums);
    }
    S* to = out + k;
#pragma GCC unroll 8
    for (int i = 0; i < kCount; i++, to += spacing) StoreNarrow(to, n, sums[i]);
  };
  int64_t k = 0;
  for (; k + V::kLanes <= c; k += V::kLanes) run(k, V::kLanes);
  if (k < c) run(k, c - k);
}

// False: out of scratch memory.
template <class S>
bool RunDepthwise(const Direct& d, const S* x, const S* w, S* y) {
  const DirectAxis* axis = d.axis;
  const int64_t c = d.in_channels;
  const int64_t columns = axis[2].count;
  // The columns all of whose taps lie within the image.
  const Range all = {0, axis[2].taps};
  Range inner = {0, columns};
  while (inner.begin < columns &&
         axis[2].Taps(inner.begin).size() < axis[2].taps) {
    inner.begin++;
  }
  while (inner.end > inner.begin &&
         axis[2].Taps(inner.end - 1).size() < axis[2].taps) {
    inner.end--;
  }
  const double ns = static_cast<double>(columns * c * (d.taps() + 1)) *
                    kDepthwiseNs<S>;
  bool failed = false;
  ParallelFor(d.batch * axis[0].count * axis[1].count, ns, 1,
              [&](int64_t begin, int64_t end) {
    Scratch scratch;
    RowPair<S>* rows =
        scratch.Take<RowPair<S>>(axis[0].taps * axis[1].taps + 1);
    if (rows == nullptr) {
      __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
      return;
    }
    for (int64_t line = begin; line < end; line++) {
      const int64_t n = line / (axis[0].count * axis[1].count);
      const int64_t at[2] = {line / axis[1].count % axis[0].count,
                             line % axis[1].count};
      Range taps[2];
      int64_t from[2];
      for (int i = 0; i < 2; i++) {
        taps[i] = axis[i].Taps(at[i]);
        from[i] = at[i] * axis[i].stride + axis[i].offset;
      }
      int64_t count = 0;
      for (int64_t i = taps[0].begin; i < taps[0].end; i++) {
        for (int64_t j = taps[1].begin; j < taps[1].end; j++) {
          const int64_t plane = n * axis[0].in + from[0] + i * axis[0].step;
          const int64_t row = plane * axis[1].in + from[1] + j * axis[1].step;
          const int64_t kernel_row =
              (axis[0].first_tap + i * axis[0].tap_step) * d.window[1] +
              axis[1].first_tap + j * axis[1].tap_step;
          rows[count++] = {
              x + row * axis[2].in * c,
              w + (kernel_row * d.window[2] + axis[2].first_tap) * c};
        }
      }
      const int64_t plane = n * axis[0].out + axis[0].begin +
                            at[0] * axis[0].spacing;
      const int64_t row = plane * axis[1].out + axis[1].begin +
                          at[1] * axis[1].spacing;
      S* out = y + (row * axis[2].out + axis[2].begin) * c;
      int64_t column = 0;
      const auto run_one = [&] {
        RunPixels<1, 0>(d, rows, count, column, axis[2].Taps(column), out);
        column++;
      };
      const auto run_inner = [&](auto constant) {
        constexpr int kTaps = decltype(constant)::value;
        for (; column + kPixelsAtOnce <= inner.end; column += kPixelsAtOnce) {
          RunPixels<kPixelsAtOnce, kTaps>(d, rows, count, column, all, out);
        }
        for (; column + kFewPixels <= inner.end; column += kFewPixels) {
          RunPixels<kFewPixels, kTaps>(d, rows, count, column, all, out);
        }
        for (; column < inner.end; column++) {
          RunPixels<1, kTaps>(d, rows, count, column, all, out);
        }
      };
      while (column < inner.begin) run_one();
      if (all.end == 3) {
        run_inner(Constant<3>{});
      } else {
        run_inner(Constant<0>{});
      }
      while (column < columns) run_one();
    }
  });
  return !failed;
}

// The kernel's gradient is summed in so many parts, added up in order: image
// rows in equal numbers, whatever the number of threads.
constexpr int64_t kGradientParts = 16;
constexpr int64_t kGradientChannels = 64;

// Neighbouring taps of a kernel row whose gradients are summed at once, and
// output pixels at once, so that the sums hide their latency.
constexpr int kTapsAtOnce = 3;
constexpr int kGradientColumns = 4;

// Taps from one on, over an image row and the row of dy that it goes with.
template <class S>
struct TapGradients {
  const S* x;   // where the first tap reads for column 0
  const S* dy;  // column 0
  int64_t step, stride, channels;  // between taps, columns of x, columns of dy
  Range columns[kTapsAtOnce];      // for which a tap reads within the image

  // Onto sums [taps][C], in n channels from k on.
  template <int kTaps>
  __attribute__((always_inline)) void Add(int64_t k, int64_t n,
                                          Wide<S>* to) const {
    using V = Simd<Wide<S>>;
    typename V::V sums[kGradientColumns][kTaps];
#pragma GCC unroll 4
    for (auto& column : sums) {
#pragma GCC unroll 3
      for (auto& sum : column) sum = V::Broadcast(0);
    }
    // Columns that all taps have, then those that only some have.
    Range inner = columns[0];
    for (int t = 1; t < kTaps; t++) {
      inner = {Max(inner.begin, columns[t].begin),
               Min(inner.end, columns[t].end)};
    }
    inner.end = Max(inner.begin, inner.end);
    int64_t o = inner.begin;
    for (; o + kGradientColumns <= inner.end; o += kGradientColumns) {
#pragma GCC unroll 4
      for (int i = 0; i < kGradientColumns; i++) {
        const auto gradient = LoadWide(dy + (o + i) * channels + k, n);
        const S* from = x + (o + i) * stride + k;
#pragma GCC unroll 3
        for (int t = 0; t < kTaps; t++) {
          sums[i][t] =
              V::Fma(LoadWide(from + t * step, n), gradient, sums[i][t]);
        }
      }
    }
#pragma GCC unroll 3
    for (int t = 0; t < kTaps; t++) {
      const auto add = [&](int64_t begin, int64_t end)
                           __attribute__((always_inline)) {
        for (int64_t i = begin; i < end; i++) {
          sums[0][t] = V::Fma(LoadWide(x + i * stride + t * step + k, n),
                              LoadWide(dy + i * channels + k, n), sums[0][t]);
        }
      };
      add(columns[t].begin, Min(inner.begin, columns[t].end));
      add(Max(o, columns[t].begin), columns[t].end);
    }
#pragma GCC unroll 3
    for (int t = 0; t < kTaps; t++) {
      auto sum = sums[0][t];
#pragma GCC unroll 4
      for (int i = 1; i < kGradientColumns; i++) {
        sum = V::Plus(sum, sums[i][t]);
      }
      Wide<S>* at = to + t * channels + k;
      StoreNarrow(at, n, V::Plus(LoadWide(at, n), sum));
    }
  }

  template <int kTaps>
  void AddAll(int64_t n, Wide<S>* to) const {
    constexpr int kLanes = Simd<Wide<S>>::kLanes;
    int64_t k = 0;
    for (; k + kLanes <= n; k += kLanes) Add<kTaps>(k, kLanes, to);
    if (k < n) Add<kTaps>(k, n - k, to);
  }
};

// Channels [first, first + n) of rows [begin, end) of the output, onto sums
// [taps][C].
template <class S>
void AddKernelRows(const Geometry& g, const S* x, const S* dy, int64_t begin,
                   int64_t end, int64_t first, int64_t channels,
                   Wide<S>* sums) {
  const int64_t c = g.in_channels;
  for (int64_t line = begin; line < end; line++) {
    const int64_t n = line / (g.out[0] * g.out[1]);
    const int64_t at[2] = {line / g.out[1] % g.out[0], line % g.out[1]};
    for (int64_t tap_row = 0; tap_row < g.window[0] * g.window[1]; tap_row++) {
      const int64_t taps[2] = {tap_row / g.window[1], tap_row % g.window[1]};
      int64_t row = n;
      bool inside = true;
      for (int i = 0; i < 2; i++) {
        const int64_t p =
            at[i] * g.stride[i] + taps[i] * g.dilation[i] - g.low[i];
        inside &= p >= 0 && p < g.in[i];
        row = row * g.in[i] + p;
      }
      if (!inside) continue;
      for (int64_t tap = 0; tap < g.window[2]; tap += kTapsAtOnce) {
        const int64_t shift = tap * g.dilation[2] - g.low[2];
        TapGradients<S> some{x + (row * g.in[2] + shift) * c + first,
                             dy + line * g.out[2] * c + first,
                             g.dilation[2] * c,
                             g.stride[2] * c,
                             c,
                             {}};
        const int64_t count = Min(g.window[2] - tap, kTapsAtOnce);
        for (int64_t t = 0; t < count; t++) {
          some.columns[t] = Within(shift + t * g.dilation[2], g.stride[2],
                                   g.out[2], g.in[2]);
        }
        Wide<S>* to = sums + (tap_row * g.window[2] + tap) * c + first;
        if (count == 3) {
          some.template AddAll<3>(channels, to);
        } else if (count == 2) {
          some.template AddAll<2>(channels, to);
        } else {
          some.template AddAll<1>(channels, to);
        }
      }
    }
  }
}

// False: out of scratch memory.
template <class S>
bool RunDepthwiseKernel(const Geometry& g, const S* x, const S* dy, S* dw) {
  using T = Wide<S>;
  const int64_t c = g.in_channels;
  const int64_t size = Product(g.window) * c;
  const int64_t lines = g.batch * g.out[0] * g.out[1];
  const int64_t parts = Min(kGradientParts, lines);
  const int64_t blocks = CeilDiv(c, kGradientChannels);
  Scratch scratch;
  T* sums = scratch.Take<T>(parts * size);
  if (sums == nullptr) return false;
  __builtin_memset(sums, 0, static_cast<size_t>(parts * size) * sizeof(T));
  const double ns = static_cast<double>(lines * g.out[2] * size) *
                    kDepthwiseNs<S> / static_cast<double>(parts * blocks);
  ParallelFor(parts * blocks, ns, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t part = i / blocks;
      const int64_t first = i % blocks * kGradientChannels;
      AddKernelRows(g, x, dy, lines * part / parts, lines * (part + 1) / parts,
                    first, Min(kGradientChannels, c - first),
                    sums + part * size);
    }
  });
  for (int64_t part = 1; part < parts; part++) {
    for (int64_t i = 0; i < size; i++) sums[i] += sums[part * size + i];
  }
  Narrow(sums, dw, size);
  return true;
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
