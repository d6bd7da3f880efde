// cholesky, triangular_solve, lu_factor, solve, det and slogdet.
#include "kernels.h"
#include "matrices.h"

namespace keratin::test {
namespace {

// Panels of the kernels have 64 columns.
constexpr int64_t kSizes[] = {1, 2, 3, 5, 8, 17, 33, 63, 64, 65, 130};

// A positive definite matrix: of A A^T the lower triangle with n added to the
// diagonal; what is above it must not be read.
Array PositiveDefinite(DType dtype, int64_t batch, int64_t n) {
  const Array a = std::move(Array(DType::kFloat64, {batch, n, n}).Fill(7));
  Array x(dtype, {batch, n, n});
  for (int64_t b = 0; b < batch; b++) {
    for (int64_t i = 0; i < n; i++) {
      for (int64_t j = 0; j < n; j++) {
        double sum = i == j ? static_cast<double>(n) : 0;
        for (int64_t p = 0; p < n; p++) {
          sum += a[(b * n + i) * n + p] * a[(b * n + j) * n + p];
        }
        x.Set((b * n + i) * n + j, j > i ? NAN : sum);
      }
    }
  }
  return x;
}

TEST(cholesky_residual) {
  for (DType dtype : kWideTypes) {
    for (int64_t n : kSizes) {
      const Array x = PositiveDefinite(dtype, 3, n);
      ForEachIsaAndThreads(
          "cholesky", {&x}, dtype, x.shape(), Words(),
          [&](Isa isa, const Array& l) {
            for (int64_t b = 0; b < 3; b++) {
              const Matrix factor = MatrixOf(l, b);
              Matrix expected = MatrixOf(x, b);
              for (int64_t i = 0; i < n; i++) {
                for (int64_t j = i + 1; j < n; j++) {
                  CHECK(factor.at(i, j) == 0);
                  expected.at(i, j) = expected.at(j, i);
                }
              }
              CheckResidual("cholesky", isa, dtype, n,
                            Product(factor, Transposed(factor)), expected);
            }
          });
    }
  }
}

TEST(cholesky_not_positive) {
  for (DType dtype : kWideTypes) {
    for (double bad : {0.0, -1.0, static_cast<double>(NAN), static_cast<double>(INFINITY)}) {
      Array x = PositiveDefinite(dtype, 4, 70);
      x.Set((2 * 70 + 66) * 70 + 66, bad);
      x.Set((3 * 70 + 1) * 70 + 1, bad);
      ForEachIsa([&](Isa isa) {
        Array out(dtype, x.shape());
        CheckFails(isa, "cholesky", {&x}, {&out}, Words(),
                   "matrix 2 of the batch is not positive definite");
      });
    }
  }
}

TEST(triangular_solve_residual) {
  for (DType dtype : kWideTypes) {
    for (int64_t n : kSizes) {
      for (int64_t columns : {1, 7, 70}) {
        Array a = std::move(Array(dtype, {2, n, n}).Fill(8));
        for (int64_t i = 0; i < n; i++) {
          for (int64_t b = 0; b < 2; b++) {
            // Far from singular, whatever the order.
            a.Set((b * n + i) * n + i, 2 + a[(b * n + i) * n + i]);
            for (int64_t j = 0; j < n; j++) {
              const int64_t at = (b * n + i) * n + j;
              if (i != j) a.Set(at, a[at] / static_cast<double>(n));
            }
          }
        }
        const Array b = std::move(Array(dtype, {2, n, columns}).Fill(9));
        for (int flags = 0; flags < 4; flags++) {
          const bool lower = flags & 1, transpose = flags & 2;
          ForEachIsaAndThreads(
              "triangular_solve", {&a, &b}, dtype, b.shape(),
              Words().Int(lower).Int(transpose), [&](Isa isa, const Array& x) {
                for (int64_t k = 0; k < 2; k++) {
                  Matrix t = MatrixOf(a, k);
                  for (int64_t i = 0; i < n; i++) {
                    for (int64_t j = 0; j < n; j++) {
                      if (lower ? j > i : j < i) t.at(i, j) = 0;
                    }
                  }
                  if (transpose) t = Transposed(t);
                  CheckResidual("triangular_solve", isa, dtype, n,
                                Product(t, MatrixOf(x, k)), MatrixOf(b, k));
                }
              });
        }
      }
    }
  }
}

TEST(triangular_solve_singular) {
  Array a = std::move(Array(DType::kFloat32, {3, 5, 5}).Fill(8));
  for (int64_t b : {1, 2}) a.Set((b * 5 + 4) * 5 + 4, 0);
  const Array b = std::move(Array(DType::kFloat32, {3, 5, 2}).Fill(9));
  ForEachIsa([&](Isa isa) {
    Array out(DType::kFloat32, b.shape());
    CheckFails(isa, "triangular_solve", {&a, &b}, {&out}, Words().Int(1).Int(0),
               "matrix 1 of the batch is singular");
  });
}

TEST(lu_factor_residual) {
  const Shape shapes[] = {{3, 1, 1},   {2, 5, 5},    {2, 3, 9},   {2, 9, 3},
                          {3, 64, 64}, {2, 65, 130}, {1, 130, 65}, {1, 129, 129}};
  for (DType dtype : kWideTypes) {
    for (const Shape& shape : shapes) {
      const int64_t m = shape[1], n = shape[2], k = std::min(m, n);
      Array x = std::move(Array(dtype, shape).Fill(10));
      // A column of zeros has no pivot: it is left.
      if (k == 5) {
        for (int64_t i = 0; i < 5; i++) x.Set(i * 5 + 2, 0);
      }
      ForEachIsaAndThreads(
          "lu_factor", {&x},
          {{dtype, shape}, {DType::kInt32, {shape[0], k}}, {DType::kInt32, {shape[0], m}}},
          Words(), [&](Isa isa, const std::vector<Array>& out) {
            for (int64_t b = 0; b < shape[0]; b++) {
              Matrix l(m, k), u(k, n), rows(m, n);
              std::vector<int64_t> order;
              for (int64_t i = 0; i < m; i++) order.push_back(i);
              for (int64_t i = 0; i < k; i++) {
                const int64_t pivot = out[1].Integer(b * k + i);
                CHECK(pivot >= i && pivot < m);
                if (pivot >= i && pivot < m) std::swap(order[i], order[pivot]);
              }
              for (int64_t i = 0; i < m; i++) {
                CHECK(out[2].Integer(b * m + i) == order[i]);
                for (int64_t j = 0; j < n; j++) {
                  const double value = out[0][(b * m + i) * n + j];
                  if (j < i && j < k) l.at(i, j) = value;
                  if (j >= i) u.at(i, j) = value;
                  rows.at(i, j) = x[(b * m + order[i]) * n + j];
                  // Partial pivoting.
                  if (j < i) CHECK(std::fabs(value) <= 1);
                }
                if (i < k) l.at(i, i) = 1;
              }
              CheckResidual("lu_factor", isa, dtype, n, Product(l, u), rows);
            }
          });
    }
  }
}

TEST(lu_factor_empty) {
  const Array x(DType::kFloat32, {2, 3, 0});
  ForEachIsaAndThreads(
      "lu_factor", {&x},
      {{DType::kFloat32, {2, 3, 0}}, {DType::kInt32, {2, 0}}, {DType::kInt32, {2, 3}}},
      Words(), [&](Isa, const std::vector<Array>& out) {
        for (int64_t i = 0; i < 6; i++) CHECK(out[2].Integer(i) == i % 3);
      });
}

TEST(solve_residual) {
  for (DType dtype : kWideTypes) {
    for (int64_t n : kSizes) {
      // Dominant elements from corner to corner: every row is swapped.
      Array a = std::move(Array(dtype, {3, n, n}).Fill(11));
      for (int64_t i = 0; i < a.size(); i++) {
        const bool dominant = i % n == n - 1 - i / n % n;
        a.Set(i, dominant ? 3 : a[i] / static_cast<double>(n));
      }
      const Array b = std::move(Array(dtype, {3, n, 4}).Fill(12));
      ForEachIsaAndThreads("solve", {&a, &b}, dtype, b.shape(), Words(),
                           [&](Isa isa, const Array& x) {
                             for (int64_t k = 0; k < 3; k++) {
                               CheckResidual("solve", isa, dtype, n,
                                             Product(MatrixOf(a, k), MatrixOf(x, k)),
                                             MatrixOf(b, k));
                             }
                           });
    }
  }
}

TEST(solve_singular) {
  Array a = std::move(Array(DType::kFloat64, {4, 6, 6}).Fill(13));
  for (int64_t j = 0; j < 6; j++) {
    a.Set((2 * 6 + 3) * 6 + j, 0);
    a.Set((3 * 6 + 1) * 6 + j, 0);
  }
  const Array b = std::move(Array(DType::kFloat64, {4, 6, 2}).Fill(14));
  ForEachIsa([&](Isa isa) {
    Array out(DType::kFloat64, b.shape());
    CheckFails(isa, "solve", {&a, &b}, {&out}, Words(),
               "matrix 2 of the batch is singular");
  });
}

TEST(det_values) {
  for (DType dtype : kWideTypes) {
    for (int64_t n : {0, 1, 2, 5, 20, 65}) {
      Array x = std::move(Array(dtype, {4, n, n}).Fill(15));
      // Nearly diagonal, so that the determinant is well conditioned; one of
      // the matrices has two equal rows.
      for (int64_t i = 0; i < 4 * n; i++) {
        for (int64_t j = 0; j < n; j++) {
          const double value = x[i * n + j];
          x.Set(i * n + j, i % n == j ? (value < 0 ? value - 0.5 : value + 0.5) * 1.5
                                      : value * 0.3 / static_cast<double>(n));
        }
      }
      if (n >= 2) {
        for (int64_t j = 0; j < n; j++) x.Set(3 * n * n + j, 0);
      }
      std::vector<double> det, sign, log;
      for (int64_t b = 0; b < 4; b++) {
        Matrix m = MatrixOf(x, b);
        double s = 1, l = 0;
        for (int64_t i = 0; i < n; i++) {
          const double pivot = m.at(i, i);
          s = pivot == 0 ? 0 : pivot < 0 ? -s : s;
          l += std::log(std::fabs(pivot));
          for (int64_t r = i + 1; r < n && pivot != 0; r++) {
            const double factor = m.at(r, i) / pivot;
            for (int64_t j = i; j < n; j++) m.at(r, j) -= factor * m.at(i, j);
          }
          if (pivot == 0) break;
        }
        sign.push_back(s);
        log.push_back(s == 0 ? -INFINITY : l);
        det.push_back(s == 0 ? 0 : s * std::exp(l));
      }
      const double eps = Epsilon(dtype) * static_cast<double>(8 + 8 * n);
      ForEachIsaAndThreads("det", {&x}, dtype, {4}, Words(),
                           [&](Isa isa, const Array& out) {
                             CheckNear("det", isa, out, det, [&](int64_t i) {
                               return eps * std::fabs(det[i]);
                             });
                           });
      ForEachIsaAndThreads(
          "slogdet", {&x}, {{dtype, {4}}, {dtype, {4}}}, Words(),
          [&](Isa isa, const std::vector<Array>& out) {
            CheckNear("sign", isa, out[0], sign, [](int64_t) { return 0; });
            CheckNear("logdet", isa, out[1], log, [&](int64_t i) {
              return eps * (1 + std::fabs(log[i]));
            });
          });
    }
  }
}

// One failure reaches its own matrix alone.
TEST(factors_not_finite) {
  Array x = std::move(Array(DType::kFloat32, {3, 9, 9}).Fill(16));
  x.Set(81 + 40, NAN);
  x.Set(2 * 81 + 7, INFINITY);
  ForEachIsaAndThreads("det", {&x}, DType::kFloat32, {3}, Words(),
                       [&](Isa, const Array& out) {
                         CHECK(std::isfinite(out[0]));
                         CHECK(std::isnan(out[1]));
                         CHECK(!std::isfinite(out[2]));
                       });
}

TEST(factors_empty) {
  for (const Shape& shape : {Shape{0, 3, 3}, Shape{2, 0, 0}}) {
    const Array x(DType::kFloat64, shape);
    const Array b(DType::kFloat64, {shape[0], shape[1], 2});
    const Array narrow(DType::kFloat64, {shape[0], shape[1], 0});
    const auto nothing = [](Isa, const Array&) {};
    ForEachIsaAndThreads("cholesky", {&x}, DType::kFloat64, shape, Words(), nothing);
    ForEachIsaAndThreads("solve", {&x, &b}, DType::kFloat64, b.shape(), Words(), nothing);
    ForEachIsaAndThreads("solve", {&x, &narrow}, DType::kFloat64, narrow.shape(),
                         Words(), nothing);
    ForEachIsaAndThreads("triangular_solve", {&x, &b}, DType::kFloat64, b.shape(),
                         Words().Int(1).Int(0), nothing);
  }
}

}  // namespace
}  // namespace keratin::test
