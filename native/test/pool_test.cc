#include "kernels.h"

namespace keratin::test {
namespace {

struct Case {
  Shape x;  // [N, spatial, C]
  std::vector<int32_t> window, strides, padding;

  size_t rank() const { return window.size(); }
  Shape y() const {
    Shape shape = x;
    for (size_t i = 0; i < rank(); i++) {
      const int64_t padded = x[1 + i] + padding[2 * i] + padding[2 * i + 1];
      shape[1 + i] = (padded - window[i]) / strides[i] + 1;
    }
    return shape;
  }
  Words words() const {
    return Words().Ints(window).Ints(strides).Ints(padding);
  }
};

const Case kCases[] = {
    {{2, 13, 3}, {3}, {2}, {0, 0}},
    {{3, 40, 17}, {2}, {2}, {0, 0}},
    {{1, 9, 5}, {4}, {1}, {2, 1}},
    {{2, 8, 8, 16}, {2, 2}, {2, 2}, {0, 0, 0, 0}},
    {{2, 7, 9, 33}, {2, 2}, {2, 2}, {0, 1, 0, 1}},
    // One long image, cut into parts across windows; and with a rest that no
    // window reaches.
    {{1, 40, 6, 19}, {2, 2}, {2, 2}, {1, 1, 0, 0}},
    {{1, 41, 5, 16}, {2, 2}, {3, 2}, {0, 0, 0, 0}},
    {{3, 11, 10, 4}, {3, 3}, {2, 2}, {1, 1, 0, 1}},
    {{1, 14, 15, 20}, {3, 2}, {1, 1}, {1, 1, 0, 1}},
    {{1, 30, 6, 1}, {5, 3}, {3, 4}, {2, 2, 1, 1}},
    {{5, 4, 4, 9}, {4, 4}, {1, 1}, {0, 0, 0, 0}},
    {{2, 6, 6, 7}, {1, 1}, {3, 2}, {0, 0, 0, 0}},
    {{2, 5, 6, 7, 6}, {2, 3, 2}, {2, 1, 2}, {0, 1, 1, 1, 0, 1}},
    {{1, 1, 8, 3, 18}, {1, 2, 3}, {1, 2, 1}, {0, 0, 0, 0, 1, 1}},
    {{0, 4, 4, 2}, {2, 2}, {2, 2}, {0, 0, 0, 0}},
};

// body(number of the output pixel, input pixels of its window) with pixels
// counted over batch and spatial axes.
template <class Body>
void ForEachWindow(const Case& c, const Body& body) {
  const Shape y = c.y();
  const size_t rank = c.rank();
  const int64_t channels = c.x.back();
  const int64_t outputs = SizeOf(y) / channels;
  int64_t taps = 1;
  for (int32_t w : c.window) taps *= w;
  for (int64_t o = 0; o < outputs; o++) {
    std::vector<int64_t> pixels;
    for (int64_t t = 0; t < taps; t++) {
      int64_t rest_o = o, rest_t = t, pixel = 0, stride = 1;
      bool inside = true;
      for (size_t i = rank; i-- > 0;) {
        const int64_t at = rest_o % y[1 + i] * c.strides[i] +
                           rest_t % c.window[i] - c.padding[2 * i];
        rest_o /= y[1 + i];
        rest_t /= c.window[i];
        inside &= at >= 0 && at < c.x[1 + i];
        pixel += at * stride;
        stride *= c.x[1 + i];
      }
      if (inside) pixels.push_back(rest_o * stride + pixel);
    }
    body(o, pixels);
  }
}

// The first of the largest; NaN is larger than all.
int64_t Argmax(const Array& x, const std::vector<int64_t>& pixels,
               int64_t channel) {
  const int64_t channels = x.shape().back();
  int64_t best = pixels[0];
  for (int64_t pixel : pixels) {
    const double v = x[pixel * channels + channel];
    const double top = x[best * channels + channel];
    if (v > top || (std::isnan(v) && !std::isnan(top))) best = pixel;
  }
  return best;
}

void Compare(const char* op, const Case& c, Isa isa, const Array& out,
             const std::vector<double>& expected, double bound) {
  for (int64_t i = 0; i < out.size(); i++) {
    const double e = expected[i];
    const bool same =
        std::isnan(e)
            ? std::isnan(out[i])
            : out[i] == e || std::fabs(out[i] - e) <= bound * (1 + std::fabs(e));
    if (same) continue;
    Fail(__FILE__, __LINE__, "%s %s of %s, %s: [%lld] is %g, not %g",
         NameOf(out.dtype()), op, TextOf(c.x).c_str(), IsaName(isa),
         static_cast<long long>(i), out[i], e);
    break;
  }
}

void CheckPooling(const Case& c, DType dtype, bool not_finite) {
  const Shape y = c.y();
  const int64_t channels = c.x.back();
  Array x = std::move(Array(dtype, c.x).Fill(7));
  // Few values, so that windows hold equal ones.
  for (int64_t i = 0; i < x.size(); i++) x.Set(i, std::floor(x[i] * 4));
  if (not_finite) {
    for (int64_t i = 0; i < x.size(); i += 3) x.Set(i, i % 2 ? NAN : -INFINITY);
  }
  const Array dy = std::move(Array(dtype, y).Fill(8));
  std::vector<double> top(SizeOf(y)), where(SizeOf(y)), mean(SizeOf(y));
  std::vector<double> dtop(x.size()), dmean(x.size());
  const int64_t per_image = c.x[0] > 0 ? x.size() / channels / c.x[0] : 1;
  ForEachWindow(c, [&](int64_t o, const std::vector<int64_t>& pixels) {
    for (int64_t k = 0; k < channels; k++) {
      const int64_t i = o * channels + k;
      const int64_t best = Argmax(x, pixels, k);
      top[i] = x[best * channels + k];
      where[i] = static_cast<double>(best % per_image);
      dtop[best * channels + k] += dy[i];
      const double count = static_cast<double>(pixels.size());
      for (int64_t pixel : pixels) {
        mean[i] += x[pixel * channels + k] / count;
        dmean[pixel * channels + k] += dy[i] / count;
      }
    }
  });
  const double bound = (ItemSize(dtype) == 2 ? 1 : 20) * Epsilon(dtype);
  const auto check = [&](const char* op, std::initializer_list<const Array*> in,
                         DType out, const Shape& shape, const Words& words,
                         const std::vector<double>& expected, double limit) {
    ForEachIsaAndThreads(op, in, out, shape, words,
                         [&](Isa isa, const Array& result) {
                           Compare(op, c, isa, result, expected, limit);
                         });
  };
  check("max_pool", {&x}, dtype, y, c.words(), top, 0);
  check("max_pool_argmax", {&x}, DType::kInt32, y, c.words(), where, 0);
  check("max_pool_backward", {&x, &dy}, dtype, c.x, c.words(), dtop, bound);
  if (not_finite) return;
  check("average_pool", {&x}, dtype, y, c.words(), mean, bound);
  check("average_pool_backward", {&dy}, dtype, c.x, c.words().Ints(c.x), dmean,
        bound);
}

TEST(pool_windows) {
  for (const Case& c : kCases) {
    for (DType dtype : {DType::kFloat32, DType::kFloat64, DType::kFloat16,
                        DType::kBFloat16}) {
      CheckPooling(c, dtype, false);
    }
  }
}

TEST(pool_not_finite) {
  for (const Case& c : kCases) {
    for (DType dtype : {DType::kFloat32, DType::kFloat64, DType::kBFloat16}) {
      CheckPooling(c, dtype, true);
    }
  }
}

}  // namespace
}  // namespace keratin::test
