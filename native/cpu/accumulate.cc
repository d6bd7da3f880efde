// Sums added to what is there: how a loop sums what it computes, block by block
// (native/runtime/loop.h).
//   accumulate_rows: x [rows, n], total [rows] -> total + the sum of each row
//   accumulate_columns: x [rows, n], total [n] -> total + the sum of each column
// The output may be the total. A block is summed up before it is added, so that
// the error grows with the rows of a block and the number of blocks.
#include <cstdint>

#include "../kernel.h"
#include "parallel.h"
#include "sum_layout.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"
#include "simd/lanes.h"
#include "sums.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

template <class Body>
Status Accumulate(const KernelCall& call, const Body& body) {
  const TensorView& x = call.inputs[0];
  const TensorView& out = call.outputs[0];
  if (out.data != call.inputs[1].data && out.size > 0) {
    __builtin_memcpy(out.data, call.inputs[1].data,
                     static_cast<size_t>(out.bytes()));
  }
  if (x.size == 0) return 0;
  if (x.dtype == DType::kFloat32) {
    body(x.as<const float>(), out.as<float>());
  } else {
    body(x.as<const double>(), out.as<double>());
  }
  return 0;
}

Status AccumulateRows(const KernelCall& call) {
  const int64_t* shape = call.inputs[0].shape;
  return Accumulate(call, [&](const auto* x, auto* total) {
    Rows(x, shape[0], shape[1], total);
  });
}

Status AccumulateColumns(const KernelCall& call) {
  const int64_t* shape = call.inputs[0].shape;
  return Accumulate(call, [&](const auto* x, auto* total) {
    Columns(x, shape[0], shape[1], total);
  });
}

}  // namespace

void Register_accumulate(Registry& registry) {
  constexpr DTypeMask kTypes = Mask(DType::kFloat32) | Mask(DType::kFloat64);
  registry.Add("accumulate_rows", AccumulateRows, kTypes);
  registry.Add("accumulate_columns", AccumulateColumns, kTypes);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
