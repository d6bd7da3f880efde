// Threefry's bits and the draws made of them, against a plain generator.
#include "kernels.h"

namespace keratin::test {
namespace {

struct Pair {
  uint32_t a, b;
};

// Salmon et al. 2011, figure 2 and table 2.
Pair Threefry(Pair key, Pair x) {
  const int rotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  const uint32_t words[3] = {key.a, key.b, key.a ^ key.b ^ 0x1bd11bda};
  x.a += words[0];
  x.b += words[1];
  for (uint32_t group = 0; group < 5; group++) {
    for (int r : rotations[group % 2]) {
      x.a += x.b;
      x.b = (x.b << r | x.b >> (32 - r)) ^ x.a;
    }
    x.a += words[(group + 1) % 3];
    x.b += words[(group + 2) % 3] + group + 1;
  }
  return x;
}

Array KeyOf(Pair key) {
  Array x(DType::kUInt32, {2});
  x.SetInteger(0, key.a);
  x.SetInteger(1, key.b);
  return x;
}

constexpr Pair kKeys[] = {{0, 0}, {0xffffffff, 0xffffffff}, {0x13198a2e, 0x03707344}, {1, 42}};

// The known answers that come with the generator's own sources.
TEST(random_known_answers) {
  const Pair counters[] = {{0, 0}, {0xffffffff, 0xffffffff}, {0x243f6a88, 0x85a308d3}};
  const Pair answers[] = {
      {0x6b200159, 0x99ba4efe}, {0x1cb996fc, 0xbb002be7}, {0xc4923a9c, 0x483df7a0}};
  for (int i = 0; i < 3; i++) {
    const Pair x = Threefry(kKeys[i], counters[i]);
    CHECK(x.a == answers[i].a && x.b == answers[i].b);
  }
}

TEST(random_bits_words) {
  for (DType dtype : {DType::kUInt8, DType::kUInt16, DType::kUInt32}) {
    for (const Pair& pair : kKeys) {
      const Array key = KeyOf(pair);
      std::vector<int64_t> counts = {300, 8192, 50001};
      for (int64_t n = 0; n <= 70; n++) counts.push_back(n);
      for (int64_t count : counts) {
        Array expected(dtype, {count});
        for (int64_t i = 0; i < count; i++) {
          const Pair x = Threefry(pair, {0, static_cast<uint32_t>(i)});
          expected.SetInteger(i, x.a ^ x.b);
        }
        ForEachIsaAndThreads("random_bits", {&key}, dtype, {count},
                             Words().Ints(Shape{count}).Type(dtype),
                             [&](Isa isa, const Array& out) {
                               CheckSame("random_bits", isa, out, expected);
                             });
      }
    }
  }
}

TEST(random_split_keys) {
  for (const Pair& pair : kKeys) {
    const Array key = KeyOf(pair);
    for (int64_t count : {0, 1, 2, 17}) {
      Array expected(DType::kUInt32, {count, 2});
      for (int64_t i = 0; i < count; i++) {
        const Pair x = Threefry(pair, {0, static_cast<uint32_t>(i)});
        expected.SetInteger(2 * i, x.a);
        expected.SetInteger(2 * i + 1, x.b);
      }
      ForEachIsaAndThreads("random_split", {&key}, DType::kUInt32, {count, 2},
                           Words().Int(static_cast<int32_t>(count)),
                           [&](Isa isa, const Array& out) {
                             CheckSame("random_split", isa, out, expected);
                           });
    }
  }
}

// Mean and variance are alpha: of n draws the mean is off by 5 sigma at most.
TEST(random_gamma_moments) {
  const int64_t count = 6000;
  const Array key = KeyOf({3, 4});
  for (DType dtype : {DType::kFloat32, DType::kFloat16, DType::kBFloat16}) {
    for (double shape : {0.25, 1.0, 3.5, 40.0}) {
      Array alpha(dtype, {count});
      for (int64_t i = 0; i < count; i++) alpha.Set(i, shape);
      for (bool log_space : {false, true}) {
        ForEachIsaAndThreads("random_gamma", {&alpha, &key}, dtype, {count},
                             Words().Int(log_space), [&](Isa isa, const Array& out) {
          double mean = 0;
          for (int64_t i = 0; i < count; i++) {
            const double x = log_space ? std::exp(out[i]) : out[i];
            CHECK(x >= 0 && std::isfinite(x));
            mean += x / static_cast<double>(count);
          }
          // Uniforms of 7 or 10 bits are coarse, and 0 among them.
          const double coarse = ItemSize(dtype) == 2 ? 0.06 * shape : 0;
          const double bound = 5 * std::sqrt(shape / static_cast<double>(count)) + coarse;
          if (std::fabs(mean - shape) > bound) {
            Fail(__FILE__, __LINE__, "%s gamma %g, %s: the mean is %g", NameOf(dtype), shape,
                 IsaName(isa), mean);
          }
        });
      }
    }
  }
}

TEST(random_binomial_moments) {
  const int64_t count = 2000;
  const Array key = KeyOf({5, 6});
  const std::pair<double, double> cases[] = {{10, 0.3}, {100, 0.5}, {1000, 0.02},
                                             {1e6, 0.9}, {7, 1}, {7, 0}, {0, 0.5}};
  for (const auto& [n, p] : cases) {
    Array counts(DType::kFloat32, {count}), probabilities(DType::kFloat32, {count});
    for (int64_t i = 0; i < count; i++) {
      counts.Set(i, n);
      probabilities.Set(i, p);
    }
    const double trials = n, chance = p;
    ForEachIsaAndThreads("random_binomial", {&counts, &probabilities, &key}, DType::kFloat32,
                         {count}, Words(), [&](Isa isa, const Array& out) {
      double mean = 0;
      for (int64_t i = 0; i < count; i++) {
        CHECK(out[i] >= 0 && out[i] <= trials && out[i] == std::floor(out[i]));
        mean += out[i] / static_cast<double>(count);
      }
      const double sigma = std::sqrt(trials * chance * (1 - chance) / static_cast<double>(count));
      if (std::fabs(mean - trials * chance) > 5 * sigma + 1e-6 * trials) {
        Fail(__FILE__, __LINE__, "binomial %g, %g, %s: the mean is %g", trials, chance,
             IsaName(isa), mean);
      }
    });
  }
}

// Parameters that no distribution has: the samplers end, and fault nowhere.
TEST(random_hostile) {
  const double hostile[] = {0.0, -0.0, -1, NAN, INFINITY, -INFINITY, 1e-30, 1e30, 3e38, 0.5};
  const int64_t n = std::size(hostile);
  const Array key = KeyOf({7, 8});
  for (DType dtype : {DType::kFloat32, DType::kFloat16, DType::kBFloat16}) {
    Array alpha(dtype, {n});
    for (int64_t i = 0; i < n; i++) alpha.Set(i, hostile[i]);
    for (bool log_space : {false, true}) {
      ForEachIsaAndThreads("random_gamma", {&alpha, &key}, dtype, {n}, Words().Int(log_space),
                           [](Isa, const Array&) {});
    }
  }
  Array counts(DType::kFloat32, {n * n}), probabilities(DType::kFloat32, {n * n});
  for (int64_t i = 0; i < n * n; i++) {
    counts.Set(i, hostile[i / n]);
    probabilities.Set(i, hostile[i % n]);
  }
  ForEachIsaAndThreads("random_binomial", {&counts, &probabilities, &key}, DType::kFloat32,
                       {n * n}, Words(), [&](Isa, const Array& out) {
    for (int64_t i = 0; i < n * n; i++) {
      const double count = hostile[i / n], p = hostile[i % n];
      const bool valid = count >= 0 && p >= 0 && p <= 1;
      CHECK(valid ? out[i] >= 0 && out[i] <= counts[i] : std::isnan(out[i]));
    }
  });
  const Array nothing(DType::kFloat32, {0});
  for (const char* name : {"random_gamma", "random_binomial"}) {
    const bool two = std::strcmp(name, "random_binomial") == 0;
    ForEachIsaAndThreads(name, two ? std::vector<const Array*>{&nothing, &nothing, &key}
                                   : std::vector<const Array*>{&nothing, &key},
                         DType::kFloat32, {0}, two ? Words() : Words().Int(0),
                         [](Isa, const Array&) {});
  }
}

}  // namespace
}  // namespace keratin::test
