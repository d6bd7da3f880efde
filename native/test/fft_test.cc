#include "kernels.h"

namespace keratin::test {
namespace {

// More digits than float64, so that the sums of the reference do not count.
using Long = long double;

// cos and sin of 2 pi k / n.
class Roots {
 public:
  explicit Roots(int64_t n) : n_(n) {
    for (int64_t k = 0; k < n; k++) {
      const Long angle = 2 * std::acos(Long{-1}) * static_cast<Long>(k) / static_cast<Long>(n);
      cos_.push_back(std::cos(angle));
      sin_.push_back(std::sin(angle));
    }
  }
  Long Cos(int64_t k) const { return cos_[static_cast<size_t>(k % n_)]; }
  Long Sin(int64_t k) const { return sin_[static_cast<size_t>(k % n_)]; }

 private:
  int64_t n_;
  std::vector<Long> cos_, sin_;
};

// Long transforms are checked at these places only.
std::vector<int64_t> PlacesOf(int64_t n) {
  std::vector<int64_t> places;
  const int64_t step = n <= 160 ? 1 : n / 11;
  for (int64_t k = 0; k < n; k += step) places.push_back(k);
  if (n > 160) places.push_back(n - 1);
  return places;
}

double NormOf(const Array& x, int64_t begin, int64_t count) {
  double squares = 0;
  for (int64_t i = 0; i < count; i++) squares += x[begin + i] * x[begin + i];
  return std::sqrt(squares);
}

// What one element must be; `size` bounds its rounding.
struct Expected {
  int64_t at;
  double value, size;
};

void Compare(const char* op, Isa isa, const Array& out,
             const std::vector<Expected>& expected) {
  const double n = static_cast<double>(out.shape().back());
  const double eps = Epsilon(out.dtype()) * (8 + 4 * std::log2(n + 1));
  for (const Expected& e : expected) {
    if (std::fabs(out[e.at] - e.value) <= eps * e.size) continue;
    Fail(__FILE__, __LINE__, "%s %s %s, %s: [%lld] is %.17g, not %.17g",
         NameOf(out.dtype()), op, TextOf(out.shape()).c_str(), IsaName(isa),
         static_cast<long long>(e.at), out[e.at], e.value);
    return;
  }
}

void CheckComplex(int64_t batch, int64_t n, DType dtype) {
  const Shape shape{batch, n};
  const Array re = std::move(Array(dtype, shape).Fill(1));
  const Array im = std::move(Array(dtype, shape).Fill(2));
  const Roots roots(n);
  for (bool inverse : {false, true}) {
    std::vector<Expected> real, imaginary;
    for (int64_t b = 0; b < batch; b++) {
      const double size = NormOf(re, b * n, n) + NormOf(im, b * n, n);
      for (int64_t k : PlacesOf(n)) {
        Long sum_re = 0, sum_im = 0;
        for (int64_t j = 0; j < n; j++) {
          const Long c = roots.Cos(j * k);
          const Long s = inverse ? roots.Sin(j * k) : -roots.Sin(j * k);
          sum_re += re[b * n + j] * c - im[b * n + j] * s;
          sum_im += re[b * n + j] * s + im[b * n + j] * c;
        }
        real.push_back({b * n + k, static_cast<double>(sum_re), size});
        imaginary.push_back({b * n + k, static_cast<double>(sum_im), size});
      }
    }
    ForEachIsaAndThreads("fft", {&re, &im}, {{dtype, shape}, {dtype, shape}},
                         Words().Int(inverse),
                         [&](Isa isa, const std::vector<Array>& out) {
                           Compare("fft", isa, out[0], real);
                           Compare("fft", isa, out[1], imaginary);
                         });
  }
}

void CheckReal(int64_t batch, int64_t n, DType dtype) {
  const Shape bins{batch, n / 2 + 1};
  const Array x = std::move(Array(dtype, {batch, n}).Fill(3));
  const Roots roots(n);
  std::vector<Expected> real, imaginary;
  for (int64_t b = 0; b < batch; b++) {
    const double size = NormOf(x, b * n, n);
    for (int64_t k : PlacesOf(bins[1])) {
      Long sum_re = 0, sum_im = 0;
      for (int64_t j = 0; j < n; j++) {
        sum_re += x[b * n + j] * roots.Cos(j * k);
        sum_im -= x[b * n + j] * roots.Sin(j * k);
      }
      real.push_back({b * bins[1] + k, static_cast<double>(sum_re), size});
      imaginary.push_back({b * bins[1] + k, static_cast<double>(sum_im), size});
    }
  }
  ForEachIsaAndThreads("rfft", {&x}, {{dtype, bins}, {dtype, bins}}, Words(),
                       [&](Isa isa, const std::vector<Array>& out) {
                         Compare("rfft", isa, out[0], real);
                         Compare("rfft", isa, out[1], imaginary);
                       });
}

// The imaginary parts of bins 0 and n / 2 are not zero here: they do not count.
void CheckRealInverse(int64_t batch, int64_t n, DType dtype) {
  const int64_t bins = n / 2 + 1;
  const Array re = std::move(Array(dtype, {batch, bins}).Fill(4));
  const Array im = std::move(Array(dtype, {batch, bins}).Fill(5));
  const Roots roots(n);
  std::vector<Expected> expected;
  const double scale = 1 / static_cast<double>(n);
  for (int64_t b = 0; b < batch; b++) {
    const double size =
        2 * scale * (NormOf(re, b * bins, bins) + NormOf(im, b * bins, bins));
    for (int64_t j : PlacesOf(n)) {
      Long sum = 0;
      for (int64_t k = 0; k < bins; k++) {
        const bool alone = k == 0 || 2 * k == n;
        sum += (alone ? 1 : 2) * re[b * bins + k] * roots.Cos(j * k) -
               (alone ? 0 : 2) * im[b * bins + k] * roots.Sin(j * k);
      }
      expected.push_back({b * n + j, static_cast<double>(sum) * scale, size});
    }
  }
  ForEachIsaAndThreads(
      "irfft", {&re, &im}, dtype, {batch, n}, Words().Int(static_cast<int32_t>(n)),
      [&](Isa isa, const Array& out) { Compare("irfft", isa, out, expected); });
}

void CheckAll(int64_t batch, int64_t n, DType dtype) {
  CheckComplex(batch, n, dtype);
  CheckReal(batch, n, dtype);
  CheckRealInverse(batch, n, dtype);
}

TEST(fft_short) {
  for (DType dtype : kWideTypes) {
    for (int64_t n = 1; n <= 40; n++) CheckAll(2, n, dtype);
    for (int64_t n : {47, 49, 64, 77, 81, 97, 125, 128, 150}) {
      CheckAll(19, n, dtype);  // more transforms than lanes
    }
  }
}

TEST(fft_long) {
  for (DType dtype : kWideTypes) {
    for (int64_t n : {257, 1000, 1021, 2048, 2187, 3125, 4098}) {
      CheckAll(3, n, dtype);
    }
    // One transform is more than a group of lanes holds: with Bluestein's
    // algorithm, of 32768, and of 18750.
    CheckComplex(1, 8209, dtype);
    CheckReal(1, 37500, dtype);
  }
}

TEST(fft_empty) {
  for (DType dtype : kWideTypes) CheckAll(0, 8, dtype);
}

}  // namespace
}  // namespace keratin::test
