// Indices as a user may give them, and what those out of range read.
#pragma once

#include "kernels.h"

namespace keratin::test {

// Some of everything: in range from both ends, the first ones beyond, and the
// extremes of the dtype.
inline Array HostileIndices(DType dtype, const Shape& shape, int64_t length,
                            uint64_t seed) {
  Array x = std::move(Array(dtype, shape).Fill(seed));
  for (int64_t i = 0; i < x.size(); i++) {
    const int64_t most = dtype == DType::kInt32 ? INT32_MAX : INT64_MAX;
    const uint64_t bits = static_cast<uint64_t>(x.Integer(i)) >> 8;
    const int64_t any = length == 0 ? 0 : static_cast<int64_t>(bits % static_cast<uint64_t>(length));
    const int64_t choices[] = {any,    any,         any,  any - length, length,
                               -length - 1, most, -most - 1};
    x.SetInteger(i, choices[(bits >> 13) % (i % 3 == 0 ? 8 : 4)]);
  }
  return x;
}

// From 0; -1 where it is out of range.
inline int64_t Resolved(int64_t index, int64_t length) {
  if (index < 0) index += length;
  return index >= 0 && index < length ? index : -1;
}

// NaN, the smallest value of a signed, the largest of an unsigned integer.
inline void SetMissing(Array* x, int64_t i) {
  const DType dtype = x->dtype();
  if (Mask(dtype) & kFloats) {
    x->Set(i, NAN);
  } else if (dtype == DType::kBool) {
    x->SetInteger(i, 1);
  } else {
    const bool is_signed = dtype == DType::kInt8 || dtype == DType::kInt16 ||
                           dtype == DType::kInt32 || dtype == DType::kInt64;
    const uint64_t top = uint64_t{1} << (8 * ItemSize(dtype) - 1);
    x->SetInteger(i, static_cast<int64_t>(is_signed ? top : ~uint64_t{0}));
  }
}

}  // namespace keratin::test
