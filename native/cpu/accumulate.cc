// Sums added to what is there: how a loop sums what it computes, block by block
// (native/runtime/loop.h).
//   accumulate_rows: x [rows, n], total [rows] -> total + the sum of each row
//   accumulate_columns: x [rows, n], total [n] -> total + the sum of each column
// The output may be the total. A block is summed up before it is added, so that
// the error grows with the rows of a block and the number of blocks.
#include <cstdint>

#include "../kernel.h"
#include "parallel.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"
#include "simd/lanes.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// Vectors that are added to at once: enough to hide how long an addition takes.
constexpr int kMostVectors = 8;

// The sums of kVectors vectors side by side over rows.
template <int kVectors>
void SumVectors(const float* x, int64_t rows, int64_t stride, Vec* sums) {
  Vec s[kVectors];
  for (int v = 0; v < kVectors; v++) s[v] = Set(0);
  for (int64_t r = 0; r < rows; r++, x += stride) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; v++) s[v] = s[v] + Load(x + v * Vec::kLanes);
  }
  for (int v = 0; v < kVectors; v++) sums[v] = s[v];
}

void SumVectors(int vectors, const float* x, int64_t rows, int64_t stride,
                Vec* sums) {
  switch (vectors) {
    case 1: return SumVectors<1>(x, rows, stride, sums);
    case 2: return SumVectors<2>(x, rows, stride, sums);
    case 3: return SumVectors<3>(x, rows, stride, sums);
    case 4: return SumVectors<4>(x, rows, stride, sums);
    case 5: return SumVectors<5>(x, rows, stride, sums);
    case 6: return SumVectors<6>(x, rows, stride, sums);
    case 7: return SumVectors<7>(x, rows, stride, sums);
    default: return SumVectors<8>(x, rows, stride, sums);
  }
}

KERATIN_INLINE int64_t CommonDivisor(int64_t a, int64_t b) {
  while (b != 0) {
    const int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

// Short rows fill whole vectors when several are taken as one.
void SumShortRows(const float* x, int64_t rows, int64_t n, int64_t together,
                  float* sums) {
  const int64_t width = together * n;
  const int vectors = static_cast<int>(width / Vec::kLanes);
  Vec wide[kMostVectors];
  SumVectors(vectors, x, rows / together, width, wide);
  float lanes[kMostVectors * Vec::kLanes];
  for (int v = 0; v < vectors; v++) Store(lanes + v * Vec::kLanes, wide[v]);
  for (int64_t j = 0; j < n; j++) {
    float sum = 0;
    for (int64_t i = j; i < width; i += n) sum += lanes[i];
    for (int64_t r = rows / together * together; r < rows; r++) sum += x[r * n + j];
    sums[j] += sum;
  }
}

void Columns(const float* x, int64_t rows, int64_t n, float* total) {
  constexpr int64_t kLanes = Vec::kLanes;
  // Rows whose elements are a whole number of vectors, several vectors if few.
  int64_t together = kLanes / CommonDivisor(n, kLanes);
  while (together * n * 2 <= 4 * kLanes) together *= 2;
  if (together > 1 && together * n <= kMostVectors * kLanes &&
      rows >= 2 * together) {
    return SumShortRows(x, rows, n, together, total);
  }
  int64_t j = 0;
  while (n - j >= kLanes) {
    const int64_t whole = (n - j) / kLanes;
    const int vectors =
        static_cast<int>(whole < kMostVectors ? whole : kMostVectors);
    Vec sums[kMostVectors];
    SumVectors(vectors, x + j, rows, n, sums);
    for (int v = 0; v < vectors; v++, j += kLanes) {
      Store(total + j, Load(total + j) + sums[v]);
    }
  }
  if (j == n) return;
  const Lanes rest = FirstLanes(static_cast<int>(n - j));
  Vec sum = Set(0);
  for (int64_t r = 0; r < rows; r++) sum = sum + Load(x + r * n + j, rest);
  Store(total + j, rest, Load(total + j, rest) + sum);
}

void Columns(const double* x, int64_t rows, int64_t n, double* total) {
  constexpr int64_t kPanel = 64;
  for (int64_t j = 0; j < n; j += kPanel) {
    const int64_t width = n - j < kPanel ? n - j : kPanel;
    double sums[kPanel] = {};
    for (int64_t r = 0; r < rows; r++) {
      const double* row = x + r * n + j;
      for (int64_t i = 0; i < width; i++) sums[i] += row[i];
    }
    for (int64_t i = 0; i < width; i++) total[j + i] += sums[i];
  }
}

float SumRow(const float* x, int64_t n) {
  constexpr int64_t kLanes = Vec::kLanes;
  Vec sums[4] = {Set(0), Set(0), Set(0), Set(0)};
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int v = 0; v < 4; v++) sums[v] = sums[v] + Load(x + i + v * kLanes);
  }
  for (int v = 0; i < n; i += kLanes, v++) {
    sums[v] = sums[v] + Load(x + i, FirstLanes(static_cast<int>(n - i)));
  }
  return SumLanes((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

double SumRow(const double* x, int64_t n) {
  constexpr int kLanes = 8;
  double sums[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int l = 0; l < kLanes; l++) sums[l] += x[i + l];
  }
  for (int l = 0; i < n; i++, l++) sums[l] += x[i];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) +
         ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

template <class T>
void Rows(const T* x, int64_t rows, int64_t n, T* total) {
  for (int64_t r = 0; r < rows; r++) total[r] += SumRow(x + r * n, n);
}

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
