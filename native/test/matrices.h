// Matrices in float64, for residuals of decompositions.
#pragma once

#include <algorithm>
#include <cstring>

#include "kernels.h"

namespace keratin::test {

class Matrix {
 public:
  Matrix(int64_t rows, int64_t columns)
      : rows_(rows), columns_(columns), data_(static_cast<size_t>(rows * columns)) {}
  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  double& at(int64_t i, int64_t j) {
    return data_[static_cast<size_t>(i * columns_ + j)];
  }
  double at(int64_t i, int64_t j) const {
    return data_[static_cast<size_t>(i * columns_ + j)];
  }

 private:
  int64_t rows_, columns_;
  std::vector<double> data_;
};

// Number `b` of a batch [..., M, N].
inline Matrix MatrixOf(const Array& x, int64_t b) {
  const int64_t m = x.shape()[x.shape().size() - 2];
  const int64_t n = x.shape().back();
  Matrix result(m, n);
  for (int64_t i = 0; i < m; i++) {
    for (int64_t j = 0; j < n; j++) result.at(i, j) = x[(b * m + i) * n + j];
  }
  return result;
}

inline Matrix Transposed(const Matrix& a) {
  Matrix result(a.columns(), a.rows());
  for (int64_t i = 0; i < a.rows(); i++) {
    for (int64_t j = 0; j < a.columns(); j++) result.at(j, i) = a.at(i, j);
  }
  return result;
}

inline Matrix Product(const Matrix& a, const Matrix& b) {
  Matrix result(a.rows(), b.columns());
  for (int64_t i = 0; i < a.rows(); i++) {
    for (int64_t p = 0; p < a.columns(); p++) {
      const double factor = a.at(i, p);
      for (int64_t j = 0; j < b.columns(); j++) {
        result.at(i, j) += factor * b.at(p, j);
      }
    }
  }
  return result;
}

inline Matrix Identity(int64_t n) {
  Matrix result(n, n);
  for (int64_t i = 0; i < n; i++) result.at(i, i) = 1;
  return result;
}

inline double LargestOf(const Matrix& a) {
  double largest = 0;
  for (int64_t i = 0; i < a.rows(); i++) {
    for (int64_t j = 0; j < a.columns(); j++) {
      largest = std::max(largest, std::fabs(a.at(i, j)));
    }
  }
  return largest;
}

// |a - b| <= (16 + 2 n) eps max|b|. A column takes part in several rotations with
// each of the n others, and each rounds its length by half an eps; how they add
// up depends on the machine's hypot.
inline void CheckResidual(const char* what, Isa isa, DType dtype, int64_t n,
                          const Matrix& a, const Matrix& b) {
  CHECK(a.rows() == b.rows() && a.columns() == b.columns());
  const double bound =
      Epsilon(dtype) * static_cast<double>(16 + 2 * n) * LargestOf(b);
  for (int64_t i = 0; i < a.rows(); i++) {
    for (int64_t j = 0; j < a.columns(); j++) {
      if (std::fabs(a.at(i, j) - b.at(i, j)) <= bound) continue;
      Fail(__FILE__, __LINE__, "%s %s %lld x %lld, %s: (%lld, %lld) is %.17g, not %.17g",
           NameOf(dtype), what, static_cast<long long>(a.rows()),
           static_cast<long long>(a.columns()), IsaName(isa),
           static_cast<long long>(i), static_cast<long long>(j), a.at(i, j),
           b.at(i, j));
      return;
    }
  }
}

// Columns are orthonormal.
inline void CheckOrthonormal(const char* what, Isa isa, DType dtype,
                             const Matrix& q) {
  CheckResidual(what, isa, dtype, q.rows(), Product(Transposed(q), q),
                Identity(q.columns()));
}

// The kernel reports a failure, in words that hold `part`.
inline void CheckFails(Isa isa, const char* name,
                       const std::vector<const Array*>& inputs,
                       const std::vector<Array*>& outputs, const Words& words,
                       const char* part) {
  ForEachThreadCount([&](int) {
    char message[KernelCall::kMessageSize];
    const Status status = Call(isa, name, inputs, outputs, words, message);
    if (status != 0 && std::strstr(message, part) != nullptr) return;
    Fail(__FILE__, __LINE__, "%s, %s: status %d, \"%s\"", name, IsaName(isa),
         status, message);
  });
}

}  // namespace keratin::test
