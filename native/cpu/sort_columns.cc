// sort: runs by a network of vectors, then merged.
#include <cstdint>

#include "../kernel.h"
#include "parallel.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"
#include "columns.h"
#include "sort_keys.h"
#include "sort_network.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// Keys that the network sorts, a power of two: they stay in L1 and L2. What is
// longer is merged from such runs.
constexpr int64_t kRun = 8192;

// Sorts keys[0, vectors) of whole vectors; `spare` has room for as many.
// Returns where the sorted keys are. The result does not depend on threads.
template <class Key>
Key* SortKeys(Key* keys, Key* spare, int64_t vectors) {
  constexpr int64_t kLanes = Keys<Key>::kLanes;
  constexpr int64_t kRunVectors = kRun / kLanes;
  if (vectors <= kRunVectors) {
    SortNetwork(keys, vectors);
    return keys;
  }
  const int64_t runs = vectors / kRunVectors;
  ParallelFor(runs, kRun * 3.0, 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      SortNetwork(keys + r * kRun, kRunVectors);
    }
  });
  for (int64_t length = kRunVectors; length < vectors; length *= 2) {
    const int64_t pairs = (vectors + 2 * length - 1) / (2 * length);
    ParallelFor(pairs, static_cast<double>(length * kLanes), 1,
                [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; p++) {
        const int64_t first = p * 2 * length;
        const int64_t left = length < vectors - first ? length : vectors - first;
        const int64_t rest = vectors - first - left;
        const Key* from = keys + first * kLanes;
        MergeRuns(from, left, from + left * kLanes,
                  length < rest ? length : rest, spare + first * kLanes);
      }
    });
    Key* other = keys;
    keys = spare;
    spare = other;
  }
  return keys;
}

template <class Key, class Bits>
bool SortColumns(const TensorView& x, const TensorView& out,
                 const Columns& columns, const Coder<Bits>& coder) {
  constexpr int64_t kLanes = Keys<Key>::kLanes;
  const int64_t length = columns.length;
  const int64_t inner = columns.inner;
  // A power of two of vectors for the network alone, else whole runs.
  int64_t vectors = 1;
  while (vectors * kLanes < length && vectors * kLanes < kRun) vectors *= 2;
  if (length > kRun) vectors = (length + kRun - 1) / kRun * (kRun / kLanes);
  const Bits* from = x.as<const Bits>();
  Bits* to = out.as<Bits>();
  bool ok = true;
  // All threads sort a single column together.
  const double work = columns.count() == 1 ? 0 : static_cast<double>(length) * 5;
  ParallelFor(columns.count(), work, 1, [&](int64_t begin, int64_t end) {
    Scratch scratch;
    Key* keys = scratch.Take<Key>(vectors * kLanes);
    Key* spare = length > kRun ? scratch.Take<Key>(vectors * kLanes) : keys;
    if (keys == nullptr || spare == nullptr) {
      __atomic_store_n(&ok, false, __ATOMIC_RELAXED);
      return;
    }
    for (int64_t c = begin; c < end; c++) {
      const int64_t first = columns.First(c);
      ParallelFor(vectors * kLanes, 0.3, kLanes, [&](int64_t i, int64_t last) {
        const int64_t given = last < length ? last : length;
        for (; i < given; i++) keys[i] = coder.Encode(from[first + i * inner]);
        for (; i < last; i++) keys[i] = static_cast<Key>(~Key{0});
      });
      const Key* sorted = SortKeys(keys, spare, vectors);
      ParallelFor(length, 0.3, kLanes, [&](int64_t i, int64_t last) {
        for (; i < last; i++) {
          to[first + i * inner] = coder.Decode(static_cast<Bits>(sorted[i]));
        }
      });
    }
  });
  return ok;
}

Status Sort(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  const Columns columns = ColumnsOf(x, call.attributes().Int());
  return WithCoder(x.dtype, [&](auto coder, auto zero) -> Status {
    using Bits = decltype(zero);
    bool ok;
    if constexpr (sizeof(Bits) <= 4) {
      ok = SortColumns<uint32_t>(x, out, columns, coder);
    } else {
      ok = SortColumns<uint64_t>(x, out, columns, coder);
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
