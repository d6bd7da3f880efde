// Eigenvalues and eigenvectors of symmetric matrices: Householder's
// tridiagonalisation, then QL steps with Wilkinson's shift (Golub and Van Loan,
// Matrix Computations, 8.3). The lower triangle is read. Eigenvalues ascend.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "wide_matrix.h"

namespace keratin {
namespace portable {
namespace {

constexpr int kMaxSteps = 60;  // for each eigenvalue; 2 or 3 are usual

struct Work {
  explicit Work(int64_t n)
      : a(static_cast<size_t>(n * n)),
        q(static_cast<size_t>(n * n)),
        diagonal(static_cast<size_t>(n)),
        off(static_cast<size_t>(n + 1)),
        tau(static_cast<size_t>(n + 1)),
        product(static_cast<size_t>(n + 1)),
        order(static_cast<size_t>(n)) {}
  std::vector<double> a;  // symmetric, both triangles
  std::vector<double> q;  // row i is the i-th eigenvector
  std::vector<double> diagonal, off, tau, product;
  std::vector<int64_t> order;
};

// A = Q T Q^T. Row j of `a` then holds the reflector of step j behind the
// diagonal; off[j] is between j and j + 1.
void Tridiagonalise(Work& w, int64_t n) {
  double* a = w.a.data();
  for (int64_t j = 0; j + 1 < n; j++) {
    // The part of row j behind the diagonal goes to (off, 0, ..., 0).
    double* v = a + j * n + j + 1;
    const int64_t m = n - j - 1;
    w.diagonal[j] = a[j * n + j];
    const double rest = Dot(v + 1, v + 1, m - 1);
    if (rest == 0) {
      w.off[j] = v[0];
      w.tau[j] = 0;
      continue;
    }
    const double norm = std::sqrt(v[0] * v[0] + rest);
    const double beta = v[0] >= 0 ? -norm : norm;
    w.off[j] = beta;
    w.tau[j] = (beta - v[0]) / beta;
    const double scale = 1 / (v[0] - beta);
    for (int64_t i = 1; i < m; i++) v[i] *= scale;
    v[0] = 1;
    // B <- H B H with H = 1 - tau v v^T: with p = tau B v and
    // u = p - (tau p.v / 2) v it is B - v u^T - u v^T.
    double* p = w.product.data();
    for (int64_t i = 0; i < m; i++) {
      p[i] = w.tau[j] * Dot(a + (j + 1 + i) * n + j + 1, v, m);
    }
    AddMultiple(-w.tau[j] / 2 * Dot(p, v, m), v, p, m);
    for (int64_t i = 0; i < m; i++) {
      double* row = a + (j + 1 + i) * n + j + 1;
      AddMultiple(-v[i], p, row, m);
      AddMultiple(-p[i], v, row, m);
    }
  }
  w.diagonal[n - 1] = a[n * n - 1];
  w.off[n - 1] = 0;
}

// q <- rows of Q^T, Q = H_0 H_1 ... : applied from the last to the first.
void AccumulateReflectors(Work& w, int64_t n) {
  double* q = w.q.data();
  std::fill(w.q.begin(), w.q.end(), 0.0);
  for (int64_t i = 0; i < n; i++) q[i * n + i] = 1;
  for (int64_t j = n - 2; j >= 0; j--) {
    if (w.tau[j] == 0) continue;
    const double* v = w.a.data() + j * n + j + 1;
    const int64_t m = n - j - 1;
    // Q^T <- Q^T H_j: rows behind j, columns behind j.
    for (int64_t i = j + 1; i < n; i++) {
      double* row = q + i * n + j + 1;
      AddMultiple(-w.tau[j] * Dot(row, v, m), v, row, m);
    }
  }
}

// Diagonalises T; rotations of neighbours are applied to the rows of q too.
bool Diagonalise(Work& w, int64_t n, bool vectors) {
  double* d = w.diagonal.data();
  double* e = w.off.data();
  double* q = w.q.data();
  for (int64_t l = 0; l < n; l++) {
    for (int step = 0;; step++) {
      int64_t m = l;
      for (; m + 1 < n; m++) {
        if (std::fabs(e[m]) <=
            kEpsilon * std::sqrt(std::fabs(d[m])) * std::sqrt(std::fabs(d[m + 1]))) {
          break;
        }
        // Also next to zeros: what is far below the largest entries.
        if (std::fabs(e[m]) <= kEpsilon * 0x1p-3 * (std::fabs(d[m]) + std::fabs(d[m + 1])) ||
            std::fabs(e[m]) < kTiny) {
          break;
        }
      }
      if (m == l) break;
      if (step == kMaxSteps) return false;
      // The eigenvalue of the leading 2 x 2 block that is nearer to d[l].
      const double half = (d[l + 1] - d[l]) / (2 * e[l]);
      const double root = std::hypot(half, 1.0);
      double g = d[m] - d[l] + e[l] / (half + std::copysign(root, half));
      double s = 1;
      double c = 1;
      double p = 0;
      int64_t i = m - 1;
      for (; i >= l; i--) {
        const double f = s * e[i];
        const double b = c * e[i];
        const double r = std::hypot(f, g);
        e[i + 1] = r;
        if (r == 0) {
          // The block splits here.
          d[i + 1] -= p;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        const double t = (d[i] - g) * s + 2 * c * b;
        p = s * t;
        d[i + 1] = g + p;
        g = c * t - b;
        if (vectors) Rotate(q + (i + 1) * n, q + i * n, c, s, n);
      }
      if (i >= l) continue;
      d[l] -= p;
      e[l] = g;
      e[m] = 0;
    }
  }
  return true;
}

// [..., N, N] -> eigenvalues [..., N], eigenvectors in columns [..., N, N].
Status Eigh(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const TensorView& values = call.outputs[0];
  const TensorView& vectors = call.outputs[1];
  if (x.size == 0) return 0;
  const int64_t n = x.shape[x.ndim - 1];
  bool converged = true;
  bool finite = true;
  const double d = static_cast<double>(n);
  ParallelFor(x.size / (n * n), d * d * d * 5 + 200, 1,
              [&](int64_t begin, int64_t end) {
    Work w(n);
    for (int64_t b = begin; b < end; b++) {
      Load(x, b * n * n, n * n, w.a.data());
      for (int64_t i = 0; i < n; i++) {
        for (int64_t j = i + 1; j < n; j++) w.a[i * n + j] = w.a[j * n + i];
      }
      if (!AllFinite(w.a.data(), n * n)) {
        __atomic_store_n(&finite, false, __ATOMIC_RELAXED);
        continue;
      }
      const double scale = ScaleOf(w.a.data(), n * n);
      for (double& value : w.a) value /= scale;
      Tridiagonalise(w, n);
      AccumulateReflectors(w, n);
      if (!Diagonalise(w, n, true)) {
        __atomic_store_n(&converged, false, __ATOMIC_RELAXED);
        continue;
      }
      std::iota(w.order.begin(), w.order.end(), int64_t{0});
      std::stable_sort(w.order.begin(), w.order.end(), [&](int64_t i, int64_t j) {
        return w.diagonal[i] < w.diagonal[j];
      });
      for (int64_t i = 0; i < n; i++) {
        const int64_t from = w.order[i];
        w.off[i] = w.diagonal[from] * scale;
        for (int64_t r = 0; r < n; r++) w.a[r * n + i] = w.q[from * n + r];
      }
      Store(values, b * n, n, w.off.data());
      Store(vectors, b * n * n, n * n, w.a.data());
    }
  });
  if (!finite) return call.Fail("the matrix has elements that are not finite");
  if (!converged) return call.Fail("the iteration did not converge");
  return 0;
}

}  // namespace

void Register_eigh(Registry& registry) { registry.Add("eigh", Eigh, kWide); }

}  // namespace portable
}  // namespace keratin
