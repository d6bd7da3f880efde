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
// updates; integers wrap; NaN propagates through the extremes.
template <Reduction kReduction, class T>
KERATIN_INLINE T Combine(T a, T b) {
  if constexpr (kReduction == Reduction::kSet) {
    return b;
  } else if constexpr (std::is_same_v<T, Half>) {
    return ToHalf(Combine<kReduction>(ToFloat(a), ToFloat(b)));
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    return ToBFloat16(Combine<kReduction>(ToFloat(a), ToFloat(b)));
  } else if constexpr (kReduction == Reduction::kMax) {
    return a != a || a > b ? a : b;
  } else if constexpr (kReduction == Reduction::kMin) {
    return a != a || a < b ? a : b;
  } else if constexpr (std::is_integral_v<T>) {
    const auto x = static_cast<uint64_t>(a);
    const auto y = static_cast<uint64_t>(b);
    return static_cast<T>(kReduction == Reduction::kAdd ? x + y : x * y);
  } else {
    return kReduction == Reduction::kAdd ? a + b : a * b;
  }
}

KERATIN_INLINE int64_t IndexAt(const TensorView& indices, int64_t i, int64_t length) {
  const int64_t index = indices.Index(i);
  return index >= 0 && index < length ? index : -1;
}

// Each worker owns a range of rows and goes through all updates in order: the
// result does not depend on the number of workers.
template <Reduction kReduction, class T>
void ScatterWith(const TensorView& indices, const T* updates, T* out,
                 int64_t rows, int64_t width) {
  // With narrow rows most of the time goes to the indices, which every worker
  // has to read: one is enough.
  constexpr int64_t kNarrow = 8;
  const double work = width < kNarrow ? 0
                                      : static_cast<double>(indices.size * width) /
                                            static_cast<double>(rows);
  ParallelFor(rows, work, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < indices.size; i++) {
      const int64_t row = IndexAt(indices, i, rows);
      if (row < begin || row >= end) continue;
      if (width == 1) {
        out[row] = Combine<kReduction>(out[row], updates[i]);
        continue;
      }
      T* target = out + row * width;
      const T* update = updates + i * width;
      for (int64_t k = 0; k < width; k++) {
        target[k] = Combine<kReduction>(target[k], update[k]);
      }
    }
  });
}

template <class T>
void Scatter(const TensorView& indices, const TensorView& updates,
             const TensorView& output, Reduction reduction, int64_t rows,
             int64_t width) {
  const T* from = updates.as<const T>();
  T* out = output.as<T>();
  switch (reduction) {
    case Reduction::kSet:
      return ScatterWith<Reduction::kSet>(indices, from, out, rows, width);
    case Reduction::kAdd:
      return ScatterWith<Reduction::kAdd>(indices, from, out, rows, width);
    case Reduction::kMax:
      return ScatterWith<Reduction::kMax>(indices, from, out, rows, width);
    case Reduction::kMin:
      return ScatterWith<Reduction::kMin>(indices, from, out, rows, width);
    case Reduction::kMul:
      return ScatterWith<Reduction::kMul>(indices, from, out, rows, width);
  }
}

// indices: [n, depth] into the first axes of a shape -> the flat number of what
// each names; -1 where it is outside. Negative ones count from the end.
Status RavelIndex(const KernelCall& call) {
  const TensorView& indices = call.inputs[0];
  const TensorView& out = call.outputs[0];
  int depth;
  Attributes attributes = call.attributes();
  const int32_t* shape = attributes.Ints(&depth);
  int32_t* to = out.as<int32_t>();
  ParallelFor(out.size, 2.0 * depth, 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      int64_t flat = 0;
      bool inside = true;
      for (int axis = 0; axis < depth; axis++) {
        int64_t index = indices.Index(i * depth + axis);
        if (index < 0) index += shape[axis];
        inside = inside && index >= 0 && index < shape[axis];
        if (inside) flat = flat * shape[axis] + index;
      }
      to[i] = inside ? static_cast<int32_t>(flat) : -1;
    }
  });
  return 0;
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
  registry.Add("ravel_index", RavelIndex,
               Mask(DType::kInt32) | Mask(DType::kInt64));
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
