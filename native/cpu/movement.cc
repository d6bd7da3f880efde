// Ops that move elements: broadcast, transpose, slice, pad, flip,
// concatenate; and fills.
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

// Nanoseconds an element costs when it is copied.
constexpr double kCopy = 0.25;

KERATIN_INLINE void CopyBytes(void* to, const void* from, int64_t bytes) {
  __builtin_memcpy(to, from, static_cast<size_t>(bytes));
}

// Copies n elements that lie `stride` elements apart.
template <class T>
void Gather(T* to, const T* from, int64_t stride, int64_t n) {
  for (int64_t i = 0; i < n; i++) to[i] = from[i * stride];
}

void CopyStrided(int size, uint8_t* to, const uint8_t* from, int64_t stride,
                 int64_t n) {
  if (stride == 1) {
    CopyBytes(to, from, n * size);
    return;
  }
  switch (size) {
    case 1:
      return Gather(to, from, stride, n);
    case 2:
      return Gather(reinterpret_cast<uint16_t*>(to),
                    reinterpret_cast<const uint16_t*>(from), stride, n);
    case 4:
      return Gather(reinterpret_cast<uint32_t*>(to),
                    reinterpret_cast<const uint32_t*>(from), stride, n);
    default:
      return Gather(reinterpret_cast<uint64_t*>(to),
                    reinterpret_cast<const uint64_t*>(from), stride, n);
  }
}

// The output read from the input through strides, in elements, which may be
// negative or zero, from a first element on.
void StridedCopy(const TensorView& in, const TensorView& out,
                 const int64_t* strides, int64_t first) {
  const int size = ItemSize(in.dtype);
  // Axes of the output, innermost first, merged where they continue each other.
  Walk walk;
  walk.rank = 0;
  for (int axis = out.ndim - 1; axis >= 0; axis--) {
    if (out.shape[axis] == 1) continue;
    const int last = walk.rank - 1;
    if (last >= 0 &&
        strides[axis] == walk.strides[0][last] * walk.dims[last]) {
      walk.dims[last] *= out.shape[axis];
    } else {
      walk.dims[walk.rank] = out.shape[axis];
      walk.strides[0][walk.rank] = strides[axis];
      walk.rank++;
    }
  }
  if (walk.rank == 0) {
    walk.dims[0] = 1;
    walk.strides[0][0] = 1;
    walk.rank = 1;
  }
  const uint8_t* from = in.as<const uint8_t>() + first * size;
  const int64_t inner = walk.strides[0][0];
  ParallelFor(out.size, kCopy, kBlock, [&](int64_t begin, int64_t end) {
    WalkRows(walk, 1, begin, end,
             [&](int64_t at, const int64_t* offsets, int64_t n) {
               uint8_t* to = out.as<uint8_t>() + at * size;
               const uint8_t* source = from + offsets[0] * size;
               if (inner == 0) {
                 FillBlock(size, to, source, n);
               } else {
                 CopyStrided(size, to, source, inner, n);
               }
             });
  });
}

void StridesOf(const TensorView& x, int64_t* strides) {
  int64_t stride = 1;
  for (int i = x.ndim - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= x.shape[i];
  }
}

Status BroadcastTo(const KernelCall& call) {
  const TensorView& in = call.inputs[0];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  int64_t own[kMaxRank], strides[kMaxRank];
  StridesOf(in, own);
  const int added = out.ndim - in.ndim;
  for (int i = 0; i < out.ndim; i++) {
    strides[i] = i < added || in.shape[i - added] == 1 ? 0 : own[i - added];
  }
  StridedCopy(in, out, strides, 0);
  return 0;
}

// A tile of kTile x kTile elements whose rows lie apart on both sides.
constexpr int64_t kTile = 16;

template <class T>
void TransposeTile(const T* from, int64_t from_row, T* to, int64_t to_row,
                   int64_t rows, int64_t columns) {
  if (rows == kTile && columns == kTile) {
    T tile[kTile][kTile];
    for (int64_t r = 0; r < kTile; r++) {
      for (int64_t c = 0; c < kTile; c++) tile[c][r] = from[r * from_row + c];
    }
    for (int64_t c = 0; c < kTile; c++) {
      for (int64_t r = 0; r < kTile; r++) to[c * to_row + r] = tile[c][r];
    }
    return;
  }
  for (int64_t c = 0; c < columns; c++) {
    for (int64_t r = 0; r < rows; r++) to[c * to_row + r] = from[r * from_row + c];
  }
}

// [outer, rows, columns] to [outer, columns, rows].
template <class T>
void TransposeLast(const T* from, T* to, int64_t outer, int64_t rows,
                   int64_t columns) {
  const int64_t bands = (columns + kTile - 1) / kTile;
  const double band_ns = static_cast<double>(rows) * kTile * 0.5;
  ParallelFor(outer * bands, band_ns, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t plane = i / bands * rows * columns;
      const int64_t c = i % bands * kTile;
      const int64_t width = columns - c < kTile ? columns - c : kTile;
      for (int64_t r = 0; r < rows; r += kTile) {
        const int64_t height = rows - r < kTile ? rows - r : kTile;
        TransposeTile(from + plane + r * columns + c, columns,
                      to + plane + c * rows + r, rows, height, width);
      }
    }
  });
}

Status Transpose(const KernelCall& call) {
  const TensorView& in = call.inputs[0];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  Attributes attributes = call.attributes();
  int count;
  const int32_t* axes = attributes.Ints(&count);
  int64_t own[kMaxRank], strides[kMaxRank];
  StridesOf(in, own);
  for (int i = 0; i < count; i++) strides[i] = own[axes[i]];

  // Groups of axes that stay neighbours, without axes of length 1.
  int64_t dims[kMaxRank], steps[kMaxRank];
  int rank = 0;
  for (int i = 0; i < count; i++) {
    if (out.shape[i] == 1) continue;
    if (rank > 0 && steps[rank - 1] == strides[i] * out.shape[i]) {
      dims[rank - 1] *= out.shape[i];
      steps[rank - 1] = strides[i];
    } else {
      dims[rank] = out.shape[i];
      steps[rank] = strides[i];
      rank++;
    }
  }
  // Two last groups swapped, below at most one leading group that stays.
  const bool swaps =
      rank >= 2 && rank <= 3 && steps[rank - 2] == 1 &&
      steps[rank - 1] == dims[rank - 2] &&
      (rank == 2 || steps[0] == dims[1] * dims[2]);
  if (swaps) {
    const int64_t outer = rank == 3 ? dims[0] : 1;
    const int64_t rows = dims[rank - 1];
    const int64_t columns = dims[rank - 2];
    switch (ItemSize(in.dtype)) {
      case 1:
        TransposeLast(in.as<const uint8_t>(), out.as<uint8_t>(), outer, rows,
                      columns);
        return 0;
      case 2:
        TransposeLast(in.as<const uint16_t>(), out.as<uint16_t>(), outer, rows,
                      columns);
        return 0;
      case 4:
        TransposeLast(in.as<const uint32_t>(), out.as<uint32_t>(), outer, rows,
                      columns);
        return 0;
      default:
        TransposeLast(in.as<const uint64_t>(), out.as<uint64_t>(), outer, rows,
                      columns);
        return 0;
    }
  }
  StridedCopy(in, out, strides, 0);
  return 0;
}

Status Slice(const KernelCall& call) {
  const TensorView& in = call.inputs[0];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  Attributes attributes = call.attributes();
  int count;
  const int32_t* starts = attributes.Ints(&count);
  attributes.Ints(&count);
  const int32_t* steps = attributes.Ints(&count);
  int64_t own[kMaxRank], strides[kMaxRank];
  StridesOf(in, own);
  int64_t first = 0;
  for (int i = 0; i < in.ndim; i++) {
    first += starts[i] * own[i];
    strides[i] = steps[i] * own[i];
  }
  StridedCopy(in, out, strides, first);
  return 0;
}

Status Flip(const KernelCall& call) {
  const TensorView& in = call.inputs[0];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  Attributes attributes = call.attributes();
  int count;
  const int32_t* axes = attributes.Ints(&count);
  int64_t strides[kMaxRank];
  StridesOf(in, strides);
  int64_t first = 0;
  for (int i = 0; i < count; i++) {
    const int axis = axes[i];
    first += (in.shape[axis] - 1) * strides[axis];
    strides[axis] = -strides[axis];
  }
  StridedCopy(in, out, strides, first);
  return 0;
}

template <class T>
void StoreAs(uint8_t* to, double value) {
  const T converted = static_cast<T>(value);
  __builtin_memcpy(to, &converted, sizeof converted);
}

// The bytes of a number in a dtype; integers saturate, and NaN is 0 in them.
void EncodeValue(DType dtype, double value, uint8_t* bytes) {
  if ((Mask(dtype) & kIntegers) && value != value) value = 0;
  switch (dtype) {
    case DType::kBool:
      bytes[0] = value != 0;
      break;
    case DType::kUInt8:
      StoreAs<uint8_t>(bytes, value < 0 ? 0 : value > 255 ? 255 : value);
      break;
    case DType::kInt8:
      StoreAs<int8_t>(bytes, value < -128 ? -128 : value > 127 ? 127 : value);
      break;
    case DType::kUInt16:
      StoreAs<uint16_t>(bytes, value < 0 ? 0 : value > 65535 ? 65535 : value);
      break;
    case DType::kInt16:
      StoreAs<int16_t>(
          bytes, value < -32768 ? -32768 : value > 32767 ? 32767 : value);
      break;
    case DType::kUInt32:
      StoreAs<uint32_t>(
          bytes, value < 0 ? 0 : value > 4294967295.0 ? 4294967295.0 : value);
      break;
    case DType::kInt32:
      StoreAs<int32_t>(bytes, value < -2147483648.0  ? -2147483648.0
                              : value > 2147483647.0 ? 2147483647.0
                                                     : value);
      break;
    case DType::kUInt64: {
      const uint64_t v = value >= 18446744073709551616.0 ? ~uint64_t{0}
                         : value > 0 ? static_cast<uint64_t>(value)
                                     : 0;
      __builtin_memcpy(bytes, &v, sizeof v);
      break;
    }
    case DType::kInt64: {
      const int64_t v = value >= 9223372036854775808.0    ? INT64_MAX
                        : value <= -9223372036854775808.0 ? INT64_MIN
                                          : static_cast<int64_t>(value);
      __builtin_memcpy(bytes, &v, sizeof v);
      break;
    }
    case DType::kFloat16: {
      const Half h = ToHalf(static_cast<float>(value));
      __builtin_memcpy(bytes, &h, sizeof h);
      break;
    }
    case DType::kBFloat16: {
      const BFloat16 h = ToBFloat16(static_cast<float>(value));
      __builtin_memcpy(bytes, &h, sizeof h);
      break;
    }
    case DType::kFloat32:
      StoreAs<float>(bytes, value);
      break;
    case DType::kFloat64:
      StoreAs<double>(bytes, value);
      break;
  }
}

void FillAll(const TensorView& out, const uint8_t* value) {
  const int size = ItemSize(out.dtype);
  ParallelFor(out.size, 0.1, kBlock, [&](int64_t begin, int64_t end) {
    FillBlock(size, out.as<uint8_t>() + begin * size, value, end - begin);
  });
}

Status Full(const KernelCall& call) {
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  Attributes attributes = call.attributes();
  int count;
  attributes.Ints(&count);
  attributes.Type();
  alignas(8) uint8_t value[8];
  EncodeValue(out.dtype, attributes.Float(), value);
  FillAll(out, value);
  return 0;
}

// The elements of an axis that land within the output, 0 <= low + j step < out:
// `count` of them from `first` on, the first at `at`.
struct PaddedAxis {
  int64_t step, out, first, count, at;

  // Whether row i of the output holds elements of the input; which.
  bool Find(int64_t i, int64_t* row) const {
    const int64_t distance = i - at;
    if (distance < 0 || distance % step != 0) return false;
    const int64_t j = distance / step;
    *row = first + j;
    return j < count;
  }
};

PaddedAxis MakePaddedAxis(int64_t in, int64_t out, int64_t low,
                          int64_t interior) {
  PaddedAxis a{interior + 1, out, 0, 0, 0};
  a.first = low >= 0 ? 0 : (-low + a.step - 1) / a.step;
  int64_t last = out - 1 - low >= 0 ? (out - 1 - low) / a.step : -1;
  if (last > in - 1) last = in - 1;
  a.count = last < a.first ? 0 : last - a.first + 1;
  a.at = low + a.first * a.step;
  return a;
}

// Row by row of the output, each written once; inner axes that are only copied
// are one row.
Status Pad(const KernelCall& call) {
  const TensorView& in = call.inputs[0];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  Attributes attributes = call.attributes();
  int rank;
  const int32_t* low = attributes.Ints(&rank);
  const int32_t* high = attributes.Ints(&rank);
  const int32_t* interior = attributes.Ints(&rank);
  alignas(8) uint8_t value[8];
  EncodeValue(out.dtype, attributes.Float(), value);
  if (in.size == 0) {
    FillAll(out, value);
    return 0;
  }
  const int size = ItemSize(in.dtype);
  // Elements of the axes that are copied as they are, and of a row.
  int64_t unit = 1;
  int axes = in.ndim;
  while (axes > 0 && low[axes - 1] == 0 && high[axes - 1] == 0 &&
         interior[axes - 1] == 0) {
    unit *= in.shape[--axes];
  }
  PaddedAxis padded[kMaxRank + 1];
  for (int i = 0; i < axes; i++) {
    padded[i] = MakePaddedAxis(in.shape[i], out.shape[i], low[i], interior[i]);
  }
  int64_t in_row = unit;
  if (axes == 0 || unit >= kBlock) {
    // Long enough to be a row: more rows for the threads.
    padded[axes++] = MakePaddedAxis(1, 1, 0, 0);
  } else {
    in_row *= in.shape[axes - 1];
  }
  const PaddedAxis inner = padded[axes - 1];
  const int64_t out_row = inner.out * unit;
  ParallelFor(out.size / out_row, static_cast<double>(out_row) * kCopy, 1,
              [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      uint8_t* to = out.as<uint8_t>() + row * out_row * size;
      int64_t source = 0, stride = 1, rest = row;
      bool holds = inner.count > 0;
      for (int i = axes - 2; i >= 0 && holds; i--) {
        int64_t j;
        holds = padded[i].Find(rest % padded[i].out, &j);
        rest /= padded[i].out;
        source += j * stride;
        stride *= in.shape[i];
      }
      if (!holds) {
        FillBlock(size, to, value, out_row);
        continue;
      }
      const uint8_t* from = in.as<const uint8_t>() +
                            (source * in_row + inner.first * unit) * size;
      const int64_t before = inner.at * unit;
      if (inner.step == 1) {
        const int64_t kept = inner.count * unit;
        FillBlock(size, to, value, before);
        CopyBytes(to + before * size, from, kept * size);
        FillBlock(size, to + (before + kept) * size, value,
                  out_row - before - kept);
        continue;
      }
      FillBlock(size, to, value, out_row);
      for (int64_t j = 0; j < inner.count; j++) {
        CopyBytes(to + (before + j * inner.step * unit) * size,
                  from + j * unit * size, unit * size);
      }
    }
  });
  return 0;
}

Status Concatenate(const KernelCall& call) {
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  Attributes attributes = call.attributes();
  const int axis = attributes.Int();
  const int size = ItemSize(out.dtype);
  const Columns columns = ColumnsOf(out, axis);
  const int64_t inner = columns.inner * size;
  const int64_t row = columns.length * inner;
  ParallelFor(columns.outer, static_cast<double>(row) * 0.1, 1,
              [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; o++) {
      uint8_t* to = out.as<uint8_t>() + o * row;
      for (int k = 0; k < call.num_inputs; k++) {
        const TensorView& in = call.inputs[k];
        const int64_t bytes = in.shape[axis] * inner;
        if (bytes > 0) CopyBytes(to, in.as<const uint8_t>() + o * bytes, bytes);
        to += bytes;
      }
    }
  });
  return 0;
}

Status Iota(const KernelCall& call) {
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  Attributes attributes = call.attributes();
  int count;
  attributes.Ints(&count);
  attributes.Type();
  const int axis = attributes.Int();
  const double start = attributes.Float();
  const double step = attributes.Float();
  const int size = ItemSize(out.dtype);
  const auto [outer, length, inner] = ColumnsOf(out, axis);
  ParallelFor(outer * length, static_cast<double>(inner) * 0.2 + 2, 64,
              [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      alignas(8) uint8_t value[8];
      EncodeValue(out.dtype, start + step * static_cast<double>(i % length),
                  value);
      FillBlock(size, out.as<uint8_t>() + i * inner * size, value, inner);
    }
  });
  return 0;
}

}  // namespace

void Register_movement(Registry& registry) {
  registry.Add("broadcast_to", BroadcastTo, kAllDTypes);
  registry.Add("transpose", Transpose, kAllDTypes);
  registry.Add("slice", Slice, kAllDTypes);
  registry.Add("flip", Flip, kAllDTypes);
  registry.Add("pad", Pad, kAllDTypes);
  registry.Add("concatenate", Concatenate, kAllDTypes);
  registry.Add("full", Full, kAllDTypes);
  registry.Add("iota", Iota, kAllDTypes);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
