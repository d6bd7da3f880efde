// Depthwise convolution, one filter for each channel: vectors along the
// channels. Retargeted: include after wide.h and conv_geometry.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// Output pixels that use a weight each time it is loaded.
constexpr int kPixelsAtOnce = 4;

// Nanoseconds of a multiply-add, with its loads.
template <class S>
constexpr double kDepthwiseNs = sizeof(S) == 2 ? 0.15 : 0.06;

// A kernel row over an image row: taps `step` apart in x and `tap_step` apart
// in w, pixels `stride` apart.
struct RowOfTaps {
  int64_t step, tap_step, stride;
};

// Adds the taps to the sums of kCount neighbouring pixels, in n channels.
template <int kCount, class S>
KERATIN_INLINE void AddTaps(const RowOfTaps& row, const S* x, const S* w,
                            int64_t taps, int64_t n,
                            typename Simd<Wide<S>>::V* sums) {
  for (int64_t k = 0; k < taps; k++, x += row.step, w += row.tap_step) {
    const auto weight = LoadWide(w, n);
#pragma GCC unroll 4
    for (int i = 0; i < kCount; i++) {
      sums[i] =
          Simd<Wide<S>>::Fma(LoadWide(x + i * row.stride, n), weight, sums[i]);
    }
  }
}

// The image and kernel rows under a row of outputs, at column 0 and first tap.
template <class S>
struct RowPair {
  const S* x;
  const S* w;
};

// kCount pixels from `column` on, all channels, with the given taps.
template <int kCount, class S>
KERATIN_INLINE void RunPixels(const Direct& d, const RowPair<S>* rows,
                              int64_t count, int64_t column, Range taps,
                              S* out) {
  using V = Simd<Wide<S>>;
  const DirectAxis& axis = d.axis[2];
  const int64_t c = d.in_channels;
  const RowOfTaps row{axis.step * c, axis.tap_step * c, axis.stride * c};
  const int64_t from =
      (column * axis.stride + axis.offset + taps.begin * axis.step) * c;
  for (int64_t k = 0; k < c; k += V::kLanes) {
    const int64_t n = Min(V::kLanes, c - k);
    typename V::V sums[kCount];
    for (auto& sum : sums) sum = V::Broadcast(0);
    for (int64_t r = 0; taps.size() > 0 && r < count; r++) {
      AddTaps<kCount>(row, rows[r].x + from + k,
                      rows[r].w + taps.begin * row.tap_step + k, taps.size(),
                      n, sums);
    }
    for (int i = 0; i < kCount; i++) {
      StoreNarrow(out + (column + i) * axis.spacing * c + k, n, sums[i]);
    }
  }
}

// False: out of scratch memory.
template <class S>
bool RunDepthwise(const Direct& d, const S* x, const S* w, S* y) {
  const DirectAxis* axis = d.axis;
  const int64_t c = d.in_channels;
  const int64_t columns = axis[2].count;
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
      for (int64_t column = 0; column < columns;) {
        const Range first = axis[2].Taps(column);
        const int64_t last = column + kPixelsAtOnce - 1;
        if (last < columns && first.size() == axis[2].taps &&
            axis[2].Taps(last).size() == axis[2].taps) {
          RunPixels<kPixelsAtOnce>(d, rows, count, column, first, out);
          column += kPixelsAtOnce;
        } else {
          RunPixels<1>(d, rows, count, column, first, out);
          column++;
        }
      }
    }
  });
  return !failed;
}

// The kernel's gradient is summed in so many parts, added up in order: image
// rows in equal numbers, whatever the number of threads.
constexpr int64_t kGradientParts = 16;
constexpr int64_t kGradientChannels = 64;

// Channels [first, first + n) of rows [begin, end) of the output, onto sums
// [taps][C].
template <class S>
void AddKernelRows(const Geometry& g, const S* x, const S* dy, int64_t begin,
                   int64_t end, int64_t first, int64_t channels,
                   Wide<S>* sums) {
  using V = Simd<Wide<S>>;
  const int64_t c = g.in_channels;
  for (int64_t line = begin; line < end; line++) {
    const int64_t n = line / (g.out[0] * g.out[1]);
    const int64_t at[2] = {line / g.out[1] % g.out[0], line % g.out[1]};
    for (int64_t tap = 0; tap < Product(g.window); tap++) {
      const int64_t taps[3] = {tap / (g.window[2] * g.window[1]),
                               tap / g.window[2] % g.window[1],
                               tap % g.window[2]};
      int64_t row = n;
      bool inside = true;
      for (int i = 0; i < 2; i++) {
        const int64_t p =
            at[i] * g.stride[i] + taps[i] * g.dilation[i] - g.low[i];
        inside &= p >= 0 && p < g.in[i];
        row = row * g.in[i] + p;
      }
      if (!inside) continue;
      const int64_t shift = taps[2] * g.dilation[2] - g.low[2];
      const Range columns = Within(shift, g.stride[2], g.out[2], g.in[2]);
      const S* from = x + (row * g.in[2] + shift) * c + first;
      const S* gradient = dy + line * g.out[2] * c + first;
      for (int64_t k = 0; k < channels; k += V::kLanes) {
        const int64_t lanes = Min(V::kLanes, channels - k);
        constexpr int kSums = 4;  // hide the latency
        typename V::V sum[kSums];
        for (auto& s : sum) s = V::Broadcast(0);
        const auto add = [&](int i, int64_t o) __attribute__((always_inline)) {
          sum[i] = V::Fma(LoadWide(from + o * g.stride[2] * c + k, lanes),
                          LoadWide(gradient + o * c + k, lanes), sum[i]);
        };
        int64_t o = columns.begin;
        for (; o + kSums <= columns.end; o += kSums) {
          for (int i = 0; i < kSums; i++) add(i, o + i);
        }
        for (; o < columns.end; o++) add(0, o);
        Wide<S>* to = sums + tap * c + first + k;
        StoreNarrow(to, lanes,
                    V::Plus(LoadWide(to, lanes), V::Plus(V::Plus(sum[0], sum[1]),
                                                         V::Plus(sum[2], sum[3]))));
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
