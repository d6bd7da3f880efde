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

// For each value how many of `sorted` stand before it; with kRight those that
// equal it too. The step is a conditional move: no branch to mispredict.
template <bool kRight, class T>
void Search(const T* sorted, int64_t length, const T* values, int32_t* out,
            int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const T value = values[i];
    const T* base = sorted;
    int64_t rest = length;
    while (rest > 1) {
      const int64_t half = rest / 2;
      const T pivot = base[half - 1];
      const bool behind =
          kRight ? !Before(value, pivot) : Before(pivot, value);
      base = behind ? base + half : base;
      rest -= half;
    }
    int64_t at = base - sorted;
    if (rest == 1) {
      at += kRight ? !Before(value, *base) : Before(*base, value);
    }
    out[i] = static_cast<int32_t>(at);
  }
}

template <bool kRight, class H>
void SearchHalves(const H* sorted, int64_t length, const H* values,
                  int32_t* out, int64_t n) {
  alignas(64) float wide[kBlock];
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t m = n - i < kBlock ? n - i : kBlock;
    Widen(values + i, wide, m);
    for (int64_t j = 0; j < m; j++) {
      const float value = wide[j];
      int64_t low = 0, high = length;
      while (low < high) {
        const int64_t middle = (low + high) / 2;
        float pivot;
        Widen(sorted + middle, &pivot, 1);
        const bool behind =
            kRight ? !Before(value, pivot) : Before(pivot, value);
        if (behind) {
          low = middle + 1;
        } else {
          high = middle;
        }
      }
      out[i + j] = static_cast<int32_t>(low);
    }
  }
}

template <bool kRight>
void SearchRange(const TensorView& sorted, const TensorView& values,
                 int32_t* out, int64_t begin, int64_t end) {
  const int64_t length = sorted.size;
  const int64_t n = end - begin;
  out += begin;
#define KERATIN_SEARCH(function, T)                          \
  function<kRight>(sorted.as<const T>(), length,             \
                   values.as<const T>() + begin, out, n)
  switch (values.dtype) {
    case DType::kBool:
    case DType::kUInt8:
      return KERATIN_SEARCH(Search, uint8_t);
    case DType::kInt8:
      return KERATIN_SEARCH(Search, int8_t);
    case DType::kUInt16:
      return KERATIN_SEARCH(Search, uint16_t);
    case DType::kInt16:
      return KERATIN_SEARCH(Search, int16_t);
    case DType::kUInt32:
      return KERATIN_SEARCH(Search, uint32_t);
    case DType::kInt32:
      return KERATIN_SEARCH(Search, int32_t);
    case DType::kUInt64:
      return KERATIN_SEARCH(Search, uint64_t);
    case DType::kInt64:
      return KERATIN_SEARCH(Search, int64_t);
    case DType::kFloat16:
      return KERATIN_SEARCH(SearchHalves, Half);
    case DType::kBFloat16:
      return KERATIN_SEARCH(SearchHalves, BFloat16);
    case DType::kFloat32:
      return KERATIN_SEARCH(Search, float);
    case DType::kFloat64:
      return KERATIN_SEARCH(Search, double);
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
  ParallelFor(values.size, 2 * steps, 1, [&](int64_t begin, int64_t end) {
    if (right) {
      SearchRange<true>(sorted, values, out, begin, end);
    } else {
      SearchRange<false>(sorted, values, out, begin, end);
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
