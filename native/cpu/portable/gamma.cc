// The regularised lower incomplete gamma function P(a, x), its derivatives,
// and digamma. In float64: to about 1e-14 relative for a up to 1e4, and the
// derivative by a to about 1e-13 absolute.
//
// x <= a + 1: P = x^a e^-x / Gamma(a + 1) sum x^n / ((a + 1) ... (a + n)).
// Else 1 - P by Legendre's continued fraction (DLMF 8.9.2), evaluated by the
// modified Lentz method. The derivative by a: the same in dual numbers.
#include <cmath>
#include <cstdint>
#include <limits>

#include "wide_matrix.h"

namespace keratin {
namespace portable {
namespace {

constexpr int kMaxTerms = 100000;
// From here on Stirling's series has all digits.
constexpr double kLarge = 12;
// The series of log(1 + u) - u converges fast up to here.
constexpr double kNear = 0.3;

// a + b e with e^2 = 0.
struct Dual {
  double value, slope;
  Dual(double v) : value(v), slope(0) {}
  Dual(double v, double s) : value(v), slope(s) {}
};
Dual operator+(Dual a, Dual b) { return {a.value + b.value, a.slope + b.slope}; }
Dual operator-(Dual a, Dual b) { return {a.value - b.value, a.slope - b.slope}; }
Dual operator*(Dual a, Dual b) {
  return {a.value * b.value, a.slope * b.value + a.value * b.slope};
}
Dual operator/(Dual a, Dual b) {
  const double quotient = a.value / b.value;
  return {quotient, (a.slope - quotient * b.slope) / b.value};
}
double ValueOf(double x) { return x; }
double ValueOf(Dual x) { return x.value; }
// How much is left to add, relative to the sum.
double Rest(double term, double sum) { return std::fabs(term / sum); }
double Rest(Dual term, Dual sum) {
  const double slope = std::fabs(sum.slope) + std::fabs(sum.value);
  return std::fmax(std::fabs(term.value / sum.value), std::fabs(term.slope) / slope);
}

double Digamma(double x) {
  if (!(x > 0)) return std::numeric_limits<double>::quiet_NaN();
  double shift = 0;
  for (; x < kLarge; x += 1) shift -= 1 / x;
  // log x - 1 / 2x - sum B_2k / (2k x^2k).
  const double z = 1 / (x * x);
  const double series =
      z * (1.0 / 12 -
           z * (1.0 / 120 -
                z * (1.0 / 252 -
                     z * (1.0 / 240 - z * (1.0 / 132 - z * (691.0 / 32760 - z / 12))))));
  return std::log(x) - 0.5 / x - series + shift;
}

// log(1 + u) - u for |u| <= kNear: with r = u / (2 + u), log(1 + u) = 2 atanh(r).
double Log1pMinus(double u) {
  const double r = u / (2 + u);
  const double square = r * r;
  double power = r * square;
  double sum = 0;
  for (int k = 3; std::fabs(power) > 1e-19; k += 2) {
    sum += power / k;
    power *= square;
  }
  return 2 * sum - u * u / (2 + u);
}

// x^a e^-x / Gamma(a).
double Front(double a, double x) {
  if (a < kLarge) {
    // Powers keep their digits where logarithms are large; far out they
    // overflow.
    constexpr double kFar = 600;
    const double numerator = x < kFar ? std::pow(x, a) * std::exp(-x)
                                      : std::exp(a * std::log(x) - x);
    return numerator / std::tgamma(a);
  }
  // Gamma(a) = sqrt(2 pi / a) (a / e)^a e^error, by Stirling's series.
  const double z = 1 / (a * a);
  const double error =
      (1.0 / 12 -
       z * (1.0 / 360 -
            z * (1.0 / 1260 -
                 z * (1.0 / 1680 - z * (1.0 / 1188 - z * (691.0 / 360360 - z / 156)))))) /
      a;
  const double u = (x - a) / a;
  // Far from 1 the ratio keeps digits that u has lost.
  const double log = std::fabs(u) > kNear ? a * (std::log(x / a) - u)
                                          : a * Log1pMinus(u);
  return std::sqrt(a / (2 * 3.14159265358979323846)) * std::exp(log - error);
}

double FrontOf(double a, double x) { return Front(a, x); }
Dual FrontOf(Dual a, double x) {
  const double value = Front(a.value, x);
  return {value, value == 0 ? 0 : value * (std::log(x) - Digamma(a.value)) * a.slope};
}

template <class N>
N Series(N a, double x) {
  N term = N(1) / a;
  N sum = term;
  N n = a;
  for (int k = 0; k < kMaxTerms; k++) {
    n = n + N(1);
    term = term * N(x) / n;
    sum = sum + term;
    if (Rest(term, sum) < kEpsilon / 4) break;
  }
  return FrontOf(a, x) * sum;
}

// 1 - P.
template <class N>
N Fraction(N a, double x) {
  constexpr double kSmall = 1e-300;
  N b = N(x) + N(1) - a;
  N c = N(1 / kSmall);
  N d = N(1) / b;
  N h = d;
  for (int k = 1; k < kMaxTerms; k++) {
    const N numerator = N(-k) * (N(k) - a);
    b = b + N(2);
    d = numerator * d + b;
    if (std::fabs(ValueOf(d)) < kSmall) d = N(kSmall);
    c = b + numerator / c;
    if (std::fabs(ValueOf(c)) < kSmall) c = N(kSmall);
    d = N(1) / d;
    const N step = d * c;
    h = h * step;
    if (Rest(step - N(1), N(1)) < kEpsilon) break;
  }
  return FrontOf(a, x) * h;
}

bool InDomain(double a, double x) { return a > 0 && x >= 0; }

struct IncompleteGamma {
  static double Of(double a, double x) {
    if (!InDomain(a, x)) return std::numeric_limits<double>::quiet_NaN();
    if (x == 0) return 0;
    if (x > std::numeric_limits<double>::max()) {
      return a > std::numeric_limits<double>::max() ? NAN : 1;
    }
    if (a > std::numeric_limits<double>::max()) return 0;
    const double p = x <= a + 1 ? Series(a, x) : 1 - Fraction(a, x);
    // Rounding must not leave [0, 1]; NaN stays.
    return p < 0 ? 0 : p > 1 ? 1 : p;
  }
};
// dP / da.
struct ByA {
  static double Of(double a, double x) {
    if (!InDomain(a, x)) return std::numeric_limits<double>::quiet_NaN();
    if (x == 0 || x > std::numeric_limits<double>::max() ||
        a > std::numeric_limits<double>::max()) {
      return 0;
    }
    const Dual dual(a, 1);
    return x <= a + 1 ? Series(dual, x).slope : -Fraction(dual, x).slope;
  }
};
// dP / dx = x^(a - 1) e^-x / Gamma(a).
struct ByX {
  static double Of(double a, double x) {
    if (!InDomain(a, x)) return std::numeric_limits<double>::quiet_NaN();
    if (x == 0) return a < 1 ? INFINITY : a == 1 ? 1 : 0;
    if (x > std::numeric_limits<double>::max() ||
        a > std::numeric_limits<double>::max()) {
      return 0;
    }
    return Front(a, x) / x;
  }
};

// T, T -> T of one shape.
template <class Op>
Status Binary(const KernelCall& call) {
  const TensorView& a = call.inputs[0];
  const TensorView& x = call.inputs[1];
  const TensorView& out = call.outputs[0];
  ParallelFor(out.size, 400, 16, [&](int64_t begin, int64_t end) {
    double values[3];
    for (int64_t i = begin; i < end; i++) {
      Load(a, i, 1, values);
      Load(x, i, 1, values + 1);
      values[2] = Op::Of(values[0], values[1]);
      Store(out, i, 1, values + 2);
    }
  });
  return 0;
}

// T -> T.
Status DigammaKernel(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  ParallelFor(x.size, 60, 16, [&](int64_t begin, int64_t end) {
    double value;
    for (int64_t i = begin; i < end; i++) {
      Load(x, i, 1, &value);
      value = Digamma(value);
      Store(call.outputs[0], i, 1, &value);
    }
  });
  return 0;
}

}  // namespace

void Register_gamma(Registry& registry) {
  registry.Add("gammainc", Binary<IncompleteGamma>, kWide);
  registry.Add("gammainc_by_a", Binary<ByA>, kWide);
  registry.Add("gammainc_by_x", Binary<ByX>, kWide);
  registry.Add("digamma", DigammaKernel, kWide);
}

}  // namespace portable
}  // namespace keratin
