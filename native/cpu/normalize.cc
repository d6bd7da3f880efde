// Layer and root-mean-square normalization of rows, and their gradients.
//   x [R, C], gamma and beta [C] -> y = x f + (beta - mean f) [R, C], where
//   f = rstd gamma, and each row's mean and
//   rstd = 1 / sqrt(mean((x - mean)^2) + epsilon) [R, 2].
// That is Keras's form: far from zero it rounds otherwise than (x - mean) f.
// Of the root mean square the mean counts as 0, there is no beta, and only rstd
// [R, 1] is kept.
//
// Gradients, with n = (x - mean) rstd and g = dy gamma:
//   dx = rstd (g - mean(g) - n mean(g n)), dgamma = sum(dy n), dbeta = sum(dy),
// without the term mean(g) for the root mean square; dy (x - mean) is computed
// as dy x - dy mean, which is what Keras's form of y differentiates to. The
// sums over the rows are taken in blocks of rows that the shape alone gives,
// then over the blocks.
//
// Halves are computed in float32, and so are gamma, beta, statistics and the
// gradients of gamma and beta.
#include <cstdint>

#include "../kernel.h"
#include "parallel.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"
#include "simd/lanes.h"
#include "half.h"
#include "wide.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

KERATIN_INLINE int64_t CeilDiv(int64_t x, int64_t unit) {
  return (x + unit - 1) / unit;
}
KERATIN_INLINE int64_t Min(int64_t a, int64_t b) { return a < b ? a : b; }

KERATIN_INLINE float SumOf(Vec x) { return SumLanes(x); }
template <class V>
KERATIN_INLINE double SumOf(V x) {
  double sum = 0;
  for (int i = 0; i < Simd<double>::kLanes; i++) sum += x[i];
  return sum;
}

float RootOf(float x) { return __builtin_sqrtf(x); }
double RootOf(double x) { return __builtin_sqrt(x); }

struct Normalization {
  int64_t rows, columns;
  double epsilon;
  bool has_gamma, has_beta;
};

Normalization Read(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  Attributes attributes = call.attributes();
  const int axes = attributes.Int();
  Normalization n{1, 1, attributes.Float(), false, false};
  n.has_gamma = attributes.Bool();
  n.has_beta = attributes.Bool();
  for (int i = 0; i < x.ndim; i++) {
    (i < x.ndim - axes ? n.rows : n.columns) *= x.shape[i];
  }
  return n;
}

// Vectors of [0, n): body(begin, elements that are left).
template <class T, class Body>
KERATIN_INLINE void ForEachVector(int64_t n, const Body& body) {
  for (int64_t i = 0; i < n; i += Simd<T>::kLanes) body(i, n - i);
}

// x - mean where there are elements, else 0.
template <class T>
KERATIN_INLINE typename Simd<T>::V Centred(typename Simd<T>::V x, T mean,
                                           int64_t left) {
  using V = Simd<T>;
  alignas(64) static constexpr T kOnes[] = {1, 1, 1, 1, 1, 1, 1, 1,
                                           1, 1, 1, 1, 1, 1, 1, 1};
  const typename V::V centred = V::Plus(x, V::Broadcast(-mean));
  if (left >= V::kLanes) return centred;
  return V::Times(centred, V::Load(kOnes, V::First(static_cast<int>(left))));
}

template <bool kCentres, class S>
void ForwardRow(const Normalization& n, const S* x, const Wide<S>* gamma,
                const Wide<S>* beta, S* y, Wide<S>* stats) {
  using T = Wide<S>;
  using V = Simd<T>;
  const T count = static_cast<T>(n.columns);
  T mean = 0;
  if (kCentres) {
    auto sums = V::Broadcast(0);
    ForEachVector<T>(n.columns, [&](int64_t i, int64_t left) {
      sums = V::Plus(sums, LoadWide(x + i, left));
    });
    mean = SumOf(sums) / count;
  }
  auto squares = V::Broadcast(0);
  ForEachVector<T>(n.columns, [&](int64_t i, int64_t left) {
    const auto centred = Centred<T>(LoadWide(x + i, left), mean, left);
    squares = V::Fma(centred, centred, squares);
  });
  const T rstd =
      1 / RootOf(SumOf(squares) / count + static_cast<T>(n.epsilon));
  if (kCentres) stats[0] = mean;
  stats[kCentres] = rstd;
  const auto scale = V::Broadcast(rstd);
  const auto minus_mean = V::Broadcast(-mean);
  ForEachVector<T>(n.columns, [&](int64_t i, int64_t left) {
    const auto v = LoadWide(x + i, left);
    const auto factor =
        gamma == nullptr ? scale : V::Times(scale, LoadWide(gamma + i, left));
    auto result = V::Times(v, factor);
    if (kCentres) {
      auto shift = V::Times(minus_mean, factor);
      if (beta != nullptr) shift = V::Plus(shift, LoadWide(beta + i, left));
      result = V::Plus(result, shift);
    }
    StoreNarrow(y + i, left, result);
  });
}

template <bool kCentres, class S>
struct Forward {
  static bool Run(const KernelCall& call) {
    using T = Wide<S>;
    const Normalization n = Read(call);
    const T* gamma = n.has_gamma ? call.inputs[1].as<const T>() : nullptr;
    const T* beta =
        n.has_beta ? call.inputs[1 + n.has_gamma].as<const T>() : nullptr;
    const double ns = 10 + static_cast<double>(n.columns) * 0.3;
    ParallelFor(n.rows, ns, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        ForwardRow<kCentres>(n, call.inputs[0].as<const S>() + i * n.columns,
                             gamma, beta,
                             call.outputs[0].as<S>() + i * n.columns,
                             call.outputs[1].as<T>() + i * (1 + kCentres));
      }
    });
    return true;
  }
};

// The inputs of the gradients.
enum BackwardInput { kX, kStats, kDy, kGamma };

// Adds the row's part to dgamma and dbeta, whose ends are padded to vectors.
template <bool kCentres, class S>
void BackwardRow(const Normalization& n, const S* x, const Wide<S>* stats,
                 const S* dy, const Wide<S>* gamma, S* dx, Wide<S>* dgamma,
                 Wide<S>* dbeta) {
  using T = Wide<S>;
  using V = Simd<T>;
  const auto minus_mean = V::Broadcast(kCentres ? -stats[0] : 0);
  const T rstd = stats[kCentres];
  const auto scale = V::Broadcast(rstd);
  const auto scaled = [&](typename V::V v, int64_t i, int64_t left) {
    return gamma == nullptr ? v : V::Times(v, LoadWide(gamma + i, left));
  };
  auto sums = V::Broadcast(0);
  auto products = V::Broadcast(0);
  ForEachVector<T>(n.columns, [&](int64_t i, int64_t left) {
    const auto grad = LoadWide(dy + i, left);
    auto product = V::Times(grad, LoadWide(x + i, left));
    if (kCentres) {
      product = V::Plus(product, V::Times(grad, minus_mean));
      sums = V::Plus(sums, scaled(grad, i, left));
      V::Store(dbeta + i, V::Plus(grad, V::Load(dbeta + i)));
    }
    products = V::Plus(products, scaled(product, i, left));
    V::Store(dgamma + i, V::Fma(product, scale, V::Load(dgamma + i)));
  });
  const T count = static_cast<T>(n.columns);
  const auto offset = V::Broadcast(kCentres ? -(SumOf(sums) / count) : 0);
  const auto slope =
      V::Broadcast(-(SumOf(products) * rstd * rstd / count));
  ForEachVector<T>(n.columns, [&](int64_t i, int64_t left) {
    auto d = V::Plus(scaled(LoadWide(dy + i, left), i, left), offset);
    d = V::Fma(V::Plus(LoadWide(x + i, left), minus_mean), slope, d);
    StoreNarrow(dx + i, left, V::Times(d, scale));
  });
}

// Rows of a block, and how many elements all blocks' sums may have.
constexpr int64_t kBlockRows = 64;
constexpr int64_t kMaxPartials = int64_t{1} << 20;

template <bool kCentres, class S>
struct Backward {
  // False: out of scratch memory.
  static bool Run(const KernelCall& call) {
    using T = Wide<S>;
    constexpr int kSums = 1 + kCentres;
    const Normalization n = Read(call);
    const int64_t padded =
        CeilDiv(n.columns, Simd<T>::kLanes) * Simd<T>::kLanes;
    const int64_t most = kMaxPartials / (kSums * padded) + 1;
    const int64_t blocks = Min(CeilDiv(n.rows, kBlockRows), most);
    Scratch scratch;
    T* const partials = scratch.Take<T>(blocks * kSums * padded);
    if (partials == nullptr) return false;
    const T* gamma = n.has_gamma ? call.inputs[kGamma].as<const T>() : nullptr;
    const double ns = 10 + static_cast<double>(n.columns) * 0.4;
    const double rows_per_block =
        blocks == 0 ? 0 : static_cast<double>(n.rows / blocks);
    ParallelFor(blocks, ns * rows_per_block, 1, [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; block++) {
        T* const sums = partials + block * kSums * padded;
        for (int64_t i = 0; i < kSums * padded; i++) sums[i] = 0;
        for (int64_t row = n.rows * block / blocks;
             row < n.rows * (block + 1) / blocks; row++) {
          const int64_t at = row * n.columns;
          BackwardRow<kCentres>(n, call.inputs[kX].as<const S>() + at,
                                call.inputs[kStats].as<const T>() + row * kSums,
                                call.inputs[kDy].as<const S>() + at, gamma,
                                call.outputs[0].as<S>() + at, sums,
                                kCentres ? sums + padded : nullptr);
        }
      }
    });
    for (int sum = 0; sum < kSums; sum++) {
      T* const out = call.outputs[1 + sum].as<T>();
      for (int64_t i = 0; i < n.columns; i++) out[i] = 0;
      for (int64_t block = 0; block < blocks; block++) {
        const T* const from = partials + (block * kSums + sum) * padded;
        for (int64_t i = 0; i < n.columns; i++) out[i] += from[i];
      }
    }
    return true;
  }
};

template <template <bool, class> class K, bool kCentres>
Status ByType(const KernelCall& call) {
  bool ok;
  switch (call.inputs[0].dtype) {
    case DType::kFloat16:
      ok = K<kCentres, Half>::Run(call);
      break;
    case DType::kBFloat16:
      ok = K<kCentres, BFloat16>::Run(call);
      break;
    case DType::kFloat64:
      ok = K<kCentres, double>::Run(call);
      break;
    default:
      ok = K<kCentres, float>::Run(call);
      break;
  }
  return ok ? 0 : call.Fail("normalize: out of memory for sums over rows");
}

}  // namespace

void Register_normalize(Registry& registry) {
  registry.Add("layer_norm", ByType<Forward, true>, kFloats);
  registry.Add("layer_norm_backward", ByType<Backward, true>, kFloats);
  registry.Add("rms_norm", ByType<Forward, false>, kFloats);
  registry.Add("rms_norm_backward", ByType<Backward, false>, kFloats);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
