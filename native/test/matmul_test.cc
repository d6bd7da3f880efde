#include "kernels.h"

namespace keratin::test {
namespace {

struct Case {
  Shape a, b;  // [..., M, K] and [..., K, N], before the flags
};

Shape Swapped(Shape shape) {
  std::swap(shape[shape.size() - 1], shape[shape.size() - 2]);
  return shape;
}

// The product in float64 and, for the bound, that of the magnitudes.
struct Reference {
  Shape shape;
  std::vector<double> product, magnitude;
};

Reference Multiply(const Case& c, const Array& a, const Array& b, bool ta,
                   bool tb) {
  const size_t rank_a = c.a.size(), rank_b = c.b.size();
  const int64_t m = c.a[rank_a - 2], k = c.a[rank_a - 1], n = c.b[rank_b - 1];
  Reference r;
  const size_t rank = std::max(rank_a, rank_b);
  for (size_t i = 0; i + 2 < rank; i++) {
    const int64_t la = i + rank_a < rank ? 1 : c.a[i + rank_a - rank];
    const int64_t lb = i + rank_b < rank ? 1 : c.b[i + rank_b - rank];
    r.shape.push_back(la == 1 ? lb : la);
  }
  const Shape batch = r.shape;
  const int64_t count = SizeOf(batch);
  // Matrix of an operand for a product: axes from the right, 1 repeats.
  const auto matrix = [&](const Shape& shape, int64_t index) {
    int64_t at = 0, stride = 1;
    for (size_t i = batch.size(); i-- > 0;) {
      const int64_t here = index % batch[i];
      index /= batch[i];
      if (i + shape.size() < rank) continue;
      const int64_t length = shape[i + shape.size() - rank];
      if (length > 1) at += here * stride;
      stride *= length;
    }
    return at;
  };
  r.shape.push_back(m);
  r.shape.push_back(n);
  r.product.assign(static_cast<size_t>(count * m * n), 0);
  r.magnitude.assign(r.product.size(), 0);
  std::vector<double> x, y;
  x.assign(static_cast<size_t>(m * k), 0);
  y.assign(static_cast<size_t>(k * n), 0);
  for (int64_t q = 0; q < count; q++) {
    const int64_t at_a = matrix(c.a, q) * m * k;
    const int64_t at_b = matrix(c.b, q) * k * n;
    for (int64_t i = 0; i < m; i++) {
      for (int64_t p = 0; p < k; p++) {
        x[i * k + p] = a[at_a + (ta ? p * m + i : i * k + p)];
      }
    }
    for (int64_t p = 0; p < k; p++) {
      for (int64_t j = 0; j < n; j++) {
        y[p * n + j] = b[at_b + (tb ? j * k + p : p * n + j)];
      }
    }
    for (int64_t i = 0; i < m; i++) {
      double* out = r.product.data() + (q * m + i) * n;
      double* size = r.magnitude.data() + (q * m + i) * n;
      for (int64_t p = 0; p < k; p++) {
        const double factor = x[i * k + p];
        for (int64_t j = 0; j < n; j++) {
          const double term = factor * y[p * n + j];
          out[j] += term;
          size[j] += std::fabs(term);
        }
      }
    }
  }
  return r;
}

void CheckFloats(const Case& c, DType dtype, bool ta, bool tb) {
  const Array a = std::move(Array(dtype, ta ? Swapped(c.a) : c.a).Fill(1));
  const Array b = std::move(Array(dtype, tb ? Swapped(c.b) : c.b).Fill(2));
  const Reference r = Multiply(c, a, b, ta, tb);
  const double k = static_cast<double>(c.a.back());
  const bool half = ItemSize(dtype) == 2;
  const double eps = Epsilon(half ? DType::kFloat32 : dtype);
  ForEachIsaAndThreads(
      "matmul", {&a, &b}, dtype, r.shape, Words().Int(ta).Int(tb),
      [&](Isa isa, const Array& out) {
        for (int64_t i = 0; i < out.size(); i++) {
          const double bound =
              (2 + std::sqrt(k)) * eps * r.magnitude[i] +
              (half ? Epsilon(dtype) * std::fabs(r.product[i]) : 0);
          if (std::fabs(out[i] - r.product[i]) <= bound) continue;
          Fail(__FILE__, __LINE__, "%s %s%s %s x %s, %s: [%lld] is %g, not %g",
               NameOf(dtype), ta ? "T" : "N", tb ? "T" : "N",
               TextOf(c.a).c_str(), TextOf(c.b).c_str(), IsaName(isa),
               static_cast<long long>(i), out[i], r.product[i]);
          break;
        }
      });
}

void CheckLayouts(const Case& c, DType dtype) {
  for (int flags = 0; flags < 4; flags++) {
    CheckFloats(c, dtype, flags & 1, flags & 2);
  }
}

Case Plain(int64_t m, int64_t n, int64_t k) { return {{m, k}, {k, n}}; }

TEST(matmul_sizes) {
  const int64_t sizes[][3] = {{1, 1, 1},     {2, 3, 4},     {5, 7, 3},
                              {6, 16, 8},    {12, 32, 64},  {13, 33, 65},
                              {25, 17, 31},  {31, 48, 129}, {64, 64, 64},
                              {65, 100, 96}, {97, 130, 300}, {300, 299, 257},
                              {145, 10, 512}, {24, 40, 600}};
  for (const auto& s : sizes) {
    CheckLayouts(Plain(s[0], s[1], s[2]), DType::kFloat32);
  }
  for (DType dtype : kFloatTypes) {
    for (const auto& s : {Plain(13, 33, 65), Plain(7, 5, 1), Plain(70, 81, 301),
                          Plain(150, 9, 40)}) {
      CheckLayouts(s, dtype);
    }
  }
}

// One to four rows or columns: paths of their own.
TEST(matmul_skinny) {
  for (int64_t few = 1; few <= 5; few++) {
    for (DType dtype : kFloatTypes) {
      CheckLayouts(Plain(few, 67, 45), dtype);
      CheckLayouts(Plain(131, few, 37), dtype);
    }
    CheckLayouts(Plain(few, 1100, 530), DType::kFloat32);
    CheckLayouts(Plain(1030, few, 300), DType::kFloat32);
    CheckLayouts(Plain(few, few, 1000), DType::kFloat32);
    CheckLayouts(Plain(few, 3, 2), DType::kFloat32);
  }
}

// Beyond the limits of packing and of the blocks.
TEST(matmul_large) {
  CheckLayouts(Plain(20, 1300, 320), DType::kFloat32);
  CheckLayouts(Plain(12, 1300, 320), DType::kFloat32);
  CheckLayouts(Plain(7, 4200, 100), DType::kFloat32);
  CheckLayouts(Plain(300, 1100, 40), DType::kFloat32);
  CheckFloats(Plain(160, 600, 520), DType::kFloat16, false, false);
  CheckFloats(Plain(160, 600, 520), DType::kBFloat16, true, true);
}

TEST(matmul_batched) {
  const Case cases[] = {{{3, 5, 7}, {3, 7, 4}},
                        {{4, 33, 20}, {20, 18}},
                        {{20, 18}, {5, 18, 9}},
                        {{2, 1, 6, 8}, {1, 3, 8, 5}},
                        {{2, 3, 1, 40}, {3, 40, 50}},
                        {{7, 40, 30}, {1, 30, 20}},
                        {{17, 16, 32}, {17, 32, 16}},
                        {{1, 2, 9, 4}, {3, 1, 1, 4, 6}}};
  for (const Case& c : cases) {
    for (DType dtype : kFloatTypes) CheckLayouts(c, dtype);
  }
}

TEST(matmul_empty) {
  for (DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kInt32}) {
    CheckLayouts(Plain(0, 4, 3), dtype);
    CheckLayouts(Plain(4, 0, 3), dtype);
    CheckLayouts(Plain(4, 5, 0), dtype);
    CheckLayouts(Plain(1, 50, 0), dtype);
    CheckLayouts({{0, 4, 3}, {3, 2}}, dtype);
    CheckLayouts({{3, 4, 0}, {3, 0, 2}}, dtype);
  }
}

TEST(matmul_integers) {
  constexpr DType kTypes[] = {DType::kUInt8,  DType::kInt8,  DType::kUInt16,
                              DType::kInt16,  DType::kUInt32, DType::kInt32,
                              DType::kUInt64, DType::kInt64};
  for (DType dtype : kTypes) {
    for (const Case& c : {Plain(5, 7, 3), Plain(33, 150, 140), Plain(1, 9, 300),
                          Plain(70, 1, 9)}) {
      for (int flags = 0; flags < 4; flags++) {
        const bool ta = flags & 1, tb = flags & 2;
        const Array a = std::move(Array(dtype, ta ? Swapped(c.a) : c.a).Fill(3));
        const Array b = std::move(Array(dtype, tb ? Swapped(c.b) : c.b).Fill(4));
        const int64_t m = c.a[0], k = c.a[1], n = c.b[1];
        ForEachIsaAndThreads(
            "matmul", {&a, &b}, dtype, {m, n}, Words().Int(ta).Int(tb),
            [&](Isa, const Array& out) {
              int wrong = 0;
              for (int64_t i = 0; i < m; i++) {
                for (int64_t j = 0; j < n; j++) {
                  uint64_t sum = 0;
                  for (int64_t p = 0; p < k; p++) {
                    sum += static_cast<uint64_t>(a.Integer(ta ? p * m + i : i * k + p)) *
                           static_cast<uint64_t>(b.Integer(tb ? j * k + p : p * n + j));
                  }
                  Array expected(dtype, {1});
                  expected.SetInteger(0, static_cast<int64_t>(sum));
                  wrong += out.Integer(i * n + j) != expected.Integer(0);
                }
              }
              CHECK(wrong == 0);
            });
      }
    }
  }
}

// What is beside the matrices must not leak in: 0 times it is NaN.
TEST(matmul_not_finite) {
  for (DType dtype : kFloatTypes) {
    for (int64_t m : {1, 2, 9}) {
      Array a = std::move(Array(dtype, {m, 33}).Fill(1));
      Array b = std::move(Array(dtype, {33, 35}).Fill(2));
      a.Set(32, INFINITY);
      b.Set(35 * 3 + 34, NAN);
      ForEachIsa([&](Isa isa) {
        Array out(dtype, {m, 35});
        Run(isa, "matmul", {&a, &b}, {&out}, Words().Int(0).Int(0));
        for (int64_t i = 0; i < m; i++) {
          for (int64_t j = 0; j < 35; j++) {
            const double x = out[i * 35 + j];
            CHECK(j == 34 ? std::isnan(x) : i == 0 ? std::isinf(x) : std::isfinite(x));
          }
        }
      });
    }
  }
}

}  // namespace
}  // namespace keratin::test
