// sort, argsort, lexsort and top_k.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "../../kernel.h"
#include "../parallel.h"

namespace keratin {
namespace portable {
namespace {

// Order-preserving unsigned keys: floats by sign and magnitude with NaN last,
// integers shifted to start at 0.
uint64_t KeyOf(DType dtype, const uint8_t* p) {
  switch (dtype) {
    case DType::kBool:
    case DType::kUInt8:
      return *p;
    case DType::kInt8:
      return static_cast<uint8_t>(*p ^ 0x80);
    case DType::kUInt16: {
      uint16_t v;
      std::memcpy(&v, p, sizeof v);
      return v;
    }
    case DType::kInt16: {
      uint16_t v;
      std::memcpy(&v, p, sizeof v);
      return static_cast<uint16_t>(v ^ 0x8000);
    }
    case DType::kUInt32: {
      uint32_t v;
      std::memcpy(&v, p, sizeof v);
      return v;
    }
    case DType::kInt32: {
      uint32_t v;
      std::memcpy(&v, p, sizeof v);
      return v ^ 0x80000000u;
    }
    case DType::kUInt64: {
      uint64_t v;
      std::memcpy(&v, p, sizeof v);
      return v;
    }
    case DType::kInt64: {
      uint64_t v;
      std::memcpy(&v, p, sizeof v);
      return v ^ (uint64_t{1} << 63);
    }
    case DType::kFloat16:
    case DType::kBFloat16: {
      uint16_t v;
      std::memcpy(&v, p, sizeof v);
      const uint16_t infinity = dtype == DType::kFloat16 ? 0x7c00 : 0x7f80;
      if ((v & 0x7fff) > infinity) return 0xffff;
      if (v == 0x8000) v = 0;  // -0 equals 0
      return static_cast<uint16_t>(v & 0x8000 ? ~v : v | 0x8000);
    }
    case DType::kFloat32: {
      uint32_t v;
      std::memcpy(&v, p, sizeof v);
      if ((v & 0x7fffffff) > 0x7f800000) return 0xffffffff;
      if (v == 0x80000000u) v = 0;
      return v & 0x80000000u ? ~v : v | 0x80000000u;
    }
    case DType::kFloat64: {
      uint64_t v;
      std::memcpy(&v, p, sizeof v);
      constexpr uint64_t kSign = uint64_t{1} << 63;
      if ((v & ~kSign) > uint64_t{0x7ff} << 52) return ~uint64_t{0};
      if (v == kSign) v = 0;
      return v & kSign ? ~v : v | kSign;
    }
  }
  return 0;
}

struct Entry {
  uint64_t key;
  int32_t index;
};

bool Before(const Entry& a, const Entry& b) {
  return a.key != b.key ? a.key < b.key : a.index < b.index;
}

struct Axis {
  int64_t outer, length, inner;
};

Axis AxisOf(const TensorView& x, int axis) {
  Axis a{1, x.shape[axis], 1};
  for (int i = 0; i < axis; i++) a.outer *= x.shape[i];
  for (int i = axis + 1; i < x.ndim; i++) a.inner *= x.shape[i];
  return a;
}

// The entries of column c in order.
void SortColumn(const TensorView& x, const Axis& a, int64_t c,
                std::vector<Entry>& entries) {
  const int size = ItemSize(x.dtype);
  const uint8_t* column =
      x.as<const uint8_t>() +
      (c / a.inner * a.length * a.inner + c % a.inner) * size;
  for (int64_t i = 0; i < a.length; i++) {
    entries[i] = {KeyOf(x.dtype, column + i * a.inner * size),
                  static_cast<int32_t>(i)};
  }
  std::sort(entries.begin(), entries.end(), Before);
}

template <bool kIndices>
Status Sort(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  Attributes attributes = call.attributes();
  const Axis a = AxisOf(x, attributes.Int());
  const int size = ItemSize(x.dtype);
  ParallelFor(a.outer * a.inner, static_cast<double>(a.length) * 50, 1,
              [&](int64_t begin, int64_t end) {
    std::vector<Entry> entries(static_cast<size_t>(a.length));
    for (int64_t c = begin; c < end; c++) {
      SortColumn(x, a, c, entries);
      const int64_t first = c / a.inner * a.length * a.inner + c % a.inner;
      for (int64_t i = 0; i < a.length; i++) {
        const int64_t at = first + i * a.inner;
        if constexpr (kIndices) {
          out.as<int32_t>()[at] = entries[i].index;
        } else {
          std::memcpy(out.as<uint8_t>() + at * size,
                      x.as<const uint8_t>() +
                          (first + entries[i].index * a.inner) * size,
                      static_cast<size_t>(size));
        }
      }
    }
  });
  return 0;
}

// x [rows, columns]: the order of the rows as words are ordered.
Status Lexsort(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  int32_t* out = call.outputs[0].as<int32_t>();
  const int64_t rows = x.shape[0];
  const int64_t columns = x.shape[1];
  const int size = ItemSize(x.dtype);
  std::vector<uint64_t> keys(static_cast<size_t>(x.size));
  for (int64_t i = 0; i < x.size; i++) {
    keys[i] = KeyOf(x.dtype, x.as<const uint8_t>() + i * size);
  }
  for (int64_t i = 0; i < rows; i++) out[i] = static_cast<int32_t>(i);
  std::sort(out, out + rows, [&](int32_t a, int32_t b) {
    const uint64_t* p = keys.data() + a * columns;
    const uint64_t* q = keys.data() + b * columns;
    for (int64_t i = 0; i < columns; i++) {
      if (p[i] != q[i]) return p[i] < q[i];
    }
    return a < b;
  });
  return 0;
}

// Larger first, equal ones by index.
bool Above(const Entry& a, const Entry& b) {
  return a.key != b.key ? a.key > b.key : a.index < b.index;
}

Status TopK(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const TensorView& values = call.outputs[0];
  const TensorView& indices = call.outputs[1];
  if (values.size == 0) return 0;
  const int64_t length = x.shape[x.ndim - 1];
  const int64_t k = values.shape[values.ndim - 1];
  const int size = ItemSize(x.dtype);
  ParallelFor(x.size / length, static_cast<double>(length) * 10, 1,
              [&](int64_t begin, int64_t end) {
    std::vector<Entry> entries(static_cast<size_t>(length));
    for (int64_t row = begin; row < end; row++) {
      const uint8_t* from = x.as<const uint8_t>() + row * length * size;
      for (int64_t i = 0; i < length; i++) {
        entries[i] = {KeyOf(x.dtype, from + i * size), static_cast<int32_t>(i)};
      }
      std::partial_sort(entries.begin(), entries.begin() + k, entries.end(),
                        Above);
      for (int64_t i = 0; i < k; i++) {
        indices.as<int32_t>()[row * k + i] = entries[i].index;
        std::memcpy(values.as<uint8_t>() + (row * k + i) * size,
                    from + entries[i].index * size, static_cast<size_t>(size));
      }
    }
  });
  return 0;
}

}  // namespace

void Register_sort(Registry& registry) {
  registry.Add("sort", Sort<false>, kAllDTypes);
  registry.Add("argsort", Sort<true>, kAllDTypes);
  registry.Add("lexsort", Lexsort, kAllDTypes);
  registry.Add("top_k", TopK, kAllDTypes);
}

}  // namespace portable
}  // namespace keratin
