// What reductions do with two elements, and rows of contiguous elements reduced
// in a fixed order. Retargeted: include after half.h.
#pragma once

#include <type_traits>

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// Elements of a row that are reduced in lanes before partial results are
// combined in pairs.
constexpr int64_t kLeaf = 2048;
// Partial results that a compiler keeps in vectors.
constexpr int kLanes = 16;
struct SumOf {
  static constexpr bool kOrders = false;
  template <class T>
  static T Start() {
    return T{0};
  }
  template <class T>
  static T Do(T a, T b) {
    return static_cast<T>(a + b);
  }
};
struct ProdOf {
  static constexpr bool kOrders = false;
  template <class T>
  static T Start() {
    return T{1};
  }
  template <class T>
  static T Do(T a, T b) {
    return static_cast<T>(a * b);
  }
  static uint16_t Do(uint16_t a, uint16_t b) {
    return static_cast<uint16_t>(uint32_t{a} * uint32_t{b});
  }
};
template <class T>
constexpr bool kIsFloat = static_cast<T>(0.5) != T{0};
template <class T>
constexpr bool kIsSigned = static_cast<T>(-1) < T{0};
template <class T>
KERATIN_INLINE T Lowest() {
  if constexpr (kIsFloat<T>) {
    return -static_cast<T>(__builtin_inf());
  } else if constexpr (kIsSigned<T>) {
    return static_cast<T>(uint64_t{1} << (sizeof(T) * 8 - 1));
  } else {
    return T{0};
  }
}
template <class T>
KERATIN_INLINE T Highest() {
  if constexpr (kIsFloat<T>) {
    return static_cast<T>(__builtin_inf());
  } else {
    return static_cast<T>(~Lowest<T>());
  }
}
struct MaxOf {
  static constexpr bool kOrders = true;
  template <class T>
  static T Start() {
    return Lowest<T>();
  }
  template <class T>
  static T Do(T a, T b) {
    // Without a branch, so that lanes stay vectors.
    return static_cast<bool>((a > b) | (a != a)) ? a : b;
  }
};
struct MinOf {
  static constexpr bool kOrders = true;
  template <class T>
  static T Start() {
    return Highest<T>();
  }
  template <class T>
  static T Do(T a, T b) {
    return static_cast<bool>((a < b) | (a != a)) ? a : b;
  }
};

// Where n > leaf elements are halved: the left part is a power of two of
// leaves, whatever n is.
KERATIN_INLINE int64_t LeftPart(int64_t n, int64_t leaf) {
  const uint64_t leaves = static_cast<uint64_t>((n - 1) / leaf);
  return leaf << (63 - __builtin_clzll(leaves));
}

// The extreme of contiguous float32: in vectors, NaN noted beside it.
template <class Op>
KERATIN_INLINE float ExtremeOf(const float* x, int64_t n) {
  constexpr int kWidth = Vec::kLanes;
  constexpr int kVectors = 4;
  const auto better = [](Vec a, Vec b) {
    return std::is_same_v<Op, MaxOf> ? RawMax(a, b) : RawMin(a, b);
  };
  Vec best[kVectors];
  for (int v = 0; v < kVectors; v++) best[v] = Set(Op::template Start<float>());
  Lanes nan = IsNan(best[0]);
  int64_t i = 0;
  for (; i + kVectors * kWidth <= n; i += kVectors * kWidth) {
    for (int v = 0; v < kVectors; v++) {
      const Vec value = Load(x + i + v * kWidth);
      nan = Or(nan, IsNan(value));
      best[v] = better(best[v], value);
    }
  }
  if (Any(nan)) return __builtin_nanf("");
  float lanes[kWidth];
  Store(lanes, better(better(best[0], best[1]), better(best[2], best[3])));
  float result = lanes[0];
  for (int l = 1; l < kWidth; l++) result = Op::Do(result, lanes[l]);
  for (; i < n; i++) result = Op::Do(result, x[i]);
  return result;
}

// Contiguous elements.
template <class Op, class T>
__attribute__((noinline)) T ReduceLeaf(const T* x, int64_t n) {
  if constexpr (std::is_same_v<T, float> &&
                (std::is_same_v<Op, MaxOf> || std::is_same_v<Op, MinOf>)) {
    return ExtremeOf<Op>(x, n);
  }
  T lanes[kLanes];
  for (int l = 0; l < kLanes; l++) lanes[l] = Op::template Start<T>();
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int l = 0; l < kLanes; l++) lanes[l] = Op::Do(lanes[l], x[i + l]);
  }
  for (int l = 0; i < n; i++, l++) lanes[l] = Op::Do(lanes[l], x[i]);
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int l = 0; l < width; l++) lanes[l] = Op::Do(lanes[l], lanes[l + width]);
  }
  return lanes[0];
}

// What elements of type S are reduced in.
template <class S>
using Wide = std::conditional_t<
    std::is_same_v<S, Half> || std::is_same_v<S, BFloat16>, float, S>;

template <class Op, class S>
__attribute__((noinline)) Wide<S> ReduceRow(const S* x, int64_t n) {
  using T = Wide<S>;
  if (n <= kLeaf) {
    if constexpr (std::is_same_v<S, T>) {
      return ReduceLeaf<Op, T>(x, n);
    } else {
      alignas(64) T wide[kLeaf];
      Widen(x, wide, n);
      return ReduceLeaf<Op, T>(wide, n);
    }
  }
  const int64_t left = LeftPart(n, kLeaf);
  return Op::Do(ReduceRow<Op, S>(x, left),
                ReduceRow<Op, S>(x + left, n - left));
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
