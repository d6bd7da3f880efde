// What only moves elements: the bytes must be those of the right element.
#include <algorithm>

#include "kernels.h"

namespace keratin::test {
namespace {

// One dtype of each width.
constexpr DType kWidths[] = {DType::kBool, DType::kBFloat16, DType::kFloat32, DType::kInt64};

// The position along each axis of element i.
Shape PositionOf(const Shape& shape, int64_t i) {
  Shape position(shape.size());
  for (size_t axis = shape.size(); axis-- > 0;) {
    position[axis] = i % shape[axis];
    i /= shape[axis];
  }
  return position;
}

int64_t IndexOf(const Shape& shape, const Shape& position) {
  int64_t index = 0;
  for (size_t axis = 0; axis < shape.size(); axis++) {
    index = index * shape[axis] + position[axis];
  }
  return index;
}

// source(position in the output) -> position in x.
template <class Source>
void CheckMoved(const char* name, const Shape& from, const Shape& to, const Words& words,
                const Source& source) {
  for (DType dtype : kWidths) {
    const Array x = std::move(Array(dtype, from).Fill(81));
    Array expected(dtype, to);
    for (int64_t i = 0; i < expected.size(); i++) {
      expected.CopyElement(i, x, IndexOf(from, source(PositionOf(to, i))));
    }
    ForEachIsaAndThreads(name, {&x}, dtype, to, words, [&](Isa isa, const Array& out) {
      if (out.SameBits(expected)) return;
      Fail(__FILE__, __LINE__, "%s %s of %s to %s, %s", NameOf(dtype), name,
           TextOf(from).c_str(), TextOf(to).c_str(), IsaName(isa));
    });
  }
}

TEST(movement_broadcast_to) {
  const std::pair<Shape, Shape> cases[] = {
      {{}, {}},         {{}, {7}},           {{1}, {1}},       {{1}, {70}},
      {{5}, {3, 5}},    {{5, 1}, {5, 9}},    {{1, 5}, {4, 5}}, {{3, 1, 4}, {2, 3, 5, 4}},
      {{1, 3, 1}, {2, 3, 2}}, {{2, 1}, {2, 0}}, {{1}, {0}},    {{0}, {2, 0}},
      {{1, 1}, {60, 700}}, {{33, 1}, {33, 1300}}, {{1, 1, 3}, {20, 90, 3}}};
  for (const auto& [from, to] : cases) {
    const Shape& own = from;
    CheckMoved("broadcast_to", from, to, Words().Ints(to), [&](const Shape& p) {
      Shape q(p.end() - static_cast<int64_t>(own.size()), p.end());
      for (size_t i = 0; i < q.size(); i++) q[i] = own[i] == 1 ? 0 : q[i];
      return q;
    });
  }
}

TEST(movement_transpose) {
  const std::pair<Shape, std::vector<int32_t>> cases[] = {
      {{}, {}},
      {{5}, {0}},
      {{3, 4}, {1, 0}},
      {{3, 4}, {0, 1}},
      {{1, 7}, {1, 0}},
      {{16, 16}, {1, 0}},       // exactly a tile
      {{33, 70}, {1, 0}},
      {{2, 17, 19}, {0, 2, 1}},
      {{2, 3, 4}, {2, 0, 1}},
      {{2, 3, 4}, {2, 1, 0}},
      {{2, 3, 4, 5}, {0, 2, 1, 3}},
      {{2, 1, 3, 1, 4}, {4, 3, 0, 1, 2}},
      {{0, 3}, {1, 0}},
      {{90, 110, 3}, {1, 0, 2}},
      {{2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 3}, {11, 9, 7, 5, 3, 1, 0, 2, 4, 6, 8, 10}}};
  for (const auto& [from, axes] : cases) {
    Shape to;
    for (int32_t axis : axes) to.push_back(from[axis]);
    const std::vector<int32_t>& order = axes;
    CheckMoved("transpose", from, to, Words().Ints(axes), [&](const Shape& p) {
      Shape q(p.size());
      for (size_t i = 0; i < p.size(); i++) q[order[i]] = p[i];
      return q;
    });
  }
}

TEST(movement_slice) {
  struct Case {
    Shape from;
    std::vector<int32_t> starts, limits, strides;
  };
  const Case cases[] = {{{}, {}, {}, {}},
                        {{9}, {2}, {7}, {1}},
                        {{9}, {0}, {9}, {4}},
                        {{9}, {8}, {9}, {3}},
                        {{9}, {4}, {4}, {1}},
                        {{5, 6}, {1, 0}, {4, 6}, {1, 1}},
                        {{5, 6}, {0, 5}, {5, 6}, {2, 1}},
                        {{5, 6}, {1, 1}, {5, 6}, {3, 2}},
                        {{0, 6}, {0, 1}, {0, 6}, {1, 2}},
                        {{4, 3, 70}, {1, 0, 3}, {4, 3, 70}, {2, 2, 1}},
                        {{200, 300}, {3, 1}, {197, 299}, {1, 2}}};
  for (const Case& c : cases) {
    Shape to;
    for (size_t i = 0; i < c.from.size(); i++) {
      to.push_back((c.limits[i] - c.starts[i] + c.strides[i] - 1) / c.strides[i]);
    }
    CheckMoved("slice", c.from, to, Words().Ints(c.starts).Ints(c.limits).Ints(c.strides),
               [&](Shape p) {
                 for (size_t i = 0; i < p.size(); i++) p[i] = c.starts[i] + p[i] * c.strides[i];
                 return p;
               });
  }
}

TEST(movement_flip) {
  const std::pair<Shape, std::vector<int32_t>> cases[] = {
      {{}, {}},           {{1}, {0}},           {{7}, {0}},     {{3, 4}, {0}},
      {{3, 4}, {1}},      {{3, 4}, {0, 1}},     {{3, 4}, {}},   {{2, 3, 70}, {2, 0}},
      {{0, 4}, {0}},      {{4, 0}, {0, 1}},     {{180, 170}, {1}}};
  for (const auto& [shape, axes] : cases) {
    const Shape& own = shape;
    const std::vector<int32_t>& flipped = axes;
    CheckMoved("flip", shape, shape, Words().Ints(axes), [&](Shape p) {
      for (int32_t axis : flipped) p[axis] = own[axis] - 1 - p[axis];
      return p;
    });
  }
}

TEST(movement_pad) {
  struct Case {
    Shape from;
    std::vector<int32_t> low, high, interior;
  };
  const Case cases[] = {{{}, {}, {}, {}},
                        {{4}, {2}, {1}, {0}},
                        {{4}, {2}, {1}, {3}},
                        {{4}, {-1}, {-1}, {0}},
                        {{4}, {-3}, {5}, {2}},
                        {{4}, {-7}, {-2}, {2}},
                        {{4}, {5}, {-7}, {0}},   // the input is cut off whole
                        {{4}, {-6}, {9}, {0}},
                        {{4}, {0}, {0}, {0}},
                        {{0}, {2}, {3}, {0}},
                        {{3, 0}, {1, 2}, {0, 1}, {1, 0}},
                        {{3, 5}, {1, 0}, {0, 2}, {0, 1}},
                        {{3, 5}, {-1, 2}, {2, -3}, {2, 0}},
                        {{2, 3, 4}, {0, 1, -2}, {1, -1, 1}, {0, 2, 1}},
                        {{70, 90}, {3, 1}, {2, 5}, {1, 0}},
                        {{3, 1030}, {2, 0}, {1, 0}, {1, 0}},  // an axis is a row
                        {{3, 1, 1030}, {-1, 2, 0}, {0, 0, 0}, {0, 0, 0}},
                        {{2, 5, 4, 3}, {0, 0, 1, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}};
  for (const Case& c : cases) {
    Shape to;
    for (size_t i = 0; i < c.from.size(); i++) {
      const int64_t between = c.from[i] > 0 ? (c.from[i] - 1) * c.interior[i] : 0;
      to.push_back(std::max<int64_t>(0, c.from[i] + between + c.low[i] + c.high[i]));
    }
    for (DType dtype : kEveryType) {
      for (double value : {1.0, static_cast<double>(NAN)}) {
        const Array x = std::move(Array(dtype, c.from).Fill(82));
        Array expected(dtype, to);
        for (int64_t i = 0; i < expected.size(); i++) {
          Shape p = PositionOf(to, i);
          bool inside = true;
          for (size_t axis = 0; axis < p.size(); axis++) {
            const int64_t step = c.interior[axis] + 1;
            const int64_t at = p[axis] - c.low[axis];
            inside = inside && at >= 0 && at % step == 0 && at / step < c.from[axis];
            p[axis] = at / step;
          }
          // NaN is 0 as an integer and true as a boolean.
          const bool integral = !(Mask(dtype) & kFloats) && std::isnan(value);
          expected.Set(i, integral ? (dtype == DType::kBool ? 1 : 0) : value);
          if (inside) expected.CopyElement(i, x, IndexOf(c.from, p));
        }
        ForEachIsaAndThreads(
            "pad", {&x}, dtype, to,
            Words().Ints(c.low).Ints(c.high).Ints(c.interior).Float(value),
            [&](Isa isa, const Array& out) { CheckSame("pad", isa, out, expected); });
      }
    }
  }
}

TEST(movement_concatenate) {
  struct Case {
    std::vector<Shape> parts;
    int axis;
  };
  const Case cases[] = {{{{3}}, 0},
                        {{{3}, {0}, {4}}, 0},
                        {{{2, 3}, {5, 3}}, 0},
                        {{{2, 3}, {2, 1}, {2, 70}}, 1},
                        {{{2, 3, 2}, {2, 4, 2}, {2, 0, 2}}, 1},
                        {{{0, 3}, {0, 4}}, 1},
                        {{{400, 70}, {400, 33}}, 1}};
  for (const Case& c : cases) {
    for (DType dtype : kWidths) {
      std::vector<Array> parts;
      std::vector<const Array*> inputs;
      Shape to = c.parts[0];
      to[c.axis] = 0;
      for (const Shape& shape : c.parts) {
        parts.push_back(std::move(Array(dtype, shape).Fill(83 + parts.size())));
        to[c.axis] += shape[c.axis];
      }
      for (const Array& part : parts) inputs.push_back(&part);
      Array expected(dtype, to);
      for (int64_t i = 0; i < expected.size(); i++) {
        Shape p = PositionOf(to, i);
        size_t k = 0;
        while (p[c.axis] >= c.parts[k][c.axis]) p[c.axis] -= c.parts[k++][c.axis];
        expected.CopyElement(i, parts[k], IndexOf(c.parts[k], p));
      }
      ForEachIsaAndThreads("concatenate", inputs, dtype, to, Words().Int(c.axis),
                           [&](Isa isa, const Array& out) { CheckSame("concatenate", isa, out, expected); });
    }
  }
}

// What fits a dtype is exact, what does not saturates.
double Saturated(DType dtype, double value) {
  if (Mask(dtype) & kFloats) return value;
  if (dtype == DType::kBool) return value != 0;
  if (std::isnan(value)) return 0;
  const int bits = 8 * ItemSize(dtype);
  const bool is_signed = dtype == DType::kInt8 || dtype == DType::kInt16 ||
                         dtype == DType::kInt32 || dtype == DType::kInt64;
  const double high = std::ldexp(1, is_signed ? bits - 1 : bits);
  const double low = is_signed ? -high : 0;
  return std::trunc(value < low ? low : value >= high ? high - 1 : value);
}

void SetSaturated(Array* x, int64_t i, double value) {
  const double fitting = Saturated(x->dtype(), value);
  // 2^64 - 1 and 2^63 - 1 are no float64.
  if (fitting >= 0x1p63 && x->dtype() == DType::kUInt64) {
    return x->SetInteger(i, fitting >= 0x1p64 ? -1 : static_cast<int64_t>(
                                static_cast<uint64_t>(fitting)));
  }
  if (fitting >= 0x1p63 && x->dtype() == DType::kInt64) return x->SetInteger(i, INT64_MAX);
  x->Set(i, fitting);
}

TEST(movement_full_and_iota) {
  const Shape shapes[] = {{}, {1}, {7}, {3, 5}, {2, 3, 70}, {0}, {4, 0}};
  for (DType dtype : kEveryType) {
    for (const Shape& shape : shapes) {
      for (double value : {0.0, 1.0, -3.0, 2.5, 300.0, -1e6, 1e12, -1e300, 1e300,
                           static_cast<double>(INFINITY), static_cast<double>(NAN)}) {
        Array expected(dtype, shape);
        for (int64_t i = 0; i < expected.size(); i++) SetSaturated(&expected, i, value);
        ForEachIsaAndThreads("full", {}, dtype, shape,
                             Words().Ints(shape).Type(dtype).Float(value),
                             [&](Isa isa, const Array& out) { CheckSame("full", isa, out, expected); });
      }
      for (int axis = 0; axis < static_cast<int>(shape.size()); axis++) {
        for (double step : {1.0, -0.25, 3e18}) {
          Array expected(dtype, shape);
          for (int64_t i = 0; i < expected.size(); i++) {
            const double at = static_cast<double>(PositionOf(shape, i)[axis]);
            SetSaturated(&expected, i, 2 + step * at);
          }
          ForEachIsaAndThreads("iota", {}, dtype, shape,
                               Words().Ints(shape).Type(dtype).Int(axis).Float(2).Float(step),
                               [&](Isa isa, const Array& out) { CheckSame("iota", isa, out, expected); });
        }
      }
    }
  }
}

TEST(movement_full_threads) {
  const Shape shape{201, 401};
  for (DType dtype : kWidths) {
    const auto any = [](Isa, const Array&) {};
    ForEachIsaAndThreads("full", {}, dtype, shape, Words().Ints(shape).Type(dtype).Float(1),
                         any);
    ForEachIsaAndThreads("iota", {}, dtype, shape,
                         Words().Ints(shape).Type(dtype).Int(0).Float(0).Float(1), any);
  }
}

}  // namespace
}  // namespace keratin::test
