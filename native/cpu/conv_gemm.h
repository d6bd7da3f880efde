// Matrix products of any size over the micro-kernel. Retargeted: include
// after microkernel.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// C = A B, M x K times K x N: element (i, p) of A at a[i a_row + p a_step],
// (p, j) of B at b[p b_row + j b_column], C row-major.
template <class T>
struct Gemm {
  int64_t m, n, k;
  const T* a;
  int64_t a_row, a_step;
  const T* b;
  int64_t b_row, b_column;
  T* c;
  int64_t c_row;
};

// K is cut into equal blocks of at most this, by the shape alone, so that
// sums have one order whoever computes them.
#if defined(KERATIN_TARGET_AVX512)
constexpr int64_t kDepth = 384;
#else
constexpr int64_t kDepth = 256;
#endif
// Rows of A that stay in L2 beside a panel of B.
constexpr int64_t kBlockRows = 144;
// B is packed from this many elements on, when enough rows use it.
constexpr int64_t kPackElements = 400000;
constexpr int64_t kPackRows = 64;
// A is packed when so many columns use it.
constexpr int64_t kPackColumns = 1024;
// Columns of B that are packed at a time.
constexpr int64_t kBlockColumns = 4096;

KERATIN_INLINE int64_t RoundUp(int64_t x, int64_t unit) {
  return (x + unit - 1) / unit * unit;
}

// Rows of A made contiguous: their order stays, since what costs is the stride.
template <class T>
void CopyRows(const T* a, int64_t row, int64_t step, int64_t rows, int64_t k,
              T* to) {
  if (step == 1) {
    for (int64_t i = 0; i < rows; i++) {
      __builtin_memcpy(to + i * k, a + i * row, static_cast<size_t>(k) * sizeof(T));
    }
    return;
  }
  for (int64_t p = 0; p < k; p++) {
    for (int64_t i = 0; i < rows; i++) to[i * k + p] = a[i * row + p * step];
  }
}

// Rows [m0, m1) and columns [n0, n1) on this thread; n0 is a multiple of the
// panel's width. False: out of scratch memory.
template <class T>
bool GemmRegion(const Gemm<T>& g, int64_t m0, int64_t m1, int64_t n0,
                int64_t n1) {
  constexpr int64_t kWidth = kPanel<T>;
  const int64_t rows = m1 - m0;
  const int64_t columns = n1 - n0;
  if (rows <= 0 || columns <= 0) return true;
  const int64_t blocks = (g.k + kDepth - 1) / kDepth;
  const int64_t depth = blocks > 0 ? (g.k + blocks - 1) / blocks : 0;
  const bool pack_b =
      g.b_column != 1 || (g.n * g.k > kPackElements && rows > kPackRows);
  const bool pack_a = columns > kPackColumns && rows > kTileRows;
  Scratch scratch;
  T* packed_b = nullptr;
  T* packed_a = nullptr;
  if (pack_b) {
    const int64_t width = columns < kBlockColumns ? columns : kBlockColumns;
    packed_b = scratch.Take<T>(RoundUp(width, kWidth) * (depth + 1));
    if (packed_b == nullptr) return false;
  }
  if (pack_a) {
    packed_a = scratch.Take<T>(kBlockRows * (depth + 1));
    if (packed_a == nullptr) return false;
  }
  Tile<T> tile{};
  tile.segments = 1;
  tile.c_row = g.c_row;
  if (g.k == 0) tile.segments = 0;
  for (int64_t jc = n0; jc < n1; jc += kBlockColumns) {
    const int64_t j_end = jc + kBlockColumns < n1 ? jc + kBlockColumns : n1;
    for (int64_t p = 0; p == 0 || p < g.k; p += depth) {
      const int64_t k = g.k - p < depth ? g.k - p : depth;
      tile.k = k;
      tile.accumulate = p > 0;
      if (pack_b) {
        for (int64_t j = jc; j < j_end; j += kWidth) {
          const int64_t width = j_end - j < kWidth ? j_end - j : kWidth;
          PackPanel(g.b + p * g.b_row + j * g.b_column, g.b_row, g.b_column, k,
                    static_cast<int>(width), packed_b + (j - jc) * k);
        }
      }
      for (int64_t i = m0; i < m1; i += kBlockRows) {
        const int64_t count = m1 - i < kBlockRows ? m1 - i : kBlockRows;
        tile.a = g.a + i * g.a_row + p * g.a_step;
        tile.a_row = g.a_row;
        tile.a_step = g.a_step;
        if (pack_a) {
          CopyRows(tile.a, g.a_row, g.a_step, count, k, packed_a);
          tile.a = packed_a;
          tile.a_row = k;
          tile.a_step = 1;
        }
        for (int64_t j = jc; j < j_end; j += kWidth) {
          const int64_t width = j_end - j < kWidth ? j_end - j : kWidth;
          tile.columns = static_cast<int>(width);
          tile.b = pack_b ? packed_b + (j - jc) * k : g.b + p * g.b_row + j;
          tile.b_row = pack_b ? kWidth : g.b_row;
          tile.c = g.c + i * g.c_row + j;
          RunRows(tile, count);
        }
      }
      if (depth == 0) break;
    }
  }
  return true;
}

// A few rows times a large row-major B: streams whole rows of B, once.
template <class T>
void FewRows(const Gemm<T>& g, int64_t n0, int64_t n1) {
  constexpr int64_t kChunk = 2048 / sizeof(T);
  for (int64_t j = n0; j < n1; j += kChunk) {
    const int64_t n = n1 - j < kChunk ? n1 - j : kChunk;
    for (int64_t i = 0; i < g.m; i++) {
      T* c = g.c + i * g.c_row + j;
      for (int64_t q = 0; q < n; q++) c[q] = 0;
    }
    int64_t p = 0;
    for (; p + 4 <= g.k; p += 4) {
      const T* b0 = g.b + p * g.b_row + j;
      const T* b1 = b0 + g.b_row;
      const T* b2 = b1 + g.b_row;
      const T* b3 = b2 + g.b_row;
      for (int64_t i = 0; i < g.m; i++) {
        const T* a = g.a + i * g.a_row + p * g.a_step;
        const T a0 = a[0], a1 = a[g.a_step], a2 = a[2 * g.a_step],
                a3 = a[3 * g.a_step];
        T* c = g.c + i * g.c_row + j;
#pragma GCC ivdep
        for (int64_t q = 0; q < n; q++) {
          c[q] += (a0 * b0[q] + a1 * b1[q]) + (a2 * b2[q] + a3 * b3[q]);
        }
      }
    }
    for (; p < g.k; p++) {
      const T* b = g.b + p * g.b_row + j;
      for (int64_t i = 0; i < g.m; i++) {
        const T a = g.a[i * g.a_row + p * g.a_step];
        T* c = g.c + i * g.c_row + j;
#pragma GCC ivdep
        for (int64_t q = 0; q < n; q++) c[q] += a * b[q];
      }
    }
  }
}

// Contiguous dot product in a fixed order of lanes.
template <class T>
T Dot(const T* x, const T* y, int64_t n) {
  using S = Simd<T>;
  constexpr int kLanes = S::kLanes;
  typename S::V sum[4];
  for (auto& s : sum) s = S::Broadcast(0);
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int l = 0; l < 4; l++) {
      sum[l] = S::Fma(S::Load(x + i + l * kLanes), S::Load(y + i + l * kLanes),
                      sum[l]);
    }
  }
  for (; i + kLanes <= n; i += kLanes) {
    sum[0] = S::Fma(S::Load(x + i), S::Load(y + i), sum[0]);
  }
  if (i < n) {
    const auto mask = S::First(static_cast<int>(n - i));
    sum[1] = S::Fma(S::Load(x + i, mask), S::Load(y + i, mask), sum[1]);
  }
  T lanes[kLanes];
  S::Store(lanes, S::Plus(S::Plus(sum[0], sum[1]), S::Plus(sum[2], sum[3])));
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int l = 0; l < width; l++) lanes[l] += lanes[l + width];
  }
  return lanes[0];
}

// Estimated single-threaded nanoseconds.
template <class T>
double GemmCost(int64_t m, int64_t n, int64_t k) {
  const double flops = 2.0 * static_cast<double>(m) * static_cast<double>(n) *
                       static_cast<double>(k);
  return flops / (100.0 * Simd<T>::kLanes / 8) + 50;
}

// One product on up to all threads. False: out of scratch memory.
template <class T>
bool RunGemm(const Gemm<T>& g) {
  constexpr int64_t kWidth = kPanel<T>;
  const double cost = GemmCost<T>(g.m, g.n, g.k);
  // Rows (or one column) of dot products.
  const bool dots = g.a_step == 1 && g.b_row == 1 && (g.m <= 4 || g.n == 1);
  if (dots) {
    ParallelFor(g.m * g.n, cost / static_cast<double>(g.m * g.n), 4,
                [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        g.c[i / g.n * g.c_row + i % g.n] =
            Dot(g.a + i / g.n * g.a_row, g.b + i % g.n * g.b_column, g.k);
      }
    });
    return true;
  }
  const bool stream = g.m <= 4 && g.b_column == 1 && g.n * g.k > 16384;
  const int64_t panels = (g.n + kWidth - 1) / kWidth;
  const int64_t tiles = (g.m + kTileRows - 1) / kTileRows;
  int workers = WorkersFor(cost);
  const bool split_n = stream || g.n >= g.m || tiles < workers;
  const int64_t units = split_n ? panels : tiles;
  if (workers > units) workers = static_cast<int>(units);
  struct Job {
    const Gemm<T>* g;
    bool stream, split_n;
    int64_t units;
    int failed;
  } job{&g, stream, split_n, units, 0};
  RunParallel(
      workers,
      [](void* context, int worker, int count) {
        Job& job = *static_cast<Job*>(context);
        const Gemm<T> g = *job.g;
        const int64_t begin = job.units * worker / count;
        const int64_t end = job.units * (worker + 1) / count;
        const int64_t unit = job.split_n ? kPanel<T> : kTileRows;
        const int64_t limit = job.split_n ? g.n : g.m;
        const int64_t from = begin * unit;
        const int64_t to = end * unit < limit ? end * unit : limit;
        bool ok = true;
        if (job.stream) {
          FewRows(g, from, to);
        } else if (job.split_n) {
          ok = GemmRegion(g, 0, g.m, from, to);
        } else {
          ok = GemmRegion(g, from, to, 0, g.n);
        }
        if (!ok) __atomic_store_n(&job.failed, 1, __ATOMIC_RELAXED);
      },
      &job);
  return job.failed == 0;
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
