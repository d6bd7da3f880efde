// How sums of all elements, of rows or of columns are cut: the same in the
// kernel `sum` and in loops that make sums as they go (runtime/loop.h), so that
// both give the same bits, on any number of threads.
//
// The elements are cut into chunks, these into blocks. Each block is summed up
// and added to its chunk's sums, in order; those of the chunks are added up at
// the end. Blocks and chunks begin with a row, but for those of everything, and
// for blocks of long rows.
#pragma once

#include <cstdint>

#include "walk.h"

namespace keratin {

enum class SumOver : int32_t { kAll, kRows, kColumns };

struct SumLayout {
  SumOver over;
  int64_t size;
  int64_t row;  // elements of a row; 0: none, everything is summed up

  // What chunks are made of.
  int64_t unit() const { return row > 0 ? row : kBlock; }
  int64_t units() const { return (size + unit() - 1) / unit(); }

  // Enough for many threads, each worth a thread's while, and rows enough in
  // each that adding up the chunks is little work.
  int64_t chunks() const {
    constexpr int64_t kMost = 64;
    constexpr int64_t kLeastElements = 16384;
    constexpr int64_t kLeastRows = 32;
    int64_t count = size / kLeastElements;
    if (over == SumOver::kColumns && units() / kLeastRows < count) {
      count = units() / kLeastRows;
    }
    if (count > kMost) count = kMost;
    return count < 1 ? 1 : count;
  }
  // Where chunk `index` of `count` begins.
  int64_t ChunkAt(int64_t index, int64_t count) const {
    const int64_t at = units() * index / count * unit();
    return at < size ? at : size;
  }
};

// The elements of the block at `at`, of those before `end`, in rows of `row`.
static inline int64_t BlockLength(int64_t row, int64_t at, int64_t end) {
  int64_t length = kBlock;
  if (row > 0 && row <= kBlock) length = kBlock / row * row;
  if (row > kBlock && row - at % row < length) length = row - at % row;
  return end - at < length ? end - at : length;
}

}  // namespace keratin
