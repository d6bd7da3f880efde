// qr, eigh, eig, svd and singular_values, by residuals and orthogonality.
#include "kernels.h"
#include "matrices.h"

namespace keratin::test {
namespace {

// What is awkward about a matrix.
enum class Kind { kRandom, kZero, kIdentity, kRankOne, kRepeated, kHuge, kTiny, kLargest };
constexpr Kind kKinds[] = {Kind::kRandom,   Kind::kZero, Kind::kIdentity,
                           Kind::kRankOne,  Kind::kRepeated, Kind::kHuge,
                           Kind::kTiny,     Kind::kLargest};

Array Make(DType dtype, const Shape& shape, Kind kind) {
  Array x = std::move(Array(dtype, shape).Fill(21));
  const int64_t n = shape[2];
  const bool wide = dtype == DType::kFloat64;
  for (int64_t i = 0; i < x.size(); i++) {
    const int64_t row = i / n % shape[1], column = i % n;
    switch (kind) {
      case Kind::kRandom:
        break;
      case Kind::kZero:
        x.Set(i, 0);
        break;
      case Kind::kIdentity:
        x.Set(i, row == column ? 1 : 0);
        break;
      case Kind::kRankOne:
        x.Set(i, static_cast<double>((row + 1) * (column - 2)));
        break;
      case Kind::kRepeated:
        x.Set(i, row == column ? static_cast<double>(row / 2 + 1) : 0);
        break;
      case Kind::kHuge:
        x.Set(i, std::ldexp(x[i], wide ? 1000 : 120));
        break;
      case Kind::kLargest:
        x.Set(i, row == column ? std::ldexp(0.75, wide ? 1024 : 128) : 0);
        break;
      case Kind::kTiny:
        x.Set(i, std::ldexp(x[i], wide ? -980 : -100));
        break;
    }
  }
  return x;
}

// Symmetric, by the lower triangle; what is above it must not be read.
Array MakeSymmetric(DType dtype, int64_t batch, int64_t n, Kind kind) {
  Array x = Make(dtype, {batch, n, n}, kind);
  for (int64_t i = 0; i < x.size(); i++) {
    if (i % n > i / n % n) x.Set(i, NAN);
  }
  return x;
}

constexpr DType kDouble = DType::kFloat64;
const Shape kShapes[] = {{2, 1, 1}, {2, 2, 2}, {2, 5, 5},  {2, 7, 3}, {2, 3, 7},
                         {1, 1, 6}, {1, 6, 1}, {3, 33, 20}, {1, 20, 33}};

TEST(qr_residual) {
  for (DType dtype : kWideTypes) {
    for (const Shape& shape : kShapes) {
      for (Kind kind : kKinds) {
        const Array x = Make(dtype, shape, kind);
        const int64_t m = shape[1], n = shape[2];
        for (bool complete : {false, true}) {
          const int64_t k = complete ? m : std::min(m, n);
          ForEachIsaAndThreads(
              "qr", {&x}, {{dtype, {shape[0], m, k}}, {dtype, {shape[0], k, n}}},
              Words().Int(complete), [&](Isa isa, const std::vector<Array>& out) {
                for (int64_t b = 0; b < shape[0]; b++) {
                  const Matrix q = MatrixOf(out[0], b), r = MatrixOf(out[1], b);
                  CheckOrthonormal("q", isa, dtype, q);
                  CheckResidual("q r", isa, dtype, n, Product(q, r), MatrixOf(x, b));
                  for (int64_t i = 0; i < k; i++) {
                    for (int64_t j = 0; j < std::min(i, n); j++) CHECK(r.at(i, j) == 0);
                  }
                }
              });
        }
      }
    }
  }
}

TEST(qr_empty) {
  // Without a column the complete q is the identity.
  const Array x(kDouble, {2, 3, 0});
  ForEachIsaAndThreads("qr", {&x}, {{kDouble, {2, 3, 3}}, {kDouble, {2, 3, 0}}},
                       Words().Int(1), [&](Isa isa, const std::vector<Array>& out) {
                         for (int64_t b = 0; b < 2; b++) {
                           CheckResidual("q", isa, kDouble, 3, MatrixOf(out[0], b),
                                         Identity(3));
                         }
                       });
  const auto nothing = [](Isa, const std::vector<Array>&) {};
  ForEachIsaAndThreads("qr", {&x}, {{kDouble, {2, 3, 0}}, {kDouble, {2, 0, 0}}},
                       Words().Int(0), nothing);
  const Array flat(kDouble, {2, 0, 3});
  ForEachIsaAndThreads("qr", {&flat}, {{kDouble, {2, 0, 0}}, {kDouble, {2, 0, 3}}},
                       Words().Int(1), nothing);
}

TEST(eigh_residual) {
  for (DType dtype : kWideTypes) {
    for (int64_t n : {1, 2, 3, 6, 17, 40}) {
      for (Kind kind : kKinds) {
        const Array x = MakeSymmetric(dtype, 3, n, kind);
        ForEachIsaAndThreads(
            "eigh", {&x}, {{dtype, {3, n}}, {dtype, {3, n, n}}}, Words(),
            [&](Isa isa, const std::vector<Array>& out) {
              for (int64_t b = 0; b < 3; b++) {
                Matrix a = MatrixOf(x, b);
                for (int64_t i = 0; i < n; i++) {
                  for (int64_t j = i + 1; j < n; j++) a.at(i, j) = a.at(j, i);
                }
                const Matrix v = MatrixOf(out[1], b);
                CheckOrthonormal("vectors", isa, dtype, v);
                Matrix scaled = v;
                for (int64_t j = 0; j < n; j++) {
                  const double value = out[0][b * n + j];
                  CHECK(j == 0 || value >= out[0][b * n + j - 1]);
                  for (int64_t i = 0; i < n; i++) scaled.at(i, j) *= value;
                }
                CheckResidual("eigh", isa, dtype, n,
                              Product(scaled, Transposed(v)), a);
              }
            });
      }
    }
  }
}

// A (re + i im) = (re + i im) diag(values), columns of length 1.
void CheckEig(Isa isa, const Array& x, int64_t b, const std::vector<Array>& out) {
  const DType dtype = x.dtype();
  const int64_t n = x.shape()[2];
  const Matrix a = MatrixOf(x, b);
  const Matrix re = MatrixOf(out[2], b), im = MatrixOf(out[3], b);
  const Matrix a_re = Product(a, re), a_im = Product(a, im);
  Matrix expected_re(n, n), expected_im(n, n);
  for (int64_t j = 0; j < n; j++) {
    const double value_re = out[0][b * n + j], value_im = out[1][b * n + j];
    double squares = 0;
    for (int64_t i = 0; i < n; i++) {
      squares += re.at(i, j) * re.at(i, j) + im.at(i, j) * im.at(i, j);
      expected_re.at(i, j) = re.at(i, j) * value_re - im.at(i, j) * value_im;
      expected_im.at(i, j) = re.at(i, j) * value_im + im.at(i, j) * value_re;
    }
    CHECK(std::fabs(squares - 1) <= Epsilon(dtype) * static_cast<double>(8 + n));
  }
  const double bound = Epsilon(dtype) * static_cast<double>(16 + n) * LargestOf(a) *
                       static_cast<double>(n);
  for (int64_t i = 0; i < n; i++) {
    for (int64_t j = 0; j < n; j++) {
      const double error = std::hypot(a_re.at(i, j) - expected_re.at(i, j),
                                      a_im.at(i, j) - expected_im.at(i, j));
      if (error <= bound) continue;
      Fail(__FILE__, __LINE__, "%s eig of %lld, %s: A v is off by %g at (%lld, %lld)",
           NameOf(dtype), static_cast<long long>(n), IsaName(isa), error,
           static_cast<long long>(i), static_cast<long long>(j));
      return;
    }
  }
}

TEST(eig_residual) {
  for (DType dtype : kWideTypes) {
    for (int64_t n : {1, 2, 3, 6, 17, 40}) {
      for (Kind kind : kKinds) {
        const Array x = Make(dtype, {3, n, n}, kind);
        const Spec values{dtype, {3, n}}, vectors{dtype, {3, n, n}};
        ForEachIsaAndThreads("eig", {&x}, {values, values, vectors, vectors}, Words(),
                             [&](Isa isa, const std::vector<Array>& out) {
                               for (int64_t b = 0; b < 3; b++) CheckEig(isa, x, b, out);
                             });
      }
    }
  }
}

// Rotations, whose eigenvalues are a pair, and a block that cannot be
// diagonalised: the vectors are then nearly parallel.
TEST(eig_special) {
  Array x(kDouble, {3, 4, 4});
  for (int64_t i = 0; i < x.size(); i++) x.Set(i, 0);
  for (int64_t i = 0; i < 4; i++) {
    x.Set(i * 4 + (i + 1) % 4, 1);                  // a cycle
    x.Set(16 + i * 4 + i, 2);                       // one Jordan block
    if (i < 3) x.Set(16 + i * 4 + i + 1, 1);
    if (i < 3) x.Set(32 + (i + 1) * 4 + i, 1e-8);   // nilpotent
  }
  const Spec values{kDouble, {3, 4}}, vectors{kDouble, {3, 4, 4}};
  ForEachIsaAndThreads("eig", {&x}, {values, values, vectors, vectors}, Words(),
                       [&](Isa isa, const std::vector<Array>& out) {
                         for (int64_t b = 0; b < 3; b++) CheckEig(isa, x, b, out);
                       });
}

void CheckSvd(const Array& x, bool full) {
  const DType dtype = x.dtype();
  const int64_t batch = x.shape()[0], m = x.shape()[1], n = x.shape()[2];
  const int64_t k = std::min(m, n);
  const int64_t left = full ? m : k, right = full ? n : k;
  ForEachIsaAndThreads(
      "svd", {&x},
      {{dtype, {batch, m, left}}, {dtype, {batch, k}}, {dtype, {batch, right, n}}},
      Words().Int(full), [&](Isa isa, const std::vector<Array>& out) {
        Array alone(dtype, {batch, k});
        Run(isa, "singular_values", {&x}, {&alone}, Words());
        for (int64_t b = 0; b < batch; b++) {
          const Matrix u = MatrixOf(out[0], b), vh = MatrixOf(out[2], b);
          CheckOrthonormal("u", isa, dtype, u);
          CheckOrthonormal("v", isa, dtype, Transposed(vh));
          Matrix scaled(m, right);
          const double largest = k > 0 ? out[1][b * k] : 0;
          for (int64_t j = 0; j < k; j++) {
            const double value = out[1][b * k + j];
            CHECK(value >= 0 && (j == 0 || value <= out[1][b * k + j - 1]));
            CHECK(std::fabs(alone[b * k + j] - value) <= 4 * Epsilon(dtype) * largest);
            for (int64_t i = 0; i < m; i++) scaled.at(i, j) = u.at(i, j) * value;
          }
          CheckResidual("svd", isa, dtype, m + n, Product(scaled, vh), MatrixOf(x, b));
        }
      });
}

TEST(svd_residual) {
  for (DType dtype : kWideTypes) {
    for (const Shape& shape : kShapes) {
      for (Kind kind : kKinds) {
        const Array x = Make(dtype, shape, kind);
        for (bool full : {false, true}) CheckSvd(x, full);
      }
    }
  }
}

TEST(svd_empty) {
  for (const Shape& shape : {Shape{2, 3, 0}, Shape{2, 0, 3}, Shape{0, 2, 3}, Shape{1, 0, 0}}) {
    const Array x(kDouble, shape);
    for (bool full : {false, true}) CheckSvd(x, full);
  }
}

TEST(spectra_not_finite) {
  for (double bad : {static_cast<double>(NAN), static_cast<double>(INFINITY)}) {
    Array x = std::move(Array(DType::kFloat32, {3, 4, 4}).Fill(22));
    x.Set(16 + 8, bad);  // in the lower triangle of the second
    Array values(DType::kFloat32, {3, 4}), more(DType::kFloat32, {3, 4});
    Array a(DType::kFloat32, {3, 4, 4}), b(DType::kFloat32, {3, 4, 4});
    ForEachIsa([&](Isa isa) {
      CheckFails(isa, "eigh", {&x}, {&values, &a}, Words(), "not finite");
      CheckFails(isa, "eig", {&x}, {&values, &more, &a, &b}, Words(), "not finite");
      CheckFails(isa, "svd", {&x}, {&a, &values, &b}, Words().Int(0), "not finite");
      CheckFails(isa, "singular_values", {&x}, {&values}, Words(), "not finite");
    });
  }
}

TEST(spectra_empty) {
  const auto nothing = [](Isa, const std::vector<Array>&) {};
  for (const Shape& shape : {Shape{0, 3, 3}, Shape{2, 0, 0}}) {
    const Array x(kDouble, shape);
    const Spec values{kDouble, {shape[0], shape[1]}}, vectors{kDouble, shape};
    ForEachIsaAndThreads("eigh", {&x}, {values, vectors}, Words(), nothing);
    ForEachIsaAndThreads("eig", {&x}, {values, values, vectors, vectors}, Words(), nothing);
  }
}

}  // namespace
}  // namespace keratin::test
