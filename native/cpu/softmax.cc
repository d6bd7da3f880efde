// Softmax and log-softmax along the middle axis of [outer, length, inner]:
// exp(x - max) / sum and (x - max) - log(sum), with sum = sum(exp(x - max)).
//
// Computed in float32 for halves. As the formulas say, a row that is all
// -infinity or holds +infinity or NaN becomes NaN.
#include <cmath>
#include <cstdint>

#include "../kernel.h"
#include "columns.h"
#include "parallel.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"
#include "simd/math.h"
#include "half.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

constexpr int kLanes = Vec::kLanes;
// Neighbouring columns that are computed together: whole lines of each row.
constexpr int64_t kColumns = 64;

// Vectors of [0, n): body(begin, lanes that exist, whether that is all).
template <class Body>
KERATIN_INLINE void ForEachVector(int64_t n, const Body& body) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) body(i, FirstLanes(kLanes), true);
  if (i < n) body(i, FirstLanes(static_cast<int>(n - i)), false);
}

KERATIN_INLINE Vec LoadLanes(const float* p, Lanes lanes, bool all) {
  return all ? Load(p) : Load(p, lanes);
}
KERATIN_INLINE void StoreLanes(float* p, Lanes lanes, bool all, Vec x) {
  if (all) {
    Store(p, x);
  } else {
    Store(p, lanes, x);
  }
}

// A contiguous row; y may be x.
template <bool kLog>
void Row(const float* x, float* y, int64_t n) {
  Vec tops = Set(-kInfinity);
  ForEachVector(n, [&](int64_t i, Lanes lanes, bool all) {
    const Vec v = LoadLanes(x + i, lanes, all);
    tops = Max(tops, all ? v : Select(lanes, v, Set(-kInfinity)));
  });
  const Vec top = Set(MaxLanes(tops));
  Vec sums = Set(0);
  ForEachVector(n, [&](int64_t i, Lanes lanes, bool all) {
    const Vec e = Exp(LoadLanes(x + i, lanes, all) - top);
    if (!kLog) StoreLanes(y + i, lanes, all, e);
    sums = sums + (all ? e : Select(lanes, e, Set(0)));
  });
  const Vec sum = Set(SumLanes(sums));
  const Vec term = kLog ? Log(sum) : Set(1) / sum;
  ForEachVector(n, [&](int64_t i, Lanes lanes, bool all) {
    const Vec v = LoadLanes((kLog ? x : y) + i, lanes, all);
    StoreLanes(y + i, lanes, all, kLog ? (v - top) - term : v * term);
  });
}

// n <= kColumns columns, their rows `stride` apart; y may be x.
template <bool kLog>
void Columns(const float* x, float* y, int64_t length, int64_t stride,
             int64_t n) {
  alignas(64) float tops[kColumns];
  alignas(64) float terms[kColumns];
  for (int64_t i = 0; i < kColumns; i += kLanes) {
    Store(tops + i, Set(-kInfinity));
    Store(terms + i, Set(0));
  }
  for (int64_t row = 0; row < length; row++) {
    ForEachVector(n, [&](int64_t i, Lanes lanes, bool all) {
      const Vec v = LoadLanes(x + row * stride + i, lanes, all);
      Store(tops + i, Max(Load(tops + i), v));
    });
  }
  for (int64_t row = 0; row < length; row++) {
    ForEachVector(n, [&](int64_t i, Lanes lanes, bool all) {
      const int64_t at = row * stride + i;
      const Vec e = Exp(LoadLanes(x + at, lanes, all) - Load(tops + i));
      if (!kLog) StoreLanes(y + at, lanes, all, e);
      Store(terms + i, Load(terms + i) + e);
    });
  }
  for (int64_t i = 0; i < kColumns; i += kLanes) {
    const Vec sum = Load(terms + i);
    Store(terms + i, kLog ? Log(sum) : Set(1) / sum);
  }
  for (int64_t row = 0; row < length; row++) {
    ForEachVector(n, [&](int64_t i, Lanes lanes, bool all) {
      const int64_t at = row * stride + i;
      const Vec v = LoadLanes((kLog ? x : y) + at, lanes, all);
      StoreLanes(y + at, lanes, all,
                 kLog ? (v - Load(tops + i)) - Load(terms + i)
                      : v * Load(terms + i));
    });
  }
}

template <bool kLog>
void DoubleColumn(const double* x, double* y, int64_t length, int64_t stride) {
  double top = -__builtin_inf();
  for (int64_t i = 0; i < length; i++) {
    const double v = x[i * stride];
    if (v > top || v != v) top = v;
    if (top != top) break;
  }
  double sum = 0;
  for (int64_t i = 0; i < length; i++) {
    const double e = ::exp(x[i * stride] - top);
    if (!kLog) y[i * stride] = e;
    sum += e;
  }
  const double term = kLog ? ::log(sum) : 1 / sum;
  for (int64_t i = 0; i < length; i++) {
    y[i * stride] =
        kLog ? (x[i * stride] - top) - term : y[i * stride] * term;
  }
}

// n columns of one of the outer slices. `wide` has room for a float32 copy of
// them if the type is a half.
template <bool kLog>
void RunColumns(const double* x, double* y, int64_t length, int64_t inner,
                int64_t n, float*) {
  for (int64_t i = 0; i < n; i++) {
    DoubleColumn<kLog>(x + i, y + i, length, inner);
  }
}
template <bool kLog>
void RunColumns(const float* x, float* y, int64_t length, int64_t inner,
                int64_t n, float*) {
  if (inner == 1) {
    Row<kLog>(x, y, length);
  } else {
    Columns<kLog>(x, y, length, inner, n);
  }
}
template <bool kLog, class H>
void RunColumns(const H* x, H* y, int64_t length, int64_t inner, int64_t n,
                float* wide) {
  if (inner == 1) {
    Widen(x, wide, length);
    Row<kLog>(wide, wide, length);
    Narrow(wide, y, length);
    return;
  }
  for (int64_t i = 0; i < length; i++) Widen(x + i * inner, wide + i * n, n);
  Columns<kLog>(wide, wide, length, n, n);
  for (int64_t i = 0; i < length; i++) Narrow(wide + i * n, y + i * inner, n);
}

// False: out of scratch memory.
template <bool kLog, class T>
bool RunAll(const TensorView& in, const TensorView& out, int64_t length,
            int64_t inner) {
  const int64_t blocks = (inner + kColumns - 1) / kColumns;
  const int64_t width = inner < kColumns ? inner : kColumns;
  const double ns_per_element = sizeof(T) == 8 ? 10 : 0.6;
  const double ns =
      static_cast<double>(length * width) * ns_per_element + 10;
  bool failed = false;
  ParallelFor(out.size / (length * inner) * blocks, ns, 1,
              [&](int64_t begin, int64_t end) {
    Scratch scratch;
    float* wide = nullptr;
    if (sizeof(T) == 2) {
      wide = scratch.Take<float>(length * width);
      if (wide == nullptr) {
        __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
        return;
      }
    }
    for (int64_t i = begin; i < end; i++) {
      const int64_t column = i % blocks * kColumns;
      const int64_t at = i / blocks * length * inner + column;
      const int64_t n = inner - column < width ? inner - column : width;
      RunColumns<kLog>(in.as<const T>() + at, out.as<T>() + at, length, inner,
                       n, wide);
    }
  });
  return !failed;
}

template <bool kLog>
Status Softmax(const KernelCall& call) {
  const TensorView& in = call.inputs[0];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  Attributes attributes = call.attributes();
  const auto [outer, length, inner] = ColumnsOf(in, attributes.Int());
  bool ok;
  switch (in.dtype) {
    case DType::kFloat16:
      ok = RunAll<kLog, Half>(in, out, length, inner);
      break;
    case DType::kBFloat16:
      ok = RunAll<kLog, BFloat16>(in, out, length, inner);
      break;
    case DType::kFloat64:
      ok = RunAll<kLog, double>(in, out, length, inner);
      break;
    default:
      ok = RunAll<kLog, float>(in, out, length, inner);
      break;
  }
  return ok ? 0 : call.Fail("softmax: out of memory for a float32 copy");
}

}  // namespace

void Register_softmax(Registry& registry) {
  registry.Add("softmax", Softmax<false>, kFloats);
  registry.Add("log_softmax", Softmax<true>, kFloats);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
