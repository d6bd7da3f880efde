// Elements of tensors that broadcast, row by row: collapses axes, walks rows,
// repeats values. All functions have internal linkage, so that any instruction
// set may include them.
#pragma once

#include <cstdint>

#include "../kernel.h"

namespace keratin {
// Elements a block has at most: its operands stay in L1.
constexpr int64_t kBlock = 1024;
constexpr int kMaxOperands = 4;

// The axes of the output with neighbours merged where every operand allows it.
// The innermost stride of an operand is 1, or 0 where it is repeated.
struct Walk {
  int rank;
  int64_t dims[kMaxRank + 1];
  int64_t strides[kMaxOperands][kMaxRank + 1];
};

namespace {

[[maybe_unused]] void MakeWalk(const TensorView* inputs, int count,
                               const TensorView& out, Walk* walk) {
  int rank = 0;
  int64_t strides[kMaxOperands];
  int64_t running[kMaxOperands];
  for (int k = 0; k < count; k++) running[k] = 1;
  // From the innermost axis outwards; stored in that order.
  for (int axis = out.ndim - 1; axis >= 0; axis--) {
    const int64_t dim = out.shape[axis];
    for (int k = 0; k < count; k++) {
      const TensorView& input = inputs[k];
      const int own = axis - (out.ndim - input.ndim);
      const int64_t length = own >= 0 ? input.shape[own] : 1;
      strides[k] = length == 1 ? 0 : running[k];
      running[k] *= length;
    }
    if (dim == 1) continue;
    bool merges = rank > 0;
    for (int k = 0; k < count && merges; k++) {
      merges = strides[k] == walk->strides[k][rank - 1] * walk->dims[rank - 1];
    }
    if (merges) {
      walk->dims[rank - 1] *= dim;
    } else {
      walk->dims[rank] = dim;
      for (int k = 0; k < count; k++) walk->strides[k][rank] = strides[k];
      rank++;
    }
  }
  if (rank == 0) {
    walk->dims[0] = 1;
    for (int k = 0; k < count; k++) walk->strides[k][0] = 0;
    rank = 1;
  }
  walk->rank = rank;
}

// Calls row(position in the output, offsets of the operands, length) for each
// run of the output in [begin, end) that lies along the innermost axis.
template <class Row>
static inline void WalkRows(const Walk& walk, int count, int64_t begin,
                            int64_t end, const Row& row) {
  int64_t index[kMaxRank + 1];
  int64_t offsets[kMaxOperands] = {};
  int64_t rest = begin;
  for (int i = 0; i < walk.rank; i++) {
    index[i] = rest % walk.dims[i];
    rest /= walk.dims[i];
    for (int k = 0; k < count; k++) {
      offsets[k] += index[i] * walk.strides[k][i];
    }
  }
  for (int64_t at = begin; at < end;) {
    int64_t length = walk.dims[0] - index[0];
    if (length > end - at) length = end - at;
    row(at, offsets, length);
    at += length;
    if (at >= end) break;
    for (int k = 0; k < count; k++) {
      offsets[k] -= index[0] * walk.strides[k][0];
    }
    index[0] = 0;
    for (int i = 1; i < walk.rank; i++) {
      index[i]++;
      for (int k = 0; k < count; k++) offsets[k] += walk.strides[k][i];
      if (index[i] < walk.dims[i]) break;
      for (int k = 0; k < count; k++) {
        offsets[k] -= walk.dims[i] * walk.strides[k][i];
      }
      index[i] = 0;
    }
  }
}

// A value repeated over a block, for operands that do not move along a row.
template <int kSize>
static inline void FillBlock(void* block, const void* value, int64_t n) {
  auto* bytes = static_cast<uint8_t*>(block);
  if constexpr (kSize == 1) {
    __builtin_memset(bytes, *static_cast<const uint8_t*>(value),
                     static_cast<size_t>(n));
  } else if constexpr (kSize == 2) {
    auto* to = reinterpret_cast<uint16_t*>(bytes);
    const uint16_t v = *static_cast<const uint16_t*>(value);
    for (int64_t i = 0; i < n; i++) to[i] = v;
  } else if constexpr (kSize == 4) {
    auto* to = reinterpret_cast<uint32_t*>(bytes);
    const uint32_t v = *static_cast<const uint32_t*>(value);
    for (int64_t i = 0; i < n; i++) to[i] = v;
  } else {
    auto* to = reinterpret_cast<uint64_t*>(bytes);
    const uint64_t v = *static_cast<const uint64_t*>(value);
    for (int64_t i = 0; i < n; i++) to[i] = v;
  }
}

[[maybe_unused]] void FillBlock(int size, void* block, const void* value,
                                int64_t n) {
  switch (size) {
    case 1:
      return FillBlock<1>(block, value, n);
    case 2:
      return FillBlock<2>(block, value, n);
    case 4:
      return FillBlock<4>(block, value, n);
    default:
      return FillBlock<8>(block, value, n);
  }
}

}  // namespace
}  // namespace keratin
