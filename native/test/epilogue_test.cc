// The epilogue of products, which no op uses by itself: the same template on
// every instruction set, called here on the baseline's.
#include "kernels.h"

#include "../cpu/simd/target.h"
// After the target:
#include "../cpu/simd/f32.h"
#include "../cpu/simd/lanes.h"
#include "../cpu/microkernel.h"
#include "../cpu/gemm.h"

namespace keratin::test {
namespace {

TEST(gemm_epilogue) {
  for (DType dtype : {DType::kFloat32, DType::kFloat64, DType::kFloat16}) {
    const bool half = dtype == DType::kFloat16;
    for (const Shape& s : {Shape{30, 21, 600}, Shape{2, 70, 40},
                           Shape{70, 3, 40}, Shape{70, 1, 40}}) {
      const int64_t m = s[0], n = s[1], k = s[2];
      const Array a = std::move(Array(dtype, {m, k}).Fill(1));
      const Array b = std::move(Array(dtype, {k, n}).Fill(2));
      const Array bias =
          std::move(Array(half ? DType::kFloat32 : dtype, {n}).Fill(3));
      Array out(dtype, {m, n});
      baseline::Gemm g{};
      g.dtype = dtype;
      g.m = m;
      g.n = n;
      g.k = k;
      g.a = a.data();
      g.a_row = k;
      g.a_step = 1;
      g.b = b.data();
      g.b_step = n;
      g.b_column = 1;
      g.c = out.view().data;
      g.c_row = n;
      g.bias = bias.data();
      g.activation = baseline::Activation::kRelu;
      CHECK(baseline::RunGemm(g));
      for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++) {
          double sum = bias[j];
          for (int64_t p = 0; p < k; p++) sum += a[i * k + p] * b[p * n + j];
          const double expected = sum > 0 ? sum : 0;
          CHECK(std::fabs(out[i * n + j] - expected) <
                1e-4 + (half ? Epsilon(dtype) * expected : 0));
        }
      }
    }
  }
}

}  // namespace
}  // namespace keratin::test
