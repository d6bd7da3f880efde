#include "kernels.h"

namespace keratin::test {
namespace {

// Along `axis`, in float64.
std::vector<double> Expected(const Array& x, int axis, bool log) {
  std::vector<double> y(static_cast<size_t>(x.size()));
  int64_t inner = 1;
  for (size_t i = axis + 1; i < x.shape().size(); i++) inner *= x.shape()[i];
  const int64_t length = x.shape()[axis];
  for (int64_t i = 0; i < x.size(); i++) {
    const int64_t first = i / (length * inner) * length * inner + i % inner;
    double top = -INFINITY;
    for (int64_t j = 0; j < length; j++) {
      const double v = x[first + j * inner];
      if (v > top || std::isnan(v)) top = v;
      if (std::isnan(top)) break;
    }
    double sum = 0;
    for (int64_t j = 0; j < length; j++) {
      sum += std::exp(x[first + j * inner] - top);
    }
    y[i] = log ? x[i] - top - std::log(sum) : std::exp(x[i] - top) / sum;
  }
  return y;
}

void CheckSoftmax(const Array& x, int axis) {
  for (bool log : {false, true}) {
    const std::vector<double> expected = Expected(x, axis, log);
    // What float32 inside a half costs is far below its rounding.
    const double eps = Epsilon(x.dtype());
    const double inside = Epsilon(x.dtype() == DType::kFloat64
                                      ? DType::kFloat64
                                      : DType::kFloat32);
    const double length = static_cast<double>(x.shape()[axis]);
    ForEachIsaAndThreads(
        log ? "log_softmax" : "softmax", {&x}, x.dtype(), x.shape(),
        Words().Int(axis), [&](Isa isa, const Array& y) {
          for (int64_t i = 0; i < y.size(); i++) {
            const double e = expected[i];
            // x - max is rounded: an absolute error of both its logarithm and
            // of the exponent.
            const double rounding = log     ? std::fabs(e)
                                    : e > 0 ? -std::log(e)
                                            : 0;
            const double bound = eps * std::fabs(e) +
                                 inside * (8 + std::sqrt(length) + rounding) *
                                     (log ? 1 : e) +
                                 (x.dtype() == DType::kFloat16 ? 3e-8 : 1e-40);
            const bool same = std::isnan(e)   ? std::isnan(y[i])
                              : std::isinf(e) ? y[i] == e
                                              : std::fabs(y[i] - e) <= bound;
            if (same) continue;
            Fail(__FILE__, __LINE__, "%s %s axis %d log %d %s: [%lld] %g, not %g",
                 NameOf(x.dtype()), TextOf(x.shape()).c_str(), axis, log,
                 IsaName(isa), static_cast<long long>(i), y[i], e);
            break;
          }
        });
  }
}

TEST(softmax_axes) {
  for (DType dtype : kFloatTypes) {
    for (const Shape& shape :
         {Shape{1}, Shape{7}, Shape{3, 10}, Shape{5, 33}, Shape{300, 17},
          Shape{4, 1, 6}, Shape{3, 5, 67}, Shape{2, 70, 130}, Shape{9, 1025},
          Shape{2, 3, 4, 5}, Shape{0, 3}, Shape{3, 0}}) {
      Array x = std::move(Array(dtype, shape).Fill(5));
      for (int64_t i = 0; i < x.size(); i++) x.Set(i, 12 * x[i]);
      for (int axis = 0; axis < static_cast<int>(shape.size()); axis++) {
        CheckSoftmax(x, axis);
      }
    }
  }
}

TEST(softmax_not_finite) {
  for (DType dtype : kFloatTypes) {
    Array x = std::move(Array(dtype, {6, 19}).Fill(6));
    for (int64_t j = 0; j < 19; j++) x.Set(j, -INFINITY);  // all
    x.Set(19 + 4, -INFINITY);                              // one
    x.Set(2 * 19 + 18, INFINITY);
    x.Set(3 * 19 + 2, NAN);
    x.Set(4 * 19 + 17, 300);  // all others vanish
    CheckSoftmax(x, 1);
    Array transposed(dtype, {19, 6});
    for (int64_t i = 0; i < 6 * 19; i++) {
      transposed.Set(i, x[i % 6 * 19 + i / 6]);
    }
    CheckSoftmax(transposed, 0);
  }
}

}  // namespace
}  // namespace keratin::test
