// Eigenvalues and right eigenvectors of general real matrices: balancing,
// Householder's reduction to Hessenberg form, Francis' double shift to the
// real Schur form (Golub and Van Loan, Matrix Computations, 7.4 and 7.5), back
// substitution. Vectors have length 1 and a real largest element.
#include <cmath>
#include <cstdint>
#include <vector>

#include "wide_matrix.h"

namespace keratin {
namespace portable {
namespace {

constexpr int kMaxSteps = 60;         // for each eigenvalue; 3 are usual
constexpr int kExceptionalEvery = 10;  // steps, against cycles

struct Complex {
  double re, im;
};
Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
Complex operator-(Complex a) { return {-a.re, -a.im}; }
Complex operator*(Complex a, Complex b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
Complex operator*(double a, Complex b) { return {a * b.re, a * b.im}; }
double Size(Complex a) { return std::hypot(a.re, a.im); }
// Smith's division.
Complex operator/(Complex a, Complex b) {
  if (std::fabs(b.re) >= std::fabs(b.im)) {
    const double r = b.im / b.re;
    const double d = b.re + r * b.im;
    return {(a.re + r * a.im) / d, (a.im - r * a.re) / d};
  }
  const double r = b.re / b.im;
  const double d = b.im + r * b.re;
  return {(r * a.re + a.im) / d, (r * a.im - a.re) / d};
}

struct Work {
  explicit Work(int64_t size)
      : n(size),
        h(static_cast<size_t>(size * size)),
        q(static_cast<size_t>(size * size)),
        scale(static_cast<size_t>(size)),
        v(static_cast<size_t>(size)),
        sums(static_cast<size_t>(size)),
        values(static_cast<size_t>(size)),
        y(static_cast<size_t>(size)),
        real(static_cast<size_t>(size * size)),
        imag(static_cast<size_t>(size * size)) {}
  const int64_t n;
  std::vector<double> h;  // A, Hessenberg, quasi-triangular in the end
  std::vector<double> q;  // A = Q H Q^T
  std::vector<double> scale, v, sums;
  std::vector<Complex> values, y;
  std::vector<double> real, imag;  // the eigenvectors, in columns
  double& H(int64_t i, int64_t j) { return h[i * n + j]; }
};

// Scales by powers of two until rows and columns have like norms.
void Balance(Work& w) {
  const int64_t n = w.n;
  for (double& s : w.scale) s = 1;
  bool changed = true;
  for (int round = 0; changed && round < 100; round++) {
    changed = false;
    for (int64_t i = 0; i < n; i++) {
      double row = 0;
      double column = 0;
      for (int64_t j = 0; j < n; j++) {
        if (j == i) continue;
        row += std::fabs(w.H(i, j));
        column += std::fabs(w.H(j, i));
      }
      if (row == 0 || column == 0) continue;
      double factor = 1;
      const double before = row + column;
      for (; column < row / 2; column *= 2, row /= 2) factor *= 2;
      for (; column >= row * 2; column /= 2, row *= 2) factor /= 2;
      if (row + column >= 0.95 * before || factor == 1) continue;
      changed = true;
      w.scale[i] *= factor;
      for (int64_t j = 0; j < n; j++) w.H(i, j) /= factor;
      for (int64_t j = 0; j < n; j++) w.H(j, i) *= factor;
    }
  }
}

// x <- (1 - tau v v^T) x for columns [from, to) of rows [at, at + size); row by
// row. `sums` has room for a row.
void ReflectRows(double* x, int64_t stride, const double* v, double tau,
                 int64_t at, int64_t size, int64_t from, int64_t to,
                 double* sums) {
  const int64_t count = to - from;
  double* first = x + at * stride + from;
  for (int64_t j = 0; j < count; j++) sums[j] = 0;
  for (int64_t i = 0; i < size; i++) {
    AddMultiple(tau * v[i], first + i * stride, sums, count);
  }
  for (int64_t i = 0; i < size; i++) {
    AddMultiple(-v[i], sums, first + i * stride, count);
  }
}

// x <- x (1 - tau v v^T) for rows [from, to) of columns [at, at + size).
void ReflectColumns(double* x, int64_t stride, const double* v, double tau,
                    int64_t at, int64_t size, int64_t from, int64_t to) {
  for (int64_t i = from; i < to; i++) {
    double* row = x + i * stride + at;
    AddMultiple(-tau * Dot(row, v, size), v, row, size);
  }
}

// v, tau with (1 - tau v v^T) v = (beta, 0, ...). tau = 0: nothing to do.
double Reflector(double* v, int64_t size, double* beta) {
  const double rest = Dot(v + 1, v + 1, size - 1);
  *beta = v[0];
  if (rest == 0) return 0;
  const double norm = std::sqrt(v[0] * v[0] + rest);
  *beta = v[0] >= 0 ? -norm : norm;
  const double tau = (*beta - v[0]) / *beta;
  const double scale = 1 / (v[0] - *beta);
  for (int64_t i = 1; i < size; i++) v[i] *= scale;
  v[0] = 1;
  return tau;
}

void ReduceToHessenberg(Work& w) {
  const int64_t n = w.n;
  for (int64_t i = 0; i < n * n; i++) w.q[i] = i % (n + 1) == 0 ? 1 : 0;
  double* v = w.v.data();
  for (int64_t j = 0; j + 2 < n; j++) {
    const int64_t size = n - j - 1;
    for (int64_t i = 0; i < size; i++) v[i] = w.H(j + 1 + i, j);
    double beta;
    const double tau = Reflector(v, size, &beta);
    if (tau == 0) continue;
    ReflectRows(w.h.data(), n, v, tau, j + 1, size, j + 1, n, w.sums.data());
    ReflectColumns(w.h.data(), n, v, tau, j + 1, size, 0, n);
    ReflectColumns(w.q.data(), n, v, tau, j + 1, size, 0, n);
    w.H(j + 1, j) = beta;
    for (int64_t i = j + 2; i < n; i++) w.H(i, j) = 0;
  }
}

// Makes the block of rows l and l + 1 triangular if its eigenvalues are real.
void SplitBlock(Work& w, int64_t l) {
  const int64_t n = w.n;
  const double a = w.H(l, l);
  const double b = w.H(l, l + 1);
  const double c = w.H(l + 1, l);
  const double d = w.H(l + 1, l + 1);
  const double p = (a - d) / 2;
  const double discriminant = p * p + b * c;
  if (discriminant < 0) {
    const double im = std::sqrt(-discriminant);
    w.values[l] = {d + p, im};
    w.values[l + 1] = {d + p, -im};
    return;
  }
  // d + z is an eigenvalue, of the vector (z, c).
  const double z = p + std::copysign(std::sqrt(discriminant), p);
  const double r = std::hypot(z, c);
  const double cosine = z / r;
  const double sine = c / r;
  Rotate(&w.H(l, 0), &w.H(l + 1, 0), cosine, sine, n);
  for (double* x : {w.h.data(), w.q.data()}) {
    for (int64_t i = 0; i < n; i++) {
      Rotate(x + i * n + l, x + i * n + l + 1, cosine, sine, 1);
    }
  }
  w.H(l + 1, l) = 0;
  w.values[l] = {w.H(l, l), 0};
  w.values[l + 1] = {w.H(l + 1, l + 1), 0};
}

// One double step on rows l to `high`, with the shifts of sum s and product t.
void FrancisStep(Work& w, int64_t l, int64_t high, double s, double t) {
  const int64_t n = w.n;
  double v[3] = {
      w.H(l, l) * w.H(l, l) + w.H(l, l + 1) * w.H(l + 1, l) - s * w.H(l, l) + t,
      w.H(l + 1, l) * (w.H(l, l) + w.H(l + 1, l + 1) - s),
      w.H(l + 1, l) * w.H(l + 2, l + 1)};
  for (int64_t k = l; k < high; k++) {
    const int64_t size = k + 2 <= high ? 3 : 2;
    double beta;
    const double tau = Reflector(v, size, &beta);
    if (tau != 0) {
      ReflectRows(w.h.data(), n, v, tau, k, size, k > l ? k - 1 : l, n,
                  w.sums.data());
      const int64_t last = k + 3 < high ? k + 3 : high;
      ReflectColumns(w.h.data(), n, v, tau, k, size, 0, last + 1);
      ReflectColumns(w.q.data(), n, v, tau, k, size, 0, n);
    }
    if (k > l) {
      w.H(k, k - 1) = tau != 0 ? beta : w.H(k, k - 1);
      for (int64_t i = 1; i < size; i++) w.H(k + i, k - 1) = 0;
    }
    for (int64_t i = 0; i < 3 && k + 1 + i <= high; i++) v[i] = w.H(k + 1 + i, k);
  }
}

bool ReduceToSchur(Work& w) {
  const int64_t n = w.n;
  double norm = 0;
  for (double x : w.h) norm = std::fmax(norm, std::fabs(x));
  int step = 0;
  for (int64_t high = n - 1; high >= 0;) {
    int64_t l = high;
    for (; l > 0; l--) {
      double size = std::fabs(w.H(l - 1, l - 1)) + std::fabs(w.H(l, l));
      if (size == 0) size = norm;
      if (std::fabs(w.H(l, l - 1)) <= kEpsilon * size) {
        w.H(l, l - 1) = 0;
        break;
      }
    }
    if (l == high) {
      w.values[high] = {w.H(high, high), 0};
      high -= 1;
      step = 0;
      continue;
    }
    if (l == high - 1) {
      SplitBlock(w, l);
      high -= 2;
      step = 0;
      continue;
    }
    if (++step > kMaxSteps) return false;
    double s = w.H(high - 1, high - 1) + w.H(high, high);
    double t = w.H(high - 1, high - 1) * w.H(high, high) -
               w.H(high - 1, high) * w.H(high, high - 1);
    if (step % kExceptionalEvery == 0) {
      const double size =
          std::fabs(w.H(high, high - 1)) + std::fabs(w.H(high - 1, high - 2));
      s = 1.5 * size;
      t = size * size;
    }
    FrancisStep(w, l, high, s, t);
  }
  return true;
}

// The eigenvector of values[k] goes to column `at`, its conjugate, where it
// is complex, to the next one.
void BackSubstitute(Work& w, int64_t k, double norm) {
  const int64_t n = w.n;
  const Complex value = w.values[k];
  const bool complex = value.im != 0;
  const int64_t last = complex ? k + 1 : k;
  // In place of zero denominators of multiple eigenvalues.
  const double smallest = std::fmax(kEpsilon * norm, kTiny);
  const auto guard = [&](Complex d) {
    return Size(d) < smallest ? Complex{smallest, 0} : d;
  };
  std::vector<Complex>& y = w.y;
  for (Complex& e : y) e = {0, 0};
  y[last] = {1, 0};
  if (complex) {
    y[k] = (value - Complex{w.H(k + 1, k + 1), 0}) / Complex{w.H(k + 1, k), 0};
  }
  for (int64_t i = k - 1; i >= 0; i--) {
    const bool pair = i > 0 && w.H(i, i - 1) != 0;
    Complex sum[2] = {{0, 0}, {0, 0}};
    for (int64_t j = i + 1; j <= last; j++) {
      sum[0] = sum[0] + w.H(i, j) * y[j];
      if (pair) sum[1] = sum[1] + w.H(i - 1, j) * y[j];
    }
    if (!pair) {
      y[i] = -sum[0] / guard(Complex{w.H(i, i), 0} - value);
    } else {
      // (a - value) x + b y = -sum[1], c x + (d - value) y = -sum[0].
      const Complex a = Complex{w.H(i - 1, i - 1), 0} - value;
      const Complex d = Complex{w.H(i, i), 0} - value;
      const double b = w.H(i - 1, i);
      const double c = w.H(i, i - 1);
      Complex determinant = a * d - Complex{b * c, 0};
      if (Size(determinant) < smallest * smallest) {
        determinant = {smallest * smallest, 0};
      }
      y[i] = (c * sum[1] - a * sum[0]) / determinant;
      y[i - 1] = (b * sum[0] - d * sum[1]) / determinant;
      i--;
    }
    const double size = std::fmax(Size(y[i]), pair ? Size(y[i + 1]) : 0);
    if (size > 0x1p200) {
      for (int64_t j = i; j <= last; j++) y[j] = (1 / size) * y[j];
    }
  }
  // x = D Q y.
  double largest = 0;
  Complex at_largest = {1, 0};
  std::vector<double>& re = w.real;
  std::vector<double>& im = w.imag;
  for (int64_t i = 0; i < n; i++) {
    Complex x = {0, 0};
    for (int64_t j = 0; j <= last; j++) x = x + w.q[i * n + j] * y[j];
    x = w.scale[i] * x;
    re[i * n + k] = x.re;
    im[i * n + k] = x.im;
    if (Size(x) > largest) {
      largest = Size(x);
      at_largest = x;
    }
  }
  double squares = 0;
  for (int64_t i = 0; i < n; i++) {
    const Complex x = Complex{re[i * n + k], im[i * n + k]} / at_largest;
    re[i * n + k] = x.re;
    im[i * n + k] = complex ? x.im : 0;
    squares += x.re * x.re + x.im * x.im;
  }
  const double length = std::sqrt(squares);
  for (int64_t i = 0; i < n; i++) {
    re[i * n + k] /= length;
    im[i * n + k] /= length;
    if (!complex) continue;
    re[i * n + k + 1] = re[i * n + k];
    im[i * n + k + 1] = -im[i * n + k];
  }
}

// [..., N, N] -> the real and imaginary parts of the eigenvalues [..., N], and
// of the eigenvectors in columns [..., N, N].
Status Eig(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  if (x.size == 0) return 0;
  const int64_t n = x.shape[x.ndim - 1];
  bool converged = true;
  bool finite = true;
  const double d = static_cast<double>(n);
  ParallelFor(x.size / (n * n), d * d * d * 25 + 300, 1,
              [&](int64_t begin, int64_t end) {
    Work w(n);
    std::vector<double> part(static_cast<size_t>(n));
    for (int64_t b = begin; b < end; b++) {
      Load(x, b * n * n, n * n, w.h.data());
      if (!AllFinite(w.h.data(), n * n)) {
        __atomic_store_n(&finite, false, __ATOMIC_RELAXED);
        continue;
      }
      const double scale = ScaleOf(w.h.data(), n * n);
      for (double& e : w.h) e /= scale;
      Balance(w);
      ReduceToHessenberg(w);
      if (!ReduceToSchur(w)) {
        __atomic_store_n(&converged, false, __ATOMIC_RELAXED);
        continue;
      }
      double norm = 0;
      for (double e : w.h) norm = std::fmax(norm, std::fabs(e));
      for (int64_t k = 0; k < n; k++) {
        BackSubstitute(w, k, norm);
        if (w.values[k].im != 0) k++;
      }
      for (int64_t i = 0; i < n; i++) part[i] = w.values[i].re * scale;
      Store(call.outputs[0], b * n, n, part.data());
      for (int64_t i = 0; i < n; i++) part[i] = w.values[i].im * scale;
      Store(call.outputs[1], b * n, n, part.data());
      Store(call.outputs[2], b * n * n, n * n, w.real.data());
      Store(call.outputs[3], b * n * n, n * n, w.imag.data());
    }
  });
  if (!finite) return call.Fail("the matrix has elements that are not finite");
  if (!converged) return call.Fail("the iteration did not converge");
  return 0;
}

}  // namespace

void Register_eig(Registry& registry) { registry.Add("eig", Eig, kWide); }

}  // namespace portable
}  // namespace keratin
