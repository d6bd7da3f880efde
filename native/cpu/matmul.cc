// Matrix products: batched, broadcast, of every layout and dtype. Also home of
// the micro-kernel's code, which convolution shares.
#include <cstdint>

#include "../kernel.h"
#include "parallel.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"
#include "simd/lanes.h"
#include "half.h"
#include "wide.h"
#include "microkernel.h"
#include "tiles.h"
#include "pack.h"
#include "gemm.h"
#include "gemm_blocks.h"
#include "skinny.h"
#include "integer_matmul.h"

namespace keratin {
namespace KERATIN_TARGET {

const TileFunctions<float> kFloatTiles = MakeTiles<float>();
const TileFunctions<double> kDoubleTiles = MakeTiles<double>();

namespace {

// Dots pay from so many steps on, streams from so many columns.
constexpr int64_t kSkinnyLength = 32;

bool IsSkinny(const Gemm& g) {
  const bool swapped = g.m > kFew;
  if (swapped && g.n > kFew) return false;
  const bool dots = (swapped ? g.a_step : g.b_step) == 1;
  return (dots ? g.k : swapped ? g.m : g.n) >= kSkinnyLength;
}

template <class S, class T>
bool RunPartOf(const Gemm& g, int worker, int workers) {
  if (!IsSkinny(g)) {
    const Blocking blocking = BlockingOf<S, T>(g);
    return RunBlocks<S, T>(g, blocking,
                           RectangleOf<T>(g, blocking, worker, workers));
  }
  const Skinny<S, T> s = SkinnyOf<S, T>(g, g.m > kFew);
  const int64_t groups = CeilDiv(s.length, kSkinnyLength);
  const int64_t begin = groups * worker / workers * kSkinnyLength;
  const int64_t end =
      Min(s.length, groups * (worker + 1) / workers * kSkinnyLength);
  return begin >= end || RunSkinny(s, begin, end);
}

}  // namespace

double GemmCost(DType dtype, int64_t m, int64_t n, int64_t k) {
  // Multiply-adds in a nanosecond.
  constexpr double kRate = kTileRows<float> == 4 ? 8 : 50;
  const double work = static_cast<double>(m) * static_cast<double>(n) *
                      static_cast<double>(k);
  return work / (dtype == DType::kFloat64 ? kRate / 2 : kRate) +
         // What is read but once.
         0.1 * static_cast<double>(m * k + k * n + m * n);
}

bool RunGemmPart(const Gemm& g, int worker, int workers) {
  switch (g.dtype) {
    case DType::kFloat16:
      return RunPartOf<Half, float>(g, worker, workers);
    case DType::kBFloat16:
      return RunPartOf<BFloat16, float>(g, worker, workers);
    case DType::kFloat64:
      return RunPartOf<double, double>(g, worker, workers);
    default:
      return RunPartOf<float, float>(g, worker, workers);
  }
}

bool RunGemm(const Gemm& gemm) {
  struct Job {
    Gemm gemm;
    bool failed;
  } job{gemm, false};
  RunParallel(
      WorkersFor(GemmCost(gemm.dtype, gemm.m, gemm.n, gemm.k)),
      [](void* context, int worker, int workers) {
        Job* job = static_cast<Job*>(context);
        const Gemm gemm = job->gemm;
        if (!RunGemmPart(gemm, worker, workers)) {
          __atomic_store_n(&job->failed, true, __ATOMIC_RELAXED);
        }
      },
      &job);
  return !job.failed;
}

namespace {

// The products of a call: where the matrices of each lie, in matrices.
struct Batch {
  int64_t count;
  int ndim;
  const int64_t* shape;
  int64_t a_strides[kMaxRank], b_strides[kMaxRank];
};

// Returns how many matrices the operand holds.
int64_t BatchStrides(const TensorView& operand, const TensorView& out,
                     int64_t* strides) {
  int64_t stride = 1;
  for (int axis = out.ndim - 3; axis >= 0; axis--) {
    const int own = axis - (out.ndim - operand.ndim);
    const int64_t length = own >= 0 ? operand.shape[own] : 1;
    strides[axis] = length == 1 ? 0 : stride;
    stride *= length;
  }
  return stride;
}

void MatricesOf(const Batch& batch, int64_t index, int64_t* a, int64_t* b) {
  *a = *b = 0;
  for (int axis = batch.ndim - 1; axis >= 0; axis--) {
    const int64_t i = index % batch.shape[axis];
    index /= batch.shape[axis];
    *a += i * batch.a_strides[axis];
    *b += i * batch.b_strides[axis];
  }
}

struct Product {
  Batch batch;
  Gemm gemm;  // of the first matrices
  int64_t size;  // of an element
  bool failed;

  // Product `index`.
  Gemm At(int64_t index) const {
    int64_t a, b;
    MatricesOf(batch, index, &a, &b);
    Gemm g = gemm;
    g.a = static_cast<const char*>(g.a) + a * g.m * g.k * size;
    g.b = static_cast<const char*>(g.b) + b * g.k * g.n * size;
    g.c = static_cast<char*>(g.c) + index * g.m * g.n * size;
    return g;
  }
};

// Many products: each on one thread. Few: each on all.
void RunFloatProducts(void* context, int worker, int workers) {
  Product* shared = static_cast<Product*>(context);
  const Product p = *shared;
  const bool apart = p.batch.count >= 4 * workers || p.batch.count % workers == 0;
  const int64_t begin = apart ? p.batch.count * worker / workers : 0;
  const int64_t end =
      apart ? p.batch.count * (worker + 1) / workers : p.batch.count;
  bool ok = true;
  for (int64_t i = begin; i < end; i++) {
    ok &= apart ? RunGemmPart(p.At(i), 0, 1)
                : RunGemmPart(p.At(i), worker, workers);
  }
  if (!ok) __atomic_store_n(&shared->failed, true, __ATOMIC_RELAXED);
}

bool RunFloatProduct(Product* p) {
  const Gemm& g = p->gemm;
  const double cost = GemmCost(g.dtype, g.m, g.n, g.k) + 20;
  RunParallel(WorkersFor(static_cast<double>(p->batch.count) * cost),
              RunFloatProducts, p);
  return !p->failed;
}

template <class T>
bool RunIntegerProduct(Product* p) {
  const Gemm& g = p->gemm;
  const double ns = static_cast<double>(g.n * g.k) * 0.1 + 5;
  ParallelFor(p->batch.count * g.m, ns, 4, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end;) {
      const int64_t index = row / g.m;
      const int64_t first = row % g.m;
      const int64_t last = Min(g.m, first + end - row);
      const Gemm one = p->At(index);
      const IntegerGemm integers{one.m,      one.n,    one.k,
                                 one.a,      one.a_row, one.a_step,
                                 one.b,      one.b_step, one.b_column,
                                 one.c};
      if (!RunIntegers<T>(integers, first, last)) {
        __atomic_store_n(&p->failed, true, __ATOMIC_RELAXED);
      }
      row += last - first;
    }
  });
  return !p->failed;
}

Status Matmul(const KernelCall& call) {
  const TensorView& a = call.inputs[0];
  const TensorView& b = call.inputs[1];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  if (a.size == 0) {  // sums of nothing
    __builtin_memset(out.data, 0, static_cast<size_t>(out.bytes()));
    return 0;
  }
  Attributes attributes = call.attributes();
  const bool transpose_a = attributes.Bool();
  const bool transpose_b = attributes.Bool();
  Product p{};
  Gemm& g = p.gemm;
  g.dtype = a.dtype;
  g.m = out.shape[out.ndim - 2];
  g.n = out.shape[out.ndim - 1];
  g.k = a.shape[a.ndim - (transpose_a ? 2 : 1)];
  p.size = ItemSize(a.dtype);
  p.batch.ndim = out.ndim - 2;
  p.batch.shape = out.shape;
  p.batch.count = out.size / (g.m * g.n);
  const int64_t count_a = BatchStrides(a, out, p.batch.a_strides);
  const int64_t count_b = BatchStrides(b, out, p.batch.b_strides);
  if (count_b == 1 && count_a == p.batch.count && !transpose_a) {
    // One product with the rows of all.
    g.m *= p.batch.count;
    p.batch.count = 1;
    p.batch.ndim = 0;
  }
  g.a = a.data;
  g.a_row = transpose_a ? 1 : g.k;
  g.a_step = transpose_a ? g.m : 1;
  g.b = b.data;
  g.b_step = transpose_b ? 1 : g.n;
  g.b_column = transpose_b ? g.k : 1;
  g.c = out.data;
  g.c_row = g.n;
  bool ok;
  if (Mask(a.dtype) & kFloats) {
    ok = RunFloatProduct(&p);
  } else if (p.size == 1) {
    ok = RunIntegerProduct<uint8_t>(&p);
  } else if (p.size == 2) {
    ok = RunIntegerProduct<uint16_t>(&p);
  } else if (p.size == 4) {
    ok = RunIntegerProduct<uint32_t>(&p);
  } else {
    ok = RunIntegerProduct<uint64_t>(&p);
  }
  return ok ? 0 : call.Fail("matmul: out of memory for packed matrices");
}

}  // namespace

void Register_matmul(Registry& registry) {
  registry.Add("matmul", Matmul, kNumbers);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
