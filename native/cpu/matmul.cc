// Matrix products: batched, broadcast, of every layout and dtype.
#include <cstdint>

#include "../kernel.h"
#include "parallel.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"
#include "simd/lanes.h"
#include "half.h"
#include "elementwise.h"
#include "microkernel.h"
#include "gemm.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// Where the matrices of a batch lie, in matrices.
struct Batch {
  int64_t count;
  Walk walk;  // of operands a and b
};

void MakeBatch(const KernelCall& call, Batch* batch) {
  TensorView views[2] = {call.inputs[0], call.inputs[1]};
  TensorView out = call.outputs[0];
  views[0].ndim -= 2;
  views[1].ndim -= 2;
  out.ndim -= 2;
  batch->count = 1;
  for (int i = 0; i < out.ndim; i++) batch->count *= out.shape[i];
  MakeWalk(views, 2, out, &batch->walk);
}

// body(number of the product, of its A, of its B)
template <class Body>
KERATIN_INLINE void ForEachMatrix(const Batch& batch, int64_t begin,
                                  int64_t end, const Body& body) {
  WalkRows(batch.walk, 2, begin, end,
           [&](int64_t at, const int64_t* offsets, int64_t n) {
             for (int64_t i = 0; i < n; i++) {
               body(at + i, offsets[0] + i * batch.walk.strides[0][0],
                    offsets[1] + i * batch.walk.strides[1][0]);
             }
           });
}

struct Shape {
  int64_t m, n, k;
  bool transpose_a, transpose_b;
};

Shape ShapeOf(const KernelCall& call) {
  Attributes attributes = call.attributes();
  const TensorView& a = call.inputs[0];
  const TensorView& out = call.outputs[0];
  Shape s;
  s.transpose_a = attributes.Bool();
  s.transpose_b = attributes.Bool();
  s.m = out.shape[out.ndim - 2];
  s.n = out.shape[out.ndim - 1];
  s.k = a.shape[a.ndim - (s.transpose_a ? 2 : 1)];
  return s;
}

template <class T>
bool RunFloats(const Shape& s, const Batch& batch, const T* a, const T* b,
               T* out) {
  const auto product = [&](int64_t i, int64_t ia, int64_t ib) {
    Gemm<T> g;
    g.m = s.m;
    g.n = s.n;
    g.k = s.k;
    g.a = a + ia * s.m * s.k;
    g.a_row = s.transpose_a ? 1 : s.k;
    g.a_step = s.transpose_a ? s.m : 1;
    g.b = b + ib * s.k * s.n;
    g.b_row = s.transpose_b ? 1 : s.n;
    g.b_column = s.transpose_b ? s.k : 1;
    g.c = out + i * s.m * s.n;
    g.c_row = s.n;
    return RunGemm(g);
  };
  // Many products: each on one thread; few: each on all.
  int failed = 0;
  if (batch.count >= 2 * ThreadCount()) {
    ParallelFor(batch.count, GemmCost<T>(s.m, s.n, s.k), 1,
                [&](int64_t begin, int64_t end) {
      ForEachMatrix(batch, begin, end, [&](int64_t i, int64_t ia, int64_t ib) {
        if (!product(i, ia, ib)) __atomic_store_n(&failed, 1, __ATOMIC_RELAXED);
      });
    });
  } else {
    ForEachMatrix(batch, 0, batch.count,
                  [&](int64_t i, int64_t ia, int64_t ib) {
                    if (!product(i, ia, ib)) failed = 1;
                  });
  }
  return failed == 0;
}

// Halves are widened whole, multiplied in float32 and rounded once.
template <class H>
bool RunHalves(const Shape& s, const Batch& batch, const KernelCall& call) {
  const TensorView& a = call.inputs[0];
  const TensorView& b = call.inputs[1];
  const TensorView& out = call.outputs[0];
  Scratch scratch;
  float* wide_a = scratch.Take<float>(a.size);
  float* wide_b = scratch.Take<float>(b.size);
  float* wide_out = scratch.Take<float>(out.size);
  if (wide_a == nullptr || wide_b == nullptr || wide_out == nullptr) {
    return false;
  }
  const auto widen = [](const TensorView& x, float* to) {
    ParallelFor(x.size, 0.15, kBlock, [&](int64_t begin, int64_t end) {
      Widen(x.as<const H>() + begin, to + begin, end - begin);
    });
  };
  widen(a, wide_a);
  widen(b, wide_b);
  if (!RunFloats<float>(s, batch, wide_a, wide_b, wide_out)) return false;
  ParallelFor(out.size, 0.15, kBlock, [&](int64_t begin, int64_t end) {
    Narrow(wide_out + begin, out.as<H>() + begin, end - begin);
  });
  return true;
}

// Integers wrap: unsigned arithmetic gives the bits of signed too.
template <class T>
void RunIntegers(const Shape& s, const Batch& batch, const T* a, const T* b,
                 T* out) {
  const int64_t a_row = s.transpose_a ? 1 : s.k;
  const int64_t a_step = s.transpose_a ? s.m : 1;
  ParallelFor(batch.count * s.m, static_cast<double>(s.n * s.k) * 0.3, 1,
              [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      const int64_t i = r % s.m;
      ForEachMatrix(batch, r / s.m, r / s.m + 1,
                    [&](int64_t at, int64_t ia, int64_t ib) {
        const T* x = a + ia * s.m * s.k + i * a_row;
        const T* y = b + ib * s.k * s.n;
        T* c = out + (at * s.m + i) * s.n;
        for (int64_t j = 0; j < s.n; j++) c[j] = 0;
        for (int64_t p = 0; p < s.k; p++) {
          const T factor = x[p * a_step];
          if (s.transpose_b) {
            for (int64_t j = 0; j < s.n; j++) {
              c[j] = static_cast<T>(c[j] + uint64_t{factor} * y[j * s.k + p]);
            }
          } else {
            const T* row = y + p * s.n;
#pragma GCC ivdep
            for (int64_t j = 0; j < s.n; j++) {
              c[j] = static_cast<T>(c[j] + uint64_t{factor} * row[j]);
            }
          }
        }
      });
    }
  });
}

Status Matmul(const KernelCall& call) {
  const TensorView& a = call.inputs[0];
  const TensorView& b = call.inputs[1];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  const Shape s = ShapeOf(call);
  Batch batch;
  MakeBatch(call, &batch);
  bool ok = true;
  switch (a.dtype) {
    case DType::kFloat32:
      ok = RunFloats(s, batch, a.as<const float>(), b.as<const float>(),
                     out.as<float>());
      break;
    case DType::kFloat64:
      ok = RunFloats(s, batch, a.as<const double>(), b.as<const double>(),
                     out.as<double>());
      break;
    case DType::kFloat16:
      ok = RunHalves<Half>(s, batch, call);
      break;
    case DType::kBFloat16:
      ok = RunHalves<BFloat16>(s, batch, call);
      break;
    default:
      switch (ItemSize(a.dtype)) {
        case 1:
          RunIntegers(s, batch, a.as<const uint8_t>(), b.as<const uint8_t>(),
                      out.as<uint8_t>());
          break;
        case 2:
          RunIntegers(s, batch, a.as<const uint16_t>(), b.as<const uint16_t>(),
                      out.as<uint16_t>());
          break;
        case 4:
          RunIntegers(s, batch, a.as<const uint32_t>(), b.as<const uint32_t>(),
                      out.as<uint32_t>());
          break;
        default:
          RunIntegers(s, batch, a.as<const uint64_t>(), b.as<const uint64_t>(),
                      out.as<uint64_t>());
          break;
      }
  }
  return ok ? 0 : call.Fail("out of memory: no room for packed matrices");
}

}  // namespace

void Register_matmul(Registry& registry) {
  registry.Add("matmul", Matmul, kNumbers);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
