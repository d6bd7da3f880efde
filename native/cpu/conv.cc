// Convolution, its input gradient and its kernel gradient over one to three
// spatial axes, channels last.
//
//   conv_direct.h     forward, and the input gradient as convolutions of dy
//   conv_kernel.h     the kernel gradient
//   conv_depthwise.h  one filter for each channel
//   gemm.h            windows of one pixel: a product of matrices
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
#include "pack.h"
#include "gemm.h"
#include "conv_geometry.h"
#include "conv_direct.h"
#include "conv_kernel.h"
#include "conv_depthwise.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

template <class S>
constexpr DType kDType = DType::kFloat32;
template <>
constexpr DType kDType<double> = DType::kFloat64;
template <>
constexpr DType kDType<Half> = DType::kFloat16;
template <>
constexpr DType kDType<BFloat16> = DType::kBFloat16;

// y [pixels, F] = x [pixels, C] w [C, F].
template <class S>
struct Forward {
  static bool Run(const Geometry& g, const S* x, const S* w, S* y) {
    if (IsPointwise(g)) {
      Gemm gemm{};
      gemm.dtype = kDType<S>;
      gemm.m = g.batch * Product(g.in);
      gemm.n = g.out_channels;
      gemm.k = g.in_channels;
      gemm.a = x;
      gemm.a_row = gemm.k;
      gemm.a_step = 1;
      gemm.b = w;
      gemm.b_step = gemm.n;
      gemm.b_column = 1;
      gemm.c = y;
      gemm.c_row = gemm.n;
      return RunGemm(gemm);
    }
    const Direct d = ForwardOf(g);
    return IsDepthwise(g) ? RunDepthwise(d, x, w, y) : RunDirect(d, x, w, y);
  }
};

// dx [pixels, C] = dy [pixels, F] w^T.
template <class S>
struct InputBackward {
  static bool Run(const Geometry& g, const S* dy, const S* w, S* dx) {
    if (IsPointwise(g)) {
      Gemm gemm{};
      gemm.dtype = kDType<S>;
      gemm.m = g.batch * Product(g.in);
      gemm.n = g.in_channels;
      gemm.k = g.out_channels;
      gemm.a = dy;
      gemm.a_row = gemm.k;
      gemm.a_step = 1;
      gemm.b = w;
      gemm.b_step = 1;
      gemm.b_column = gemm.k;
      gemm.c = dx;
      gemm.c_row = gemm.n;
      return RunGemm(gemm);
    }
    bool ok = true;
    int64_t phase[3];
    for (phase[0] = 0; phase[0] < g.stride[0]; phase[0]++) {
      for (phase[1] = 0; phase[1] < g.stride[1]; phase[1]++) {
        for (phase[2] = 0; phase[2] < g.stride[2]; phase[2]++) {
          const Direct d = InputBackwardOf(g, phase);
          ok &= IsDepthwise(g) ? RunDepthwise(d, dy, w, dx)
                               : RunDirect(d, dy, w, dx);
        }
      }
    }
    return ok;
  }
};

// Elements of x, widened or padded, that are in scratch memory at a time: with
// the gradient they stay in L2.
constexpr int64_t kCopiedElements = int64_t{128} << 10;

// x with zero columns such that every tap of every output reads within.
template <class S>
void CopyColumns(const Geometry& g, const S* x, int64_t images,
                 int64_t padded_width, Wide<S>* to) {
  const int64_t c = g.in_channels;
  const int64_t left = Min(g.low[2], padded_width);
  const int64_t kept = Min(g.in[2], padded_width - left);
  const int64_t rows = images * g.in[0] * g.in[1];
  ParallelFor(rows, static_cast<double>(padded_width * c) * 0.1, 1,
              [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      Wide<S>* line = to + r * padded_width * c;
      for (int64_t i = 0; i < left * c; i++) line[i] = 0;
      Widen(x + r * g.in[2] * c, line + left * c, kept * c);
      for (int64_t i = (left + kept) * c; i < padded_width * c; i++) line[i] = 0;
    }
  });
}

// dw [C, F] = x^T dy over all pixels.
template <class S>
struct KernelBackward {
  static bool Run(const Geometry& g, const S* x, const S* dy, S* dw) {
    using T = Wide<S>;
    if (IsPointwise(g)) {
      Gemm gemm{};
      gemm.dtype = kDType<S>;
      gemm.m = g.in_channels;
      gemm.n = g.out_channels;
      gemm.k = g.batch * Product(g.in);
      gemm.a = x;
      gemm.a_row = 1;
      gemm.a_step = gemm.m;
      gemm.b = dy;
      gemm.b_step = gemm.n;
      gemm.b_column = 1;
      gemm.c = dw;
      gemm.c_row = gemm.n;
      return RunGemm(gemm);
    }
    if (IsDepthwise(g)) return RunDepthwiseKernel(g, x, dy, dw);
    if constexpr (sizeof(S) == sizeof(T)) {
      // Few channels fill tiles only together with those of other taps.
      const KernelGradient<T> whole{g, x, dy, dw, false};
      if (g.group_in >= kTileRows<T> || whole.Merges()) return whole.Run();
    }
    return RunCopied(g, x, dy, dw);
  }

  // Image by image, or several, widened and with columns of zeros.
  static bool RunCopied(const Geometry& g, const S* x, const S* dy, S* dw) {
    using T = Wide<S>;
    constexpr bool kWidens = sizeof(S) != sizeof(T);
    Geometry padded = g;
    padded.low[2] = 0;
    padded.in[2] = Max((g.out[2] - 1) * g.stride[2] +
                           (g.window[2] - 1) * g.dilation[2] + 1,
                       1);
    const int64_t x_size = Product(padded.in) * g.in_channels;
    const int64_t dy_size = Product(g.out) * g.out_channels;
    const int64_t dw_size =
        Product(g.window) * g.group_in * g.out_channels;
    const int64_t most =
        Min(g.batch, Max(kCopiedElements / Max(x_size, dy_size), 1));
    Scratch scratch;
    T* wide_x = scratch.Take<T>(most * x_size);
    T* wide_dy = nullptr;
    T* sums = nullptr;
    if (kWidens) {
      wide_dy = scratch.Take<T>(most * dy_size);
      sums = scratch.Take<T>(dw_size);
    }
    if (wide_x == nullptr ||
        (kWidens && (wide_dy == nullptr || sums == nullptr))) {
      return false;
    }
    const int64_t image = Product(g.in) * g.in_channels;
    for (int64_t n = 0; n < g.batch; n += most) {
      padded.batch = Min(most, g.batch - n);
      CopyColumns(g, x + n * image, padded.batch, padded.in[2], wide_x);
      const T* gradient;
      T* to;
      if constexpr (kWidens) {
        const S* from = dy + n * dy_size;
        ParallelFor(padded.batch, static_cast<double>(dy_size) * 0.1, 1,
                    [&](int64_t begin, int64_t end) {
          Widen(from + begin * dy_size, wide_dy + begin * dy_size,
                (end - begin) * dy_size);
        });
        gradient = wide_dy;
        to = sums;
      } else {
        gradient = dy + n * dy_size;
        to = dw;
      }
      const KernelGradient<T> part{padded, wide_x, gradient, to, n > 0};
      if (!part.Run()) return false;
    }
    if constexpr (kWidens) Narrow(sums, dw, dw_size);
    return true;
  }
};

enum class Output { kY, kX, kKernel };

template <template <class> class Part, Output kOutput>
Status Conv(const KernelCall& call) {
  const TensorView& a = call.inputs[0];
  const TensorView& b = call.inputs[1];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  if (a.size == 0 || b.size == 0) {  // sums of nothing
    __builtin_memset(out.data, 0, static_cast<size_t>(out.bytes()));
    return 0;
  }
  const TensorView& x = kOutput == Output::kX ? out : a;
  const TensorView& kernel = kOutput == Output::kKernel ? out : b;
  const TensorView& y = kOutput == Output::kY   ? out
                        : kOutput == Output::kX ? a
                                                : b;
  const Geometry g = ReadGeometry(call, x, kernel, y);
  bool ok;
  switch (a.dtype) {
    case DType::kFloat16:
      ok = Part<Half>::Run(g, a.as<Half>(), b.as<Half>(), out.as<Half>());
      break;
    case DType::kBFloat16:
      ok = Part<BFloat16>::Run(g, a.as<BFloat16>(), b.as<BFloat16>(),
                               out.as<BFloat16>());
      break;
    case DType::kFloat64:
      ok = Part<double>::Run(g, a.as<double>(), b.as<double>(),
                             out.as<double>());
      break;
    default:
      ok = Part<float>::Run(g, a.as<float>(), b.as<float>(), out.as<float>());
      break;
  }
  return ok ? 0 : call.Fail("convolution: out of memory for packed operands");
}

}  // namespace

void Register_conv(Registry& registry) {
  registry.Add("conv", Conv<Forward, Output::kY>, kFloats);
  registry.Add("conv_input_backward", Conv<InputBackward, Output::kX>, kFloats);
  registry.Add("conv_kernel_backward", Conv<KernelBackward, Output::kKernel>,
               kFloats);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
