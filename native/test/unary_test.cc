// Elementwise ops of one operand over all lengths up to 70, where vectors end.
#include <algorithm>

#include "kernels.h"

namespace keratin::test {
namespace {

using Long = long double;

// Power series of the modified Bessel function: (x/2)^(2k+n) / (k! (k+n)!).
double Bessel(double x, int order) {
  if (std::isinf(x)) return order == 1 ? x : INFINITY;
  if (std::fabs(x) > 800) return order == 1 && x < 0 ? -INFINITY : INFINITY;
  const Long half = static_cast<Long>(x) / 2;
  Long term = order == 1 ? half : 1, sum = 0;
  for (int k = 1; k < 2000; k++) {
    sum += term;
    term *= half * half / (static_cast<Long>(k) * static_cast<Long>(k + order));
  }
  return static_cast<double>(sum);
}

// By bisection, in more digits than float64.
double InverseErf(double x) {
  const double a = std::fabs(x);
  if (!(a < 1)) return a == 1 ? x * INFINITY : NAN;
  // The first two terms of its series.
  if (a < 1e-5) return x * std::sqrt(M_PI) / 2 * (1 + M_PI * x * x / 12);
  Long low = 0, high = 7;
  for (int i = 0; i < 100; i++) {
    const Long middle = (low + high) / 2;
    // What is left to 1 is exact in float64.
    const bool below = a < 0.5 ? std::erf(middle) < static_cast<Long>(a)
                               : std::erfc(middle) > 1 - static_cast<Long>(a);
    (below ? low : high) = middle;
  }
  return std::copysign(static_cast<double>(low), x);
}

struct Op {
  const char* name;
  double (*of)(double);
  double epsilons;  // of the result's type
};

// A lambda for each, as functions of the library are overloaded.
#define KERATIN_OP(name, epsilons, expression) \
  {name, [](double x) -> double { return expression; }, epsilons}

const Op kOps[] = {
    KERATIN_OP("negative", 0, -x),
    KERATIN_OP("absolute", 0, std::fabs(x)),
    KERATIN_OP("sign", 0, std::isnan(x) ? x : (x > 0) - (x < 0)),
    KERATIN_OP("square", 1, x * x),
    KERATIN_OP("exp", 4, std::exp(x)),
    KERATIN_OP("expm1", 8, std::expm1(x)),
    KERATIN_OP("log", 4, std::log(x)),
    KERATIN_OP("log1p", 8, std::log1p(x)),
    KERATIN_OP("log2", 4, std::log2(x)),
    KERATIN_OP("sqrt", 1, std::sqrt(x)),
    KERATIN_OP("rsqrt", 4, 1 / std::sqrt(x)),
    KERATIN_OP("reciprocal", 1, 1 / x),
    KERATIN_OP("sin", 8, std::sin(x)),
    KERATIN_OP("cos", 8, std::cos(x)),
    KERATIN_OP("tan", 8, std::tan(x)),
    KERATIN_OP("arcsin", 4, std::asin(x)),
    KERATIN_OP("arccos", 4, std::acos(x)),
    KERATIN_OP("arctan", 4, std::atan(x)),
    KERATIN_OP("sinh", 8, std::sinh(x)),
    KERATIN_OP("cosh", 8, std::cosh(x)),
    KERATIN_OP("tanh", 8, std::tanh(x)),
    KERATIN_OP("arcsinh", 8, std::asinh(x)),
    KERATIN_OP("arccosh", 8, std::acosh(x)),
    KERATIN_OP("arctanh", 8, std::atanh(x)),
    KERATIN_OP("erf", 8, std::erf(x)),
    KERATIN_OP("erfc", 16, std::erfc(x)),
    KERATIN_OP("erfinv", 16, InverseErf(x)),
    KERATIN_OP("sigmoid", 8, static_cast<double>(1 / (1 + std::exp(-static_cast<Long>(x))))),
    KERATIN_OP("floor", 0, std::floor(x)),
    KERATIN_OP("ceil", 0, std::ceil(x)),
    KERATIN_OP("round", 0, std::nearbyint(x)),
    KERATIN_OP("trunc", 0, std::trunc(x)),
    KERATIN_OP("exp2", 4, std::exp2(x)),
    KERATIN_OP("cbrt", 4, std::cbrt(x)),
    KERATIN_OP("i0", 32, Bessel(x, 0)),
    KERATIN_OP("i1", 32, Bessel(x, 1)),
};

// Numbers of several sizes with what is special among them.
Array Numbers(DType dtype, int64_t count, uint64_t seed) {
  const double special[] = {0.0, -0.0, 1, -1, 0.5, -0.5, 2.5, 1.5, -3.5, INFINITY,
                            -INFINITY, NAN, 1e-6, -1e-30, 88.5, -87.5, 1e5, -1e30,
                            127.5, -126.5, 1e-40, 0.9999, -0.9999, 8.0};
  const double scales[] = {1, 1, 30, 1e-3, 300};
  Array x = std::move(Array(dtype, {count}).Fill(seed));
  for (int64_t i = 0; i < count; i++) {
    x.Set(i, x[i] * scales[i % 5]);
    const auto k = static_cast<size_t>(i + static_cast<int64_t>(seed) * 5);
    if (k % 7 == 3) x.Set(i, special[k / 7 % std::size(special)]);
  }
  return x;
}

// As the dtype holds it: overflow is infinite.
std::vector<double> Expected(const Op& op, const Array& x) {
  Array rounded(x.dtype(), {1});
  std::vector<double> values;
  for (int64_t i = 0; i < x.size(); i++) {
    rounded.Set(0, op.of(x[i]));
    values.push_back(rounded[0]);
  }
  return values;
}

void Compare(const Op& op, Isa isa, const Array& x, const Array& out) {
  const DType dtype = x.dtype();
  const std::vector<double> expected = Expected(op, x);
  const double inside = ItemSize(dtype) == 2 ? Epsilon(DType::kFloat32) : Epsilon(dtype);
  // A unit of the last place of what is denormal, twice.
  const double least = dtype == DType::kFloat16    ? 1.2e-7
                       : dtype == DType::kBFloat16 ? 1e-38
                       : dtype == DType::kFloat32  ? 3e-45
                                                   : 1e-323;
  CheckNear(op.name, isa, out, expected, [&](int64_t i) {
    const double e = std::fabs(expected[static_cast<size_t>(i)]);
    if (op.epsilons == 0) return 0.0;
    // In float32 1 - x² is rounded before its logarithm w is taken: y² is about
    // w, so that y is off by half of that over y.
    const double rest = 1 - x[i] * x[i];
    const double lost = std::strcmp(op.name, "erfinv") == 0 && dtype != DType::kFloat64 && rest > 0
                            ? inside / rest / std::max(1.0, e)
                            : 0;
    // Two neighbours, where the type is rounded to.
    return lost + op.epsilons * inside * e + (ItemSize(dtype) == 2 ? 2 * Epsilon(dtype) * e : 0) +
           least;
  });
}

TEST(unary_tails) {
  for (const Op& op : kOps) {
    for (DType dtype : kFloatTypes) {
      for (int64_t count = 0; count <= 70; count++) {
        const Array x = Numbers(dtype, count, static_cast<uint64_t>(count));
        ForEachIsa([&](Isa isa) {
          Array out(dtype, {count});
          Run(isa, op.name, {&x}, {&out}, Words());
          Compare(op, isa, x, out);
        });
      }
    }
  }
}

TEST(unary_threads) {
  for (const Op& op : kOps) {
    for (DType dtype : {DType::kFloat32, DType::kFloat16}) {
      // Long enough for three threads of the cheapest.
      const Array x = Numbers(dtype, 41003, 3);
      ForEachIsa([&](Isa isa) {
        Array first(dtype, x.shape());
        ForEachThreadCount([&](int threads) {
          Array out(dtype, x.shape());
          Run(isa, op.name, {&x}, {threads == 1 ? &first : &out}, Words());
          if (threads > 1) CHECK(first.SameBits(out));
        });
      });
    }
  }
}

TEST(unary_tests_of_floats) {
  const std::pair<const char*, bool (*)(double)> tests[] = {
      {"isnan", [](double x) { return std::isnan(x); }},
      {"isinf", [](double x) { return std::isinf(x); }},
      {"isfinite", [](double x) { return std::isfinite(x); }},
      {"signbit", [](double x) { return std::signbit(x); }}};
  for (const auto& [name, of] : tests) {
    for (DType dtype : kFloatTypes) {
      for (int64_t count : {0, 1, 7, 16, 33, 70, 1025, 33000}) {
        const Array x = Numbers(dtype, count, 5);
        Array expected(DType::kBool, {count});
        for (int64_t i = 0; i < count; i++) expected.SetInteger(i, of(x[i]));
        ForEachIsaAndThreads(name, {&x}, DType::kBool, {count}, Words(),
                             [&](Isa isa, const Array& out) {
                               CheckSame(name, isa, out, expected);
                             });
      }
    }
  }
}

TEST(unary_integers) {
  const std::pair<const char*, int64_t (*)(int64_t)> ops[] = {
      {"negative", [](int64_t x) { return static_cast<int64_t>(0 - static_cast<uint64_t>(x)); }},
      {"absolute", [](int64_t x) {
         return x < 0 ? static_cast<int64_t>(0 - static_cast<uint64_t>(x)) : x;
       }},
      {"sign", [](int64_t x) { return int64_t{x > 0} - int64_t{x < 0}; }},
      {"square", [](int64_t x) {
         return static_cast<int64_t>(static_cast<uint64_t>(x) * static_cast<uint64_t>(x));
       }},
      {"bitwise_not", [](int64_t x) { return ~x; }}};
  for (DType dtype : kIntegerTypes) {
    for (const auto& [name, of] : ops) {
      for (int64_t count = 0; count <= 70; count += count < 20 ? 1 : 7) {
        Array x = std::move(Array(dtype, {count}).Fill(101));
        const uint64_t top = uint64_t{1} << (8 * ItemSize(dtype) - 1);
        if (count > 4) x.SetInteger(3, static_cast<int64_t>(top));
        if (count > 9) x.SetInteger(8, 0);
        Array expected(dtype, {count});
        for (int64_t i = 0; i < count; i++) {
          // The largest numbers of uint64 are negative as int64.
          const bool large = dtype == DType::kUInt64 && x.Integer(i) < 0;
          const bool keeps = large && std::strcmp(name, "absolute") == 0;
          const bool one = large && std::strcmp(name, "sign") == 0;
          expected.SetInteger(i, keeps ? x.Integer(i) : one ? 1 : of(x.Integer(i)));
        }
        ForEachIsaAndThreads(name, {&x}, dtype, {count}, Words(),
                             [&](Isa isa, const Array& out) {
                               CheckSame(name, isa, out, expected);
                             });
      }
    }
  }
}

TEST(unary_booleans) {
  for (const char* name : {"logical_not", "bitwise_not"}) {
    for (int64_t count : {0, 1, 15, 16, 17, 64, 70}) {
      const Array x = std::move(Array(DType::kBool, {count}).Fill(102));
      Array expected(DType::kBool, {count});
      for (int64_t i = 0; i < count; i++) expected.SetInteger(i, !x.Integer(i));
      ForEachIsaAndThreads(name, {&x}, DType::kBool, {count}, Words(),
                           [&](Isa isa, const Array& out) {
                             CheckSame(name, isa, out, expected);
                           });
    }
  }
}

}  // namespace
}  // namespace keratin::test
