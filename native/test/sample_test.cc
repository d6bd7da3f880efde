// Images sampled between their pixels, and the gradients of it.
#include "kernels.h"

namespace keratin::test {
namespace {

enum Mode { kConstant, kNearest, kWrap, kMirror, kReflect };

// Step by step instead of by remainders. -1: outside.
int64_t PixelOf(Mode mode, int64_t i, int64_t size) {
  while (i < 0 || i >= size) {
    switch (mode) {
      case kConstant:
        return -1;
      case kNearest:
        return i < 0 ? 0 : size - 1;
      case kWrap:
        i += i < 0 ? size : -size;
        break;
      case kMirror:
        if (size == 1) return 0;
        i = i < 0 ? -i : 2 * (size - 1) - i;
        break;
      case kReflect:
        i = i < 0 ? -1 - i : 2 * size - 1 - i;
        break;
    }
  }
  return i;
}

struct Case {
  Shape x;  // [B, spatial, C]
  int64_t points;

  int rank() const { return static_cast<int>(x.size()) - 2; }
  int64_t channels() const { return x.back(); }
  Shape coordinates() const { return {x[0], rank(), points}; }
  Shape y() const { return {x[0], points, channels()}; }
};

const Case kCases[] = {{{1, 5, 1}, 9},     {{2, 1, 3}, 7},        {{2, 4, 6, 3}, 20},
                       {{1, 7, 1, 33}, 5}, {{3, 3, 4, 2, 5}, 11}, {{0, 4, 1}, 3},
                       {{2, 4, 4, 0}, 3},  {{2, 4, 4, 2}, 0},     {{1, 30, 20, 4}, 400}};

// Of one point: body(flat pixel or -1, weight, derivatives of the weight along
// each axis) for every corner.
template <class Body>
void ForEachCorner(const Case& c, Mode mode, int order, const Array& at, int64_t b, int64_t p,
                   const Body& body) {
  for (int corner = 0; corner < (order == 0 ? 1 : 1 << c.rank()); corner++) {
    int64_t pixel = 0;
    double weight = 1;
    std::vector<double> slopes(static_cast<size_t>(c.rank()), 1);
    for (int axis = 0; axis < c.rank(); axis++) {
      const double x = at[(b * c.rank() + axis) * c.points + p];
      const int64_t size = c.x[1 + axis];
      const int upper = (corner >> axis) & 1;
      const auto first = static_cast<int64_t>(order == 0 ? std::round(x) : std::floor(x));
      const int64_t place = PixelOf(mode, first + upper, size);
      pixel = pixel < 0 || place < 0 ? -1 : pixel * size + place;
      const double part = x - std::floor(x);
      const double own = order == 0 ? 1 : upper ? part : 1 - part;
      weight *= own;
      for (int k = 0; k < c.rank(); k++) {
        slopes[k] *= k != axis ? own : order == 0 ? 0 : upper ? 1 : -1;
      }
    }
    body(pixel, weight, slopes);
  }
}

void CheckSample(const Case& c, DType dtype, Mode mode, int order) {
  const Array x = std::move(Array(dtype, c.x).Fill(121));
  const Array dy = std::move(Array(dtype, c.y()).Fill(122));
  Array at = std::move(Array(dtype, c.coordinates()).Fill(123));
  // Whole numbers, halves and far outside among them.
  for (int64_t i = 0; i < at.size(); i++) {
    const double scaled = 2 + at[i] * (i % 5 == 4 ? 40 : 4);
    at.Set(i, i % 3 == 0 ? std::round(2 * scaled) / 2 : scaled);
  }
  const double value = 0.75;
  int64_t pixels = 1;
  for (int i = 0; i < c.rank(); i++) pixels *= c.x[1 + i];
  std::vector<double> y(static_cast<size_t>(dy.size())), dx(static_cast<size_t>(x.size()));
  std::vector<double> dat(static_cast<size_t>(at.size()));
  for (int64_t b = 0; b < c.x[0]; b++) {
    for (int64_t p = 0; p < c.points; p++) {
      ForEachCorner(c, mode, order, at, b, p,
                    [&](int64_t pixel, double weight, const std::vector<double>& slopes) {
        for (int64_t k = 0; k < c.channels(); k++) {
          const int64_t out = (b * c.points + p) * c.channels() + k;
          const int64_t in = (b * pixels + pixel) * c.channels() + k;
          const double pixel_value = pixel < 0 ? value : x[in];
          y[out] += weight * pixel_value;
          if (pixel >= 0) dx[in] += weight * dy[out];
          for (int axis = 0; axis < c.rank(); axis++) {
            dat[(b * c.rank() + axis) * c.points + p] += slopes[axis] * pixel_value * dy[out];
          }
        }
      });
    }
  }
  const Words words = std::move(Words().Int(order).Int(mode).Float(value));
  // Coordinates up to 42 lose digits as their floor is taken off.
  const double eps = Epsilon(dtype) * 400;
  const auto bound = [&](int64_t terms) {
    return [=](int64_t) { return eps * static_cast<double>(terms + 1); };
  };
  ForEachIsaAndThreads("sample", {&x, &at}, dtype, c.y(), words,
                       [&](Isa isa, const Array& out) {
                         CheckNear("sample", isa, out, y, bound(0));
                       });
  Words with_shape = words;
  with_shape.Ints(c.x);
  ForEachIsaAndThreads("sample_image_backward", {&dy, &at}, dtype, c.x, with_shape,
                       [&](Isa isa, const Array& out) {
                         CheckNear("sample_image_backward", isa, out, dx, bound(c.points / 4));
                       });
  ForEachIsaAndThreads(
      "sample_coordinates_backward", {&x, &at, &dy}, dtype, c.coordinates(), words,
      [&](Isa isa, const Array& out) {
        CheckNear("sample_coordinates_backward", isa, out, dat, bound(c.channels()));
      });
}

TEST(sample_modes) {
  for (DType dtype : kWideTypes) {
    for (Mode mode : {kConstant, kNearest, kWrap, kMirror, kReflect}) {
      for (int order : {0, 1}) {
        for (const Case& c : kCases) CheckSample(c, dtype, mode, order);
      }
    }
  }
}

// Coordinates that are no numbers, and that no integer holds.
TEST(sample_hostile) {
  for (DType dtype : kWideTypes) {
    const double hostile[] = {NAN, INFINITY, -INFINITY, 1e30, -1e30, 3e9, -3e9, -0.0};
    const Array x = std::move(Array(dtype, {1, 3, 4, 2}).Fill(124));
    const Array dy = std::move(Array(dtype, {1, 64, 2}).Fill(125));
    Array at(dtype, {1, 2, 64});
    for (int64_t i = 0; i < 64; i++) {
      at.Set(i, hostile[i % 8]);
      at.Set(64 + i, hostile[i / 8]);
    }
    for (Mode mode : {kConstant, kNearest, kWrap, kMirror, kReflect}) {
      for (int order : {0, 1}) {
        const Words words = std::move(Words().Int(order).Int(mode).Float(0.5));
        Words with_shape = words;
        with_shape.Ints(x.shape());
        ForEachIsaAndThreads("sample", {&x, &at}, dtype, dy.shape(), words,
                             [&](Isa, const Array& out) {
                               // The last point is the first pixel.
                               CHECK(out[63 * 2] == x[0] && out[63 * 2 + 1] == x[1]);
                             });
        const auto any = [](Isa, const Array&) {};
        ForEachIsaAndThreads("sample_image_backward", {&dy, &at}, dtype, x.shape(), with_shape,
                             any);
        ForEachIsaAndThreads("sample_coordinates_backward", {&x, &at, &dy}, dtype, at.shape(),
                             words, any);
      }
    }
  }
}

}  // namespace
}  // namespace keratin::test
