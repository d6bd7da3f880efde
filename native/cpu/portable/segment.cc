// Reductions of the slices of each segment. A thread owns columns and takes
// the slices in their order, so the result does not depend on their number.
// Segments that do not exist take no part.
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "../../kernel.h"
#include "../parallel.h"

namespace keratin {
namespace portable {
namespace {

struct Sum {
  template <class T>
  static T Start() {
    return 0;
  }
  template <class T>
  static T Of(T a, T b) {
    // Unsigned, so that integers wrap.
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
    } else {
      return a + b;
    }
  }
};
struct Product {
  template <class T>
  static T Start() {
    return 1;
  }
  template <class T>
  static T Of(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
    } else {
      return a * b;
    }
  }
};
// NaN wins.
struct Maximum {
  template <class T>
  static T Start() {
    return std::numeric_limits<T>::lowest();
  }
  template <class T>
  static T Of(T a, T b) {
    return a >= b || a != a ? a : b;
  }
};
struct Minimum {
  template <class T>
  static T Start() {
    return std::numeric_limits<T>::max();
  }
  template <class T>
  static T Of(T a, T b) {
    return a <= b || a != a ? a : b;
  }
};

// T is the stored type, W the one computed in.
template <class Op, class T, class W>
void Reduce(const TensorView& data, const TensorView& ids,
            const TensorView& out) {
  const int64_t rows = ids.size;
  const int64_t segments = out.shape[0];
  const int64_t columns = out.size / segments;
  ParallelFor(columns, static_cast<double>(rows + segments) * 0.7, 16,
              [&](int64_t begin, int64_t end) {
    const int64_t width = end - begin;
    // The start in the stored type, so that it is one of its values.
    std::vector<W> totals(static_cast<size_t>(segments * width),
                          static_cast<W>(Op::template Start<T>()));
    for (int64_t i = 0; i < rows; i++) {
      const int64_t id = ids.Index(i);
      if (id < 0 || id >= segments) continue;
      const T* from = data.as<const T>() + i * columns + begin;
      W* to = totals.data() + id * width;
      for (int64_t j = 0; j < width; j++) {
        to[j] = Op::Of(to[j], static_cast<W>(from[j]));
      }
    }
    for (int64_t s = 0; s < segments; s++) {
      for (int64_t j = 0; j < width; j++) {
        out.as<T>()[s * columns + begin + j] =
            static_cast<T>(totals[s * width + j]);
      }
    }
  });
}

// data [N, ...], ids: int32 or int64 [N] -> [segments, ...].
template <class Op>
Status Segment(const KernelCall& call) {
  const TensorView& data = call.inputs[0];
  const TensorView& ids = call.inputs[1];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  switch (data.dtype) {
    case DType::kFloat32:
      Reduce<Op, float, double>(data, ids, out);
      break;
    case DType::kFloat64:
      Reduce<Op, double, double>(data, ids, out);
      break;
    case DType::kInt8:
      Reduce<Op, int8_t, int8_t>(data, ids, out);
      break;
    case DType::kUInt8:
      Reduce<Op, uint8_t, uint8_t>(data, ids, out);
      break;
    case DType::kInt16:
      Reduce<Op, int16_t, int16_t>(data, ids, out);
      break;
    case DType::kUInt16:
      Reduce<Op, uint16_t, uint16_t>(data, ids, out);
      break;
    case DType::kInt32:
      Reduce<Op, int32_t, int32_t>(data, ids, out);
      break;
    case DType::kUInt32:
      Reduce<Op, uint32_t, uint32_t>(data, ids, out);
      break;
    case DType::kInt64:
      Reduce<Op, int64_t, int64_t>(data, ids, out);
      break;
    default:
      Reduce<Op, uint64_t, uint64_t>(data, ids, out);
      break;
  }
  return 0;
}

}  // namespace

void Register_segment(Registry& registry) {
  constexpr DTypeMask kDTypes =
      kIntegers | Mask(DType::kFloat32) | Mask(DType::kFloat64);
  registry.Add("segment_sum", Segment<Sum>, kDTypes);
  registry.Add("segment_prod", Segment<Product>, kDTypes);
  registry.Add("segment_max", Segment<Maximum>, kDTypes);
  registry.Add("segment_min", Segment<Minimum>, kDTypes);
}

}  // namespace portable
}  // namespace keratin
