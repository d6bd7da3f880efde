#include "kernels.h"

namespace keratin::test {
namespace {

struct Case {
  int64_t batch, queries, heads, depth;  // B T N H
  int64_t keys, kv_heads, width;         // S K D
  bool causal = false;
  Shape bias = {}, mask = {};  // empty: none

  Shape q() const { return {batch, queries, heads, depth}; }
  Shape k() const { return {batch, keys, kv_heads, depth}; }
  Shape v() const { return {batch, keys, kv_heads, width}; }
  Shape y() const { return {batch, queries, heads, width}; }
  Shape stats() const { return {batch, heads, queries, 2}; }
  std::string text() const {
    return "attention q " + TextOf(q()) + " k " + TextOf(k()) + " v " +
           TextOf(v()) + (causal ? " causal" : "") + " bias " + TextOf(bias) +
           " mask " + TextOf(mask);
  }
};

// The tiles of the kernel have 32 queries and 128 keys, 128 queries share packed
// keys, and from 32 heads of keys on a worker owns one of them.
const Case kCases[] = {
    {1, 1, 1, 1, 1, 1, 1},
    {2, 5, 4, 8, 7, 4, 3},
    {1, 3, 6, 5, 4, 2, 9},                   // grouped queries
    {1, 70, 2, 16, 133, 1, 17},              // more than a tile of each
    {2, 64, 3, 7, 128, 3, 8, true},          // exactly a tile
    {1, 130, 2, 9, 130, 2, 4, true},
    {1, 4, 2, 3, 9, 2, 5, true},             // keys that no query sees
    {1, 9, 2, 3, 4, 1, 5, true},
    {2, 6, 2, 4, 5, 2, 6, false, {2, 2, 6, 5}},
    {2, 6, 2, 4, 5, 1, 6, false, {1, 2, 1, 5}, {2, 1, 6, 5}},
    {2, 66, 2, 4, 129, 2, 6, true, {1, 1, 66, 1}, {1, 1, 1, 129}},
    {1, 3, 1, 4, 6, 1, 2, false, {}, {1, 1, 3, 6}},
    {2, 66, 2, 4, 129, 2, 6, true, {}, {2, 1, 66, 129}},
    {4, 35, 16, 3, 131, 8, 5},               // many heads
    {2, 133, 16, 6, 133, 16, 5, true},
    {8, 5, 8, 2, 9, 4, 3, true, {1, 8, 5, 9}},
    {8, 5, 8, 2, 9, 4, 3, false, {}, {8, 1, 5, 9}},
    {8, 5, 4, 2, 0, 4, 3},                   // many heads, no keys
    {8, 0, 4, 2, 5, 4, 3},
    {2, 3, 2, 0, 4, 2, 5},                   // scores of no terms
    {2, 3, 2, 4, 5, 2, 0},                   // nothing to mix
    {2, 3, 2, 4, 0, 2, 5},                   // no keys
    {0, 3, 2, 4, 5, 2, 5},
    {2, 0, 2, 4, 5, 2, 5},
    {2, 3, 0, 4, 5, 1, 5},                   // no heads of queries
    {2, 3, 0, 4, 5, 0, 5},
};

struct Operands {
  Operands(const Case& c, DType dtype)
      : q(std::move(Array(dtype, c.q()).Fill(1))),
        k(std::move(Array(dtype, c.k()).Fill(2))),
        v(std::move(Array(dtype, c.v()).Fill(3))),
        dy(std::move(Array(dtype, c.y()).Fill(4))),
        bias(std::move(Array(dtype, c.bias).Fill(5))),
        mask(DType::kBool, c.mask) {
    // Of the third row nothing is left: it is uniform.
    for (int64_t i = 0; !c.mask.empty() && i < mask.size(); i++) {
      const int64_t keys = c.mask[3];
      mask.SetInteger(i, i / keys == 2 ? 0 : (i * 7 + i / keys) % 3 != 0);
    }
  }
  Array q, k, v, dy, bias, mask;
};

// In float64, with the gradients; the magnitudes bound the rounding.
struct Reference {
  std::vector<double> y, top, total, dq, dk, dv;
};

constexpr double kScale = 0.37;
constexpr double kMasked = -0.7 * 3.38953e38;

double At(const Array& x, int64_t b, int64_t n, int64_t t, int64_t s) {
  const int64_t index[] = {b, n, t, s};
  int64_t at = 0;
  for (int i = 0; i < 4; i++) {
    at = at * x.shape()[i] + (x.shape()[i] == 1 ? 0 : index[i]);
  }
  return x[at];
}

Reference Compute(const Case& c, const Operands& o) {
  Reference r;
  r.y.resize(o.dy.size());
  r.top.resize(c.batch * c.heads * c.queries);
  r.total.resize(r.top.size());
  r.dq.resize(o.q.size());
  r.dk.resize(o.k.size());
  r.dv.resize(o.v.size());
  std::vector<double> p(c.keys), dp(c.keys);
  std::vector<bool> hidden(c.keys);
  for (int64_t row = 0; row < c.batch * c.heads * c.queries; row++) {
    const int64_t b = row / c.queries / c.heads;
    const int64_t n = row / c.queries % c.heads;
    const int64_t t = row % c.queries;
    const int64_t kv = n / (c.heads / c.kv_heads);
    const int64_t q_at = ((b * c.queries + t) * c.heads + n) * c.depth;
    const int64_t y_at = ((b * c.queries + t) * c.heads + n) * c.width;
    const auto key_row = [&](int64_t s) {
      return (b * c.keys + s) * c.kv_heads + kv;
    };
    double top = c.keys == 0 ? 0 : -INFINITY, total = 0;
    for (int64_t s = 0; s < c.keys; s++) {
      double score = 0;
      for (int64_t i = 0; i < c.depth; i++) {
        score += o.q[q_at + i] * o.k[key_row(s) * c.depth + i];
      }
      score *= kScale;
      if (!c.bias.empty()) score += At(o.bias, b, n, t, s);
      hidden[s] = (c.causal && s > t) ||
                  (!c.mask.empty() && At(o.mask, b, n, t, s) == 0);
      p[s] = hidden[s] ? kMasked : score;
      top = std::max(top, p[s]);
    }
    for (double& x : p) total += x = std::exp(x - top);
    r.top[row] = top;
    r.total[row] = total;
    double delta = 0;
    for (int64_t s = 0; s < c.keys; s++) {
      p[s] /= total;
      dp[s] = 0;
      for (int64_t i = 0; i < c.width; i++) {
        const double v = o.v[key_row(s) * c.width + i];
        r.y[y_at + i] += p[s] * v;
        dp[s] += o.dy[y_at + i] * v;
        r.dv[key_row(s) * c.width + i] += p[s] * o.dy[y_at + i];
      }
      delta += p[s] * dp[s];
    }
    for (int64_t s = 0; s < c.keys; s++) {
      const double ds = hidden[s] ? 0 : p[s] * (dp[s] - delta) * kScale;
      for (int64_t i = 0; i < c.depth; i++) {
        r.dq[q_at + i] += ds * o.k[key_row(s) * c.depth + i];
        r.dk[key_row(s) * c.depth + i] += ds * o.q[q_at + i];
      }
    }
  }
  return r;
}

void CheckAttention(const Case& c, DType dtype) {
  const Operands o(c, dtype);
  const Reference r = Compute(c, o);
  const DType wide = dtype == DType::kFloat64 ? dtype : DType::kFloat32;
  const Words words = std::move(Words()
                                    .Float(kScale)
                                    .Int(c.causal)
                                    .Int(!c.bias.empty())
                                    .Int(!c.mask.empty()));
  const auto with_optional = [&](std::vector<const Array*> inputs) {
    if (!c.bias.empty()) inputs.push_back(&o.bias);
    if (!c.mask.empty()) inputs.push_back(&o.mask);
    return inputs;
  };
  // Every operand is below 1: sums of n terms are off by at most n epsilons.
  const auto bound = [&](int64_t terms) {
    const double limit =
        Epsilon(wide) * static_cast<double>(20 + terms) +
        (wide == dtype ? 0 : 2 * Epsilon(dtype));
    return [limit](const std::vector<double>& expected) {
      return [limit, &expected](int64_t i) {
        return limit * (1 + std::fabs(expected[static_cast<size_t>(i)]));
      };
    };
  };
  ForEachIsaAndThreads(
      "attention", with_optional({&o.q, &o.k, &o.v}),
      {{dtype, c.y()}, {wide, c.stats()}}, words,
      [&](Isa isa, const std::vector<Array>& out) {
        CheckNear(c.text(), isa, out[0], r.y, bound(c.depth + c.keys)(r.y));
        for (size_t i = 0; i < r.top.size(); i++) {
          const double limit = Epsilon(wide) * static_cast<double>(20 + c.depth + c.keys);
          CHECK(std::fabs(out[1][2 * i] - r.top[i]) <= limit * (1 + std::fabs(r.top[i])));
          CHECK(std::fabs(out[1][2 * i + 1] - r.total[i]) <= limit * r.total[i]);
        }
        const Array &y = out[0], &stats = out[1];
        // As the kernel of the other direction gave them.
        for (int threads : {1, 3}) {
          SetThreadCount(threads);
          Array dq(dtype, c.q()), dk(dtype, c.k()), dv(dtype, c.v());
          Run(isa, "attention_backward",
              with_optional({&o.q, &o.k, &o.v, &y, &stats, &o.dy}),
              {&dq, &dk, &dv}, words);
          const int64_t terms = c.depth + c.keys + c.width;
          const int64_t rows = c.queries * c.heads;
          CheckNear("dq of " + c.text(), isa, dq, r.dq, bound(terms)(r.dq));
          CheckNear("dk of " + c.text(), isa, dk, r.dk, bound(terms + rows)(r.dk));
          CheckNear("dv of " + c.text(), isa, dv, r.dv, bound(terms + rows)(r.dv));
        }
        SetThreadCount(0);
      });
}

TEST(attention_cases) {
  for (const Case& c : kCases) {
    for (DType dtype : kFloatTypes) CheckAttention(c, dtype);
  }
}

TEST(attention_threads) {
  // Too few heads for one pass, and many.
  const Case cases[] = {{1, 65, 4, 8, 129, 2, 8, true},
                        {4, 65, 16, 8, 129, 8, 8, true}};
  for (const Case& c : cases) {
    for (DType dtype : {DType::kFloat32, DType::kBFloat16}) {
      const Operands o(c, dtype);
      const Words words =
          std::move(Words().Float(kScale).Int(c.causal).Int(0).Int(0));
      ForEachIsa([&](Isa isa) {
        Array y(dtype, c.y()), stats(DType::kFloat32, c.stats());
        Run(isa, "attention", {&o.q, &o.k, &o.v}, {&y, &stats}, words);
        std::vector<Array> first;
        ForEachThreadCount([&](int threads) {
          std::vector<Array> out;
          for (const Shape& shape : {c.q(), c.k(), c.v()}) out.emplace_back(dtype, shape);
          Run(isa, "attention_backward", {&o.q, &o.k, &o.v, &y, &stats, &o.dy},
              {&out[0], &out[1], &out[2]}, words);
          for (size_t i = 0; threads > 1 && i < 3; i++) {
            CHECK(first[i].SameBits(out[i]));
          }
          if (threads == 1) first = std::move(out);
        });
      });
    }
  }
}

// Before a query that sees only a pair of score -infinity lie keys that causal
// attention hides: as the formula says, their mean is the result.
TEST(attention_causal_and_nothing_else) {
  for (DType dtype : kFloatTypes) {
    const Case c{1, 3, 1, 4, 3, 1, 2, true, {1, 1, 3, 3}};
    const Operands o(c, dtype);
    Array bias(dtype, c.bias);
    for (int64_t i = 0; i < bias.size(); i++) bias.Set(i, i == 0 ? -INFINITY : 0);
    const DType wide = dtype == DType::kFloat64 ? dtype : DType::kFloat32;
    ForEachIsaAndThreads(
        "attention", {&o.q, &o.k, &o.v, &bias},
        {{dtype, c.y()}, {wide, c.stats()}},
        Words().Float(1).Int(1).Int(1).Int(0),
        [&](Isa, const std::vector<Array>& out) {
          for (int64_t i = 0; i < 2; i++) {
            const double mean = (o.v[2 + i] + o.v[4 + i]) / 2;
            CHECK(std::fabs(out[0][i] - mean) <= 4 * Epsilon(dtype));
          }
        });
  }
}

// Infinite biases hide pairs; a row of nothing else is NaN, as softmax gives.
TEST(attention_infinite_bias) {
  const int64_t keys = 140;
  for (DType dtype : kFloatTypes) {
    const Array q = std::move(Array(dtype, {1, 3, 1, 4}).Fill(1));
    const Array k = std::move(Array(dtype, {1, keys, 1, 4}).Fill(2));
    const Array v = std::move(Array(dtype, {1, keys, 1, 5}).Fill(3));
    Array bias(dtype, {1, 1, 3, keys});
    for (int64_t i = 0; i < bias.size(); i++) {
      const int64_t key = i % keys;
      // All; all of the first tile of keys; none but the last key.
      const int64_t seen = i / keys == 0 ? keys : i / keys == 1 ? 128 : keys - 1;
      bias.Set(i, key < seen ? -INFINITY : 0);
    }
    const DType wide = dtype == DType::kFloat64 ? dtype : DType::kFloat32;
    ForEachIsaAndThreads(
        "attention", {&q, &k, &v, &bias},
        {{dtype, {1, 3, 1, 5}}, {wide, {1, 1, 3, 2}}},
        Words().Float(1).Int(0).Int(1).Int(0),
        [&](Isa, const std::vector<Array>& out) {
          for (int64_t i = 0; i < 5; i++) {
            CHECK(std::isnan(out[0][i]));
            CHECK(std::fabs(out[0][5 + i]) < 1);
            CHECK(out[0][10 + i] == v[(keys - 1) * 5 + i]);
          }
        });
  }
}

}  // namespace
}  // namespace keratin::test
