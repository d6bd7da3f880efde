// Binary search in sorted sequences.
#include <cstdint>

#include "../kernel.h"
#include "parallel.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"
#include "half.h"
#include "elementwise.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// The order of `sort`: NaN behind everything else.
template <class T>
KERATIN_INLINE bool Before(T a, T b) {
  return a < b || (b != b && a == a);
}

// Values that are searched together: their steps are independent of each other.
constexpr int64_t kTogether = 16;

// For each value how many of `sorted` stand before it; with kRight those that
// equal it too. Every value takes the same steps, by conditional moves: there
// is no branch to mispredict, and the loads of one hide those of another.
template <bool kRight, class T>
void Search(const T* sorted, int64_t length, const T* values, int32_t* out,
            int64_t n) {
  // For numbers; whether the value stands behind the pivot.
  const auto behind = [](T pivot, T value) __attribute__((always_inline)) {
    return kRight ? pivot <= value : pivot < value;
  };
  int64_t numbers = length;
  while (numbers > 0 && sorted[numbers - 1] != sorted[numbers - 1]) numbers--;
  for (int64_t i = 0; i < n; i += kTogether) {
    const int64_t count = n - i < kTogether ? n - i : kTogether;
    T value[kTogether] = {};
    int32_t place[kTogether] = {};
    for (int64_t j = 0; j < count; j++) value[j] = values[i + j];
    int64_t rest = numbers;
    while (rest > 1) {
      const auto half = static_cast<int32_t>(rest / 2);
#pragma GCC unroll 16
      for (int64_t j = 0; j < kTogether; j++) {
        const T pivot = sorted[place[j] + half - 1];
        place[j] += half & -static_cast<int32_t>(behind(pivot, value[j]));
      }
      rest -= half;
    }
    for (int64_t j = 0; j < count; j++) {
      if (value[j] != value[j]) {
        place[j] = static_cast<int32_t>(kRight ? length : numbers);
      } else if (rest == 1) {
        place[j] += behind(sorted[place[j]], value[j]);
      }
      out[i + j] = place[j];
    }
  }
}

// `sorted` is widened already.
template <bool kRight, class H>
void SearchHalves(const float* sorted, int64_t length, const H* values,
                  int32_t* out, int64_t n) {
  alignas(64) float wide[kBlock];
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t m = n - i < kBlock ? n - i : kBlock;
    Widen(values + i, wide, m);
    Search<kRight>(sorted, length, wide, out + i, m);
  }
}

template <bool kRight>
void SearchRange(const void* sorted, int64_t length,
                 const TensorView& values, int32_t* out, int64_t begin, int64_t end) {
  const int64_t n = end - begin;
  out += begin;
#define KERATIN_SEARCH(function, S, T)                       \
  function<kRight>(static_cast<const S*>(sorted), length,    \
                   values.as<const T>() + begin, out, n)
  switch (values.dtype) {
    case DType::kBool:
    case DType::kUInt8:
      return KERATIN_SEARCH(Search, uint8_t, uint8_t);
    case DType::kInt8:
      return KERATIN_SEARCH(Search, int8_t, int8_t);
    case DType::kUInt16:
      return KERATIN_SEARCH(Search, uint16_t, uint16_t);
    case DType::kInt16:
      return KERATIN_SEARCH(Search, int16_t, int16_t);
    case DType::kUInt32:
      return KERATIN_SEARCH(Search, uint32_t, uint32_t);
    case DType::kInt32:
      return KERATIN_SEARCH(Search, int32_t, int32_t);
    case DType::kUInt64:
      return KERATIN_SEARCH(Search, uint64_t, uint64_t);
    case DType::kInt64:
      return KERATIN_SEARCH(Search, int64_t, int64_t);
    case DType::kFloat16:
      return KERATIN_SEARCH(SearchHalves, float, Half);
    case DType::kBFloat16:
      return KERATIN_SEARCH(SearchHalves, float, BFloat16);
    case DType::kFloat32:
      return KERATIN_SEARCH(Search, float, float);
    case DType::kFloat64:
      return KERATIN_SEARCH(Search, double, double);
  }
#undef KERATIN_SEARCH
}

// sorted [n], values [...] of one dtype; the places are int32.
Status Searchsorted(const KernelCall& call) {
  const TensorView& sorted = call.inputs[0];
  const TensorView& values = call.inputs[1];
  int32_t* out = call.outputs[0].as<int32_t>();
  const bool right = call.attributes().Bool();
  const double steps = sorted.size > 1
                           ? 64 - __builtin_clzll(static_cast<uint64_t>(
                                      sorted.size))
                           : 1;
  Scratch scratch;
  const void* data = sorted.data;
  if (Mask(sorted.dtype) & (Mask(DType::kFloat16) | Mask(DType::kBFloat16))) {
    float* wide = scratch.Take<float>(sorted.size);
    if (wide == nullptr) {
      return call.Fail("out of memory: no room for %lld values",
                       static_cast<long long>(sorted.size));
    }
    if (sorted.dtype == DType::kFloat16) {
      Widen(sorted.as<const Half>(), wide, sorted.size);
    } else {
      Widen(sorted.as<const BFloat16>(), wide, sorted.size);
    }
    data = wide;
  }
  ParallelFor(values.size, 2 * steps, 1, [&](int64_t begin, int64_t end) {
    if (right) {
      SearchRange<true>(data, sorted.size, values, out, begin, end);
    } else {
      SearchRange<false>(data, sorted.size, values, out, begin, end);
    }
  });
  return 0;
}

}  // namespace

void Register_search(Registry& registry) {
  registry.Add("searchsorted", Searchsorted, kAllDTypes);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
