// The incomplete gamma function and its derivatives by identities.
#include "kernels.h"

namespace keratin::test {
namespace {

constexpr double kEuler = 0.577215664901532860607;

// For a of 1/2, 1, 3/2 ...: P(1/2, x) = erf(sqrt x), P(1, x) = 1 - e^-x and
// P(a + 1, x) = P(a, x) - x^a e^-x / Gamma(a + 1).
double LowerGamma(double a, double x) {
  double start = std::fmod(a, 1.0) == 0 ? 1 : 0.5;
  double p = start == 1 ? -std::expm1(-x) : std::erf(std::sqrt(x));
  for (; start < a; start += 1) {
    p -= std::exp(start * std::log(x) - x - std::lgamma(start + 1));
  }
  return p;
}

Array Filled(DType dtype, const std::vector<double>& values) {
  Array x(dtype, {static_cast<int64_t>(values.size())});
  for (size_t i = 0; i < values.size(); i++) x.Set(static_cast<int64_t>(i), values[i]);
  return x;
}

std::vector<double> ValuesOf(const Array& x) {
  std::vector<double> values;
  for (int64_t i = 0; i < x.size(); i++) values.push_back(x[i]);
  return values;
}

TEST(gamma_incomplete) {
  for (DType dtype : kWideTypes) {
    std::vector<double> a, x, p, by_x, by_a;
    for (double shape : {0.5, 1.0, 1.5, 2.0, 5.5, 13.0, 30.5}) {
      for (double at : {1e-3, 0.125, 0.5, 1.0, 2.5, 6.0, 13.0, 14.5, 31.0, 60.0}) {
        const double own = dtype == DType::kFloat32 ? static_cast<float>(at) : at;
        a.push_back(shape);
        x.push_back(own);
        p.push_back(LowerGamma(shape, own));
        by_x.push_back(std::exp((shape - 1) * std::log(own) - own - std::lgamma(shape)));
      }
    }
    const Array shapes = Filled(dtype, a), at = Filled(dtype, x);
    // The recurrence cancels where P is small.
    const double eps = 64 * Epsilon(dtype);
    ForEachIsaAndThreads("gammainc", {&shapes, &at}, dtype, shapes.shape(), Words(),
                         [&](Isa isa, const Array& out) {
                           CheckNear("gammainc", isa, out, p, [&](int64_t) { return eps; });
                         });
    ForEachIsaAndThreads("gammainc_by_x", {&shapes, &at}, dtype, shapes.shape(), Words(),
                         [&](Isa isa, const Array& out) {
                           CheckNear("gammainc_by_x", isa, out, by_x, [&](int64_t i) {
                             // Down to denormal numbers.
                             return 8 * eps * std::fabs(by_x[static_cast<size_t>(i)]) +
                                    (dtype == DType::kFloat32 ? 1.5e-45 : 0);
                           });
                         });
    // Central differences in float64 are good for 1e-8.
    constexpr double kStep = 1e-4;
    std::vector<double> low = a, high = a;
    for (double& value : low) value -= kStep;
    for (double& value : high) value += kStep;
    const Array wide_x = Filled(DType::kFloat64, x);
    const Array wide_low = Filled(DType::kFloat64, low), wide_high = Filled(DType::kFloat64, high);
    Array p_low(DType::kFloat64, at.shape()), p_high(DType::kFloat64, at.shape());
    Run(Isa::kBaseline, "gammainc", {&wide_low, &wide_x}, {&p_low}, Words());
    Run(Isa::kBaseline, "gammainc", {&wide_high, &wide_x}, {&p_high}, Words());
    for (int64_t i = 0; i < p_low.size(); i++) {
      by_a.push_back((p_high[i] - p_low[i]) / (2 * kStep));
    }
    ForEachIsaAndThreads("gammainc_by_a", {&shapes, &at}, dtype, shapes.shape(), Words(),
                         [&](Isa isa, const Array& out) {
                           CheckNear("gammainc_by_a", isa, out, by_a, [&](int64_t) {
                             return 1e-6;
                           });
                         });
  }
}

TEST(gamma_digamma) {
  for (DType dtype : kWideTypes) {
    std::vector<double> x, expected;
    // psi(1) = -gamma, psi(1/2) = -gamma - 2 log 2, psi(x + 1) = psi(x) + 1 / x.
    double whole = -kEuler, half = -kEuler - 2 * std::log(2.0);
    for (int i = 0; i < 40; i++) {
      x.push_back(1 + i);
      expected.push_back(whole);
      x.push_back(0.5 + i);
      expected.push_back(half);
      whole += 1 / (1.0 + i);
      half += 1 / (0.5 + i);
    }
    for (double outside : {0.0, -1.0, static_cast<double>(NAN)}) {
      x.push_back(outside);
      expected.push_back(NAN);
    }
    const Array at = Filled(dtype, x);
    ForEachIsaAndThreads("digamma", {&at}, dtype, at.shape(), Words(),
                         [&](Isa isa, const Array& out) {
                           CheckNear("digamma", isa, out, expected, [&](int64_t i) {
                             return 16 * Epsilon(dtype) *
                                    (1 + std::fabs(expected[static_cast<size_t>(i)]));
                           });
                         });
  }
}

// All pairs of what is extreme: ends, and stays within its range.
TEST(gamma_hostile) {
  for (DType dtype : kWideTypes) {
    const double extreme[] = {0.0, -0.0, -1, NAN, INFINITY, -INFINITY, 1e-38, 1e-10,
                              1, 1e3, 1e9, 1e38};
    std::vector<double> a, x;
    for (double shape : extreme) {
      for (double at : extreme) {
        a.push_back(shape);
        x.push_back(at);
      }
    }
    const Array shapes = Filled(dtype, a), at = Filled(dtype, x);
    for (const char* name : {"gammainc", "gammainc_by_a", "gammainc_by_x"}) {
      const bool is_value = std::strcmp(name, "gammainc") == 0;
      ForEachIsaAndThreads(name, {&shapes, &at}, dtype, shapes.shape(), Words(),
                           [&](Isa isa, const Array& out) {
        const std::vector<double> values = ValuesOf(out);
        for (size_t i = 0; i < values.size(); i++) {
          const bool inside = a[i] > 0 && x[i] >= 0;
          const bool both = std::isinf(a[i]) && std::isinf(x[i]);
          const bool right = !inside ? std::isnan(values[i])
                             : is_value && !both ? values[i] >= 0 && values[i] <= 1
                                                 : true;
          if (right) continue;
          Fail(__FILE__, __LINE__, "%s %s(%g, %g), %s: %g", NameOf(dtype), name, a[i], x[i],
               IsaName(isa), values[i]);
        }
      });
    }
  }
}

}  // namespace
}  // namespace keratin::test
