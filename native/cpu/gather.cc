// take, take_along_axis and their transposes.
#include <cstdint>

#include "../kernel.h"
#include "columns.h"
#include "parallel.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"
#include "half.h"
#include "elementwise.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// Index i of a tensor of int32 or int64, negative ones counted from the end;
// -1 where it is out of range.
KERATIN_INLINE int64_t IndexAt(const TensorView& indices, int64_t i,
                               int64_t length) {
  int64_t index = indices.Index(i);
  if (index < 0) index += length;
  return index >= 0 && index < length ? index : -1;
}

// What an index out of range reads: NaN, the smallest or the largest value.
void MissingValue(DType dtype, uint8_t* value) {
  uint64_t bits = 0;
  switch (dtype) {
    case DType::kFloat16:
      bits = 0x7e00;
      break;
    case DType::kBFloat16:
      bits = 0x7fc0;
      break;
    case DType::kFloat32:
      bits = 0x7fc00000;
      break;
    case DType::kFloat64:
      bits = uint64_t{0x7ff8} << 48;
      break;
    case DType::kInt8:
      bits = 0x80;
      break;
    case DType::kInt16:
      bits = 0x8000;
      break;
    case DType::kInt32:
      bits = 0x80000000;
      break;
    case DType::kInt64:
      bits = uint64_t{1} << 63;
      break;
    case DType::kBool:
      bits = 1;
      break;
    default:
      bits = ~uint64_t{0};
      break;
  }
  __builtin_memcpy(value, &bits, sizeof bits);
}

// Elements [begin, end) of [outer, count], one value each.
template <class T>
void TakeValues(const TensorView& x, const TensorView& indices,
                const TensorView& out, int64_t length, T missing,
                int64_t begin, int64_t end) {
  const int64_t count = indices.size;
  const T* from = x.as<const T>() + begin / count * length;
  T* to = out.as<T>();
  int64_t k = begin % count;
  for (int64_t i = begin; i < end; i++) {
    const int64_t index = IndexAt(indices, k, length);
    to[i] = index < 0 ? missing : from[index];
    if (++k == count) {
      k = 0;
      from += length;
    }
  }
}

// x [outer, length, inner], indices [count] -> [outer, count, inner].
Status Take(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const TensorView& indices = call.inputs[1];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  Attributes attributes = call.attributes();
  const int axis = attributes.Int();
  const int size = ItemSize(x.dtype);
  const auto [outer, length, inner] = ColumnsOf(x, axis);
  const int64_t count = indices.size;
  alignas(8) uint8_t missing[8];
  MissingValue(x.dtype, missing);
  const int64_t row = inner * size;
  const auto value = [&](auto zero) {
    using T = decltype(zero);
    T bits;
    __builtin_memcpy(&bits, missing, sizeof bits);
    ParallelFor(out.size, 2, 16, [&](int64_t begin, int64_t end) {
      TakeValues<T>(x, indices, out, length, bits, begin, end);
    });
    return 0;
  };
  if (inner == 1) {
    switch (size) {
      case 1:
        return value(uint8_t{});
      case 2:
        return value(uint16_t{});
      case 4:
        return value(uint32_t{});
      default:
        return value(uint64_t{});
    }
  }
  ParallelFor(out.size / inner, static_cast<double>(row) * 0.06 + 2, 16,
              [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t index = IndexAt(indices, i % count, length);
      uint8_t* to = out.as<uint8_t>() + i * row;
      if (index < 0) {
        FillBlock(size, to, missing, inner);
      } else {
        __builtin_memcpy(
            to, x.as<const uint8_t>() + (i / count * length + index) * row,
            static_cast<size_t>(row));
      }
    }
  });
  return 0;
}

template <class T>
KERATIN_INLINE void AddRow(T* to, const T* from, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; i++) to[i] = static_cast<T>(to[i] + from[i]);
}

// Indices in ascending order with equal ones in their own order, so that each
// row of the result adds up in one fixed order whoever computes it.
struct Buckets {
  int64_t* starts;  // of each index's places, length + 1
  int64_t* places;
};

bool MakeBuckets(const TensorView& indices, int64_t length, Scratch& scratch,
                 Buckets* buckets) {
  buckets->starts = scratch.Take<int64_t>(length + 2);
  buckets->places = scratch.Take<int64_t>(indices.size + 1);
  if (buckets->starts == nullptr || buckets->places == nullptr) return false;
  int64_t* starts = buckets->starts;
  for (int64_t i = 0; i < length + 2; i++) starts[i] = 0;
  for (int64_t i = 0; i < indices.size; i++) {
    const int64_t index = IndexAt(indices, i, length);
    if (index >= 0) starts[index + 2]++;
  }
  for (int64_t i = 2; i < length + 2; i++) starts[i] += starts[i - 1];
  for (int64_t i = 0; i < indices.size; i++) {
    const int64_t index = IndexAt(indices, i, length);
    if (index >= 0) buckets->places[starts[index + 1]++] = i;
  }
  return true;
}

template <class T>
void SumRows(const T* dy, T* dx, const Buckets& buckets, int64_t outer,
             int64_t count, int64_t length, int64_t inner) {
  ParallelFor(outer * length, static_cast<double>(inner) * 0.3 + 2, 16,
              [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      T* to = dx + i * inner;
      const int64_t index = i % length;
      const T* block = dy + i / length * count * inner;
      for (int64_t k = 0; k < inner; k++) to[k] = T{0};
      for (int64_t p = buckets.starts[index]; p < buckets.starts[index + 1];
           p++) {
        AddRow(to, block + buckets.places[p] * inner, inner);
      }
    }
  });
}

// Halves add up in float32 and are rounded once.
template <class H>
void SumHalfRows(const H* dy, H* dx, const Buckets& buckets, int64_t outer,
                 int64_t count, int64_t length, int64_t inner) {
  ParallelFor(outer * length, static_cast<double>(inner) + 2, 16,
              [&](int64_t begin, int64_t end) {
    alignas(64) float sum[kBlock], wide[kBlock];
    for (int64_t i = begin; i < end; i++) {
      const int64_t index = i % length;
      const H* block = dy + i / length * count * inner;
      for (int64_t c = 0; c < inner; c += kBlock) {
        const int64_t n = inner - c < kBlock ? inner - c : kBlock;
        for (int64_t k = 0; k < n; k++) sum[k] = 0;
        for (int64_t p = buckets.starts[index]; p < buckets.starts[index + 1];
             p++) {
          Widen(block + buckets.places[p] * inner + c, wide, n);
          AddRow(sum, wide, n);
        }
        Narrow(sum, dx + i * inner + c, n);
      }
    }
  });
}

// indices [count], dy [outer, count, inner] -> [outer, length, inner].
Status TakeBackward(const KernelCall& call) {
  const TensorView& indices = call.inputs[0];
  const TensorView& dy = call.inputs[1];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  Attributes attributes = call.attributes();
  const int axis = attributes.Int();
  attributes.Int();
  const auto [outer, length, inner] = ColumnsOf(out, axis);
  Scratch scratch;
  Buckets buckets;
  if (!MakeBuckets(indices, length, scratch, &buckets)) {
    return call.Fail("out of memory: no room to sort %lld indices",
                     static_cast<long long>(indices.size));
  }
  const int64_t count = indices.size;
  switch (dy.dtype) {
    case DType::kFloat16:
      SumHalfRows(dy.as<const Half>(), out.as<Half>(), buckets, outer, count,
                  length, inner);
      break;
    case DType::kBFloat16:
      SumHalfRows(dy.as<const BFloat16>(), out.as<BFloat16>(), buckets, outer,
                  count, length, inner);
      break;
    case DType::kFloat32:
      SumRows(dy.as<const float>(), out.as<float>(), buckets, outer, count,
              length, inner);
      break;
    case DType::kFloat64:
      SumRows(dy.as<const double>(), out.as<double>(), buckets, outer, count,
              length, inner);
      break;
    default:
      switch (ItemSize(dy.dtype)) {
        case 1:
          SumRows(dy.as<const uint8_t>(), out.as<uint8_t>(), buckets, outer,
                  count, length, inner);
          break;
        case 2:
          SumRows(dy.as<const uint16_t>(), out.as<uint16_t>(), buckets, outer,
                  count, length, inner);
          break;
        case 4:
          SumRows(dy.as<const uint32_t>(), out.as<uint32_t>(), buckets, outer,
                  count, length, inner);
          break;
        default:
          SumRows(dy.as<const uint64_t>(), out.as<uint64_t>(), buckets, outer,
                  count, length, inner);
          break;
      }
  }
  return 0;
}

// x [outer, length, inner], indices [outer, count, inner] -> that shape.
template <class T>
void TakeAlong(const TensorView& x, const TensorView& indices, T* out,
               int64_t length, int64_t count, int64_t inner, T missing) {
  ParallelFor(indices.size, 1.5, 256, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t index = IndexAt(indices, i, length);
      const int64_t outer = i / (count * inner);
      out[i] = index < 0 ? missing
                         : x.as<const T>()[(outer * length + index) * inner +
                                           i % inner];
    }
  });
}

Status TakeAlongAxis(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const TensorView& indices = call.inputs[1];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  Attributes attributes = call.attributes();
  const int axis = attributes.Int();
  const auto [outer, length, inner] = ColumnsOf(x, axis);
  const int64_t count = indices.shape[axis];
  alignas(8) uint8_t missing[8];
  MissingValue(x.dtype, missing);
  uint64_t bits;
  __builtin_memcpy(&bits, missing, sizeof bits);
  switch (ItemSize(x.dtype)) {
    case 1:
      TakeAlong(x, indices, out.as<uint8_t>(), length, count, inner,
                static_cast<uint8_t>(bits));
      break;
    case 2:
      TakeAlong(x, indices, out.as<uint16_t>(), length, count, inner,
                static_cast<uint16_t>(bits));
      break;
    case 4:
      TakeAlong(x, indices, out.as<uint32_t>(), length, count, inner,
                static_cast<uint32_t>(bits));
      break;
    default:
      TakeAlong(x, indices, out.as<uint64_t>(), length, count, inner, bits);
      break;
  }
  return 0;
}

template <class T>
void ScatterColumn(const TensorView& indices, const T* dy, T* dx,
                   int64_t length, int64_t count, int64_t inner, int64_t o,
                   int64_t k) {
  for (int64_t j = 0; j < length; j++) dx[(o * length + j) * inner + k] = T{0};
  for (int64_t j = 0; j < count; j++) {
    const int64_t at = (o * count + j) * inner + k;
    const int64_t index = IndexAt(indices, at, length);
    if (index >= 0) {
      T& to = dx[(o * length + index) * inner + k];
      to = static_cast<T>(to + dy[at]);
    }
  }
}

template <class H>
bool ScatterHalfColumn(const TensorView& indices, const H* dy, H* dx,
                       int64_t length, int64_t count, int64_t inner, int64_t o,
                       int64_t k) {
  Scratch scratch;
  float* sum = scratch.Take<float>(length);
  if (sum == nullptr) return false;
  for (int64_t j = 0; j < length; j++) sum[j] = 0;
  for (int64_t j = 0; j < count; j++) {
    const int64_t at = (o * count + j) * inner + k;
    const int64_t index = IndexAt(indices, at, length);
    if (index >= 0) sum[index] += ToFloat(dy[at]);
  }
  for (int64_t j = 0; j < length; j++) {
    Narrow(sum + j, dx + (o * length + j) * inner + k, 1);
  }
  return true;
}

Status TakeAlongAxisBackward(const KernelCall& call) {
  const TensorView& indices = call.inputs[0];
  const TensorView& dy = call.inputs[1];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  Attributes attributes = call.attributes();
  const int axis = attributes.Int();
  const auto [outer, length, inner] = ColumnsOf(out, axis);
  const int64_t count = indices.shape[axis];
  volatile bool complete = true;
  // A column belongs to one worker: sums come in the order of the indices.
  ParallelFor(outer * inner, static_cast<double>(length + 2 * count), 1,
              [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; c++) {
      const int64_t o = c / inner;
      const int64_t k = c % inner;
#define KERATIN_SCATTER(type)                                             \
  ScatterColumn(indices, dy.as<const type>(), out.as<type>(), length, count, \
                inner, o, k)
      switch (dy.dtype) {
        case DType::kFloat16:
          if (!ScatterHalfColumn(indices, dy.as<const Half>(), out.as<Half>(),
                                 length, count, inner, o, k)) {
            complete = false;
          }
          break;
        case DType::kBFloat16:
          if (!ScatterHalfColumn(indices, dy.as<const BFloat16>(),
                                 out.as<BFloat16>(), length, count, inner, o,
                                 k)) {
            complete = false;
          }
          break;
        case DType::kFloat32:
          KERATIN_SCATTER(float);
          break;
        case DType::kFloat64:
          KERATIN_SCATTER(double);
          break;
        default:
          switch (ItemSize(dy.dtype)) {
            case 1:
              KERATIN_SCATTER(uint8_t);
              break;
            case 2:
              KERATIN_SCATTER(uint16_t);
              break;
            case 4:
              KERATIN_SCATTER(uint32_t);
              break;
            default:
              KERATIN_SCATTER(uint64_t);
              break;
          }
      }
#undef KERATIN_SCATTER
    }
  });
  return complete ? 0 : call.Fail("out of memory: no room for a column of sums");
}

}  // namespace

void Register_gather(Registry& registry) {
  registry.Add("take", Take, kAllDTypes);
  registry.Add("take_along_axis", TakeAlongAxis, kAllDTypes);
  // The first input is the indices.
  constexpr DTypeMask kIndices = Mask(DType::kInt32) | Mask(DType::kInt64);
  registry.Add("take_backward", TakeBackward, kIndices);
  registry.Add("take_along_axis_backward", TakeAlongAxisBackward, kIndices);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
