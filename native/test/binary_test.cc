// Elementwise ops of two operands, which broadcast, and `where`.
#include <algorithm>

#include "kernels.h"

namespace keratin::test {
namespace {

using Wide = __int128;

bool IsFloat(DType dtype) { return Mask(dtype) & kFloats; }

struct Shapes {
  Shape a, b;
};

// What the vectors' ends see: all lengths, either operand repeated.
std::vector<Shapes> AllLengths() {
  std::vector<Shapes> cases;
  for (int64_t n = 0; n <= 70; n++) cases.push_back({{n}, {n}});
  for (int64_t n : {0, 1, 3, 16, 17, 35, 70}) {
    cases.push_back({{n}, {1}});
    cases.push_back({{}, {n}});
  }
  return cases;
}

const Shapes kBroadcasts[] = {
    {{}, {}},
    {{3, 1, 5}, {1, 4, 5}},
    {{5, 1}, {1, 7}},
    {{3, 4}, {}},
    {{2, 1, 3, 1}, {4, 1, 70}},
    {{1, 3}, {0, 3}},
    {{2, 0}, {2, 1}},
    {{4, 1, 2}, {4, 3, 1}},
    {{3, 1}, {1, 1300}},       // longer rows than a block
    {{1, 20, 60}, {12, 1, 60}},
};

Shape Joined(const Shape& a, const Shape& b) {
  Shape shape(std::max(a.size(), b.size()));
  for (size_t i = 1; i <= shape.size(); i++) {
    const int64_t p = i <= a.size() ? a[a.size() - i] : 1;
    const int64_t q = i <= b.size() ? b[b.size() - i] : 1;
    shape[shape.size() - i] = p == 1 ? q : p;
  }
  return shape;
}

// The element of an operand that goes to element i of the output.
int64_t Source(const Shape& own, const Shape& out, int64_t i) {
  int64_t at = 0, stride = 1;
  for (size_t k = 1; k <= out.size(); k++) {
    const int64_t place = i % out[out.size() - k];
    i /= out[out.size() - k];
    if (k > own.size()) continue;
    const int64_t length = own[own.size() - k];
    if (length != 1) at += place * stride;
    stride *= length;
  }
  return at;
}

Array Operand(DType dtype, const Shape& shape, uint64_t seed) {
  const double special[] = {0.0, -0.0, 1, -1, INFINITY, -INFINITY, NAN, 2.5, -7, 1e-30, 1e30};
  Array x = std::move(Array(dtype, shape).Fill(seed));
  for (int64_t i = 0; i < x.size(); i++) {
    const auto k = static_cast<size_t>(i + 1) * (seed % 5 + 1);
    if (IsFloat(dtype)) {
      if (i % 2) x.Set(i, x[i] * 20);
      if (k % 5 == 2) x.Set(i, special[k / 5 % std::size(special)]);
    } else if (dtype != DType::kBool) {
      // Extremes, small numbers, zeros.
      const uint64_t top = uint64_t{1} << (8 * ItemSize(dtype) - 1);
      const int64_t numbers[] = {0, 1, -1, 2, 7, static_cast<int64_t>(top),
                                 static_cast<int64_t>(top - 1), 5, 31, 64};
      if (k % 3 == 1) x.SetInteger(i, numbers[k / 3 % std::size(numbers)]);
    }
  }
  return x;
}

// All pairs of shapes, one name, and of each element whatever `set` gives.
template <class Set>
void CheckBinary(const char* name, DType in, DType out_type, double epsilons,
                 const std::vector<Shapes>& cases, const Set& set) {
  for (const Shapes& c : cases) {
    const Shape shape = Joined(c.a, c.b);
    const Array a = Operand(in, c.a, 111);
    Array b = Operand(in, c.b, 112);
    if (std::strcmp(name, "ldexp") == 0) {
      for (int64_t i = 0; i < b.size(); i++) {
        if (std::isfinite(b[i])) b.Set(i, std::trunc(b[i]));
      }
    }
    Array expected(out_type, shape);
    for (int64_t i = 0; i < expected.size(); i++) {
      set(&expected, i, a, Source(c.a, shape, i), b, Source(c.b, shape, i));
    }
    std::vector<double> values;
    for (int64_t i = 0; i < expected.size(); i++) values.push_back(expected[i]);
    ForEachIsa([&](Isa isa) {
      Array out(out_type, shape);
      Run(isa, name, {&a, &b}, {&out}, Words());
      if (!IsFloat(out_type)) return CheckSame(name, isa, out, expected);
      CheckNear(name, isa, out, values, [&](int64_t i) {
        return epsilons * Epsilon(out_type) * std::fabs(values[i]);
      });
    });
  }
}

std::vector<Shapes> EveryShape() {
  std::vector<Shapes> cases = AllLengths();
  cases.insert(cases.end(), std::begin(kBroadcasts), std::end(kBroadcasts));
  return cases;
}

// Of float32 for half types, whose results are rounded to them.
template <class T>
T FloatOf(const std::string& name, T a, T b) {
  const bool nan = std::isnan(a) || std::isnan(b);
  if (name == "add") return a + b;
  if (name == "subtract") return a - b;
  if (name == "multiply") return a * b;
  if (name == "divide") return a / b;
  if (name == "maximum") return nan ? NAN : std::max(a, b);
  if (name == "minimum") return nan ? NAN : std::min(a, b);
  if (name == "fmax") return std::fmax(a, b);
  if (name == "fmin") return std::fmin(a, b);
  if (name == "floor_divide") return std::floor(a / b);
  if (name == "fmod") return std::fmod(a, b);
  if (name == "mod") {
    const T rest = std::fmod(a, b);
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  }
  if (name == "power") return static_cast<T>(std::pow(a, b));
  if (name == "arctan2") return static_cast<T>(std::atan2(a, b));
  if (name == "hypot") return std::hypot(a, b);
  if (name == "ldexp") {
    const T limit = 5000;
    return std::isnan(b) ? b : std::ldexp(a, static_cast<int>(std::clamp(b, -limit, limit)));
  }
  std::abort();
}

TEST(binary_floats) {
  const std::pair<const char*, double> ops[] = {
      {"add", 0},  {"subtract", 0}, {"multiply", 0}, {"divide", 0},       {"maximum", 0},
      {"minimum", 0}, {"fmax", 0},  {"fmin", 0},     {"floor_divide", 0}, {"fmod", 0},
      {"mod", 0},  {"power", 4},    {"arctan2", 4},  {"hypot", 2},        {"ldexp", 0}};
  const std::vector<Shapes> cases = EveryShape();
  for (const auto& [name, epsilons] : ops) {
    const std::string op = name;
    for (DType dtype : kFloatTypes) {
      CheckBinary(name, dtype, dtype, ItemSize(dtype) == 2 && epsilons > 0 ? 2 : epsilons, cases,
                  [&](Array* out, int64_t i, const Array& a, int64_t p, const Array& b,
                      int64_t q) {
        if (dtype == DType::kFloat64) return out->Set(i, FloatOf(op, a[p], b[q]));
        out->Set(i, FloatOf(op, static_cast<float>(a[p]), static_cast<float>(b[q])));
      });
    }
  }
}

// Long enough for three threads of the cheapest, with and without repetition.
TEST(binary_threads) {
  const auto check = [](const char* name, DType in, DType out) {
    for (const Shapes& c : {Shapes{{41003}, {41003}}, Shapes{{41003}, {}},
                            Shapes{{120, 1, 7}, {60, 7}},
                            Shapes{{3001, 13}, {13}}, Shapes{{1, 96}, {500, 96}},
                            Shapes{{70, 1, 700}, {1, 700}}}) {
      const Array a = Operand(in, c.a, 118), b = Operand(in, c.b, 119);
      ForEachIsaAndThreads(name, {&a, &b}, out, Joined(c.a, c.b), Words(),
                           [](Isa, const Array&) {});
    }
  };
  for (DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kInt8}) {
    for (const char* name : {"add", "multiply", "maximum", "mod", "power"}) {
      check(name, dtype, dtype);
    }
    check("less", dtype, DType::kBool);
  }
}

// The neighbour on the bits: no float of the type lies between.
TEST(binary_nextafter) {
  for (DType dtype : kFloatTypes) {
    for (const Shapes& c : kBroadcasts) {
      const Shape shape = Joined(c.a, c.b);
      const Array a = Operand(dtype, c.a, 113), b = Operand(dtype, c.b, 114);
      ForEachIsaAndThreads("nextafter", {&a, &b}, dtype, shape, Words(),
                           [&](Isa, const Array& out) {
        for (int64_t i = 0; i < out.size(); i++) {
          const double from = a[Source(c.a, shape, i)], to = b[Source(c.b, shape, i)];
          if (dtype == DType::kFloat64 || dtype == DType::kFloat32) {
            const double e = dtype == DType::kFloat64
                                 ? std::nextafter(from, to)
                                 : std::nextafterf(static_cast<float>(from), static_cast<float>(to));
            CHECK(std::isnan(e) ? std::isnan(out[i]) : out[i] == e);
          } else if (std::isnan(from) || std::isnan(to) || from == to) {
            CHECK(std::isnan(from + to) || out[i] == to);
          } else {
            CHECK(to > from ? out[i] > from && out[i] <= to : out[i] < from && out[i] >= to);
            // Half way rounds to one of the two.
            if (!std::isfinite(from) || !std::isfinite(out[i])) continue;
            Array middle(dtype, {1});
            middle.Set(0, (from + out[i]) / 2);
            CHECK(middle[0] == from || middle[0] == out[i]);
          }
        }
      });
    }
  }
}

uint64_t GcdOf(uint64_t a, uint64_t b) {
  while (b != 0) {
    const uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

// The low bits count.
Wide IntegerOf(const std::string& name, Wide a, Wide b, int bits) {
  if (name == "add") return a + b;
  if (name == "subtract") return a - b;
  if (name == "multiply") return static_cast<Wide>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  if (name == "maximum" || name == "fmax") return std::max(a, b);
  if (name == "minimum" || name == "fmin") return std::min(a, b);
  if (name == "bitwise_and") return a & b;
  if (name == "bitwise_or") return a | b;
  if (name == "bitwise_xor") return a ^ b;
  if (name == "left_shift") {
    return b < 0 || b >= bits ? 0 : static_cast<Wide>(static_cast<uint64_t>(a) << static_cast<int>(b));
  }
  if (name == "right_shift") {
    return b < 0 || b >= bits ? (a < 0 ? -1 : 0) : a >> static_cast<int>(b);
  }
  if (name == "fmod") return b == 0 ? 0 : a % b;
  if (name == "mod") {
    const Wide rest = b == 0 ? 0 : a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  }
  if (name == "floor_divide") {
    if (b == 0) return 0;
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
  }
  if (name == "power") {
    if (b < 0) return a == 1 ? 1 : a == -1 ? (b % 2 == 0 ? 1 : -1) : 0;
    uint64_t result = 1, base = static_cast<uint64_t>(a);
    for (auto n = static_cast<uint64_t>(b); n != 0; n >>= 1, base *= base) {
      if (n & 1) result *= base;
    }
    return static_cast<Wide>(result);
  }
  const auto p = static_cast<uint64_t>(a < 0 ? -a : a), q = static_cast<uint64_t>(b < 0 ? -b : b);
  if (name == "gcd") return static_cast<Wide>(GcdOf(p, q));
  if (name == "lcm") return p == 0 || q == 0 ? 0 : static_cast<Wide>(p / GcdOf(p, q) * q);
  std::abort();
}

Wide WideOf(const Array& x, int64_t i) {
  const int64_t value = x.Integer(i);
  return x.dtype() == DType::kUInt64 ? static_cast<Wide>(static_cast<uint64_t>(value)) : value;
}

TEST(binary_integers) {
  const std::vector<Shapes> cases = EveryShape();
  for (const char* name :
       {"add", "subtract", "multiply", "maximum", "minimum", "fmax", "fmin", "bitwise_and",
        "bitwise_or", "bitwise_xor", "left_shift", "right_shift", "fmod", "mod",
        "floor_divide", "power", "gcd", "lcm"}) {
    const std::string op = name;
    for (DType dtype : kIntegerTypes) {
      CheckBinary(name, dtype, dtype, 0, cases,
                  [&](Array* out, int64_t i, const Array& a, int64_t p, const Array& b,
                      int64_t q) {
        const Wide value = IntegerOf(op, WideOf(a, p), WideOf(b, q), 8 * ItemSize(dtype));
        out->SetInteger(i, static_cast<int64_t>(value));
      });
    }
  }
}

TEST(binary_comparisons) {
  const std::vector<Shapes> cases = EveryShape();
  for (const char* name :
       {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}) {
    const std::string op = name;
    const auto holds = [&](auto a, auto b) {
      return op == "equal"        ? a == b
             : op == "not_equal"  ? a != b
             : op == "less"       ? a < b
             : op == "less_equal" ? a <= b
             : op == "greater"    ? a > b
                                  : a >= b;
    };
    for (DType dtype : kEveryType) {
      CheckBinary(name, dtype, DType::kBool, 0, cases,
                  [&](Array* out, int64_t i, const Array& a, int64_t p, const Array& b,
                      int64_t q) {
        out->SetInteger(i, IsFloat(dtype) ? holds(a[p], b[q]) : holds(WideOf(a, p), WideOf(b, q)));
      });
    }
  }
}

TEST(binary_booleans) {
  const std::vector<Shapes> cases = EveryShape();
  for (const char* name : {"logical_and", "logical_or", "logical_xor", "bitwise_and",
                           "bitwise_or", "bitwise_xor", "maximum", "minimum", "fmax", "fmin"}) {
    const std::string op = name;
    CheckBinary(name, DType::kBool, DType::kBool, 0, cases,
                [&](Array* out, int64_t i, const Array& a, int64_t p, const Array& b, int64_t q) {
      const int64_t x = a.Integer(p), y = b.Integer(q);
      const bool both = op.ends_with("and") || op.ends_with("min") || op == "minimum";
      out->SetInteger(i, op.ends_with("xor") ? x ^ y : both ? x & y : x | y);
    });
  }
}

TEST(binary_where) {
  struct Case {
    Shape condition, a, b;
  };
  const Case cases[] = {{{7}, {7}, {7}},          {{}, {7}, {7}},       {{70}, {}, {70}},
                        {{70}, {70}, {1}},        {{70}, {}, {}},       {{}, {}, {}},
                        {{3, 1}, {1, 4}, {3, 4}}, {{2, 1, 5}, {4, 1}, {1, 4, 5}},
                        {{0}, {1}, {0}},          {{2, 0}, {2, 1}, {}}, {{1, 1300}, {30, 1}, {}},
                        {{33}, {33}, {33}},       {{40, 1000}, {40, 1000}, {1000}}};
  for (DType dtype : kEveryType) {
    for (const Case& c : cases) {
      const Shape shape = Joined(Joined(c.condition, c.a), c.b);
      const Array condition = std::move(Array(DType::kBool, c.condition).Fill(115));
      const Array a = Operand(dtype, c.a, 116), b = Operand(dtype, c.b, 117);
      Array expected(dtype, shape);
      for (int64_t i = 0; i < expected.size(); i++) {
        if (condition.Integer(Source(c.condition, shape, i))) {
          expected.CopyElement(i, a, Source(c.a, shape, i));
        } else {
          expected.CopyElement(i, b, Source(c.b, shape, i));
        }
      }
      ForEachIsaAndThreads("where", {&condition, &a, &b}, dtype, shape, Words(),
                           [&](Isa isa, const Array& out) {
                             CheckSame("where", isa, out, expected);
                           });
    }
  }
}

}  // namespace
}  // namespace keratin::test
