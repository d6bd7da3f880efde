#include "kernels.h"

namespace keratin::test {
namespace {

struct Case {
  Shape leading, last;
  bool gamma = true, beta = true;
};

// Gradients sum blocks of 64 rows.
const Case kCases[] = {
    {{1}, {1}},
    {{}, {7}},
    {{3}, {16}},
    {{5}, {33}, false, true},
    {{2, 3}, {65}, true, false},
    {{64}, {10}},
    {{131}, {40}, false, false},
    {{3, 50}, {2, 9}},
    {{2}, {1025}},
    {{0}, {5}},
};
constexpr double kEpsilon = 1e-3;

struct Operands {
  Operands(const Case& c, DType dtype)
      : wide(dtype == DType::kFloat64 ? dtype : DType::kFloat32),
        rows(SizeOf(c.leading)),
        columns(SizeOf(c.last)),
        x(dtype, Joined(c)),
        dy(dtype, Joined(c)),
        gamma(wide, c.last),
        beta(wide, c.last) {
    x.Fill(1);
    dy.Fill(2);
    gamma.Fill(3);
    beta.Fill(4);
  }
  static Shape Joined(const Case& c) {
    Shape shape = c.leading;
    shape.insert(shape.end(), c.last.begin(), c.last.end());
    return shape;
  }
  DType wide;
  int64_t rows, columns;
  Array x, dy, gamma, beta;
};

// In float64.
struct Reference {
  std::vector<double> y, stats, dx, dgamma, dbeta;
};

Reference Compute(const Case& c, const Operands& o, bool centres) {
  const int64_t n = o.columns;
  const double count = static_cast<double>(n);
  Reference r;
  r.y.resize(o.x.size());
  r.dx.resize(o.x.size());
  r.dgamma.resize(n);
  r.dbeta.resize(n);
  for (int64_t row = 0; row < o.rows; row++) {
    const int64_t at = row * n;
    double mean = 0, square = 0, sum = 0, product = 0;
    for (int64_t i = 0; centres && i < n; i++) mean += o.x[at + i] / count;
    for (int64_t i = 0; i < n; i++) {
      square += (o.x[at + i] - mean) * (o.x[at + i] - mean) / count;
    }
    const double rstd = 1 / std::sqrt(square + kEpsilon);
    if (centres) r.stats.push_back(mean);
    r.stats.push_back(rstd);
    const auto scale = [&](int64_t i) { return c.gamma ? o.gamma[i] : 1; };
    for (int64_t i = 0; i < n; i++) {
      const double normal = (o.x[at + i] - mean) * rstd;
      r.y[at + i] = normal * scale(i) + (c.beta && centres ? o.beta[i] : 0);
      r.dgamma[i] += o.dy[at + i] * normal;
      r.dbeta[i] += o.dy[at + i];
      sum += o.dy[at + i] * scale(i) / count;
      product += o.dy[at + i] * scale(i) * normal / count;
    }
    for (int64_t i = 0; i < n; i++) {
      const double normal = (o.x[at + i] - mean) * rstd;
      r.dx[at + i] = rstd * (o.dy[at + i] * scale(i) - (centres ? sum : 0) -
                             normal * product);
    }
  }
  return r;
}

void CheckNormalization(const Case& c, DType dtype, bool centres) {
  const Operands o(c, dtype);
  const Reference r = Compute(c, o, centres);
  const bool has_beta = c.beta && centres;
  const std::string name = centres ? "layer_norm" : "rms_norm";
  const std::string text = name + " " + TextOf(o.x.shape());
  Shape stats_shape = c.leading;
  stats_shape.push_back(1 + centres);
  std::vector<const Array*> inputs = {&o.x};
  if (c.gamma) inputs.push_back(&o.gamma);
  if (has_beta) inputs.push_back(&o.beta);
  const auto words = [&](bool with_beta) {
    return Words()
        .Int(static_cast<int32_t>(c.last.size()))
        .Float(kEpsilon)
        .Int(c.gamma)
        .Int(with_beta);
  };
  // Operands are below 1 and rstd below 1 / sqrt(epsilon): sums of n terms are
  // off by at most n epsilons of that.
  const double largest = 1 / std::sqrt(kEpsilon);
  const auto bound = [&](const std::vector<double>& expected, int64_t terms,
                         double scale, DType stored) {
    const double inside =
        Epsilon(o.wide) * static_cast<double>(20 + terms) * scale;
    const double outside = stored == o.wide ? 0 : 2 * Epsilon(stored);
    return [inside, outside, &expected](int64_t i) {
      const double size = std::fabs(expected[static_cast<size_t>(i)]);
      return inside * (1 + size) + outside * size +
             (outside > 0 ? 1e-7 : 0);  // halves that are denormal
    };
  };
  ForEachIsaAndThreads(
      name.c_str(), inputs, {{dtype, o.x.shape()}, {o.wide, stats_shape}},
      words(has_beta), [&](Isa isa, const std::vector<Array>& out) {
        CheckNear(text, isa, out[0], r.y,
                  bound(r.y, o.columns, largest, dtype));
        CheckNear("statistics of " + text, isa, out[1], r.stats,
                  bound(r.stats, o.columns, largest, o.wide));
      });
  Array stats(o.wide, stats_shape);
  for (int64_t i = 0; i < stats.size(); i++) stats.Set(i, r.stats[i]);
  inputs = {&o.x, &stats, &o.dy};
  if (c.gamma) inputs.push_back(&o.gamma);
  std::vector<Spec> specs = {{dtype, o.x.shape()}, {o.wide, c.last}};
  if (centres) specs.push_back({o.wide, c.last});
  ForEachIsaAndThreads(
      (name + "_backward").c_str(), inputs, specs, words(false),
      [&](Isa isa, const std::vector<Array>& out) {
        CheckNear("dx of " + text, isa, out[0], r.dx,
                  bound(r.dx, o.columns, largest * largest, dtype));
        CheckNear("dgamma of " + text, isa, out[1], r.dgamma,
                  bound(r.dgamma, o.rows, largest, o.wide));
        if (!centres) return;
        CheckNear("dbeta of " + text, isa, out[2], r.dbeta,
                  bound(r.dbeta, o.rows, 1, o.wide));
      });
}

TEST(normalize_cases) {
  for (const Case& c : kCases) {
    for (DType dtype : kFloatTypes) {
      for (bool centres : {true, false}) CheckNormalization(c, dtype, centres);
    }
  }
}

// A row of one value has no deviation: without epsilon it is 0 / 0.
TEST(normalize_without_deviation) {
  Array x(DType::kFloat32, {2, 3});
  for (int64_t i = 0; i < 6; i++) x.Set(i, i < 3 ? 2 : static_cast<double>(i));
  ForEachIsaAndThreads(
      "layer_norm", {&x},
      {{DType::kFloat32, {2, 3}}, {DType::kFloat32, {2, 2}}},
      Words().Int(1).Float(0).Int(0).Int(0),
      [&](Isa, const std::vector<Array>& out) {
        for (int64_t i = 0; i < 3; i++) CHECK(std::isnan(out[0][i]));
        CHECK(out[0][4] == 0);
      });
}

}  // namespace
}  // namespace keratin::test
