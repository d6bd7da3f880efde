// QR decomposition by Householder reflections, with the signs of LAPACK's
// geqrf (beta = -sign(alpha) * norm), q accumulated as by orgqr.
//
// Computed in float64: a float32 result is rounded once.
#include <cmath>
#include <cstdint>
#include <vector>

#include "wide_matrix.h"

namespace keratin {
namespace portable {
namespace {

// x <- (1 - tau v v^T) x for `rows` rows of `columns` numbers, row by row: v is
// a column of a matrix, its first element 1 and not stored.
void Reflect(const double* v, int64_t v_row, double tau, int64_t rows,
             double* x, int64_t x_row, int64_t columns,
             std::vector<double>& sums) {
  if (tau == 0 || columns <= 0) return;
  double* sum = sums.data();
  for (int64_t c = 0; c < columns; c++) sum[c] = x[c];
  for (int64_t i = 1; i < rows; i++) {
    const double factor = v[i * v_row];
    const double* row = x + i * x_row;
    for (int64_t c = 0; c < columns; c++) sum[c] += factor * row[c];
  }
  for (int64_t c = 0; c < columns; c++) {
    sum[c] *= tau;
    x[c] -= sum[c];
  }
  for (int64_t i = 1; i < rows; i++) {
    const double factor = v[i * v_row];
    double* row = x + i * x_row;
    for (int64_t c = 0; c < columns; c++) row[c] -= factor * sum[c];
  }
}

// a: m x n, row-major, overwritten by r above the diagonal and the reflectors
// below it. q: m x k.
void Decompose(std::vector<double>& a, int64_t m, int64_t n, int64_t k,
               std::vector<double>& tau, std::vector<double>& q,
               std::vector<double>& sums) {
  const int64_t steps = m < n ? m : n;
  for (int64_t j = 0; j < steps; j++) {
    double squares = 0;
    for (int64_t i = j + 1; i < m; i++) squares += a[i * n + j] * a[i * n + j];
    const double alpha = a[j * n + j];
    if (squares == 0) {
      tau[j] = 0;  // nothing below the diagonal: geqrf leaves the column
      continue;
    }
    const double norm = std::sqrt(alpha * alpha + squares);
    const double beta = alpha >= 0 ? -norm : norm;
    tau[j] = (beta - alpha) / beta;
    const double scale = 1 / (alpha - beta);
    for (int64_t i = j + 1; i < m; i++) a[i * n + j] *= scale;
    a[j * n + j] = beta;
    Reflect(a.data() + j * n + j, n, tau[j], m - j, a.data() + j * n + j + 1, n,
            n - j - 1, sums);
  }
  for (int64_t i = 0; i < m; i++) {
    for (int64_t c = 0; c < k; c++) q[i * k + c] = i == c ? 1 : 0;
  }
  for (int64_t j = steps - 1; j >= 0; j--) {
    // The columns before j are still those of the identity.
    Reflect(a.data() + j * n + j, n, tau[j], m - j, q.data() + j * k + j, k,
            k - j, sums);
  }
}

// [..., M, N] to q [..., M, K] and r [..., K, N].
Status Qr(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const TensorView& q_out = call.outputs[0];
  const TensorView& r_out = call.outputs[1];
  if (q_out.size == 0) return 0;
  const int64_t m = x.shape[x.ndim - 2];
  const int64_t n = x.shape[x.ndim - 1];
  const int64_t k = q_out.shape[q_out.ndim - 1];
  const int64_t batch = q_out.size / (m * k);
  ParallelFor(batch, static_cast<double>(m * n * k) * 2, 1,
              [&](int64_t begin, int64_t end) {
    std::vector<double> a(static_cast<size_t>(m * n));
    std::vector<double> q(static_cast<size_t>(m * k));
    std::vector<double> r(static_cast<size_t>(k * n));
    std::vector<double> tau(static_cast<size_t>(m < n ? m : n));
    std::vector<double> sums(static_cast<size_t>(n > k ? n : k));
    for (int64_t b = begin; b < end; b++) {
      Load(x, b * m * n, m * n, a.data());
      const double scale =
          AllFinite(a.data(), m * n) ? ScaleOf(a.data(), m * n) : 1;
      for (double& value : a) value /= scale;
      Decompose(a, m, n, k, tau, q, sums);
      for (int64_t i = 0; i < k; i++) {
        for (int64_t j = 0; j < n; j++) {
          r[i * n + j] = j >= i ? a[i * n + j] * scale : 0;
        }
      }
      Store(q_out, b * m * k, m * k, q.data());
      Store(r_out, b * k * n, k * n, r.data());
    }
  });
  return 0;
}

}  // namespace

void Register_qr(Registry& registry) {
  registry.Add("qr", Qr, kWide);
}

}  // namespace portable
}  // namespace keratin
