// Products of a matrix with a few rows (or columns): the matrix is read once,
// along its contiguous axis, which is all that matters. Retargeted: include
// after wide.h, pack.h and gemm.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

constexpr int kFew = 4;

// out[r, l] = sum over p of few[r, p] many[l, p], r < rows <= kFew.
template <class S, class T>
struct Skinny {
  int rows;
  int64_t length, k;
  const S* few;
  int64_t few_row, few_step;
  const S* many;  // element (l, p) at l many_row + p many_step, one of them 1
  int64_t many_row, many_step;
  S* out;
  int64_t out_row, out_column;
  const T* bias;
  bool bias_by_row;
  Activation activation;
};

template <class S, class T>
KERATIN_INLINE void StoreResult(const Skinny<S, T>& s, int row, int64_t column,
                                T value) {
  if (s.bias != nullptr) value += s.bias[s.bias_by_row ? row : column];
  if (s.activation == Activation::kRelu && value < 0) value = 0;
  Narrow(&value, s.out + row * s.out_row + column * s.out_column, 1);
}

// Lane by lane in a fixed order.
template <class T>
KERATIN_INLINE T SumOf(typename Simd<T>::V v) {
  T lanes[Simd<T>::kLanes];
  Simd<T>::Store(lanes, v);
  for (int width = Simd<T>::kLanes / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; i++) lanes[i] += lanes[i + width];
  }
  return lanes[0];
}

// Dot products of lines [l, l + count), at most kLines, with each of kRows rows,
// `pitch` apart with zeros beyond their end.
template <class S, class T, int kRows, int kLines>
void Dots(const Skinny<S, T>& s, const T* few, int64_t pitch, int64_t l,
          int64_t count) {
  using V = typename Simd<T>::V;
  constexpr int kLanes = Simd<T>::kLanes;
  const S* many[kLines];
  for (int i = 0; i < kLines; i++) {
    many[i] = s.many + (l + Min(i, count - 1)) * s.many_row;
  }
  V sum[kRows][kLines];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; r++) {
#pragma GCC unroll 4
    for (int i = 0; i < kLines; i++) sum[r][i] = Simd<T>::Broadcast(0);
  }
  const auto add = [&](int64_t p, int64_t n) __attribute__((always_inline)) {
    V lines[kLines];
#pragma GCC unroll 4
    for (int i = 0; i < kLines; i++) {
      lines[i] = LoadWide(many[i] + p, n);
    }
#pragma GCC unroll 4
    for (int r = 0; r < kRows; r++) {
      const V x = Simd<T>::Load(few + r * pitch + p);
#pragma GCC unroll 4
      for (int i = 0; i < kLines; i++) {
        sum[r][i] = Simd<T>::Fma(x, lines[i], sum[r][i]);
      }
    }
  };
  int64_t p = 0;
  for (; p + kLanes <= s.k; p += kLanes) add(p, kLanes);
  if (p < s.k) add(p, s.k - p);
  for (int r = 0; r < s.rows; r++) {
    for (int i = 0; i < count; i++) {
      StoreResult(s, r, l + i, SumOf<T>(sum[r][i]));
    }
  }
}

// Columns that are summed at a time: their sums stay in L1.
constexpr int64_t kChunk = 512;

// Adds kSteps lines of `many`, from step p on, to the sums [kRows][kChunk] of
// the n columns from l on.
template <class S, class T, int kRows, int kSteps>
KERATIN_INLINE void AddLines(const Skinny<S, T>& s, const T* few, int64_t pitch,
                             int64_t p, int64_t l, int64_t n, T* sums) {
  using V = typename Simd<T>::V;
  constexpr int kLanes = Simd<T>::kLanes;
  V x[kRows][kSteps];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; r++) {
#pragma GCC unroll 8
    for (int q = 0; q < kSteps; q++) {
      x[r][q] = Simd<T>::Broadcast(few[r * pitch + p + q]);
    }
  }
  const S* from = s.many + p * s.many_step + l;
  const auto add = [&](int64_t j, int64_t n) __attribute__((always_inline)) {
    V sum[kRows];
#pragma GCC unroll 4
    for (int r = 0; r < kRows; r++) sum[r] = Simd<T>::Load(sums + r * kChunk + j);
#pragma GCC unroll 8
    for (int q = 0; q < kSteps; q++) {
      const V line = LoadWide(from + q * s.many_step + j, n);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; r++) {
        sum[r] = Simd<T>::Fma(x[r][q], line, sum[r]);
      }
    }
#pragma GCC unroll 4
    for (int r = 0; r < kRows; r++) Simd<T>::Store(sums + r * kChunk + j, sum[r]);
  };
  int64_t j = 0;
  for (; j + kLanes <= n; j += kLanes) add(j, kLanes);
  if (j < n) add(j, n - j);
}

// Whole lines of `many`, each of which holds one step of all columns.
template <class S, class T, int kRows>
void Stream(const Skinny<S, T>& s, const T* few, int64_t pitch, int64_t begin,
            int64_t end) {
  constexpr int kSteps = kRows == 1 ? 8 : kRows == 2 ? 4 : 2;
  // Of a block of kDepth steps, and of all blocks so far.
  alignas(64) T sums[kRows * kChunk];
  alignas(64) T totals[kRows * kChunk];
  for (int64_t l = begin; l < end; l += kChunk) {
    const int64_t n = Min(kChunk, end - l);
    const int64_t depth = EvenBlock(s.k, kDepth);
    for (int64_t first = 0; first < s.k; first += depth) {
      const int64_t last = Min(first + depth, s.k);
      for (T& sum : sums) sum = 0;
      int64_t p = first;
      for (; p + kSteps <= last; p += kSteps) {
        AddLines<S, T, kRows, kSteps>(s, few, pitch, p, l, n, sums);
      }
      for (; p < last; p++) {
        AddLines<S, T, kRows, 1>(s, few, pitch, p, l, n, sums);
      }
      for (int64_t i = 0; i < kRows * kChunk; i++) {
        totals[i] = first == 0 ? sums[i] : totals[i] + sums[i];
      }
    }
    for (int r = 0; r < s.rows; r++) {
      for (int64_t j = 0; j < n; j++) {
        StoreResult(s, r, l + j, totals[r * kChunk + j]);
      }
    }
  }
}

template <class S, class T, int kRows>
void RunSkinnyRows(const Skinny<S, T>& s, const T* few, int64_t pitch,
                   int64_t begin, int64_t end) {
  if (s.many_step != 1) {
    Stream<S, T, kRows>(s, few, pitch, begin, end);
    return;
  }
  constexpr int kLines = kRows <= 2 ? 4 : 2;
  for (int64_t l = begin; l < end; l += kLines) {
    Dots<S, T, kRows, kLines>(s, few, pitch, l, Min(kLines, end - l));
  }
}

// Lines [begin, end). False: out of scratch memory.
template <class S, class T>
bool RunSkinny(const Skinny<S, T>& s, int64_t begin, int64_t end) {
  const int64_t pitch = RoundUp(s.k, Simd<T>::kLanes);
  Scratch scratch;
  T* few = scratch.Take<T>(kFew * pitch);
  if (few == nullptr) return false;
  for (int64_t i = 0; i < kFew * pitch; i++) few[i] = 0;
  for (int r = 0; r < s.rows; r++) {
    const S* from = s.few + r * s.few_row;
    T* to = few + r * pitch;
    if (s.few_step == 1) {
      Widen(from, to, s.k);
    } else {
      for (int64_t p = 0; p < s.k; p++) Widen(from + p * s.few_step, to + p, 1);
    }
  }
  if (s.rows == 1) {
    RunSkinnyRows<S, T, 1>(s, few, pitch, begin, end);
  } else if (s.rows == 2) {
    RunSkinnyRows<S, T, 2>(s, few, pitch, begin, end);
  } else {
    RunSkinnyRows<S, T, 4>(s, few, pitch, begin, end);
  }
  return true;
}

// The few rows are those of A, or (swapped) the columns of B.
template <class S, class T>
Skinny<S, T> SkinnyOf(const Gemm& g, bool swapped) {
  Skinny<S, T> s;
  s.k = g.k;
  s.bias = static_cast<const T*>(g.bias);
  s.bias_by_row = swapped;
  s.activation = g.activation;
  s.out = static_cast<S*>(g.c);
  if (swapped) {
    s.rows = static_cast<int>(g.n);
    s.length = g.m;
    s.few = static_cast<const S*>(g.b);
    s.few_row = g.b_column;
    s.few_step = g.b_step;
    s.many = static_cast<const S*>(g.a);
    s.many_row = g.a_row;
    s.many_step = g.a_step;
    s.out_row = 1;
    s.out_column = g.c_row;
  } else {
    s.rows = static_cast<int>(g.m);
    s.length = g.n;
    s.few = static_cast<const S*>(g.a);
    s.few_row = g.a_row;
    s.few_step = g.a_step;
    s.many = static_cast<const S*>(g.b);
    s.many_row = g.b_column;
    s.many_step = g.b_step;
    s.out_row = g.c_row;
    s.out_column = 1;
  }
  return s;
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
