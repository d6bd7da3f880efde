// Least significant digit radix sort: stable, n log(range) instead of
// n log(n) comparisons, and no branches that depend on the data.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include "../parallel.h"

namespace keratin {
namespace portable {

// Fewer items are sorted by comparing.
constexpr int64_t kRadixFrom = 256;
// Items of a chunk that is worth a thread of its own.
constexpr int64_t kRadixChunk = 1 << 16;
constexpr int kMaxRadixChunks = 16;

// Sorts by `key(item)`, an unsigned number of `Key`; `spare` has room for as
// many items. Returns where the sorted items are: in `items` or in `spare`.
// The result does not depend on the number of chunks.
template <class Key, class Item, class KeyOf>
__attribute__((noinline)) Item* RadixSort(Item* items, Item* spare, int64_t n, const KeyOf& key) {
  constexpr int kDigit = sizeof(Key) >= 4 ? 11 : 8;
  constexpr int kBuckets = 1 << kDigit;
  constexpr int kPasses = (8 * static_cast<int>(sizeof(Key)) + kDigit - 1) / kDigit;
  const int chunks = static_cast<int>(
      std::clamp<int64_t>(n / kRadixChunk, 1,
                          std::min(ThreadCount(), kMaxRadixChunks)));
  Scratch scratch;
  auto* counts = scratch.Take<int64_t>(int64_t{chunks} * kBuckets);
  if (counts == nullptr) return nullptr;
  const auto in_chunks = [&](const auto& body) {
    // Each is worth a thread, whatever its share of the time.
    constexpr double kNanoseconds = 1e6;
    ParallelFor(chunks, kNanoseconds, 1, [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; c++) {
        body(c, n * c / chunks, n * (c + 1) / chunks);
      }
    });
  };
  for (int pass = 0; pass < kPasses; pass++) {
    const int shift = pass * kDigit;
    const auto digit = [&](const Item& item) {
      return static_cast<size_t>(key(item) >> shift) & (kBuckets - 1);
    };
    in_chunks([&](int64_t c, int64_t begin, int64_t end) {
      int64_t* own = counts + c * kBuckets;
      std::memset(own, 0, kBuckets * sizeof *own);
      for (int64_t i = begin; i < end; i++) own[digit(items[i])]++;
    });
    int64_t next = 0;
    bool is_one_bucket = false;
    for (int b = 0; b < kBuckets; b++) {
      const int64_t first = next;
      for (int c = 0; c < chunks; c++) {
        int64_t& count = counts[int64_t{c} * kBuckets + b];
        const int64_t here = count;
        count = next;
        next += here;
      }
      is_one_bucket = is_one_bucket || next - first == n;
    }
    if (is_one_bucket) continue;
    in_chunks([&](int64_t c, int64_t begin, int64_t end) {
      int64_t* own = counts + c * kBuckets;
      for (int64_t i = begin; i < end; i++) {
        spare[own[digit(items[i])]++] = items[i];
      }
    });
    std::swap(items, spare);
  }
  return items;
}

}  // namespace portable
}  // namespace keratin
