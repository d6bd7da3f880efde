// Conversion between dtypes.
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

template <class T>
constexpr bool kIsFloat = static_cast<T>(0.5) != T{0};

// The range of an integer type as floats: from kLow up to before kHigh.
template <class T>
struct Range {
  static constexpr bool kSigned = static_cast<T>(-1) < T{0};
  static constexpr int kBits = sizeof(T) * 8 - (kSigned ? 1 : 0);
  static constexpr double kHigh =
      2.0 * static_cast<double>(uint64_t{1} << (kBits - 1));
  static constexpr double kLow = kSigned ? -kHigh : 0.0;
  static constexpr T kMax = static_cast<T>(~uint64_t{0} >> (64 - kBits));
  static constexpr T kMin = static_cast<T>(kSigned ? ~kMax : T{0});
};

template <class From, class To>
KERATIN_INLINE To Convert(From x) {
  if constexpr (kIsFloat<From> && !kIsFloat<To>) {
    // Saturates; NaN becomes 0.
    using R = Range<To>;
    if (x != x) return 0;
    if (x >= static_cast<From>(R::kHigh)) return R::kMax;
    if (x <= static_cast<From>(R::kLow)) return R::kMin;
    return static_cast<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

template <class From, class To>
void Loop(const void* a, void* out, int64_t n) {
  const From* x = static_cast<const From*>(a);
  To* y = static_cast<To*>(out);
  for (int64_t i = 0; i < n; i++) y[i] = Convert<From, To>(x[i]);
}

template <class From>
void ToBoolLoop(const void* a, void* out, int64_t n) {
  const From* x = static_cast<const From*>(a);
  bool* y = static_cast<bool*>(out);
  for (int64_t i = 0; i < n; i++) y[i] = x[i] != From{0};
}

template <class From>
Loop1 FromWhole(DType to) {
  switch (to) {
    case DType::kBool:
      return ToBoolLoop<From>;
    case DType::kUInt8:
      return Loop<From, uint8_t>;
    case DType::kInt8:
      return Loop<From, int8_t>;
    case DType::kUInt16:
      return Loop<From, uint16_t>;
    case DType::kInt16:
      return Loop<From, int16_t>;
    case DType::kUInt32:
      return Loop<From, uint32_t>;
    case DType::kInt32:
      return Loop<From, int32_t>;
    case DType::kUInt64:
      return Loop<From, uint64_t>;
    case DType::kInt64:
      return Loop<From, int64_t>;
    case DType::kFloat64:
      return Loop<From, double>;
    default:  // halves go through float32
      return Loop<From, float>;
  }
}

Loop1 From(DType from, DType to) {
  switch (from) {
    case DType::kBool:
    case DType::kUInt8:
      return FromWhole<uint8_t>(to);
    case DType::kInt8:
      return FromWhole<int8_t>(to);
    case DType::kUInt16:
      return FromWhole<uint16_t>(to);
    case DType::kInt16:
      return FromWhole<int16_t>(to);
    case DType::kUInt32:
      return FromWhole<uint32_t>(to);
    case DType::kInt32:
      return FromWhole<int32_t>(to);
    case DType::kUInt64:
      return FromWhole<uint64_t>(to);
    case DType::kInt64:
      return FromWhole<int64_t>(to);
    case DType::kFloat64:
      return FromWhole<double>(to);
    default:
      return FromWhole<float>(to);
  }
}

void WidenBlock(DType dtype, const uint8_t* from, float* to, int64_t n) {
  if (dtype == DType::kFloat16) {
    Widen(reinterpret_cast<const Half*>(from), to, n);
  } else {
    Widen(reinterpret_cast<const BFloat16*>(from), to, n);
  }
}

void NarrowBlock(DType dtype, const float* from, uint8_t* to, int64_t n) {
  if (dtype == DType::kFloat16) {
    Narrow(from, reinterpret_cast<Half*>(to), n);
  } else {
    Narrow(from, reinterpret_cast<BFloat16*>(to), n);
  }
}

bool IsHalf(DType dtype) {
  return dtype == DType::kFloat16 || dtype == DType::kBFloat16;
}

Status Cast(const KernelCall& call) {
  const TensorView& in = call.inputs[0];
  const TensorView& out = call.outputs[0];
  if (in.size == 0) return 0;
  const bool from_half = IsHalf(in.dtype);
  const bool to_half = IsHalf(out.dtype);
  const Loop1 loop = From(in.dtype, out.dtype);
  const int64_t in_size = ItemSize(in.dtype);
  const int64_t out_size = ItemSize(out.dtype);
  ParallelFor(in.size, 0.3, kBlock, [&](int64_t begin, int64_t end) {
    const uint8_t* x = in.as<const uint8_t>() + begin * in_size;
    uint8_t* y = out.as<uint8_t>() + begin * out_size;
    const int64_t n = end - begin;
    if (!from_half && !to_half) {
      loop(x, y, n);
      return;
    }
    alignas(64) float wide[kBlock];
    for (int64_t i = 0; i < n; i += kBlock) {
      const int64_t m = n - i < kBlock ? n - i : kBlock;
      const uint8_t* from = x + i * in_size;
      uint8_t* to = y + i * out_size;
      if (from_half) {
        WidenBlock(in.dtype, from, wide, m);
      } else {
        loop(from, wide, m);
      }
      if (to_half) {
        NarrowBlock(out.dtype, wide, to, m);
      } else {
        loop(wide, to, m);
      }
    }
  });
  return 0;
}

Status Bitcast(const KernelCall& call) {
  const TensorView& in = call.inputs[0];
  if (in.size > 0) {
    __builtin_memcpy(call.outputs[0].data, in.data,
                     static_cast<size_t>(in.bytes()));
  }
  return 0;
}

}  // namespace

void Register_cast(Registry& registry) {
  registry.Add("cast", Cast, kAllDTypes);
  registry.Add("bitcast", Bitcast, kAllDTypes);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
