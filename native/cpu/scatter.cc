// scatter_update: rows of a tensor replaced by, or combined with, updates.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "../kernel.h"
#include "parallel.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"
#include "half.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

enum class Reduction { kSet, kAdd, kMax, kMin, kMul };

// Half types combine in float32 and round each time, in the order of the
// updates; integers wrap.
template <class T>
KERATIN_INLINE T Combine(Reduction reduction, T a, T b) {
  if constexpr (std::is_same_v<T, Half>) {
    return ToHalf(Combine(reduction, ToFloat(a), ToFloat(b)));
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    return ToBFloat16(Combine(reduction, ToFloat(a), ToFloat(b)));
  } else {
    switch (reduction) {
      case Reduction::kAdd:
      case Reduction::kMul:
        if constexpr (std::is_integral_v<T>) {
          const auto x = static_cast<uint64_t>(a);
          const auto y = static_cast<uint64_t>(b);
          return static_cast<T>(reduction == Reduction::kAdd ? x + y : x * y);
        } else {
          return reduction == Reduction::kAdd ? a + b : a * b;
        }
      // NaN propagates.
      case Reduction::kMax:
        return a != a || a > b ? a : b;
      case Reduction::kMin:
        return a != a || a < b ? a : b;
      default:
        return b;
    }
  }
}

KERATIN_INLINE int64_t IndexAt(const TensorView& indices, int64_t i, int64_t length) {
  const int64_t index = indices.dtype == DType::kInt32
                            ? indices.as<const int32_t>()[i]
                            : indices.as<const int64_t>()[i];
  return index >= 0 && index < length ? index : -1;
}

// Each worker owns a range of rows and goes through all updates in order: the
// result does not depend on the number of workers.
template <class T>
void Scatter(const TensorView& indices, const TensorView& updates,
             const TensorView& output, Reduction reduction, int64_t rows,
             int64_t width) {
  T* out = output.as<T>();
  const T* from = updates.as<const T>();
  const double work = static_cast<double>(updates.size) /
                      static_cast<double>(std::max<int64_t>(rows, 1));
  ParallelFor(rows, 1 + work, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < indices.size; i++) {
      const int64_t row = IndexAt(indices, i, rows);
      if (row < begin || row >= end) continue;
      T* target = out + row * width;
      const T* update = from + i * width;
      if (reduction == Reduction::kSet) {
        std::memcpy(target, update, static_cast<size_t>(width) * sizeof(T));
        continue;
      }
      for (int64_t k = 0; k < width; k++) {
        target[k] = Combine(reduction, target[k], update[k]);
      }
    }
  });
}

// x: [rows, width], indices: [n], updates: [n, width]; rows out of range are
// left out.
Status ScatterUpdate(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const TensorView& indices = call.inputs[1];
  const TensorView& updates = call.inputs[2];
  const TensorView& output = call.outputs[0];
  const auto reduction = static_cast<Reduction>(call.attributes().Int());
  if (x.size == 0) return 0;
  std::memcpy(output.data, x.data, static_cast<size_t>(x.bytes()));
  const int64_t rows = x.shape[0];
  const int64_t width = x.shape[1];
  const auto run = [&](auto zero) {
    Scatter<decltype(zero)>(indices, updates, output, reduction, rows, width);
  };
  switch (x.dtype) {
    case DType::kBool:
    case DType::kUInt8:
      run(uint8_t{});
      break;
    case DType::kInt8:
      run(int8_t{});
      break;
    case DType::kUInt16:
      run(uint16_t{});
      break;
    case DType::kInt16:
      run(int16_t{});
      break;
    case DType::kUInt32:
      run(uint32_t{});
      break;
    case DType::kInt32:
      run(int32_t{});
      break;
    case DType::kUInt64:
      run(uint64_t{});
      break;
    case DType::kInt64:
      run(int64_t{});
      break;
    case DType::kFloat16:
      run(Half{});
      break;
    case DType::kBFloat16:
      run(BFloat16{});
      break;
    case DType::kFloat32:
      run(float{});
      break;
    case DType::kFloat64:
      run(double{});
      break;
  }
  return 0;
}

}  // namespace

void Register_scatter(Registry& registry) {
  registry.Add("scatter_update", ScatterUpdate, kAllDTypes);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
