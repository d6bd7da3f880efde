// sort: short columns by a network of vectors, long ones by radix.
#include <atomic>
#include <cstdint>

#include "../kernel.h"
#include "parallel.h"
#include "portable/sort.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"
#include "sort_keys.h"
#include "sort_network.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// Keys of a column that the network sorts: they stay in L1 and L2. Beyond that
// its n log^2 n comparisons lose.
constexpr int64_t kLongest = 8192;

template <class Key, class Bits>
bool SortShort(const TensorView& x, const TensorView& out,
               const Columns& columns, const Coder<Bits>& coder) {
  constexpr int64_t kLanes = Keys<Key>::kLanes;
  int64_t vectors = 1;
  while (vectors * kLanes < columns.length) vectors *= 2;
  const Bits* from = x.as<const Bits>();
  Bits* to = out.as<Bits>();
  std::atomic<bool> ok{true};
  const int64_t inner = columns.inner;
  ParallelFor(columns.count(), static_cast<double>(columns.length) * 3, 1,
              [&](int64_t begin, int64_t end) {
    Scratch scratch;
    Key* keys = scratch.Take<Key>(vectors * kLanes);
    if (keys == nullptr) {
      ok = false;
      return;
    }
    for (int64_t c = begin; c < end; c++) {
      const int64_t first = columns.First(c);
      for (int64_t i = 0; i < columns.length; i++) {
        keys[i] = coder.Encode(from[first + i * inner]);
      }
      for (int64_t i = columns.length; i < vectors * kLanes; i++) {
        keys[i] = static_cast<Key>(~Key{0});
      }
      SortNetwork(keys, vectors);
      for (int64_t i = 0; i < columns.length; i++) {
        to[first + i * inner] = coder.Decode(static_cast<Bits>(keys[i]));
      }
    }
  });
  return ok;
}

Status Sort(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  const Columns columns = ColumnsOf(x, call.attributes().Int());
  if (columns.length > kLongest) return portable::RadixSortColumns(call);
  return WithCoder(x.dtype, [&](auto coder, auto zero) -> Status {
    using Bits = decltype(zero);
    bool ok;
    if constexpr (sizeof(Bits) <= 4) {
      ok = SortShort<uint32_t>(x, out, columns, coder);
    } else {
      ok = SortShort<uint64_t>(x, out, columns, coder);
    }
    return ok ? 0 : call.Fail("out of memory: no room to sort %lld values",
                              static_cast<long long>(columns.length));
  });
}

}  // namespace

void Register_sort_columns(Registry& registry) {
  registry.Add("sort", Sort, kAllDTypes);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
