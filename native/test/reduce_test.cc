// Reductions, extremes and running sums.
#include <algorithm>

#include "kernels.h"

namespace keratin::test {
namespace {

bool IsFloat(DType dtype) { return Mask(dtype) & kFloats; }

// Whether b goes before a: NaN before all, else the larger (smaller) one.
bool Beats(const Array& x, int64_t b, int64_t a, bool max) {
  if (IsFloat(x.dtype())) {
    if (std::isnan(x[a])) return false;
    return std::isnan(x[b]) || (max ? x[b] > x[a] : x[b] < x[a]);
  }
  const int64_t p = x.Integer(a), q = x.Integer(b);
  if (x.dtype() == DType::kUInt64) {
    const auto u = static_cast<uint64_t>(p), v = static_cast<uint64_t>(q);
    return max ? v > u : v < u;
  }
  return max ? q > p : q < p;
}

struct Case {
  Shape shape;
  std::vector<int32_t> axes;
};

const Case kCases[] = {
    {{}, {}},
    {{7}, {0}},
    {{3, 5}, {}},
    {{3, 5}, {0}},
    {{3, 5}, {1}},
    {{5, 1, 3}, {1}},
    {{2, 3, 4, 5}, {1}},
    {{2, 3, 4, 5}, {2, 3}},
    {{2, 3, 4, 5}, {0, 2}},
    {{2, 3, 4, 5}, {3, 1}},
    {{2, 3, 4, 5}, {0, 1, 2, 3}},
    {{3, 67, 33}, {1}},
    {{0, 3}, {1}},
    {{3, 4, 0}, {0}},
    {{3, 1, 2, 1, 2, 1, 2, 1, 1, 2, 1, 3}, {0, 2, 4, 11}},  // as many as there may be
};
const Case kLargeCases[] = {{{600, 70}, {0}},     // more rows than are added in turn
                            {{260, 1030}, {0}},   // panels of columns
                            {{2, 4500}, {1}},     // leaves of 2048 in pairs
                            {{70001}, {0}},       // chunks for threads
                            {{9001, 10}, {0}},    // short rows, several at once
                            {{40003, 3}, {0}},
                            {{2, 5000, 24}, {1}},
                            {{300, 150}, {1}}};
constexpr DType kLargeTypes[] = {DType::kFloat32, DType::kBFloat16, DType::kInt8};

// Nothing is left to reduce.
const Case kEmptyCases[] = {{{0}, {0}}, {{3, 0}, {1}}, {{0, 3}, {0}}, {{2, 0, 3}, {0, 1}}};

// The output's shape with kept axes, and where each element of x goes.
struct Places {
  Shape shape;
  std::vector<int64_t> to;
};

Places PlacesOf(const Case& c) {
  Places p;
  const auto reduced = [&](size_t axis) {
    return std::find(c.axes.begin(), c.axes.end(), axis) != c.axes.end();
  };
  for (size_t i = 0; i < c.shape.size(); i++) {
    p.shape.push_back(reduced(i) ? 1 : c.shape[i]);
  }
  for (int64_t i = 0; i < SizeOf(c.shape); i++) {
    int64_t rest = i, at = 0, stride = 1;
    for (size_t axis = c.shape.size(); axis-- > 0;) {
      if (!reduced(axis)) at += rest % c.shape[axis] * stride;
      rest /= c.shape[axis];
      stride *= p.shape[axis];
    }
    p.to.push_back(at);
  }
  return p;
}

void CheckTotals(const Case& c, DType dtype, bool product) {
  const Places p = PlacesOf(c);
  Array x = std::move(Array(dtype, c.shape).Fill(71));
  for (int64_t i = 0; product && IsFloat(dtype) && i < x.size(); i++) {
    x.Set(i, x[i] + (x[i] < 0 ? -0.5 : 0.5));
  }
  const size_t size = static_cast<size_t>(SizeOf(p.shape));
  std::vector<double> totals(size, product ? 1 : 0), sizes(size), counts(size);
  std::vector<uint64_t> wrapped(size, product ? 1 : 0);
  for (int64_t i = 0; i < x.size(); i++) {
    const size_t to = static_cast<size_t>(p.to[i]);
    totals[to] = product ? totals[to] * x[i] : totals[to] + x[i];
    sizes[to] += std::fabs(x[i]);
    counts[to]++;
    const auto bits = static_cast<uint64_t>(IsFloat(dtype) ? 0 : x.Integer(i));
    wrapped[to] = product ? wrapped[to] * bits : wrapped[to] + bits;
  }
  const double inside = Epsilon(ItemSize(dtype) == 2 ? DType::kFloat32 : dtype);
  ForEachIsaAndThreads(
      product ? "prod" : "sum", {&x}, dtype, p.shape, Words().Ints(c.axes).Int(1),
      [&](Isa isa, const Array& out) {
        if (!IsFloat(dtype)) {
          Array expected(dtype, p.shape);
          for (size_t i = 0; i < size; i++) {
            expected.SetInteger(static_cast<int64_t>(i), static_cast<int64_t>(wrapped[i]));
          }
          return CheckSame(product ? "prod" : "sum", isa, out, expected);
        }
        const double least = dtype == DType::kFloat16 ? 6e-8 : 1e-37;
        CheckNear(product ? "prod" : "sum", isa, out, totals, [&](int64_t i) {
          const double e = std::fabs(totals[i]);
          return Epsilon(dtype) * e + least +
                 (product ? inside * counts[i] * e
                          : inside * std::min(counts[i], 300.0) * sizes[i]);
        });
      });
}

constexpr DType kNumberTypes[] = {
    DType::kUInt8,  DType::kInt8,    DType::kUInt16,   DType::kInt16,
    DType::kUInt32, DType::kInt32,   DType::kUInt64,   DType::kInt64,
    DType::kFloat16, DType::kBFloat16, DType::kFloat32, DType::kFloat64};

TEST(reduce_totals) {
  for (DType dtype : kNumberTypes) {
    for (bool product : {false, true}) {
      for (const Case& c : kCases) CheckTotals(c, dtype, product);
      for (const Case& c : kEmptyCases) CheckTotals(c, dtype, product);
    }
  }
  for (DType dtype : kLargeTypes) {
    for (const Case& c : kLargeCases) CheckTotals(c, dtype, false);
  }
}

void CheckExtremes(const Case& c, DType dtype) {
  const Places p = PlacesOf(c);
  for (bool not_finite : {false, true}) {
    if (not_finite && !IsFloat(dtype)) continue;
    Array x = std::move(Array(dtype, c.shape).Fill(72));
    for (int64_t i = 0; i < x.size(); i++) {
      if (i % 3 == 2) x.CopyElement(i, x, i / 2);  // equal ones
      if (not_finite && i % 5 == 1) x.Set(i, i % 2 ? -INFINITY : INFINITY);
      if (not_finite && i % 37 == 3) x.Set(i, NAN);
    }
    for (bool max : {false, true}) {
      std::vector<int64_t> best(static_cast<size_t>(SizeOf(p.shape)), -1);
      for (int64_t i = 0; i < x.size(); i++) {
        int64_t& b = best[static_cast<size_t>(p.to[i])];
        if (b < 0 || Beats(x, i, b, max)) b = i;
      }
      Array expected(dtype, p.shape);
      for (int64_t i = 0; i < expected.size(); i++) {
        expected.CopyElement(i, x, best[static_cast<size_t>(i)]);
      }
      const auto check = [&](const char* name) {
        ForEachIsaAndThreads(
            name, {&x}, dtype, p.shape, Words().Ints(c.axes).Int(1),
            [&](Isa isa, const Array& out) {
              if (!IsFloat(dtype)) return CheckSame(name, isa, out, expected);
              std::vector<double> values;
              for (int64_t i = 0; i < out.size(); i++) values.push_back(expected[i]);
              CheckNear(name, isa, out, values, [](int64_t) { return 0; });
            });
      };
      check(max ? "max" : "min");
      if (dtype == DType::kBool) check(max ? "any" : "all");
      if (c.axes.size() != 1) continue;
      const int32_t axis = c.axes[0];
      int64_t inner = 1;
      for (size_t i = static_cast<size_t>(axis) + 1; i < c.shape.size(); i++) {
        inner *= c.shape[i];
      }
      ForEachIsaAndThreads(
          max ? "argmax" : "argmin", {&x}, DType::kInt32, p.shape,
          Words().Int(axis).Int(1), [&](Isa, const Array& out) {
            for (int64_t i = 0; i < out.size(); i++) {
              CHECK(out.Integer(i) ==
                    best[static_cast<size_t>(i)] / inner % c.shape[axis]);
            }
          });
    }
  }
}

TEST(reduce_extremes) {
  for (DType dtype : kEveryType) {
    for (const Case& c : kCases) CheckExtremes(c, dtype);
  }
  for (DType dtype : kLargeTypes) {
    for (const Case& c : kLargeCases) CheckExtremes(c, dtype);
  }
}

TEST(reduce_nothing_of_booleans) {
  for (const Case& c : kEmptyCases) {
    const Places p = PlacesOf(c);
    const Array x(DType::kBool, c.shape);
    for (bool all : {false, true}) {
      ForEachIsaAndThreads(all ? "all" : "any", {&x}, DType::kBool, p.shape,
                           Words().Ints(c.axes).Int(1), [&](Isa, const Array& out) {
                             for (int64_t i = 0; i < out.size(); i++) {
                               CHECK(out.Integer(i) == all);
                             }
                           });
    }
  }
}

TEST(reduce_running) {
  const std::pair<Shape, int> cases[] = {
      {{1}, 0},        {{7}, 0},       {{4, 5}, 0},    {{4, 5}, 1},   {{2, 70, 3}, 1},
      {{30, 1100}, 0}, {{40, 130}, 1}, {{5, 1, 2}, 1}, {{0, 3}, 0},   {{3, 0}, 0},
      {{0}, 0}};
  for (DType dtype : kNumberTypes) {
    const double inside = Epsilon(ItemSize(dtype) == 2 ? DType::kFloat32 : dtype);
    for (const auto& [shape, axis] : cases) {
      const Array x = std::move(Array(dtype, shape).Fill(73));
      const int64_t length = shape[axis];
      int64_t inner = 1;
      for (size_t i = axis + 1; i < shape.size(); i++) inner *= shape[i];
      for (bool product : {false, true}) {
        for (bool reverse : {false, true}) {
          Array wrapped(dtype, shape);
          std::vector<double> totals(static_cast<size_t>(x.size())), sizes(totals.size());
          for (int64_t k = 0; k < x.size(); k++) {
            // In the order of the scan, whatever the axis.
            const int64_t i = reverse ? x.size() - 1 - k : k;
            const int64_t place = i / inner % length;
            const bool first = place == (reverse ? length - 1 : 0);
            const int64_t before = reverse ? i + inner : i - inner;
            const double total = first ? (product ? 1 : 0) : totals[before];
            totals[i] = product ? total * x[i] : total + x[i];
            sizes[i] = (first ? 0 : sizes[before]) + std::fabs(x[i]);
            if (IsFloat(dtype)) continue;
            const auto bits = static_cast<uint64_t>(x.Integer(i));
            const auto kept = static_cast<uint64_t>(first ? (product ? 1 : 0)
                                                          : wrapped.Integer(before));
            wrapped.SetInteger(i, static_cast<int64_t>(product ? kept * bits : kept + bits));
          }
          ForEachIsaAndThreads(
              product ? "cumprod" : "cumsum", {&x}, dtype, shape,
              Words().Int(axis).Int(reverse), [&](Isa isa, const Array& out) {
                if (!IsFloat(dtype)) {
                  return CheckSame("running", isa, out, wrapped);
                }
                const double least = dtype == DType::kFloat16 ? 6e-8 : 1e-37;
                CheckNear(product ? "cumprod" : "cumsum", isa, out, totals, [&](int64_t i) {
                  const double terms = static_cast<double>(length);
                  return Epsilon(dtype) * std::fabs(totals[i]) + least +
                         inside * terms * (product ? std::fabs(totals[i]) : sizes[i]);
                });
              });
        }
      }
    }
  }
}

}  // namespace
}  // namespace keratin::test
