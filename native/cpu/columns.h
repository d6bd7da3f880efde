// A tensor along one of its axes. Everything here has internal linkage, so that
// any instruction set may include it.
#pragma once

#include <cstdint>

#include "../kernel.h"

namespace keratin {
namespace {

// The columns of a tensor along an axis.
struct Columns {
  int64_t outer, length, inner;

  int64_t count() const { return outer * inner; }
  // Where column c begins; its elements are `inner` apart.
  int64_t First(int64_t c) const { return c / inner * length * inner + c % inner; }
};

[[maybe_unused]] Columns ColumnsOf(const TensorView& x, int axis) {
  Columns columns{1, x.shape[axis], 1};
  for (int i = 0; i < axis; i++) columns.outer *= x.shape[i];
  for (int i = axis + 1; i < x.ndim; i++) columns.inner *= x.shape[i];
  return columns;
}

}  // namespace
}  // namespace keratin
