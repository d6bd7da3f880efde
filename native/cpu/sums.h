// Sums of the rows and columns of blocks, added to what is there, and of whole
// tensors by them. Retargeted: include after simd/f32.h, and sum_layout.h before
// simd/target.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// Vectors that are added to at once: enough to hide how long an addition takes.
constexpr int kMostVectors = 8;

// The sums of kVectors vectors side by side over rows.
template <int kVectors>
void SumVectors(const float* x, int64_t rows, int64_t stride, Vec* sums) {
  Vec s[kVectors];
  for (int v = 0; v < kVectors; v++) s[v] = Set(0);
  for (int64_t r = 0; r < rows; r++, x += stride) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; v++) s[v] = s[v] + Load(x + v * Vec::kLanes);
  }
  for (int v = 0; v < kVectors; v++) sums[v] = s[v];
}

void SumVectors(int vectors, const float* x, int64_t rows, int64_t stride,
                Vec* sums) {
  switch (vectors) {
    case 1: return SumVectors<1>(x, rows, stride, sums);
    case 2: return SumVectors<2>(x, rows, stride, sums);
    case 3: return SumVectors<3>(x, rows, stride, sums);
    case 4: return SumVectors<4>(x, rows, stride, sums);
    case 5: return SumVectors<5>(x, rows, stride, sums);
    case 6: return SumVectors<6>(x, rows, stride, sums);
    case 7: return SumVectors<7>(x, rows, stride, sums);
    default: return SumVectors<8>(x, rows, stride, sums);
  }
}

KERATIN_INLINE int64_t CommonDivisor(int64_t a, int64_t b) {
  while (b != 0) {
    const int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

// Short rows fill whole vectors when several are taken as one.
void SumShortRows(const float* x, int64_t rows, int64_t n, int64_t together,
                  float* sums) {
  const int64_t width = together * n;
  const int vectors = static_cast<int>(width / Vec::kLanes);
  Vec wide[kMostVectors];
  SumVectors(vectors, x, rows / together, width, wide);
  float lanes[kMostVectors * Vec::kLanes];
  for (int v = 0; v < vectors; v++) Store(lanes + v * Vec::kLanes, wide[v]);
  for (int64_t j = 0; j < n; j++) {
    float sum = 0;
    for (int64_t i = j; i < width; i += n) sum += lanes[i];
    for (int64_t r = rows / together * together; r < rows; r++) sum += x[r * n + j];
    sums[j] += sum;
  }
}

void Columns(const float* x, int64_t rows, int64_t n, float* total) {
  constexpr int64_t kLanes = Vec::kLanes;
  // Rows whose elements are a whole number of vectors, several vectors if few.
  int64_t together = kLanes / CommonDivisor(n, kLanes);
  while (together * n * 2 <= 4 * kLanes) together *= 2;
  if (together > 1 && together * n <= kMostVectors * kLanes &&
      rows >= 2 * together) {
    return SumShortRows(x, rows, n, together, total);
  }
  int64_t j = 0;
  while (n - j >= kLanes) {
    const int64_t whole = (n - j) / kLanes;
    const int vectors =
        static_cast<int>(whole < kMostVectors ? whole : kMostVectors);
    Vec sums[kMostVectors];
    SumVectors(vectors, x + j, rows, n, sums);
    for (int v = 0; v < vectors; v++, j += kLanes) {
      Store(total + j, Load(total + j) + sums[v]);
    }
  }
  if (j == n) return;
  const Lanes rest = FirstLanes(static_cast<int>(n - j));
  Vec sum = Set(0);
  for (int64_t r = 0; r < rows; r++) sum = sum + Load(x + r * n + j, rest);
  Store(total + j, rest, Load(total + j, rest) + sum);
}

void Columns(const double* x, int64_t rows, int64_t n, double* total) {
  constexpr int64_t kPanel = 64;
  for (int64_t j = 0; j < n; j += kPanel) {
    const int64_t width = n - j < kPanel ? n - j : kPanel;
    double sums[kPanel] = {};
    for (int64_t r = 0; r < rows; r++) {
      const double* row = x + r * n + j;
      for (int64_t i = 0; i < width; i++) sums[i] += row[i];
    }
    for (int64_t i = 0; i < width; i++) total[j + i] += sums[i];
  }
}

float SumRow(const float* x, int64_t n) {
  constexpr int64_t kLanes = Vec::kLanes;
  Vec sums[4] = {Set(0), Set(0), Set(0), Set(0)};
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int v = 0; v < 4; v++) sums[v] = sums[v] + Load(x + i + v * kLanes);
  }
  for (int v = 0; i < n; i += kLanes, v++) {
    sums[v] = sums[v] + Load(x + i, FirstLanes(static_cast<int>(n - i)));
  }
  return SumLanes((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

double SumRow(const double* x, int64_t n) {
  constexpr int kLanes = 8;
  double sums[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int l = 0; l < kLanes; l++) sums[l] += x[i + l];
  }
  for (int l = 0; i < n; i++, l++) sums[l] += x[i];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) +
         ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

template <class T>
void Rows(const T* x, int64_t rows, int64_t n, T* total) {
  for (int64_t r = 0; r < rows; r++) total[r] += SumRow(x + r * n, n);
}

// Block by block: the order is that of a loop which makes the same sum. False:
// out of scratch memory.
template <class T>
[[maybe_unused]] bool SumInChunks(const TensorView& x, const SumLayout& layout,
                                  const TensorView& out) {
  const T* from = x.as<const T>();
  T* to = out.as<T>();
  const int64_t row = layout.row;
  const int64_t chunks = layout.chunks();
  const int64_t width = layout.over == SumOver::kRows ? 0 : out.size;
  Scratch scratch;
  T* partial = scratch.Take<T>(chunks * width);
  if (partial == nullptr) return false;
  const auto clear = [](T* sums, int64_t n) {
    for (int64_t i = 0; i < n; i++) sums[i] = 0;
  };
  clear(to, out.size);
  clear(partial, chunks * width);
  const double ns = 0.1 * static_cast<double>(x.size / chunks) + 2;
  ParallelFor(chunks, ns, 1, [&](int64_t first, int64_t last) {
    for (int64_t c = first; c < last; c++) {
      const int64_t end = layout.ChunkAt(c + 1, chunks);
      int64_t n;
      for (int64_t at = layout.ChunkAt(c, chunks); at < end; at += n) {
        n = BlockLength(row, at, end);
        const int64_t rows = row > 0 && n > row ? n / row : 1;
        if (layout.over == SumOver::kColumns) {
          Columns(from + at, rows, n / rows, partial + c * width + at % row);
        } else {
          T* sums = layout.over == SumOver::kRows ? to + at / row
                                                  : partial + c;
          Rows(from + at, rows, n / rows, sums);
        }
      }
    }
  });
  if (layout.over == SumOver::kColumns) Columns(partial, chunks, width, to);
  if (layout.over == SumOver::kAll) Rows(partial, int64_t{1}, chunks, to);
  return true;
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
