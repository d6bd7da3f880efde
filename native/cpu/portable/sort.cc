// sort, argsort, lexsort and top_k.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <vector>

#include "../../kernel.h"
#include "../parallel.h"
#include "radix.h"

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

struct Axis {
  int64_t outer, length, inner;
};

Axis AxisOf(const TensorView& x, int axis) {
  Axis a{1, x.shape[axis], 1};
  for (int i = 0; i < axis; i++) a.outer *= x.shape[i];
  for (int i = axis + 1; i < x.ndim; i++) a.inner *= x.shape[i];
  return a;
}

// Numbers whose order is that of the values: Encode and Decode are inverse but
// for NaN, which comes last and as one NaN. One class for all dtypes of a width.
template <class U>
class Coder {
 public:
  explicit Coder(DType dtype) {
    switch (dtype) {
      case DType::kInt8:
      case DType::kInt16:
      case DType::kInt32:
      case DType::kInt64:
        flip_ = kSign;
        break;
      case DType::kFloat16:
        infinity_ = static_cast<U>(0x7c00);
        break;
      case DType::kBFloat16:
        infinity_ = static_cast<U>(0x7f80);
        break;
      case DType::kFloat32:
        infinity_ = static_cast<U>(0x7f800000);
        break;
      case DType::kFloat64:
        infinity_ = static_cast<U>(uint64_t{0x7ff} << 52);
        break;
      default:
        break;
    }
  }
  U Encode(U x) const {
    if (infinity_ == 0) return static_cast<U>(x ^ flip_);
    if (static_cast<U>(x & ~kSign) > infinity_) return static_cast<U>(~U{0});
    return static_cast<U>(x & kSign ? ~x : x | kSign);
  }
  // All ones of a float decodes to a NaN.
  U Decode(U key) const {
    if (infinity_ == 0) return static_cast<U>(key ^ flip_);
    return static_cast<U>(key & kSign ? key & ~kSign : ~key);
  }

 private:
  static constexpr U kSign = static_cast<U>(U{1} << (8 * sizeof(U) - 1));
  U flip_ = 0;
  U infinity_ = 0;  // its bits; 0: no float
};

// Calls fn(coder) with the coder of a dtype.
template <class Fn>
Status WithCoder(DType dtype, const Fn& fn) {
  switch (ItemSize(dtype)) {
    case 1:
      return fn(Coder<uint8_t>(dtype), uint8_t{});
    case 2:
      return fn(Coder<uint16_t>(dtype), uint16_t{});
    case 4:
      return fn(Coder<uint32_t>(dtype), uint32_t{});
    default:
      return fn(Coder<uint64_t>(dtype), uint64_t{});
  }
}

// A key and where it came from; equal keys (also 0 and -0) keep their order.
template <class Key>
struct Ranked {
  Key key;
  int32_t index;
};

// Every column along the axis: sorts a column of `Item`s, made and used by the
// caller. False: memory has run out.
template <class Key, class Item, class Make, class KeyOf, class Use>
bool SortColumns(const Axis& a, const Make& make, const KeyOf& key,
                 const Use& use) {
  std::atomic<bool> ok{true};
  const int64_t columns = a.outer * a.inner;
  // A single long column is sorted by all threads together.
  const double work = columns == 1 ? 0 : static_cast<double>(a.length) * 20;
  ParallelFor(columns, work, 1, [&](int64_t begin, int64_t end) {
    Scratch scratch;
    Item* items = scratch.Take<Item>(a.length);
    Item* spare = scratch.Take<Item>(a.length);
    if (items == nullptr || spare == nullptr) {
      ok = false;
      return;
    }
    for (int64_t c = begin; c < end; c++) {
      const int64_t first = c / a.inner * a.length * a.inner + c % a.inner;
      for (int64_t i = 0; i < a.length; i++) {
        items[i] = make(first + i * a.inner, i);
      }
      Item* sorted = items;
      if (a.length < kRadixFrom) {
        std::stable_sort(items, items + a.length,
                         [&](const Item& x, const Item& y) {
                           return key(x) < key(y);
                         });
      } else {
        sorted = RadixSort<Key>(items, spare, a.length, key);
        if (sorted == nullptr) {
          ok = false;
          return;
        }
      }
      for (int64_t i = 0; i < a.length; i++) {
        use(first + i * a.inner, sorted[i]);
      }
    }
  });
  return ok;
}

template <bool kIndices>
Status Sort(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  Attributes attributes = call.attributes();
  const Axis a = AxisOf(x, attributes.Int());
  return WithCoder(x.dtype, [&](auto coder, auto zero) -> Status {
    using Bits = decltype(zero);
    const Bits* from = x.as<const Bits>();
    bool ok;
    if constexpr (kIndices) {
      int32_t* to = out.as<int32_t>();
      ok = SortColumns<Bits, Ranked<Bits>>(
          a,
          [&](int64_t at, int64_t i) {
            const uint64_t key = KeyOf(x.dtype, reinterpret_cast<const uint8_t*>(from + at));
            return Ranked<Bits>{static_cast<Bits>(key), static_cast<int32_t>(i)};
          },
          [](const Ranked<Bits>& item) { return item.key; },
          [&](int64_t at, const Ranked<Bits>& item) { to[at] = item.index; });
    } else {
      Bits* to = out.as<Bits>();
      ok = SortColumns<Bits, Bits>(
          a, [&](int64_t at, int64_t) { return coder.Encode(from[at]); },
          [](Bits key) { return key; },
          [&](int64_t at, Bits key) { to[at] = coder.Decode(key); });
    }
    return ok ? 0 : call.Fail("out of memory: no room to sort %lld values",
                              static_cast<long long>(a.length));
  });
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
