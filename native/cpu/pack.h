// Operands of the micro-kernel made contiguous and widened to the type that
// it computes in: panels of B, blocks of A. Retargeted: include after half.h
// and microkernel.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

KERATIN_INLINE int64_t CeilDiv(int64_t x, int64_t unit) {
  return (x + unit - 1) / unit;
}
KERATIN_INLINE int64_t RoundUp(int64_t x, int64_t unit) {
  return CeilDiv(x, unit) * unit;
}
KERATIN_INLINE int64_t Min(int64_t a, int64_t b) { return a < b ? a : b; }
KERATIN_INLINE int64_t Max(int64_t a, int64_t b) { return a > b ? a : b; }
// The size of the equal blocks, at most `limit`, that `count` is cut into.
KERATIN_INLINE int64_t EvenBlock(int64_t count, int64_t limit) {
  return count <= limit ? count : CeilDiv(count, CeilDiv(count, limit));
}

template <class T>
KERATIN_INLINE void Widen(const T* from, T* to, int64_t n) {
  __builtin_memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
}
template <class T>
KERATIN_INLINE void Narrow(const T* from, T* to, int64_t n) {
  Widen(from, to, n);
}

// to[p * width + j] = from[p + j * column] for p < k, j < columns, and zero
// for the other j < width.
#if defined(KERATIN_TARGET_AVX2) || defined(KERATIN_TARGET_AVX512)
// An 8 x 8 block: rows of `from` become columns of `to`.
KERATIN_INLINE void Transpose8(const float* from, int64_t from_row, float* to,
                               int64_t to_row) {
  __m256 r[8], t[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) r[i] = _mm256_loadu_ps(from + i * from_row);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 2; i++) {
    r[4 * i] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
    r[4 * i + 1] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0xee);
    r[4 * i + 2] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
    r[4 * i + 3] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    _mm256_storeu_ps(to + i * to_row,
                     _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
    _mm256_storeu_ps(to + (i + 4) * to_row,
                     _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
  }
}
#endif

template <class T>
void PackTransposed(const T* from, int64_t column, int64_t k, int columns,
                    T* to) {
  constexpr int kWidth = kPanel<T>;
  int64_t p = 0;
#if defined(KERATIN_TARGET_AVX2) || defined(KERATIN_TARGET_AVX512)
  if constexpr (sizeof(T) == sizeof(float)) {
    if (columns == kWidth) {
      for (; p + 8 <= k; p += 8) {
        for (int j = 0; j < kWidth; j += 8) {
          Transpose8(from + p + j * column, column, to + p * kWidth + j, kWidth);
        }
      }
    }
  }
#endif
  // In short runs along k, so that lines are used whole.
  constexpr int64_t kRun = 16;
  for (; p < k; p += kRun) {
    const int64_t n = Min(kRun, k - p);
    T* block = to + p * kWidth;
    for (int j = 0; j < columns; j++) {
      const T* run = from + p + j * column;
      for (int64_t q = 0; q < n; q++) block[q * kWidth + j] = run[q];
    }
    for (int j = columns; j < kWidth; j++) {
      for (int64_t q = 0; q < n; q++) block[q * kWidth + j] = 0;
    }
  }
}

// A k x columns panel of B as [k][kPanel], its missing columns zero. Element
// (p, j) lies at from[p step + j column]; one of the strides is 1.
template <class S, class T>
void PackPanel(const S* from, int64_t step, int64_t column, int64_t k,
               int columns, T* to) {
  constexpr int kWidth = kPanel<T>;
  if (column == 1) {
    if (columns == kWidth) {
      for (int64_t p = 0; p < k; p++) {
        Widen(from + p * step, to + p * kWidth, kWidth);
      }
      return;
    }
    for (int64_t p = 0; p < k; p++, from += step, to += kWidth) {
      Widen(from, to, columns);
      for (int j = columns; j < kWidth; j++) to[j] = 0;
    }
    return;
  }
  if constexpr (sizeof(S) == sizeof(T)) {
    PackTransposed(from, column, k, columns, to);
  } else {
    constexpr int64_t kRun = 64;
    T wide[kWidth * kRun];
    for (int64_t p = 0; p < k; p += kRun) {
      const int64_t n = Min(kRun, k - p);
      for (int j = 0; j < columns; j++) {
        Widen(from + p + j * column, wide + j * kRun, n);
      }
      PackTransposed(wide, kRun, n, columns, to + p * kWidth);
    }
  }
}

// A rows x k block of A made contiguous along whichever axis is so already.
template <class S, class T>
void PackBlock(const S* from, int64_t row, int64_t step, int64_t rows,
               int64_t k, T* to, int64_t* to_row, int64_t* to_step) {
  const bool by_rows = step == 1;
  const int64_t lines = by_rows ? rows : k;
  const int64_t length = by_rows ? k : rows;
  for (int64_t i = 0; i < lines; i++) {
    Widen(from + i * (by_rows ? row : step), to + i * length, length);
  }
  *to_row = by_rows ? length : 1;
  *to_step = by_rows ? 1 : length;
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
