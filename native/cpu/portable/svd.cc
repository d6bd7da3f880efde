// Singular values and vectors by one-sided Jacobi rotations (Demmel and
// Veselic 1992: small singular values keep their relative accuracy), after a
// QR decomposition where there are more rows than columns.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "wide_matrix.h"

namespace keratin {
namespace portable {
namespace {

constexpr int kMaxSweeps = 60;  // about 10 are usual

// A [m, n] with m >= n is kept by columns: they lie in rows.
struct Work {
  Work(int64_t m, int64_t n, bool full)
      : input(static_cast<size_t>(m * n)),
        a(static_cast<size_t>(m * n)),
        r(static_cast<size_t>(n * n)),
        v(static_cast<size_t>(n * n)),
        u(static_cast<size_t>((full ? m : n) * m)),
        tau(static_cast<size_t>(n)),
        values(static_cast<size_t>(n)),
        order(static_cast<size_t>(n)),
        residual(static_cast<size_t>(m)) {}
  std::vector<double> input;
  std::vector<double> a;  // the reflectors of the QR decomposition
  std::vector<double> r;  // row j is column j of R, then of U diag(s)
  std::vector<double> v;  // row j is column j of V
  std::vector<double> u;  // row j is column j of U
  std::vector<double> tau, values;
  std::vector<int64_t> order;
  std::vector<double> residual;
};

// Householder's QR of the columns in `a`; r gets R.
void Reduce(Work& w, int64_t m, int64_t n) {
  std::fill(w.r.begin(), w.r.end(), 0.0);
  for (int64_t j = 0; j < n; j++) {
    double* v = w.a.data() + j * m + j;
    const int64_t length = m - j;
    const double rest = Dot(v + 1, v + 1, length - 1);
    w.tau[j] = 0;
    double beta = v[0];
    if (rest > 0) {
      const double norm = std::sqrt(v[0] * v[0] + rest);
      beta = v[0] >= 0 ? -norm : norm;
      w.tau[j] = (beta - v[0]) / beta;
      const double scale = 1 / (v[0] - beta);
      for (int64_t i = 1; i < length; i++) v[i] *= scale;
      v[0] = 1;
      for (int64_t c = j + 1; c < n; c++) {
        double* column = w.a.data() + c * m + j;
        AddMultiple(-w.tau[j] * Dot(v, column, length), v, column, length);
      }
    }
    for (int64_t i = 0; i < j; i++) w.r[j * n + i] = w.a[j * m + i];
    w.r[j * n + j] = beta;
  }
}

// Rotates pairs of columns of r until all are orthogonal; v follows.
bool Orthogonalise(Work& w, int64_t n, bool vectors) {
  double* r = w.r.data();
  double* v = w.v.data();
  const double tolerance = kEpsilon * std::sqrt(static_cast<double>(n));
  for (int sweep = 0; sweep < kMaxSweeps; sweep++) {
    double largest = 0;
    for (int64_t j = 0; j < n; j++) {
      largest = std::fmax(largest, Dot(r + j * n, r + j * n, n));
    }
    // Squares of columns that are rounding errors of the others.
    const double nothing = largest * kEpsilon * kEpsilon;
    bool rotated = false;
    for (int64_t p = 0; p + 1 < n; p++) {
      for (int64_t q = p + 1; q < n; q++) {
        double* a = r + p * n;
        double* b = r + q * n;
        const double aa = Dot(a, a, n);
        const double bb = Dot(b, b, n);
        const double ab = Dot(a, b, n);
        // Larger columns first: sweeps then converge sooner (de Rijk).
        const bool swap = aa < bb;
        const double smaller = swap ? aa : bb;
        if (smaller <= nothing ||
            std::fabs(ab) <= tolerance * std::sqrt(aa) * std::sqrt(bb)) {
          if (swap) {
            std::swap_ranges(a, a + n, b);
            if (vectors) std::swap_ranges(v + p * n, v + p * n + n, v + q * n);
          }
          continue;
        }
        rotated = true;
        // tan of the angle that makes them orthogonal, the smaller one.
        const double zeta = (bb - aa) / (2 * ab);
        const double t = std::copysign(1.0, zeta) /
                         (std::fabs(zeta) + std::hypot(1.0, zeta));
        const double c = 1 / std::hypot(1.0, t);
        Rotate(a, b, c, -c * t, n);
        if (vectors) Rotate(v + p * n, v + q * n, c, -c * t, n);
        if (swap) {
          std::swap_ranges(a, a + n, b);
          if (vectors) std::swap_ranges(v + p * n, v + p * n + n, v + q * n);
        }
      }
    }
    if (!rotated) return true;
  }
  return false;
}

// Makes the rows [have, want) of `u` orthonormal to those before, one from the
// unit vector that they cover least.
void Complete(Work& w, int64_t have, int64_t want, int64_t m) {
  double* u = w.u.data();
  std::fill(w.residual.begin(), w.residual.end(), 1.0);
  for (int64_t k = 0; k < have; k++) {
    for (int64_t i = 0; i < m; i++) w.residual[i] -= u[k * m + i] * u[k * m + i];
  }
  for (int64_t k = have; k < want; k++) {
    double* row = u + k * m;
    const int64_t at =
        std::max_element(w.residual.begin(), w.residual.end()) - w.residual.begin();
    std::fill(row, row + m, 0.0);
    row[at] = 1;
    // Twice is enough (Kahan).
    for (int pass = 0; pass < 2; pass++) {
      for (int64_t j = 0; j < k; j++) {
        AddMultiple(-Dot(u + j * m, row, m), u + j * m, row, m);
      }
      const double norm = std::sqrt(Dot(row, row, m));
      for (int64_t i = 0; i < m; i++) row[i] /= norm;
    }
    for (int64_t i = 0; i < m; i++) w.residual[i] -= row[i] * row[i];
  }
}

// The decomposition of the m x n matrix in w.a, m >= n: values descend.
bool Decompose(Work& w, int64_t m, int64_t n, bool vectors, bool full) {
  Reduce(w, m, n);
  std::fill(w.v.begin(), w.v.end(), 0.0);
  for (int64_t i = 0; i < n; i++) w.v[i * n + i] = 1;
  if (!Orthogonalise(w, n, vectors)) return false;
  double largest = 0;
  for (int64_t j = 0; j < n; j++) {
    w.values[j] = std::sqrt(Dot(w.r.data() + j * n, w.r.data() + j * n, n));
    largest = std::fmax(largest, w.values[j]);
  }
  std::iota(w.order.begin(), w.order.end(), int64_t{0});
  std::stable_sort(w.order.begin(), w.order.end(), [&](int64_t i, int64_t j) {
    return w.values[i] > w.values[j];
  });
  if (!vectors) return true;
  int64_t rank = 0;
  std::fill(w.u.begin(), w.u.end(), 0.0);
  for (; rank < n; rank++) {
    const int64_t from = w.order[rank];
    const double value = w.values[from];
    if (value <= largest * kEpsilon || value == 0) break;
    double* row = w.u.data() + rank * m;
    for (int64_t i = 0; i < n; i++) row[i] = w.r[from * n + i] / value;
    // Through the reflectors: U = H_0 H_1 ... (U_r, 0).
    for (int64_t j = n - 1; j >= 0; j--) {
      const double* v = w.a.data() + j * m + j;
      if (w.tau[j] != 0) {
        AddMultiple(-w.tau[j] * Dot(v, row + j, m - j), v, row + j, m - j);
      }
    }
  }
  Complete(w, rank, full ? m : n, m);
  return true;
}

// Columns in rows -> the output; by rows where it is to be transposed.
void StoreColumns(const TensorView& out, int64_t begin, const double* columns,
                  const int64_t* order, int64_t count, int64_t length,
                  bool transpose, std::vector<double>& buffer) {
  buffer.resize(static_cast<size_t>(count * length));
  for (int64_t k = 0; k < count; k++) {
    const double* from = columns + (order == nullptr ? k : order[k]) * length;
    for (int64_t i = 0; i < length; i++) {
      buffer[transpose ? k * length + i : i * count + k] = from[i];
    }
  }
  Store(out, begin, count * length, buffer.data());
}

Status Run(const KernelCall& call, bool vectors, bool full) {
  const TensorView& x = call.inputs[0];
  const TensorView& values = call.outputs[vectors ? 1 : 0];
  const int64_t rows = x.shape[x.ndim - 2];
  const int64_t columns = x.shape[x.ndim - 1];
  const bool wide = rows < columns;
  const int64_t m = wide ? columns : rows;
  const int64_t n = wide ? rows : columns;
  int64_t batch = 1;
  for (int i = 0; i < x.ndim - 2; i++) batch *= x.shape[i];
  if (batch == 0 || m == 0) return 0;
  bool converged = true;
  bool finite = true;
  const double d = static_cast<double>(n);
  ParallelFor(batch, d * d * (60 * d + static_cast<double>(m)) + 200, 1,
              [&](int64_t begin, int64_t end) {
    Work w(m, n, full);
    std::vector<double> buffer;
    for (int64_t b = begin; b < end; b++) {
      Load(x, b * m * n, m * n, w.input.data());
      if (!AllFinite(w.input.data(), m * n)) {
        __atomic_store_n(&finite, false, __ATOMIC_RELAXED);
        continue;
      }
      const double scale = ScaleOf(w.input.data(), m * n);
      for (double& value : w.input) value /= scale;
      // The columns of the tall one of A and A^T.
      for (int64_t j = 0; j < n; j++) {
        for (int64_t i = 0; i < m; i++) {
          w.a[j * m + i] = wide ? w.input[j * m + i] : w.input[i * n + j];
        }
      }
      if (!Decompose(w, m, n, vectors, full)) {
        __atomic_store_n(&converged, false, __ATOMIC_RELAXED);
        continue;
      }
      buffer.resize(static_cast<size_t>(n));
      for (int64_t k = 0; k < n; k++) buffer[k] = w.values[w.order[k]] * scale;
      Store(values, b * n, n, buffer.data());
      if (!vectors) continue;
      const TensorView& u = call.outputs[0];
      const TensorView& vh = call.outputs[2];
      // A = U S V^H; of A^T it is V S U^H.
      const int64_t k = full ? m : n;
      StoreColumns(wide ? vh : u, b * k * m, w.u.data(), nullptr, k, m, wide,
                   buffer);
      StoreColumns(wide ? u : vh, b * n * n, w.v.data(), w.order.data(), n, n,
                   !wide, buffer);
    }
  });
  if (!finite) return call.Fail("the matrix has elements that are not finite");
  if (!converged) return call.Fail("the iteration did not converge");
  return 0;
}

// [..., M, N] -> u [..., M, K], s [..., min(M, N)], v^H [..., K, N].
Status Svd(const KernelCall& call) {
  return Run(call, true, call.attributes().Bool());
}

// [..., M, N] -> [..., min(M, N)].
Status SingularValues(const KernelCall& call) { return Run(call, false, false); }

}  // namespace

void Register_svd(Registry& registry) {
  registry.Add("svd", Svd, kWide);
  registry.Add("singular_values", SingularValues, kWide);
}

}  // namespace portable
}  // namespace keratin
