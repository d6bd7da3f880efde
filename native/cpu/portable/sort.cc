// argsort, lexsort and top_k.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <vector>

#include "../../kernel.h"
#include "../parallel.h"
#include "../columns.h"
#include "../sort_keys.h"
#include "radix.h"

namespace keratin {
namespace portable {
namespace {

struct Entry {
  uint64_t key;
  int32_t index;
};

// A key and where it came from; equal keys (also 0 and -0) keep their order.
template <class Key>
struct Ranked {
  Key key;
  int32_t index;
};

// Every column along the axis: sorts a column of `Item`s, made and used by the
// caller. False: memory has run out.
template <class Key, class Item, class Make, class KeyOf, class Use>
bool SortColumns(const Columns& a, const Make& make, const KeyOf& key,
                 const Use& use) {
  std::atomic<bool> ok{true};
  const int64_t columns = a.count();
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
      const int64_t first = a.First(c);
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

Status Argsort(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  const Columns columns = ColumnsOf(x, call.attributes().Int());
  int32_t* to = out.as<int32_t>();
  return WithCoder(x.dtype, [&](auto coder, auto zero) -> Status {
    using Bits = decltype(zero);
    const Bits* from = x.as<const Bits>();
    const bool ok = SortColumns<Bits, Ranked<Bits>>(
        columns,
        [&](int64_t at, int64_t i) {
          return Ranked<Bits>{coder.Rank(from[at]), static_cast<int32_t>(i)};
        },
        [](const Ranked<Bits>& item) { return item.key; },
        [&](int64_t at, const Ranked<Bits>& item) { to[at] = item.index; });
    return ok ? 0 : call.Fail("out of memory: no room to sort %lld values",
                              static_cast<long long>(columns.length));
  });
}

// use(i, rank) for elements [first, first + count) of x.
template <class Use>
void ForRanks(const TensorView& x, int64_t first, int64_t count, const Use& use) {
  WithCoder(x.dtype, [&](auto coder, auto zero) -> Status {
    const auto* from = x.as<const decltype(zero)>() + first;
    for (int64_t i = 0; i < count; i++) use(i, uint64_t{coder.Rank(from[i])});
    return 0;
  });
}

// x [rows, columns]: the order of the rows as words are ordered.
Status Lexsort(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  int32_t* out = call.outputs[0].as<int32_t>();
  const int64_t rows = x.shape[0];
  const int64_t columns = x.shape[1];
  std::vector<uint64_t> keys(static_cast<size_t>(x.size));
  ForRanks(x, 0, x.size, [&](int64_t i, uint64_t rank) { keys[i] = rank; });
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
      ForRanks(x, row * length, length, [&](int64_t i, uint64_t rank) {
        entries[i] = {rank, static_cast<int32_t>(i)};
      });
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
  registry.Add("argsort", Argsort, kAllDTypes);
  registry.Add("lexsort", Lexsort, kAllDTypes);
  registry.Add("top_k", TopK, kAllDTypes);
}

}  // namespace portable
}  // namespace keratin
