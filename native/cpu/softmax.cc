// Softmax and log-softmax along one axis: [outer, length, inner].
#include <cmath>
#include <cstdint>

#include "../kernel.h"
#include "parallel.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"
#include "simd/math.h"
#include "half.h"
#include "elementwise.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

KERATIN_INLINE Lanes Rest(int64_t n) { return FirstLanes(static_cast<int>(n)); }

// A contiguous row. The maximum ignores lanes beyond the end.
template <bool kLog>
void Row(const float* x, float* y, int64_t n) {
  constexpr int kLanes = Vec::kLanes;
  Vec top = Set(-kInfinity);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) top = Max(top, Load(x + i));
  if (i < n) {
    const Lanes rest = Rest(n - i);
    top = Max(top, Select(rest, Load(x + i, rest), Set(-kInfinity)));
  }
  const Vec shift = Set(MaxLanes(top));
  Vec sum = Set(0);
  i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Vec e = Exp(Load(x + i) - shift);
    if (!kLog) Store(y + i, e);
    sum = sum + e;
  }
  if (i < n) {
    const Lanes rest = Rest(n - i);
    const Vec e = Select(rest, Exp(Load(x + i, rest) - shift), Set(0));
    if (!kLog) Store(y + i, rest, e);
    sum = sum + e;
  }
  const float total = SumLanes(sum);
  const Vec term = kLog ? Log(Set(total)) : Set(1) / Set(total);
  i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    Store(y + i, kLog ? (Load(x + i) - shift) - term : Load(y + i) * term);
  }
  if (i < n) {
    const Lanes rest = Rest(n - i);
    Store(y + i, rest,
          kLog ? (Load(x + i, rest) - shift) - term : Load(y + i, rest) * term);
  }
}

// One vector of neighbouring columns, `stride` elements from row to row.
template <bool kLog>
void Columns(const float* x, float* y, int64_t n, int64_t stride, Lanes lanes) {
  Vec top = Set(-kInfinity);
  for (int64_t i = 0; i < n; i++) top = Max(top, Load(x + i * stride, lanes));
  Vec sum = Set(0);
  for (int64_t i = 0; i < n; i++) {
    const Vec e = Exp(Load(x + i * stride, lanes) - top);
    if (!kLog) Store(y + i * stride, lanes, e);
    sum = sum + e;
  }
  const Vec term = kLog ? Log(sum) : Set(1) / sum;
  for (int64_t i = 0; i < n; i++) {
    const Vec v = kLog ? (Load(x + i * stride, lanes) - top) - term
                       : Load(y + i * stride, lanes) * term;
    Store(y + i * stride, lanes, v);
  }
}

template <bool kLog>
void DoubleRow(const double* x, double* y, int64_t n, int64_t stride) {
  double top = -__builtin_inf();
  for (int64_t i = 0; i < n; i++) {
    const double v = x[i * stride];
    top = v > top || v != v ? v : top;
  }
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    const double e = ::exp(x[i * stride] - top);
    if (!kLog) y[i * stride] = e;
    sum += e;
  }
  const double term = kLog ? ::log(sum) : 1 / sum;
  for (int64_t i = 0; i < n; i++) {
    y[i * stride] =
        kLog ? (x[i * stride] - top) - term : y[i * stride] * term;
  }
}

template <bool kLog>
void RunFloat(const float* x, float* y, int64_t outer, int64_t length,
              int64_t inner) {
  const double ns = static_cast<double>(length) * 0.6 + 10;
  if (inner == 1) {
    ParallelFor(outer, ns, 1, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; o++) {
        Row<kLog>(x + o * length, y + o * length, length);
      }
    });
    return;
  }
  const int64_t panels = (inner + Vec::kLanes - 1) / Vec::kLanes;
  ParallelFor(outer * panels, ns * Vec::kLanes, 1,
              [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t k = i % panels * Vec::kLanes;
      const int64_t at = i / panels * length * inner + k;
      Columns<kLog>(x + at, y + at, length, inner, Rest(inner - k));
    }
  });
}

template <bool kLog, class H>
bool RunHalf(const TensorView& in, const TensorView& out, int64_t outer,
             int64_t length, int64_t inner) {
  Scratch scratch;
  float* wide = scratch.Take<float>(in.size);
  float* result = scratch.Take<float>(in.size);
  if (wide == nullptr || result == nullptr) return false;
  Widen(in.as<const H>(), wide, in.size);
  RunFloat<kLog>(wide, result, outer, length, inner);
  Narrow(result, out.as<H>(), in.size);
  return true;
}

template <bool kLog>
Status Softmax(const KernelCall& call) {
  const TensorView& in = call.inputs[0];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  Attributes attributes = call.attributes();
  const int axis = attributes.Int();
  int64_t inner = 1;
  for (int i = axis + 1; i < in.ndim; i++) inner *= in.shape[i];
  const int64_t length = in.shape[axis];
  const int64_t outer = in.size / (length * inner);
  bool ok = true;
  switch (in.dtype) {
    case DType::kFloat16:
      ok = RunHalf<kLog, Half>(in, out, outer, length, inner);
      break;
    case DType::kBFloat16:
      ok = RunHalf<kLog, BFloat16>(in, out, outer, length, inner);
      break;
    case DType::kFloat64:
      ParallelFor(outer * inner, static_cast<double>(length) * 10, 1,
                  [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) {
          const int64_t at = i / inner * length * inner + i % inner;
          DoubleRow<kLog>(in.as<const double>() + at, out.as<double>() + at,
                          length, inner);
        }
      });
      break;
    default:
      RunFloat<kLog>(in.as<const float>(), out.as<float>(), outer, length,
                     inner);
      break;
  }
  return ok ? 0 : call.Fail("out of memory: no room to widen the input");
}

}  // namespace

void Register_softmax(Registry& registry) {
  registry.Add("softmax", Softmax<false>, kFloats);
  registry.Add("log_softmax", Softmax<true>, kFloats);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
