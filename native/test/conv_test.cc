#include "kernels.h"

namespace keratin::test {
namespace {

struct Case {
  Shape x;       // [N, spatial, C]
  Shape window;  // spatial
  int64_t filters;
  std::vector<int32_t> strides, dilation, padding;
  int32_t groups;

  size_t rank() const { return window.size(); }
  Shape y() const {
    Shape shape = x;
    for (size_t i = 0; i < rank(); i++) {
      const int64_t extent = (window[i] - 1) * dilation[i] + 1;
      const int64_t padded = x[1 + i] + padding[2 * i] + padding[2 * i + 1];
      shape[1 + i] = (padded - extent) / strides[i] + 1;
    }
    shape.back() = filters;
    return shape;
  }
  Shape kernel() const {
    Shape shape = window;
    shape.push_back(x.back() / groups);
    shape.push_back(filters);
    return shape;
  }
  Words words() const {
    return Words().Ints(strides).Ints(padding).Ints(dilation).Int(groups);
  }
  std::string text() const {
    const auto shape = [](const std::vector<int32_t>& values) {
      return TextOf(Shape(values.begin(), values.end()));
    };
    std::string s = TextOf(x);
    s.append(" * ").append(TextOf(kernel()));
    s.append(" strides ").append(shape(strides));
    s.append(" dilation ").append(shape(dilation));
    s.append(" padding ").append(shape(padding));
    s.append(" groups ").append(std::to_string(groups));
    return s;
  }
};

// A square case.
Case Square(Shape x, int64_t window, int64_t filters, int32_t stride,
            int32_t dilation, int32_t low, int32_t high, int32_t groups) {
  const size_t rank = x.size() - 2;
  Case c;
  c.x = std::move(x);
  c.window.assign(rank, window);
  c.filters = filters;
  c.strides.assign(rank, stride);
  c.dilation.assign(rank, dilation);
  for (size_t i = 0; i < rank; i++) {
    c.padding.push_back(low);
    c.padding.push_back(high);
  }
  c.groups = groups;
  return c;
}

// body(pixel of y, pixel of x, tap), all counted in row-major order.
template <class Body>
void ForEachPair(const Case& c, const Body& body) {
  const Shape y = c.y();
  const int64_t taps = SizeOf(c.window);
  const int64_t pixels = SizeOf(Shape(y.begin(), y.end() - 1));
  for (int64_t o = 0; o < pixels; o++) {
    for (int64_t t = 0; t < taps; t++) {
      int64_t rest_o = o, rest_t = t, pixel = 0, stride = 1;
      bool inside = true;
      for (size_t i = c.rank(); i-- > 0;) {
        const int64_t at = rest_o % y[1 + i] * c.strides[i] +
                           rest_t % c.window[i] * c.dilation[i] -
                           c.padding[2 * i];
        rest_o /= y[1 + i];
        rest_t /= c.window[i];
        inside &= at >= 0 && at < c.x[1 + i];
        pixel += at * stride;
        stride *= c.x[1 + i];
      }
      if (inside) body(o, rest_o * stride + pixel, t);
    }
  }
}

// What each result should be and the sum of the magnitudes of its terms.
struct Sums {
  explicit Sums(const Shape& shape) : shape(shape) {
    value.assign(static_cast<size_t>(SizeOf(shape)), 0);
    size = terms = value;
  }
  void Add(int64_t i, double term) {
    value[i] += term;
    size[i] += std::fabs(term);
    terms[i]++;
  }
  Shape shape;
  std::vector<double> value, size, terms;
};

void CheckConv(const Case& c, DType dtype) {
  const Shape shape_y = c.y();
  const Array x = std::move(Array(dtype, c.x).Fill(1));
  const Array w = std::move(Array(dtype, c.kernel()).Fill(2));
  const Array dy = std::move(Array(dtype, shape_y).Fill(3));
  Sums y(shape_y), dx(c.x), dw(c.kernel());
  const int64_t channels = c.x.back(), filters = c.filters;
  const int64_t in = channels / c.groups, out = filters / c.groups;
  std::vector<double> vx, vw, vdy;
  for (int64_t i = 0; i < x.size(); i++) vx.push_back(x[i]);
  for (int64_t i = 0; i < w.size(); i++) vw.push_back(w[i]);
  for (int64_t i = 0; i < dy.size(); i++) vdy.push_back(dy[i]);
  ForEachPair(c, [&](int64_t o, int64_t pixel, int64_t t) {
    for (int64_t g = 0; g < c.groups; g++) {
      for (int64_t i = 0; i < in; i++) {
        for (int64_t j = 0; j < out; j++) {
          const int64_t ix = pixel * channels + g * in + i;
          const int64_t iw = (t * in + i) * filters + g * out + j;
          const int64_t iy = o * filters + g * out + j;
          y.Add(iy, vx[ix] * vw[iw]);
          dx.Add(ix, vdy[iy] * vw[iw]);
          dw.Add(iw, vx[ix] * vdy[iy]);
        }
      }
    }
  });
  const bool half = ItemSize(dtype) == 2;
  const double eps = Epsilon(half ? DType::kFloat32 : dtype);
  const auto check = [&](const char* op, std::initializer_list<const Array*> in,
                         const Words& words, const Sums& sums) {
    ForEachIsaAndThreads(
        op, in, dtype, sums.shape, words, [&](Isa isa, const Array& result) {
          for (int64_t i = 0; i < result.size(); i++) {
            const double bound =
                (2 + std::sqrt(sums.terms[i])) * eps * sums.size[i] +
                (half ? Epsilon(dtype) * std::fabs(sums.value[i]) : 0);
            if (std::fabs(result[i] - sums.value[i]) <= bound) continue;
            Fail(__FILE__, __LINE__, "%s %s of %s, %s: [%lld] is %g, not %g",
                 NameOf(dtype), op, c.text().c_str(), IsaName(isa),
                 static_cast<long long>(i), result[i], sums.value[i]);
            break;
          }
        });
  };
  check("conv", {&x, &w}, c.words(), y);
  check("conv_input_backward", {&dy, &w}, c.words().Ints(c.x), dx);
  check("conv_kernel_backward", {&x, &dy}, c.words().Ints(c.kernel()), dw);
}

void CheckFloats(const Case& c) {
  CheckConv(c, DType::kFloat32);
  CheckConv(c, DType::kFloat64);
}

// Every combination, on images with odd sides.
TEST(conv_grid) {
  for (int32_t stride : {1, 2, 3}) {
    for (int32_t dilation : {1, 2}) {
      for (int32_t low : {0, 1, 2}) {
        for (int64_t window : {1, 2, 3}) {
          const int32_t high = low == 1 ? 1 : 0;
          CheckConv(Square({2, 11, 6}, window, 5, stride, dilation, low, high, 1),
                    DType::kFloat32);
          CheckConv(Square({2, 9, 11, 4}, window, 6, stride, dilation, low, high, 2),
                    DType::kFloat32);
          CheckConv(Square({1, 9, 7, 9}, window, 9, stride, dilation, low, high, 9),
                    DType::kFloat32);
          CheckConv(Square({2, 7, 9, 3}, window, 20, stride, dilation, low, high, 1),
                    DType::kFloat32);
          CheckConv(Square({1, 5, 6, 7, 3}, window, 4, stride, dilation, low, high, 1),
                    DType::kFloat64);
        }
      }
    }
  }
}

TEST(conv_types) {
  for (DType dtype : kFloatTypes) {
    CheckConv(Square({2, 10, 13, 5}, 3, 18, 1, 1, 1, 1, 1), dtype);
    CheckConv(Square({2, 10, 13, 5}, 3, 18, 1, 1, 0, 0, 1), dtype);
    CheckConv(Square({3, 9, 8, 12}, 3, 8, 2, 1, 0, 1, 2), dtype);
    CheckConv(Square({2, 9, 8, 17}, 3, 17, 1, 1, 1, 1, 17), dtype);
    CheckConv(Square({2, 9, 8, 17}, 3, 17, 2, 2, 2, 1, 17), dtype);
    CheckConv(Square({2, 6, 7, 10}, 1, 12, 1, 1, 0, 0, 1), dtype);
    CheckConv(Square({2, 6, 7, 10}, 1, 12, 2, 1, 0, 0, 1), dtype);
    CheckConv(Square({2, 40, 3}, 5, 7, 1, 2, 4, 4, 1), dtype);
    CheckConv(Square({1, 5, 6, 5, 4}, 2, 6, 2, 1, 1, 0, 2), dtype);
    // Several filters for each channel.
    CheckConv(Square({2, 7, 6, 5}, 3, 15, 1, 1, 1, 1, 5), dtype);
  }
}

// As layers have them: whole panels and tiles, and their remainders.
TEST(conv_channels) {
  for (const auto& [channels, filters] :
       {std::pair<int64_t, int64_t>{1, 32}, {3, 16}, {16, 16}, {16, 40},
        {33, 31}, {64, 10}}) {
    CheckConv(Square({3, 13, 14, channels}, 3, filters, 1, 1, 0, 0, 1),
              DType::kFloat32);
    CheckConv(Square({2, 16, 15, channels}, 3, filters, 1, 1, 1, 1, 1),
              DType::kFloat32);
    CheckConv(Square({2, 14, 14, channels}, 3, filters, 2, 1, 0, 1, 1),
              DType::kFloat32);
  }
}

// Rows of every way to be cut into pixels at once, kernel rows of more and
// fewer taps than are summed at once.
TEST(conv_depthwise) {
  for (int64_t width : {1, 2, 5, 10, 13, 20, 29}) {
    for (int64_t channels : {3, 16, 37, 70}) {
      for (int32_t stride : {1, 2}) {
        Case c = Square({2, 4, width, channels}, 3, channels, stride, 1, 1, 1,
                        static_cast<int32_t>(channels));
        CheckConv(c, DType::kFloat32);
        c.window = {3, 2};
        CheckConv(c, DType::kFloat32);
        c.window = {2, 1};
        CheckConv(c, DType::kFloat32);
        c.window = {3, 5};
        c.padding = {1, 1, 2, 2};
        CheckConv(c, DType::kFloat32);
        c.dilation = {1, 2};
        c.padding = {0, 1, 4, 4};
        CheckConv(c, DType::kFloat32);
      }
    }
  }
  CheckFloats(Square({1, 3, 40, 33}, 4, 33, 1, 1, 3, 0, 33));
  CheckConv(Square({2, 5, 21, 19}, 3, 19, 1, 1, 1, 1, 19), DType::kFloat16);
}

// Images of a few pixels, where a tile's rows are images.
TEST(conv_tiny_images) {
  for (int64_t side : {1, 2, 3}) {
    for (int64_t batch : {1, 5, 29}) {
      CheckFloats(Square({batch, side, side, 20}, 3, 24, 1, 1, 1, 1, 1));
      CheckFloats(Square({batch, 2 * side, 2 * side, 7}, 3, 9, 2, 1, 0, 1, 1));
      CheckConv(Square({batch, side, side, 9}, 3, 5, 1, 1, 1, 1, 1),
                DType::kBFloat16);
      CheckConv(Square({batch, 5, side, 6}, 2, 8, 1, 2, 2, 2, 1),
                DType::kFloat32);
    }
  }
  // The window covers the image.
  CheckFloats(Square({7, 5, 5, 6}, 5, 11, 1, 1, 0, 0, 1));
  CheckFloats(Square({40, 3, 4, 5, 6}, 3, 11, 1, 1, 0, 0, 1));
}

// Rows whose ends are cut off: of one image and several, with taps of which
// none, some or all lie within, in every place of the window.
TEST(conv_row_ends) {
  for (int64_t batch : {1, 3, 9}) {
    CheckConv(Square({batch, 9, 13, 5}, 3, 7, 1, 1, 2, 2, 1), DType::kFloat32);
    CheckConv(Square({batch, 6, 8, 33}, 3, 18, 1, 1, 1, 1, 1), DType::kFloat32);
    CheckConv(Square({batch, 11, 15, 3}, 5, 17, 1, 1, 0, 4, 1),
              DType::kFloat32);
    CheckConv(Square({batch, 17, 23, 4}, 3, 6, 2, 1, 1, 1, 1), DType::kFloat32);
    CheckConv(Square({batch, 12, 19, 4}, 3, 9, 1, 3, 3, 3, 1), DType::kFloat32);
  }
  CheckFloats(Square({2, 9, 10, 3}, 2, 4, 1, 1, 3, 3, 1));
  CheckFloats(Square({2, 3, 7, 9, 3}, 3, 4, 1, 1, 1, 1, 1));
  CheckFloats(Square({1, 70, 21, 64}, 3, 5, 1, 1, 1, 1, 1));
}

// Sums beyond the length of one run, long rows, wide strides, empty parts.
TEST(conv_extremes) {
  CheckFloats(Square({1, 6, 7, 200}, 3, 17, 1, 1, 1, 1, 1));
  CheckFloats(Square({2, 700, 2}, 9, 8, 1, 1, 4, 4, 1));
  CheckFloats(Square({1, 1500, 1}, 40, 3, 5, 1, 0, 0, 1));
  CheckFloats(Square({1, 3, 900, 2}, 3, 4, 1, 1, 1, 1, 1));
  CheckFloats(Square({2, 9, 9, 3}, 2, 4, 4, 1, 0, 0, 1));
  CheckFloats(Square({2, 3, 3, 4}, 5, 6, 1, 1, 6, 6, 1));
  CheckFloats(Square({1, 1, 1, 4}, 5, 6, 7, 1, 6, 0, 1));
  CheckFloats(Square({1, 4, 4, 4}, 3, 6, 1, 3, 3, 3, 1));
  CheckFloats(Square({0, 4, 4, 4}, 3, 6, 1, 1, 0, 0, 1));
  CheckFloats(Square({2, 4, 4, 0}, 3, 6, 1, 1, 0, 0, 1));
  CheckFloats(Square({2, 4, 4, 3}, 3, 0, 1, 1, 0, 0, 1));
}

// <conv(x, w), dy> = <x, input_backward(dy, w)> = <w, kernel_backward(x, dy)>
TEST(conv_adjoint) {
  const auto dot = [](const Array& a, const Array& b) {
    double sum = 0;
    for (int64_t i = 0; i < a.size(); i++) sum += a[i] * b[i];
    return sum;
  };
  for (int32_t stride : {1, 2, 3}) {
    for (int32_t dilation : {1, 2, 3}) {
      for (int32_t groups : {1, 2, 6}) {
        const Case c =
            Square({3, 17, 19, 6}, 3, 12, stride, dilation, 2, 1, groups);
        const Array x = std::move(Array(DType::kFloat64, c.x).Fill(4));
        const Array w = std::move(Array(DType::kFloat64, c.kernel()).Fill(5));
        const Array dy = std::move(Array(DType::kFloat64, c.y()).Fill(6));
        ForEachIsa([&](Isa isa) {
          Array y(DType::kFloat64, c.y()), dx(DType::kFloat64, c.x),
              dw(DType::kFloat64, c.kernel());
          Run(isa, "conv", {&x, &w}, {&y}, c.words());
          Run(isa, "conv_input_backward", {&dy, &w}, {&dx},
              c.words().Ints(c.x));
          Run(isa, "conv_kernel_backward", {&x, &dy}, {&dw},
              c.words().Ints(c.kernel()));
          const double forward = dot(y, dy);
          CHECK(std::fabs(forward - dot(x, dx)) < 1e-10);
          CHECK(std::fabs(forward - dot(w, dw)) < 1e-10);
        });
      }
    }
  }
}

}  // namespace
}  // namespace keratin::test
